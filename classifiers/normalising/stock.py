"""Fixed spellings that hide a known Chinese word: 薇信 and V信 for 微信, nmsl, 约pao, 裸liao.

The first are rows of a table with their conditions. The last, where part of a hidden word is in pinyin, follow from
the list of hidden words: the letters have to stand right beside the other character.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.normalising.chinese import HAN
from classifiers.normalising.emoji import PICTURES
from classifiers.normalising.pinyin import usual
from classifiers.normalising.tables import rows, words
from classifiers.normalising.view import View, rewrite

_CONDITION: Final = re.compile(r"!?[<>][^\s<>!]+")


class _Row:
    """One row: the pattern that finds it, what it means, and whether Chinese characters have to be about."""

    def __init__(self, written: str, meant: str, where: str) -> None:
        self.written: Final = written
        self.meant: Final = meant
        self.among_chinese: Final = where == "han"
        first, rest = re.escape(written[0]), re.escape(written[1:])
        behind = f"(?<![a-z0-9]{first})" if written[0].isascii() else ""
        ahead = "(?![a-z])" if written[-1].isascii() and written[-1].isalpha() else ""
        if written[-1].isdecimal():
            ahead = "(?![0-9])"
        conditions = _CONDITION.findall(where)
        if not conditions and where not in ("-", "han"):
            raise ValueError(f"stock.tsv: {written}: expected -, han, or conditions like <ab !>cd, found {where}")
        for condition in conditions:
            sign = "!" if condition[0] == "!" else "="
            characters = re.escape(condition.lstrip("!<>"))
            if "<" in condition[:2]:
                behind += f"(?<{sign}[{characters}]{first})"
            else:
                ahead += f"(?{sign}[{characters}])"
        self.pattern: Final = f"{first}{behind}{rest}{ahead}"


_ROWS: Final = [_Row(*row) for row in rows("stock.tsv", 3)]
_LATIN: Final = {row.written: row for row in _ROWS if row.written.isascii()}
_MIXED: Final = {row.written: row.meant for row in _ROWS if not row.written.isascii()}


def _any_of(found: list[_Row]) -> re.Pattern[str]:
    return re.compile("|".join([row.pattern for row in sorted(found, key=lambda row: -len(row.written))]))


_CHARACTERS: Final = _any_of([row for row in _ROWS if not row.written.isascii() and row.written[0] <= "\uffff"])
"""The longest first. Every branch begins with a character, by which the search passes over most of a text."""
_PICTURED: Final = _any_of([row for row in _ROWS if row.written[0] > "\uffff"])
"""Those that begin with an emoji, by which no search passes quickly."""

_LETTERS: Final = re.compile("[a-z]+")
_HAN_CHAR: Final = re.compile(f"[{HAN}]")
_TOUCHING: Final = re.compile(f"[{HAN}][a-z]|[a-z][{HAN}]")
_RUN: Final = re.compile("(?<![a-z])[a-z]{2,12}(?![a-z])")


def _spelled_halves() -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
    """First halves in pinyin before the second character, second ones after the first, and whole words."""
    ordinary = frozenset(words("english_as_pinyin.txt"))
    firsts: dict[str, str] = {}
    seconds: dict[str, str] = {}
    wholes: dict[str, str] = {}
    for word in words("hidden.txt"):
        first, second = usual()[ord(word[0])], usual()[ord(word[1])]
        if len(first) > 1:
            firsts.setdefault(first + word[1], word[0])
        if len(second) > 1:
            seconds.setdefault(word[0] + second, word[1])
        if first + second not in ordinary:
            wholes.setdefault(first + second, word)
    return firsts, seconds, wholes


_FIRSTS, _SECONDS, _WHOLES = _spelled_halves()


def read(view: View) -> View:
    """The view with fixed spellings replaced by the words they hide."""
    text = view.text
    chinese = not text.isascii() and _HAN_CHAR.search(text) is not None
    if chinese:
        view = rewrite(view, _CHARACTERS, _meant)
        if PICTURES.search(text):
            view = rewrite(view, _PICTURED, _meant)
        text = view.text
        if _TOUCHING.search(text):
            view = rewrite(view, _RUN, _pinyin)
            text = view.text
    if not _LATIN.keys().isdisjoint(_LETTERS.findall(text)):

        def latin(match: re.Match[str]) -> str | None:
            row = _LATIN.get(match[0])
            return row.meant if row and (chinese or not row.among_chinese) else None

        view = rewrite(view, _LETTERS, latin)
    return view


def _meant(match: re.Match[str]) -> str:
    return _MIXED[match[0]]


def _pinyin(match: re.Match[str]) -> str | None:
    run, text = match[0], match.string
    before, after = text[match.start() - 1 : match.start()], text[match.end() : match.end() + 1]
    second = _SECONDS.get(before + run)
    if second:
        return second
    first = _FIRSTS.get(run + after)
    if first:
        return first
    return _WHOLES.get(run) if _HAN_CHAR.match(before) or _HAN_CHAR.match(after) else None
