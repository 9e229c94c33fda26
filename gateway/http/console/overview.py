"""The first page: how each component of the gateway is, and how the last hour went."""

from __future__ import annotations

import os
from typing import Any, Final

from fastapi import Response

from gateway.core.operators import Operator
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import HOME, ByAnybody, ByViewer, Shown
from gateway.http.health import report, without_details
from gateway.http.problems import Problem

router = pages()


@router.get("")
async def bare(by: ByAnybody, shell: Shown) -> Response:
    """The address as it is typed."""
    return shell.go(HOME)


@router.get("/")
async def show(by: ByViewer, shell: Shown) -> Response:
    """Components and charts. The script fetches the page again each five seconds; without it, the browser does. What
    ails a component may name tenants, so only operators of all tenants see it."""
    components = await report(list(shell.console.components()))
    return await shell.page(
        "overview.html",
        components=components if by.tenant_id is None else without_details(components),
        well=all(each["ok"] for each in components.values()),
        charts=shell.console.pulse.charts(),
        minutes=shell.console.pulse.minutes,
        pid=os.getpid(),
        now_ms=shell.now_ms,
    )


async def ailing(state: Any, _operator: Operator) -> int | None:
    """How many components are not well."""
    found = await report(list(state.console.components()))
    return sum(not each["ok"] for each in found.values()) or None


PART: Final = Part("overview", router, HOME, count=ailing)

nowhere = pages()


@nowhere.get("/{path:path}")
async def not_found(by: ByAnybody, path: str) -> Response:
    """Where there is nothing."""
    raise Problem(404, "path", "path: there is nothing here.")


NOWHERE: Final = Part("nowhere", nowhere)
