"""The bodies of all requests together are bounded, while they are read and while they are worked on."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import orjson
import pytest
from fastapi import FastAPI
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Question, Reply
from gateway.adapters.keys import new_keys
from gateway.app import create_app
from gateway.http.budget import GRACE_SECONDS, RATE, Budget, Patience
from gateway.settings import Settings
from tests.http.conftest import BODY_BUDGET, BODY_LIMIT, client_of, serve
from tests.http.console.visiting import console_of
from tests.http.keeping import Keeping
from tests.http.test_limits import Event, post
from tests.world import World, open_world

ROUTES = ["/v1/messages", "/v1/decisions", "/v1/decisions:batch"]
LARGE = {"account_id": "acc-1", "text": "x" * (BODY_LIMIT - 100)}


def budget_of(app: FastAPI) -> Budget:
    budget: Budget = app.state.service.budget
    return budget


def as_sent(route: str) -> bytes:
    return orjson.dumps({"messages": [LARGE]} if route.endswith("batch") else LARGE)


class Dripping:
    """A client that has sent nearly all of its body, and sends the last piece, or leaves, when told."""

    def __init__(self, body: bytes) -> None:
        self._events: list[Event] = [{"type": "http.request", "body": body[:-1], "more_body": True}]
        self._last: Event = {"type": "http.request", "body": body[-1:], "more_body": False}
        self.read = asyncio.Event()
        self._go = asyncio.Event()

    def finish(self) -> None:
        self._go.set()

    def leave(self) -> None:
        self._last = {"type": "http.disconnect"}
        self._go.set()

    async def __call__(self) -> Event:
        if self._events:
            return self._events.pop()
        self.read.set()
        await self._go.wait()
        return self._last


@pytest.mark.parametrize("route", ROUTES)
async def test_bodies_being_read_count_together(app: FastAPI, route: str) -> None:
    clients = [Dripping(as_sent(route)) for _ in range(3)]
    reading = [asyncio.create_task(post(app, route, client)) for client in clients]
    for client in clients:
        await client.read.wait()
    async with client_of(app) as another:
        refused = await another.post(route, content=as_sent(route))
        assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
        assert refused.headers["retry-after"] == "1"

        clients[0].leave()
        await reading[0]
        assert (await another.post(route, content=as_sent(route))).status_code == 200
    for client in clients[1:]:
        client.finish()
    answers = await asyncio.gather(*reading[1:])
    assert [start["status"] for start, _ in answers] == [200, 200]
    assert budget_of(app).held == 0


@pytest.mark.parametrize("route", ROUTES)
async def test_bodies_being_worked_on_count_too(world: World, app: FastAPI, route: str) -> None:
    world.classifiers.answering.clear()
    async with client_of(app) as client:
        under_way = []
        for _ in range(3):
            world.classifiers.waiting.clear()
            under_way.append(asyncio.create_task(client.post(route, content=as_sent(route))))
            await world.classifiers.waiting.wait()
        async with asyncio.timeout(10):
            refused = await client.post(route, content=as_sent(route))
        assert (refused.status_code, refused.json()["code"]) == (429, "overloaded")
        world.classifiers.answering.set()
        assert [answer.status_code for answer in await asyncio.gather(*under_way)] == [200] * 3
    assert budget_of(app).held == 0


async def test_a_body_in_pieces_stops_where_the_budget_ends(app: FastAPI, world: World) -> None:
    budget_of(app).take(BODY_BUDGET - 2048)
    taken = 0

    async def receive() -> Event:
        nonlocal taken
        taken += 1
        return {"type": "http.request", "body": b" " * 1024, "more_body": True}

    start, _ = await post(app, "/v1/messages", receive)
    assert (start["status"], taken) == (429, 3)
    assert budget_of(app).held == BODY_BUDGET - 2048
    assert world.store.journal == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"{", 400), (b"[" * 40, 400), (b" " * (BODY_LIMIT + 1), 413), (b"", 400)],
    ids=["broken", "deep", "large", "empty"],
)
@pytest.mark.parametrize("route", ROUTES)
async def test_what_is_refused_is_given_back(app: FastAPI, route: str, body: bytes, status: int) -> None:
    async def receive() -> Event:
        return {"type": "http.request", "body": body, "more_body": False}

    start, _ = await post(app, route, receive)
    assert start["status"] == status
    assert budget_of(app).held == 0


async def test_a_body_that_comes_too_slowly_is_given_back() -> None:
    app = serve(await open_world(), read_seconds=0.01)
    start, _ = await post(app, "/v1/messages", Dripping(as_sent("/v1/messages")))
    assert start["status"] == 408
    assert budget_of(app).held == 0


@pytest.mark.parametrize("path", ["/cgi-bin/token", "/cgi-bin/stable_token", "/console/sign-in"])
async def test_what_strangers_send_takes_nothing_from_publish_requests(desk: Keeping, path: str) -> None:
    visitor = console_of(desk)
    desk.app.state.console = visitor
    form = [(b"content-type", b"application/x-www-form-urlencoded"), (b"sec-fetch-site", b"same-origin")]
    clients = [Dripping(b"x" * 4000) for _ in range(3)]
    reading = [asyncio.create_task(post(desk.app, path, client, form)) for client in clients]
    for client in clients:
        await client.read.wait()
    held = [desk.app.state.token_budget.held, desk.app.state.sign_in_budget.held]
    assert (sorted(held), budget_of(desk.app).held, desk.desk.budget.held) == ([0, 3 * 3999], 0, 0)
    async with client_of(desk.app) as tenant:
        assert (await tenant.post("/v1/messages", json=LARGE)).status_code == 200
    for client in clients:
        client.leave()
    await asyncio.gather(*reading)
    assert desk.app.state.token_budget.held == desk.app.state.sign_in_budget.held == 0


@given(
    st.floats(0, 1e6),
    st.floats(0.5, 60),
    st.lists(st.tuples(st.integers(0, 1 << 20), st.floats(0, 5)), max_size=30),
)
def test_no_client_is_waited_for_longer_than_what_it_sends_is_worth(
    now: float, seconds: float, pieces: list[tuple[int, float]]
) -> None:
    began, patience, sent = now, Patience(now, seconds), 0
    for size, after in pieces:
        if now + after > patience.until:
            break
        now, sent = now + after, sent + size
        assert patience.fed(size, now) == patience.until
        assert patience.until <= now + GRACE_SECONDS + 1e-6
    assert patience.until <= began + seconds + 1e-6
    assert patience.until <= began + GRACE_SECONDS + sent / RATE + 1e-6


@pytest.mark.parametrize("more", [0, 1, RATE // 2])
def test_a_client_that_drips_is_given_up_and_one_at_the_rate_is_not(more: int) -> None:
    patience, now = Patience(0.0, 1000.0), 0.0
    while now <= patience.until and now < 100:
        now += 0.5
        patience.fed(more, now)
    assert now < 100 if more < RATE // 2 else now == 100


async def test_what_is_announced_and_not_sent_takes_nothing(app: FastAPI) -> None:
    budget = budget_of(app)
    budget.check(BODY_BUDGET)
    assert budget.held == 0
    budget.take(BODY_BUDGET)
    budget.give(BODY_BUDGET)
    budget.check(BODY_BUDGET)


def nobody(_question: Question) -> Reply:
    """Stands for classifiers that are not asked."""
    raise AssertionError


async def test_the_strangers_of_a_listener_do_not_take_from_the_applications_with_a_key(tmp_path: Path) -> None:
    keys, listeners = tmp_path / "keys.json", tmp_path / "listeners.yaml"
    new_keys(keys)
    bots = {"name": "bots", "platform": "matrix", "tenant": "t", "port": 1, "upstream": "http://127.0.0.1:1"}
    listeners.write_text(json.dumps({"listeners": [bots]}))
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{tmp_path}/gateway.db",
        keys_file=keys,
        listeners_file=listeners,
        body_limit=BODY_LIMIT,
        body_budget=BODY_LIMIT,
    )
    app = create_app(settings, nobody)
    client = Dripping(b"x" * BODY_LIMIT)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "PUT",
        "path": "/_matrix/client/v3/rooms/!r:s/send/m.room.message/1",
        "raw_path": b"/_matrix/client/v3/rooms/!r:s/send/m.room.message/1",
        "query_string": b"",
        "headers": [
            (b"host", b"a"),
            (b"authorization", b"Bearer nobody-can-tell-whose"),
            (b"content-type", b"application/json"),
        ],
        "server": ("gateway", 1),
    }
    sent: list[Event] = []

    async def send(event: Event) -> None:
        sent.append(event)

    async with app.router.lifespan_context(app):
        reading = asyncio.create_task(app(scope, client, send))
        async with asyncio.timeout(10):
            await client.read.wait()
        assert budget_of(app).held == 0
        budget_of(app).check(BODY_LIMIT)
        client.leave()
        await reading
