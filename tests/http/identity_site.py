"""The whole application over SQLite in a file, with the four vendors of `tests.providers.vendors` configured."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from sqlalchemy import select

from gateway.adapters.sql import SqlStore
from gateway.adapters.sql.tables import accounts, audit, counters, metadata, registrants
from gateway.adapters.sql.tables_register import audit_subjects, provider_events, verifications
from gateway.app import create_app
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind, VerificationState
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.verification import Verification
from gateway.ports import Begun
from gateway.settings import Settings
from gateway.verify import Verify
from tests.http import judging
from tests.http.documented import Documented
from tests.providers.vendors import CLIENT, OLD_SECRET, SECRET, VENDORS, Webhook

BY = By("ops-1", "opening")
_TABLES = (accounts, registrants, verifications, provider_events, audit, audit_subjects)


def providers_yaml() -> str:
    """A file with the four vendors and a review by people."""
    text = "providers:\n"
    for vendor in VENDORS:
        client = "    client_env: T_CLIENT\n" if vendor.name == "veriff" else ""
        text += (
            f"  - name: {vendor.name}-1\n    kind: {vendor.name}\n    secret_env: [T_OLD_SECRET, T_SECRET]\n{client}"
            "    framework: eidas\n    level: high\n    valid_days: 365\n    tenants: [t1]\n"
        )
    return text + "  - {name: staff, kind: manual, framework: manual, level: seen, valid_days: 30, tenants: [t1]}\n"


@dataclass
class Site:
    """One gateway process."""

    app: FastAPI
    client: httpx.AsyncClient
    store: SqlStore
    verify: Verify
    _counts: dict[tuple[str, str], float] = field(default_factory=dict)

    @property
    def now_ms(self) -> int:
        """The time that the gateway has."""
        return time.time_ns() // 1_000_000

    async def begin(self, provider: str, reference: str | None = None, registrant_id: str = "r1") -> Verification:
        """A verification that must begin."""
        begun = await self.verify.start("t1", registrant_id, provider, reference, BY)
        assert isinstance(begun, Begun)
        assert begun.new
        return begun.verification

    async def send(self, provider: str, webhook: Webhook) -> httpx.Response:
        """Send a webhook."""
        headers = {"Content-Type": "application/json", **webhook.headers}
        return await self.client.post(f"/v1/identity/{provider}/webhook", content=webhook.body, headers=headers)

    async def registrant(self, registrant_id: str = "r1") -> Registrant:
        """The registrant as the hot path finds it."""
        account = await self.store.register.account("t1", f"acc-{registrant_id}")
        assert account is not None
        assert account.registrant is not None
        return account.registrant

    async def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row that a webhook could change."""
        async with self.store.database.reading("dump") as connection:
            found = {
                table.name: [tuple(row) for row in await connection.execute(select(table).order_by(*table.primary_key))]
                for table in _TABLES
            }
            registry = select(counters.c.value).where(counters.c.name == "registry")
            return {**found, "registry": [tuple(row) for row in await connection.execute(registry)]}

    def counted(self, provider: str, result: str) -> int:
        """By how much this counter has grown since it was last asked for."""
        labels = {"provider": provider, "result": result}
        now = REGISTRY.get_sample_value("gateway_provider_events_total", labels) or 0.0
        grown = now - self._counts.get((provider, result), 0.0)
        self._counts[provider, result] = now
        return int(grown)


async def dump_text(store: SqlStore) -> str:
    """All rows of all tables."""
    async with store.database.reading("dump") as connection:
        return repr([[tuple(row) for row in await connection.execute(select(t))] for t in metadata.sorted_tables])


@asynccontextmanager
async def open_site(
    directory: Path, monkeypatch: pytest.MonkeyPatch, body_read_seconds: float = 10.0
) -> AsyncIterator[Site]:
    """A process with a tenant, a person r1 and an organisation r2."""
    for name, value in (("T_SECRET", SECRET), ("T_OLD_SECRET", OLD_SECRET), ("T_CLIENT", CLIENT)):
        monkeypatch.setenv(name, value)
    file = directory / "providers.yaml"
    file.write_text(providers_yaml(), encoding="utf-8")
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{directory}/gateway.db",
        providers_file=file,
        body_read_seconds=body_read_seconds,
    )
    app = create_app(settings, judging.shipped())
    async with app.router.lifespan_context(app):
        store: SqlStore = app.state.store
        register = store.register
        await register.put_tenant(Tenant("t1", "One", "https://one.example/"), "key", "test", 0)
        for registrant_id, kind in (("r1", RegistrantKind.PERSON), ("r2", RegistrantKind.ORGANISATION)):
            registrant = Registrant(registrant_id, kind, VerificationState.CREATED)
            await register.put_account(
                "t1", Account(f"acc-{registrant_id}", AccountState.ACTIVE, registrant), "test", 0
            )
        transport, check = httpx.ASGITransport(app), Documented().check
        async with httpx.AsyncClient(
            transport=transport, base_url="http://gateway", event_hooks={"response": [check]}
        ) as client:
            yield Site(app, client, store, app.state.verify)
