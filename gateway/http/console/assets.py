"""The stylesheet, the script and the icon: named by their content, so that browsers keep them for good."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

PREFIX: Final = "/console/static/"
_FILES: Final = Path(__file__).parent / "static"
_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """A file as it is served; ``served`` is its name there."""

    served: str
    content_type: str
    content: bytes


@cache
def _by_name() -> Mapping[str, Asset]:
    found = {}
    for file in sorted(_FILES.iterdir()):
        content = file.read_bytes()
        served = f"{file.stem}.{hashlib.sha256(content).hexdigest()[:16]}{file.suffix}"
        found[file.name] = Asset(served, _TYPES[file.suffix], content)
    return found


def path_of(name: str) -> str:
    """Where a file is served."""
    return PREFIX + _by_name()[name].served


def asset(served: str) -> Asset | None:
    """The file that is served under this name."""
    return next((each for each in _by_name().values() if each.served == served), None)
