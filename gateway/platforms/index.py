"""Finds the templates a path may fit without trying each: most requests fit none, and must not be slowed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Generic, TypeVar

from gateway.platforms.templates import Template

T = TypeVar("T")


class PathIndex(Generic[T]):
    """Templates, by the words one of which their paths must have. ``fold``: letters match in either case."""

    def __init__(self, entries: Iterable[tuple[Template, T]], fold: bool = False) -> None:
        self._fold = fold
        self._by_word: dict[str, list[tuple[int, Template, T]]] = {}
        self._others: list[tuple[int, Template, T]] = []
        self.known: dict[tuple[str, bytes], object] = {}
        """For whoever looks things up by it: what was found for a method and path."""
        for rank, (template, item) in enumerate(entries):
            anchors = template.anchors()
            if not anchors:
                self._others.append((rank, template, item))
            for word in anchors:
                self._by_word.setdefault(word, []).append((rank, template, item))

    def find(
        self, parts: Sequence[str], *, fold: bool = False, empty: bool = False
    ) -> Iterator[tuple[T, dict[str, str]]]:
        """What fits these segments, with the variables, in the order in which it was given."""
        candidates = list(self._others)
        for part in parts:
            candidates += self._by_word.get(part.lower(), ())
        if not candidates:
            return
        for _, template, item in sorted({entry[0]: entry for entry in candidates}.values(), key=_rank):
            variables = template.match(parts, fold=fold or self._fold, empty=empty)
            if variables is not None:
                yield item, variables


def _rank(entry: tuple[int, Template, object]) -> int:
    return entry[0]
