"""Taking down and putting back over HTTP: who asks, what is refused, what is shown, and to whom."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.adapters.sql import SqlOrders
from gateway.core.records import AuditRow
from gateway.core.takedown_problems import Obstacle, TakedownProblem
from tests.fakes import NOW_MS
from tests.http.keeping import HERE, THERE, Keeping

DOWN = {"category": "fraud", "reason": "ticket 7"}
BACK = {"reason": "ticket 8"}


async def ask(desk: Keeping, path: str, body: dict[str, Any] | None = None, role: str = "reviewer") -> tuple[int, Any]:
    response = await desk.ask(f"key-{role}", "GET" if body is None else "POST", HERE + path, body)
    return response.status_code, response.json()


async def acts(desk: Keeping) -> list[AuditRow]:
    return [row async for row in desk.store.audit() if row.kind == "takedown"]


async def test_a_message_is_taken_down_once_and_put_back(desk: Keeping) -> None:
    status, taken = await ask(desk, "/messages/p-1-t1:take_down", DOWN)
    assert (status, taken) == (
        200,
        {
            "message_id": "p-1-t1",
            "account_id": "acc-1",
            "state": "due",
            "category": "fraud",
            "source": "own",
            "attempts": 0,
            "asked_ms": NOW_MS,
            "at_ms": NOW_MS,
            "problem": None,
            "problem_code": None,
        },
    )
    desk.world.clock.now += 5
    assert await ask(desk, "/messages/p-1-t1:take_down", DOWN) == (200, taken)
    assert len(await acts(desk)) == 1
    orders = SqlOrders(desk.store.database)
    [order] = await orders.claim(NOW_MS, 1000, 10)
    await orders.done(order.takedown, NOW_MS + 6)
    status, back = await ask(desk, "/messages/p-1-t1:restore", BACK)
    assert (status, back["state"]) == (200, "restore_due")
    [order] = await orders.claim(NOW_MS + 6, 1000, 10)
    await orders.given_up(order.takedown, TakedownProblem(Obstacle.APP_ANSWERED, {"status": "404"}), NOW_MS + 7)
    _, listed = await ask(desk, "/takedowns?failed=true", role="viewer")
    assert [(one["state"], one["problem"], one["problem_code"]) for one in listed["takedowns"]] == [
        ("restore_failed", "put it back by hand: takedown_url answered 404", "app_answered")
    ]
    assert listed["next"] is None


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "told"),
    [
        ("/messages/m-1-t1:take_down", DOWN, 409, "message_not_published", "a message on hold is rejected instead"),
        ("/messages/nothing:take_down", DOWN, 404, "message_unknown", "no such message"),
        ("/messages/p-1-t2:take_down", DOWN, 404, "message_unknown", "no such message"),
        ("/messages/p-1-t2:restore", BACK, 404, "message_unknown", "no such message"),
        ("/messages/p-1-t1:restore", BACK, 409, "message_not_taken_down", "not taken down"),
    ],
)
async def test_what_cannot_be_is_refused_with_what_to_do(
    desk: Keeping, path: str, body: dict[str, Any], status: int, code: str, told: str
) -> None:
    answered, problem = await ask(desk, path, body)
    assert (answered, problem["code"]) == (status, code)
    assert [error["field"] for error in problem["errors"]] == ["message_id"]
    assert told in problem["detail"]
    assert await acts(desk) == []


async def test_a_category_is_one_of_the_policys(desk: Keeping) -> None:
    for category in ("nonsense", "news", ""):
        status, problem = await ask(desk, "/messages/p-1-t1:take_down", {**DOWN, "category": category})
        assert (status, problem["code"]) == (422, "category")
        assert "self_harm" in problem["detail"]
    assert (await ask(desk, "/messages/p-1-t1:take_down", BACK))[0] == 400
    assert await acts(desk) == []


async def test_lists_come_in_pages_and_show_one_tenants_only(desk: Keeping) -> None:
    await ask(desk, "/messages/p-1-t1:take_down", DOWN)
    theirs = await desk.ask("key-admin", "POST", f"{THERE}/messages/p-1-t2:take_down", DOWN)
    assert theirs.status_code == 200
    _, first = await ask(desk, "/takedowns?limit=1")
    assert ([one["message_id"] for one in first["takedowns"]], first["next"]) == (["p-1-t1"], "p-1-t1")
    assert (await ask(desk, "/takedowns?limit=1&after=p-1-t1"))[1] == {"takedowns": [], "next": None}
    assert (await ask(desk, "/takedowns?failed=true"))[1]["takedowns"] == []


async def test_the_app_sees_where_its_message_stands(desk: Keeping) -> None:
    desk.app.state.store, desk.app.state.takedowns = desk.store, desk.desk.takedowns
    before = (await desk.ask("key-one", "GET", "/v1/messages/p-1-t1")).json()
    assert "takedown" not in before
    await ask(desk, "/messages/p-1-t1:take_down", DOWN)
    after = (await desk.ask("key-one", "GET", "/v1/messages/p-1-t1")).json()
    assert after["takedown"] == {"state": "due", "at_ms": NOW_MS}
    assert (await desk.ask("key-two", "GET", "/v1/messages/p-1-t1")).status_code == 404
