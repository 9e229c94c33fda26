"""`/v1/reports`: by anybody, by chat apps, by trusted flaggers; and what they are told."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest

from gateway.adapters.sql.reports import SqlReports
from gateway.core.registration import By
from gateway.core.reports import Verdict
from gateway.http.pages import words
from gateway.ports.reports import Decided, Report
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, HERE, THERE, TOTAL, Keeping
from tests.http.reporting import BODY, FORM, MAIL, NAME, counted, stranger
from tests.world import OTHER

ANN = By("Ann", "looked at it")


async def newest(desk: Keeping) -> Report:
    """The report that was made last."""
    assert desk.desk.reports is not None
    made = await desk.desk.reports.queue("t1", (0, ""), 100)
    return max([one for one in made if one.report_id != "report-1"], key=lambda one: one.report_id)


async def decide(desk: Keeping, verdict: Verdict) -> None:
    """Decide it."""
    assert desk.desk.reports is not None
    report = await newest(desk)
    assert isinstance(
        await desk.desk.reports.decide("t1", report.report_id, verdict, ANN, desk.world.clock.now), Decided
    )


async def test_anybody_reports_and_is_told_what_comes_of_it(desk: Keeping) -> None:
    before = counted("fraud", "api")
    async with stranger(desk) as client:
        response = await client.post("/v1/reports", json=BODY)
        assert (response.status_code, response.headers["cache-control"]) == (201, "no-store")
        receipt = response.json()
        assert (receipt["state"], receipt["warning"]) == ("received", None)
        assert receipt["status_url"] == f"/report/{receipt['receipt_id']}?token={receipt['token']}"
        bearer = {"Authorization": f"Bearer {receipt['token']}"}
        path = f"/v1/reports/{receipt['receipt_id']}"
        told = (await client.get(path, headers=bearer)).json()
        assert (told["state"], told["category"], told["automated"], told["redress"]) == ("received", "fraud", False, [])
        assert [each["about"] for each in told["reports"]] == BODY["urls"]
        await decide(desk, Verdict(False, note="It is a lottery with a licence."))
        told = (await client.get(path, headers=bearer)).json()
        assert told["state"] == "not_actioned"
        assert told["reports"][0]["note"] == "It is a lottery with a licence."
        assert told["redress"] == ["complain", "out_of_court_settlement", "court"]
        again = (await client.post(f"{path}:complain", headers=bearer)).json()
        assert (again["state"], again["reports"][0]["may_complain"]) == ("appeal_open", False)
        # Nothing that its reporter said of themselves is told back.
        assert NAME not in str(told)
        assert MAIL not in str(told)
    assert counted("fraud", "api") == before + 1


async def test_a_wrong_token_is_no_token(desk: Keeping) -> None:
    async with stranger(desk) as client:
        receipt = (await client.post("/v1/reports", json=BODY)).json()
        path = f"/v1/reports/{receipt['receipt_id']}"
        assert (await client.get(path)).status_code == 401
        for wrong in (b"Bearer wrong", "Bearer \xe9".encode("latin-1")):
            headers = {b"Authorization": wrong}
            for call in (client.get(path, headers=headers), client.post(f"{path}:complain", headers=headers)):
                response = await call
                assert (response.status_code, response.json()["code"]) == (404, "receipt_unknown")
        made_up = await client.get("/v1/reports/none", headers={"Authorization": f"Bearer {receipt['token']}"})
        assert made_up.status_code == 404


@pytest.mark.parametrize(
    ("change", "status", "fields"),
    [
        ({"explanation": None}, 400, ["explanation"]),
        ({"explanation": " "}, 422, ["explanation"]),
        ({"category": "opinion"}, 422, ["category"]),
        ({"urls": []}, 422, ["urls"]),
        ({"urls": ["nowhere"]}, 422, ["urls"]),
        ({"urls": [7]}, 400, ["urls.0"]),
        ({"name": None, "email": None}, 422, ["name", "email"]),
        ({"email": "somebody"}, 422, ["email"]),
        ({"bona_fide": False}, 422, ["bona_fide"]),
        ({"bona_fide": "yes"}, 400, ["bona_fide"]),
        ({"tenant": None}, 422, ["tenant"]),
        ({"tenant": "none"}, 422, ["tenant"]),
        ({"tenant": "a\x00b"}, 422, ["tenant"]),
        ({MAIL: 1}, 400, ["body"]),
    ],
)
async def test_each_field_that_cannot_be_is_named_and_not_quoted(
    desk: Keeping, change: dict[str, Any], status: int, fields: list[str]
) -> None:
    before = await desk.acts()
    async with stranger(desk) as client:
        response = await client.post("/v1/reports", json={**BODY, **change})
    assert response.status_code == status, response.text
    assert [error["field"] for error in response.json()["errors"]] == fields
    assert MAIL not in response.text
    assert await desk.acts() == before


async def test_child_abuse_is_reported_without_a_name(desk: Keeping) -> None:
    nameless = {**BODY, "category": "sexual_minors", "name": None, "email": None}
    async with stranger(desk) as client:
        assert (await client.post("/v1/reports", json=nameless)).status_code == 201
    report = await newest(desk)
    assert report.due_ms == NOW_MS + 3_600_000


async def test_the_same_again_is_answered_with_the_same_receipt(desk: Keeping) -> None:
    async with stranger(desk) as client:
        first, again = [await client.post("/v1/reports", json=BODY) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 200)
    assert (first.json()["receipt_id"], first.json()["token"]) == (again.json()["receipt_id"], again.json()["token"])


async def test_what_is_not_there_is_answered_like_what_is(desk: Keeping) -> None:
    async with stranger(desk) as client:
        real, made_up = [
            (await client.post("/v1/reports", json={**BODY, "urls": [], "message_ids": [each]})).json()
            for each in ("m-1", "made-up")
        ]
    for answer in (real, made_up):
        for name in ("receipt_id", "token", "status_url"):
            answer.pop(name)
    assert real == made_up


async def test_a_client_without_a_key_has_so_many(desk: Keeping) -> None:
    async with stranger(desk) as client, stranger(desk, "203.0.113.8") as other:
        for number in range(3):
            body = {**BODY, "explanation": f"No. {number}"}
            assert (await client.post("/v1/reports", json={**body, "category": "x"})).status_code == 422  # counts not
            assert (await client.post("/v1/reports", json=body)).status_code == 201
        refused = await client.post("/v1/reports", json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (429, "reports_limited")
        assert "try again in 20 s" in refused.json()["detail"]
        assert refused.headers["retry-after"] == "20"
        assert (await other.post("/v1/reports", json=BODY)).status_code == 201
        desk.world.clock.now += 20_000
        assert (await client.post("/v1/reports", json={**BODY, "explanation": "later"})).status_code == 201
        assert (await client.post("/v1/reports", json=BODY)).status_code == 429


async def test_what_is_no_report_mutes_nobody_else_from_however_many_addresses(desk: Keeping) -> None:
    for number in range(2 * TOTAL):
        async with stranger(desk, f"192.0.2.{number}") as client:
            for _ in range(4):
                answer = await client.post("/v1/reports", json={**BODY, "tenant": "made-up"})
                assert answer.status_code in (422, 429)
    async with stranger(desk) as client:
        assert (await client.post("/v1/reports", json=BODY)).status_code == 201


async def test_an_application_has_so_many_reports_and_another_has_its_own(desk: Keeping) -> None:
    async with stranger(desk, "192.0.2.1") as client:
        for number in range(TOTAL):
            async with stranger(desk, f"198.51.100.{number}") as other:
                sent = await other.post("/v1/reports", json={**BODY, "explanation": f"No. {number}"})
                assert sent.status_code == 201
        refused = await client.post("/v1/reports", json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (429, "reports_limited")
        assert "of this application" in refused.json()["detail"]
        assert (await client.post("/v1/reports", json={**BODY, "tenant": OTHER.tenant_id})).status_code == 201
    async with stranger(desk, "192.0.2.2") as client:
        page = await client.post("/report", data=FORM)
        assert (page.status_code, "Too many reports of this app" in page.text) == (429, True)


async def test_applications_are_not_found_out_by_trying(desk: Keeping) -> None:
    async with stranger(desk) as client:
        answers = [await client.post("/v1/reports", json={**BODY, "tenant": f"t-{n}"}) for n in range(2)]
        page = await client.post("/report", data={"tenant": "t-3"})
        assert [each.status_code for each in (*answers, page)] == [422, 422, 422]
        assert (await client.post("/v1/reports", json=BODY)).status_code == 429


async def test_a_chat_app_reports_for_its_users_as_often_as_they_do(desk: Keeping) -> None:
    before = counted("fraud", "app")
    body = {**BODY, "tenant": None}
    async with desk.client("key-one") as app:
        answers = [await app.post("/v1/reports", json={**body, "email": f"{n}@a.example"}) for n in range(6)]
        assert {each.status_code for each in answers} == {201}
        elsewhere = await app.post("/v1/reports", json={**BODY, "tenant": "t2"})
        assert [each["field"] for each in elsewhere.json()["errors"]] == ["tenant"]
        assert (await app.post("/v1/reports", json=BODY)).status_code == 201
    assert counted("fraud", "app") == before + 7
    assert (await newest(desk)).reporters == 7


async def test_a_trusted_flagger_comes_first(desk: Keeping) -> None:
    body = {**BODY, "category": "spam", "urls": ["https://one.example/m/8"], "name": None, "email": None}
    async with desk.client("key-flagger") as flagger:
        assert (await flagger.post("/v1/reports", json=body)).status_code == 201
    report = await newest(desk)
    assert (report.trusted, report.due_ms) == (True, NOW_MS + DAY_MS)
    assert (await desk.ask("key-admin", "POST", f"{HERE}/flaggers/Watch:revoke", {"reason": "left"})).status_code == 200
    async with desk.client("key-flagger") as flagger:
        response = await flagger.post("/v1/reports", json=body)
    assert (response.status_code, response.json()["code"]) == (401, "unauthorised")


async def test_a_key_that_is_none_is_refused(desk: Keeping) -> None:
    before = await desk.acts()
    for key in ("no-such-key", "key-admin"):
        async with desk.client(key) as client:
            assert (await client.post("/v1/reports", json=BODY)).status_code == 401
    async with stranger(desk, Authorization="Basic YTpi") as client:
        assert (await client.post("/v1/reports", json=BODY)).status_code == 401
    assert await desk.acts() == before


async def test_who_is_muted_is_told_until_when(desk: Keeping) -> None:
    for number in range(6):
        async with stranger(desk, f"203.0.113.{number}") as client:
            response = await client.post("/v1/reports", json={**BODY, "explanation": f"No. {number}"})
        assert response.status_code == 201
        assert (response.json()["warning"] is not None) is (number >= 3)
        await decide(desk, Verdict(False, unfounded=True))
        desk.world.clock.now += 1
    async with stranger(desk) as client:
        refused = await client.post("/v1/reports", json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (429, "reporter_muted")
        assert refused.json()["until_ms"] == NOW_MS + 5 + 30 * DAY_MS
        assert "2027-02-14" in refused.json()["detail"]
        assert MAIL not in refused.text
        nameless = {**BODY, "category": "sexual_minors", "name": None, "email": None}
        assert (await client.post("/v1/reports", json=nameless)).status_code == 201


async def test_without_keys_nothing_is_taken_and_who_runs_it_is_told(desk: Keeping) -> None:
    bare = SqlReports(desk.store.database, None, desk.world.clock.new_id)
    desk.app.state.reporting = replace(desk.app.state.reporting, reports=bare)
    async with stranger(desk) as client:
        refused = await client.post("/v1/reports", json=BODY)
        assert (refused.status_code, refused.json()["code"]) == (503, "keys_unavailable")
        assert "GATEWAY_KEYS_FILE" in refused.json()["detail"]


# -- the desk


async def test_a_reviewer_reads_what_is_said_and_not_by_whom(desk: Keeping) -> None:
    async with stranger(desk) as client:
        await client.post("/v1/reports", json=BODY)
    listed = await desk.done("GET", "/reports")
    assert len(listed["reports"]) == 2
    report_id = (await newest(desk)).report_id
    response = await desk.ask("key-reviewer", "GET", f"{HERE}/reports/{report_id}")
    shown = response.json()
    assert [each["explanation"] for each in shown["said"]] == [BODY["explanation"]]
    assert (shown["urgency"], shown["overdue"], shown["references"]) == ("normal", False, BODY["urls"])
    assert NAME not in response.text
    assert MAIL not in response.text
    assert (
        await desk.ask("key-reviewer", "POST", f"{HERE}/reports/{report_id}:reveal", {"reason": "x"})
    ).status_code == 403
    told = await desk.done("POST", f"/reports/{report_id}:reveal", {"reason": "letter 7"})
    assert [(each["name"], each["email"]) for each in told["reporters"]] == [(NAME, MAIL)]


async def test_the_list_goes_on(desk: Keeping) -> None:
    async with desk.client("key-one") as app:
        for number in range(3):
            await app.post("/v1/reports", json={**BODY, "urls": [f"https://one.example/{number}"]})
    first = await desk.done("GET", "/reports?limit=3")
    rest = await desk.done("GET", f"/reports?limit=3&after={first['next']}")
    assert (len(first["reports"]), len(rest["reports"]), rest["next"]) == (3, 1, None)
    assert (await desk.ask("key-admin", "GET", f"{HERE}/reports?after=x")).status_code == 400


async def test_two_reviewers_do_not_decide_one_report(desk: Keeping) -> None:
    path, why = f"{HERE}/reports/report-1", {"reason": "looked at it"}
    assert (await desk.ask("key-reviewer", "POST", f"{path}:claim")).json()["claimed_by"] == "the reviewer"
    decision = {"actioned": True, "note": "Thank you.", **why}
    for answer in (
        await desk.ask("scoped-reviewer", "POST", f"{path}:claim"),
        await desk.ask("scoped-reviewer", "POST", f"{path}:let_go"),
        await desk.ask("scoped-reviewer", "POST", f"{path}:decide", decision),
    ):
        assert (answer.status_code, answer.json()["code"]) == (409, "claimed")
    decided = (await desk.ask("key-reviewer", "POST", f"{path}:decide", decision)).json()
    assert (decided["state"], decided["takedown"], decided["decided_by"]) == ("actioned", False, "the reviewer")
    assert (decided["claimed_by"], decided["claimed_until_ms"]) == (None, None)
    again = await desk.ask("scoped-reviewer", "POST", f"{path}:decide", decision)
    assert (again.status_code, again.json()["code"]) == (409, "decided")


async def test_a_report_that_was_let_go_is_anybodys(desk: Keeping) -> None:
    path = f"{HERE}/reports/report-1"
    await desk.ask("key-reviewer", "POST", f"{path}:claim")
    freed = (await desk.ask("key-reviewer", "POST", f"{path}:let_go")).json()
    assert (freed["claimed_by"], freed["state"]) == (None, "under_review")
    assert (await desk.ask("scoped-reviewer", "POST", f"{path}:claim")).status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"actioned": True, "category": "opinion"}, 422, "category"),
        ({"actioned": True, "manifestly_unfounded": True}, 422, "contradiction"),
        ({"actioned": False, "note": "Canary Reporter Zyxw is wrong"}, 422, "reason_quotes"),
        ({"actioned": False, "note": "a\x1b[2J"}, 400, "bad_body"),
        ({"actioned": False, "note": "x" * 2001}, 400, "bad_body"),
    ],
)
async def test_a_decision_that_cannot_be(desk: Keeping, body: dict[str, Any], status: int, code: str) -> None:
    before = await desk.acts()
    path = f"{HERE}/reports/report-1:decide"
    answer = await desk.ask("key-reviewer", "POST", path, {**body, "reason": "looked at it"})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert "Canary" not in answer.text
    assert await desk.acts() == before


async def test_another_tenants_report_is_not_there(desk: Keeping) -> None:
    for method, path, body in (
        ("GET", "/reports/report-1", None),
        ("POST", "/reports/report-1:claim", None),
        ("POST", "/reports/report-1:let_go", None),
        ("POST", "/reports/report-1:decide", {"actioned": False, "reason": "x"}),
        ("POST", "/reports/report-1:reveal", {"reason": "x"}),
    ):
        answer = await desk.ask("key-admin", method, THERE + path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "report_unknown")
    assert (await desk.ask("key-admin", "GET", f"{THERE}/reports")).json()["reports"] == []
    assert (await desk.ask("key-admin", "GET", f"{THERE}/flaggers")).json()["flaggers"] == []


async def test_flaggers_over_http(desk: Keeping) -> None:
    added = await desk.done("POST", "/flaggers", {"name": "Hotline", "reason": "certified"})
    async with desk.client(added["key"]) as flagger:
        body = {**BODY, "tenant": None, "urls": ["https://one.example/m/9"]}
        assert (await flagger.post("/v1/reports", json=body)).status_code == 201
    await decide(desk, Verdict(False, unfounded=True))
    found = {each["name"]: each for each in (await desk.done("GET", "/flaggers"))["flaggers"]}
    assert (found["Hotline"]["decided"], found["Hotline"]["errors"], found["Hotline"]["manifestly_unfounded"]) == (
        1,
        1,
        1,
    )
    again = await desk.ask("key-admin", "POST", f"{HERE}/flaggers", {"name": "Hotline", "reason": "x"})
    assert (again.status_code, again.json()["code"]) == (409, "flagger_exists")
    unknown = await desk.ask("key-admin", "POST", f"{HERE}/flaggers/None:revoke", {"reason": "x"})
    assert (unknown.status_code, unknown.json()["code"]) == (404, "flagger_unknown")


@pytest.mark.parametrize("path", ["/v1/reports", "/report"])
async def test_many_at_once_are_no_more_than_one_after_another(desk: Keeping, path: str) -> None:
    """All are let in before the body of any is there."""
    sent, whole = 0, asyncio.Event()

    async def held_back(body: bytes) -> AsyncIterator[bytes]:
        nonlocal sent
        sent += 1
        if sent == 100:
            whole.set()
        await whole.wait()
        yield body

    async with stranger(desk) as client:

        async def send(number: int) -> int:
            body = {**BODY, "explanation": f"No. {number}"}
            if path == "/v1/reports":
                kind, content = "application/json", json.dumps(body)
            else:
                kind, content = "application/x-www-form-urlencoded", urlencode({**FORM, "explanation": f"No. {number}"})
            headers = {"Content-Type": kind}
            return (await client.post(path, content=held_back(content.encode()), headers=headers)).status_code

        answers = Counter(await asyncio.gather(*map(send, range(100))))
    assert answers == {201 if path == "/v1/reports" else 200: 3, 429: 97}


async def test_a_network_looks_so_often(desk: Keeping) -> None:
    headers = {"Authorization": "Bearer made-up"}
    async with stranger(desk) as client, stranger(desk, "203.0.113.8") as other:

        async def look(which: int) -> httpx.Response:
            match which:
                case 0:
                    return await client.get("/v1/reports/receipt-1", headers=headers)
                case 1:
                    return await client.post("/v1/reports/receipt-1:complain", headers=headers)
                case 2:
                    return await client.get("/report/receipt-1?token=made-up")
            return await client.post("/report/receipt-1/complain?lang=zh", data={"token": "made-up"})

        for number in range(30):
            assert (await look(number % 4)).status_code == 404
        for which in range(4):
            refused = await look(which)
            assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
        assert words("report", "zh")["looks_limited"].format(seconds=2) in refused.text
        assert (await look(0)).json()["code"] == "receipts_limited"
        assert (await other.get("/v1/reports/receipt-1", headers=headers)).status_code == 404
        assert (await client.post("/v1/reports", json=BODY)).status_code == 201  # counted apart
        desk.world.clock.now += 2_000
        assert (await look(0)).status_code == 404
