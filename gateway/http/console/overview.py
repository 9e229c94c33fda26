"""The first page: how each component of the gateway is, and how the last hour went."""

from __future__ import annotations

import os
from typing import Any, Final

from fastapi import Response

from gateway.core.operators import Operator
from gateway.http.console.part import Part
from gateway.http.console.pulse import UNJUDGED_MINUTES
from gateway.http.console.route import pages
from gateway.http.console.shell import HOME, ByAnybody, ByViewer, Shown
from gateway.http.health import report, without_details
from gateway.http.problems import Problem

router = pages()
_TENANTS: Final = 5
"""Tenants that are named."""


@router.get("")
async def bare(by: ByAnybody, shell: Shown) -> Response:
    """The address as it is typed."""
    return shell.go(HOME)


@router.get("/")
async def show(by: ByViewer, shell: Shown) -> Response:
    """Components and charts. The script fetches the page again each five seconds; without it, the browser does. What
    ails a component may name tenants, so only operators of all tenants see it."""
    components = await report(list(shell.console.components()))
    pulse = shell.console.pulse
    unjudged, by_tenant = pulse.unjudged(), pulse.unjudged_by_tenant()
    if by.tenant_id is not None:
        by_tenant = {tenant: one for tenant, one in by_tenant.items() if tenant == by.tenant_id}
    return await shell.page(
        "overview.html",
        components=components if by.tenant_id is None else without_details(components),
        well=all(each["ok"] for each in components.values()),
        unjudged=unjudged,
        unjudged_minutes=UNJUDGED_MINUTES,
        unjudged_by_tenant=[(tenant, one) for tenant, one in by_tenant.items() if one.missing][:_TENANTS],
        charts=shell.console.pulse.charts(),
        minutes=shell.console.pulse.minutes,
        pid=os.getpid(),
        now_ms=shell.now_ms,
    )


async def ailing(state: Any, _operator: Operator) -> int | None:
    """How many components are not well; that decisions are made without opinions is one more."""
    found = await report(list(state.console.components()))
    return sum(not each["ok"] for each in found.values()) + state.console.pulse.unjudged().is_problem or None


PART: Final = Part("overview", router, HOME, count=ailing)

nowhere = pages()


@nowhere.get("/{path:path}")
async def not_found(by: ByAnybody, path: str) -> Response:
    """Where there is nothing."""
    raise Problem(404, "path", "path: there is nothing here.")


NOWHERE: Final = Part("nowhere", nowhere)
