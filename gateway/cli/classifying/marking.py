"""A text with the words marked that moved a score, as far as a person needs to see of it. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from classifiers.contract import Span
from gateway.core.shown import visible

CONTEXT: Final = 60
"""Characters shown on each side of marked words."""
_GAP: Final = " ... "


def marked(text: str, spans: Iterable[Span]) -> list[tuple[str, bool]]:
    """Pieces in order, each with whether it is marked. What is far from every mark is left out; without any mark the
    beginning is shown. Every piece is `visible`."""
    return [(visible(piece), mark) for piece, mark in _pieces(text, _merged(text, spans)) if piece]


def quotes(text: str, spans: Iterable[Span]) -> list[str]:
    """The marked words alone, each once and cut when long."""
    return list(dict.fromkeys([visible(text[start:end], CONTEXT) for start, end in _merged(text, spans)]))


def _pieces(text: str, stretches: list[tuple[int, int]]) -> Iterator[tuple[str, bool]]:
    if not stretches:
        yield text[: 3 * CONTEXT], False
        if len(text) > 3 * CONTEXT:
            yield _GAP, False
        return
    done = 0
    for start, end in stretches:
        yield from _between(text[done:start], before=done > 0)
        yield text[start:end], True
        done = end
    yield text[done:][:CONTEXT], False
    if len(text) - done > CONTEXT:
        yield _GAP, False


def _between(text: str, before: bool) -> Iterator[tuple[str, bool]]:
    """What stands in front of a mark, with another mark ``before`` it or not."""
    if len(text) <= CONTEXT * (1 + before):
        yield text, False
        return
    if before:
        yield text[:CONTEXT], False
    yield _GAP, False
    yield text[-CONTEXT:], False


def _merged(text: str, spans: Iterable[Span]) -> list[tuple[int, int]]:
    """The stretches that the spans cover, in order. A span is a classifier's word, and may lie beside the text."""
    stretches: list[tuple[int, int]] = []
    for start, end in sorted({(max(span.start, 0), min(span.end, len(text))) for span in spans if span.part == 0}):
        if start >= end:
            continue
        if stretches and start <= stretches[-1][1]:
            stretches[-1] = (stretches[-1][0], max(end, stretches[-1][1]))
        else:
            stretches.append((start, end))
    return stretches
