"""What operators ask a process: does it live, is it ready, what ails it, how much does it do."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from prometheus_client.parser import text_string_to_metric_families

from classifiers.contract import Silence
from gateway.adapters.answering import AnsweringClassifiers
from gateway.adapters.key_file import new_keys
from gateway.adapters.sql import open_store
from gateway.app import create_app
from gateway.core.model import Message, MessageState
from gateway.core.records import Tenant
from gateway.http.health import Checks, Component, starting
from gateway.http.requests import hash_key
from gateway.ports import StoreUnavailable, UpstreamNotReached
from gateway.settings import KmsSettings, Settings
from gateway.upkeep import Upkeep
from gateway.warming import Warming
from tests.http import judging
from tests.http.conftest import client_of
from tests.world import ACCOUNT, KEY, TTL_MS, World

ALL = {
    "store",
    "lease",
    "clock",
    "replies",
    "warming",
    "bus",
    "answers",
    "registry",
    "policy",
    "upkeep",
    "upstreams",
    "keys",
}
MESSAGE = Message("t1", "acc-1", "native", ("hello",), "0" * 64)
PORT = 9080
INSIDE = f"http://gateway:{PORT}"
"""The management listener."""


class Health:
    """The parts that the checks look at beside the world."""

    def __init__(self, app: FastAPI, world: World) -> None:
        self.trusted = True
        self.problem: str | None = None
        self.upstreams: dict[str, str] = {}
        self.upkeep = Upkeep(on_lease_lost=lambda: None)
        self.answering = AnsweringClassifiers(world.classifiers, world.clock)
        self.warming = Warming(self.answering, lambda: world.policy, world.clock, seconds=4)
        app.state.management_port = PORT
        app.state.components = Checks(
            store=world.store,
            lease=world.lease,
            classifiers=world.classifiers,
            warming=self.warming,
            answering=self.answering,
            perform=world.perform,
            upkeep=self.upkeep,
            registry_trusted=lambda: self.trusted,
            policy=lambda: world.policy,
            policy_problem=lambda: self.problem,
            upstreams_failing=lambda: self.upstreams,
        ).components()


@pytest.fixture
async def health(app: FastAPI, world: World) -> Health:
    """Of a process whose classifiers have answered."""
    health = Health(app, world)
    await health.warming.run()
    return health


async def ailing(client: httpx.AsyncClient) -> dict[str, str]:
    """The components that are not well, and why."""
    answer = await client.get(f"{INSIDE}/healthz")
    assert answer.status_code == 200
    body: dict[str, Any] = answer.json()
    assert set(body["components"]) == ALL
    found = {name: part["detail"] for name, part in body["components"].items() if not part["ok"]}
    assert body["ok"] is not bool(found)
    return found


async def test_a_process_that_lives_says_so_whatever_ails_it(client: httpx.AsyncClient, world: World) -> None:
    world.store.down = True
    assert (await client.get("/livez")).status_code == 200


@pytest.mark.usefixtures("health")
async def test_a_process_that_is_well_is_ready(client: httpx.AsyncClient) -> None:
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.text) == (200, "ok\n")
    assert await ailing(client) == {}


async def test_a_process_that_starts_is_not_ready(client: httpx.AsyncClient, app: FastAPI) -> None:
    app.state.components = [Component("start", True, starting)]
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "start: starting\n")


@pytest.mark.usefixtures("health")
async def test_a_process_that_drains_is_not_ready(client: httpx.AsyncClient, app: FastAPI) -> None:
    app.state.draining = True
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "draining\n")
    assert (await client.get("/healthz")).json()["draining"] is True


@pytest.mark.usefixtures("health")
@pytest.mark.parametrize("name", ["store", "lease", "replies"])
async def test_without_these_a_process_is_not_ready(client: httpx.AsyncClient, world: World, name: str) -> None:
    match name:
        case "store":
            world.store.down = True
        case "lease":
            world.clock.now += TTL_MS
        case "replies":
            world.classifiers.is_ready = False
    ready = await client.get("/readyz")
    assert ready.status_code == 503
    assert ready.text.startswith(f"{name}: ")
    assert list(await ailing(client)) == [name]


async def test_a_process_is_not_ready_before_its_classifiers_have_answered(
    client: httpx.AsyncClient, app: FastAPI, world: World
) -> None:
    health = Health(app, world)
    world.classifiers.silences["news"] = Silence.TIMEOUT
    await health.warming.ask()
    ready = await client.get("/readyz")
    assert (ready.status_code, ready.text) == (503, "warming: no first answer yet from news\n")

    world.clock.now += 4000
    await health.warming.ask()
    assert (await client.get("/readyz")).status_code == 200
    assert await ailing(client) == {"answers": "no answer since the start from news; messages are held"}
    assert await world.store.count(MessageState.HELD) == (0, None)

    world.classifiers.silences.clear()
    await health.warming.ask()
    assert await ailing(client) == {}


async def test_health_is_judged_by_answers(client: httpx.AsyncClient, health: Health, world: World) -> None:
    world.clock.now += 66_000  # the first answers are no longer counted
    await world.lease.renew()
    for name in ("text", "news"):
        world.classifiers.silences[name] = Silence.TIMEOUT
    for _ in range(3):
        await health.answering.ask("m1", MESSAGE, ("text", "news"), world.clock.now + 800)
    await health.answering.look()
    assert (await client.get("/readyz")).status_code == 200
    assert await ailing(client) == {
        "bus": "questions are taken and nobody answers them; messages are held",
        "answers": "of the last minute's questions were answered: news 0 of 3, text 0 of 3; messages are held",
    }


@pytest.mark.parametrize("name", ["clock", "bus", "registry", "policy"])
async def test_these_ail_a_process_that_stays_ready(
    client: httpx.AsyncClient, world: World, health: Health, name: str
) -> None:
    match name:
        case "clock":
            world.lease.skew_ms = -1001
        case "bus":
            world.classifiers.is_healthy = False
        case "registry":
            health.trusted = False
        case "policy":
            health.problem = "line 3: file: is no policy"
    assert (await client.get("/readyz")).status_code == 200
    assert list(await ailing(client)) == [name]


@pytest.mark.usefixtures("health")
async def test_a_clock_that_is_a_little_off_is_told_in_milliseconds(client: httpx.AsyncClient, world: World) -> None:
    world.lease.skew_ms = 1000
    assert await ailing(client) == {}
    components = (await client.get(f"{INSIDE}/healthz")).json()["components"]
    assert components["clock"]["detail"] == "1000 ms ahead of the store's"


async def test_tenants_whose_upstream_fails_are_named_and_not_all_of_many(
    client: httpx.AsyncClient, health: Health
) -> None:
    health.upstreams = {f"t{n}": "no connection" for n in range(9, 0, -1)}
    assert (await client.get("/readyz")).status_code == 200
    [detail] = (await ailing(client)).values()
    assert detail.startswith("the newest forward failed for 9 tenants: t1: no connection; t2: no connection;")
    assert "t6" not in detail


async def test_a_gateway_says_whose_upstream_is_not_reached_and_since_when(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    async with open_store(url) as (_, register):
        await register.put_tenant(Tenant("t1", "One", "http://127.0.0.1:1/"), hash_key(KEY), "test", 0)
        await register.put_account("t1", ACCOUNT, "test", 0)
    app = create_app(Settings(database_url=url, management_port=PORT), judging.shipped())
    async with app.router.lifespan_context(app), client_of(app) as client:
        for _ in range(2):
            body = {"account_id": ACCOUNT.account_id, "text": "Good morning!"}
            assert (await client.post("/v1/messages", json=body)).status_code == 502
        found = await ailing(client)
    assert re.search(r"t1: no connection.* \(since 20\S+Z, last at 20\S+Z\)$", found["upstreams"])
    assert [record.msg for record in caplog.records if record.name.endswith("watched_upstream")] == ["upstream fails"]


@pytest.mark.parametrize(
    ("kms", "off"),
    [
        ("", "reports by the public, listeners, WeChat tokens and registrants' personal data are off"),
        ("http://127.0.0.1:1", "reports by the public, listeners and WeChat tokens are off"),
    ],
)
async def test_a_gateway_without_a_key_file_says_what_is_off(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, kms: str, off: str
) -> None:
    token = tmp_path / "token"
    token.write_text("token")
    given = KmsSettings(url=kms, token_file=token) if kms else KmsSettings()
    settings = Settings(database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db", management_port=PORT, kms=given)
    app = create_app(settings, judging.shipped())
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert (await client.get("/readyz")).status_code == 200
        assert await ailing(client) == {"keys": f"no key file; {off}: set GATEWAY_KEYS_FILE"}
    assert [record.msg for record in caplog.records if "key" in record.msg] == [
        "no key file: GATEWAY_KEYS_FILE is not set"
    ]


async def test_a_gateway_with_a_key_file_says_so(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    new_keys(tmp_path / "keys.json")
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    settings = Settings(database_url=url, management_port=PORT, keys_file=tmp_path / "keys.json")
    app = create_app(settings, judging.shipped())
    async with app.router.lifespan_context(app), client_of(app) as client:
        assert await ailing(client) == {}
    assert [record.msg for record in caplog.records if "key" in record.msg] == []


async def test_forwards_are_counted_for_their_tenant(client: httpx.AsyncClient, world: World) -> None:
    def forwards(result: str) -> float:
        labels = {"tenant": "t1", "result": result}
        return REGISTRY.get_sample_value("gateway_forwards_total", labels) or 0.0

    before = forwards("published"), forwards("failed")
    await client.post("/v1/messages", json={"account_id": "acc-1", "text": "hello"})
    world.upstream.fault = UpstreamNotReached("no connection")
    await client.post("/v1/messages", json={"account_id": "acc-1", "text": "hello"})
    assert (forwards("published"), forwards("failed")) == (before[0] + 1, before[1] + 1)


async def test_work_that_fails_is_named_with_its_fault(client: httpx.AsyncClient, health: Health) -> None:
    tried = asyncio.Event()

    async def work() -> None:
        tried.set()
        raise StoreUnavailable("no disk")

    health.upkeep.every(3600.0, "gauges", work)
    await tried.wait()
    assert (await client.get("/readyz")).status_code == 200
    assert await ailing(client) == {"upkeep": "gauges: no disk"}
    await health.upkeep.stop()


@pytest.mark.usefixtures("health")
async def test_metrics_count_what_was_answered(client: httpx.AsyncClient, world: World) -> None:
    async def count(name: str, **labels: str) -> float:
        answer = await client.get(f"{INSIDE}/metrics")
        assert "_created" not in answer.text
        samples = [s for family in text_string_to_metric_families(answer.text) for s in family.samples]
        return sum(sample.value for sample in samples if sample.name == name and sample.labels == labels)

    blocked = {"outcome": "block", "rule": "content_violation"}
    before = (
        await count("gateway_requests_total", route="/v1/messages", status="403"),
        await count("gateway_decisions_total", **blocked),
        await count("gateway_stage_seconds_count", stage="commit"),
    )
    world.classifiers.say("text", "fraud", 0.95)
    await client.post("/v1/messages", json={"account_id": "acc-1", "text": "hello"})
    after = (
        await count("gateway_requests_total", route="/v1/messages", status="403"),
        await count("gateway_decisions_total", **blocked),
        await count("gateway_stage_seconds_count", stage="commit"),
    )
    assert [now - then for now, then in zip(after, before, strict=True)] == [1, 1, 1]


@pytest.mark.parametrize("path", ["/docs", "/redoc"])
async def test_no_page_loads_scripts_from_elsewhere(app: FastAPI, path: str) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as browser:
        assert (await browser.get(path)).status_code == 404
        assert (await browser.get("/openapi.json")).status_code == 200


@pytest.mark.parametrize(
    ("method", "path", "status", "allowed"),
    [
        ("GET", "/nowhere", 404, None),
        ("POST", "/v1/messages/", 404, None),
        ("GET", "/v1/messages", 405, "POST"),
        ("PUT", "/v1/decisions", 405, "POST"),
        ("DELETE", "/v1/messages/m-1", 405, "GET"),
        ("PUT", "/healthz", 405, "GET"),
        ("PUT", "/cgi-bin/token", 405, "GET, POST"),
        ("POST", "/openapi.json", 405, "GET, HEAD"),
    ],
)
async def test_what_there_is_not_is_a_problem_that_says_what_there_is(
    app: FastAPI, method: str, path: str, status: int, allowed: str | None
) -> None:
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway") as anybody:
        answer = await anybody.request(method, path)
    problem = answer.json()
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert (problem["status"], problem["code"]) == (status, "path" if allowed is None else "method")
    assert answer.headers.get("allow") == allowed
    assert (allowed or "/openapi.json") in problem["detail"]
