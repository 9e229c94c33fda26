"""The lease that makes this process the only writer of its audit chain and the only reader of its reply partition."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway import metrics
from gateway.core.records import Lease, Owner
from gateway.ports import Clock, LeaseLost, Store, StoreUnavailable

log = logging.getLogger(__name__)

_LONGEST = 4
"""A lease that lasts longer than so many of this process's own was written by a clock that was wrong."""


_PAUSE_S = 0.5
"""How often a process without a slot looks for one."""


class LeaseKeeper:
    """Holds one slot and extends it in time.

    ``ttl_ms`` is how long a silent process keeps its slot. ``margin_ms`` must be longer than the longest forward:
    within the margin before its end a lease counts as lost, so no forward begins that a successor could take for
    abandoned.

    The store judges the end of a lease by its own clock. This process compares nothing with that: it counts, on a clock
    that nobody sets, from before it asked for the lease (``asked_ms``), so it never thinks it has longer than it has.
    """

    def __init__(self, store: Store, clock: Clock, lease: Lease, ttl_ms: int, margin_ms: int, *, asked_ms: int) -> None:
        self._store = store
        self._clock = clock
        self._owner = lease.owner
        self._ttl_ms = ttl_ms
        self._margin_ms = margin_ms
        self._lost = False
        self._renewed_ms = asked_ms
        self._unbroken_ms: int | None = clock.steady_ms()
        """Since when the store has taken each renewal; None while it does not."""
        self.skew_ms = 0
        """How far this process's clock is ahead of the store's, as found at the newest renewal."""

    @property
    def owner(self) -> Owner:
        """Who this process is. Raises `LeaseLost` when another process has the slot, and `StoreUnavailable` when the
        lease has ended or is about to: it may still be extended once the store is back."""
        if not self._lost and not self.valid():
            raise StoreUnavailable("the lease was not extended in time")
        return self.writer

    @property
    def writer(self) -> Owner:
        """As `owner`, for what is over already and only has to be written: the store takes it as long as nobody ended
        the lease, whatever the time."""
        if self._lost:
            raise LeaseLost("this process no longer holds its slot")
        return self._owner

    def valid(self) -> bool:
        """Whether a forward may begin now."""
        return not self._lost and self._clock.steady_ms() + self._margin_ms < self._renewed_ms + self._ttl_ms

    def may_end_others(self) -> bool:
        """Whether a lease whose time is over is that of a dead process: the store has been there for a whole lease
        period, so a living one has had time to extend its own."""
        now_ms = self._clock.steady_ms()
        return self.valid() and self._unbroken_ms is not None and now_ms - self._unbroken_ms >= self._ttl_ms

    async def renew(self) -> None:
        """Extend the lease. Raises `LeaseLost` when another process has ended it: this one must end."""
        asked_ms, before_ms = self._clock.steady_ms(), self._clock.now_ms()
        late = asked_ms - self._renewed_ms > self._ttl_ms // 2
        try:
            lease = await self._store.renew(self._owner, self._ttl_ms, before_ms)
        except StoreUnavailable:
            self._unbroken_ms = None
            raise
        if lease is None:
            self._lost = True
            raise LeaseLost("another process ended this lease")
        self._renewed_ms = asked_ms
        if late or self._unbroken_ms is None:
            self._unbroken_ms = self._clock.steady_ms()
        self.skew_ms = (before_ms + self._clock.now_ms()) // 2 - (lease.expires_ms - self._ttl_ms)
        metrics.CLOCK_SKEW_SECONDS.set(self.skew_ms / 1000)

    async def end_expired(self) -> None:
        """End the leases of processes that are dead for certain, if that can be told now."""
        if self.may_end_others():
            await self._store.end_expired(self._clock.now_ms(), _LONGEST * self._ttl_ms)

    async def release(self) -> None:
        """Give the slot back, so the next process need not wait for its end."""
        try:
            await self._store.release(self._owner)
        except StoreUnavailable:
            log.warning("lease not released; it ends by itself")


async def take_slot(
    store: Store,
    clock: Clock,
    holder: str,
    is_dead: Callable[[str], bool],
    slots: int,
    *,
    ttl_ms: int,
    margin_ms: int,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> LeaseKeeper:
    """A slot for this ``holder``; those of processes that ``is_dead`` tells of are free at once.

    Raises `StoreUnavailable` when all are taken and stay so for a lease period, in which the leases of dead processes
    end.
    """
    until_ms = clock.steady_ms() + ttl_ms
    while True:
        for owner, each in await store.holders():
            if is_dead(each):
                await store.break_lease(owner)
        asked_ms = clock.steady_ms()
        lease = await store.lease(holder, slots, ttl_ms, clock.now_ms())
        if lease is not None:
            log.info("slot leased", {"slot": lease.owner.slot, "epoch": lease.owner.epoch})
            return LeaseKeeper(store, clock, lease, ttl_ms, margin_ms, asked_ms=asked_ms)
        if until_ms <= asked_ms:
            raise StoreUnavailable(f"all {slots} slots are taken by other gateway processes")
        await pause(_PAUSE_S)
        if until_ms <= clock.steady_ms():  # the store was there all the time: who lives has extended its lease
            await store.end_expired(clock.now_ms(), _LONGEST * ttl_ms)
