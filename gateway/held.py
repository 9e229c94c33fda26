"""Held messages, as people work on them: what they decide is checked at once, and carried out when it can no longer be
undone."""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.core.decide import forbidden
from gateway.core.model import Case, Facts, MessageState, Outcome
from gateway.core.policy import PolicyInForce
from gateway.core.queue import Entry, Resolution, Unresolved, enter, noted
from gateway.core.records import Stored
from gateway.ports import Clock, Queue, Registry, Store
from gateway.review import ReleaseForbidden, resolve_by_person

log = logging.getLogger("gateway.held")

_AGAIN_MS = 60_000
"""A decision whose carrying out was begun so long ago was begun by a process that died."""


class HeldMessages:
    """The queue, with what a decision needs beside it."""

    def __init__(
        self,
        *,
        queue: Queue,
        store: Store,
        registry: Registry,
        policy: Callable[[], PolicyInForce],
        clock: Clock,
    ) -> None:
        self.queue = queue
        self._store = store
        self._registry = registry
        self._policy = policy
        self._clock = clock

    async def decide(
        self,
        message_id: str,
        tenant_id: str | None,
        actor: str,
        outcome: Outcome,
        code: str,
        note: str,
        undo: bool = True,
    ) -> Entry | Unresolved:
        """Release (ALLOW) or reject (BLOCK) a held message in a person's name, now or once it can no longer be undone.

        Raises `ReleaseForbidden` where the account's facts of this moment block, and `StoreUnavailable`.
        """
        policy, now_ms = self._policy(), self._clock.now_ms()
        rules = policy.policy.holds
        stored = await self._store.message(message_id, tenant_id)
        if stored is None or stored.state is not MessageState.HELD:
            return Unresolved.NOT_HELD
        _, newest = (await self._store.cases(message_id))[-1]
        if outcome is Outcome.ALLOW:
            await self._check(stored, newest, policy, now_ms)
        message = stored.message
        # It may have been held just now, or nobody may be following the chains.
        await self.queue.enter(
            enter(message_id, message.tenant_id, message.account_id, newest, stored.created_ms, rules)
        )
        resolution = Resolution(actor, outcome, code, note, now_ms)
        undo_ms = round(rules.undo_seconds * 1000) if undo else 0
        # Once it stands anybody may carry it out: that the message is held no more says nothing about it from then on.
        entry = await self.queue.resolve(message_id, tenant_id, resolution, rules, undo_ms)
        if not undo:
            await self.carry_out()
        return entry

    async def carry_out(self, limit: int = 50) -> bool:
        """Release and reject what was decided and can no longer be undone; True if more may wait."""
        due = await self.queue.take_due(self._clock.now_ms(), _AGAIN_MS, limit)
        for entry in due:
            await self._carry_out(entry)
        return len(due) == limit

    async def _carry_out(self, entry: Entry) -> None:
        stored = await self._store.message(entry.message_id, entry.tenant_id)
        done = entry.waiting
        if done is None:
            return
        if stored is None or stored.state is not MessageState.HELD:
            await self.queue.drop(entry.message_id)  # somebody else was sooner: an opinion, the hold's end, a command
            return
        if done.outcome is Outcome.ALLOW and entry.eyes > 1 and entry.first is None:
            # What was found since one person decided takes two.
            await self.queue.could_not(entry.message_id, done, "What was found meanwhile takes two people to release.")
            return
        policy = self._policy()
        try:
            await resolve_by_person(
                self._store,
                self._registry,
                self._clock,
                policy,
                stored,
                done.outcome,
                done.actor,
                noted(entry),
                done.code,
            )
        except ReleaseForbidden as forbidden_by:
            log.warning("release not carried out", {"message_id": entry.message_id})
            await self.queue.could_not(entry.message_id, done, str(forbidden_by))
        else:
            await self.queue.drop(entry.message_id)

    async def _check(self, stored: Stored, newest: Case, policy: PolicyInForce, now_ms: int) -> None:
        message = stored.message
        account = await self._registry.account(message.tenant_id, message.account_id)
        facts = Facts(now_ms, account, source=newest.facts.source)
        if (block := forbidden(message, facts, policy)) is not None:
            raise ReleaseForbidden(block)
