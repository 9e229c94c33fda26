"""The command line over a database in a file, with messages that a gateway process decided."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from classifiers.contract import Score, Span
from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import audit_key
from gateway.adapters.sql import SqlRegister, SqlStore, open_store
from gateway.cli import main
from gateway.cli.common import settings
from gateway.core.model import Message, MessageState
from gateway.http.requests import hash_key
from gateway.lease import LeaseKeeper
from gateway.perform import Perform, Performed
from gateway.ports import UpstreamUnknown
from gateway.publish import Publish
from tests.fakes import ScriptedClassifiers, ScriptedUpstream
from tests.policies import policy
from tests.world import ACCOUNT, KEY, TENANT, TTL_MS, submission


class Office:
    """Where commands are given."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.url = f"sqlite+aiosqlite:///{file}"

    def run(self, *words: str, given: str | None = None) -> Result:
        """Give one command, with ``given`` on its standard input."""
        return CliRunner().invoke(main, list(words), input=given, catch_exceptions=False)

    def publish(
        self, spam: float = 0.0, unknown: bool = False, message: Message | None = None, spans: tuple[Span, ...] = ()
    ) -> Performed:
        """Let a gateway process decide a message, in which a classifier marks these spans."""
        return asyncio.run(self._publish(spam, unknown, message, spans))

    def store(self) -> AbstractAsyncContextManager[tuple[SqlStore, SqlRegister]]:
        """The store and the registry, opened as commands open them."""
        return open_store(self.url, audit_key=audit_key(settings().keys_file))

    def state(self, message_id: str) -> MessageState:
        """Where a message is."""
        [(state,)] = self.sql("SELECT state FROM messages WHERE id = ?", message_id)
        return MessageState(str(state))

    def sql(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Go at the database behind the gateway's back."""
        connection = sqlite3.connect(self.file)
        try:
            with connection:
                return connection.execute(statement, values).fetchall()
        finally:
            connection.close()

    async def _publish(self, spam: float, unknown: bool, message: Message | None, spans: tuple[Span, ...]) -> Performed:
        clock = SystemClock()
        async with self.store() as (store, register):
            await register.put_tenant(TENANT, hash_key(KEY), "test", clock.now_ms())
            await register.put_account(TENANT.tenant_id, ACCOUNT, "test", clock.now_ms())
            await store.keep_policy(policy(), clock.now_ms())
            lease = await store.lease("test", 1, TTL_MS, clock.now_ms())
            assert lease is not None
            keeper = LeaseKeeper(store, clock, lease, TTL_MS, 1, asked_ms=clock.steady_ms())
            classifiers, upstream = ScriptedClassifiers(), ScriptedUpstream([])
            classifiers.scores["text"] = (Score("spam", spam, spans),)
            upstream.fault = UpstreamUnknown("no answer") if unknown else None
            publish = Publish(
                registry=register,
                classifiers=classifiers,
                store=store,
                perform=Perform(store, upstream, clock, keeper),
                policy=policy,
                clock=clock,
                limit=1,
            )
            given = submission()
            result = await publish(replace(given, message=message) if message is not None else given)
            assert isinstance(result, Performed)
            return result


@pytest.fixture
def office(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Office:
    office = Office(tmp_path / "gateway.db")
    monkeypatch.setenv("GATEWAY_DATABASE_URL", office.url)
    return office
