"""The policy's part about the ladder: which happenings are strikes, and what comes of how many.

The degrees are those of the rule of 2014 on public accounts (warn, limit, suspend renewal, suspend, close, by degree of
violation). That count, proportion and gravity are weighed is article 23 of Regulation (EU) 2022/2065.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.model import Degree
from gateway.core.policy_part import Part

RANK: Final = {degree: rank for rank, degree in enumerate(Degree)}
"""The order of degrees, from mildest to strictest."""

MOST_STEPS: Final = 20

NO_VIOLATION: Final = frozenset({"self_harm"})
"""Categories that are no violation unless the policy gives them a weight: who is in need has done nothing wrong."""

AnyDegree = Annotated[Degree, Field(strict=False)]
Days = Annotated[int, Field(ge=1, le=3660)]
Points = Annotated[int, Field(ge=0, le=MOST_STEPS)]


class Happening(StrEnum):
    """What makes a strike. All are about content: who is behind an account, or what is not known, never does."""

    BLOCKED = "blocked"
    """A message was blocked for its content."""
    REJECTED = "rejected"
    """A person rejected a held message, and named a category."""
    TAKEDOWN = "takedown"
    """A published message was taken down."""


class Step(Part):
    """One step of the ladder: a degree, for so many ``days``, and what goes with it for the same time (``also``).

    Without ``days`` a warning stands until its incident decays, and anything else until it is lifted.
    """

    degree: AnyDegree
    days: Days | None = None
    also: tuple[AnyDegree, ...] = Field((), strict=False)

    @model_validator(mode="after")
    def _possible(self) -> Self:
        if self.degree is Degree.CLOSE and (self.days is not None or self.also):
            raise ValueError("close ends by nothing, and nothing goes with it: leave out days and also")
        if set(self.also) & {Degree.WARN, Degree.CLOSE, self.degree}:
            raise ValueError("also: only other restrictions go with a step: restrict, suspend_renewal, suspend")
        return self

    def degrees(self) -> tuple[Degree, ...]:
        """All that it imposes."""
        return (self.degree, *self.also)

    def strictness(self) -> tuple[int, float]:
        """What steps are compared by."""
        return RANK[self.degree], float("inf") if self.days is None else self.days


class Severe(Part):
    """Categories that skip steps: such an incident is worth at least ``step`` others, and decays later."""

    categories: tuple[str, ...] = Field(("sexual_minors", "terrorism"), strict=False)
    step: int = Field(4, ge=1, le=MOST_STEPS)
    decay_days: Days = 365


class Ladder(Part):
    """What comes of violations.

    Incidents add up, each with the weight of its category (``weights``; where none is given 1, and 0 for
    `NO_VIOLATION`), until they decay; the sum is the step, and beyond the last one it is the last one. What an account
    does within ``incident_minutes`` is one incident. Degrees that are not ``automatic`` are only proposed to a person,
    as is everything beyond ``daily_quota`` automatic sanctions of a tenant in 24 hours: a bad rule must not sanction
    thousands. ``reviewers`` says how many people must agree to a degree, where it is more than one. Without ``strikes``
    there is no ladder.
    """

    strikes: tuple[Annotated[Happening, Field(strict=False)], ...] = Field(tuple(Happening), strict=False)
    steps: tuple[Step, ...] = Field(
        (
            Step(degree=Degree.WARN),
            Step(degree=Degree.RESTRICT, days=3),
            Step(degree=Degree.RESTRICT, days=7),
            Step(degree=Degree.SUSPEND, days=30, also=(Degree.SUSPEND_RENEWAL,)),
            Step(degree=Degree.CLOSE),
        ),
        min_length=1,
        max_length=MOST_STEPS,
        strict=False,
    )
    decay_days: Days = 90
    incident_minutes: int = Field(60, ge=0, le=44_640)
    weights: dict[str, Points] = Field({})
    severe: Severe = Severe()
    automatic: tuple[AnyDegree, ...] = Field(
        (Degree.WARN, Degree.RESTRICT, Degree.SUSPEND_RENEWAL, Degree.SUSPEND), strict=False
    )
    daily_quota: int = Field(100, ge=0, le=1_000_000)
    reviewers: dict[AnyDegree, Annotated[int, Field(ge=1, le=5)]] = Field({Degree.CLOSE: 2})

    @model_validator(mode="after")
    def _sound(self) -> Self:
        for number, (lower, upper) in enumerate(zip(self.steps, self.steps[1:], strict=False), start=2):
            dropped = set(lower.degrees()) - set(upper.degrees()) - {lower.degree}
            if upper.strictness() < lower.strictness() or (dropped and upper.degree is not Degree.CLOSE):
                raise ValueError(f"steps: step {number} is lighter than the one before it")
        if Degree.CLOSE in self.automatic:
            raise ValueError("automatic: an account is never closed automatically; leave out close")
        if self.reviewers.get(Degree.CLOSE, 2) < 2:
            raise ValueError("reviewers: it takes two to close an account")
        if unknown := sorted({*self.weights, *self.severe.categories} - CATEGORIES):
            raise ValueError(f"unknown categories: {', '.join(unknown)}")
        return self

    def weight(self, category: str) -> int:
        """How many steps an incident of a category goes up."""
        weight = self.weights.get(category, 0 if category in NO_VIOLATION else 1)
        return max(weight, self.severe.step) if category in self.severe.categories else weight

    def decay_ms(self, category: str) -> int:
        """How long an incident of a category counts."""
        days = self.severe.decay_days if category in self.severe.categories else self.decay_days
        return days * 86_400_000

    def longest_ms(self) -> int:
        """How long any incident may count."""
        return max(self.severe.decay_days, self.decay_days) * 86_400_000

    def is_automatic(self, step: Step) -> bool:
        """Whether a step is imposed without a person."""
        return set(step.degrees()) <= set(self.automatic)

    def needed(self, degree: Degree) -> int:
        """How many people must agree to a degree that is proposed."""
        return self.reviewers.get(degree, 2 if degree is Degree.CLOSE else 1)
