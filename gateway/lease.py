"""The lease that makes this process the only writer of its audit chain and the only reader of its reply partition."""

from __future__ import annotations

import logging

from gateway.core.records import Lease, Owner
from gateway.ports import Clock, LeaseLost, Store, StoreUnavailable

log = logging.getLogger(__name__)


class LeaseKeeper:
    """Holds one slot and extends it in time.

    ``ttl_ms`` is how long a silent process keeps its slot. ``margin_ms`` must be longer than the longest forward:
    within the margin before its end a lease counts as lost, so no forward begins that a successor could take for
    abandoned.
    """

    def __init__(self, store: Store, clock: Clock, lease: Lease, ttl_ms: int, margin_ms: int) -> None:
        self._store = store
        self._clock = clock
        self._lease = lease
        self._ttl_ms = ttl_ms
        self._margin_ms = margin_ms
        self._lost = False

    @property
    def owner(self) -> Owner:
        """Who this process is. Raises `LeaseLost` when another process has the slot, and `StoreUnavailable` when the
        lease has ended or is about to: it may still be extended once the store is back."""
        if self._lost:
            raise LeaseLost("this process no longer holds its slot")
        if not self.valid():
            raise StoreUnavailable("the lease was not extended in time")
        return self._lease.owner

    def valid(self) -> bool:
        """Whether a forward may begin now."""
        return not self._lost and self._clock.now_ms() + self._margin_ms < self._lease.expires_ms

    async def renew(self) -> None:
        """Extend the lease. Raises `LeaseLost` when another process has taken the slot: this one must end."""
        lease = await self._store.renew(self._lease.owner, self._ttl_ms, self._clock.now_ms())
        if lease is None:
            self._lost = True
            raise LeaseLost("another process holds this slot")
        self._lease = lease

    async def release(self) -> None:
        """Give the slot back, so the next process need not wait for its end."""
        try:
            await self._store.release(self._lease.owner)
        except StoreUnavailable:
            log.warning("lease not released; it ends by itself")
