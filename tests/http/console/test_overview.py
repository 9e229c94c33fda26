"""The first page: who is told what ails a component."""

from __future__ import annotations

import pytest

from gateway.http.health import Component
from gateway.ports import Fault
from tests.http.console.visiting import ADMIN, OURS, House


async def ailing() -> str:
    raise Fault("the newest forward failed for 1 tenants: secret-tenant: no connection")


@pytest.mark.parametrize(("name", "sees"), [(ADMIN, True), (OURS, False)], ids=["all tenants", "one tenant"])
async def test_what_ails_a_component_is_told_to_operators_of_all_tenants(house: House, name: str, sees: bool) -> None:
    house.app.state.components = [Component("upstreams", False, ailing)]
    async with await house.signed_in(name) as visitor:
        page = await visitor.client.get("/console/")
    assert page.status_code == 200
    assert ("secret-tenant" in page.text) is sees
    assert "upstreams" in page.text.lower()
