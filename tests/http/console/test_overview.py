"""The first page: who is told what ails a component."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.http.console.pulse import Pulse, Sample, Unjudged
from gateway.http.health import Component
from gateway.ports import Fault
from tests.http.console.visiting import ADMIN, OURS, House, text_of


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


def sample(at_ms: int, **opinions: tuple[float, float]) -> Sample:
    """Counters at a moment: of each tenant, how many decisions had opinions and how many had none."""
    counted = {
        (tenant, name): n
        for tenant, pair in opinions.items()
        for name, n in zip(("there", "missing"), pair, strict=True)
    }
    return Sample(at_ms, {}, {}, 0.0, 0.0, 0.0, counted)


async def pulse_of(house: House, *samples: Sample) -> Pulse:
    """A pulse that took these samples."""
    taken = iter(samples)
    pulse = Pulse(house.clock, lambda _at_ms: next(taken))
    for _ in samples:
        await pulse.sample()
    return pulse


@pytest.mark.parametrize(
    ("missing", "there", "problem"), [(0, 0, False), (0, 50, False), (2, 2, False), (3, 57, False), (3, 3, True)]
)
async def test_many_decisions_without_opinions_are_a_problem(
    house: House, missing: int, there: int, problem: bool
) -> None:
    pulse = await pulse_of(house, sample(0, t1=(0, 0)), sample(5000, t1=(there, missing)))
    assert pulse.unjudged().is_problem is problem
    house.app.state.console = replace(house.console, pulse=pulse)
    house.app.state.components = []
    async with await house.signed_in(ADMIN) as visitor:
        text = text_of(await visitor.get("/"))
    assert ("without the classifiers' opinions" in text) is problem
    assert ("All components are well. At" in text) is not problem
    assert ("Overview 1" in text) is problem
    if missing + there:
        assert f"{pulse.unjudged().percent} % were made without an opinion" in text
    else:
        assert "No decision was made in the last 5 minutes." in text


async def test_only_the_last_minutes_count(house: House) -> None:
    late = 10 * 60_000
    pulse = await pulse_of(house, sample(0, t1=(0, 0)), sample(late - 5000, t1=(10, 90)), sample(late, t1=(20, 91)))
    assert pulse.unjudged() == Unjudged(1, 11)
    assert pulse.unjudged().percent == 9


@pytest.mark.parametrize(("name", "tenants"), [(ADMIN, {"t1", "secret-tenant"}), (OURS, {"t1"})])
async def test_shares_of_tenants_are_shown_to_who_may_see_them(house: House, name: str, tenants: set[str]) -> None:
    after = Sample(5000, {}, {}, 0.0, 0.0, 0.0, {("t1", "missing"): 5.0, ("secret-tenant", "missing"): 6.0})
    pulse = await pulse_of(house, sample(0), after)
    house.app.state.console = replace(house.console, pulse=pulse)
    async with await house.signed_in(name) as visitor:
        text = text_of(await visitor.get("/"))
    assert {tenant for tenant in ("t1", "secret-tenant") if f"{tenant} : 100 % (" in text} == tenants
