"""Who may call which route of the console, on which tenant: each cell."""

from __future__ import annotations

import pytest
from fastapi.routing import APIRoute

from gateway.core.operators import Role
from gateway.core.registration import By
from gateway.http.console import PARTS
from gateway.http.console.forms import model_of
from gateway.http.console.shell import role_of
from tests.fakes import NOW_MS
from tests.http.console.matrix import CASES, TENANT, Case
from tests.http.console.visiting import HOUR_MS, House, Visitor, roles


def name(case: Case) -> str:
    """What a case is called."""
    return f"{case.method} {case.route or '-'}"


each = pytest.mark.parametrize("case", CASES, ids=name)
each_inside = pytest.mark.parametrize("case", [case for case in CASES if case.roles is not None], ids=name)


def routes() -> list[APIRoute]:
    """Every route of the console."""
    return [route for part in PARTS for route in part.router.routes if isinstance(route, APIRoute)]


async def call(visitor: Visitor, case: Case, tenant: str = "t1") -> tuple[int, str]:
    """Call a route; its status, and where it sends one."""
    path = case.at(tenant)
    response = await visitor.get(path) if case.method == "GET" else await visitor.post(path, case.form)
    return response.status_code, response.headers.get("location", "")


def test_every_route_is_in_the_matrix() -> None:
    there = {(method, route.path.removeprefix("/console")) for route in routes() for method in route.methods or ()}
    assert there == {(case.method, case.route) for case in CASES}


def test_every_signature_says_first_who_may() -> None:
    roles_of = {(method, route.path): role_of(route) for route in routes() for method in route.methods or ()}
    for case in CASES:
        role = roles_of[case.method, f"/console{case.route}"]
        assert (role is None) is (case.roles is None)
        assert case.roles is None or role in (Role.VIEWER if len(case.roles) == len(Role) else case.roles[0],)
    for route in routes():
        assert next(iter(route.dependant.dependencies)).name == "by", route.path


def test_every_route_that_changes_something_reads_a_form() -> None:
    for route in routes():
        assert (route.methods == {"GET"}) is (model_of(route) is None), route.path
        assert (route.methods or set()) <= {"GET", "POST"}


@each
@pytest.mark.parametrize("tenant", ["t1", "t2", "none"])
async def test_each_cell(house: House, case: Case, tenant: str) -> None:
    for operator, role, scope in roles():
        house.clock.now += HOUR_MS  # claims of those before have ended
        async with await house.signed_in(operator) as visitor:
            before = await house.acts()
            status, location = await call(visitor, case, tenant)
            after = await house.acts()
        elsewhere = TENANT in case.path and (tenant == "none" or scope not in (None, tenant))
        if case.roles is not None and role not in case.roles:
            assert (status, after) == (403, before), operator
        elif elsewhere:
            assert (status, after) == (404, before), operator
        else:
            assert status == case.status, operator
            assert "sign-in" not in location or case.route == "/sign-out"


@each_inside
async def test_who_has_not_signed_in_is_sent_to_sign_in(house: House, case: Case) -> None:
    before = await house.acts()
    async with house.visitor() as visitor:
        status, location = await call(visitor, case)
    assert (status, location.partition("?")[0]) == (303, "/console/sign-in")
    assert await house.acts() == before


@each_inside
async def test_a_revoked_operator_is_out_at_once(house: House, case: Case) -> None:
    async with await house.signed_in("the admin") as visitor:
        assert (await call(visitor, case))[0] == case.status
        assert await house.console.desk.operators.revoke("the admin", By("Zoe", "left"), NOW_MS)
        status, location = await call(visitor, case)
        assert (status, location.partition("?")[0]) == (303, "/console/sign-in")


@pytest.mark.parametrize("case", [case for case in CASES if case.roles and case.form is not None], ids=name)
async def test_who_may_not_is_refused_before_the_form_is_read(house: House, case: Case) -> None:
    if case.roles is not None and Role.VIEWER in case.roles:
        async with house.visitor() as visitor:
            response = await visitor.post(case.at("t1"), token="wrong")
        assert response.status_code == 303
        return
    async with await house.signed_in("the viewer") as visitor:
        response = await visitor.post(case.at("t1"), token="wrong")
    assert (response.status_code, "Your role does not allow this" in response.text) == (403, True)


@pytest.mark.parametrize("tenant", ["a%00b", "x" * 256, "%20"])
async def test_a_tenant_that_cannot_be_is_not_there(house: House, tenant: str) -> None:
    async with await house.signed_in("the admin") as visitor:
        assert (await visitor.get(f"/accounts/{tenant}/acc-1")).status_code == 404
