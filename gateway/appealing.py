"""Appeals: made by the author, decided by a person who had no part in what is appealed against, and carried out.

Where an appeal against a message's hold or block is granted, the message moves in the transaction of the decision, and
is then published like any released one: by whichever process takes it up, once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from gateway import metrics
from gateway.core.appeals import (
    DAY_MS,
    Appeal,
    AppealPolicy,
    AppealState,
    Restored,
    Unappealable,
    Undecidable,
    may_decide,
    restored_as,
    unappealable,
    until_ms,
)
from gateway.core.holds import Holds
from gateway.core.model import Case, Decision, Facts, MessageState, Outcome, Reason
from gateway.core.queue import takes_two
from gateway.core.records import Stored, Transition
from gateway.core.registration import By
from gateway.core.rules import APPEAL
from gateway.core.statement import Restriction, Statement
from gateway.ports import Appeals, Clock, Judged, Registry, Stale, Statements, Store, StoreUnavailable

log = logging.getLogger("gateway.appeals")

_ATTEMPTS: Final = 5
"""How often what becomes of a message is made anew, because somebody else wrote the message meanwhile."""
_AT_ONCE: Final = 500
"""Requests, and texts, erased in one transaction."""
_OF_A_MESSAGE: Final = frozenset({Restriction.HOLD, Restriction.BLOCK, Restriction.TAKEDOWN})


@dataclass(frozen=True, slots=True)
class Standing:
    """A statement as it stands: until when (unix ms) an appeal against it may be made, why none may, and the appeal
    that was made."""

    statement: Statement
    until_ms: int
    unappealable: Unappealable | None
    appeal: Appeal | None


class Appealing:
    """What authors and reviewers do about restrictions. Every method raises `StoreUnavailable`."""

    def __init__(
        self,
        *,
        statements: Statements,
        appeals: Appeals,
        store: Store,
        registry: Registry,
        policy: Callable[[], AppealPolicy],
        clock: Clock,
        holds: Callable[[], Holds],
    ) -> None:
        self.statements = statements
        self.appeals = appeals
        self._store = store
        self._registry = registry
        self._policy = policy
        self._clock = clock
        self._holds = holds

    async def standing(self, statement: Statement) -> Standing:
        """How a statement stands now."""
        return (await self.standings([statement]))[0]

    async def standings(self, statements: Sequence[Statement]) -> list[Standing]:
        """How each of these statements stands now."""
        against = await self.appeals.against([each.statement_id for each in statements])
        return [self._standing(each, against.get(each.statement_id)) for each in statements]

    def _standing(self, statement: Statement, appeal: Appeal | None) -> Standing:
        policy = self._policy()
        why = Unappealable.EXISTS if appeal is not None else unappealable(statement, policy, self._clock.now_ms())
        return Standing(statement, until_ms(statement, policy), why, appeal)

    async def make(self, statement: Statement, text: str, language: str) -> Appeal | Unappealable:
        """Appeal against what a statement states, in the name of whom it is about."""
        policy, now_ms = self._policy(), self._clock.now_ms()
        if (why := unappealable(statement, policy, now_ms)) is not None:
            return why
        of_message = statement.restriction in _OF_A_MESSAGE
        appeal = Appeal(
            appeal_id=self._clock.new_id(),
            tenant_id=statement.tenant_id,
            account_id=statement.account_id,
            statement_id=statement.statement_id,
            state=AppealState.OPEN,
            language=language,
            made_ms=now_ms,
            due_ms=now_ms + policy.decide_days * DAY_MS,
            # An appeal against a sanction says nothing of the message that led to it.
            message_id=statement.message_id if of_message else None,
            sanction_id=statement.sanction_id,
            text=text,
        )
        if (refused := await self.appeals.make(appeal)) is not None:
            return refused
        metrics.child(metrics.APPEALS, "made").inc()
        log.info("appeal", {"appeal_id": appeal.appeal_id, "tenant": appeal.tenant_id})
        return appeal

    async def decide(
        self, tenant_id: str, appeal_id: str, outcome: AppealState, by: By, note: str | None = None
    ) -> Appeal | Undecidable:
        """Decide an open appeal in a person's name. Of two at once, one is told that it was decided already."""
        for _ in range(_ATTEMPTS):
            appeal = await self.appeals.appeal(tenant_id, appeal_id)
            if appeal is None:
                return Undecidable.APPEAL_UNKNOWN
            if appeal.state is not AppealState.OPEN:
                return Undecidable.DECIDED
            if (why := may_decide(by.actor, await self.appeals.involved(appeal))) is not None:
                return why
            try:
                if outcome is AppealState.REVERSED and await self._takes_two(appeal):
                    return Undecidable.TWO_PEOPLE
                judged = await self._judged(appeal, outcome, by, note)
                if (why := await self.appeals.decide(appeal, judged)) is not None:
                    return why
            except Stale:
                continue
            metrics.child(metrics.APPEALS, outcome.value).inc()
            log.info("appeal decided", {"appeal_id": appeal_id, "outcome": outcome.value, "message": judged.restored})
            return await self.appeals.appeal(tenant_id, appeal_id) or appeal
        raise StoreUnavailable("others write this message at the same time; try again")

    async def _takes_two(self, appeal: Appeal) -> bool:
        """Whether the message is held still, and its release takes two people: an appeal is no way round the second."""
        if appeal.message_id is None:
            return False
        stored = await self._store.message(appeal.message_id, appeal.tenant_id)
        if stored is None or stored.state is not MessageState.HELD:
            return False
        _, newest = (await self._store.cases(stored.message_id))[-1]
        return takes_two(newest, self._holds())

    async def _judged(self, appeal: Appeal, outcome: AppealState, by: By, note: str | None) -> Judged:
        judged = Judged(outcome, by, self._clock.now_ms(), note)
        if outcome is not AppealState.REVERSED or appeal.message_id is None:
            return judged
        stored = await self._store.message(appeal.message_id, appeal.tenant_id)
        if stored is None:
            return judged
        restored = restored_as(stored.state, stored.forwards, bool(stored.request.body))
        move = await self._move(stored, restored, judged) if restored in _STATES else None
        return Judged(outcome, by, judged.at_ms, note, restored, move)

    async def _move(self, stored: Stored, restored: Restored, judged: Judged) -> Transition:
        _, newest = (await self._store.cases(stored.message_id))[-1]
        account = await self._registry.account(stored.message.tenant_id, stored.message.account_id)
        facts = Facts(judged.at_ms, account, source=newest.facts.source)
        reason = Reason(APPEAL, Outcome.ALLOW, judged.by.reason, judged.by.actor)
        decision = Decision(Outcome.ALLOW, APPEAL, (reason,), newest.decision.policy_version)
        return Transition(
            stored.message_id,
            stored.state,
            _STATES[restored],
            judged.by.actor,
            "an appeal was granted",
            judged.at_ms,
            self._clock.new_id(),
            Case(facts, newest.answers, decision),
            step=stored.steps,
        )

    async def forget(self) -> None:
        """Erase requests and texts whose time is over, some at a time: a sweep of millions shall hold up nobody."""
        policy, now_ms = self._policy(), self._clock.now_ms()
        await self._store.forget_requests(now_ms - policy.days * DAY_MS, _AT_ONCE)
        await self.appeals.forget_texts(now_ms - policy.text_days * DAY_MS, _AT_ONCE)

    async def measure(self) -> None:
        """Set the gauges that are read off the store."""
        waiting, late = await self.appeals.count_open(self._clock.now_ms())
        metrics.APPEALS_OPEN.set(waiting)
        metrics.APPEALS_LATE.set(late)


_STATES: Final = {Restored.QUEUED: MessageState.QUEUED, Restored.RELEASED: MessageState.RELEASED}
