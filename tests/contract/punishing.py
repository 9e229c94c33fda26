"""What the suites about sanctions share: accounts that violate, a follower that sees it, and reviewers."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import orjson
from sqlalchemy import func, select

from gateway.adapters.sql import SqlFollower, SqlRegister, SqlSanctions, SqlStore
from gateway.adapters.sql.history import record
from gateway.adapters.sql.tables_sanctions import incidents, sanction_records
from gateway.core.audit import ADMINISTRATORS, APPEAL, TAKEDOWN, act_body
from gateway.core.ladder import DAY_MS
from gateway.core.ladder_rules import Ladder
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
    Facts,
    Message,
    MessageState,
    Outcome,
    Reason,
    RegistrantKind,
    Suspension,
)
from gateway.core.policy import PolicyInForce, Registration
from gateway.core.records import Entry, Owner, Request
from gateway.core.registration import By, CreateAccount
from gateway.core.sanction_records import SanctionRecord, SanctionRefused
from gateway.ports import Registered, Registrar
from tests.contract.keeping import database_of, registrar_of
from tests.contract.samples import OTHER, TENANT, Opened, entry, owner_of
from tests.policies import policy

ANN, BEN, EVE = By("Ann", "ticket 1"), By("Ben", "ticket 2"), By("Eve", "ticket 3")
NOW_MS = 1_800_000_000_000

_numbers = count(1)


@dataclass
class Court:
    """A database with accounts ``acc-1``, ``acc-2`` and ``acc-3`` of one registrant, and a clock that only tests move.
    What happens is followed at once."""

    store: SqlStore
    register: SqlRegister
    owner: Owner
    registrar: Registrar
    ladder: Ladder = field(default_factory=Ladder)
    now_ms: int = NOW_MS
    suspension: Suspension = Suspension.RENEWAL

    def __post_init__(self) -> None:
        self.sanctions = SqlSanctions(self.store.database, self.policy, self.new_id)
        self.follower = SqlFollower(self.store.database, [self.sanctions])

    def policy(self) -> PolicyInForce:
        """The policy of the moment."""
        given = policy()
        standing = given.policy.standing.model_copy(update={"suspend_renewal_means": self.suspension})
        changed = given.policy.model_copy(update={"ladder": self.ladder, "standing": standing})
        return PolicyInForce(changed, given.text, given.version)

    def new_id(self) -> str:
        """Ids in order."""
        return f"s-{next(_numbers):06}"

    async def block(self, account_id: str = "acc-1", category: str = "spam", **fields: Any) -> str:
        """A message that is blocked for its content; its id."""
        return await self.happen(account_id, MessageState.BLOCKED, blocked(category), **fields)

    async def happen(
        self, account_id: str, state: MessageState, case: Case, content: str | None = None, follow: bool = True
    ) -> str:
        """A message that ends like this; its id."""
        number = next(_numbers)
        new: Entry = entry(
            state,
            self.now_ms,
            message=Message("t1", account_id, "native", (f"text {number}",), content or f"hash-{number}"),
            message_id=f"m-{number:06}",
            decision_id=f"d-{number:06}",
            request=Request(b"{}", "application/json"),
            case=case,
        )
        assert await self.store.commit(self.owner, new) is None
        if follow:
            await self.follow()
        return new.message_id

    async def daily(self, *categories: str, account_id: str = "acc-1") -> list[str]:
        """A blocked message a day; their ids."""
        found = []
        for category in categories:
            found.append(await self.block(account_id, category))
            self.now_ms += DAY_MS
        return found

    async def act(self, kind: str, act: str, **fields: object) -> None:
        """An act of others, in the administrators' chain."""
        async with self.store.database.writing("test") as connection:
            body = act_body(By("Rita"), 0, "t1", act, **fields)
            await record(connection, "t1", body, self.now_ms, (), kind)
        await self.follow()

    async def reverse(self, account_id: str = "acc-1", **about: str) -> None:
        """An appeal is granted."""
        await self.act(APPEAL, "DecideAppeal", account_id=account_id, appeal_id="a", outcome="reversed", **about)

    async def take_down(self, account_id: str, message_id: str, category: str, **fields: object) -> None:
        """A published message is taken down."""
        about = {"account_id": account_id, "message_id": message_id, "category": category, "source": "own"}
        await self.act(TAKEDOWN, "TakeDown", **about, **fields)

    async def follow(self) -> None:
        """Write all aftermath that there is."""
        for chain in (self.owner.slot, ADMINISTRATORS):
            while await self.follower.follow(chain, self.now_ms):
                pass

    async def seen(self, account_id: str = "acc-1") -> list[tuple[Degree, int, int | None]]:
        """What the hot path sees of an account's sanctions at this moment: degree, since and until how many days."""
        account = await self.register.account("t1", account_id)
        assert account is not None
        return [
            (each.degree, each.starts_at, each.ends_at)
            for each in account.sanctions
            if each.ends_at is None or each.ends_at > self.now_ms
        ]

    async def degrees(self, account_id: str = "acc-1") -> list[Degree]:
        """The degrees in force."""
        return [each[0] for each in await self.seen(account_id)]

    async def state(self, account_id: str = "acc-1") -> AccountState:
        """The state of an account."""
        found = await self.registrar.registered("t1", account_id)
        assert isinstance(found, Registered)
        return found.account.state

    async def all(self, account_id: str | None = None) -> list[SanctionRecord]:
        """Every sanction, oldest first."""
        return await self.sanctions.page("t1", "", 1000, self.now_ms, account_id=account_id)

    async def acts(self) -> list[dict[str, Any]]:
        """The bodies of the audit rows about sanctions, oldest first."""
        return [orjson.loads(row.body) async for row in self.store.audit() if row.kind == "sanction"]

    async def written(self) -> object:
        """All that an act would change."""
        async with self.store.database.reading("test") as connection:
            counts = [
                await connection.scalar(select(func.count()).select_from(table))
                for table in (incidents, sanction_records)
            ]
        return await self.register.changes(0), await self.store.heads(), counts

    async def at_once(self, *acts: Any) -> list[SanctionRecord | SanctionRefused]:
        """Several acts at the same time."""
        return list(await asyncio.gather(*acts))


def blocked(category: str, *more: str, rule: str = "content_violation", known: bool = True) -> Case:
    """A block for these categories."""
    reasons = tuple(
        [Reason("content_violation", Outcome.BLOCK, "It looks bad.", "text", each, 0.99) for each in (category, *more)]
    )
    account = Account("acc-1", AccountState.ACTIVE) if known else None
    return Case(Facts(NOW_MS, account), (), Decision(Outcome.BLOCK, rule, reasons, "v" * 64))


async def open_court(opened: Opened) -> Court:
    """A court in an empty database."""
    store, register = opened
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    await register.put_tenant(OTHER, "l" * 64, "test", 0)
    registrar = registrar_of(store)
    assert await registrar.create_registrant("t1", "person-1", RegistrantKind.PERSON, By("test"), 0)
    for number in (1, 2, 3):
        act = CreateAccount(f"acc-{number}", "person-1", f"Name {number}", term_ends_at=NOW_MS + 1000 * DAY_MS)
        assert isinstance(await registrar.carry_out("t1", act, By("test"), Registration(), 0), Registered)
    database = database_of(store)
    await store.lease("one", 8, 10**15, 0)
    owner = await owner_of(store, "two")
    return Court(database, database.register, owner, registrar)
