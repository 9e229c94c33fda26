"""A message's texts with what was found in them, as a reviewer reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from gateway.core.model import Case, Message
from gateway.http.console.highlights import clear
from gateway.http.console.marks import Mark
from gateway.http.passages import passages


@dataclass(frozen=True, slots=True)
class Marked:
    """A text with its marks; ``rendered``: it is what a reader sees of another one."""

    text: str
    marks: list[Mark]
    rendered: bool


@dataclass(frozen=True, slots=True)
class Passages:
    """What people read of a message. ``beside`` are the marks in what stands beside the texts: the target, and
    addresses of media, by themselves."""

    texts: list[Marked]
    beside: Mapping[str, list[Mark]]


def passages_of(message: Message, case: Case | None = None) -> Passages:
    """A message's texts, with what a decision found in them; each category's marks in as few parts as show it."""
    marks = clear(message.texts, _marks(case)) if case is not None else {}
    shown = passages(message)
    labels = {mark.label for each in shown for mark in marks.get(each.part, ())}
    new: list[int] = []
    for part, found in marks.items():
        if any(mark.label not in labels for mark in found):
            new.append(part)
            labels |= {mark.label for mark in found}
    if new:
        shown = passages(message, new)
    texts = [Marked(each.text, marks.get(each.part, []), each.rendered) for each in shown]
    return Passages(texts, {message.texts[part]: found for part, found in marks.items()})


def _marks(case: Case) -> dict[int, list[Mark]]:
    """What was found, by part, what is surest in front."""
    found: dict[int, list[Mark]] = {}
    for reason in sorted(case.decision.reasons, key=lambda reason: -(reason.score or 0.0)):
        for span in reason.spans:
            found.setdefault(span.part, []).append(Mark(span.start, span.end, reason.category or reason.code))
    return dict(sorted(found.items()))
