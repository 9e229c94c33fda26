"""Work that repeats: faults are noted and survived, a lost lease ends the process once."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import count

import pytest
from prometheus_client import REGISTRY

from gateway.core.audit import ADMINISTRATORS
from gateway.core.model import MessageState, Outcome
from gateway.core.records import AuditRow, Transition
from gateway.perform import Performed
from gateway.ports import Fault, LeaseLost, StoreUnavailable
from gateway.upkeep import Upkeep, announce, announce_unowned, follow, measure, plan, recover
from tests.fakes import NOW_MS
from tests.world import TTL_MS, World, open_world, submission


@pytest.fixture
async def world() -> World:
    return await open_world()


class Ended:
    """Counts how often the process was told to end."""

    def __init__(self) -> None:
        self.times = 0
        self.told = asyncio.Event()

    def __call__(self) -> None:
        self.times += 1
        self.told.set()


class Downstream:
    """`gateway.ports.Events` in memory."""

    def __init__(self) -> None:
        self.rows: list[AuditRow] = []
        self.fault: Fault | None = None

    async def announce(self, rows: Sequence[AuditRow]) -> None:
        if self.fault is not None:
            raise self.fault
        self.rows += rows


async def test_a_pause_is_cut_short_and_what_happens_during_work_is_not_missed() -> None:
    upkeep, wake, times, again = Upkeep(Ended()), asyncio.Event(), count(1), asyncio.Event()
    began = asyncio.Event()

    async def work() -> None:
        match next(times):
            case 1:
                began.set()
            case 2:
                wake.set()
            case 3:
                again.set()

    upkeep.every(3600.0, "work", work, wake)
    await began.wait()
    wake.set()
    await asyncio.wait_for(again.wait(), 10)
    await upkeep.stop()


async def test_work_is_repeated_until_stopped() -> None:
    upkeep, times, enough = Upkeep(Ended()), count(1), asyncio.Event()

    async def work() -> None:
        if next(times) == 3:
            enough.set()

    upkeep.every(0.0, "work", work)
    await enough.wait()
    await upkeep.stop()
    assert next(times) >= 4


async def test_work_that_left_some_is_repeated_without_a_pause() -> None:
    upkeep, times, done = Upkeep(Ended()), count(1), asyncio.Event()

    async def work() -> bool:
        if next(times) == 3:
            done.set()
        return not done.is_set()

    upkeep.every(3600.0, "work", work)
    await done.wait()
    await upkeep.stop()
    assert next(times) == 4


async def test_stop_lets_running_work_end() -> None:
    upkeep, begun, go_on, ended = Upkeep(Ended()), asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        await go_on.wait()
        ended.set()

    upkeep.every(0.0, "work", work)
    await begun.wait()
    stopping = asyncio.create_task(upkeep.stop())
    go_on.set()
    await stopping
    assert ended.is_set()


async def test_a_fault_is_noted_while_it_lasts_and_work_goes_on() -> None:
    upkeep, faults, seen, works = Upkeep(Ended()), 2, list[dict[str, str]](), asyncio.Event()

    async def work() -> None:
        nonlocal faults
        seen.append(upkeep.failing)
        faults -= 1
        if faults >= 0:
            raise StoreUnavailable(f"{faults} to go")
        if faults < -1:
            works.set()

    upkeep.every(0.0, "work", work)
    await works.wait()
    await upkeep.stop()
    assert seen[:4] == [{}, {"work": "1 to go"}, {"work": "0 to go"}, {}]
    assert upkeep.failing == {}


async def test_a_defect_is_noted_and_work_goes_on() -> None:
    upkeep, twice, calls = Upkeep(on_lease_lost=lambda: None), asyncio.Event(), 0

    async def work() -> None:
        nonlocal calls
        calls += 1
        if calls == 2:
            twice.set()
        raise ZeroDivisionError("no fault of the world")

    upkeep.every(0.0, "work", work)
    await twice.wait()
    await upkeep.stop()
    assert upkeep.failing == {"work": "ZeroDivisionError('no fault of the world')"}


async def test_a_lost_lease_ends_the_process_once_whatever_finds_it() -> None:
    ended = Ended()
    upkeep, both = Upkeep(ended), asyncio.Barrier(2)

    async def work() -> None:
        await both.wait()
        raise LeaseLost("gone")

    upkeep.every(0.0, "lease", work)
    upkeep.every(0.0, "queue", work)
    await ended.told.wait()
    await upkeep.stop()
    assert ended.times == 1


async def test_what_a_process_repeats(world: World) -> None:
    """Everything that the upkeep is for happens by itself."""
    ended, downstream = Ended(), Downstream()
    upkeep, refreshed, reloaded = Upkeep(ended), asyncio.Event(), asyncio.Event()

    async def refresh() -> None:
        refreshed.set()

    async def reload() -> None:
        reloaded.set()

    await world.publish(submission())
    plan(
        upkeep,
        store=world.store,
        clock=world.clock,
        lease=world.lease,
        lease_seconds=TTL_MS / 1000,
        perform=world.perform,
        review=world.review,
        registry_changed=asyncio.Event(),
        refresh_registry=refresh,
        reload_policy=reload,
        publish=world.publish,
        events=downstream,
    )
    await asyncio.gather(refreshed.wait(), reloaded.wait())
    await upkeep.stop()
    assert [row.kind for row in downstream.rows] == ["decision", "transition"]
    assert upkeep.failing == {}
    assert ended.times == 0


async def test_rows_are_announced_in_order_once_each(world: World) -> None:
    downstream = Downstream()
    await world.publish(submission())
    assert await announce(world.store, downstream, world.lease) is False
    await world.publish(submission())
    await announce(world.store, downstream, world.lease)
    await announce(world.store, downstream, world.lease)
    assert [row.seq for row in downstream.rows] == [1, 2, 3, 4]


async def test_what_a_dead_process_decided_is_announced_before_what_recovery_made_of_it(world: World) -> None:
    downstream = Downstream()
    world.store.refuse.add("move")
    for _ in range(2):
        await world.publish(submission())
    world.store.refuse.clear()
    alive = await open_world(world.store, process=1)
    await world.store.break_lease(world.lease.owner)
    await recover(alive.store, alive.clock, alive.lease)
    # Before anybody announced its rows, another process takes the slot: they are in a chain that is held again.
    successor = await open_world(world.store, process=2)
    assert successor.lease.owner.slot == world.lease.owner.slot
    await announce_unowned(successor.store, downstream, successor.lease)
    assert downstream.rows == []
    await announce(successor.store, downstream, successor.lease)
    await announce_unowned(successor.store, downstream, successor.lease)
    about: dict[str, list[str]] = {}
    for row in downstream.rows:
        about.setdefault(row.message_id, []).append(row.kind)
    assert list(about.values()) == [["decision", "transition"]] * 2


async def test_rows_that_did_not_arrive_are_announced_again(world: World) -> None:
    downstream = Downstream()
    downstream.fault = Fault("downstream is away")
    await world.publish(submission())
    with pytest.raises(Fault, match="away"):
        await announce(world.store, downstream, world.lease)
    downstream.fault = None
    await announce(world.store, downstream, world.lease)
    assert [row.seq for row in downstream.rows] == [1, 2]


class Stuck:
    """`gateway.ports.Follower` in memory: what follows from one chain can never be written."""

    def __init__(self, stuck: int) -> None:
        self._stuck = stuck
        self.followed: list[int] = []

    async def follow(self, chain: int, _now_ms: int) -> bool:
        if chain == self._stuck:
            raise KeyError(chain)
        self.followed.append(chain)
        return True


async def test_a_chain_that_cannot_be_followed_holds_up_no_other(world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    await world.publish(submission())
    [held] = await world.store.in_state(MessageState.HELD, 1)
    assert await world.resolve(held, Outcome.BLOCK, "mo", "spam")
    own, administrators = world.perform.owner.slot, ADMINISTRATORS
    for stuck, others in ((own, [administrators]), (administrators, [own])):
        follower = Stuck(stuck)
        with pytest.raises(KeyError):
            await follow(follower, world.store, world.lease, world.clock)
        assert follower.followed == others


async def test_recovery_leaves_what_a_living_process_forwards(world: World) -> None:
    world.upstream.answering.clear()
    under_way = asyncio.create_task(world.publish(submission()))
    await world.upstream.waiting.wait()
    [(_, message_id, _)] = world.upstream.got

    second = await open_world(world.store, process=1)
    await recover(second.store, second.clock, second.lease)
    assert await world.state(message_id) is MessageState.FORWARDING
    second.clock.now += TTL_MS // 2
    await second.lease.renew()
    second.clock.now += TTL_MS // 2
    await recover(second.store, second.clock, second.lease)
    assert await world.state(message_id) is MessageState.UNKNOWN

    world.upstream.answering.set()
    await under_way
    assert await world.state(message_id) is MessageState.UNKNOWN


async def test_after_an_outage_a_process_does_not_take_itself_for_dead(world: World) -> None:
    world.store.refuse.add("move")
    result = await world.publish(submission())
    assert isinstance(result, Performed)
    world.store.refuse.clear()
    world.clock.now += TTL_MS

    await recover(world.store, world.clock, world.lease)
    await world.lease.renew()
    await world.perform.settle_again()
    assert await world.state(result.message_id) is MessageState.PUBLISHED


async def test_a_lease_that_was_not_extended_in_time_is_no_reason_to_end(world: World) -> None:
    world.clock.now += TTL_MS
    ended, tried = Ended(), asyncio.Event()
    upkeep = Upkeep(ended)

    async def work() -> None:
        tried.set()
        await world.review.forward_queued()

    upkeep.every(3600.0, "queue", work)
    await tried.wait()
    await upkeep.stop()
    assert list(upkeep.failing) == ["queue"]
    assert ended.times == 0


async def test_gauges_show_what_waits(world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    await world.publish(submission())
    world.clock.now = NOW_MS + 5000
    await world.publish(submission())
    await measure(world.store, world.clock, lambda: 3)
    names = ("held_messages", "oldest_hold_seconds", "unknown_messages", "in_flight")
    assert [REGISTRY.get_sample_value(f"gateway_{name}") for name in names] == [2, 5, 0, 3]
    assert REGISTRY.get_sample_value("gateway_live_leases") == 1


async def test_gauges_show_what_is_on_its_way_and_since_when(world: World) -> None:
    world.classifiers.say("text", "spam", 0.6)
    await world.publish(submission())
    [held] = await world.store.in_state(MessageState.HELD, 1)
    for state, previous, at_ms in (
        (MessageState.QUEUED, MessageState.HELD, 4000),
        (MessageState.FORWARDING, MessageState.QUEUED, 7000),
    ):
        step = Transition(held.message_id, previous, state, "test", "test", NOW_MS + at_ms, None, None)
        assert await world.store.move(world.lease.owner, step)
        world.clock.now = NOW_MS + at_ms + 1000
        await measure(world.store, world.clock, lambda: 0)
        for gauge, value in (("moving_messages", 1), ("oldest_moving_seconds", 1)):
            assert REGISTRY.get_sample_value(f"gateway_{gauge}", {"state": state}) == value
            assert REGISTRY.get_sample_value(f"gateway_{gauge}", {"state": previous}) in (0, None)


async def test_work_that_is_done_rarely_is_tried_again_soon_after_it_failed() -> None:
    """Health would say that it fails until its next time, however long the cause is gone."""
    upkeep, times, again = Upkeep(Ended()), count(1), asyncio.Event()

    async def work() -> None:
        if next(times) == 1:
            raise StoreUnavailable("gone")
        again.set()

    upkeep.every(3600.0, "expiry", work)
    async with asyncio.timeout(30):
        await again.wait()
    await upkeep.stop()
    assert upkeep.failing == {}


async def test_a_renewed_lease_goes_on(world: World) -> None:
    world.clock.now += TTL_MS - 1
    assert not world.lease.valid()
    await world.lease.renew()
    assert world.lease.valid()


async def test_a_lease_that_another_took_is_lost_for_good(world: World) -> None:
    world.clock.now += TTL_MS
    await world.store.end_expired(world.clock.now_ms(), TTL_MS)
    with pytest.raises(LeaseLost):
        await world.lease.renew()
    world.clock.now -= TTL_MS
    assert not world.lease.valid()
    with pytest.raises(LeaseLost):
        _ = world.lease.owner


async def test_a_released_slot_is_free_at_once(world: World) -> None:
    taken = world.lease.owner
    await world.lease.release()
    lease = await world.store.lease("next", 1, TTL_MS, world.clock.now_ms())
    assert lease is not None
    assert (lease.owner.slot, lease.owner.epoch) == (taken.slot, taken.epoch + 1)


async def test_a_lease_that_cannot_be_released_ends_by_itself(world: World) -> None:
    world.store.down = True
    await world.lease.release()
    world.store.down = False
    assert await world.store.holders() != []
    await world.store.end_expired(world.clock.now_ms() + TTL_MS, TTL_MS)
    assert await world.store.holders() == []
