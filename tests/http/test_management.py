"""What is for those who run the gateway: on a listener of its own where there is one, and without other tenants' names
for strangers anywhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY

from gateway import metrics
from gateway.http.health import Component
from gateway.http.management import PATH_BYTES, TARGET_BYTES
from gateway.ports import Fault
from tests.http.conftest import client_of
from tests.http.keeping import Keeping
from tests.http.proxying import front, listener
from tests.peer import Peer

MAIN, MANAGEMENT = 8080, 9080
MANAGED = ["/console", "/console/", "/console/sign-in", "/metrics", "/openapi.json", "/v1/admin/tenants/t1/accounts"]
EVERYWHERE = ["/livez", "/readyz", "/healthz"]


def on(app: FastAPI, port: int, key: str | None = None) -> httpx.AsyncClient:
    """A client of one of the process's ports."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=f"http://gateway:{port}", headers=headers)


async def ailing() -> str:
    raise Fault("the newest forward failed for 1 tenants: secret-tenant: no connection")


AILING = [Component("upstreams", False, ailing)]
"""A component that ails, and names a tenant."""


@pytest.mark.parametrize("path", MANAGED)
async def test_a_management_listener_takes_what_is_for_operators_off_the_main_port(app: FastAPI, path: str) -> None:
    app.state.management_port = MANAGEMENT
    async with on(app, MAIN) as client:
        answer = await client.get(path)
    assert (answer.status_code, answer.json()["code"]) == (404, "path")
    assert "openapi" not in answer.text


@pytest.mark.parametrize("path", ["/metrics", "/openapi.json", *EVERYWHERE])
async def test_the_management_listener_answers_it(app: FastAPI, path: str) -> None:
    app.state.management_port = MANAGEMENT
    async with on(app, MANAGEMENT) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize("path", EVERYWHERE)
async def test_whether_it_lives_is_asked_on_every_port(app: FastAPI, path: str) -> None:
    app.state.management_port = MANAGEMENT
    async with on(app, MAIN) as client:
        assert (await client.get(path)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"), [("POST", "/v1/messages"), ("POST", "/v1/decisions"), ("GET", "/report"), ("GET", "/nowhere")]
)
async def test_the_management_listener_publishes_nothing(app: FastAPI, method: str, path: str) -> None:
    app.state.management_port = MANAGEMENT
    async with on(app, MANAGEMENT) as client:
        answer = await client.request(method, path, json={})
    assert (answer.status_code, answer.json()["code"]) == (404, "path")


async def test_strangers_are_told_which_component_ails_and_no_name(app: FastAPI) -> None:
    app.state.components = AILING
    async with client_of(app, None) as client:
        answer = await client.get("/healthz")
    assert answer.json()["components"] == {"upstreams": {"ok": False, "admission": False}}
    assert answer.json()["ok"] is False
    assert "secret-tenant" not in answer.text


@pytest.mark.parametrize(
    ("key", "sees"), [("key-viewer", True), ("scoped-admin", False), ("made-up", False), (None, False)]
)
async def test_details_are_for_operators_of_all_tenants(desk: Keeping, key: str | None, sees: bool) -> None:
    desk.app.state.components = AILING
    async with client_of(desk.app, key) as client:
        answer = await client.get("/healthz")
    assert ("secret-tenant" in answer.text) is sees


async def test_details_are_on_the_management_listener_and_not_beside_it(app: FastAPI) -> None:
    app.state.components = AILING
    app.state.management_port = MANAGEMENT
    async with on(app, MANAGEMENT) as inside, on(app, MAIN) as outside:
        assert "secret-tenant" in (await inside.get("/healthz")).text
        assert "secret-tenant" not in (await outside.get("/healthz")).text


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
async def test_the_components_are_looked_at_once_for_all_who_ask_at_once(app: FastAPI, path: str) -> None:
    looks, asked, go = 0, asyncio.Event(), asyncio.Event()

    async def look() -> str:
        nonlocal looks
        looks += 1
        asked.set()
        await go.wait()
        return "well"

    app.state.components = [Component("store", True, look)]
    async with on(app, MAIN) as client:
        asking = [asyncio.create_task(client.get(path)) for _ in range(20)]
        await asked.wait()
        while app.state.reports.asking < 20:  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0)
        go.set()
        assert {answer.status_code for answer in await asyncio.gather(*asking)} == {200}
        assert looks == 1
        assert (await client.get(path)).status_code == 200
        assert looks == 2


async def test_metrics_name_no_tenant_to_strangers(desk: Keeping) -> None:
    metrics.child(metrics.FORWARDS, "secret-tenant", "published").inc()
    metrics.child(metrics.PROXIED, "secret-listener", "passed").inc()
    async with client_of(desk.app, None) as stranger, client_of(desk.app, "key-viewer") as operator:
        public, whole = (await stranger.get("/metrics")).text, (await operator.get("/metrics")).text
    assert "gateway_ready" in public
    assert "secret-" not in public
    assert "secret-tenant" in whole
    assert "secret-listener" in whole


async def test_metrics_for_strangers_are_not_made_at_each_request(app: FastAPI, made: Callable[[], int]) -> None:
    async with client_of(app, None) as stranger:
        for _ in range(50):
            assert (await stranger.get("/metrics")).status_code == 200
    assert made() < 10


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How often the registry was gone through."""
    times = 0
    collect = REGISTRY.collect

    def counting() -> object:
        nonlocal times
        times += 1
        return collect()

    monkeypatch.setattr(REGISTRY, "collect", counting)
    return lambda: times


async def test_the_document_is_made_once_for_all_who_ask(app: FastAPI) -> None:
    times = 0
    make = app.openapi

    def counting() -> dict[str, object]:
        nonlocal times
        times += 1
        return make()

    app.openapi = counting  # type: ignore[method-assign]
    async with on(app, MAIN) as client:
        answers = await asyncio.gather(*(client.get("/openapi.json") for _ in range(5)))
        again = await client.get("/openapi.json", headers={"If-None-Match": answers[0].headers["etag"]})
        weak = await client.get("/openapi.json", headers={"If-None-Match": f'"x", W/{answers[0].headers["etag"]}'})
        other = await client.get("/openapi.json", headers={"If-None-Match": '"x"'})
    assert times == 1
    assert [answer.status_code for answer in answers] == [200] * 5
    assert answers[0].json()["openapi"].startswith("3.")
    assert [(each.status_code, each.content == b"") for each in (again, weak, other)] == [
        (304, True),
        (304, True),
        (200, False),
    ]


@pytest.mark.parametrize(
    "target",
    ["/" + "a/" * 30_000, "/v1/messages/" + "x" * PATH_BYTES, "/%2561" * 9_000, "/livez?" + "q" * TARGET_BYTES],
    ids=["segments", "id", "encoded", "query"],
)
async def test_a_long_target_is_refused_before_it_is_looked_at(app: FastAPI, target: str) -> None:
    async with on(app, MAIN) as client:
        answer = await client.get(target)
    assert (answer.status_code, answer.json()["code"], answer.headers["connection"]) == (414, "target", "close")


@pytest.mark.parametrize("target", [b"/" + b"a/" * 30_000, b"/publish/r?" + b"%41" * 20_000], ids=["path", "query"])
async def test_a_listener_refuses_a_long_target_in_its_own_way(target: bytes) -> None:
    async with Peer() as peer, front(listener(peer.netloc)) as gateway:
        reader, writer = await gateway.connect()
        writer.write(b"GET " + target + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        answer = await reader.read()
        writer.close()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"kind":"malformed"' in answer
    assert b"longer than" in answer
    assert peer.requests == []
