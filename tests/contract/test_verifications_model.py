"""Whatever a provider sends, and in whatever order, SQLite holds what the pure table says."""

from __future__ import annotations

import asyncio
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from gateway.adapters.sql import SqlStore, open_store
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.core.audit import breaks
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind, VerificationState
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.verification import OPEN, Verification, VerificationEvent, after
from gateway.ports import Applied
from gateway.providers.webhooks import ProviderEvent

BY = By("ops-1")
events = st.sampled_from([event for event in VerificationEvent if event is not VerificationEvent.REDACT])


class OneRegistrant(RuleBasedStateMachine):
    """A registrant with one verification, and a model of it."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._directory = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._state = VerificationState.PENDING
        self._newest_ms = 0
        self._seen: set[str] = set()
        self._matched = False

    @initialize()
    def open(self) -> None:
        url = f"sqlite+aiosqlite:///{Path(self._directory)}/gateway.db"
        self._store: SqlStore
        self._store, register = self._runner.run(self._stack.enter_async_context(open_store(url)))
        self._kept = SqlVerifications(self._store.database)
        registrant = Registrant("r1", RegistrantKind.PERSON, VerificationState.CREATED)
        self._runner.run(register.put_tenant(Tenant("t1", "One", "https://one.example/"), "key", "test", 0))
        account = Account("a1", AccountState.ACTIVE, registrant)
        self._runner.run(register.put_account("t1", account, "test", 0))
        one = Verification("v1", "r1", "p", VerificationState.PENDING, 0, 0, "ref", "f", "l")
        assert self._runner.run(self._kept.begin("t1", one, BY, 0))

    def teardown(self) -> None:
        async def rows() -> list[str]:
            return list(breaks([row async for row in self._store.audit()], await self._store.heads()))

        assert self._runner.run(rows()) == []
        self._runner.run(self._stack.aclose())
        self._runner.close()

    @rule(event=events, at_ms=st.integers(0, 6), event_id=st.sampled_from("abcdefgh"))
    def provider(self, event: VerificationEvent, at_ms: int, event_id: str) -> None:
        said = ProviderEvent("p", event_id, "ref", event, at_ms)
        result = self._runner.run(self._kept.advance(said, None, ("t1",), 9))
        then = after(self._state, event)
        if event in (VerificationEvent.EXPIRE, VerificationEvent.CANCEL) and self._state not in OPEN:
            then = None
        if event_id in self._seen:
            assert result is Applied.REPLAYED
        elif at_ms < self._newest_ms:
            assert result is Applied.REORDERED
        elif then is None:
            assert result is Applied.IMPOSSIBLE
        else:
            assert result is Applied.APPLIED
            self._seen.add(event_id)
            self._take(event, then, at_ms)

    @rule(event=events, now_ms=st.integers(0, 6))
    def here(self, event: VerificationEvent, now_ms: int) -> None:
        result = self._runner.run(self._kept.happen("t1", "v1", event, None, BY, now_ms))
        then = after(self._state, event)
        assert result is (Applied.IMPOSSIBLE if then is None else Applied.APPLIED)
        if then is not None:
            self._take(event, then, 0 if event is VerificationEvent.SUBMIT else now_ms)

    def _take(self, event: VerificationEvent, then: VerificationState, at_ms: int) -> None:
        self._state, self._newest_ms = then, max(self._newest_ms, at_ms)
        self._matched |= event is VerificationEvent.APPROVE

    @invariant()
    def the_account_stands_on_what_was_proved(self) -> None:
        if not hasattr(self, "_store"):
            return
        account = self._runner.run(self._store.register.account("t1", "a1"))
        assert account is not None
        assert account.registrant is not None
        assert account.registrant.state is self._state
        assert self._matched or account.registrant.state is not VerificationState.VERIFIED


TestOneRegistrant = OneRegistrant.TestCase
TestOneRegistrant.settings = settings(max_examples=15, stateful_step_count=20, deadline=None)
