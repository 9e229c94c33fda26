"""The n-grams of a text as hashes with positions: what the linear models look at. Pure, vectorised.

Hashes are polynomial over code points: with ``S[i]`` the sum of ``c[j] * P**j`` for ``j < i`` (modulo 2**64), the hash
of ``text[i:k]`` is ``(S[k] - S[i]) * P**-i``, so every n-gram of a text costs two look-ups (Karp and Rabin 1987). The
kind of an n-gram is mixed in, and the upper bits name its bucket (feature hashing: Weinberger et al. 2009).
"""

from __future__ import annotations

import re
import sys
import unicodedata
from dataclasses import dataclass, replace
from functools import cache
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from classifiers.normalise import WINDOW
from classifiers.sounds import Syllables, sounds

VERSION: Final = "2"
"""Changes whenever the same view may give other n-grams; part of every model's version."""

Hashes = npt.NDArray[np.uint64]
Positions = npt.NDArray[np.int32]

_MOST: Final = 2 * WINDOW
"""A view is seldom longer than its window, and nothing beyond this many characters of it is looked at."""
_BASE: Final = 0x9E3779B97F4A7C15
_BREAK: Final = re.compile("[.!?;\\n。！？；]+[\"')\\]]? *|[,，:：] *(?=[\u3400-\u9fff])")
_NAMES: Final = re.compile("(?:https?://|www\\.)[!-~]+|(?<![a-z0-9])@[a-z0-9_]+|(?<![a-z0-9])rt(?![a-z0-9])")
_JOIN: Final = np.uint64(0xD1342543DE82EF95)
_MIX: Final = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
"""The multipliers of splitmix64 (Steele, Lea and Flood 2014)."""

_SALTS: Final = np.arange(64, dtype=np.uint64) * _JOIN
"""What is mixed into the hash of an n-gram of each kind."""
_PLACES: Final = np.arange(_MOST + 8, dtype=np.int32)

_BLANK, _LETTER, _CHINESE, _SIGN = range(4)


@dataclass(frozen=True, slots=True)
class Grams:
    """The n-grams of one text of ``size`` characters: hash, first character and length of each, repetitions included.

    The text counts as standing between two blanks, so a first character may be -1, and an end one beyond the text.
    ``breaks`` are where sentences begin, in Chinese clauses. ``latin`` and ``syllables`` count its Latin letters and
    its syllables of Chinese (or pinyin); ``chinese`` tells which n-grams have a Chinese character in them or are of
    syllables.
    """

    size: int
    breaks: tuple[int, ...]
    latin: int
    syllables: int
    hashes: Hashes
    starts: Positions
    lengths: Positions
    chinese: npt.NDArray[np.bool_]

    def without_chinese(self) -> Grams:
        """Only what has no Chinese character in it: what a model that never saw one can judge."""
        left = ~self.chinese
        return replace(
            self,
            hashes=self.hashes[left],
            starts=self.starts[left],
            lengths=self.lengths[left],
            chinese=self.chinese[left],
        )

    def buckets(self, bits: int) -> npt.NDArray[np.int64]:
        """The bucket of each n-gram, ``0 <= bucket < 2**bits``."""
        return (self.hashes >> np.uint64(64 - bits)).astype(np.int64)


def grams(text: str) -> Grams:
    """The n-grams of a canonical view.

    Characters: 1 to 4 where a Chinese one is among them, 3 to 5 elsewhere, across blanks and signs. Tokens (words,
    single Chinese characters, signs): 1 to 3, whatever stands between them, but none that are Chinese characters in a
    row and count already. Syllables of Chinese and pinyin: 2 and 3, so that characters which sound alike count as one;
    each twice, as sounds are what a disguise leaves of a text.
    """
    text = worded(text[:_MOST])
    codes = _codes(text)
    kinds = _kinds()[codes]
    power, inverse = _powers()
    size = len(codes)
    sums = np.zeros(size + 1, np.uint64)
    np.cumsum((codes + np.uint64(1)) * power[:size], out=sums[1:])
    chinese = np.zeros(size + 1, np.int32)
    np.cumsum(kinds == _CHINESE, out=chinese[1:])
    parts = [*_characters(chinese, sums, inverse), *_tokens(kinds, chinese, sums, inverse)]
    heard, at = sounds(text)
    spoken = _syllables(heard, at)
    parts += spoken
    sizes = [len(part.raw) for part in parts]
    hashes = _mixed(np.concatenate([part.raw for part in parts]), _SALTS[[part.kind for part in parts]].repeat(sizes))
    starts = np.concatenate([part.starts for part in parts])
    lengths = np.concatenate([part.lengths for part in parts])
    foreign = np.zeros(len(starts), bool)
    if chinese[-1]:
        np.greater(chinese[starts + lengths], chinese[starts], out=foreign)
    foreign[len(foreign) - sum([len(part.raw) for part in spoken]) :] = True
    latin = int(np.count_nonzero((codes >= ord("a")) & (codes <= ord("z"))))
    starts -= np.int32(1)
    return Grams(len(text), _breaks(text), latin, len(heard), hashes, starts, lengths, foreign)


def _breaks(text: str) -> tuple[int, ...]:
    """Where the text begins, and where it goes on after the end of a sentence (after a comma beside Chinese, too)."""
    return tuple(dict.fromkeys([0, *[found.end() for found in _BREAK.finditer(text) if found.end() < len(text)]]))


def worded(view: str) -> str:
    """The view with blanks where addresses, mentions and marks of forwarding stand: they say where a text comes from,
    and a model would learn that instead of what it says. As long as the view is.
    """
    return _NAMES.sub(lambda found: " " * len(found[0]), view)


class _Part(NamedTuple):
    """The n-grams of one kind, their hashes not mixed yet."""

    kind: int
    raw: Hashes
    starts: Positions
    lengths: Positions


def _characters(chinese: Positions, sums: Hashes, inverse: Hashes) -> list[_Part]:
    """Characters in a row, the shortest ones first."""
    parts = []
    for length in (1, 2, 3, 4, 5) if chinese[-1] else (3, 4, 5):
        count = len(sums) - length
        if count < 0:
            break
        raw, at = (sums[length:] - sums[:count]) * inverse[:count], _PLACES[:count]
        if length not in (3, 4) and chinese[-1]:
            with_chinese = chinese[length:] > chinese[:count]
            wanted = (with_chinese if length < 3 else ~with_chinese).nonzero()[0]
            raw, at = raw[wanted], at[wanted]
        parts.append(_Part(length, raw, at, np.full(len(at), length, np.int32)))
    return parts


def _codes(text: str) -> npt.NDArray[np.uint32]:
    """The code points between two blanks, so that the beginning and the end are seen as such."""
    return np.frombuffer(f" {text} ".encode("utf-32-le", "surrogatepass"), np.uint32)


def _tokens(kinds: npt.NDArray[np.uint8], chinese: Positions, sums: Hashes, inverse: Hashes) -> list[_Part]:
    letter = kinds == _LETTER
    single = kinds >= _CHINESE
    first, last = letter.copy(), letter.copy()
    first[1:] &= ~letter[:-1]
    last[:-1] &= ~letter[1:]
    starts = (first | single).nonzero()[0].astype(np.int32)
    ends = (last | single).nonzero()[0].astype(np.int32) + np.int32(1)
    parts = _runs(11, (sums[ends] - sums[starts]) * inverse[starts], starts, ends, (1, 2, 3))
    return [_besides_characters(part, chinese) for part in parts] if chinese[-1] else parts


def _besides_characters(part: _Part, chinese: Positions) -> _Part:
    """Those of the n-grams that have more in them than Chinese characters."""
    more = (chinese[part.starts + part.lengths] - chinese[part.starts] < part.lengths).nonzero()[0]
    return _Part(part.kind, part.raw[more], part.starts[more], part.lengths[more])


def _syllables(heard: Syllables, at: Positions) -> list[_Part]:
    starts = at + np.int32(1)
    parts = _runs(21, heard.astype(np.uint64), starts, starts + np.int32(1), (2, 3))
    return parts + [part._replace(kind=part.kind + 10) for part in parts]


def _runs(kind: int, units: Hashes, starts: Positions, ends: Positions, counts: tuple[int, ...]) -> list[_Part]:
    """Units in a row, as many as each of ``counts`` says."""
    parts = []
    run = units
    for count in range(1, max(counts) + 1):
        if len(units) < count:
            break
        run = units if count == 1 else run[:-1] * _JOIN + units[count - 1 :]
        if count in counts:
            parts.append(_Part(kind + count - 1, run, starts[: len(run)], ends[count - 1 :] - starts[: len(run)]))
    return parts


def _mixed(hashes: Hashes, salts: Hashes) -> Hashes:
    """Spreads hashes over all bits (the finaliser of splitmix64); those of different kinds are alike by chance only."""
    hashes = (hashes + salts) * _MIX[0]
    hashes ^= hashes >> np.uint64(31)
    return hashes * _MIX[1]


@cache
def _powers() -> tuple[Hashes, Hashes]:
    """``P**i`` and ``P**-i`` modulo 2**64."""
    size = _MOST + 8
    power = np.full(size, _BASE, np.uint64)
    inverse = np.full(size, pow(_BASE, -1, 1 << 64), np.uint64)
    power[0] = inverse[0] = 1
    return np.cumprod(power, dtype=np.uint64), np.cumprod(inverse, dtype=np.uint64)


@cache
def _kinds() -> npt.NDArray[np.uint8]:
    """What each code point is: blank, letter or digit, Chinese character, sign."""
    kinds = np.full(sys.maxunicode + 1, _BLANK, np.uint8)
    for code in range(sys.maxunicode + 1):
        category = unicodedata.category(chr(code))
        if category[0] in "LNM":
            kinds[code] = _LETTER
        elif category[0] in "PS":
            kinds[code] = _SIGN
    for begin, end in ((0x3400, 0x4DC0), (0x4E00, 0xA000), (0xF900, 0xFB00), (0x20000, 0x32000)):
        kinds[begin:end] = _CHINESE
    return kinds
