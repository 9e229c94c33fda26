"""One canonical view of a text for all classifiers, with a map back to the original.

The view undoes what is done to a text to slip past a reader of patterns: compatibility forms, case, marks and
invisible characters, letters of another alphabet, digits for letters, letters pulled apart, repetition. Every
step is one pass over the text, so the whole is linear in its length. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from classifiers.folding import CONFUSABLES, FOLD, FOLD_JAPANESE
from classifiers.normalising.chinese import is_japanese

VERSION: Final = "2"
"""Changes whenever the same text may get another view; part of every classifier's version."""

WINDOW: Final = 4000
"""Longest text, in code points, that is judged in one piece."""

OVERLAP: Final = 400
"""What two neighbouring windows share, so that a passage on their border is read whole in one of them."""


@dataclass(frozen=True, slots=True)
class View:
    """A canonical text. ``offsets[i]`` is where its character ``i`` came from; one more is for the end."""

    text: str
    offsets: Sequence[int]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Where ``text[start:end]`` stood in the original, in code points.

        What was dropped inside or right after the stretch belongs to it; an expanded character counts whole.
        """
        if start >= end:
            return self.offsets[start], self.offsets[start]
        return self.offsets[start], max(self.offsets[end], self.offsets[end - 1] + 1)


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
        view = _read_confusables(_fold(text))
    if _MAYBE_LEET.search(view.text):
        view = _substitute(view, _LEET, _unleet)
    view = _gather(_calm(view))
    if _MAYBE_BLANKS.search(view.text):  # after the first gathering: a wider gap may be what parts the words
        view = _gather(_rewrite(view, _BLANKS, _one_blank))
    return view


# Each step has a gate: a cheap search that finds nothing in an ordinary text, which is spared the costly one.

_MAYBE_BLANKS: Final = re.compile(r"[ \n][ \n]")
_BLANKS: Final = re.compile(r"[ \n]{2,}")

_MAYBE_LEET: Final = re.compile(r"[0134578$!|@][a-z]")
_LEET: Final = re.compile(r"(?<=[a-z])(?:[0134578$!|]|@(?![\w-]{1,60}\.[a-z])){1,2}(?=[a-z])|(?<![\w$])\$(?=[a-z]{2})")
"""Signs that stand for letters: between letters (but no mail address), or a dollar sign before a word."""
_LETTERS: Final = dict(zip("013457@8$!|", "oieastabsil", strict=True))

_MAYBE_APART: Final = re.compile(r"[ \n._*/-][a-z\u4e00-\u9fff][ \n._*/-][a-z\u4e00-\u9fff]")
_APART: Final = re.compile(
    r"(?<![a-z0-9])[a-z]([ \n._*/-])[a-z](?:\1[a-z])+(?![a-z0-9])"
    r"|(?<![\u4e00-\u9fff])[\u4e00-\u9fff]([ \n._*/-])[\u4e00-\u9fff](?:\2[\u4e00-\u9fff])+"
    r"(?![\u4e00-\u9fff])"
)
"""Three or more single letters, or Chinese characters, with the same separator between any two of them."""

_MAYBE_REPEATED: Final = re.compile(r"(.)\1\1")
_REPEATED: Final = re.compile(r"([a-z])\1{2,}|([^\da-z])\2{3,}")
_DOUBLED: Final = frozenset("ls")
"""Letters that English doubles at the end of words ("kill", "ass"), so a long run of them stands for two."""

_FOREIGN: Final = re.compile(f"[{''.join(CONFUSABLES)}]")
_OTHER_ALPHABET: Final = re.compile(f"(?![{''.join(CONFUSABLES)}])[\u0370-\u03ff\u0400-\u052f]")
_WORD: Final = re.compile(r"[^\W\d_]+")
_LATIN: Final = re.compile(r"[a-z]")
_CONFUSABLE_TABLE: Final = str.maketrans(CONFUSABLES)


def _fold(text: str) -> View:
    table = FOLD_JAPANESE if is_japanese(text) else FOLD
    parts = [table[char] for char in text]
    folded = "".join(parts)
    if len(folded) == len(text) and "" not in parts:
        return View(folded, range(len(text) + 1))
    offsets = [at for at, part in enumerate(parts) for _ in part]
    offsets.append(len(text))
    return View(folded, offsets)


def _read_confusables(view: View) -> View:
    """Reads look-alike letters as Latin in mixed words, and everywhere if no true Cyrillic or Greek is near.

    A Russian or Greek text keeps its own letters.
    """
    if not _FOREIGN.search(view.text):
        return view
    if not _OTHER_ALPHABET.search(view.text):
        return View(view.text.translate(_CONFUSABLE_TABLE), view.offsets)
    return _substitute(view, _WORD, _read_mixed)


def _read_mixed(match: re.Match[str]) -> str:
    word = match[0]
    return word.translate(_CONFUSABLE_TABLE) if _LATIN.search(word) else word


def _calm(view: View) -> View:
    return _rewrite(view, _REPEATED, _fewer) if _MAYBE_REPEATED.search(view.text) else view


def _gather(view: View) -> View:
    return _calm(_rewrite(view, _APART, _together)) if _MAYBE_APART.search(view.text) else view


def _one_blank(match: re.Match[str]) -> list[int]:
    newline = match[0].find("\n")
    return [match.start() + max(newline, 0)]


def _unleet(match: re.Match[str]) -> str:
    signs = match[0]
    return "ll" if signs == "11" else "".join([_LETTERS[sign] for sign in signs])


def _fewer(match: re.Match[str]) -> list[int]:
    keep = (2 if match[1] in _DOUBLED else 1) if match[1] else 3
    return list(range(match.start(), match.start() + keep))


def _together(match: re.Match[str]) -> list[int]:
    return list(range(match.start(), match.end(), 2))


def _substitute(view: View, pattern: re.Pattern[str], replace: Callable[[re.Match[str]], str]) -> View:
    """Replaces each match by as many characters, so the map stays as it is."""
    text = pattern.sub(replace, view.text)
    return view if text == view.text else View(text, view.offsets)


def _rewrite(view: View, pattern: re.Pattern[str], keep: Callable[[re.Match[str]], list[int]]) -> View:
    """Keeps of each match only the characters at the positions that ``keep`` names."""
    kept: list[int] = []
    done = 0
    for match in pattern.finditer(view.text):
        kept.extend(range(done, match.start()))
        kept.extend(keep(match))
        done = match.end()
    if not done:
        return view
    kept.extend(range(done, len(view.text)))
    offsets = [view.offsets[at] for at in kept]
    offsets.append(view.offsets[-1])
    return View("".join([view.text[at] for at in kept]), offsets)
