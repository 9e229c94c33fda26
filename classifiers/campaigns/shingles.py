"""What of a text stays when senders vary it: words and pairs of neighbours, without what differs by recipient. Pure.

A shingle is a word that means something, a pair of neighbouring words, or a pair of neighbouring Chinese characters.
Pairs, where other systems take runs of three or four, because a paraphrase leaves more of them (measured by
`classifiers.campaigns.evaluate`). Digits, links and mentions are left out, and traditional characters are read as
simplified ones. Works on the canonical view of `classifiers.normalise`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Final

from opencc import OpenCC

VERSION: Final = "1"
"""Changes whenever the same view may get other shingles."""

LEAST: Final = 16
"""How much of a text must be its own words for it to count, in letters; a Chinese character is as good as two."""

_HAN: Final = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
_VARYING: Final = re.compile(
    r"(?:https?://|www\.)[!-~]+|[a-z0-9-]+(?:\.[a-z0-9-]+)+/[!-~]*|@[a-z0-9_.:-]+|@[\u4e00-\u9fff]{1,4}"
)
"""Links and mentions. A bare name of a site is read as words: it cannot be told from two sentences without a blank."""
_WORD: Final = re.compile(rf"[^\W\d_{_HAN}]+")
_CHARACTERS: Final = re.compile(f"[{_HAN}]+")
_MAYBE_VARYING: Final = re.compile("[@/]|www")

_EMPTY: Final = frozenset(
    re.findall(
        r"\w+",
        """
        a an the of to in on at for and or is are was were be been it its this that these those with as by from you
        your we our us i me my he him his she her they them their has have had will would can could should shall do
        does did not no so if but than then there here what who which when where how why all any some just very too
        also up out am im re ve ll don
        """,
    )
)
"""English words without a meaning of their own."""
_COURTEOUS: Final = frozenset(
    re.findall(
        r"\w+",
        """
        good morning afternoon evening night day nice great happy merry birthday new year christmas easter eid diwali
        holidays weekend welcome hello hi hey dear everyone everybody friend friends family folks guys thanks thank
        much congrats congratulations wish wishes wishing best love lots health peace joy luck lol haha hahaha yes ok
        okay sleep tight well sweet dreams bless god take care see tomorrow soon blessed lovely wonderful
        """,
    )
)
"""Words of which greetings are made. They do not make a text count."""
_COURTESIES: Final = re.compile(
    "早上好|上午好|中午好|下午好|晚上好|早安|午安|晚安|大家好|你们好|你好|您好|大家|各位|朋友们|朋友|家人们|亲爱的|生日快乐"
    "|新年快乐|新春快乐|春节快乐|节日快乐|中秋快乐|国庆快乐|圣诞快乐|元旦快乐|端午安康|周末愉快|恭喜发财|恭喜|万事如意|身体健康"
    "|心想事成|阖家欢乐|阖家幸福|合家欢乐|大吉大利|吉祥如意|步步高升|工作顺利|一切顺利|天天开心|开心快乐|幸福安康|平安喜乐|祝福"
    "|祝你|祝您|祝|谢谢|感谢|辛苦了|加油|哈+|嘻+|呵+|快乐|开心|幸福|一天|每天|今天|愉快|美好的|美好|愿"
)


def _simplified() -> dict[int, str]:
    """Characters that are written in another way in simplified Chinese, one for one, so that places stay."""
    converter = OpenCC("t2s")
    pairs = [(chr(code), converter.convert(chr(code))) for code in range(0x4E00, 0xA000)]
    return {ord(old): new for old, new in pairs if old != new and len(new) == 1}


_SIMPLIFIED: Final = _simplified()


def folded(view: str) -> str:
    """The text without what varies, in as many characters."""
    if _MAYBE_VARYING.search(view):
        view = _VARYING.sub(lambda found: " " * len(found[0]), view)
    return view if view.isascii() else view.translate(_SIMPLIFIED)


def shingles(text: str) -> set[str]:
    """The shingles of a folded text, in no order."""
    words = _WORD.findall(text)
    found = {word for word in words if len(word) > 1 and word not in _EMPTY}
    found.update([f"{one} {other}" for one, other in pairwise(words)])
    if not text.isascii():
        characters = "".join(_CHARACTERS.findall(text))
        found.update([characters[at : at + 2] for at in range(len(characters) - 1)])
    return found


def significance(text: str) -> int:
    """How much of a folded text is its own words rather than greetings and particles, to compare with `LEAST`."""
    own = sum([len(word) for word in _WORD.findall(text) if word not in _EMPTY and word not in _COURTEOUS])
    if text.isascii() or own >= LEAST:
        return own
    characters = "".join(_CHARACTERS.findall(text))
    return own + 2 * len(_COURTESIES.sub("", characters) if len(characters) < 8 * LEAST else characters)


def placed(text: str) -> Iterator[tuple[str, int, int]]:
    """The shingles of a folded text, each with where it begins and ends."""
    words = list(_WORD.finditer(text))
    for word in words:
        yield word[0], word.start(), word.end()
    for one, other in pairwise(words):
        yield f"{one[0]} {other[0]}", one.start(), other.end()
    places = [at for run in _CHARACTERS.finditer(text) for at in range(run.start(), run.end())]
    for first, second in pairwise(places):
        yield text[first] + text[second], first, second + 1
