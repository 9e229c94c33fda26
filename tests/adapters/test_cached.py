"""The registry cache: it answers only while it is known that nothing changed."""

from __future__ import annotations

import asyncio

import pytest

from gateway.adapters.cached import CachedRegistry
from gateway.adapters.memory import MemoryStore
from gateway.core.model import Account, AccountState
from gateway.core.records import Tenant
from gateway.ports import StoreUnavailable
from tests.fakes import FakeClock
from tests.world import ACCOUNT, OTHER, PERSON, TENANT

TRUST_MS = 1000
CLOSED = Account("acc-1", AccountState.CLOSED, PERSON)
MOVED = Tenant("t1", "Tenant One", "https://moved.example/publish")


class CountingRegister(MemoryStore):
    """The registry in memory, which counts what is read from it and can be slow."""

    def __init__(self) -> None:
        super().__init__()
        self.reads = 0
        self.read = asyncio.Event()
        """Set when an account was read, before the reader learns it."""
        self.answering = asyncio.Event()
        self.answering.set()

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        self.reads += 1
        return await super().tenant_by_key(key_hash)

    async def tenant(self, tenant_id: str) -> Tenant | None:
        self.reads += 1
        return await super().tenant(tenant_id)

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        self.reads += 1
        found = await super().account(tenant_id, account_id)
        self.read.set()
        await self.answering.wait()
        return found


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
async def register() -> CountingRegister:
    register = CountingRegister()
    await register.put_tenant(TENANT, "k1", "test", 0)
    await register.put_tenant(OTHER, "k2", "test", 0)
    await register.put_account("t1", ACCOUNT, "test", 0)
    return register


@pytest.fixture
async def cache(register: CountingRegister, clock: FakeClock) -> CachedRegistry:
    cache = CachedRegistry(register, clock, size=2, trust_ms=TRUST_MS)
    await cache.refresh()
    return cache


async def test_what_was_read_once_is_not_read_again(cache: CachedRegistry, register: CountingRegister) -> None:
    for _ in range(3):
        assert await cache.account("t1", "acc-1") == ACCOUNT
        assert await cache.tenant("t1") == TENANT
        assert await cache.tenant_by_key("k1") == TENANT
        assert await cache.account("t1", "nobody") is None
    assert register.reads == 4


async def test_a_clock_that_was_set_back_makes_nothing_fresh(
    cache: CachedRegistry, register: CountingRegister, clock: FakeClock
) -> None:
    assert await cache.account("t1", "acc-1") == ACCOUNT
    clock.now -= 1
    await register.put_account("t1", CLOSED, "test", 0)
    assert not cache.trusted()
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_unknown_keys_take_no_room(cache: CachedRegistry, register: CountingRegister) -> None:
    await cache.tenant_by_key("k1")
    for number in range(5):
        assert await cache.tenant_by_key(f"made up {number}") is None
    reads = register.reads
    await cache.tenant_by_key("k1")
    assert register.reads == reads


async def test_a_change_is_seen_with_the_next_refresh(cache: CachedRegistry, register: CountingRegister) -> None:
    await cache.account("t1", "acc-1")
    await register.put_account("t1", CLOSED, "test", 0)
    assert await cache.account("t1", "acc-1") == ACCOUNT
    await cache.refresh()
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_an_account_that_was_unknown_is_seen_once_it_is_there(
    cache: CachedRegistry, register: CountingRegister
) -> None:
    assert await cache.account("t1", "new") is None
    await register.put_account("t1", Account("new", AccountState.ACTIVE), "test", 0)
    await cache.refresh()
    assert await cache.account("t1", "new") == Account("new", AccountState.ACTIVE)


async def test_a_changed_tenant_is_seen_with_the_next_refresh(
    cache: CachedRegistry, register: CountingRegister
) -> None:
    await cache.tenant("t1")
    await cache.tenant_by_key("k1")
    await register.put_tenant(MOVED, "k1", "test", 0)
    await cache.refresh()
    assert await cache.tenant("t1") == MOVED
    assert await cache.tenant_by_key("k1") == MOVED


async def test_a_change_drops_only_what_changed(cache: CachedRegistry, register: CountingRegister) -> None:
    await cache.account("t1", "acc-1")
    await register.put_account("t1", Account("other", AccountState.ACTIVE), "test", 0)
    await cache.refresh()
    reads = register.reads
    await cache.account("t1", "acc-1")
    assert register.reads == reads


async def test_what_was_read_before_a_change_is_not_kept_after_it(
    cache: CachedRegistry, register: CountingRegister
) -> None:
    """The old value is read, then the change and its refresh take place, then the reader goes on."""
    register.answering.clear()
    reading = asyncio.create_task(cache.account("t1", "acc-1"))
    await register.read.wait()
    await register.put_account("t1", CLOSED, "test", 0)
    await cache.refresh()
    register.answering.set()

    assert await reading == ACCOUNT
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_nothing_is_trusted_before_the_first_refresh(register: CountingRegister, clock: FakeClock) -> None:
    cache = CachedRegistry(register, clock, size=2, trust_ms=TRUST_MS)
    assert not cache.trusted()
    await cache.account("t1", "acc-1")
    await register.put_account("t1", CLOSED, "test", 0)
    assert await cache.account("t1", "acc-1") == CLOSED
    await cache.refresh()
    assert cache.trusted()
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_while_the_feed_is_silent_the_registry_is_asked(
    cache: CachedRegistry, register: CountingRegister, clock: FakeClock
) -> None:
    await cache.account("t1", "acc-1")
    await register.put_account("t1", CLOSED, "test", 0)
    clock.now += TRUST_MS
    assert cache.trusted()
    assert await cache.account("t1", "acc-1") == ACCOUNT
    clock.now += 1
    assert not cache.trusted()
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_a_refresh_that_fails_lets_the_cache_age(
    cache: CachedRegistry, register: CountingRegister, clock: FakeClock
) -> None:
    await cache.account("t1", "acc-1")
    register.down = True
    clock.now += TRUST_MS
    with pytest.raises(StoreUnavailable):
        await cache.refresh()
    assert await cache.account("t1", "acc-1") == ACCOUNT
    clock.now += 1
    with pytest.raises(StoreUnavailable):
        await cache.account("t1", "acc-1")


async def test_changes_missed_while_the_feed_was_silent_are_caught_up(
    cache: CachedRegistry, register: CountingRegister, clock: FakeClock
) -> None:
    await cache.account("t1", "acc-1")
    clock.now += 10 * TRUST_MS
    await register.put_account("t1", CLOSED, "test", 0)
    await cache.refresh()
    assert cache.trusted()
    assert await cache.account("t1", "acc-1") == CLOSED


async def test_the_cache_keeps_what_was_used_last(cache: CachedRegistry, register: CountingRegister) -> None:
    for account_id in ("a", "b", "a", "c"):
        await cache.account("t1", account_id)
    reads = register.reads
    await cache.account("t1", "a")
    await cache.account("t1", "c")
    assert register.reads == reads
    await cache.account("t1", "b")
    assert register.reads == reads + 1


async def test_tenants_do_not_share_entries(cache: CachedRegistry) -> None:
    assert await cache.account("t1", "acc-1") == ACCOUNT
    assert await cache.account("t2", "acc-1") is None


async def test_when_too_much_changed_all_is_forgotten(
    cache: CachedRegistry, register: CountingRegister, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gateway.adapters.memory.registry.CHANGES", 1)
    await cache.account("t1", "acc-1")
    await cache.tenant("t1")
    await cache.tenant_by_key("k1")
    await register.put_account("t1", CLOSED, "test", 0)
    await register.put_tenant(MOVED, "k1", "test", 0)
    await cache.refresh()
    assert await cache.account("t1", "acc-1") == CLOSED
    assert await cache.tenant("t1") == MOVED
    assert await cache.tenant_by_key("k1") == MOVED
