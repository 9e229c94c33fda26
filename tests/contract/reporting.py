"""What the suites about reports share: a database with tenants and messages, and reporters."""

from __future__ import annotations

from itertools import count
from pathlib import Path
from typing import Any

import orjson
from msgspec.structs import replace

from gateway.adapters.key_file import new_keys
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import SqlReports
from gateway.adapters.sql.reports import PURPOSE
from gateway.core.audit import ADMINISTRATORS, breaks
from gateway.core.model import MessageState
from gateway.core.records import AuditRow, Owner
from gateway.core.registration import By
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import Channel, Draft, Verdict, hash_token
from gateway.ports import Register, Store
from gateway.ports.reports import Decided, Muted, Report, Taken, Told
from tests.contract.keeping import database_of
from tests.contract.samples import OTHER, TENANT, entry, owner_of

NOW_MS = 1_800_000_000_000
HOUR_MS, DAY_MS = 3_600_000, 86_400_000
RULES = Rules(warn_after=2, mute_after=1, within_days=10, mute_days=5, keep_days=20)
ANN, BEN = By("Ann", "looked at it"), By("Ben", "looked at it as well")
CANARY, MAIL = "Qwzx Canarius", "canarius@qwzx.example"
DRAFT = Draft("t1", "It sells pills to children.", "illegal_goods", (), ("none",), CANARY, MAIL, True)
OFF = Verdict(True)
NO = Verdict(False)
BASELESS = Verdict(False, unfounded=True)

_numbers = count(1)


class Desk:
    """Reports as everybody meets them; who is not named otherwise reports the same message."""

    def __init__(self, store: Store, reports: SqlReports, owner: Owner, keys: Path) -> None:
        self.store = store
        self.reports = reports
        self.owner = owner
        self.keys = keys

    async def message(self, state: MessageState = MessageState.PUBLISHED, tenant_id: str = "t1") -> str:
        """A new message in this state."""
        new = entry(state, tenant_id=tenant_id)
        assert await self.store.commit(self.owner, new) is None
        return new.message_id

    async def take(
        self,
        *ids: str,
        at_ms: int = NOW_MS,
        channel: Channel = Channel.FORM,
        flagger: str | None = None,
        rules: Rules = RULES,
        **fields: Any,
    ) -> Taken | Muted:
        """Report these."""
        draft = replace(DRAFT, **({"message_ids": ids} if ids else {}), **fields)
        return await self.reports.take(draft, channel, flagger, rules, at_ms)

    async def taken(self, *ids: str, **fields: Any) -> Taken:
        """Report these, which must be taken."""
        taken = await self.take(*ids, **fields)
        assert isinstance(taken, Taken)
        return taken

    async def told(self, taken: Taken) -> Told:
        """What its reporter is told."""
        told = await self.reports.told(taken.receipt_id, hash_token(taken.token))
        assert told is not None
        return told

    async def report(self, taken: Taken) -> Report:
        """The one report that it joined."""
        [report_id] = taken.reports
        found = await self.reports.report("t1", report_id)
        assert found is not None
        return found

    async def decide(self, taken: Taken, verdict: Verdict, by: By = ANN, at_ms: int = NOW_MS) -> Decided:
        """A decision that must be taken."""
        decided = await self.reports.decide("t1", taken.reports[0], verdict, by, at_ms)
        assert isinstance(decided, Decided), decided
        return decided

    async def rows(self) -> list[AuditRow]:
        """The administrators' chain, which must be whole."""
        rows = [row async for row in self.store.audit()]
        assert not list(breaks(rows, await self.store.heads()))
        return [row for row in rows if row.chain == ADMINISTRATORS]

    async def acts(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Kind, name and body of what was done, oldest first."""
        bodies = [(row.kind, orjson.loads(row.body)) for row in await self.rows()]
        return [(kind, body["act"], body) for kind, body in bodies if "act" in body]

    async def names(self) -> list[str]:
        """The names of what was done."""
        return [name for _, name, _ in await self.acts()]


async def open_desk(store: Store, register: Register, directory: Path) -> Desk:
    """Both tenants, and keys."""
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    await register.put_tenant(OTHER, "l" * 64, "test", 0)
    keys = directory / "keys.json"
    new_keys(keys)
    return Desk(store, reports_on(store, keys), await owner_of(store), keys)


def reports_on(store: Store, keys: Path | None) -> SqlReports:
    """Reports in the database of this store, as one process has them."""
    sealer = FileSealer(keys, PURPOSE) if keys else None
    return SqlReports(database_of(store).database, sealer, lambda: f"id-{next(_numbers):08}", ["wechat"])
