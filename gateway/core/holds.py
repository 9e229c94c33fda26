"""The policy's part on held messages."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.model import Outcome
from gateway.core.policy_part import Part

Hours = Annotated[float, Field(gt=0, le=24 * 366, strict=False)]
Code = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[a-z][a-z0-9_]*$")]

_URGENT: Final = {"sexual_minors": 1.0, "self_harm": 1.0, "terrorism": 1.0, "violence": 4.0}
_RELEASE: Final = ("no_violation", "context", "newsworthy", "mistake", "other")
_REJECT: Final = (*sorted(CATEGORIES), "unverifiable", "other")

CODE_TEXTS: Final = {
    "no_violation": "No violation",
    "context": "Harmless in its context",
    "newsworthy": "Of public interest",
    "mistake": "Held by mistake",
    "news": "News that the account may not publish",
    "unverifiable": "Cannot be verified",
    "other": "Other",
}
"""What the codes mean that are neither a violation nor an operator's own."""


class Holds(Part):
    """Messages that wait for a person.

    One that waited ``expire_hours`` is rejected. ``hours`` is in how many of them somebody should have decided, by
    category (``other_hours`` for the rest), times ``reach`` of the account's class: less than 1 for accounts that many
    read. A claim lasts ``claim_minutes``; a decision can be undone for ``undo_seconds``. Releasing a message that was
    held for a category of ``four_eyes`` takes two people. A decision names one of the codes; to reject by the code of a
    category says that the message violates it.
    """

    expire_hours: Hours = 168.0
    hours: dict[str, Hours] = Field(_URGENT)
    other_hours: Hours = 24.0
    reach: dict[str, Annotated[float, Field(gt=0, le=10, strict=False)]] = Field({})
    claim_minutes: float = Field(10.0, gt=0, le=24 * 60, strict=False)
    undo_seconds: float = Field(8.0, ge=0, le=600, strict=False)
    four_eyes: tuple[str, ...] = Field(("sexual_minors", "terrorism"), strict=False)
    release_codes: tuple[Code, ...] = Field(_RELEASE, min_length=1, strict=False)
    reject_codes: tuple[Code, ...] = Field(_REJECT, min_length=1, strict=False)

    @model_validator(mode="after")
    def _known(self) -> Self:
        if unknown := sorted({*self.hours, *self.four_eyes} - CATEGORIES):
            raise ValueError(f"hours, four_eyes: unknown categories: {', '.join(unknown)}")
        return self

    def hours_of(self, category: str) -> float:
        """In how many hours a message with this category should be decided on."""
        return self.hours.get(category, self.other_hours)

    def codes(self, outcome: Outcome) -> tuple[str, ...]:
        """The codes that a decision may name: ALLOW releases, BLOCK rejects."""
        return self.release_codes if outcome is Outcome.ALLOW else self.reject_codes
