"""Sanctions over HTTP: what reviewers see and do, what each refusal is answered with, and what comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.sanction_records import SanctionRefused
from gateway.http.admin.sanctions import refused
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, HERE, Keeping, punish
from tests.http.violating import violate

WHY: dict[str, Any] = {"reason": "ticket 12"}


async def test_a_sanction_from_its_proposal_to_its_end(desk: Keeping) -> None:
    proposed = await desk.done("POST", "/sanctions", {"account_id": "acc-1", "degree": "close", **WHY})
    assert proposed == {
        "sanction_id": proposed["sanction_id"],
        "account_id": "acc-1",
        "degree": "close",
        "also": [],
        "state": "proposed",
        "created_ms": NOW_MS,
        "days": None,
        "starts_ms": None,
        "ends_ms": None,
        "why": "person",
        "waits": "people",
        "automatic": False,
        "category": None,
        "incident_id": None,
        "message_id": None,
        "reason": "ticket 12",
        "agreed": ["the admin"],
        "needed": 2,
        "decided_by": None,
        "decided_ms": None,
    }
    path = f"/sanctions/{proposed['sanction_id']}"
    assert await desk.done("GET", path) == proposed
    assert await desk.done("GET", "/sanctions?state=proposed") == {"sanctions": [proposed], "next": None}
    same = await desk.ask("key-admin", "POST", f"{HERE}{path}:agree", WHY)
    assert (same.status_code, same.json()["code"]) == (409, "same_person")
    agreed = await desk.ask("key-reviewer", "POST", f"{HERE}{path}:agree", {"reason": "ticket 13"})
    assert (agreed.status_code, agreed.json()["state"]) == (200, "in_force")
    assert agreed.json()["agreed"] == ["the admin", "the reviewer"]
    account = await desk.done("GET", "/accounts/acc-1")
    assert account["state"] == "closed"
    sanction = {"degree": "close", "starts_at": NOW_MS, "ends_at": None, "sanction_id": proposed["sanction_id"]}
    assert account["sanctions"] == [sanction]
    again = await desk.ask("key-admin", "POST", f"{HERE}/accounts/acc-1:reopen", WHY)
    assert (again.status_code, again.json()["code"]) == (409, "closed_by_sanction")
    lifted = await desk.done("POST", f"{path}:lift", WHY)
    assert (lifted["state"], lifted["decided_by"]) == ("lifted", "the admin")
    assert (await desk.done("GET", "/accounts/acc-1"))["state"] == "active"
    acts = [act["act"] for act in (await desk.done("GET", "/accounts/acc-1/history"))["history"]]
    assert acts[-5:] == ["ProposeSanction", "CloseAccount", "ImposeSanction", "ReopenAccount", "LiftSanction"]


async def test_what_is_held_against_an_account_and_what_comes_of_it(desk: Keeping) -> None:
    first = await violate(desk, 1, NOW_MS)
    second = await violate(desk, 2, NOW_MS + DAY_MS)
    found = await desk.done("GET", "/accounts/acc-1/incidents")
    assert [(one["message_id"], one["category"], one["happening"]) for one in found["incidents"]] == [
        (first, "spam", "blocked"),
        (second, "spam", "blocked"),
    ]
    assert (found["points"], found["step"]) == (2, {"degree": "restrict", "days": 3, "also": []})
    assert found["following"] == {"degree": "restrict", "days": 7, "also": []}
    page = await desk.done("GET", "/accounts/acc-1/incidents?limit=1")
    rest = await desk.done("GET", f"/accounts/acc-1/incidents?after={page['next']}")
    assert page["incidents"] + rest["incidents"] == found["incidents"]
    warned, restricted = (await desk.done("GET", "/sanctions?account_id=acc-1"))["sanctions"]
    assert (warned["degree"], warned["automatic"], warned["agreed"]) == ("warn", True, [])
    assert restricted["ends_ms"] == NOW_MS + 4 * DAY_MS
    page = await desk.done("GET", "/sanctions?limit=1")
    assert (await desk.done("GET", f"/sanctions?after={page['next']}"))["sanctions"] == [restricted]
    await desk.done("POST", f"/sanctions/{restricted['sanction_id']}:lift", {"mistaken": True, **WHY})
    after = await desk.done("GET", "/accounts/acc-1/incidents")
    assert (after["points"], [one["removed_ms"] for one in after["incidents"]]) == (1, [None, NOW_MS])
    client = desk.client("key-one")
    async with client:
        own = (await client.get("/v1/accounts/acc-1")).json()
    assert [(one["degree"], one["sanction_id"]) for one in own["sanctions"]] == [("warn", warned["sanction_id"])]


async def test_sent_twice_it_is_done_once(desk: Keeping) -> None:
    order = {"account_id": "acc-1", "degree": "restrict", "days": 3, "category": "hate", **WHY}
    imposed = await desk.done("POST", "/sanctions", order)
    before = await desk.acts()
    assert await desk.done("POST", "/sanctions", order) == imposed
    assert await desk.acts() == before
    lifted = await desk.done("POST", f"/sanctions/{imposed['sanction_id']}:lift", WHY)
    assert await desk.done("POST", f"/sanctions/{imposed['sanction_id']}:lift", WHY) == lifted
    assert (await desk.done("POST", "/sanctions", order))["sanction_id"] != imposed["sanction_id"]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("GET", "/sanctions/none", None, 404, "sanction_unknown", "sanction_id"),
        ("GET", "/accounts/none/incidents", None, 404, "account_unknown", "account_id"),
        ("GET", "/sanctions?state=odd", None, 400, "bad_address", "state"),
        ("POST", "/sanctions", {"account_id": "none", "degree": "warn"}, 404, "account_unknown", "account_id"),
        ("POST", "/sanctions", {"account_id": "acc-1", "degree": "scold"}, 400, "bad_body", "degree"),
        ("POST", "/sanctions", {"account_id": "acc-1", "degree": "warn", "days": 0}, 400, "bad_body", "days"),
        (
            "POST",
            "/sanctions",
            {"account_id": "acc-1", "degree": "warn", "category": "odd"},
            400,
            "bad_body",
            "category",
        ),
        ("POST", "/sanctions", {"account_id": "acc-1", "degree": "close", "days": 1}, 422, "days_impossible", "days"),
        ("POST", "/sanctions", {"account_id": "acc-1", "degree": "close"}, 409, "close_waits", "account_id"),
        ("POST", "/sanctions", {"account_id": "acc-3", "degree": "warn"}, 409, "account_closed", "account_id"),
        ("POST", "/sanctions/none:agree", {}, 404, "sanction_unknown", "sanction_id"),
        ("POST", "/sanctions/s-warn:agree", {}, 409, "not_proposed", "sanction_id"),
        ("POST", "/sanctions/s-warn:decline", {}, 409, "not_proposed", "sanction_id"),
        ("POST", "/sanctions/s-close:lift", {}, 409, "not_in_force", "sanction_id"),
    ],
)
async def test_what_cannot_be_names_the_field_and_leaves_nothing_behind(
    desk: Keeping, method: str, path: str, body: dict[str, Any] | None, status: int, code: str, field: str
) -> None:
    await punish(desk.store)
    before = await desk.acts()
    response = await desk.ask("key-admin", method, HERE + path, None if body is None else {**body, **WHY})
    assert (response.status_code, response.json()["code"]) == (status, code), response.text
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await desk.acts() == before


def test_every_refusal_has_its_words() -> None:
    for reason in SanctionRefused:
        problem = refused(reason)
        assert (problem.code, problem.status in (404, 409, 422)) == (reason, True)
        assert problem.detail
