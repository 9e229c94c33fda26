"""What a gateway process does beside answering: keep its lease, follow changes, resolve holds, announce decisions."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from gateway import metrics
from gateway.appealing import Appealing
from gateway.core.audit import FOLLOWED, LICENCE
from gateway.core.model import MessageState
from gateway.core.quota import HoldQuota
from gateway.held import HeldMessages
from gateway.lease import LeaseKeeper
from gateway.perform import Perform
from gateway.ports import (
    Clock,
    Delivery,
    Events,
    Fault,
    Follower,
    LeaseLost,
    NewsRegister,
    Notices,
    Sanctions,
    Store,
    StoreUnavailable,
    Webhooks,
)
from gateway.publish import Publish
from gateway.review import Review
from gateway.verify import Verify

log = logging.getLogger(__name__)

_AGAIN_SECONDS = 2.0
"""How soon work that failed is tried again, however rarely it is done."""
_EVENTS = 500
"""Rows announced at once."""
_ENTRIES = 200
"""Entries of the queue looked at, whether their messages are held: what is due first, where any that is left ends."""
_NOTICES = 10
"""Notices sent at once."""
_NOTICE_LEASE_MS = 60_000
"""How long a process has a notice that it took. Must be more than a delivery may last."""
_NOTICE_LIFE_MS = 72 * 3_600_000
"""A notice that did not arrive in this time is given up."""
_LICENCES = 100
"""Licences warned of, or ended, in one transaction."""


@dataclass(frozen=True, slots=True)
class News:
    """What is repeated about news: the whitelists' versions are followed, licences warn and end, notices are sent.
    ``warn_days`` is the policy's of the moment."""

    refresh_sources: Callable[[], Awaitable[None]]
    register: NewsRegister
    warn_days: Callable[[], int]
    notices: Notices
    webhooks: Webhooks

    def plan(self, upkeep: Upkeep, clock: Clock) -> None:
        """Begin it."""
        upkeep.every(0.25, "sources", self.refresh_sources)
        upkeep.every(5.0, "licences", lambda: self.end_licences(clock))
        upkeep.every(1.0, "notices", lambda: deliver(self.notices, self.webhooks, clock))

    async def end_licences(self, clock: Clock) -> bool:
        """Warn of licences that will end, and end those whose time is over; True if more may be due."""
        warn_ms = self.warn_days() * 86_400_000
        return await self.register.end_licences(clock.now_ms(), warn_ms, _LICENCES) >= _LICENCES


class Upkeep:
    """Repeats work until it is stopped. Faults are logged when they begin and when they end; work goes on.

    ``on_lease_lost`` is called once if another process took this one's slot: this process must end.
    """

    def __init__(self, on_lease_lost: Callable[[], None]) -> None:
        self._on_lease_lost = on_lease_lost
        self._stop = asyncio.Event()
        self._wakes = [self._stop]
        self._tasks: list[asyncio.Task[None]] = []
        self._failing: dict[str, str] = {}
        self._lost = False

    @property
    def failing(self) -> dict[str, str]:
        """The work that fails at present, and why."""
        return dict(self._failing)

    def every(
        self, seconds: float, name: str, work: Callable[[], Awaitable[object]], wake: asyncio.Event | None = None
    ) -> None:
        """Repeat ``work`` with a pause of ``seconds``, which ``wake`` cuts short. Work that returns True has more to
        do, at once."""
        if wake is not None:
            self._wakes.append(wake)
        self._tasks.append(asyncio.create_task(self._repeat(seconds, name, work, wake), name=name))

    async def stop(self) -> None:
        """Let what is running end, and start nothing more."""
        for event in self._wakes:
            event.set()
        await asyncio.gather(*self._tasks)

    async def _repeat(
        self, seconds: float, name: str, work: Callable[[], Awaitable[object]], wake: asyncio.Event | None
    ) -> None:
        while not self._stop.is_set():
            more = False
            try:
                more = await work() is True
                if self._failing.pop(name, None):
                    log.info("upkeep works again", {"work": name})
            except LeaseLost as fault:
                if not self._lost:
                    self._lost = True
                    log.critical("lease lost; this process ends", {"fault": str(fault)})
                    self._on_lease_lost()
                return
            except Fault as fault:
                if name not in self._failing:
                    log.warning("upkeep fails; trying again", {"work": name, "fault": str(fault)})
                self._failing[name] = str(fault)
            except Exception as error:  # a defect must show in the health report, and must not end the work for ever
                log.exception("upkeep fails by a defect", {"work": name})
                self._failing[name] = repr(error)
            if not more:
                # What runs rarely would else count as failing long after its cause is gone.
                await self._pause(min(seconds, _AGAIN_SECONDS) if name in self._failing else seconds, wake)

    async def _pause(self, seconds: float, wake: asyncio.Event | None) -> None:
        try:
            async with asyncio.timeout(seconds):
                await (wake or self._stop).wait()
        except TimeoutError:
            return
        if wake is not None:
            wake.clear()  # before the work: what happens during it is cause for another time


async def announce(store: Store, events: Events, lease: LeaseKeeper) -> bool:
    """Announce what this process's chain has gained; True if more is left."""
    return await _announce(store, events, lease.owner.slot)


async def announce_unowned(store: Store, events: Events, lease: LeaseKeeper) -> bool:
    """Announce what the chains that no process holds have gained: persons' acts, recovery, and what a process that
    died had left. One process does it, the one with the lowest slot; True if more is left."""
    # What a dead process had left comes before recovery's rows about it, which are in the administrators' chain and
    # would only wait for it.
    return any([await _announce(store, events, chain) for chain in reversed(await _unowned(store, lease))])


async def follow(follower: Follower, store: Store, lease: LeaseKeeper, clock: Clock) -> bool:
    """Write what follows from this process's chain and, in the first process, from those that nobody holds; True if
    more is left. A chain that cannot be followed holds up none of the others: the first fault is raised after them."""
    more, wrong = False, list[Exception]()
    for chain in [lease.owner.slot, *await _unowned(store, lease)]:
        try:
            more |= await follower.follow(chain, clock.now_ms())
        except Exception as error:  # be it a defect: what people decided stands in another chain
            wrong.append(error)
    if wrong:
        raise wrong[0]
    return more


async def _unowned(store: Store, lease: LeaseKeeper) -> list[int]:
    """The chains that no process holds, if this is the process that looks after them."""
    held = {owner.slot for owner, _ in await store.holders()}
    return sorted((await store.heads()).keys() - held) if _first(held, lease) else []


async def is_first(store: Store, lease: LeaseKeeper) -> bool:
    """Whether this process does what one process does for all: the one with the lowest slot."""
    return _first({owner.slot for owner, _ in await store.holders()}, lease)


def _first(held: set[int], lease: LeaseKeeper) -> bool:
    return lease.owner.slot == min(held, default=lease.owner.slot)


async def _announce(store: Store, events: Events, chain: int) -> bool:
    rows = await store.events(chain, _EVENTS)
    if told := [row for row in rows if row.message_id or row.kind == LICENCE or row.kind in FOLLOWED]:
        await events.announce(told)
    if rows:
        await store.announced(chain, rows[-1].seq)
    return len(rows) == _EVENTS


async def deliver(notices: Notices, webhooks: Webhooks, clock: Clock) -> bool:
    """Send the notices that are due, each once; True if more may be due."""
    due = await notices.claim(clock.now_ms(), _NOTICE_LEASE_MS, _NOTICES)
    for result in await asyncio.gather(
        *[_send(notices, webhooks, clock, each) for each in due], return_exceptions=True
    ):
        if isinstance(result, BaseException):
            raise result
    return len(due) == _NOTICES


async def _send(notices: Notices, webhooks: Webhooks, clock: Clock, delivery: Delivery) -> None:
    notice, told = delivery.notice, {"notice_id": delivery.notice.notice_id, "tenant_id": delivery.notice.tenant_id}
    try:
        await webhooks.deliver(delivery, clock.now_ms())
    except StoreUnavailable:
        raise
    except Fault as fault:
        now_ms = clock.now_ms()
        if now_ms - notice.created_ms >= _NOTICE_LIFE_MS:
            log.warning("notice given up", {**told, "fault": str(fault), "attempts": notice.attempts})
            await notices.given_up(notice, now_ms)
            metrics.child(metrics.NOTICES, notice.kind, "given_up").inc()
        else:
            log.warning("notice not delivered; trying again", {**told, "fault": str(fault)})
            await notices.put_off(notice, min(now_ms + pause_ms(notice.attempts), notice.created_ms + _NOTICE_LIFE_MS))
            metrics.child(metrics.NOTICES, notice.kind, "put_off").inc()
        return
    await notices.delivered(notice, clock.now_ms())
    metrics.child(metrics.NOTICES, notice.kind, "delivered").inc()


def pause_ms(attempts: int) -> int:
    """How long to wait after so many attempts: 10 s, then twice as long each time, at most 12 hours."""
    return int(min(10_000 * 2 ** min(attempts - 1, 20), 12 * 3_600_000))


async def recover(store: Store, clock: Clock, lease: LeaseKeeper) -> None:
    """Settle what dead processes left under way."""
    await lease.end_expired()
    queued, unknown = await store.recover(clock.now_ms())
    if queued or unknown:
        log.warning("messages of a dead process recovered", {"queued": queued, "unknown": unknown})


async def expect_repeats(store: Store, publish: Publish) -> None:
    """Look out for content that clients send again while any process's holds wait for an opinion."""
    if await store.has_silent_holds():
        publish.expect_repeats()


async def measure(store: Store, clock: Clock, in_flight: Callable[[], int]) -> None:
    """Set the gauges that are read off the store and the process."""
    metrics.IN_FLIGHT.set(in_flight())
    held, oldest_ms = await store.count(MessageState.HELD)
    metrics.HELD.set(held)
    metrics.HOLD_AGE_SECONDS.set((clock.now_ms() - oldest_ms) / 1000 if oldest_ms is not None else 0)
    unknown, _ = await store.count(MessageState.UNKNOWN)
    metrics.UNKNOWN.set(unknown)
    for state in (MessageState.QUEUED, MessageState.FORWARDING):
        number, since_ms = await store.since(state)
        metrics.MOVING.labels(state).set(number)
        metrics.MOVING_SECONDS.labels(state).set((clock.now_ms() - since_ms) / 1000 if since_ms is not None else 0)
    metrics.LEASES.set(len(await store.holders()))


async def measure_holds(store: Store, quota: HoldQuota) -> None:
    """Tell the quota what waits of each tenant."""
    quota.measured(await store.waiting())


async def measure_sanctions(sanctions: Sanctions, clock: Clock) -> None:
    """Set the gauges of what waits for reviewers' agreement, and of the quota."""
    metrics.SANCTIONS_PROPOSED.set(await sanctions.waiting())
    metrics.SANCTIONS_STOPPED.set(await sanctions.stopped(clock.now_ms()))


async def measure_queue(held: HeldMessages, clock: Clock) -> None:
    """Set the gauge of what people should have decided on, and of nothing else."""
    await held.queue.tidy(_ENTRIES)
    _, overdue, _ = await held.queue.count(None, clock.now_ms())
    metrics.OVERDUE_HOLDS.set(overdue)


def plan(
    upkeep: Upkeep,
    *,
    store: Store,
    clock: Clock,
    lease: LeaseKeeper,
    lease_seconds: float,
    perform: Perform,
    review: Review,
    refresh_registry: Callable[[], Awaitable[None]],
    registry_changed: asyncio.Event,
    reload_policy: Callable[[], Awaitable[None]],
    publish: Publish,
    events: Events | None,
    news: News | None = None,
    follower: Follower | None = None,
    held: HeldMessages | None = None,
    appealing: Appealing | None = None,
    sanctions: Sanctions | None = None,
) -> None:
    """Begin everything that a gateway process repeats."""
    upkeep.every(lease_seconds / 6, "lease", lease.renew)
    upkeep.every(0.25, "registry", refresh_registry, registry_changed)
    upkeep.every(1.0, "policy", reload_policy)
    upkeep.every(0.5, "unsettled", perform.settle_again)
    upkeep.every(30.0, "stranded", perform.put_back_stranded)
    upkeep.every(0.5, "queue", review.forward_queued)
    upkeep.every(0.5, "holds", review.ask_again)
    upkeep.every(0.5, "repeats", lambda: expect_repeats(store, publish))
    upkeep.every(30.0, "expiry", review.expire)
    upkeep.every(1.0, "recovery", lambda: recover(store, clock, lease))
    upkeep.every(5.0, "gauges", lambda: measure(store, clock, lambda: publish.in_flight))
    if news is not None:
        news.plan(upkeep, clock)
    if held is not None:
        upkeep.every(0.5, "decided holds", held.carry_out)
        upkeep.every(5.0, "queue gauges", lambda: measure_queue(held, clock))
    if sanctions is not None:
        upkeep.every(5.0, "sanction gauges", lambda: measure_sanctions(sanctions, clock))
    if follower is not None:
        upkeep.every(0.25, "aftermath", lambda: follow(follower, store, lease, clock))
    if appealing is not None:
        upkeep.every(2.0, "kept for appeals", appealing.forget)
        upkeep.every(5.0, "appeals", appealing.measure)
    if events is not None:
        upkeep.every(0.2, "events", lambda: announce(store, events, lease))
        upkeep.every(1.0, "unowned events", lambda: announce_unowned(store, events, lease))


def plan_verification(upkeep: Upkeep, verify: Verify, is_first: Callable[[], Awaitable[bool]]) -> None:
    """Begin what is repeated about verifications. Only the first process asks providers, lest all ask the same."""

    async def ask_again() -> None:
        if await is_first():
            await verify.ask_again()

    upkeep.every(10.0, "pending verifications", ask_again)
    upkeep.every(30.0, "ended verifications", verify.expire)
