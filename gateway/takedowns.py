"""Carries out what is to be taken down or put back: told to apps and platforms again and again for three days."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from gateway import metrics
from gateway.core.takedown_problems import other
from gateway.core.takedowns import TakedownState
from gateway.ports import Clock, Fault, Order, Orders, Remover, StoreUnavailable, TakedownFault, TakedownImpossible
from gateway.upkeep import Upkeep, pause_ms

log = logging.getLogger(__name__)

_AT_ONCE: Final = 10
"""Carried out at once by a process."""
_LEASE_MS: Final = 60_000
"""How long a process has one that it took. Must be more than carrying one out may last."""
_LIFE_MS: Final = 72 * 3_600_000
"""What did not work in this time is given up."""
_LONGEST_PAUSE_MS: Final = 3_600_000
"""Readers go on seeing it, so an hour is the longest that nobody tries."""


def plan(upkeep: Upkeep, orders: Orders, remover: Remover, clock: Clock) -> None:
    """Begin it."""
    upkeep.every(0.5, "takedowns", lambda: carry_out(orders, remover, clock))
    upkeep.every(5.0, "takedown gauges", lambda: measure(orders, clock))


async def carry_out(orders: Orders, remover: Remover, clock: Clock) -> bool:
    """Carry out those that are due, each once; True if more may be due."""
    due = await orders.claim(clock.now_ms(), _LEASE_MS, _AT_ONCE)
    results = await asyncio.gather(*[_one(orders, remover, clock, each) for each in due], return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
    return len(due) == _AT_ONCE


async def measure(orders: Orders, clock: Clock) -> None:
    """Set the gauges that are read off the outbox."""
    waiting, oldest_ms = await orders.waiting()
    metrics.TAKEDOWNS_WAITING.set(waiting)
    metrics.TAKEDOWN_AGE_SECONDS.set((clock.now_ms() - oldest_ms) / 1000 if oldest_ms is not None else 0)


async def _one(orders: Orders, remover: Remover, clock: Clock, order: Order) -> None:
    takedown = order.takedown
    told = {"message_id": takedown.message_id, "tenant_id": takedown.tenant_id, "state": takedown.state.value}
    down = takedown.state is TakedownState.DUE
    try:
        await remover.carry_out(order)
    except StoreUnavailable:
        raise
    except Fault as fault:
        problem = fault.problem if isinstance(fault, TakedownFault) else other(str(fault))
        now_ms, ends_ms = clock.now_ms(), takedown.asked_ms + _LIFE_MS
        if isinstance(fault, TakedownImpossible) or now_ms >= ends_ms:
            log.warning("takedown given up", {**told, "fault": str(fault), "attempts": takedown.attempts})
            await orders.given_up(takedown, problem, now_ms)
            metrics.child(metrics.TAKEDOWNS, "failed" if down else "restore_failed").inc()
        else:
            log.warning("takedown not carried out; trying again", {**told, "fault": str(fault)})
            pause = min(pause_ms(takedown.attempts), _LONGEST_PAUSE_MS)
            await orders.put_off(takedown, min(now_ms + pause, ends_ms), problem)
            metrics.child(metrics.TAKEDOWNS, "again").inc()
        return
    await orders.done(takedown, clock.now_ms())
    metrics.child(metrics.TAKEDOWNS, "done" if down else "restored").inc()
    log.info("takedown carried out", told)
