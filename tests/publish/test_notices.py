"""Notices are sent until they arrive, or until their time is over; licences end by the policy's days."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest

from gateway.adapters.sql import SqlStore, open_store
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.notices import SqlNotices
from gateway.core.audit import NOTICE
from gateway.core.model import Account, AccountState, NewsKind, Registrant, RegistrantKind, VerificationState
from gateway.core.news import Licence
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.ports import Delivery, Fault, StoreUnavailable
from gateway.upkeep import News, deliver, pause_ms
from tests.fakes import NOW_MS, FakeClock

DAY_MS, HOUR_MS = 86_400_000, 3_600_000
TENANT = Tenant("t1", "One", "https://one.example", notify_url="https://one.example/n", notify_secret_env="SECRET")
HOLDER = Registrant("reg-1", RegistrantKind.ORGANISATION, VerificationState.VERIFIED)


class Receiver:
    """`gateway.ports.Webhooks` in memory: takes what it is sent, or raises what it is told."""

    def __init__(self) -> None:
        self.fault: Fault | None = None
        self.got: list[tuple[int, str, int]] = []

    async def deliver(self, delivery: Delivery, now_ms: int) -> None:
        self.got.append((now_ms, orjson.loads(delivery.notice.body)["type"], delivery.notice.attempts))
        if self.fault is not None:
            raise self.fault


class Post:
    """A register with one licence that ends in ten days, and what sends notices about it."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.receiver = Receiver()
        self.register = SqlNews(store.database)
        self.notices = SqlNotices(store.database)
        self.warn_days = 7
        self.news = News(self._refresh, self.register, lambda: self.warn_days, self.notices, self.receiver)

    async def _refresh(self) -> None:
        """Nothing is cached here."""

    async def work(self) -> None:
        """What upkeep does."""
        await self.news.end_licences(self.clock)
        await deliver(self.notices, self.receiver, self.clock)


@pytest.fixture
async def post(tmp_path: Path) -> AsyncIterator[Post]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/gateway.db") as (store, register):
        await register.put_tenant(TENANT, "h1", "test", 0)
        await register.put_account("t1", Account("acc-1", AccountState.ACTIVE, HOLDER), "test", 0)
        made = Post(store)
        licence = Licence("lic-1", "reg-1", "jti", NewsKind.ORIGINATE, 0, NOW_MS + 10 * DAY_MS, ("acc-1",))
        await made.register.put_licence("t1", licence, By("Keeper"), 0)
        yield made


async def test_a_licence_is_warned_of_ahead_by_the_policys_days_and_ends(post: Post) -> None:
    await post.work()
    assert post.receiver.got == []
    post.clock.now += 3 * DAY_MS
    await post.work()
    await post.work()
    post.clock.now += 7 * DAY_MS
    await post.work()
    await post.work()
    assert post.receiver.got == [
        (NOW_MS + 3 * DAY_MS, "licence.ending", 1),
        (NOW_MS + 10 * DAY_MS, "licence.ended", 1),
    ]


async def test_the_days_are_those_of_the_moment(post: Post) -> None:
    await post.work()
    post.warn_days = 10
    await post.work()
    assert [kind for _, kind, _ in post.receiver.got] == ["licence.ending"]


async def test_what_did_not_arrive_is_sent_again_with_growing_pauses(post: Post) -> None:
    post.receiver.fault = Fault("nobody there")
    post.warn_days = 10
    for _ in range(4):
        await post.work()
        post.clock.now += pause_ms(post.receiver.got[-1][2]) - 1
        await post.work()  # not yet
        post.clock.now += 1
    post.receiver.fault = None
    await post.work()
    post.clock.now += DAY_MS
    await post.work()
    assert [(at_ms - NOW_MS) // 1000 for at_ms, _, _ in post.receiver.got] == [0, 10, 30, 70, 150]


async def test_what_did_not_arrive_in_72_hours_is_given_up(post: Post) -> None:
    post.receiver.fault = Fault("nobody there")
    post.warn_days = 10
    while post.clock.now < NOW_MS + 80 * HOUR_MS:
        await post.work()
        post.clock.now += HOUR_MS
    assert post.receiver.got[-1][0] == NOW_MS + 72 * HOUR_MS
    rows = [row async for row in post.store.audit() if row.kind == NOTICE]
    assert [orjson.loads(row.body)["act"] for row in rows] == ["GiveUpNotice"]


async def test_pauses_grow_and_are_bounded() -> None:
    pauses = [pause_ms(attempts) for attempts in range(1, 40)]
    assert pauses[:3] == [10_000, 20_000, 40_000]
    assert pauses == sorted(pauses)
    assert max(pauses) == 12 * HOUR_MS


async def test_a_process_that_dies_on_the_way_leaves_the_notice_to_another(post: Post) -> None:
    post.warn_days = 10
    await post.news.end_licences(post.clock)
    [taken] = await post.notices.claim(post.clock.now_ms(), 60_000, 10)  # and then nothing
    await post.work()
    assert post.receiver.got == []
    post.clock.now += 60_000
    await post.work()
    assert [attempts for _, _, attempts in post.receiver.got] == [taken.notice.attempts + 1]


async def test_a_fault_of_the_store_is_not_the_receivers(post: Post) -> None:
    post.receiver.fault = StoreUnavailable("gone")
    post.warn_days = 10
    with pytest.raises(StoreUnavailable):
        await post.work()
