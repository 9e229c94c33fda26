"""Who may call which route for the register's keepers: each role and each route, cell by cell."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from gateway.core.operators import Role
from gateway.core.registration import By, ChangeAccount
from gateway.http.openapi_admin import routes
from gateway.ports import Registered
from tests.fakes import NOW_MS
from tests.http.keeping import BY, DAY_MS, HERE, RULES, THERE, Keeping, punish

ALL = tuple(Role)
REGISTRARS = (Role.REGISTRAR, Role.ADMIN)
REVIEWERS = (Role.REVIEWER, Role.ADMIN)
ADMINS = (Role.ADMIN,)

WHY: dict[str, Any] = {"reason": "as asked"}
PERSONAL = {"personal": {"legal_name": "Example Holder"}, **WHY}
NEW_ACCOUNT = {"account_id": "acc-9", "registrant_id": "firm-1", **WHY}
ACCOUNT = "/accounts/{account_id}"
LICENCE = "/licences/{licence_id}"
REGISTRANT = "/registrants/{registrant_id}"


class Case(NamedTuple):
    """A route: the address that is called, a good body, the status of success, who may."""

    method: str
    route: str
    path: str
    body: dict[str, Any] | None
    status: int
    roles: tuple[Role, ...]


RENEWAL = {"term_ends_at": NOW_MS + 2 * DAY_MS, **WHY}
NEW_REGISTRANT = {"registrant_id": "r-9", "kind": "person", **WHY}
SEARCH = {"field": "email", "personal": "canary@quux.example", **WHY}
START = {"provider": "staff", **WHY}
YES = {"approve": True, **WHY}
GRANT = {"holder": "person-1", "scheme": "manual", "kind": "originate", "valid_from": 0, "valid_to": NOW_MS, **WHY}
WHITELIST = {"name": "2026", "valid_from": 0, "csv": "publisher,domain\nExample News,news.example\n", **WHY}
ARTICLE = {"url": "https://news.example/1", "publisher": "Example News", "title": "One", "text": "It rains."}
RELEASE = {"code": "no_violation", **WHY}
REJECT = {"code": "spam", **WHY}
MESSAGE = "/messages/{message_id}"
HOLD = "/holds/{message_id}"
SANCTION = "/sanctions/{sanction_id}"
IMPOSE = {"account_id": "acc-1", "degree": "restrict", "days": 3, **WHY}
ARTICLES = {"articles": [{**ARTICLE, "published_at": "2026-01-31"}], **WHY}
UPHOLD = {"outcome": "upheld", "note": "Looked at it.", **WHY}
CASES = [
    Case("POST", "/accounts", "/accounts", NEW_ACCOUNT, 201, REGISTRARS),
    Case("GET", "/accounts", "/accounts?registrant_id=person-1", None, 200, ALL),
    Case("GET", ACCOUNT, "/accounts/acc-1", None, 200, ALL),
    Case("GET", f"{ACCOUNT}/history", "/accounts/acc-1/history", None, 200, ALL),
    Case("PATCH", ACCOUNT, "/accounts/acc-1", {"name": "Other", **WHY}, 200, REGISTRARS),
    Case("POST", f"{ACCOUNT}:renew", "/accounts/acc-1:renew", RENEWAL, 200, REGISTRARS),
    Case("POST", f"{ACCOUNT}:close", "/accounts/acc-1:close", WHY, 200, REGISTRARS),
    Case("POST", f"{ACCOUNT}:agree_private", "/accounts/acc-1:agree_private", WHY, 200, REGISTRARS),
    Case("POST", f"{ACCOUNT}:suspend", "/accounts/acc-1:suspend", WHY, 200, REGISTRARS),
    Case("POST", f"{ACCOUNT}:reopen", "/accounts/acc-2:reopen", WHY, 200, REGISTRARS),
    Case("POST", "/registrants", "/registrants", NEW_REGISTRANT, 201, REGISTRARS),
    Case("GET", REGISTRANT, "/registrants/person-1", None, 200, ALL),
    Case("GET", f"{REGISTRANT}/history", "/registrants/person-1/history", None, 200, ALL),
    Case("PUT", f"{REGISTRANT}/personal", "/registrants/person-2/personal", PERSONAL, 200, REGISTRARS),
    Case("POST", "/registrants:search", "/registrants:search", SEARCH, 200, REGISTRARS),
    Case("POST", f"{REGISTRANT}/verifications", "/registrants/firm-1/verifications", START, 201, REGISTRARS),
    Case("GET", f"{REGISTRANT}/verifications", "/registrants/person-1/verifications", None, 200, ALL),
    Case("POST", "/verifications/{verification_id}:submit", "/verifications/v-2-t1:submit", WHY, 200, REGISTRARS),
    Case("POST", "/verifications/{verification_id}:cancel", "/verifications/v-1-t1:cancel", WHY, 200, REGISTRARS),
    Case("POST", "/verifications/{verification_id}:review", "/verifications/v-1-t1:review", YES, 200, REVIEWERS),
    Case("PUT", LICENCE, "/licences/l-1", GRANT, 200, REGISTRARS),
    Case("GET", "/licences", "/licences?holder=person-1", None, 200, ALL),
    Case("GET", LICENCE, "/licences/l-0", None, 200, ALL),
    Case("GET", f"{LICENCE}/history", "/licences/l-0/history", None, 200, ALL),
    Case("POST", f"{LICENCE}:revoke", "/licences/l-0:revoke", WHY, 200, REGISTRARS),
    Case("POST", "/whitelists", "/whitelists", WHITELIST, 200, REGISTRARS),
    Case("GET", "/whitelists", "/whitelists", None, 200, ALL),
    Case("POST", "/articles", "/articles", ARTICLES, 200, REGISTRARS),
    Case("GET", "/sanctions", "/sanctions?state=proposed", None, 200, ALL),
    Case("GET", SANCTION, "/sanctions/s-warn", None, 200, ALL),
    Case("GET", f"{ACCOUNT}/incidents", "/accounts/acc-1/incidents", None, 200, ALL),
    Case("POST", "/sanctions", "/sanctions", IMPOSE, 200, REVIEWERS),
    Case("POST", f"{SANCTION}:agree", "/sanctions/s-close:agree", WHY, 200, REVIEWERS),
    Case("POST", f"{SANCTION}:decline", "/sanctions/s-close:decline", WHY, 200, REVIEWERS),
    Case("POST", f"{SANCTION}:lift", "/sanctions/s-warn:lift", WHY, 200, REVIEWERS),
    Case("GET", "/holds", "/holds", None, 200, ALL),
    Case("GET", "/holds:codes", "/holds:codes", None, 200, ALL),
    Case("GET", HOLD, "/holds/m-1-t1", None, 200, ALL),
    Case("POST", "/holds:claim_next", "/holds:claim_next", None, 200, REVIEWERS),
    Case("POST", f"{HOLD}:claim", "/holds/m-1-t1:claim", None, 200, REVIEWERS),
    Case("POST", f"{HOLD}:let_go", "/holds/m-1-t1:let_go", None, 200, REVIEWERS),
    Case("POST", f"{HOLD}:release", "/holds/m-1-t1:release", RELEASE, 200, REVIEWERS),
    Case("POST", f"{HOLD}:reject", "/holds/m-1-t1:reject", REJECT, 200, REVIEWERS),
    Case("POST", f"{HOLD}:escalate", "/holds/m-1-t1:escalate", WHY, 200, REVIEWERS),
    Case("POST", f"{HOLD}:undo", "/holds/m-1-t1:undo", None, 409, REVIEWERS),  # nothing was decided
    Case("POST", f"{MESSAGE}:take_down", "/messages/p-1-t1:take_down", {"category": "fraud", **WHY}, 200, REVIEWERS),
    Case("POST", f"{MESSAGE}:restore", "/messages/p-1-t1:restore", WHY, 409, REVIEWERS),  # it was not taken down
    Case("GET", "/takedowns", "/takedowns?failed=true", None, 200, ALL),
    Case("GET", "/reports", "/reports", None, 200, ALL),
    Case("GET", "/reports/{report_id}", "/reports/report-1", None, 200, REVIEWERS),
    Case("POST", "/reports/{report_id}:claim", "/reports/report-1:claim", None, 200, REVIEWERS),
    Case("POST", "/reports/{report_id}:let_go", "/reports/report-1:let_go", None, 200, REVIEWERS),
    Case("POST", "/reports/{report_id}:decide", "/reports/report-1:decide", {"actioned": True, **WHY}, 200, REVIEWERS),
    Case("POST", "/reports/{report_id}:reveal", "/reports/report-1:reveal", WHY, 200, ADMINS),
    Case("GET", "/flaggers", "/flaggers", None, 200, ALL),
    Case("POST", "/flaggers", "/flaggers", {"name": "Other", **WHY}, 201, ADMINS),
    Case("POST", "/flaggers/{name}:revoke", "/flaggers/Watch:revoke", WHY, 200, ADMINS),
    Case("GET", "/appeals", "/appeals", None, 200, ALL),
    Case("GET", "/appeals/{appeal_id}", "/appeals/a-1-t1", None, 200, REVIEWERS),
    Case("POST", "/appeals/{appeal_id}:decide", "/appeals/a-1-t1:decide", UPHOLD, 200, REVIEWERS),
    Case("POST", f"{REGISTRANT}:reveal", "/registrants/person-1:reveal", WHY, 200, ADMINS),
    Case("POST", f"{REGISTRANT}:erase", "/registrants/person-2:erase", {"close": True, **WHY}, 200, ADMINS),
]


def name(case: Case) -> str:
    """What a case is called."""
    return f"{case.method} {case.route}"


each = pytest.mark.parametrize("case", CASES, ids=name)
each_change = pytest.mark.parametrize("case", [case for case in CASES if case.body is not None], ids=name)


@pytest.fixture
async def desk(desk: Keeping) -> Keeping:
    """With sanctions to act on, and a proposal to agree to."""
    await punish(desk.store)
    private = ChangeAccount("acc-1", private=True)
    assert isinstance(await desk.desk.registrar.carry_out("t1", private, BY, RULES, NOW_MS), Registered)
    return desk


def test_every_route_is_in_the_matrix() -> None:
    there = {
        (method, route.path.removeprefix("/v1/admin/tenants/{tenant_id}"))
        for route in routes()
        for method in route.methods or ()
    }
    assert there == {(case.method, case.route) for case in CASES}


@pytest.mark.parametrize("scope", ["key", "scoped"])
@pytest.mark.parametrize("role", list(Role))
@each
async def test_a_role_may_do_what_the_matrix_says_and_nothing_else(
    desk: Keeping,
    case: Case,
    role: Role,
    scope: str,
) -> None:
    before = await desk.acts()
    response = await desk.ask(f"{scope}-{role}", case.method, HERE + case.path, case.body)
    if role in case.roles:
        assert response.status_code == case.status, response.text
        assert response.status_code < 400 or response.json()["code"] != "role_missing"
    else:
        assert (response.status_code, response.json()["code"]) == (403, "role_missing")
        assert await desk.acts() == before


@each
async def test_nobody_else_is_let_in(desk: Keeping, case: Case) -> None:
    before = await desk.acts()
    for key in ("key-one", "no-such-key"):  # an application's key opens nothing here
        response = await desk.ask(key, case.method, HERE + case.path, case.body)
        assert (response.status_code, response.json()["code"]) == (401, "unauthorised")
        assert response.json()["detail"] == "Authorization: send 'Bearer' and a known operator's key."
    # Another tenant's register is not there for an operator of the first, whatever the role; nor is one of no tenant.
    elsewhere = await desk.ask("scoped-admin", case.method, THERE + case.path, case.body)
    nowhere = await desk.ask("key-admin", case.method, "/v1/admin/tenants/none" + case.path, case.body)
    assert (elsewhere.status_code, elsewhere.json()["code"]) == (404, "tenant_unknown")
    assert (nowhere.status_code, nowhere.json()) == (404, elsewhere.json())
    assert await desk.acts() == before


async def test_who_sends_no_key_is_told_which(desk: Keeping) -> None:
    async with desk.client("key-admin") as client:
        client.headers.pop("Authorization")
        response = await client.get(f"{HERE}/accounts/acc-1")
    assert (response.status_code, "operator's key" in response.json()["detail"]) == (401, True)


@each
async def test_a_revoked_operator_is_nobody_at_once(desk: Keeping, case: Case) -> None:
    assert await desk.desk.operators.revoke("the admin", By("Zoe", "left"), NOW_MS)
    before = await desk.acts()
    assert (await desk.ask("key-admin", case.method, HERE + case.path, case.body)).status_code == 401
    assert await desk.acts() == before


@each_change
async def test_who_may_not_is_refused_before_the_body_is_read(desk: Keeping, case: Case) -> None:
    async with desk.client("key-viewer") as client:
        json = {"Content-Type": "application/json"}
        response = await client.request(case.method, HERE + case.path, content=b"not json", headers=json)
    assert response.status_code == 403


@each_change
@pytest.mark.parametrize("reason", [None, "", "  ", "x" * 501, "a\x00b", "a\x1b[2J", "a\nb", "a\x9bb", 7])
async def test_every_change_says_why(
    desk: Keeping,
    case: Case,
    reason: object,
) -> None:
    assert case.body is not None
    asked = {**case.body, "reason": reason}
    if reason is None:
        del asked["reason"]
    before = await desk.acts()
    response = await desk.ask("key-admin", case.method, HERE + case.path, asked)
    assert response.status_code == 400
    assert [error["field"] for error in response.json()["errors"]] == ["reason"]
    assert await desk.acts() == before


@each_change
@pytest.mark.parametrize("tenant", ["a%00b", "x" * 256])
async def test_a_tenant_that_cannot_be_is_no_way_past_the_key(desk: Keeping, case: Case, tenant: str) -> None:
    json = {"Content-Type": "application/json"}
    path = f"/v1/admin/tenants/{tenant}{case.path}"
    for key, status in (("no-such-key", 401), ("key-viewer", 403)):
        async with desk.client(key) as client:  # a body that was read would be answered 400
            response = await client.request(case.method, path, content=b"not json", headers=json)
        assert response.status_code == status
    nowhere = await desk.ask("key-admin", case.method, path, case.body)
    assert (nowhere.status_code, nowhere.json()["code"]) == (404, "tenant_unknown")
