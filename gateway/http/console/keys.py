"""The keys of the console: one key, one meaning, on every page. `texts/keys.yaml` says what each means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

KEYS: Final[Mapping[str, str]] = {
    "release": "a",
    "reject": "r",
    "escalate": "e",
    "undo": "u",
    "take_down": "x",
    "restore": "b",
    "dismiss": "d",
    "unfounded": "m",
    "uphold": "h",
    "reverse": "v",
    "agree": "g",
    "decline": "w",
    "lift": "f",
    "take_next": "t",
    "skip": "s",
    "claim": "c",
    "let_go": "l",
    "open_subject": "o",
    "list": "q",
    "next_page": "n",
}
"""What each key does, by the name that templates call it by. No key stands for two things."""
