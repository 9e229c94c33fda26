"""Emoji in place of words: 我要🔫了你, buy 💊 here. Those that only decorate stay as they are.

An emoji is read where the sentence needs a word: inside a clause between Chinese characters, or in English after a
word that asks for another ("my", "buy", "will"). At an edge it is read only if it makes a word that people hide.
The language is that of the neighbours.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.normalising.chinese import HAN
from classifiers.normalising.tables import rows, words
from classifiers.normalising.view import View, rewrite

_ROWS: Final = {emoji: (chinese, english) for emoji, chinese, english in rows("emoji.tsv", 3)}
SPEAKING: Final = re.compile(f"[{''.join(_ROWS)}]")
"""Emoji that may stand for a word."""

_PICTURE: Final = re.compile(r"[^\w\s\x00-\x7f\u3000-\u303f\uff00-\uffef\u2000-\u206f]")
_RUN: Final = re.compile(f"[{''.join(_ROWS)}]+")
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
_ASKS_ENGLISH: Final = frozenset(
    ["the", "a", "an", "my", "your", "his", "her", "our", "their", "this", "that", "these", "those", "some", "any", "no", "more", "with", "of", "for", "and", "or", "to", "will", "gonna", "wanna", "buy", "buying", "sell", "selling", "sells", "sold", "got", "get", "getting", "have", "has", "had", "want", "need", "needs", "bring", "use", "using", "like", "eat", "suck", "smoke", "i'll", "we'll", "should", "must", "can", "let's", "go", "big", "fat", "dirty", "stupid", "such", "cheap", "pure", "best", "free", "i", "we", "you", "u"]
)
_ASKED_ENGLISH: Final = frozenset(["you", "u", "ya", "him", "her", "them", "yourself", "myself", "urself", "yourselves", "themselves"])


def read(view: View) -> View:
    """The view with emoji that stand for words replaced by those words."""
    if _REGIONAL.search(view.text):
        view = rewrite(view, _REGIONAL, lambda match: "".join([chr(ord(c) - 0x1F1E6 + ord("a")) for c in match[0]]))
    return rewrite(view, _RUN, _word) if SPEAKING.search(view.text) else view


def _word(match: re.Match[str]) -> str | None:
    run, text = match[0], match.string
    start, end = match.span()
    before, after = text[start - 1 : start], text[end : end + 1]
    if len(run) > _LONGEST_RUN or len(set(run)) < len(run) or _PICTURE.match(before) or _PICTURE.match(after):
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
    return word if any([clause[at : at + 2] in _PAIRS for at in range(len(clause) - 1)]) else None


def _english(emoji: str, before: str, after: str) -> str | None:
    last, following = _LAST_WORD.search(before), _NEXT_WORD.match(after)
    asked = last and last[1] in _ASKS_ENGLISH
    if not asked and not (last and following and following[1] in _ASKED_ENGLISH):
        return None
    left = "" if not before or before[-1] == " " else " "
    right = " " if after[:1].isalpha() else ""
    return left + _ROWS[emoji][1] + right
