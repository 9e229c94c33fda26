"""Changes that people make to a text so that a filter does not know it again: models learn from some, and are tried
with others. Pure, seeded.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Final

import numpy as np
from pypinyin.pinyin_dict import pinyin_dict

from classifiers.normalising.tables import rows

_COMMON: Final = range(0x4E00, 0x9FA6)


@cache
def _alike() -> Mapping[str, Sequence[str]]:
    """For each Chinese character the others that GB 2312 has and that sound the same, whatever the tone."""
    by_sound: defaultdict[str, list[str]] = defaultdict(list)
    usual = {}
    for code in _COMMON:
        readings = pinyin_dict.get(code)
        if readings and _in_gb2312(chr(code)):
            usual[chr(code)] = sound = _toneless(readings.split(",")[0])
            by_sound[sound].append(chr(code))
    return {char: [other for other in by_sound[sound] if other != char] for char, sound in usual.items()}


def homophones(text: str, share: float, seed: int) -> str:
    """The text with this share of its Chinese characters written with others that sound the same."""
    chance = np.random.default_rng(seed)
    alike = _alike()
    changed = []
    for char in text:
        others = alike.get(char)
        changed.append(others[int(chance.integers(len(others)))] if others and chance.random() < share else char)
    return "".join(changed)


def emoji(text: str) -> str:
    """The text with every word that an emoji is used for written as that emoji."""
    for word, sign in _signs():
        text = text.replace(word, sign)
    return text


@cache
def _signs() -> Sequence[tuple[str, str]]:
    """Chinese words and the emoji for each, long words first."""
    signs: dict[str, str] = {}
    for sign, chinese, _ in rows("emoji.tsv", 3):
        signs.setdefault(chinese, sign)
    return sorted(signs.items(), key=lambda pair: (-len(pair[0]), pair[0]))


def _in_gb2312(char: str) -> bool:
    try:
        return len(char.encode("gb2312")) == 2
    except UnicodeEncodeError:
        return False


def _toneless(reading: str) -> str:
    marks = str.maketrans("āáǎàēéěèīíǐìōóǒòūúǔùǖǘǚǜńňǹḿ", "aaaaeeeeiiiioooouuuuvvvvnnnm")
    return reading.translate(marks)
