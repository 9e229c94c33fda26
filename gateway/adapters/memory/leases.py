"""Leases in memory."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.adapters.memory.registry import MemoryRegister
from gateway.core.records import Lease, Owner


@dataclass(slots=True)
class _Slot:
    epoch: int = 0
    holder: str = ""
    expires_ms: int = 0
    """0: ended, and nothing is written under this epoch any more."""


class MemoryLeases(MemoryRegister):
    """The part of the store in memory that says who owns which slot."""

    def __init__(self) -> None:
        super().__init__()
        self._slots: dict[int, _Slot] = {}

    async def lease(self, holder: str, slots: int, ttl_ms: int, now_ms: int) -> Lease | None:
        """See `gateway.ports.Store`, as for every method below."""
        self._check()
        all_slots = [(number, self._slots.setdefault(number, _Slot())) for number in range(slots)]
        own = [pair for pair in all_slots if pair[1].epoch > 0 and pair[1].holder == holder]
        ended = [pair for pair in all_slots if pair[1].expires_ms == 0]
        for number, slot in own + ended:
            slot.epoch, slot.holder, slot.expires_ms = slot.epoch + 1, holder, now_ms + ttl_ms
            return Lease(Owner(number, slot.epoch), slot.expires_ms)
        return None

    async def renew(self, owner: Owner, ttl_ms: int, now_ms: int) -> Lease | None:
        self._check()
        if not self._holds(owner):
            return None
        self._slots[owner.slot].expires_ms = now_ms + ttl_ms
        return Lease(owner, now_ms + ttl_ms)

    async def release(self, owner: Owner) -> None:
        self._check()
        if self._holds(owner):
            self._slots[owner.slot].expires_ms = 0

    async def break_lease(self, owner: Owner) -> None:
        await self.release(owner)

    async def end_expired(self, now_ms: int, longest_ms: int) -> None:
        self._check()
        for slot in self._slots.values():
            slot.expires_ms = 0 if slot.expires_ms <= now_ms else min(slot.expires_ms, now_ms + longest_ms)

    async def holders(self) -> list[tuple[Owner, str]]:
        self._check()
        return [
            (Owner(number, slot.epoch), slot.holder)
            for number, slot in sorted(self._slots.items())
            if slot.expires_ms > 0
        ]

    def _holds(self, owner: Owner | None) -> bool:
        if owner is None or (slot := self._slots.get(owner.slot)) is None:
            return False
        return slot.epoch == owner.epoch and slot.expires_ms > 0
