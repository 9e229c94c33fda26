"""What the suites about statements and appeals share: messages with their steps, and what follows from them."""

from __future__ import annotations

from typing import Any

from gateway.adapters.sql import SqlFollower, SqlStore
from gateway.adapters.sql.appeals import SqlAppeals
from gateway.adapters.sql.following import Part
from gateway.adapters.sql.history import record
from gateway.adapters.sql.statements import SqlStatements, StatementsPart
from gateway.adapters.sql.telling import NoticesPart
from gateway.appealing import Appealing
from gateway.core.appeals import AppealPolicy
from gateway.core.audit import act_body, subject
from gateway.core.holds import Holds
from gateway.core.model import Case, Decision, Facts, MessageState, Outcome, Reason
from gateway.core.records import Entry, Owner
from gateway.core.registration import By
from gateway.core.statement import Statement
from gateway.ports import Registry, Sealer
from gateway.review import ADMINISTRATORS
from tests.contract.samples import ACCOUNT, change, entry
from tests.fakes import FakeClock

RULES = AppealPolicy()
BLOCKED, HELD, QUEUED, REJECTED = (
    MessageState.BLOCKED,
    MessageState.HELD,
    MessageState.QUEUED,
    MessageState.REJECTED,
)


def found(outcome: Outcome, category: str = "fraud", rule: str | None = None, by: str = "text") -> Case:
    """A decision for one reason of content."""
    code = "content_violation" if outcome is Outcome.BLOCK else "content_suspected"
    reason = Reason("reviewed", outcome, "a note", by) if rule else Reason(code, outcome, "words", by, category, 0.9)
    reasons = (reason,) if outcome is not Outcome.ALLOW else ()
    return Case(Facts(1, ACCOUNT), (), Decision(outcome, rule or code, reasons, "v" * 64))


class Complaints:
    """One database with its followers, and what is done in it."""

    def __init__(self, store: SqlStore, registry: Registry, owner: Owner, sealer: Sealer | None = None) -> None:
        self.store = store
        self.owner = owner
        self.clock = FakeClock(1_000_000)
        self.statements = SqlStatements(store.database)
        self.appeals = SqlAppeals(store.database, sealer)
        parts: list[Part] = [StatementsPart(store.database), NoticesPart(store.database, lambda: RULES)]
        self.follower = SqlFollower(store.database, parts)
        self.appealing = Appealing(
            statements=self.statements,
            appeals=self.appeals,
            store=store,
            registry=registry,
            policy=lambda: RULES,
            clock=self.clock,
            holds=Holds,
        )

    async def follow(self, *chains: int) -> None:
        """Write what follows from all that was decided, in the order of these chains."""
        for chain in chains or (self.owner.slot, -1):
            while await self.follower.follow(chain, self.clock.now_ms()):
                pass

    async def commit(self, state: MessageState, **fields: Any) -> Entry:
        """A new message."""
        outcome = {BLOCKED: Outcome.BLOCK, HELD: Outcome.HOLD}.get(state, Outcome.ALLOW)
        values: dict[str, Any] = {"case": found(outcome), "at_ms": self.clock.now_ms(), **fields}
        new = entry(state, **values)
        assert await self.store.commit(self.owner, new) is None
        return new

    async def move(
        self, of: Entry, expect: MessageState, state: MessageState, case: Case | None = None, actor: str = "gateway"
    ) -> None:
        """Change its state: the gateway in its own chain, people in theirs."""
        owner = self.owner if actor == "gateway" else ADMINISTRATORS
        named = self.clock.new_id() if case is not None else None
        step = change(of, expect, state, self.clock.now_ms(), actor=actor, case=case, decision_id=named)
        assert await self.store.move(owner, step)

    async def act(self, kind: str, name: str, by: str = "Ann", **body: Any) -> None:
        """An act about an account, as those who act write it."""
        told = {"account_id": "acc-1", **body}
        async with self.store.database.writing("test") as connection:
            text = act_body(By(by, "as asked"), 0, "t1", name, **told)
            about = (subject("account", "acc-1"),)
            await record(connection, "t1", text, self.clock.now_ms(), about, kind)

    async def of(self, new: Entry) -> list[Statement]:
        """The statements about a message."""
        return await self.statements.of_message(new.message_id, new.message.tenant_id)

    async def one(self, new: Entry) -> Statement:
        """The newest."""
        return (await self.of(new))[-1]

    async def state(self, new: Entry) -> MessageState:
        """Where a message is."""
        stored = await self.store.message(new.message_id)
        assert stored is not None
        return stored.state
