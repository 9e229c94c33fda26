"""Leases when the store was away, when clocks are wrong, and when all slots are taken."""

from __future__ import annotations

import pytest
from prometheus_client import REGISTRY

from gateway.core.model import MessageState
from gateway.lease import LeaseKeeper, take_slot
from gateway.perform import Performed
from gateway.ports import LeaseLost, StoreUnavailable
from gateway.upkeep import recover
from tests.fakes import FakeClock
from tests.world import MARGIN_MS, TTL_MS, World, open_world, submission

STEP_MS = TTL_MS // 6


@pytest.fixture
async def world() -> World:
    return await open_world()


async def turn(*worlds: World) -> None:
    """One round of upkeep in each process."""
    for each in worlds:
        await each.lease.renew()
        await recover(each.store, each.clock, each.lease)


def wait(ms: int, *worlds: World) -> None:
    """Time passes in each process."""
    for each in worlds:
        each.clock.now += ms


async def away(ms: int, *worlds: World) -> None:
    """The store is away for so long."""
    worlds[0].store.down = True
    for each in worlds:
        with pytest.raises(StoreUnavailable):
            await each.lease.renew()
    wait(ms, *worlds)
    worlds[0].store.down = False


async def test_after_an_outage_of_the_store_the_first_to_come_back_declares_nobody_dead(world: World) -> None:
    second = await open_world(world.store, process=1)
    for _ in range(8):
        wait(STEP_MS, world, second)
        await turn(world, second)
    world.store.refuse.add("move")
    answered = await world.publish(submission())
    assert isinstance(answered, Performed)
    assert answered.state is MessageState.PUBLISHED
    world.store.refuse.clear()
    before = world.lease.owner

    await away(3 * TTL_MS, world, second)
    await turn(second)
    wait(TTL_MS - 1, world, second)
    await turn(second)
    await turn(world)
    assert world.lease.owner == before
    await world.perform.settle_again()
    assert await world.state(answered.message_id) is MessageState.PUBLISHED


async def test_who_stays_away_for_a_lease_period_after_an_outage_is_dead(world: World) -> None:
    second = await open_world(world.store, process=1)
    await away(3 * TTL_MS, world, second)
    for _ in range(8):
        await turn(second)
        wait(STEP_MS, world, second)
    with pytest.raises(LeaseLost):
        await world.lease.renew()


async def test_a_process_that_slept_itself_declares_nobody_dead_when_it_wakes(world: World) -> None:
    second = await open_world(world.store, process=1)
    wait(2 * TTL_MS, world, second)
    await turn(second)
    await turn(world)
    assert world.lease.valid()


async def test_a_result_is_written_once_the_store_is_back_although_the_time_is_over(world: World) -> None:
    world.store.refuse.add("move")
    answered = await world.publish(submission())
    assert isinstance(answered, Performed)
    wait(TTL_MS, world)
    world.store.refuse.clear()
    await world.perform.settle_again()
    assert await world.state(answered.message_id) is MessageState.PUBLISHED


async def test_validity_does_not_depend_on_the_time_of_day(world: World) -> None:
    for ms in (10**7, -(10**7)):
        world.clock.now += ms
        world.clock.ahead += ms
        assert world.lease.valid()
    wait(TTL_MS - MARGIN_MS, world)
    world.clock.now -= 10**6
    world.clock.ahead -= 10**6
    assert not world.lease.valid()


async def test_a_lease_counts_from_before_it_was_asked_for(world: World) -> None:
    lease = await world.store.lease("slow", 4, TTL_MS, world.clock.now_ms())
    assert lease is not None
    asked_ms = world.clock.steady_ms() - TTL_MS
    assert not LeaseKeeper(world.store, world.clock, lease, TTL_MS, MARGIN_MS, asked_ms=asked_ms).valid()


async def test_the_skew_to_the_store_is_measured_at_each_renewal(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = world.store.renew
    monkeypatch.setattr(
        world.store, "renew", lambda owner, ttl_ms, now_ms: theirs(owner, ttl_ms, now_ms - world.clock.ahead)
    )
    for ahead in (600_000, -1500, 0):
        world.clock.now += ahead - world.clock.ahead
        world.clock.ahead = ahead
        await world.lease.renew()
        assert world.lease.skew_ms == ahead
        assert REGISTRY.get_sample_value("gateway_clock_skew_seconds") == ahead / 1000


async def test_a_process_without_a_slot_waits_for_those_of_the_dead_and_of_nobody_else(world: World) -> None:
    clock = FakeClock(process=7)
    living = [world, *[await open_world(world.store, process=number) for number in range(1, 4)]]

    async def pause(seconds: float, keeping: int = 4) -> None:
        clock.now += int(seconds * 1000)
        wait(int(seconds * 1000), *living)
        for each in living[:keeping]:
            await each.lease.renew()

    async def take(keeping: int) -> LeaseKeeper:
        return await take_slot(
            *(world.store, clock, "new", lambda _: False, 4),
            ttl_ms=TTL_MS,
            margin_ms=MARGIN_MS,
            pause=lambda seconds: pause(seconds, keeping),
        )

    with pytest.raises(StoreUnavailable, match="all 4 slots are taken"):
        await take(4)
    await away(3 * TTL_MS, *living)
    clock.now = living[0].clock.now
    dead = living[3].lease.writer
    found = await take(3)
    assert (found.owner.slot, found.owner.epoch) == (dead.slot, dead.epoch + 1)
    for each in living[:3]:
        await each.lease.renew()
