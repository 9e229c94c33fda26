"""Readings of Chinese characters without tones, from pypinyin's dictionary; ü is written v, as it is typed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Final

from pypinyin.constants import Style
from pypinyin.pinyin_dict import pinyin_dict
from pypinyin.style import convert

_SPELLED: Final = re.compile("(?:[bpmfdtnlgkhjqxrzcsyw]|[zcs]h)?[aeiouv]{1,3}(?:ng?|r)?")
_BY_HAND: Final = {ord("嗯"): "en"}


def readings() -> Iterator[tuple[int, str]]:
    """Code points with their readings, each character's most usual one first."""
    plain: dict[str, str] = {}
    for code, marked in pinyin_dict.items():
        for reading in marked.split(","):
            if reading not in plain:
                plain[reading] = convert(reading, Style.NORMAL, strict=False).replace("ü", "v")
            if _SPELLED.fullmatch(plain[reading]):
                yield code, plain[reading]


@cache
def usual() -> dict[int, str]:
    """The most usual reading of each character, by code point."""
    found = dict(_BY_HAND)
    for code, reading in readings():
        found.setdefault(code, reading)
    return found
