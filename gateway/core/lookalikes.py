"""What nobody sees the difference of: characters that show nothing, and letters that look like Latin ones.

Unicode's normal forms keep them apart, so a text with one of them would pass for another one wherever texts are
compared to find out whether somebody comes back.
"""

from __future__ import annotations

from typing import Final

_FILLERS: Final = "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180f\u3164\uffa0"
_SELECTORS: Final = (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))

INVISIBLE: Final[dict[int, None]] = dict.fromkeys([*map(ord, _FILLERS), *_SELECTORS])
"""Letters and marks that show nothing: fillers of Hangul, joiners, and selectors of variants (for `str.translate`)."""

LATIN: Final = str.maketrans(
    # Cyrillic, then Greek, after folding of case. What looks so as a capital counts, since numbers are written in them.
    "авекмнорстухіјѕԁһԛԝ" + "αβεζηικμνορτυχ",
    "abekmhopctyxijsdhqw" + "abezhikmnoptyx",
)
"""Letters that look like a Latin one, and that (for `str.translate`)."""
