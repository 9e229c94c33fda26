"""What the two ways in share by which reports come: the page, and the API."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fastapi import Request

from gateway import metrics
from gateway.core.policy import PolicyInForce
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import Channel, Draft
from gateway.core.shown import written
from gateway.http.budget import Budget
from gateway.http.problems import Problem
from gateway.http.rate import Limited, Networks, Rate, client_of
from gateway.ports import Clock, Registry, Reports
from gateway.ports.reports import Muted, Taken

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a report, which anybody may send."""
BODY_BUDGET: Final = 64 * BODY_LIMIT
"""Bytes of all reports that one process reads at once; more are answered 429. Apart from publish requests', so that
nobody crowds those out."""


@dataclass(frozen=True, slots=True)
class Reporting:
    """What reports are served with. ``rate`` is of what a client sends as a report, ``totals`` of the reports of a
    tenant that are taken from clients without a key, ``looks`` of looks at receipts; ``trusted`` are networks of
    proxies in front of the gateway."""

    reports: Reports
    registry: Registry
    policy: Callable[[], PolicyInForce]
    clock: Clock
    rate: Rate
    totals: Rate
    looks: Rate
    trusted: Networks
    budget: Budget
    read_seconds: float

    @property
    def rules(self) -> Rules:
        """The policy's, of the moment."""
        return self.policy().policy.reports

    async def take(self, draft: Draft, channel: Channel, flagger: str | None = None) -> Taken | Muted:
        """Take a report, and count it."""
        taken = await self.reports.take(draft, channel, flagger, self.rules, self.clock.now_ms())
        if isinstance(taken, Taken) and taken.new:
            metrics.child(metrics.REPORTS, draft.category, channel).inc()
        return taken


def reporting_of(request: Request) -> Reporting:
    """What reports are served with."""
    reporting: Reporting = request.app.state.reporting
    return reporting


class Stranger:
    """Who reports without a key, as `Rate` counts them."""

    def __init__(self, reporting: Reporting, request: Request) -> None:
        self._rate, self._totals, self._clock = reporting.rate, reporting.totals, reporting.clock
        self._client = client_of(request.scope, reporting.trusted)
        # Before anything is read; what many send at once is counted when it is there.
        self._refuse(self._rate.wait_ms(self._client, self._clock.now_ms()))

    def count(self) -> None:
        """Count a report, before anything is looked up for it. Raises `Limited`."""
        self._refuse(self._rate.take(self._client, self._clock.now_ms()))

    def count_for(self, tenant_id: str) -> None:
        """Count a report that can be taken, of this application. Raises `Limited`. What is none mutes nobody else."""
        if wait_ms := self._totals.take(tenant_id, self._clock.now_ms()):
            detail = "Too many reports of this application came at once; try again in {seconds} s. Nothing was taken."
            raise Limited("reports_limited", detail, "app_limited", wait_ms)

    def give_back(self) -> None:
        """It was none, after all."""
        self._rate.give(self._client, self._clock.now_ms())

    def _refuse(self, wait_ms: int) -> None:
        if wait_ms:
            detail = "Too many reports came from your network; try again in {seconds} s. Nothing was taken."
            raise Limited("reports_limited", detail, "limited", wait_ms)


def look(reporting: Reporting, request: Request) -> None:
    """Count a look at a receipt, before it is looked up. Raises `Limited`."""
    client = client_of(request.scope, reporting.trusted)
    if wait_ms := reporting.looks.take(client, reporting.clock.now_ms()):
        detail = "Too many looks at receipts came from your network; try again in {seconds} s. Nothing was done."
        raise Limited("receipts_limited", detail, "looks_limited", wait_ms)


def muted(until: Muted) -> Problem:
    """The problem of a reporter who is not heard at present."""
    detail = (
        "email: after a warning, more reports from this address were manifestly unfounded; none is taken until "
        f"{written(until.until_ms)}. Sexual abuse of children can always be reported, without name and address."
    )
    return Problem(429, "reporter_muted", detail, {"until_ms": until.until_ms})


def closed() -> Problem:
    """The problem of a gateway that has no keys to seal with what reporters say."""
    detail = "This gateway has no keys to keep reports with, so it takes none; whoever runs it sets GATEWAY_KEYS_FILE."
    return Problem(503, "keys_unavailable", detail)
