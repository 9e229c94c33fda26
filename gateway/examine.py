"""What the classifiers say of texts that no account publishes: nothing is decided, and nothing recorded."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from classifiers.contract import Opinion, Unanswered
from gateway import metrics
from gateway.core.model import Message
from gateway.core.policy import Policy, PolicyInForce
from gateway.ports import Classifiers, Clock
from gateway.stages import Stage

PLATFORM = "examine"


class Overloaded(Exception):
    """Too many texts are being examined; nobody was asked."""


@dataclass(frozen=True, slots=True)
class Examination:
    """What was found. ``scores`` has the highest score of each category that was looked for, ``found`` the categories
    from the policy's hold threshold on, ``judges`` names and versions of those that answered; the classifiers know all
    this by ``examination_id``.

    ``silent`` are the classifiers without which the policy lets nothing be published: with one of them, nothing may be
    said about what was *not* found.
    """

    examination_id: str
    scores: Mapping[str, float]
    found: frozenset[str]
    judges: tuple[str, ...]
    silent: tuple[Unanswered, ...]


class Examine:
    """Asks the policy's classifiers, by its deadline; about at most ``limit`` things at once.

    A request for more than ``limit`` is admitted while nothing else is examined, so that none is refused for ever.
    """

    def __init__(
        self, *, classifiers: Classifiers, policy: Callable[[], PolicyInForce], clock: Clock, limit: int
    ) -> None:
        self._classifiers = classifiers
        self._policy = policy
        self._clock = clock
        self._limit = limit
        self._in_flight = 0

    async def __call__(self, tenant_id: str, items: Sequence[tuple[str, ...]]) -> list[Examination]:
        """What is said of each item; the texts of one item are judged together.

        All share one deadline. A classifier that says nothing is told of, never raised. Raises `Overloaded`.
        """
        if self._in_flight and self._in_flight + len(items) > self._limit:
            raise Overloaded
        policy = self._policy().policy
        deadline_ms = self._clock.now_ms() + policy.deadline_ms
        self._in_flight += len(items)
        try:
            with Stage("opinions"):
                return await asyncio.gather(*(self._one(tenant_id, item, policy, deadline_ms) for item in items))
        finally:
            self._in_flight -= len(items)

    async def _one(self, tenant_id: str, texts: tuple[str, ...], policy: Policy, deadline_ms: int) -> Examination:
        # No account, and no bytes that will be forwarded: the classifiers need neither.
        examination_id, message = self._clock.new_id(), Message(tenant_id, "", PLATFORM, texts, "")
        answers = await self._classifiers.ask(examination_id, message, policy.ask(False), deadline_ms)
        scores: dict[str, float] = {}
        judges: list[str] = []
        silent: list[Unanswered] = []
        for answer in answers:
            if isinstance(answer, Opinion):
                judges.append(f"{answer.classifier}-{answer.version}")
                for score in answer.scores:
                    scores[score.category] = max(score.value, scores.get(score.category, 0.0))
            else:
                metrics.child(metrics.SILENCES, answer.classifier, answer.silence.value).inc()
                if policy.classifiers[answer.classifier].required:
                    silent.append(answer)
        if not judges and not silent:  # none of them is required, and none answered
            silent = [answer for answer in answers if isinstance(answer, Unanswered)]
        found = {
            category
            for category, threshold in policy.categories.items()
            if category in scores and scores[category] >= threshold.hold
        }
        return Examination(examination_id, scores, frozenset(found), tuple(judges), tuple(silent))
