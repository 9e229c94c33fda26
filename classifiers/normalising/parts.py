"""Characters written as their parts, left and right: 亻尔 for 你, 弓虽女干 for 强奸.

Parts that stand nowhere else together are always joined. Parts that are ordinary characters (女 and 子, 日 and 月) are
joined only if the whole makes a word that people hide with the character beside it, or if parts of the first kind
stand beside them.
"""

from __future__ import annotations

import re
from typing import Final

from classifiers.normalising.tables import pairs, rows, words
from classifiers.normalising.view import View, rewrite

_GUARDED: Final = list(rows("parts.tsv", 4))
_BOUND: Final = pairs("parts_bound.tsv")
_CERTAIN: Final = frozenset([parts for parts, _, _, _ in _GUARDED])
_WHOLES: Final = {parts: whole for parts, whole, _, _ in _GUARDED} | _BOUND
_PAIRS: Final = frozenset(words("hidden.txt"))


def _branch(parts: str, before: str, after: str) -> str:
    behind = "" if before == "-" else f"(?<![{before}]{parts[0]})"
    ahead = "" if after == "-" else f"(?![{after}])"
    return f"{parts[0]}{behind}{parts[1:]}{ahead}"


_BRANCHES: Final = {parts: _branch(parts, before, after) for parts, _, before, after in _GUARDED} | {
    parts: parts for parts in _BOUND
}
_PARTS: Final = re.compile("|".join([_BRANCHES[parts] for parts in sorted(_BRANCHES, key=len, reverse=True)]))
"""The longest first. Every branch begins with a character, by which the search passes over most of a text."""


def read(view: View) -> View:
    """The view with the parts of characters joined."""
    return rewrite(view, _PARTS, _joined)


def _joined(match: re.Match[str]) -> str | None:
    parts, text = match[0], match.string
    whole = _WHOLES[parts]
    if parts not in _BOUND:
        return whole
    start, end = match.span()
    if text[start - 1 : start] + whole in _PAIRS or whole + text[end : end + 1] in _PAIRS:
        return whole
    following = _PARTS.match(text, end)
    if following and whole + _WHOLES[following[0]] in _PAIRS:
        return whole
    certain = (following and following[0] not in _BOUND) or text[max(0, start - 2) : start] in _CERTAIN
    return whole if certain else None
