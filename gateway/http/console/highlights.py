"""Marks made readable: whole words, neighbours joined, and no mark on a word that says nothing by itself."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from gateway.http.console.marks import Mark

_EMPTY_WORDS: Final = frozenset(
    re.findall(
        r"\S+",
        """a about after all also am an and any are as at be been but by can could did do does for from get go had has
        have he her here him his how i if in into is it its just let me my no not of on one or our out she so some than
        that the their them then there they this to too up us very was we were what when which who will with would you
        your 的 了 是 我 你 他 她 它 们 我们 你们 他们 在 有 和 与 也 都 就 不 这 那 一 个 上 下 很 到 吗 吧 啊 呢""",
    )
)
_UNSPACED: Final = (
    (0x0E00, 0x0EFF),
    (0x1000, 0x109F),
    (0x1780, 0x17FF),
    (0x2E80, 0xA4CF),
    (0xF900, 0xFAFF),
    (0x20000, 0x3FFFF),
)
"""Scripts without spaces between words: Thai, Lao, Burmese, Khmer, Chinese, Japanese and Yi. Marks there stay as they
are."""


def clear(texts: Sequence[str], marks: Mapping[int, Sequence[Mark]]) -> dict[int, list[Mark]]:
    """The marks of a message by part, as people read them; those given first are surest, and stay in front."""
    whole = {part: _whole_words(texts[part], found) for part, found in marks.items() if part < len(texts)}
    telling = {mark.label for part, found in whole.items() for mark in found if not _says_nothing(texts[part], mark)}
    cleared: dict[int, list[Mark]] = {}
    for part, found in whole.items():
        text = texts[part]
        kept = [mark for mark in found if mark.label not in telling or not _says_nothing(text, mark)]
        if kept:
            cleared[part] = _joined(text, kept)
    return cleared


def _whole_words(text: str, marks: Iterable[Mark]) -> list[Mark]:
    inside = [Mark(max(0, mark.start), min(len(text), mark.end), mark.label) for mark in marks]
    return [
        Mark(_begin(text, mark.start), _finish(text, mark.end), mark.label) for mark in inside if mark.start < mark.end
    ]


def _joined(text: str, marks: Sequence[Mark]) -> list[Mark]:
    """Those of one label that overlap, or have nothing but blanks between them, as one."""
    by_label: dict[str, list[Mark]] = {}
    for mark in marks:
        by_label.setdefault(mark.label, []).append(mark)
    return [one for same in by_label.values() for one in _merged(text, sorted(same, key=lambda mark: mark.start))]


def _merged(text: str, marks: Sequence[Mark]) -> list[Mark]:
    found: list[Mark] = []
    for mark in marks:
        last = found[-1] if found else None
        if last is not None and (mark.start <= last.end or not text[last.end : mark.start].strip(" \t")):
            found[-1] = Mark(last.start, max(last.end, mark.end), mark.label)
        else:
            found.append(mark)
    return found


def _begin(text: str, start: int) -> int:
    while start > 0 and _in_word(text[start - 1]) and _in_word(text[start]):
        start -= 1
    return start


def _finish(text: str, end: int) -> int:
    while end < len(text) and _in_word(text[end - 1]) and _in_word(text[end]):
        end += 1
    return end


def _in_word(sign: str) -> bool:
    """Whether a sign is part of a word of a script that has spaces between words."""
    if sign == "_":
        return True
    return unicodedata.category(sign)[0] in "LMN" and not any(low <= ord(sign) <= high for low, high in _UNSPACED)


def _says_nothing(text: str, mark: Mark) -> bool:
    words = text[mark.start : mark.end].casefold().split()
    return all(word.strip(".,;:!?'\"()，。！？；：“”") in _EMPTY_WORDS | {""} for word in words)
