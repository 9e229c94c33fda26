"""A text cut into pieces where something was found in it, each piece with all that was found there.

Spans count code points and may overlap; the pieces do not, and together they are the text.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from gateway.core.shown import visible


@dataclass(frozen=True, slots=True)
class Mark:
    """Something found in a text: from where to where, and what it is called."""

    start: int
    end: int
    label: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A piece of a text. ``labels`` is all that was found here, in the order of the marks; ``begins`` what of it was
    found here for the first time in the text."""

    runs: tuple[tuple[str, bool], ...]
    labels: tuple[str, ...]
    begins: tuple[str, ...]


def pieces(text: str, marks: Iterable[Mark]) -> list[Piece]:
    """The pieces of a text in order. Marks beyond its end are cut, empty ones left out."""
    inside = [
        Mark(max(0, mark.start), min(len(text), mark.end), mark.label)
        for mark in marks
        if max(0, mark.start) < min(len(text), mark.end)
    ]
    # A label stands once, where what it names was found first: the others have its colour, and its name on asking.
    first: dict[str, int] = {}
    for mark in inside:
        first[mark.label] = min(mark.start, first.get(mark.label, mark.start))
    cuts = sorted({0, len(text), *[mark.start for mark in inside], *[mark.end for mark in inside]})
    return [_piece(text, start, end, inside, first) for start, end in pairwise(cuts)]


def _piece(text: str, start: int, end: int, marks: Sequence[Mark], first: Mapping[str, int]) -> Piece:
    here = [mark for mark in marks if mark.start <= start and end <= mark.end]
    return Piece(
        tuple(runs(text[start:end])),
        tuple(dict.fromkeys([mark.label for mark in here])),
        tuple(dict.fromkeys([mark.label for mark in here if first[mark.label] == start])),
    )


def runs(text: str) -> list[tuple[str, bool]]:
    """A text as it may safely be shown: what is seen as it is, and what is not by its escape, marked with True. Ends of
    lines stay; they are shown as such."""
    found: list[tuple[str, bool]] = []
    for sign in text:
        escaped = sign if sign in ("\n", "\\") else visible(sign)
        hidden = escaped != sign
        if found and found[-1][1] == hidden and not hidden:
            found[-1] = (found[-1][0] + escaped, hidden)
        else:
            found.append((escaped, hidden))
    return found
