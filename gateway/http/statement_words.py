"""The words of a statement of reasons, as answers have them."""

from __future__ import annotations

from pydantic import BaseModel

from gateway.core.wordings import Worded


class SectionOut(BaseModel):
    """A part of a statement. ``name`` is the same in every language: `restriction`, `facts`, `automation`, `ground`,
    `redress`."""

    name: str
    title: str
    text: str


def sections(told: Worded) -> list[SectionOut]:
    """The parts of a statement."""
    return [SectionOut(name=each.name, title=each.title, text=each.text) for each in told.sections]
