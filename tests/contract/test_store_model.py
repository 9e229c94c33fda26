"""The store in memory and the one in SQLite, given the same calls, answer alike: each is a check on the other."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from classifiers.contract import Silence
from gateway.adapters.memory import MemoryStore
from gateway.adapters.sql import open_store
from gateway.core.audit import breaks
from gateway.core.model import MessageState
from gateway.core.records import Entry, Owner, UpstreamAnswer
from gateway.ports import Fault, KeyTaken, Register, Store
from tests.contract.samples import OTHER, TENANT, case, change, entry, silent

states = st.sampled_from(MessageState)
new_cases = st.sampled_from([None, case(), *[silent(silence) for silence in Silence]])
keys = st.sampled_from([None, None, "a", "b", "c"])
answers = st.sampled_from([None, UpstreamAnswer(200, b"ok", "text/plain"), UpstreamAnswer(500, b"", "")])

Call = Callable[[Any], Awaitable[object]]


class TwoStores(RuleBasedStateMachine):
    """Gives both stores each call, and compares what they say."""

    def __init__(self) -> None:
        super().__init__()
        self._runner = asyncio.Runner()
        self._stack = AsyncExitStack()
        self._directory = self._stack.enter_context(tempfile.TemporaryDirectory())
        self._memory = MemoryStore()
        self._now = 1000
        self._count = 0
        self._owners: list[Owner] = []
        self._entries: list[Entry] = []

    def both(self, call: Call) -> object:
        """What both say to the same call, or the kind of fault that both raise."""

        async def attempt(store: object) -> object:
            try:
                return await call(store)
            except Fault as fault:
                return type(fault)

        expected = self._runner.run(attempt(self._memory))
        assert self._runner.run(attempt(self._sql)) == expected
        return expected

    @initialize()
    def open(self) -> None:
        url = f"sqlite+aiosqlite:///{Path(self._directory)}/gateway.db"
        self._sql: Store
        self._register: Register
        self._sql, self._register = self._runner.run(self._stack.enter_async_context(open_store(url)))
        for tenant in (TENANT, OTHER):
            for register in (self._memory, self._register):
                self._runner.run(register.put_tenant(tenant, tenant.tenant_id, "Ann", 0))
        self.lease("one", 10_000)

    def teardown(self) -> None:
        self.everything_reads_alike()
        self._runner.run(self._stack.aclose())
        self._runner.close()

    @rule(holder=st.sampled_from(["one", "two", "three"]), ttl=st.sampled_from([50, 10_000]))
    def lease(self, holder: str, ttl: int) -> None:
        lease: Any = self.both(lambda store: store.lease(holder, 2, ttl, self._now))
        if lease is not None:
            self._owners.append(lease.owner)

    @rule(data=st.data())
    def renew(self, data: st.DataObject) -> None:
        owner = data.draw(st.sampled_from(self._owners))
        self.both(lambda store: store.renew(owner, 100, self._now))

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        owner = data.draw(st.sampled_from(self._owners))
        self.both(lambda store: store.release(owner))

    @rule(step=st.sampled_from([1, 10, 100]))
    def wait(self, step: int) -> None:
        self._now += step

    @rule(data=st.data(), state=states, key=keys, new_case=new_cases, tenant=st.sampled_from(["t1", "t2", "t3"]))
    def commit(self, data: st.DataObject, state: MessageState, key: str | None, new_case: Any, tenant: str) -> None:
        owner = data.draw(st.sampled_from(self._owners[-3:]))
        new = entry(state, self._now, tenant, key=key, case=new_case or case(), forwards=data.draw(st.booleans()))
        result = self.both(lambda store: store.commit(owner, new))
        assert result is None or isinstance(result, KeyTaken | type)
        self._entries.append(new)

    @precondition(lambda self: self._entries)
    @rule(data=st.data(), expect=states, state=states, new_case=new_cases, upstream=answers)
    def move(
        self, data: st.DataObject, expect: MessageState, state: MessageState, new_case: Any, upstream: Any
    ) -> None:
        owner = data.draw(st.sampled_from(self._owners[-3:]))
        of = data.draw(st.sampled_from(self._entries))
        if data.draw(st.booleans()):
            found = self._runner.run(self._memory.message(of.message_id))
            expect = found.state if found else expect
        self._count += 1
        decision_id = None if new_case is None else f"later-{self._count}"
        step = change(of, expect, state, self._now, decision_id=decision_id, case=new_case, upstream=upstream)
        self.both(lambda store: store.move(owner, step))

    @rule(data=st.data(), limit=st.integers(1, 3))
    def claim_queued(self, data: st.DataObject, limit: int) -> None:
        owner = data.draw(st.sampled_from(self._owners[-3:]))
        self.both(lambda store: store.claim_queued(owner, self._now, limit))

    @rule(limit=st.integers(1, 3))
    def claim_silent_holds(self, limit: int) -> None:
        self.both(lambda store: store.claim_silent_holds(self._now, 7, limit))
        self.both(lambda store: store.has_silent_holds())

    @rule(later=st.integers(0, 50), early=st.booleans())
    def wake_silent_holds(self, later: int, early: bool) -> None:
        self.both(lambda store: store.wake_silent_holds(self._now + later))
        self.both(lambda store: store.claim_silent_holds(self._now, 7, 1, early=early))

    @rule(longest=st.sampled_from([60, 10_000]))
    def end_expired(self, longest: int) -> None:
        self.both(lambda store: store.end_expired(self._now, longest))

    @rule()
    def recover(self) -> None:
        self.both(lambda store: store.recover(self._now))

    @rule(age=st.sampled_from([0, 10, 100]), limit=st.integers(1, 3))
    def forget_requests(self, age: int, limit: int) -> None:
        self.both(lambda store: store.forget_requests(self._now - age, limit))

    @rule(chain=st.integers(-1, 1), seq=st.integers(0, 5))
    def announce(self, chain: int, seq: int) -> None:
        self.both(lambda store: store.announced(chain, seq))
        self.both(lambda store: store.events(chain, 3))

    @precondition(lambda self: self._entries)
    @invariant()
    def the_newest_message_reads_alike(self) -> None:
        of = self._entries[-1]
        self.both(lambda store: store.message(of.message_id, "t1"))
        self.both(lambda store: store.history(of.message_id))
        self.both(lambda store: store.by_key("t1", "a"))
        self.both(lambda store: store.holders())

    @rule()
    def everything_reads_alike(self) -> None:
        for state in MessageState:
            self.both(lambda store, state=state: store.in_state(state, 100))  # type: ignore[misc]
            self.both(lambda store, state=state: store.count(state))  # type: ignore[misc]
            self.both(lambda store, state=state: store.since(state))  # type: ignore[misc]
        for of in self._entries:
            self.both(lambda store, of=of: store.cases(of.message_id))  # type: ignore[misc]
        self.both(lambda store: store.heads())

        async def rows(store: Any) -> object:
            return [row async for row in store.audit()]

        found: Any = self.both(rows)
        assert list(breaks(found, self._runner.run(self._sql.heads()))) == []


TestTwoStores = TwoStores.TestCase
TestTwoStores.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
