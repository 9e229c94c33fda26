"""Acts on sanctions, each as a part of one transaction: with what the hot path sees, and its audit row."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from msgspec.structs import replace
from sqlalchemy import ColumnElement, and_, insert, or_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway import metrics
from gateway.adapters.sql import sanction_rows as rows
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import record as record_act
from gateway.adapters.sql.registration import act_within, undo_close
from gateway.adapters.sql.registration import registered as registered_account
from gateway.adapters.sql.tables import messages
from gateway.adapters.sql.tables_sanctions import incidents, sanction_records
from gateway.core.audit import SANCTION, act_body, subject
from gateway.core.ladder import DAY_MS, Strike, counts, ends_ms, need_not_be_kept, next_sanction
from gateway.core.ladder_rules import Happening, Step
from gateway.core.ladder_undo import Given, Instead, undo
from gateway.core.model import AccountState, Degree
from gateway.core.policy import PolicyInForce
from gateway.core.registration import By, CloseAccount, Refused
from gateway.core.sanction_records import (
    SanctionRecord,
    SanctionRefused,
    SanctionState,
    Waits,
    Why,
    act_fields,
    decline,
    in_force,
    lift,
    seen_at,
    state_after_lift,
    waits_for,
)
from gateway.core.strikes import Reversal
from gateway.ports.sanctions import Foreseen

log = logging.getLogger(__name__)

GATEWAY: Final = By("gateway")


@dataclass(frozen=True, slots=True)
class SanctionWrites:
    """Acts in one transaction, whose ``change`` number they have: whoever took it is the only writer of the register
    until the transaction ends, so what is looked up stays true."""

    database: Database
    connection: AsyncConnection
    policy: PolicyInForce
    new_id: Callable[[], str]
    change: int
    now_ms: int
    _known: dict[tuple[str, str], tuple[AccountState | None, list[Strike]]] = field(default_factory=dict)
    """What is held against accounts. Many violations at once are mostly one account's."""

    async def hold_against(self, strike: Strike) -> None:
        """Keep a violation, and do or propose what the ladder says comes of it."""
        rules = self.policy.policy.ladder
        state, history = await self._held_against(strike)
        if state is None or rules.weight(strike.category) == 0:
            return
        if strike.happening is Happening.TAKEDOWN:
            content_hash = await self._hash_of(strike.tenant_id, strike.account_id, strike.message_id)
            if content_hash is None:
                return
            strike = replace(strike, content_hash=content_hash)
        if need_not_be_kept(history, strike, rules):
            return
        if strike.happening is Happening.BLOCKED and await self._was_harmless(strike):
            return
        await self.connection.execute(insert(incidents), [rows.strike_values(strike)])
        step = next_sanction(history, strike, rules, self.now_ms)
        history.append(strike)
        if step is not None and state is not AccountState.CLOSED:
            await self._by_ladder(strike, step)

    async def is_message_of(self, tenant_id: str, account_id: str, message_id: str) -> bool:
        """Whether an account published, or tried to publish, this message."""
        return await self._hash_of(tenant_id, account_id, message_id) is not None

    async def foresee(self, strike: Strike) -> Foreseen | None:
        """What `hold_against` would do, were a person to find this violation now; writes nothing."""
        rules = self.policy.policy.ladder
        state, history = await self._held_against(strike)
        if state in (None, AccountState.CLOSED) or need_not_be_kept(history, strike, rules):
            return None
        step = next_sanction(history, strike, rules, self.now_ms)
        if step is None or await self._closing_stands(strike, step):
            return None
        ends = ends_ms(step.degree, step.days, self.now_ms, rules.decay_ms(strike.category))
        return Foreseen(step, ends, await self._waits(strike, step))

    async def reverse(self, reversal: Reversal, by: By) -> None:
        """Take back what was held against an account for a message or a sanction."""
        found = None
        if reversal.sanction_id is not None:
            found = await rows.one_record(self.connection, reversal.tenant_id, reversal.sanction_id)
            if found is not None and found.account_id != reversal.account_id:
                found = None
        about = reversal.message_id
        if about is None and found is not None and found.why is not Why.PERSON:
            about = found.message_id
        if about is not None:
            await self.forget(reversal.tenant_id, reversal.account_id, about, by)
        if found is not None and (now := await rows.one_record(self.connection, found.tenant_id, found.sanction_id)):
            await self.fall(now, by, Why.APPEAL)

    async def forget(self, tenant_id: str, account_id: str, message_id: str, by: By) -> None:
        """A message was no violation: neither it nor the same content is held against the account any more, and the
        ladder's sanctions become what they would be without."""
        mine = rows.of_account(tenant_id, account_id)
        content_hash = await self._hash_of(tenant_id, account_id, message_id)
        same: ColumnElement[bool] = incidents.c.message_id == message_id
        if content_hash:
            same = or_(same, incidents.c.content_hash == content_hash)
        gone = await rows.strikes(self.connection, and_(mine, same))
        if not gone:
            return
        await rows.remove(self.connection, tenant_id, [each.incident_id for each in gone], self.now_ms)
        self._known.clear()
        left = await rows.strikes(self.connection, mine)
        records = await rows.records(
            self.connection,
            and_(
                sanction_records.c.tenant_id == tenant_id,
                sanction_records.c.account_id == account_id,
                sanction_records.c.why != Why.PERSON,
            ),
        )
        seen = [seen_at(each, self.now_ms) for each in records]
        undone = undo(left, [_given(each) for each in seen], self.policy.policy.ladder, self.now_ms)
        for one in seen:
            if one.sanction_id in undone.falls:
                await self.fall(replace(one, fell=True), by, Why.APPEAL)
        for instead in undone.instead:
            await self._instead(instead, by)

    async def fall(self, found: SanctionRecord, by: By, why: Why) -> None:
        """End a sanction before its time, if it is proposed or in force."""
        act = decline if found.state is SanctionState.PROPOSED else lift
        ended = act(found, by.actor, self.now_ms)
        if isinstance(ended, SanctionRecord):
            await self.write(ended, by, why)

    async def write(self, record: SanctionRecord, by: By, why: Why | None = None) -> None:
        """Write a sanction as it is after an act on it, and what that means for the account. ``why`` is the act's own
        ground, where it is not the sanction's."""
        await rows.keep(self.database, self.connection, record)
        match record.state:
            case SanctionState.IN_FORCE:
                act = "ImposeSanction"
                await rows.put_in_force(self.connection, record, self.change, self.now_ms)
            case SanctionState.LIFTED:
                act = "LiftSanction"
                await rows.take_away(self.connection, record, self.change)
                await self._reopen(record, by)
            case SanctionState.DECLINED:
                act = "DeclineSanction"
            case _:
                proposers = 1 if record.why is Why.PERSON else 0
                act = "AgreeSanction" if len(record.agreed) > proposers else "ProposeSanction"
        metrics.child(metrics.SANCTIONS, record.degree, act).inc()
        hot = self.change if record.state in (SanctionState.IN_FORCE, SanctionState.LIFTED) else 0
        meaning = self.policy.policy.standing.suspend_renewal_means
        body = act_body(by, hot, record.tenant_id, act, **act_fields(record, meaning, why))
        about = [subject("account", record.account_id), subject("sanction", record.sanction_id)]
        await record_act(self.connection, record.tenant_id, body, self.now_ms, about, SANCTION)

    async def close(self, record: SanctionRecord, by: By) -> SanctionRecord | SanctionRefused:
        """Close the account of a sanction, and bar its registrant; the sanction as it then is."""
        state = await rows.account_state(self.connection, record.tenant_id, record.account_id)
        act = CloseAccount(record.account_id, violation=True)
        rules = self.policy.policy.registering()
        result, changed = await act_within(
            self.database, self.connection, record.tenant_id, act, by, rules, self.change, self.now_ms
        )
        if isinstance(result, Refused):
            return SanctionRefused.ACCOUNT_UNKNOWN
        return replace(record, account_before=state) if changed else record

    async def _by_ladder(self, strike: Strike, step: Step) -> None:
        if await self._closing_stands(strike, step):
            return
        proposed = self._of(strike, step, Why.LADDER)
        waits = await self._waits(strike, step)
        if waits is None:
            now_in_force = in_force(proposed, self.policy.policy.ladder, self.now_ms)
            await self.write(replace(now_in_force, automatic=True), GATEWAY)
            return
        if waits is Waits.QUOTA:
            log.warning("daily quota of automatic sanctions used up; only proposed", {"tenant_id": strike.tenant_id})
        await self.write(replace(proposed, waits=waits), GATEWAY)

    async def _closing_stands(self, strike: Strike, step: Step) -> bool:
        """Whether a step is a closing, and the account's is proposed or in force already."""
        close = step.degree is Degree.CLOSE
        return close and await rows.close_stands(self.connection, strike.tenant_id, strike.account_id)

    async def _waits(self, strike: Strike, step: Step) -> Waits | None:
        """Why a step would only be proposed, if it would."""
        rules = self.policy.policy.ladder
        since_ms = self.now_ms - DAY_MS
        used = await rows.automatic_since(self.connection, strike.tenant_id, since_ms, rules.daily_quota)
        return waits_for(step, used, rules)

    async def _instead(self, instead: Instead, by: By) -> None:
        record = self._of(instead.strike, instead.step, Why.APPEAL)
        if instead.in_force:
            starts, ends = instead.starts_ms, instead.ends_ms
            await self.write(replace(record, state=SanctionState.IN_FORCE, starts_ms=starts, ends_ms=ends), by)
            return
        if not await self._closing_stands(instead.strike, instead.step):
            await self.write(replace(record, waits=Waits.DEGREE), by)

    def _of(self, strike: Strike, step: Step, why: Why) -> SanctionRecord:
        return SanctionRecord(
            sanction_id=self.new_id(),
            tenant_id=strike.tenant_id,
            account_id=strike.account_id,
            degree=step.degree,
            state=SanctionState.PROPOSED,
            created_ms=self.now_ms,
            why=why,
            also=step.also,
            days=step.days,
            category=strike.category,
            incident_id=strike.incident_id,
            message_id=strike.message_id,
            policy_version=self.policy.version,
        )

    async def _reopen(self, record: SanctionRecord, by: By) -> None:
        if record.account_before is None:
            return
        self._known.clear()
        found = await registered_account(self.connection, record.tenant_id, record.account_id)
        if found is not None:
            state = state_after_lift(record, found.account)
            await undo_close(self.connection, record.tenant_id, record.account_id, state, by, self.now_ms)

    async def _held_against(self, strike: Strike) -> tuple[AccountState | None, list[Strike]]:
        """The account's state, and its violations that count."""
        whose = (strike.tenant_id, strike.account_id)
        if whose not in self._known:
            rules = self.policy.policy.ladder
            state = await rows.account_state(self.connection, *whose)
            since = incidents.c.at_ms > self.now_ms - rules.longest_ms()
            recent = await rows.strikes(self.connection, and_(rows.of_account(*whose), since))
            self._known[whose] = state, [each for each in recent if counts(each, rules, self.now_ms)]
        return self._known[whose]

    async def _hash_of(self, tenant_id: str, account_id: str, message_id: str) -> str | None:
        """The hash of a message's content; None where it is no message of this account."""
        found: str | None = await self.connection.scalar(
            select(messages.c.content_hash).where(
                messages.c.id == message_id, messages.c.tenant_id == tenant_id, messages.c.account_id == account_id
            )
        )
        return found

    async def _was_harmless(self, strike: Strike) -> bool:
        """Whether a person found the same content by this account to be no violation."""
        wanted = select(incidents.c.incident_id).where(
            incidents.c.tenant_id == strike.tenant_id,
            incidents.c.account_id == strike.account_id,
            incidents.c.content_hash == strike.content_hash,
            incidents.c.removed_ms.is_not(None),
        )
        return bool(strike.content_hash) and await self.connection.scalar(wanted.limit(1)) is not None


def _given(record: SanctionRecord) -> Given:
    over = record.state is SanctionState.ENDED
    return Given(
        sanction_id=record.sanction_id,
        incident_id=record.incident_id or "",
        step=Step(degree=record.degree, days=record.days, also=record.also),
        starts_ms=record.starts_ms,
        waits=record.state is SanctionState.PROPOSED,
        stands=over or record.state is SanctionState.IN_FORCE,
        over=over,
        fell=record.fell,
    )
