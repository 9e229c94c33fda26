"""Chinese characters parted by signs, blanks, emoji or Latin letters: 加*微*信, 加-微/信, 加 微 信, 约🌸炮.

A row of at least two gaps with single characters between them is no ordinary text. A single gap is closed only
inside a word that people hide. Commas and full stops are never taken for gaps.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.normalising.chinese import HAN
from classifiers.normalising.tables import words
from classifiers.normalising.view import View, keep

_PAIRS: Final = frozenset(words("hidden.txt"))

_STOPS: Final = r",.!?;:，。！？；：、…‥\"'()<>\[\]{}（）《》〈〉「」『』【】〔〕“”‘’%"
_SIGN: Final = rf"(?:[^\w\s{_STOPS}/+~&-]|_)"
"""A sign or emoji that parts no words in an ordinary sentence."""
_GAP: Final = r"[ \n._*/~|+-]"
_ANY: Final = r"[^\w,!?;:，。！？；：、]|_"

_MAYBE: Final = re.compile(rf"[{HAN}][^{HAN},!?:;，。！？、：；][^{HAN}]?[^{HAN}]?[{HAN}]")
_SPACED: Final = re.compile(
    rf"(?<![{HAN}])[{HAN}](?:{_GAP}{_GAP}?{_GAP}?[{HAN}])(?:{_GAP}{_GAP}?{_GAP}?[{HAN}])+(?![{HAN}])"
)
"""Three or more single characters with blanks or other gaps between any two, and no character beside them."""
_SIGNED: Final = re.compile(
    rf"[{HAN}](?:{_SIGN} ?{_SIGN}?[{HAN}]){{2,}}|[{HAN}][{HAN}]?(?:[*_|^=#@$][{HAN}][{HAN}]?){{2,}}"
)
"""Two or more gaps made of signs with single characters between, or of plain signs with one or two."""
_DASHED: Final = re.compile(rf"[{HAN}][/-]{_SIGN}?[{HAN}](?:[/-][{HAN}]|{_SIGN}[{HAN}])+")
_LETTERED: Final = re.compile(rf"[{HAN}]([a-z])[{HAN}](?:\1[{HAN}])+")
"""The same Latin letter again and again between single characters."""
_LONE: Final = re.compile(rf"(?<=([{HAN}]))(?:{_ANY})(?:{_ANY})?(?=([{HAN}]))")

_IS_HAN: Final = re.compile(f"[{HAN}]")


def read(view: View, *, emoji: re.Pattern[str]) -> View:
    """The view without what parts the characters of one word; ``emoji`` are those that may stand for words."""
    if not _MAYBE.search(view.text):
        return view
    view = keep(view, _SPACED, _characters)
    view = keep(view, _SIGNED, lambda match: None if _speaks(match[0], emoji) else _characters(match))
    view = keep(view, _DASHED, _characters)
    view = keep(view, _LETTERED, _characters)
    return keep(view, _LONE, lambda match: () if match[1] + match[2] in _PAIRS else None)


def _speaks(row: str, emoji: re.Pattern[str]) -> bool:
    """Whether different emoji in the row stand for words; one and the same again and again only parts."""
    found = emoji.findall(row)
    return len(set(found)) > 1 or len(found) == 1


def _characters(match: re.Match[str]) -> list[int]:
    return [match.start() + at for at, char in enumerate(match[0]) if _IS_HAN.match(char)]
