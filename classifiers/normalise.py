"""One canonical view of a text for all classifiers, with a map back to the original.

The view undoes what is done to a text to slip past a reader of patterns: compatibility forms, case, marks and
invisible characters, letters of other alphabets, traditional characters, digits and signs for letters, words pulled
apart or masked, repetition, emoji for words, characters in parts, and stock spellings of hidden words. Every step
is one pass over the text, so the whole is linear in its length. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from classifiers.folding import FOLD, FOLD_JAPANESE
from classifiers.normalising import apart, confusables, emoji, gather, leet, parts, stock
from classifiers.normalising.chinese import is_japanese
from classifiers.normalising.view import View, keep

__all__ = ["OVERLAP", "VERSION", "WINDOW", "View", "normalise", "windows"]

VERSION: Final = "3"
"""Changes whenever the same text may get another view; part of every classifier's version."""

WINDOW: Final = 4000
"""Longest text, in code points, that is judged in one piece."""

OVERLAP: Final = 400
"""What two neighbouring windows share, so that a passage on their border is read whole in one of them."""


def windows(text: str) -> Iterator[tuple[int, str]]:
    """The pieces a text is judged in, each with where it starts; short texts are one piece."""
    yield 0, text[:WINDOW]
    start = WINDOW - OVERLAP
    while start + OVERLAP < len(text):
        yield start, text[start : start + WINDOW]
        start += WINDOW - OVERLAP


def normalise(text: str) -> View:
    """The canonical view of ``text``. Never raises; the view of an ordinary ASCII text has its length."""
    if text.isascii() and text.isprintable():
        view = View(text.lower().replace("`", "'"), range(len(text) + 1))
    else:
        view = confusables.read(_fold(text), text)
    view = apart.read(leet.read(apart.letters(view)))
    if not view.text.isascii():
        view = gather.read(view, emoji=emoji.SPEAKING)
    view = _calm(view)
    if _MAYBE_BLANKS.search(view.text):  # after the first gathering: a wider gap may be what parts the words
        view = _calm(apart.read(apart.letters(keep(view, _BLANKS, _one_blank))))
    return _chinese(view)


def _chinese(view: View) -> View:
    """Parts, stock spellings and emoji, in this order: each may make what the next one reads."""
    if view.text.isascii():
        return stock.read(view)
    read = emoji.read(stock.read(parts.read(view)))
    # An emoji may have been a part of a stock spelling.
    return stock.read(read) if len(read.text) != len(view.text) and emoji.PICTURES.search(view.text) else read


# Each step has a gate: a cheap search that finds nothing in an ordinary text, which is spared the costly one.

_MAYBE_BLANKS: Final = re.compile(r"[ \n][ \n]")
_BLANKS: Final = re.compile(r"[ \n]{2,}")

_MAYBE_REPEATED: Final = re.compile(r"(.)\1\1")
_REPEATED: Final = re.compile(r"([a-z])\1{2,}|([^\da-z])\2{3,}")
_DOUBLED: Final = frozenset("ls")
"""Letters that English doubles at the end of words ("kill", "ass"), so a long run of them stands for two."""


def _fold(text: str) -> View:
    table = FOLD_JAPANESE if is_japanese(text) else FOLD
    folds = [table[char] for char in text]
    folded = "".join(folds)
    if len(folded) == len(text) and "" not in folds:
        return View(folded, range(len(text) + 1))
    offsets = [at for at, part in enumerate(folds) for _ in part]
    offsets.append(len(text))
    return View(folded, offsets)


def _calm(view: View) -> View:
    return keep(view, _REPEATED, _fewer) if _MAYBE_REPEATED.search(view.text) else view


def _one_blank(match: re.Match[str]) -> list[int]:
    newline = match[0].find("\n")
    return [match.start() + max(newline, 0)]


def _fewer(match: re.Match[str]) -> range:
    kept = (2 if match[1] in _DOUBLED else 1) if match[1] else 3
    return range(match.start(), match.start() + kept)
