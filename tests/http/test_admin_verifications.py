"""Verifications over HTTP: begun by a registrar, judged by reviewers, seen in the account at once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.http.requests import hash_key
from tests.fakes import NOW_MS
from tests.http.keeping import DAY_MS, HERE, THERE, Keeping

WHY: dict[str, Any] = {"reason": "ticket 12"}
YES, NO = {"approve": True, **WHY}, {"approve": False, **WHY}


async def begin(desk: Keeping, registrant_id: str) -> str:
    """Begin a review by people; its id."""
    begun = await desk.done("POST", f"/registrants/{registrant_id}/verifications", {"provider": "staff", **WHY})
    assert (begun["state"], begun["verdicts"], begun["framework"]) == ("review", [], "manual")
    found: str = begun["verification_id"]
    return found


async def test_one_reviewer_verifies_a_person(desk: Keeping) -> None:
    judged = await desk.ask("key-reviewer", "POST", f"{HERE}/verifications/v-1-t1:review", YES)
    assert judged.json() == {
        "verification_id": "v-1-t1",
        "registrant_id": "person-1",
        "provider": "staff",
        "state": "verified",
        "framework": "manual",
        "level": "seen",
        "created_ms": NOW_MS,
        "expires_at": NOW_MS + 30 * DAY_MS,
        "verdicts": [{"reviewer": "the reviewer", "approve": True, "at_ms": NOW_MS}],
    }
    assert await desk.done("GET", "/registrants/person-1/verifications") == {"verifications": [judged.json()]}
    account = await desk.done("GET", "/accounts/acc-1")
    assert (account["registrant"]["state"], account["registrant"]["expires_at"]) == ("verified", NOW_MS + 30 * DAY_MS)
    last = (await desk.done("GET", "/registrants/person-1/history"))["history"][-1]
    assert (last["actor"], last["reason"]) == ("the reviewer", "ticket 12")


async def test_two_different_reviewers_verify_an_organisation(desk: Keeping) -> None:
    verification = await begin(desk, "firm-1")
    path = f"{HERE}/verifications/{verification}:review"
    first = await desk.ask("key-reviewer", "POST", path, YES)
    assert first.json()["state"] == "review"
    before = await desk.acts()
    again = await desk.ask("key-reviewer", "POST", path, YES)
    assert (again.status_code, again.json()["code"]) == (409, "verdict_twice")
    assert await desk.acts() == before
    second = await desk.ask("scoped-reviewer", "POST", path, YES)
    assert second.json()["state"] == "verified"
    assert [verdict["reviewer"] for verdict in second.json()["verdicts"]] == ["the reviewer", "our reviewer"]
    assert (await desk.done("GET", "/registrants/firm-1"))["state"] == "verified"


async def test_one_refusal_declines(desk: Keeping) -> None:
    verification = await begin(desk, "firm-1")
    declined = await desk.done("POST", f"/verifications/{verification}:review", NO)
    assert declined["state"] == "declined"
    late = await desk.ask("key-reviewer", "POST", f"{HERE}/verifications/{verification}:review", YES)
    assert (late.status_code, late.json()["code"]) == (409, "verification_state")


async def test_a_session_of_a_provider_is_begun_once(desk: Keeping) -> None:
    body = {"provider": "webs", "reference": "vs_1", **WHY}
    path = f"{HERE}/registrants/person-2/verifications"
    first = await desk.ask("key-registrar", "POST", path, body)
    before = await desk.acts()
    second = await desk.ask("key-registrar", "POST", path, body)
    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert "vs_1" not in first.text
    another = await desk.ask("key-registrar", "POST", f"{HERE}/registrants/person-1/verifications", body)
    assert (another.status_code, another.json()["code"]) == (409, "registrant_unknown")
    assert await desk.acts() == before


async def test_a_review_that_is_open_is_not_begun_again(desk: Keeping) -> None:
    verification = await begin(desk, "firm-1")
    before = await desk.acts()
    start = {"provider": "staff", **WHY}
    again = await desk.ask("key-registrar", "POST", f"{HERE}/registrants/firm-1/verifications", start)
    assert (again.status_code, again.json()["verification_id"]) == (200, verification)
    assert await desk.acts() == before


async def test_what_is_given_up_is_over(desk: Keeping) -> None:
    path = f"{HERE}/verifications/{await begin(desk, 'firm-1')}"
    canceled = await desk.ask("key-registrar", "POST", f"{path}:cancel", WHY)
    assert (canceled.status_code, canceled.json()["state"]) == (200, "canceled")
    before = await desk.acts()
    again = await desk.ask("key-registrar", "POST", f"{path}:cancel", WHY)
    assert (again.status_code, again.json()) == (200, canceled.json())
    assert (await desk.ask("key-reviewer", "POST", f"{path}:review", YES)).status_code == 409
    assert await desk.acts() == before
    last = (await desk.done("GET", "/registrants/firm-1/history"))["history"][-1]
    assert (last["actor"], last["reason"]) == ("the registrar", "ticket 12")
    await begin(desk, "firm-1")


async def test_what_was_proved_is_not_given_up(desk: Keeping) -> None:
    await desk.ask("key-reviewer", "POST", f"{HERE}/verifications/v-1-t1:review", YES)
    refused = await desk.ask("key-registrar", "POST", f"{HERE}/verifications/v-1-t1:cancel", WHY)
    assert (refused.status_code, refused.json()["code"]) == (409, "verification_state")
    assert (await desk.done("GET", "/registrants/person-1"))["state"] == "verified"


@pytest.mark.parametrize(
    ("path", "body", "status", "code", "field"),
    [
        ("/registrants/person-2/verifications", {"provider": "none"}, 422, "provider_unknown", "provider"),
        ("/registrants/person-2/verifications", {"provider": "webs"}, 422, "reference_needed", "reference"),
        (
            "/registrants/person-2/verifications",
            {"provider": "staff", "reference": "x"},
            422,
            "reference_not_taken",
            "reference",
        ),
        ("/registrants/none/verifications", {"provider": "staff"}, 404, "registrant_unknown", "registrant_id"),
        ("/verifications/none:review", {"approve": True}, 404, "verification_unknown", "verification_id"),
        ("/verifications/v-1-t2:review", {"approve": True}, 404, "verification_unknown", "verification_id"),
        ("/verifications/v-1-t2:submit", {}, 404, "verification_unknown", "verification_id"),
        ("/verifications/v-2-t2:cancel", {}, 404, "verification_unknown", "verification_id"),
        ("/verifications/v-2-t1:review", {"approve": True}, 409, "verification_state", "verification_id"),
        ("/verifications/v-1-t1:submit", {}, 409, "verification_state", "verification_id"),
        ("/verifications/v-1-t1:review", {"approve": "yes"}, 400, "bad_body", "approve"),
        ("/verifications/v-1-t1:review", {}, 400, "bad_body", "approve"),
    ],
)
async def test_what_is_refused_changes_nothing(
    desk: Keeping, path: str, body: dict[str, Any], status: int, code: str, field: str
) -> None:
    before = await desk.acts()
    response = await desk.ask("key-admin", "POST", HERE + path, {**body, **WHY})
    assert (response.status_code, response.json()["code"]) == (status, code)
    assert [error["field"] for error in response.json()["errors"]] == [field]
    assert await desk.acts() == before


async def test_another_tenants_verifications_are_not_there(desk: Keeping) -> None:
    ours = await desk.done("GET", "/registrants/person-1/verifications")
    theirs = await desk.ask("key-admin", "GET", f"{THERE}/registrants/person-1/verifications")
    assert [one["verification_id"] for one in ours["verifications"]] == ["v-1-t1"]
    assert [one["verification_id"] for one in theirs.json()["verifications"]] == ["v-1-t2"]
    assert (await desk.ask("key-admin", "GET", f"{HERE}/registrants/none/verifications")).status_code == 404


async def test_a_name_that_differs_in_case_is_no_second_reviewer(desk: Keeping) -> None:
    await desk.desk.operators.add(Operator("THE Reviewer", Role.REVIEWER), hash_key("key-twin"), By("t", "t"), NOW_MS)
    path = f"{HERE}/verifications/{await begin(desk, 'firm-1')}:review"
    await desk.ask("key-reviewer", "POST", path, YES)
    assert (await desk.ask("key-twin", "POST", path, YES)).status_code == 409


async def test_a_gateway_without_providers(desk: Keeping) -> None:
    desk.app.state.desk = replace(desk.desk, verify=None)
    start = {"provider": "staff", **WHY}
    response = await desk.ask("key-admin", "POST", f"{HERE}/registrants/person-2/verifications", start)
    assert (response.status_code, response.json()["code"]) == (422, "provider_unknown")
    response = await desk.ask("key-admin", "POST", f"{HERE}/verifications/v-1-t1:review", YES)
    assert (response.status_code, response.json()["code"]) == (404, "verification_unknown")
    assert len((await desk.done("GET", "/registrants/person-1/verifications"))["verifications"]) == 1
