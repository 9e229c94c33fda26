"""What is repeated about reports by the public: overdue ones show, and what is over is erased."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from gateway import metrics
from gateway.core.policy import PolicyInForce
from gateway.ports import Clock, Reports

_AT_ONCE: Final = 100
"""Reports erased in one transaction."""


async def measure_reports(reports: Reports, clock: Clock) -> None:
    """Set the gauges that are read off the store."""
    now_ms = clock.now_ms()
    waiting, overdue, oldest_ms = await reports.overdue(now_ms)
    metrics.REPORTS_OPEN.set(waiting)
    metrics.REPORTS_OVERDUE.set(overdue)
    metrics.REPORT_AGE_SECONDS.set((now_ms - oldest_ms) / 1000 if oldest_ms is not None else 0)


async def erase_reports(reports: Reports, clock: Clock, policy: Callable[[], PolicyInForce]) -> bool:
    """Erase what the policy's time is over for; True if more may be."""
    return await reports.erase(clock.now_ms(), policy().policy.reports, _AT_ONCE) >= _AT_ONCE
