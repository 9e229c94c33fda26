"""What single characters become in the canonical view: a table from a character to the text it stands for."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from classifiers.normalising.chinese import SIMPLIFIED

_MARKS: Final = re.compile(
    "[\u0300-\u036f\u0483-\u0489\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\U000e0100-\U000e01ef]"
)
"""Marks that decorate letters and can be piled up. Vowel signs of Indic or Arabic script stay."""

_BLANKS: Final = {"\t", "\n", "\r", "\v", "\f", "\x1c", "\x1d", "\x1e", "\x1f", "\x85", "\u2028", "\u2029"}
_NEWLINES: Final = {"\n", "\r", "\v", "\f", "\x85", "\u2028", "\u2029"}
_INVISIBLE: Final = {"\u00ad", "\u034f", "\u115f", "\u1160", "\u17b4", "\u17b5", "\u3164", "\uffa0", "\u2800"}
_PUNCTUATION: Final = dict(zip("‘’‛ʼ`´′“”„‟«»‐‑‒–—―−·•", "'" * 7 + '"' * 6 + "-" * 7 + "..", strict=True))

_ENCLOSED: Final = {
    **{chr(start + at): chr(ord("a") + at) for start in (0x1F150, 0x1F170) for at in range(26)},
    **{chr(start + at): str(at + 1) for start in (0x2776, 0x2780, 0x278A) for at in range(9)},
}
"""Letters and digits on a dark ground, which Unicode does not decompose."""


def _fold_once(char: str) -> str:
    if char in _BLANKS:
        return "\n" if char in _NEWLINES else " "
    if char in _INVISIBLE or _MARKS.match(char):
        return ""
    if char in _PUNCTUATION:
        return _PUNCTUATION[char]
    if char in _ENCLOSED:
        return _ENCLOSED[char]
    category = unicodedata.category(char)
    if category in ("Cc", "Cf", "Cs", "Cn"):
        return ""
    if category in ("Zs", "Zl", "Zp"):
        return " "
    decomposed = unicodedata.normalize("NFKD", char)
    if decomposed.isascii() or (decomposed[0].isascii() and decomposed[0].isalpha()):
        return _MARKS.sub("", decomposed).casefold()
    return unicodedata.normalize("NFKC", char).casefold()


class FoldTable(dict[str, str]):
    """Character to folded text, filled as characters are met; a folded character may become another by ``then``.

    Folding is applied to its own result until nothing changes, so folding a folded text changes nothing.
    The table never holds more than one entry for each of Unicode's code points.
    """

    def __init__(self, then: Mapping[str, str]) -> None:
        super().__init__()
        self._then: Final = then

    def __missing__(self, char: str) -> str:
        folded = self._once(char)
        for _ in range(4):
            again = "".join([self._once(c) for c in folded])
            if again == folded:
                break
            folded = again
        self[char] = folded
        return folded

    def _once(self, char: str) -> str:
        folded = _fold_once(char)
        return self._then.get(folded, folded)


FOLD: Final = FoldTable(SIMPLIFIED)
FOLD_JAPANESE: Final = FoldTable({})
"""For texts in Japanese, which write some of the traditional characters."""
