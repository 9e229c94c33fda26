"""Accounts over HTTP: every act, what each refusal is answered with, and what comes twice."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.registration import Refused
from gateway.core.shown import written
from gateway.http.problems import refused
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, HERE, Keeping
from tests.policies import policy

WHY: dict[str, Any] = {"reason": "ticket 12"}


async def test_an_account_from_its_creation_to_its_end(desk: Keeping) -> None:
    new = {"account_id": "acc-9", "registrant_id": "firm-1", "name": "The News", "term_ends_at": NOW_MS + 5, **WHY}
    created = await desk.done("POST", "/accounts", new)
    assert created == {
        "account_id": "acc-9",
        "name": "The News",
        "state": "active",
        "account_class": "standard",
        "term_ends_at": NOW_MS + 5,
        "private": False,
        "private_proposal": None,
        "registrant": {
            "registrant_id": "firm-1",
            "kind": "organisation",
            "state": "created",
            "framework": None,
            "level": None,
            "expires_at": None,
        },
        "news": [],
        "sanctions": [],
    }
    renewed = await desk.done("POST", "/accounts/acc-9:renew", {"term_ends_at": NOW_MS + 9, **WHY})
    assert renewed == {**created, "term_ends_at": NOW_MS + 9}
    changed = await desk.done("PATCH", "/accounts/acc-9", {"name": "Other News", **WHY})
    assert changed == {**renewed, "name": "Other News"}
    assert await desk.done("POST", "/accounts/acc-9:suspend", WHY) == {**changed, "state": "suspended"}
    assert await desk.done("POST", "/accounts/acc-9:reopen", WHY) == changed
    closed = await desk.done("POST", "/accounts/acc-9:close", {"violation": True, "reason": "ticket 13"})
    assert closed == {**changed, "state": "closed"}
    assert await desk.done("GET", "/accounts/acc-9") == closed
    assert (await desk.done("GET", "/accounts?registrant_id=firm-1")) == {"accounts": [closed], "next": None}

    history = (await desk.done("GET", "/accounts/acc-9/history"))["history"]
    assert [(act["act"], act["actor"], act["reason"], act["at_ms"]) for act in history] == [
        (name, "the admin", "ticket 12", NOW_MS)
        for name in ("CreateAccount", "RenewAccount", "ChangeAccount", "SuspendAccount", "ReopenAccount")
    ] + [("CloseAccount", "the admin", "ticket 13", NOW_MS)]
    assert [act["account"]["state"] for act in history[3:]] == ["suspended", "active", "closed"]


async def test_what_would_end_moderation_waits_for_another_person(desk: Keeping) -> None:
    path, agree = f"{HERE}/accounts/acc-1", f"{HERE}/accounts/acc-1:agree_private"
    proposal = {"actor": "the registrar", "reason": "ticket 12", "at_ms": NOW_MS}
    for _ in range(2):
        proposed = await desk.ask("key-registrar", "PATCH", path, {"private": True, "name": "Bot", **WHY})
        assert proposed.status_code == 202
        told = proposed.json()
        assert (told["private"], told["private_proposal"], told["name"]) == (False, proposal, "Bot")
    assert await desk.done("GET", "/accounts/acc-1") == told
    assert (await desk.done("GET", "/accounts?registrant_id=person-1"))["accounts"][0] == told
    async with desk.client("key-one") as app:
        answer = await app.post("/v1/decisions", json={"account_id": "acc-1", "text": "hello"})
        assert [each["code"] for each in answer.json()["reasons"]] != ["account_private"]
    same = await desk.ask("key-registrar", "POST", agree, WHY)
    assert (same.status_code, same.json()["code"]) == (409, "same_person")
    agreed = await desk.ask("key-admin", "POST", agree, WHY)
    assert (agreed.status_code, agreed.json()["private"], agreed.json()["private_proposal"]) == (200, True, None)
    assert (await desk.ask("key-admin", "POST", agree, WHY)).json() == agreed.json()  # sent twice, done once
    public = await desk.ask("key-registrar", "PATCH", path, {"private": False, **WHY})
    assert (public.status_code, public.json()["private"]) == (200, False)
    nothing = await desk.ask("key-admin", "POST", agree, WHY)
    assert (nothing.status_code, nothing.json()["code"]) == (409, "not_proposed")

    new = {"account_id": "acc-9", "registrant_id": "firm-1", "private": True, **WHY}
    for _ in range(2):
        created = await desk.ask("key-registrar", "POST", f"{HERE}/accounts", new)
        assert (created.status_code, created.json()["private_proposal"]) == (202, proposal)
    withdrawn = await desk.ask("key-admin", "PATCH", f"{HERE}/accounts/acc-9", {"private": False, **WHY})
    assert (withdrawn.status_code, withdrawn.json()["private_proposal"]) == (200, None)


async def test_pages_of_accounts_and_histories(desk: Keeping) -> None:
    first = await desk.done("GET", "/accounts?registrant_id=person-1&limit=2")
    assert ([one["account_id"] for one in first["accounts"]], first["next"]) == (["acc-1", "acc-2"], "acc-2")
    rest = await desk.done("GET", "/accounts?registrant_id=person-1&limit=2&after=acc-2")
    assert ([one["account_id"] for one in rest["accounts"]], rest["next"]) == (["acc-3"], None)
    whole = (await desk.done("GET", "/accounts/acc-2/history"))["history"]
    page = await desk.done("GET", "/accounts/acc-2/history?limit=1")
    assert (page["history"], page["next"]) == (whole[:1], whole[0]["seq"])
    page = await desk.done("GET", f"/accounts/acc-2/history?after={page['next']}")
    assert (page["history"], page["next"]) == (whole[1:], None)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code", "field"),
    [
        ("GET", "/accounts/none", None, 404, "account_unknown", "account_id"),
        ("GET", "/accounts/none/history", None, 404, "account_unknown", "account_id"),
        ("POST", "/accounts/none:close", {}, 404, "account_unknown", "account_id"),
        ("GET", "/accounts?registrant_id=person-1&after=%00", None, 400, "bad_address", "after"),
        ("PATCH", "/accounts/acc-3", {"name": "x"}, 409, "account_closed", "account_id"),
        ("POST", "/accounts/acc-3:suspend", {}, 409, "account_closed", "account_id"),
        ("POST", "/accounts/acc-1:renew", {"term_ends_at": NOW_MS}, 422, "term_not_later", "term_ends_at"),
        ("PATCH", "/accounts/acc-1", {"name": "name 3"}, 409, "name_barred", "name"),
        ("PATCH", "/accounts/acc-1", {"account_class": "none"}, 422, "account_class", "account_class"),
        ("PATCH", "/accounts/acc-1", {}, 400, "bad_body", "body"),
        ("PATCH", "/accounts/acc-1", {"name": None}, 400, "bad_body", "name"),
        ("PATCH", "/accounts/acc-1", {"state": "closed"}, 400, "bad_body", "state"),
        ("POST", "/accounts/acc-1:renew", {"term_ends_at": -1}, 400, "bad_body", "term_ends_at"),
        ("POST", "/accounts/acc-1:renew", {"term_ends_at": "soon"}, 400, "bad_body", "term_ends_at"),
        ("GET", "/accounts", None, 400, "bad_address", "registrant_id"),
        ("GET", "/accounts?registrant_id=person-1&limit=0", None, 400, "bad_address", "limit"),
        ("GET", "/accounts?registrant_id=person-1&limit=101", None, 400, "bad_address", "limit"),
        ("GET", "/accounts/acc-1/history?after=x", None, 400, "bad_address", "after"),
        ("GET", "/accounts/a%00b", None, 400, "bad_address", "account_id"),
    ],
)
async def test_what_is_refused_names_the_field_and_changes_nothing(
    desk: Keeping, method: str, path: str, body: dict[str, Any] | None, status: int, code: str, field: str
) -> None:
    before = await desk.acts()
    response = await desk.ask("key-admin", method, HERE + path, None if body is None else {**body, **WHY})
    problem = response.json()
    assert (response.status_code, problem["code"]) == (status, code)
    assert [error["field"] for error in problem["errors"]] == [field]
    assert await desk.acts() == before


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"account_id": "acc-1"}, 409, "account_exists"),
        ({"account_id": "?acc"}, 422, "account_id"),
        ({"account_id": "a/b"}, 400, "bad_body"),
        ({"account_id": ""}, 400, "bad_body"),
        ({"registrant_id": "nobody"}, 422, "registrant_unknown"),
        ({"registrant_id": "person-1"}, 409, "too_many_accounts"),
        ({"name": "NAME 3!"}, 409, "name_barred"),
        ({"name": " "}, 400, "bad_body"),
        ({"name": "The\nNews"}, 400, "bad_body"),
        ({"name": "The\x1b[2JNews"}, 400, "bad_body"),
        ({"account_id": "acc\x9b9"}, 400, "bad_body"),
        ({"account_class": "none"}, 422, "account_class"),
        ({"more": 1}, 400, "bad_body"),
    ],
)
async def test_an_account_that_is_not_registered(desk: Keeping, change: dict[str, Any], status: int, code: str) -> None:
    desk.world.policy = policy(("news:\n  threshold", f"registration: {{max_accounts: {CAPS}}}\nnews:\n  threshold"))
    before = await desk.acts()
    body = {"account_id": "acc-9", "registrant_id": "firm-1", **change, **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/accounts", body)
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert await desk.acts() == before


CAPS = "{person: 2, organisation: 2}"


async def test_a_barred_registrant(desk: Keeping) -> None:
    await desk.done("POST", "/accounts/acc-1:close", {"violation": True, **WHY})
    body = {"account_id": "acc-9", "registrant_id": "person-1", **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/accounts", body)
    assert (response.status_code, response.json()["code"]) == (409, "registrant_barred")
    days = desk.world.policy.policy.registration.registrant_bar_days
    until = written(NOW_MS + days * DAY_MS)
    [error] = response.json()["errors"]
    assert error["message"].endswith(f"one of its accounts was closed; it may again from {until} on")


async def test_what_has_no_end_is_not_renewed(desk: Keeping) -> None:
    await desk.done("POST", "/accounts", {"account_id": "acc-9", "registrant_id": "firm-1", **WHY})
    body = {"term_ends_at": NOW_MS + DAY_MS, **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/accounts/acc-9:renew", body)
    assert (response.status_code, response.json()["code"]) == (409, "term_endless")


@pytest.mark.parametrize("account_id", ["a/b", "", "a\x00b"])
async def test_what_an_id_is_made_of_is_said_in_words(desk: Keeping, account_id: str) -> None:
    body = {"account_id": account_id, "registrant_id": "firm-1", **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/accounts", body)
    [error] = response.json()["errors"]
    told = "give at least 1 characters" if not account_id else "give an id without slashes and control characters"
    assert error == {"field": "account_id", "message": told}
    response = await desk.ask("key-admin", "GET", f"{HERE}/accounts?registrant_id=a/b")
    assert response.json()["errors"][0]["message"] == "give an id without slashes and control characters"


async def test_a_class_of_the_policy_in_force(desk: Keeping) -> None:
    classes = "  classes: {desk: [{framework: eidas, levels: [high]}]}\n"
    desk.world.policy = policy(("  missing: block", classes + "  missing: block"))
    changed = await desk.done("PATCH", "/accounts/acc-1", {"account_class": "desk", **WHY})
    assert changed["account_class"] == "desk"


LICENCE = {
    "holder": "person-1",
    "scheme": "manual",
    "kind": "originate",
    "valid_from": 0,
    "valid_to": NOW_MS + DAY_MS,
    "accounts": ["acc-2", "acc-1"],
    **WHY,
}
NEW = {"account_id": "acc-9", "registrant_id": "firm-1", "name": "New", "term_ends_at": NOW_MS + DAY_MS, **WHY}


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/accounts", NEW),
        ("POST", "/accounts/acc-1:close", WHY),
        ("POST", "/accounts/acc-1:close", {"violation": True, **WHY}),
        ("POST", "/accounts/acc-3:close", {"violation": True, **WHY}),
        ("POST", "/accounts/acc-1:suspend", WHY),
        ("POST", "/accounts/acc-2:reopen", WHY),
        ("POST", "/accounts/acc-1:renew", {"term_ends_at": NOW_MS + 2 * DAY_MS, **WHY}),
        ("PATCH", "/accounts/acc-1", {"name": "Other", **WHY}),
        ("PUT", "/registrants/person-2/personal", {"personal": {"legal_name": "Example Name"}, **WHY}),
        ("PUT", "/licences/l-9", LICENCE),
        ("POST", "/licences/l-1:revoke", WHY),
    ],
)
async def test_what_comes_twice_is_answered_alike(desk: Keeping, method: str, path: str, body: dict[str, Any]) -> None:
    await desk.done("PUT", "/licences/l-1", LICENCE)
    first = await desk.done(method, path, body)
    before = await desk.acts()
    assert await desk.done(method, path, body) == first
    assert await desk.acts() == before


async def test_an_id_may_look_like_an_act(desk: Keeping) -> None:
    for account_id in ("@bot:chat.example", "a:renew", "a:close:close"):
        await desk.done("POST", "/accounts", {**NEW, "account_id": account_id})
        assert (await desk.done("POST", f"/accounts/{account_id}:close", WHY))["account_id"] == account_id
        assert (await desk.done("GET", f"/accounts/{account_id}"))["state"] == "closed"
        await desk.done("POST", f"/accounts/{account_id}:reopen", WHY)
        await desk.done("PATCH", f"/accounts/{account_id}", {"name": account_id, **WHY})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        (b'{"reason": "a", "reason": "b"}', "reason"),
        (b'{"reason": "a"', "body"),
        (b"[]", "body"),
        (b"", "body"),
        (b"\xff", "body"),
    ],
)
async def test_a_body_that_can_be_read_in_two_ways_or_not_at_all(desk: Keeping, body: bytes, field: str) -> None:
    before = await desk.acts()
    async with desk.client("key-admin") as client:
        json = {"Content-Type": "application/json"}
        response = await client.post(f"{HERE}/accounts/acc-1:close", content=body, headers=json)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await desk.acts() == before


async def test_a_body_that_is_too_large_or_no_json(desk: Keeping) -> None:
    async with desk.client("key-admin") as client:
        path = f"{HERE}/accounts/acc-1:close"
        json = {"Content-Type": "application/json"}
        large = await client.post(path, content=b" " * 4097, headers=json)
        other = await client.post(path, content=b"reason=x", headers={"Content-Type": "text/plain"})
    assert (large.status_code, other.status_code) == (413, 415)


async def test_the_store_is_away(desk: Keeping) -> None:
    async with desk.store.database.writing("test"):  # holds the only writer's place
        desk.store.database.timeout_s = 0.05
        response = await desk.ask("key-admin", "POST", f"{HERE}/accounts/acc-1:close", WHY)
    assert (response.status_code, response.json()["code"]) == (503, "store_unavailable")
    assert (await desk.done("GET", "/accounts/acc-1"))["state"] == "active"


def test_every_refusal_has_a_status_and_a_field() -> None:
    for reason in Refused:
        problem = refused(reason)
        assert problem.status in (404, 409, 422)
        [error] = problem.extra["errors"]
        assert error["field"] in {"account_id", "registrant_id", "name", "term_ends_at"}
        assert error["message"]
