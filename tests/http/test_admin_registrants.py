"""Registrants over HTTP: personal data goes in and comes out in bodies, and shows nowhere else."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY, generate_latest
from sqlalchemy import update

from gateway.adapters.keys import new_keys
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.tables_register import personal
from tests.http.keeping import CANARY, HERE, THERE, Keeping

WHY: dict[str, Any] = {"reason": "ticket 12"}
HOLDER = {"legal_name": "Example Holder", "phone": "+44 20 7946 0958"}


async def test_a_registrant_is_registered_once(desk: Keeping) -> None:
    body = {"registrant_id": "r-9", "kind": "organisation", **WHY}
    first = await desk.ask("key-registrar", "POST", f"{HERE}/registrants", body)
    before = await desk.acts()
    second = await desk.ask("key-registrar", "POST", f"{HERE}/registrants", body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    other = await desk.ask("key-registrar", "POST", f"{HERE}/registrants", {**body, "kind": "person"})
    assert (other.status_code, other.json()["code"]) == (409, "registrant_exists")
    assert await desk.acts() == before
    known = await desk.done("GET", "/registrants/r-9")
    assert known == {**first.json(), "kept": []}
    assert known["state"] == "created"


async def test_personal_data_is_kept_found_told_and_erased(desk: Keeping) -> None:
    body = {"registrant_id": "r-9", "kind": "person", "personal": HOLDER, **WHY}
    assert (await desk.ask("key-registrar", "POST", f"{HERE}/registrants", body)).status_code == 201
    again = await desk.ask("key-registrar", "POST", f"{HERE}/registrants", body)
    assert (again.status_code, again.json()["code"]) == (409, "registrant_exists")
    assert (await desk.done("GET", "/registrants/r-9"))["kept"] == ["legal_name", "phone"]

    search = {"field": "legal_name", "personal": "EXAMPLE  holder", **WHY}
    assert await desk.done("POST", "/registrants:search", search) == {"registrant_ids": ["r-9"]}
    elsewhere = await desk.ask("key-admin", "POST", f"{THERE}/registrants:search", search)
    assert elsewhere.json() == {"registrant_ids": []}
    assert await desk.done("POST", "/registrants/r-9:reveal", WHY) == {"personal": HOLDER}
    some = await desk.done("POST", "/registrants/r-9:reveal", {"fields": ["phone"], **WHY})
    assert some == {"personal": {"phone": HOLDER["phone"]}}

    changed = {"personal": {"legal_name": "Sample Holder"}, **WHY}
    kept = await desk.done("PUT", "/registrants/r-9/personal", changed)
    assert kept == {"fields": ["legal_name"], "restarted": True}
    assert await desk.done("PUT", "/registrants/r-9/personal", changed) == {**kept, "restarted": False}

    left: dict[str, object] = {"closed": [], "barred_until_ms": None, "messages": 0}
    assert await desk.done("POST", "/registrants/r-9:erase", WHY) == left
    gone = await desk.ask("key-admin", "POST", f"{HERE}/registrants/r-9:reveal", WHY)
    assert (gone.status_code, gone.json()["code"]) == (404, "nothing_kept")
    assert (await desk.done("GET", "/registrants/r-9"))["state"] == "redacted"
    for method, path, request in (
        ("POST", "/registrants/r-9:erase", WHY),
        ("PUT", "/registrants/r-9/personal", changed),
        ("POST", "/registrants", {"registrant_id": "r-9", "kind": "person", **WHY}),
    ):
        assert (await desk.ask("key-admin", method, HERE + path, request)).status_code == 409
    acts = [act["act"] for act in (await desk.done("GET", "/registrants/r-9/history"))["history"]]
    assert acts == [
        "CreateRegistrant",
        "PutPersonal",
        "FindRegistrant",
        "RevealPersonal",
        "RevealPersonal",
        "PutPersonal",
        "EraseRegistrant",
    ]


async def test_whose_identifier_is_refused_is_not_registered(desk: Keeping) -> None:
    taken = {"legal_name": "Somebody Else", "vat": "DE136695976"}
    body = {"registrant_id": "r-8", "kind": "organisation", "personal": taken, **WHY}
    assert (await desk.ask("key-registrar", "POST", f"{HERE}/registrants", body)).status_code == 201
    before = await desk.acts()
    again = await desk.ask("key-registrar", "POST", f"{HERE}/registrants", {**body, "registrant_id": "r-9"})
    assert (again.status_code, again.json()["code"]) == (409, "identifier_taken")
    assert await desk.acts() == before
    assert (await desk.ask("key-viewer", "GET", f"{HERE}/registrants/r-9")).status_code == 404


async def test_of_two_who_register_one_at_once_one_does(desk: Keeping) -> None:
    bodies: list[dict[str, Any]] = [
        {"registrant_id": "r-9", "kind": "person", "personal": {"legal_name": f"Example {name}"}, **WHY}
        for name in ("One", "Two", "Three")
    ]
    answers = await asyncio.gather(*[desk.ask("key-registrar", "POST", f"{HERE}/registrants", body) for body in bodies])
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    [first] = [body["personal"] for body, answer in zip(bodies, answers, strict=True) if answer.status_code == 201]
    assert await desk.done("POST", "/registrants/r-9:reveal", WHY) == {"personal": first}


async def test_erasing_closes_the_accounts_only_where_it_is_asked_for(desk: Keeping) -> None:
    refused = await desk.ask("key-admin", "POST", f"{HERE}/registrants/person-1:erase", WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "accounts_open")
    waits = await desk.ask("key-admin", "POST", f"{HERE}/registrants/person-1:erase", {"close": True, **WHY})
    assert (waits.status_code, waits.json()["code"]) == (409, "messages_wait")
    for message_id in ("m-1-t1", "m-2-t1"):
        await desk.done("POST", f"/holds/{message_id}:reject", {"code": "spam", **WHY})
    erased = await desk.done("POST", "/registrants/person-1:erase", {"close": True, **WHY})
    assert erased["closed"] == ["acc-1", "acc-2"]
    assert erased["barred_until_ms"] is not None
    assert erased["messages"] == 3
    assert (await desk.done("GET", "/accounts/acc-1"))["state"] == "closed"
    assert (await desk.ask("key-admin", "GET", f"{THERE}/accounts/acc-1")).json()["state"] == "active"


async def test_who_is_not_there_is_not_to_be_registered_for_it(desk: Keeping) -> None:
    for method, path, body in (
        ("GET", "/registrants/none", None),
        ("POST", "/registrants/none:erase", WHY),
        ("PUT", "/registrants/none/personal", {"personal": HOLDER, **WHY}),
    ):
        response = await desk.ask("key-admin", method, HERE + path, body)
        assert response.json()["errors"] == [{"field": "registrant_id", "message": "there is no such registrant"}]


async def test_a_reason_that_quotes_is_the_field_that_is_named(desk: Keeping) -> None:
    body = {"personal": HOLDER, "reason": f"asked by {HOLDER['legal_name']}"}
    response = await desk.ask("key-admin", "PUT", f"{HERE}/registrants/person-2/personal", body)
    assert (response.status_code, [error["field"] for error in response.json()["errors"]]) == (422, ["reason"])


SECRET = "Zxqv-Wrtp"


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "fields"),
    [
        ("PUT", "/registrants/person-2/personal", {"personal": {}}, 422, ["personal"]),
        ("PUT", "/registrants/person-2/personal", {"personal": {SECRET: "x"}}, 422, ["personal"]),
        ("PUT", "/registrants/person-2/personal", {"personal": {"legal_name": 7}}, 400, ["personal.legal_name"]),
        ("PUT", "/registrants/person-2/personal", {"personal": {SECRET: 7}}, 400, ["personal"]),
        ("PUT", "/registrants/person-2/personal", {"personal": SECRET}, 400, ["personal"]),
        ("PUT", "/registrants/person-2/personal", {"personal": HOLDER, SECRET: SECRET}, 400, ["body"]),
        ("PUT", "/registrants/person-2/personal", {"personal": {"email": SECRET}}, 422, ["personal.email"]),
        ("PUT", "/registrants/person-2/personal", {"personal": {"birthdate": SECRET}}, 422, ["personal.birthdate"]),
        ("PUT", "/registrants/none/personal", {"personal": {"legal_name": SECRET}}, 404, ["registrant_id"]),
        ("POST", "/registrants", {"registrant_id": "r", "kind": SECRET, "personal": HOLDER}, 400, ["kind"]),
        (
            "POST",
            "/registrants",
            {"registrant_id": "r-9", "kind": "person", "personal": {"phone": SECRET}},
            422,
            ["personal.phone"],
        ),
        ("POST", "/registrants:search", {"field": SECRET, "personal": SECRET}, 400, ["field"]),
        ("POST", "/registrants:search", {"field": "address", "personal": SECRET}, 400, ["field"]),
        ("POST", "/registrants:search", {"field": "email", "personal": SECRET}, 422, ["personal.email"]),
        ("POST", "/registrants/person-1:reveal", {"fields": [SECRET]}, 400, ["fields"]),
        ("POST", "/registrants/none:reveal", {}, 404, ["registrant_id"]),
        ("POST", "/registrants/none:erase", {}, 404, ["registrant_id"]),
        ("GET", "/registrants/none", None, 404, ["registrant_id"]),
        ("GET", "/registrants/none/history", None, 404, ["registrant_id"]),
    ],
)
async def test_what_is_refused_quotes_nothing_and_leaves_nothing(
    desk: Keeping, method: str, path: str, body: dict[str, Any] | None, status: int, fields: list[str]
) -> None:
    before = await desk.acts()
    response = await desk.ask("key-admin", method, HERE + path, None if body is None else {**body, **WHY})
    assert response.status_code == status, response.text
    assert [error["field"] for error in response.json()["errors"]] == fields
    assert SECRET not in response.text
    assert await desk.acts() == before


async def test_a_key_given_twice_is_not_quoted(desk: Keeping) -> None:
    async with desk.client("key-admin") as client:
        twice = f'{{"personal": {{"{SECRET}": "a", "{SECRET}": "b"}}, "reason": "x"}}'.encode()
        json = {"Content-Type": "application/json"}
        response = await client.put(f"{HERE}/registrants/person-2/personal", content=twice, headers=json)
    assert response.status_code == 400
    assert SECRET not in response.text


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PUT", "/registrants/person-2/personal", {"personal": {"legal_name": CANARY}}),
        ("POST", "/registrants", {"registrant_id": "r-9", "kind": "person", "personal": {"legal_name": CANARY}}),
        ("POST", "/registrants:search", {"field": "legal_name", "personal": CANARY}),
        ("POST", "/registrants/person-1:reveal", {}),
        ("POST", "/registrants/person-1:erase", {"close": True}),
    ],
)
async def test_a_reason_does_not_name_who_it_is_about(
    desk: Keeping, method: str, path: str, body: dict[str, Any]
) -> None:
    before = await desk.acts()
    response = await desk.ask("key-admin", method, HERE + path, {**body, "reason": f"asked by {CANARY} himself"})
    assert (response.status_code, response.json()["code"]) == (422, "reason_quotes")
    assert await desk.acts() == before


async def test_the_canary_shows_only_where_it_is_revealed(desk: Keeping, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    requests: list[tuple[str, str, dict[str, Any] | None]] = [
        ("PUT", "/registrants/person-2/personal", {"personal": {"legal_name": CANARY}, **WHY}),
        ("POST", "/registrants:search", {"field": "legal_name", "personal": CANARY, **WHY}),
        ("GET", "/registrants/person-1", None),
        ("GET", "/registrants/person-1/history", None),
        ("GET", "/accounts?registrant_id=person-1", None),
        ("GET", "/accounts/acc-1/history", None),
    ]
    for method, path, body in requests:
        response = await desk.ask("key-admin", method, HERE + path, body)
        assert response.status_code == 200
        assert "Canary" not in response.text
    told = await desk.ask("key-admin", "POST", f"{HERE}/registrants/person-1:reveal", WHY)
    assert told.json()["personal"]["legal_name"] == CANARY
    assert told.headers["cache-control"] == "no-store"
    assert "Canary" not in caplog.text
    assert b"Canary" not in generate_latest(REGISTRY)
    rows = "".join([row.body async for row in desk.store.audit()])
    assert "Canary" not in rows


async def test_other_keys_than_those_of_what_is_kept_are_named(desk: Keeping, tmp_path: Path) -> None:
    new_keys(tmp_path / "other.json")
    other = SqlPersonal(desk.store.database, PersonalKeys(FileMasterKey(tmp_path / "other.json")))
    desk.app.state.desk = replace(desk.desk, personal=other)
    before = await desk.acts()
    for method, path, body in (
        ("PUT", "/registrants/person-2/personal", {"personal": HOLDER}),
        ("POST", "/registrants:search", {"field": "legal_name", "personal": CANARY}),
    ):
        response = await desk.ask("key-admin", method, HERE + path, {**body, **WHY})
        assert (response.status_code, response.json()["code"]) == (503, "other_keys")
        assert "GATEWAY_KEYS_FILE" in response.json()["detail"]
        assert "retry-after" not in response.headers
    assert await desk.acts() == before


async def test_what_no_key_opens_is_not_asked_for_again(desk: Keeping) -> None:
    mine = personal.c.registrant_id == "person-1"
    async with desk.store.database.writing("test") as connection:
        await connection.execute(update(personal).where(mine).values(wrapped=b"\x01\x02"))
    told = await desk.ask("key-admin", "POST", f"{HERE}/registrants/person-1:reveal", WHY)
    assert (told.status_code, told.json()["code"]) == (503, "not_opened")
    assert "No key here opens" in told.json()["detail"]
    assert "again" not in told.json()["detail"]
    assert "retry-after" not in told.headers


async def test_a_gateway_without_a_master_key(desk: Keeping) -> None:
    desk.app.state.desk = replace(desk.desk, personal=None)
    before = await desk.acts()
    for method, path, body in (
        ("PUT", "/registrants/person-2/personal", {"personal": HOLDER}),
        ("POST", "/registrants", {"registrant_id": "r-9", "kind": "person", "personal": HOLDER}),
        ("POST", "/registrants:search", {"field": "legal_name", "personal": CANARY}),
        ("POST", "/registrants/person-1:reveal", {}),
    ):
        response = await desk.ask("key-admin", method, HERE + path, {**body, **WHY})
        assert (response.status_code, response.json()["code"]) == (503, "keys_unavailable")
    assert await desk.acts() == before
    assert (await desk.done("GET", "/registrants/person-1"))["kept"] is None
