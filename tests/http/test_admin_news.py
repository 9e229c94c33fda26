"""Licences, whitelists and articles over HTTP: in force from the answer on, and refused with the field."""

from __future__ import annotations

import hashlib
import threading
from typing import Any

import pytest

from gateway.core.addresses import page_key
from gateway.core.whitelists import Source, read_csv
from gateway.http.admin import sources
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, HERE, THERE, Keeping

WHY: dict[str, Any] = {"reason": "ticket 12"}
LICENCE = {
    "holder": "person-1",
    "scheme": "cn_licence",
    "kind": "originate",
    "valid_from": 0,
    "valid_to": NOW_MS + DAY_MS,
    "accounts": ["acc-1"],
    "licence_no": "N-1",
    "issuer": "Example Office",
    "domains": ["News.Example"],
    **WHY,
}
CSV = "publisher,domain\nExample News,news.example\nOther News,\n"
ARTICLE = {"url": "https://news.example/1", "publisher": "Example News", "title": "One", "text": "It rains."}


async def test_a_licence_is_given_used_and_revoked(desk: Keeping) -> None:
    put = await desk.done("PUT", "/licences/l-1", LICENCE)
    assert put == {
        "licence_id": "l-1",
        "holder": "person-1",
        "scheme": "cn_licence",
        "kind": "originate",
        "valid_from": 0,
        "valid_to": NOW_MS + DAY_MS,
        "accounts": ["acc-1"],
        "licence_no": "N-1",
        "issuer": "Example Office",
        "jurisdiction": None,
        "domains": ["news.example"],
        "evidence": [],
        "status": "active",
    }
    assert await desk.done("GET", "/licences/l-1") == put
    assert await desk.done("PUT", "/licences/l-1", LICENCE) == put
    [news] = (await desk.done("GET", "/accounts/acc-1"))["news"]
    assert (news["licence_id"], news["kind"], news["domains"]) == ("l-1", "originate", ["news.example"])
    listed = await desk.done("GET", "/licences?account=acc-1")
    assert listed == {"licences": [put], "next": None}
    page = await desk.done("GET", "/licences?holder=person-1&limit=1")
    assert ([one["licence_id"] for one in page["licences"]], page["next"]) == (["l-0"], "l-0")

    revoked = await desk.done("POST", "/licences/l-1:revoke", WHY)
    assert (revoked["status"], revoked["accounts"]) == ("revoked", [])
    before = await desk.acts()
    assert await desk.done("POST", "/licences/l-1:revoke", WHY) == revoked
    assert await desk.acts() == before
    assert (await desk.done("GET", "/accounts/acc-1"))["news"] == []
    history = (await desk.done("GET", "/licences/l-1/history"))["history"]
    assert [(act["actor"], act["reason"]) for act in history] == [("the admin", "ticket 12")] * 2


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"holder": "none"}, 422, "holder"),
        ({"accounts": ["none"]}, 422, "accounts"),
        ({"holder": "firm-1"}, 422, "accounts"),
        ({"scheme": "none"}, 422, "scheme"),
        ({"valid_to": 0}, 422, "valid_to"),
        ({"domains": ["not a domain"]}, 422, "domains"),
        ({"kind": "none"}, 400, "kind"),
        ({"accounts": "acc-1"}, 400, "accounts"),
        ({"valid_from": -1}, 400, "valid_from"),
        ({"issuer": " "}, 400, "issuer"),
        ({"more": 1}, 400, "more"),
    ],
)
async def test_a_licence_that_cannot_be(desk: Keeping, change: dict[str, Any], status: int, field: str) -> None:
    before = await desk.acts()
    response = await desk.ask("key-admin", "PUT", f"{HERE}/licences/l-1", {**LICENCE, **change})
    assert response.status_code == status, response.text
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await desk.acts() == before


async def test_a_licence_that_is_not_there(desk: Keeping) -> None:
    await desk.done("PUT", "/licences/l-1", LICENCE)
    for method, path, body in (
        ("GET", f"{THERE}/licences/l-1", None),
        ("GET", f"{THERE}/licences/l-1/history", None),
        ("POST", f"{THERE}/licences/l-1:revoke", WHY),
        ("GET", f"{HERE}/licences/none", None),
    ):
        response = await desk.ask("key-admin", method, path, body)
        assert (response.status_code, response.json()["code"]) == (404, "licence_unknown")
    assert (await desk.done("GET", "/licences/l-1"))["status"] == "active"


async def test_a_suspended_licence_does_not_count(desk: Keeping) -> None:
    assert (await desk.done("PUT", "/licences/l-1", {**LICENCE, "suspended": True}))["status"] == "suspended"
    assert (await desk.ask("key-one", "GET", "/v1/accounts/acc-1")).json()["label"] is None


async def test_versions_of_a_whitelist_and_which_is_in_force(desk: Keeping) -> None:
    assert await desk.done("GET", "/whitelists") == {"in_force": None, "versions": []}
    first = {"name": "2025", "valid_from": NOW_MS - DAY_MS, "csv": CSV, **WHY}
    assert await desk.done("POST", "/whitelists", first) == {"version": 1, "sources": 2}
    assert await desk.done("POST", "/whitelists", first) == {"version": 1, "sources": 2}
    later = {**first, "name": "2026", "valid_from": NOW_MS + DAY_MS}
    assert await desk.done("POST", "/whitelists", later) == {"version": 2, "sources": 2}
    found = await desk.done("GET", "/whitelists")
    assert found["in_force"] == 1
    assert [(one["version"], one["name"], one["sha256"]) for one in found["versions"]] == [
        (number, name, hashlib.sha256(CSV.encode()).hexdigest()) for number, name in ((1, "2025"), (2, "2026"))
    ]
    assert (await desk.done("GET", f"/whitelists?at={NOW_MS + DAY_MS}"))["in_force"] == 2
    assert (await desk.done("GET", f"/whitelists?at={NOW_MS - DAY_MS - 1}"))["in_force"] is None
    there = await desk.ask("key-admin", "GET", f"{THERE}/whitelists")
    assert there.json() == {"in_force": None, "versions": []}


async def test_one_bad_line_and_no_whitelist_is_added(desk: Keeping) -> None:
    before = await desk.acts()
    body = {"name": "2026", "valid_from": 0, "csv": f"{CSV}Third News,not a domain\n,x.example\n", **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/whitelists", body)
    errors = response.json()["errors"]
    assert (response.status_code, [error["field"] for error in errors]) == (422, ["csv", "csv"])
    assert [error["message"].partition(",")[0] for error in errors] == ["line 4", "line 5"]
    assert await desk.acts() == before


async def test_articles_are_taken_together_or_not_at_all(desk: Keeping) -> None:
    good, bad = {**ARTICLE, "published_at": "2026-01-31"}, {**ARTICLE, "published_at": "soon"}
    refused = await desk.ask("key-admin", "POST", f"{HERE}/articles", {"articles": [good, bad], **WHY})
    assert refused.status_code == 422
    assert [error["field"] for error in refused.json()["errors"]] == ["articles.1.published_at"]
    page = page_key(ARTICLE["url"])
    assert await desk.desk.news.article("t1", page, None) is None
    both = {"articles": [good, {**good, "url": "https://b.example/"}], **WHY}
    assert await desk.done("POST", "/articles", both) == {"articles": 2}
    found = await desk.desk.news.article("t1", page, None)
    assert found is not None
    assert found.text == "It rains."
    assert await desk.desk.news.article("t2", page, None) is None
    other = await desk.ask("key-admin", "POST", f"{HERE}/articles", {"articles": [], **WHY})
    assert other.status_code == 400


async def test_a_long_whitelist_is_read_beside_other_requests(desk: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    read_by: list[int] = []

    def reading(text: str) -> list[Source]:
        read_by.append(threading.get_ident())
        return read_csv(text)

    monkeypatch.setattr(sources, "read_csv", reading)
    await desk.done("POST", "/whitelists", {"name": "long", "valid_from": 0, "csv": CSV, **WHY})
    assert len(read_by) == 1
    assert read_by[0] != threading.get_ident()
