"""How a Chinese text sounds: syllables without tones, so that a word written with other characters is still heard.

Syllables that many speakers do not tell apart count as one: zh, ch, sh as z, c, s, and final -ng as -n after a, e
and i (wang as wan, sheng as sen, bing as bin). n and l stay apart: merging them joins too many common words (nan,
lan). ü is written v, as it is typed. Readings come from pypinyin's dictionary; of a character with several, the
first, which is the most usual one. Pure.
"""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.normalising.pinyin import readings, usual
from classifiers.normalising.tables import words

Syllables = npt.NDArray[np.uint16]
Positions = npt.NDArray[np.int32]

_LONGEST: Final = 6
"""Letters of the longest syllable."""
_LONGEST_RUN: Final = 48
"""A longer run of Latin letters is no phrase in pinyin."""
_NEAR: Final = 2
_ENOUGH_RUNS: Final = 3
_RUN: Final = re.compile("[a-z]{2,}")
_NO_PINYIN: Final = re.compile("[bcdfhjklmpqstwxyz]$|[bdfhjklmpqtwxy][^aeiouv]|[zcs][^aeiouvh]|^[iuv]")
"""What no syllable ends, goes on or begins with: a quick test that spares most English words the cutting."""
_ENGLISH: Final = frozenset(words("english_as_pinyin.txt"))
"""English words that could be read as pinyin: "women", "change", "like"."""


def _spellings() -> dict[str, str]:
    """Every syllable as it is typed with its merged form."""
    merged = {reading: _merge(reading) for _, reading in readings()}
    return merged | {"lue": merged["lve"], "nue": merged["nve"]}


def _merge(plain: str) -> str:
    first = plain[0] + plain[2:] if plain[:2] in ("zh", "ch", "sh") else plain
    return first[:-1] if first.endswith(("ang", "eng", "ing")) else first


_MERGED: Final = _spellings()

SYLLABLES: Final[tuple[str, ...]] = ("", *sorted(set(_MERGED.values())))
"""Syllables by index. Index 0 is none."""

_INDEX: Final = {syllable: index for index, syllable in enumerate(SYLLABLES)}
_TYPED: Final = {spelling: _INDEX[syllable] for spelling, syllable in _MERGED.items()}


@cache
def table() -> Syllables:
    """The index of the usual syllable of each code point of the BMP; 0 for what is no Chinese character."""
    found = np.zeros(0x10000, np.uint16)
    for code, reading in usual().items():
        if code < len(found):
            found[code] = _TYPED[reading]
    found.setflags(write=False)
    return found


_TABLE: Final = table()


def romanised(run: str) -> tuple[int, ...] | None:
    """The syllables that a run of small Latin letters spells, by index; the fewest that cover the whole of it.

    None if it cannot be cut so, and for English words and what is too short to tell.
    """
    return None if run in _ENGLISH or not 2 <= len(run) <= _LONGEST_RUN else _cut(run)


def sounds(text: str) -> tuple[Syllables, Positions]:
    """The syllables of a view's text, in order, and the position in it where each stands.

    Each Chinese character gives one. A run of Latin letters gives those it spells, at its start, if a Chinese
    character stands within two characters of it, or if the text is in pinyin: at least three of its runs are, and
    no more than a quarter of them cannot be.
    """
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    heard = _TABLE[np.where(codes > 0xFFFF, 0, codes)]
    positions = heard.nonzero()[0]
    syllables = heard[positions]
    spelled = _spelled(text, heard) if _RUN.search(text) else []
    if spelled:
        at = np.array([start for start, cut in spelled for _ in cut], np.int64)
        extra = np.array([index for _, cut in spelled for index in cut], np.uint16)
        positions = np.concatenate((positions, at))
        order = positions.argsort(kind="stable")
        positions, syllables = positions[order], np.concatenate((syllables, extra))[order]
    return syllables, positions.astype(np.int32)


def _spelled(text: str, heard: Syllables) -> list[tuple[int, tuple[int, ...]]]:
    """The runs of Latin letters that are pinyin, each with where it starts."""
    runs = [(match.start(), match[0]) for match in _RUN.finditer(text)]
    if not heard.any():
        certain = sum([romanised(run) is not None for _, run in runs])
        if certain < _ENOUGH_RUNS:
            return []
        cuts = [(start, _cut(run)) for start, run in runs if len(run) <= _LONGEST_RUN]
        found = [(start, cut) for start, cut in cuts if cut]
        return found if 4 * len(found) >= 3 * len(runs) else []
    return [
        (start, cut)
        for start, run in runs
        if heard[max(0, start - _NEAR) : start].any() or heard[start + len(run) : start + len(run) + _NEAR].any()
        if (cut := romanised(run))
    ]


@lru_cache(1 << 14)
def _cut(run: str) -> tuple[int, ...] | None:
    """The syllables of a run; remembered, as most words come again and again."""
    if _NO_PINYIN.search(run):
        return None
    best: list[tuple[int, ...] | None] = [()]
    for end in range(1, len(run) + 1):
        shortest: tuple[int, ...] | None = None
        for start in range(max(0, end - _LONGEST), end):
            before = best[start]
            if before is None or (index := _TYPED.get(run[start:end])) is None:
                continue
            if shortest is None or len(before) + 1 < len(shortest):
                shortest = (*before, index)
        best.append(shortest)
    return best[-1]
