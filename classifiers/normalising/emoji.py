"""Emoji in place of words: 我要🔫了你, buy 💊 here. Those that only decorate stay as they are.

An emoji is read where the sentence needs a word: inside a clause between Chinese characters, or in English after a
word that asks for another ("my", "buy", "will"). At an edge it is read only if it makes a word that people hide.
The language is that of the neighbours.
"""

from __future__ import annotations

import re
from itertools import pairwise
from typing import Final

from classifiers.normalising.chinese import HAN
from classifiers.normalising.tables import rows, words
from classifiers.normalising.view import View, rewrite

_ROWS: Final = {emoji: (chinese, english) for emoji, chinese, english in rows("emoji.tsv", 3)}
PICTURES: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]")
"""Any emoji or other picture, by block: the quick test, since a class looks up single ones one by one."""
SPEAKING: Final = re.compile(f"[{''.join(_ROWS)}]")
"""Emoji that may stand for a word."""

_RUN: Final = re.compile("[\u2190-\u2bff\U0001f000-\U0001faff]+")
_LONGEST_RUN: Final = 3
_REGIONAL: Final = re.compile("[\U0001f1e6-\U0001f1ff]{3,60}")
"""Three and more regional letters are no flag."""

_HAN: Final = re.compile(f"[{HAN}]")
_LAST_WORD: Final = re.compile("([a-z']+) ?$")
_NEXT_WORD: Final = re.compile(" ?([a-z']+)")
_BEFORE: Final = 14
_PAIRS: Final = frozenset(words("hidden.txt"))
_ASKS: Final = frozenset("买卖售购加吃嗑和把支玩用溜吸贩")
_WHOSE: Final = frozenset("你他她尼泥您")
_ASKS_ENGLISH: Final = frozenset(words("askers.txt"))
_ASKED_ENGLISH: Final = re.compile("you|u|ya|him|her|them|(?:your|ur|my)self|(?:your|them)selves")


def read(view: View) -> View:
    """The view with emoji that stand for words replaced by those words."""
    if not PICTURES.search(view.text):
        return view
    if _REGIONAL.search(view.text):
        view = rewrite(view, _REGIONAL, lambda match: "".join([chr(ord(c) - 0x1F1E6 + ord("a")) for c in match[0]]))
    return rewrite(view, _RUN, _word)


def _word(match: re.Match[str]) -> str | None:
    run, text = match[0], match.string
    start, end = match.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    if len(run) > _LONGEST_RUN or len(set(run)) < len(run) or not _ROWS.keys() >= set(run):
        return None
    if _HAN.match(before) or _HAN.match(after):
        return _chinese(run, before, after)
    return _english(run, text[max(0, start - _BEFORE) : start], text[end : end + _BEFORE]) if len(run) == 1 else None


def _chinese(run: str, before: str, after: str) -> str | None:
    word = "".join([_ROWS[emoji][0] for emoji in run])
    if before in _WHOSE and word.startswith("马"):
        word = "妈" + word[1:]  # it is written for the sound
    inside = (_HAN.match(before) and (_HAN.match(after) or after.isdecimal())) or (
        before.isdecimal() and _HAN.match(after)
    )
    if len(run) == 1 and (inside or before in _ASKS):
        return word
    clause = before + word + after
    return word if any(a + b in _PAIRS for a, b in pairwise(clause)) else None


def _english(emoji: str, before: str, after: str) -> str | None:
    last, following = _LAST_WORD.search(before), _NEXT_WORD.match(after)
    asked = last and last[1] in _ASKS_ENGLISH
    if not asked and not (last and following and _ASKED_ENGLISH.fullmatch(following[1])):
        return None
    left = "" if not before or before[-1] == " " else " "
    right = " " if after[:1].isalpha() else ""
    return left + _ROWS[emoji][1] + right
