"""Which upstreams fail, as the log and the health report say it."""

from __future__ import annotations

import logging

import pytest
from msgspec.structs import replace

from gateway.adapters.watched_upstream import WatchedUpstream
from gateway.core.records import SEALED, Request, UpstreamAnswer
from gateway.ports import UpstreamNotReached, UpstreamUnknown
from tests.fakes import FakeClock, ScriptedUpstream
from tests.world import OTHER, TENANT

REQUEST = Request(b'{"text":"canary"}', "application/json")
START = "2027-01-15T08:00:0{}Z"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def scripted() -> ScriptedUpstream:
    return ScriptedUpstream([])


@pytest.fixture
def watched(scripted: ScriptedUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> WatchedUpstream:
    caplog.set_level(logging.INFO, "gateway")
    return WatchedUpstream(scripted, clock)


async def fail(watched: WatchedUpstream, scripted: ScriptedUpstream, why: str = "no answer") -> None:
    """A forward of the first tenant is not answered."""
    scripted.fault = UpstreamUnknown(why)
    with pytest.raises(UpstreamUnknown):
        await watched.forward(TENANT, "m1", REQUEST, "")
    scripted.fault = None


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[str, str, object]]:
    """What the log has."""
    return [(record.levelname, str(record.msg), record.args) for record in caplog.records]


async def test_an_upstream_that_begins_to_fail_is_told_once_and_that_it_works_again(
    watched: WatchedUpstream, scripted: ScriptedUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    await watched.forward(TENANT, "m1", REQUEST, "")
    assert (watched.failing, told(caplog)) == ({}, [])
    for _ in range(3):
        await fail(watched, scripted)
        clock.now += 1000
    first, newest = START.format(0), START.format(2)
    assert watched.failing == {"t1": f"no answer (since {first}, last at {newest})"}
    begins = ("WARNING", "upstream fails", {"upstream": "t1", "fault": "no answer", "since": first})
    assert told(caplog) == [begins]

    await watched.forward(TENANT, "m1", REQUEST, "")
    await watched.forward(TENANT, "m1", REQUEST, "")
    assert watched.failing == {}
    assert told(caplog) == [begins, ("INFO", "upstream works again", {"upstream": "t1", "failed_since": first})]
    assert "canary" not in caplog.text


async def test_one_that_fails_every_other_time_does_not_fill_the_log(
    watched: WatchedUpstream, scripted: ScriptedUpstream, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(50):
        await fail(watched, scripted)
        await watched.forward(TENANT, "m1", REQUEST, "")
        clock.now += 1000
    assert [each[:2] for each in told(caplog)] == [("WARNING", "upstream fails"), ("INFO", "upstream works again")]
    caplog.clear()
    await fail(watched, scripted)  # and now it does not work again
    assert told(caplog) == []
    clock.now += 10_000
    await fail(watched, scripted)
    [(level, message, _)] = told(caplog)
    assert (level, message) == ("WARNING", "upstream fails")


async def test_each_upstream_is_told_of_apart(watched: WatchedUpstream, scripted: ScriptedUpstream) -> None:
    scripted.fault = UpstreamNotReached("no connection")
    with pytest.raises(UpstreamNotReached):
        await watched.forward(OTHER, "m1", REQUEST, "")
    scripted.fault = None
    scripted.answer = UpstreamAnswer(503, b"", "text/plain")
    for request in (REQUEST, replace(REQUEST, content_type=SEALED)):
        assert (await watched.forward(TENANT, "m1", request, "")).status == 503
    assert {name: why.partition(" (")[0] for name, why in watched.failing.items()} == {
        "t2": "no connection",
        "t1": "the upstream answered 503",
        "t1 (platforms)": "the upstream answered 503",
    }
    scripted.answer = UpstreamAnswer(404, b"", "text/plain")
    await watched.forward(TENANT, "m1", REQUEST, "")
    assert list(watched.failing) == ["t2", "t1 (platforms)"]
