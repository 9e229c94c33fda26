"""Ways to change a text as senders of campaigns do, each from a seed alone, so that a run can be repeated."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from random import Random
from typing import Final

from opencc import OpenCC

from classifiers.campaigns.trial import synonyms
from classifiers.campaigns.trial.templates import LINKS, NAMES

Change = Callable[[str, Random, Sequence[str]], str]
"""A changed text, from the text, a source of chance, and other texts of its set."""

_UNIT: Final = re.compile(r"https?://\S+|[A-Za-z][A-Za-z'’]*|\d[\d,.]*|[一-鿿]{1,2}|\s+|.", re.DOTALL)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z'’]*|[一-鿿]{1,2}")
_PIECE: Final = re.compile(r"[^。！？!?；;，,.\n]+(?:[。！？!?；;，,.\n]+\s*|$)")
_NUMBER: Final = re.compile(r"\d[\d,.]*\d|\d")
_LINK: Final = re.compile(r"https?://\S+|www\.\S+|\b\w\.example/\S+")
_HAN: Final = re.compile("[一-鿿]")
_EMOJI: Final = ("🔥", "✅", "👉", "😊", "🎁", "💰", "❤️", "!!", "~", "👇👇")
_LOOKALIKE: Final = str.maketrans("aeopcx", "аеорсх")
_LEET: Final = str.maketrans("oiea", "0134")
_LONGEST_CHINESE: Final = 3


def recipient(text: str, chance: Random, _: Sequence[str]) -> str:
    """Other numbers and links, and another name to begin with."""
    text = _LINK.sub(lambda _: chance.choice(LINKS), text)
    text = _NUMBER.sub(lambda found: str(chance.randrange(10 ** min(len(found[0]), 9))), text)
    return f"@{chance.choice(NAMES).replace(' ', '')} {text}"


def decorated(text: str, chance: Random, _: Sequence[str]) -> str:
    """An emoji after about every sixth word."""
    return "".join([unit + (chance.choice(_EMOJI) if chance.random() < 1 / 6 else "") for unit in _UNIT.findall(text)])


def disguised(text: str, chance: Random, _: Sequence[str]) -> str:
    """One of the ways to hide a text from a reader of patterns."""
    way = chance.randrange(4)
    if way == 0:
        return "".join([char + ("\u200b" if chance.random() < 0.3 else "") for char in text])
    if way == 1:
        return "".join([chr(ord(char) + 0xFEE0) if "!" <= char <= "~" else char for char in text])
    if _HAN.search(text):
        return ("·" if way == 2 else " ").join(text)
    table = _LOOKALIKE if way == 2 else _LEET
    return _WORD.sub(lambda m: m[0][0] + m[0][1:-1].translate(table) + m[0][-1] if len(m[0]) > 4 else m[0], text)


@cache
def _traditional() -> OpenCC:
    return OpenCC("s2t")


def traditional(text: str, _chance: Random, _: Sequence[str]) -> str:
    """The traditional characters of a simplified text."""
    return str(_traditional().convert(text))


def reordered(text: str, chance: Random, _: Sequence[str]) -> str:
    """Its pieces (clauses) in another order; a text of one piece has its halves exchanged."""
    pieces = _PIECE.findall(text)
    if len(pieces) < 2:
        units = _UNIT.findall(text)
        cut = len(units) // 2
        return "".join([*units[cut:], " ", *units[:cut]])
    while (shuffled := chance.sample(pieces, len(pieces))) == pieces:
        continue
    return "".join(shuffled)


def dropped(share: float) -> Change:
    """Without whole pieces that make up at most that share of it; if none is short enough, without its last words."""

    def change(text: str, chance: Random, _: Sequence[str]) -> str:
        pieces, left = _PIECE.findall(text), share * len(text)
        gone: set[int] = set()
        for at in chance.sample(range(len(pieces)), len(pieces)):
            if len(pieces[at]) <= left:
                left -= len(pieces[at])
                gone.add(at)
        if gone:
            return "".join([piece for at, piece in enumerate(pieces) if at not in gone])
        units = _UNIT.findall(text)
        return "".join(units[: max(1, round(len(units) * (1 - share)))])

    return change


def reworded(share: float) -> Change:
    """That share of its words replaced, by words of nearly the same meaning where one is known."""

    def change(text: str, chance: Random, others: Sequence[str]) -> str:
        units = _units(text)
        words = [at for at, unit in enumerate(units) if _WORD.fullmatch(unit) or _HAN.search(unit)]
        known = [at for at in words if _others(units[at])]
        chance.shuffle(words)
        chance.shuffle(known)
        for at in list(dict.fromkeys(known + words))[: max(1, round(share * len(words)))]:
            units[at] = chance.choice(_others(units[at]) or _strange(chance, others, units[at]))
        return "".join(units)

    return change


def interspersed(share: float) -> Change:
    """That share of its words doubled by a foreign one beside them, and half as many left out."""

    def change(text: str, chance: Random, others: Sequence[str]) -> str:
        changed: list[str] = []
        for unit in _UNIT.findall(text):
            if _WORD.fullmatch(unit) and chance.random() < share:
                changed += [" " if unit.isascii() else "", chance.choice(_strange(chance, others, unit)), " "]
            if not _WORD.fullmatch(unit) or chance.random() >= share / 2:
                changed.append(unit)
        return "".join(changed)

    return change


def padded(text: str, chance: Random, others: Sequence[str]) -> str:
    """With as much foreign text behind it."""
    return f"{text}\n{chance.choice(others)[: len(text)]}"


def together(*changes: Change) -> Change:
    """One change after the other."""

    def change(text: str, chance: Random, others: Sequence[str]) -> str:
        for one in changes:
            text = one(text, chance, others)
        return text

    return change


LIGHT: Final[Mapping[str, Change]] = {
    "recipient": recipient,
    "emoji": decorated,
    "disguise": disguised,
    "traditional": traditional,
    "order": reordered,
    "drop 1/4": dropped(0.25),
    "reword 10%": reworded(0.1),
    "insert 10%": interspersed(0.1),
    "recipient+emoji+reword 10%": together(reworded(0.1), recipient, decorated),
    "order+reword 10%": together(reordered, reworded(0.1)),
    "drop 1/4+traditional+emoji": together(dropped(0.25), traditional, decorated),
}
HARD: Final[Mapping[str, Change]] = {
    "reword 20%": reworded(0.2),
    "reword 30%": reworded(0.3),
    "reword 50%": reworded(0.5),
    "drop 1/2": dropped(0.5),
    "padded": padded,
    "reword 20%+order+drop 1/4": together(dropped(0.25), reworded(0.2), reordered, decorated),
    "reword 30%+order+drop 1/2": together(dropped(0.5), reworded(0.3), reordered, recipient),
}


def _others(word: str) -> tuple[str, ...]:
    return synonyms.ENGLISH.get(word.lower()) or synonyms.CHINESE.get(word, ())


def _units(text: str) -> list[str]:
    """The units of a text, Chinese ones cut so that known words are whole."""
    units: list[str] = []
    for unit in re.findall("[一-鿿]+|[^一-鿿]+", text):
        if not _HAN.match(unit):
            units += _UNIT.findall(unit)
            continue
        at = 0
        while at < len(unit):
            fits = [unit[at : at + size] for size in range(_LONGEST_CHINESE, 0, -1)]
            word = next((each for each in fits if each in synonyms.CHINESE), unit[at : at + 1])
            units.append(word)
            at += len(word)
    return units


def _strange(chance: Random, others: Sequence[str], word: str) -> Sequence[str]:
    """Words of the same script from another text."""
    for _ in range(5):
        words = [
            each for each in _WORD.findall(chance.choice(others)) if bool(_HAN.search(each)) is (not word.isascii())
        ]
        if words:
            return [each[: len(word)] for each in words] if not word.isascii() else words
    return ("etc",)
