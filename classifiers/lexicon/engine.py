"""Finds tens of thousands of strings in a text at once, with the library hyperscan.

The strings are compiled as literals, so no sign in them is special and compiling takes a few seconds at most. Without
the library there is no slower way in its place: a moderator that quietly falls behind lets messages through late.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

_WORD: Final = frozenset(b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789")
"""What a Latin word is made of. Anything else, a Chinese character included, ends it."""
_CODING: Final = ("utf-8", "surrogatepass")


class EngineError(ValueError):
    """The library does not work here, or cannot take these strings; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Sought:
    """A string to look for. ``whole``: a Latin letter or digit at its ends must be the end of a word."""

    text: str
    whole: bool


class Engine:
    """Looks for all of its strings. Safe to use from several threads, one at a time."""

    def __init__(self, sought: Sequence[Sought]) -> None:
        """Compiles; other threads run meanwhile. Raises `EngineError`."""
        encoded = [one.text.encode(*_CODING) for one in sought]
        self._scan = _compile(encoded).scan
        self._lengths = [(len(data), len(one.text)) for data, one in zip(encoded, sought, strict=True)]
        self._bounds = [
            (one.whole and data[0] in _WORD, one.whole and data[-1] in _WORD)
            for data, one in zip(encoded, sought, strict=True)
        ]
        self._lock = threading.Lock()  # the library's scratch space serves one scan at a time

    def find(self, text: str) -> list[tuple[int, int, int]]:
        """Where the strings stand, overlapping ones too: start and end in characters, then the string's number; by
        their ends."""
        try:
            data = text.encode()
        except UnicodeEncodeError:  # half a surrogate pair
            data = text.encode(*_CODING)
        hits: list[tuple[int, int]] = []
        with self._lock:
            self._scan(data, _keep, 0, hits)
        if not hits:
            return []
        hits.sort()
        return self._placed(data, hits, len(data) == len(text))

    def _placed(self, data: bytes, hits: list[tuple[int, int]], narrow: bool) -> list[tuple[int, int, int]]:
        found: list[tuple[int, int, int]] = []
        size = len(data)
        done = characters = 0
        for end, number in hits:
            octets, length = self._lengths[number]
            start = end - octets
            left, right = self._bounds[number]
            if (left and start and data[start - 1] in _WORD) or (right and end < size and data[end] in _WORD):
                continue
            if narrow:
                found.append((start, end, number))
            else:
                # Each byte up to the last hit is decoded once, whatever the number of hits.
                characters += len(data[done:end].decode(*_CODING))
                done = end
                found.append((characters - length, characters, number))
        return found


def _keep(number: int, _start: int, end: int, _flags: int, hits: list[tuple[int, int]]) -> None:
    hits.append((end, number))


def _compile(encoded: Sequence[bytes]) -> Any:
    try:
        import hyperscan
    except (ImportError, OSError) as error:
        raise EngineError(
            f"lexicon: the library hyperscan does not load here ({error}); install it, or leave the classifier out "
            "(CLASSIFIERS_CLASSIFIERS)"
        ) from error
    try:
        database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
        database.compile(expressions=encoded, ids=list(range(len(encoded))), flags=0, literal=True)
    except (hyperscan.HyperscanError, hyperscan.error) as error:
        raise EngineError(
            f"lexicon: the library hyperscan cannot compile the terms ({type(error).__name__}: {error}); it needs an "
            "x86-64 processor with SSSE3 or a 64-bit ARM one"
        ) from error
    return database
