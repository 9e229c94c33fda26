"""What is to be taken down is told until it is done, or until its time is over."""

from __future__ import annotations

from collections.abc import AsyncIterator
from itertools import pairwise
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.adapters.sql import SqlOrders, SqlStore, SqlTakedowns, open_store
from gateway.core.model import MessageState
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.takedown_problems import Obstacle, TakedownProblem, other
from gateway.core.takedowns import Takedown, TakedownState, told
from gateway.ports import Fault, Order, StoreUnavailable, TakedownImpossible
from gateway.takedowns import carry_out, measure
from tests.contract.samples import entry, owner_of
from tests.fakes import NOW_MS, FakeClock

HOUR_MS = 3_600_000
BY = By("mo", "ticket 7")
NO_ADDRESS = TakedownProblem(Obstacle.NO_ADDRESS)


class Remover:
    """`gateway.ports.Remover` in memory: remembers what it is told and when, and raises what it is told to."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self.fault: Fault | None = None
        self.got: list[tuple[int, TakedownState]] = []

    async def carry_out(self, order: Order) -> None:
        """See `gateway.ports.Remover`."""
        self.got.append((self._clock.now - NOW_MS, order.takedown.state))
        if self.fault is not None:
            raise self.fault


class Place:
    """A store with messages that apps published by themselves, and what carries takedowns out."""

    def __init__(self, store: SqlStore) -> None:
        self.store = store
        self.clock = FakeClock()
        self.remover = Remover(self.clock)
        self.takedowns = SqlTakedowns(store.database)
        self.orders = SqlOrders(store.database)
        self.message_id = ""

    async def take_down(self) -> None:
        """One more message that is to be removed."""
        new = entry(MessageState.DECIDED)
        await self.store.commit(await owner_of(self.store, now_ms=NOW_MS), new)
        self.message_id = new.message_id
        await self.takedowns.take_down("t1", new.message_id, "fraud", BY, self.clock.now)

    async def work(self) -> bool:
        """What upkeep does."""
        return await carry_out(self.orders, self.remover, self.clock)

    async def found(self) -> Takedown:
        """Where the newest one stands."""
        found = await self.takedowns.of_message("t1", self.message_id)
        assert found is not None
        return found


@pytest.fixture
async def place(tmp_path: Path) -> AsyncIterator[Place]:
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/gateway.db") as (store, register):
        await register.put_tenant(Tenant("t1", "One", "https://one.example"), "h1", "test", 0)
        made = Place(store)
        await made.take_down()
        yield made


def counted(result: str) -> float:
    """How many attempts ended so."""
    return REGISTRY.get_sample_value("gateway_takedowns_total", {"result": result}) or 0.0


async def test_it_is_told_once_and_done(place: Place) -> None:
    before = counted("done")
    for _ in range(3):
        await place.work()
        place.clock.now += HOUR_MS
    assert place.remover.got == [(0, TakedownState.DUE)]
    assert (await place.found()).state is TakedownState.DONE
    assert counted("done") - before == 1


async def test_what_did_not_work_is_tried_again_with_pauses_that_grow_to_an_hour(place: Place) -> None:
    place.remover.fault = Fault("busy")
    while place.clock.now < NOW_MS + 5 * HOUR_MS:
        await place.work()
        place.clock.now += 10_000
    times = [at_ms for at_ms, _ in place.remover.got]
    assert [at_ms // 1000 for at_ms in times[:4]] == [0, 10, 30, 70]
    pauses = [later - sooner for sooner, later in pairwise(times)]
    assert max(pauses) == HOUR_MS
    assert pauses == sorted(pauses)
    assert (await place.found()).problem == other("busy")
    place.remover.fault = None
    place.clock.now += HOUR_MS
    await place.work()
    assert (await place.found()).state is TakedownState.DONE


async def test_what_did_not_work_in_72_hours_is_given_up_for_a_person_to_see(place: Place) -> None:
    before = counted("failed")
    place.remover.fault = Fault("busy")
    while place.clock.now < NOW_MS + 80 * HOUR_MS:
        await place.work()
        place.clock.now += HOUR_MS // 4
    assert place.remover.got[-1] == (72 * HOUR_MS, TakedownState.DUE)
    found = await place.found()
    assert found.state is TakedownState.FAILED
    assert (told(found), found.attempts > 70) == ("remove it by hand: busy", True)
    assert counted("failed") - before == 1


async def test_what_will_never_work_is_given_up_at_once(place: Place) -> None:
    place.remover.fault = TakedownImpossible(NO_ADDRESS)
    await place.work()
    found = await place.found()
    assert (found.state, found.problem, found.attempts) == (TakedownState.FAILED, NO_ADDRESS, 1)
    assert place.remover.got == [(0, TakedownState.DUE)]


async def test_a_restoring_has_72_hours_of_its_own(place: Place) -> None:
    await place.work()
    place.clock.now += 80 * HOUR_MS
    await place.takedowns.restore("t1", place.message_id, BY, place.clock.now)
    place.remover.fault = Fault("busy")
    await place.work()
    place.clock.now += 10_000
    place.remover.fault = None
    await place.work()
    assert [state for _, state in place.remover.got[1:]] == [TakedownState.RESTORE_DUE] * 2
    assert (await place.found()).state is TakedownState.RESTORED


async def test_a_fault_of_the_store_is_not_the_platforms(place: Place) -> None:
    place.remover.fault = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        await place.work()
    assert (await place.found()).state is TakedownState.DUE


async def test_one_that_fails_holds_up_no_other_and_many_are_done_at_once(place: Place) -> None:
    for _ in range(10):
        await place.take_down()
    assert await place.work()  # more are left
    assert not await place.work()
    assert len(place.remover.got) == 11


async def test_what_waits_is_measured(place: Place) -> None:
    place.clock.now += 90_000
    await measure(place.orders, place.clock)
    assert REGISTRY.get_sample_value("gateway_takedowns_waiting") == 1
    assert REGISTRY.get_sample_value("gateway_oldest_takedown_seconds") == 90
    await place.work()
    await measure(place.orders, place.clock)
    assert REGISTRY.get_sample_value("gateway_takedowns_waiting") == 0
    assert REGISTRY.get_sample_value("gateway_oldest_takedown_seconds") == 0
