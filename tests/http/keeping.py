"""The register's keepers at their desk: a database in a file, and an operator of each role."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from msgspec.structs import replace
from sqlalchemy import text

from classifiers.contract import Span
from gateway.adapters.key_file import new_keys
from gateway.adapters.keys import FileSealer
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import (
    SqlFollower,
    SqlOperators,
    SqlQueue,
    SqlRegistrar,
    SqlSanctions,
    SqlStore,
    SqlTakedowns,
    open_store,
)
from gateway.adapters.sql.appeals import SqlAppeals
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.reports import PURPOSE, SqlReports
from gateway.adapters.sql.statements import SqlStatements, StatementsPart
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.appealing import Appealing
from gateway.core.appeals import Appeal, AppealState
from gateway.core.model import (
    Case,
    Decision,
    Degree,
    Facts,
    Message,
    MessageState,
    NewsKind,
    Outcome,
    Reason,
    RegistrantKind,
    VerificationState,
)
from gateway.core.news import Licence
from gateway.core.operators import Operator, Role
from gateway.core.policy import Registration
from gateway.core.queue import enter
from gateway.core.records import Entry, Request
from gateway.core.registration import Act, By, CloseAccount, CreateAccount, SuspendAccount
from gateway.core.report_rules import Reports as ReportRules
from gateway.core.reports import Channel, Draft
from gateway.core.sanction_records import Order, SanctionRecord
from gateway.core.verification import Verification
from gateway.core.yaml_lines import Problem
from gateway.held import HeldMessages
from gateway.http.admin.desk import Desk
from gateway.http.budget import Budget
from gateway.http.rate import Rate
from gateway.http.reporting import BODY_BUDGET, Reporting
from gateway.http.requests import hash_key
from gateway.ports import Personal, Register, Registered
from gateway.providers.config import parse_providers
from gateway.verify import Verify
from tests.fakes import NOW_MS
from tests.http.documented import Documented
from tests.policies import policy
from tests.world import OTHER, TENANT, World

RULES = Registration()
BY = By("test", "setting up")
CANARY = "Canary Holder Quux"
REPORT, REPORTER, REPORTER_MAIL = "Qwzx says so", "Canary Reporter Zyxw", "zyxw@canary.example"
_IDS = ("receipt-1", "report-1")
DAY_MS = 86_400_000
PROVIDERS = """providers:
  - {name: staff, kind: manual, framework: manual, level: seen, valid_days: 30, tenants: [t1, t2]}
  - {name: webs, kind: stripe, secret_env: [T_SECRET], framework: eidas, level: high, tenants: [t1, t2]}
"""
HERE = f"/v1/admin/tenants/{TENANT.tenant_id}"
THERE = f"/v1/admin/tenants/{OTHER.tenant_id}"

TOTAL = 20
"""Reports of one application that are taken from clients without a key in a minute."""


@dataclass
class Keeping:
    """A gateway whose register is a database. Keys of operators are ``key-`` and the role, or ``scoped-`` and the role
    for those of the first tenant only."""

    app: FastAPI
    store: SqlStore
    register: Register
    desk: Desk
    world: World
    documented: Documented
    policy_problems: tuple[Problem, ...] = ()

    def client(self, key: str) -> httpx.AsyncClient:
        """A client with this key, which fails on an answer that the OpenAPI document does not describe."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {key}"},
            event_hooks={"response": [self.documented.check]},
        )

    async def ask(self, key: str, method: str, path: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """One request with this key."""
        async with self.client(key) as client:
            return await client.request(method, path, json=body)

    async def done(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """One request by the administrator that must succeed; its answer."""
        response = await self.ask("key-admin", method, HERE + path, body)
        assert response.status_code in (200, 201), response.text
        return response.json()

    async def acts(self) -> dict[int, tuple[int, str]]:
        """How far the chains have come, to see that nothing was done."""
        return await self.store.heads()


@asynccontextmanager
async def keeping(app: FastAPI, world: World, filled: Path, directory: Path) -> AsyncIterator[Keeping]:
    """With registrants, accounts in each state, and personal data.

    ``person-1`` has data and the accounts ``acc-1`` (active, with a term), ``acc-2`` (suspended), ``acc-3`` (closed);
    ``person-2`` and ``firm-1`` have neither. Of verifications, ``v-1-t1`` of the first is in review, ``v-2-t1`` of the
    second needs more. ``report-1`` is a report by somebody whose name nobody else has, ``key-flagger`` a trusted
    flagger's key.
    """
    for name in ("keys.json", "gateway.db"):
        shutil.copy(filled / name, directory)
    master = FileMasterKey(directory / "keys.json")
    async with SqlStore.open(f"sqlite+aiosqlite:///{directory}/gateway.db") as store:
        register = store.register
        sealer = FileSealer(directory / "keys.json", PURPOSE)
        reports = SqlReports(store.database, sealer, world.clock.new_id)
        desk = Desk(
            registrar=SqlRegistrar(store.database),
            operators=SqlOperators(store.database),
            personal=SqlPersonal(store.database, PersonalKeys(master)),
            verifications=SqlVerifications(store.database),
            news=SqlNews(store.database),
            takedowns=SqlTakedowns(store.database),
            verify=Verify(
                kept=SqlVerifications(store.database),
                providers=parse_providers(PROVIDERS, frozenset({"T_SECRET"})),
                endpoints={},
                checkers={},
                fields=None,
                clock=world.clock,
            ),
            held=HeldMessages(
                queue=SqlQueue(store.database),
                store=store,
                registry=register,
                policy=lambda: world.policy,
                clock=world.clock,
            ),
            sanctions=SqlSanctions(store.database, lambda: world.policy, world.clock.new_id),
            store=store,
            appealing=Appealing(
                statements=SqlStatements(store.database),
                appeals=SqlAppeals(store.database, None),
                store=store,
                registry=register,
                policy=lambda: world.policy.policy.appeals,
                clock=world.clock,
                holds=lambda: world.policy.policy.holds,
            ),
            appeal_token=None,
            registry=register,
            policy=lambda: world.policy,
            clock=world.clock,
            budget=app.state.service.budget,
            file_limit=app.state.service.body_limit,
            read_seconds=10.0,
            reports=reports,
        )
        app.state.desk = desk
        app.state.reporting = Reporting(
            reports=reports,
            registry=register,
            policy=lambda: world.policy,
            clock=world.clock,
            rate=Rate(3, 60.0, None, 100),
            totals=Rate(TOTAL, 60.0, None, 100),
            looks=Rate(30, 60.0, 1000, 100),
            trusted=(),
            budget=Budget(BODY_BUDGET),
            read_seconds=10.0,
        )
        app.state.service.registry = register
        yield Keeping(app, store, register, desk, world, Documented())


async def fill(directory: Path) -> None:
    """Make the database and the keys that `keeping` copies."""
    new_keys(directory / "keys.json")
    keys = PersonalKeys(FileMasterKey(directory / "keys.json"))
    async with open_store(f"sqlite+aiosqlite:///{directory}/gateway.db") as (store, register):
        database = store.database
        await _fill(register, database, SqlPersonal(database, keys))
        await _hold(store)
        await _publish(store)
        await _report(SqlReports(database, FileSealer(directory / "keys.json", PURPOSE), iter(_IDS).__next__))
        await _appeal(store)
        async with database.reading("test") as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


async def _hold(store: SqlStore) -> None:
    """Messages that wait for reviewers: ``m-1`` and ``m-2``, with the tenant's id behind."""
    lease = await store.lease("test", 4, DAY_MS, NOW_MS)
    assert lease is not None
    for tenant in (TENANT, OTHER):
        for number in (1, 2):
            message = Message(tenant.tenant_id, "acc-1", "native", ("Title", f"Buy {number}!"), "c" * 64)
            span = Span(1, 0, 3)
            reason = Reason("content_suspected", Outcome.HOLD, "Looks like spam.", "text", "spam", 0.7, (span,))
            decision = Decision(Outcome.HOLD, "content_suspected", (reason,), policy().version)
            this = Entry(
                message_id=f"m-{number}-{tenant.tenant_id}",
                decision_id=f"d-{number}-{tenant.tenant_id}",
                message=message,
                request=Request(b"{}", "application/json"),
                case=Case(Facts(NOW_MS, None), (), decision),
                state=MessageState.HELD,
                forwards=True,
                at_ms=NOW_MS + number,
            )
            assert await store.commit(lease.owner, this) is None
            where = (this.message_id, tenant.tenant_id, "acc-1", this.case, this.at_ms, policy().policy.holds)
            await SqlQueue(store.database).enter(enter(*where))
    await store.release(lease.owner)


async def _publish(store: SqlStore) -> None:
    """Messages that readers see: ``p-1``, with the tenant's id behind."""
    lease = await store.lease("test", 4, DAY_MS, NOW_MS)
    assert lease is not None
    for tenant in (TENANT, OTHER):
        message = Message(tenant.tenant_id, "acc-1", "native", ("Good morning",), "c" * 64)
        decision = Decision(Outcome.ALLOW, "nothing_found", (), policy().version)
        this = Entry(
            message_id=f"p-1-{tenant.tenant_id}",
            decision_id=f"d-p-1-{tenant.tenant_id}",
            message=message,
            request=Request(b"{}", "application/json"),
            case=Case(Facts(NOW_MS, None), (), decision),
            state=MessageState.PUBLISHED,
            forwards=True,
            at_ms=NOW_MS,
        )
        assert await store.commit(lease.owner, this) is None
    await store.release(lease.owner)


async def _report(reports: SqlReports) -> None:
    draft = Draft("t1", REPORT, "fraud", ("https://one.example/m/1",), (), REPORTER, REPORTER_MAIL, True)
    await reports.take(draft, Channel.FORM, None, ReportRules(), NOW_MS)
    await reports.add_flagger("t1", "Watch", hash_key("key-flagger"), BY, NOW_MS)


async def _appeal(store: SqlStore) -> None:
    """The statements of these holds, and an appeal against the first of each tenant: ``a-1`` and the tenant's id."""
    follower = SqlFollower(store.database, [StatementsPart(store.database)])
    for chain in await store.heads():
        while await follower.follow(chain, NOW_MS):
            pass
    for tenant in (TENANT, OTHER):
        [stated] = await SqlStatements(store.database).of_message(f"m-1-{tenant.tenant_id}", tenant.tenant_id)
        appeal = Appeal(
            appeal_id=f"a-1-{tenant.tenant_id}",
            tenant_id=tenant.tenant_id,
            account_id="acc-1",
            statement_id=stated.statement_id,
            state=AppealState.OPEN,
            language="en",
            made_ms=NOW_MS,
            due_ms=NOW_MS + 7 * DAY_MS,
            message_id=stated.message_id,
            text="It was a joke.",
        )
        assert await SqlAppeals(store.database, None).make(appeal) is None


async def punish(store: SqlStore, tenant_id: str = TENANT.tenant_id) -> None:
    """Of a tenant's ``acc-1`` the closing is proposed by somebody else (``s-close``), and it is warned
    (``s-warn``)."""
    names = iter(["s-close", "s-warn"])
    sanctions = SqlSanctions(store.database, policy, lambda: next(names))
    for order in (Order("acc-1", Degree.CLOSE), Order("acc-1", Degree.WARN, 3)):
        assert isinstance(await sanctions.impose(tenant_id, order, BY, NOW_MS), SanctionRecord)


async def punished(filled: Path, directory: Path) -> None:
    """Make another database for `keeping`, in which `punish` was done to both tenants."""
    for name in ("keys.json", "gateway.db"):
        shutil.copy(filled / name, directory)
    async with SqlStore.open(f"sqlite+aiosqlite:///{directory}/gateway.db") as store:
        for tenant in (TENANT, OTHER):
            await punish(store, tenant.tenant_id)
        async with store.database.reading("test") as connection:
            await connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))


async def _fill(register: Register, database: Database, personal: Personal) -> None:
    registrar, operators = SqlRegistrar(database), SqlOperators(database)
    verifications, news = SqlVerifications(database), SqlNews(database)
    await register.put_tenant(TENANT, hash_key("key-one"), "test", NOW_MS)
    await register.put_tenant(OTHER, hash_key("key-two"), "test", NOW_MS)
    for role in Role:
        await operators.add(Operator(f"the {role}", role), hash_key(f"key-{role}"), BY, NOW_MS)
        scoped = Operator(f"our {role}", role, TENANT.tenant_id)
        await operators.add(scoped, hash_key(f"scoped-{role}"), BY, NOW_MS)
    for tenant in (TENANT, OTHER):
        for registrant_id, kind in (
            ("person-1", RegistrantKind.PERSON),
            ("person-2", RegistrantKind.PERSON),
            ("firm-1", RegistrantKind.ORGANISATION),
        ):
            assert await registrar.create_registrant(tenant.tenant_id, registrant_id, kind, BY, NOW_MS)
        for number in (1, 2, 3):
            created = CreateAccount(f"acc-{number}", "person-1", f"Name {number}", term_ends_at=NOW_MS + DAY_MS)
            ends: dict[int, list[Act]] = {1: [], 2: [SuspendAccount("acc-2")], 3: [CloseAccount("acc-3")]}
            for act in (created, *ends[number]):
                result = await registrar.carry_out(tenant.tenant_id, act, BY, RULES, NOW_MS)
                assert isinstance(result, Registered)
        review = Verification("v-1", "person-1", "staff", VerificationState.REVIEW, NOW_MS, 0, None, "manual", "seen")
        need = Verification(
            "v-2", "person-2", "staff", VerificationState.NEEDS_INPUT, NOW_MS, 0, None, "manual", "seen"
        )
        for one in (review, need):
            this = replace(one, verification_id=f"{one.verification_id}-{tenant.tenant_id}")
            assert await verifications.begin(tenant.tenant_id, this, BY, NOW_MS)
        licence = Licence("l-0", "person-1", "manual", NewsKind.REPUBLISH, 0, NOW_MS + DAY_MS, licence_no="N-0")
        assert await news.put_licence(tenant.tenant_id, licence, BY, NOW_MS) is None
        fields = {"legal_name": CANARY, "email": "canary@quux.example"}
        await personal.put(tenant.tenant_id, "person-1", fields, BY, NOW_MS)
