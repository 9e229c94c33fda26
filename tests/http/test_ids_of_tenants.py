"""Ids are a tenant's own: what names another tenant's thing is answered as what names nothing, and changes nothing."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest

from gateway.adapters.sql import SqlRegistrar, SqlSanctions
from gateway.adapters.sql.statements import SqlStatements
from gateway.core.model import Account, AccountState, Degree, NewsKind, RegistrantKind
from gateway.core.news import Licence
from gateway.core.report_rules import Reports as ReportRules
from gateway.core.reports import Channel, Draft
from gateway.core.sanction_records import Order, SanctionRecord
from gateway.http.openapi_admin import routes
from tests.fakes import NOW_MS
from tests.http.keeping import BY, HERE, Keeping
from tests.http.test_admin_roles import CASES, GRANT, IMPOSE, NEW_ACCOUNT, WHY, Case
from tests.policies import policy
from tests.world import KEY

Ids = dict[str, str]
"""The name of a path parameter, and what the other tenant calls so."""

MADE = frozenset({("PUT", "/licences/{licence_id}")})
"""Routes that make what they name: the same id is then another thing, of this tenant."""
NAMING = [case for case in CASES if "{" in case.route and (case.method, case.route) not in MADE]
ACTIONED = {"actioned": True, **WHY}
BODIES: list[tuple[str, str, dict[str, Any], str]] = [
    ("POST", "/accounts", NEW_ACCOUNT, "registrant_id"),
    ("POST", "/sanctions", IMPOSE, "account_id"),
    ("POST", "/sanctions", IMPOSE, "message_id"),
    ("PUT", "/licences/l-9", GRANT, "holder"),
    ("PUT", "/licences/l-9", GRANT, "accounts"),
    ("POST", "/reports/report-1:decide", ACTIONED, "message_id"),
]
"""What is asked, and the field that names something beside the address."""
APPS: list[tuple[str, str, str]] = [
    ("GET", "/v1/messages/{}", "message_id"),
    ("GET", "/v1/messages/{}/statement", "held_id"),
    ("GET", "/v1/statements/{}", "statement_id"),
    ("GET", "/v1/accounts/{}", "account_id"),
    ("GET", "/v1/accounts/{}/statements", "account_id"),
    ("GET", "/v1/appeals/{}", "appeal_id"),
    ("POST", "/v1/appeals", "statement_id"),
]


@pytest.fixture
async def theirs(desk: Keeping) -> Ids:
    """One of each of the other tenant's things, none of which is called like one of the first."""
    store, tenant = desk.store, "t2"
    registrar, kept = SqlRegistrar(store.database), SqlSanctions(store.database, policy, lambda: "s-theirs")
    await registrar.create_registrant(tenant, "person-theirs", RegistrantKind.PERSON, BY, NOW_MS)
    await desk.register.put_account(tenant, Account("acc-theirs", AccountState.ACTIVE), "test", NOW_MS)
    licence = Licence("l-theirs", "person-theirs", "manual", NewsKind.REPUBLISH, 0, NOW_MS + 1)
    assert await desk.desk.news.put_licence(tenant, licence, BY, NOW_MS) is None
    assert isinstance(await kept.impose(tenant, Order("acc-1", Degree.CLOSE), BY, NOW_MS), SanctionRecord)
    assert desk.desk.reports is not None
    draft = Draft(tenant, "They ask for money.", "fraud", ("https://two.example/m/1",), (), "Ann", "a@b.test", True)
    taken = await desk.desk.reports.take(draft, Channel.FORM, None, ReportRules(), NOW_MS)
    [report] = await desk.desk.reports.queue(tenant, (0, ""), 10)
    assert taken is not None
    await desk.desk.reports.add_flagger(tenant, "Theirs", "f" * 64, BY, NOW_MS)
    [stated] = await SqlStatements(store.database).of_message("m-2-t2", tenant)
    return {
        "message_id": "p-1-t2",
        "held_id": "m-2-t2",
        "account_id": "acc-theirs",
        "accounts": "acc-theirs",
        "registrant_id": "person-theirs",
        "holder": "person-theirs",
        "verification_id": "v-1-t2",
        "licence_id": "l-theirs",
        "sanction_id": "s-theirs",
        "report_id": report.report_id,
        "appeal_id": "a-1-t2",
        "statement_id": stated.statement_id,
        "name": "Theirs",
    }


def _path(route: str, ids: Ids, nothing: bool) -> str:
    """The address with the other tenant's ids, or with ids of nothing."""
    held = route.startswith("/holds")

    def named(found: re.Match[str]) -> str:
        name = "held_id" if held else found[1]
        return _nothing(ids[name]) if nothing else ids[name]

    return re.sub(r"{(\w+)}", named, route)


def _nothing(other: str) -> str:
    return "x" * len(other)


def _same(one: httpx.Response, other: httpx.Response) -> None:
    """Two answers tell nothing apart."""
    assert (one.status_code, one.json()) == (other.status_code, other.json())


def test_every_route_that_names_something_is_in_the_table() -> None:
    there = {
        (method, route.path.removeprefix("/v1/admin/tenants/{tenant_id}"))
        for route in routes()
        for method in route.methods or ()
        if route.path.removeprefix("/v1/admin/tenants/{tenant_id}").count("{")
    }
    assert there == {(case.method, case.route) for case in NAMING} | MADE


@pytest.mark.parametrize("case", NAMING, ids=lambda case: f"{case.method} {case.route}")
async def test_an_address_that_names_another_tenants_thing_is_not_there(desk: Keeping, theirs: Ids, case: Case) -> None:
    before = await desk.acts()
    foreign, unknown = [
        await desk.ask("key-admin", case.method, HERE + _path(case.route, theirs, nothing), case.body)
        for nothing in (False, True)
    ]
    assert foreign.status_code == 404 or foreign.json()["code"] == "not_held", foreign.text
    _same(foreign, unknown)
    assert await desk.acts() == before


@pytest.mark.parametrize(("method", "path", "body", "field"), BODIES)
async def test_a_body_that_names_another_tenants_thing_is_refused(
    desk: Keeping, theirs: Ids, method: str, path: str, body: dict[str, Any], field: str
) -> None:
    before = await desk.acts()
    answers = []
    for named in (theirs[field], _nothing(theirs[field])):
        asked = {**body, field: [named] if field == "accounts" else named}
        answers.append(await desk.ask("key-admin", method, HERE + path, asked))
    foreign, unknown = answers
    assert foreign.status_code in (404, 409, 422), foreign.text
    assert foreign.json()["errors"][0]["field"] == field
    _same(foreign, unknown)
    assert await desk.acts() == before


@pytest.mark.parametrize("path", ["/accounts?registrant_id={}", "/sanctions?account_id={}", "/licences?holder={}"])
async def test_lists_of_another_tenants_thing_are_those_of_nothing(desk: Keeping, theirs: Ids, path: str) -> None:
    theirs_id = theirs["account_id" if "account_id" in path else "registrant_id"]
    foreign, unknown = [
        await desk.ask("key-admin", "GET", HERE + path.format(named)) for named in (theirs_id, _nothing(theirs_id))
    ]
    assert foreign.status_code == 200
    _same(foreign, unknown)


@pytest.mark.parametrize(("method", "path", "field"), APPS)
async def test_an_application_finds_nothing_of_another(
    desk: Keeping, theirs: Ids, method: str, path: str, field: str
) -> None:
    desk.app.state.store = desk.store
    before = await desk.acts()
    answers = []
    for named in (theirs[field], _nothing(theirs[field])):
        body = {"statement_id": named, "text": "No."} if method == "POST" else None
        answers.append(await desk.ask(KEY, method, path.format(named), body))
    foreign, unknown = answers
    assert foreign.status_code == (200 if path.endswith("/statements") else 404), foreign.text
    _same(foreign, unknown)
    assert await desk.acts() == before
