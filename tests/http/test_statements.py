"""From a block to its statement, the appeal, and the message that is published after all, in a whole gateway."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from gateway.adapters.sql.statements import SqlStatements
from gateway.core.dsa import record
from gateway.core.dsa_fields import problems
from gateway.core.dsa_rules import Transparency
from tests.http.complaining import SCAM, THREAT, WHY, Whole, whole

REPORTER = {"tenant": "t1", "name": "Vbnmqwer", "email": "vbnmqwer@canary.example", "bona_fide": True}
ADMIN = "/v1/admin/tenants/t1/appeals"


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path) as opened:
        yield opened


async def test_blocked_stated_in_chinese_appealed_against_and_published_once(gateway: Whole) -> None:
    status, message_id = await gateway.publish(THREAT)
    assert (status, gateway.upstream.got) == (403, [])

    statement = await gateway.statement(message_id, params={"lang": "zh"})
    assert (statement["language"], statement["title"]) == ("zh", "您的消息未获发布")
    assert (statement["category"], statement["automation"], statement["automated_detection"]) == (
        "violence",
        "fully",
        True,
    )
    assert [each["name"] for each in statement["sections"]] == [
        "restriction",
        "facts",
        "automation",
        "ground",
        "redress",
    ]
    assert "暴力" in statement["sections"][1]["text"]
    assert statement["appeal"]["possible"]
    told = await gateway.ask("acme", "GET", f"/v1/messages/{message_id}")
    assert told.json()["statement_ids"] == [statement["statement_id"]]

    body = {"statement_id": statement["statement_id"], "text": "这是小说里的一句话。", "language": "zh"}
    made = await gateway.ask("acme", "POST", "/v1/appeals", json=body)
    assert (made.status_code, made.json()["state"]) == (201, "open")
    appeal_id = made.json()["appeal_id"]
    again = await gateway.ask("acme", "POST", "/v1/appeals", json=body)
    assert (again.status_code, again.json()["code"], again.json()["appeal_id"]) == (409, "appeal_exists", appeal_id)

    waiting = await gateway.ask("bob", "GET", ADMIN)
    assert [each["appeal_id"] for each in waiting.json()["appeals"]] == [appeal_id]
    shown = await gateway.ask("bob", "GET", f"{ADMIN}/{appeal_id}")
    assert (shown.json()["text"], shown.json()["involved"]) == ("这是小说里的一句话。", [])
    decision = {"outcome": "reversed", "note": "A line of a novel.", **WHY}
    decided = await gateway.ask("bob", "POST", f"{ADMIN}/{appeal_id}:decide", json=decision)
    assert (decided.status_code, decided.json()["restored"], decided.json()["decided_by"]) == (200, "queued", "Bob")
    late = await gateway.ask("ann", "POST", f"{ADMIN}/{appeal_id}:decide", json=decision)
    assert (late.status_code, late.json()["code"]) == (409, "appeal_decided")

    await gateway.becomes(message_id, "published")
    assert [got.body for got in gateway.upstream.got] == [f'{{"account_id":"acc-1","text":"{THREAT}"}}'.encode()]
    own = await gateway.ask("acme", "GET", f"/v1/appeals/{appeal_id}")
    assert (own.json()["state"], own.json()["note"]) == ("reversed", "A line of a novel.")
    over = await gateway.statement(message_id, lifted="reversed")
    assert (over["appeal"]["possible"], over["appeal"]["state"]) == (False, "reversed")


async def test_who_rejected_the_message_does_not_decide(gateway: Whole) -> None:
    status, message_id = await gateway.publish(SCAM)
    assert status == 202
    hold = await gateway.statement(message_id, "hold", headers={"Accept-Language": "zh-CN, en;q=0.1"})
    assert hold["language"] == "zh"
    reject = {"code": "fraud", "reason": "a scam"}
    holds = f"/v1/admin/tenants/t1/holds/{message_id}"
    assert (await gateway.ask("ann", "POST", f"{holds}:reject", json=reject)).status_code == 200
    statement = await gateway.statement(message_id)
    assert (statement["automation"], statement["category"]) == ("not", "fraud")
    old = {"statement_id": hold["statement_id"], "text": "No."}
    superseded = await gateway.ask("acme", "POST", "/v1/appeals", json=old)
    assert (superseded.status_code, superseded.json()["code"]) == (409, "restriction_superseded")
    made = await gateway.ask("acme", "POST", "/v1/appeals", json={**old, "statement_id": statement["statement_id"]})
    path = f"{ADMIN}/{made.json()['appeal_id']}"
    assert (await gateway.ask("ann", "GET", path)).json()["involved"] == ["Ann"]
    decision = {"outcome": "reversed", **WHY}
    refused = await gateway.ask("ann", "POST", f"{path}:decide", json=decision)
    assert (refused.status_code, refused.json()["code"]) == (403, "reviewer_involved")
    assert (await gateway.ask("bob", "POST", f"{path}:decide", json=decision)).status_code == 200
    await gateway.becomes(message_id, "published")
    assert len(gateway.upstream.got) == 1


async def test_an_app_that_forwards_by_itself_is_told_by_the_state(gateway: Whole) -> None:
    status, message_id = await gateway.publish(THREAT, "/v1/decisions")
    assert status == 200
    statement = await gateway.statement(message_id)
    body = {"statement_id": statement["statement_id"], "text": "A novel."}
    made = await gateway.ask("acme", "POST", "/v1/appeals", json=body)
    decision = {"outcome": "reversed", **WHY}
    await gateway.ask("bob", "POST", f"{ADMIN}/{made.json()['appeal_id']}:decide", json=decision)
    await gateway.becomes(message_id, "released")
    assert gateway.upstream.got == []


async def test_statements_of_an_account_in_pages(gateway: Whole) -> None:
    ids = []
    for _ in range(3):
        _, message_id = await gateway.publish(THREAT)
        ids.append((await gateway.statement(message_id))["statement_id"])
    found: list[dict[str, Any]] = []
    before: str | None = ""
    while before is not None:
        path = f"/v1/accounts/acc-1/statements?limit=2&before={before}"
        page = (await gateway.ask("acme", "GET", path)).json()
        assert len(page["statements"]) == 2 or page["next"] is None
        found, before = [*found, *page["statements"]], page["next"]
    # What the ladder made of the violations is told, too.
    assert [each["statement_id"] for each in found if each["sanction_id"] is None] == ids[::-1]
    assert [each["statement_id"] for each in found] == sorted([each["statement_id"] for each in found], reverse=True)
    one = await gateway.ask("acme", "GET", f"/v1/statements/{ids[0]}?lang=fr")
    assert (one.status_code, one.json()["language"]) == (200, "en")


@pytest.mark.parametrize(("category", "degree"), [("fraud", "warn"), ("terrorism", "suspend")])
async def test_what_readers_reported_and_a_person_took_down_is_told_as_such_of_the_sanction_too(
    gateway: Whole, category: str, degree: str
) -> None:
    status, message_id = await gateway.publish("Good morning! The library opens at nine today.")
    assert status == 200
    report = {"explanation": "They ask for money.", "category": category, "message_ids": [message_id]}
    made = await gateway.ask(None, "POST", "/v1/reports", json={**report, **REPORTER})
    assert made.status_code == 201, made.text
    reports = "/v1/admin/tenants/t1/reports"
    [one] = (await gateway.ask("ann", "GET", reports)).json()["reports"]
    decision = {"actioned": True, "category": category, **WHY}
    decided = await gateway.ask("ann", "POST", f"{reports}/{one['report_id']}:decide", json=decision)
    assert (decided.status_code, decided.json()["takedown"]) == (200, True)

    takedown = await gateway.statement(message_id, "takedown")
    assert (takedown["source"], takedown["automated_detection"], takedown["automation"]) == ("report", False, "not")
    stated = await gateway.of_account(degree)
    assert (stated["source"], stated["automated_detection"], stated["automation"]) == ("report", False, "partially")
    how = next(each["text"] for each in stated["sections"] if each["name"] == "automation")
    assert how == (
        "It was not found by automatic means. A person decided on what led to it. That it follows from that was "
        "decided by automatic means, without a person."
    )

    kept = await SqlStatements(gateway.app.state.store.database).statement(stated["statement_id"])
    assert kept is not None
    told = record(kept, Transparency())
    if degree == "warn":
        assert told is None  # a warning restricts nothing
        return
    assert told is not None
    assert problems(told) == []
    fields = ("source_type", "automated_detection", "automated_decision")
    assert [told[each] for each in fields] == ["SOURCE_ARTICLE_16", "No", "AUTOMATED_DECISION_PARTIALLY"]


async def test_nothing_crosses_tenants(gateway: Whole) -> None:
    _, message_id = await gateway.publish(THREAT)
    statement_id = (await gateway.statement(message_id))["statement_id"]
    body = {"statement_id": statement_id, "text": "Mine."}
    made = (await gateway.ask("acme", "POST", "/v1/appeals", json=body)).json()["appeal_id"]
    for method, path in (
        ("GET", f"/v1/messages/{message_id}/statement"),
        ("GET", f"/v1/statements/{statement_id}"),
        ("GET", f"/v1/appeals/{made}"),
        ("POST", "/v1/appeals"),
    ):
        answer = await gateway.ask("other", method, path, json=body if method == "POST" else None)
        assert (answer.status_code, answer.json()["code"].endswith("_unknown")) == (404, True)
    theirs = await gateway.ask("other", "GET", "/v1/accounts/acc-1/statements")
    assert theirs.json() == {"statements": [], "next": None}
    for path in (f"/{made}", f"/{made}:decide"):
        decision = {"outcome": "reversed", **WHY} if path.endswith("decide") else None
        method = "POST" if decision else "GET"
        answer = await gateway.ask("bob", method, f"/v1/admin/tenants/t2/appeals{path}", json=decision)
        assert (answer.status_code, answer.json()["code"]) == (404, "appeal_unknown")


async def test_what_was_not_restricted_has_no_statement(gateway: Whole) -> None:
    status, message_id = await gateway.publish("Good morning! The library opens at nine today.")
    assert status == 200
    answer = await gateway.ask("acme", "GET", f"/v1/messages/{message_id}/statement")
    assert (answer.status_code, answer.json()["code"]) == (404, "statement_unknown")
    answer = await gateway.ask("acme", "GET", "/v1/messages/none/statement")
    assert (answer.status_code, answer.json()["code"]) == (404, "message_unknown")


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"text": ""}, "text"),
        ({"text": " \n "}, "text"),
        ({"text": "x" * 5_001}, "text"),
        ({"text": 7}, "text"),
        ({"language": "z h"}, "language"),
        ({"statement_id": ""}, "statement_id"),
        ({"more": 1}, "more"),
    ],
)
async def test_an_appeal_that_cannot_be_read_names_the_field(
    gateway: Whole, changed: dict[str, object], field: str
) -> None:
    body = {"statement_id": "s-1", "text": "No.", **changed}
    answer = await gateway.ask("acme", "POST", "/v1/appeals", json=body)
    assert (answer.status_code, [each["field"] for each in answer.json()["errors"]]) == (400, [field])


async def test_without_a_key_file_the_app_appeals_and_there_is_no_page(tmp_path: Path) -> None:
    async with whole(tmp_path, keys=False) as gateway:
        _, message_id = await gateway.publish(THREAT)
        statement = await gateway.statement(message_id)
        assert (statement["appeal"]["page"], statement["appeal"]["possible"]) == (None, True)
        body = {"statement_id": statement["statement_id"], "text": "No."}
        assert (await gateway.ask("acme", "POST", "/v1/appeals", json=body)).status_code == 201
        page = await gateway.ask(None, "GET", f"/appeal/{statement['statement_id']}?token=")
        assert page.status_code == 404
