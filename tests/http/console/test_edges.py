"""Every route of the gateway's own, with values in its address that no database takes: refused, and never looked up."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

import httpx
import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts

from gateway.adapters.keys import FileSealer
from gateway.http.console import forms
from gateway.http.wechat_tokens import Tokens
from tests.asked import asked
from tests.http.console import matrix
from tests.http.console.visiting import House, Visitor
from tests.http.keeping import HERE
from tests.http.reporting import BODY, stranger
from tests.http.test_admin_roles import CASES

NUL = "a\x00b"
THERE = {
    "tenant_id": "t1",
    "account_id": "acc-1",
    "message_id": "m-1-t1",
    "registrant_id": "person-1",
    "report_id": "report-1",
    "appeal_id": "a-1-t1",
    "sanction_id": "s-warn",
    "name": "Watch",
}
"""What stands in the other places of a path."""

GOOD = {"reason": "ticket 7", "degree": "warn", "category": "fraud", "verdict": "actioned", "outcome": "upheld"}
"""What is typed into the other fields of a form."""


class Place(NamedTuple):
    """A route, and a parameter of its path or its query."""

    method: str
    path: str
    name: str
    in_path: bool

    def at(self, value: str) -> str:
        """The route's address with this value there."""
        given = {**THERE, self.name: value} if self.in_path else THERE
        path = re.sub(r"{(\w+)(:path)?}", lambda found: quote(given.get(found[1], "x"), safe=""), self.path)
        return path if self.in_path else f"{path}?{self.name}={quote(value, safe='')}"


def places(house: House) -> list[Place]:
    """Every parameter of every route."""
    found = []
    for route in [each.original_route for each in iter_route_contexts(house.app.routes)]:
        if not isinstance(route, APIRoute):
            continue
        names = re.findall(r"{(\w+)(?::path)?}", route.path)
        asked = {"token"} if route.path.startswith("/report/") else set(queried(route.dependant))
        for method in sorted(route.methods or ()):
            found += [Place(method, route.path, name, True) for name in names]
            found += [Place(method, route.path, name, False) for name in sorted(asked)]
    return found


def queried(dependant: Dependant) -> Iterator[str]:
    """The query parameters that a route declares, and what it depends on."""
    yield from [one.alias for one in dependant.query_params]
    for each in dependant.dependencies:
        yield from queried(each)


def texts_of(value: object) -> Iterator[str]:
    """The texts among what a statement is carried out with."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from texts_of(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from texts_of(each)


@pytest.fixture
def nuls(house: House) -> Iterator[Callable[[], list[str]]]:
    """Tells what has reached the database with a NUL since it was told last: PostgreSQL takes none in any text."""
    with asked(house.keeping.store.database) as statements:

        def told() -> list[str]:
            found = [statement for statement, given in statements if any("\x00" in text for text in texts_of(given))]
            statements.clear()
            return found

        yield told


class Callers:
    """Whoever may do most at each route."""

    def __init__(self, house: House, admin: Visitor) -> None:
        self._house = house
        self._admin = admin

    async def call(self, method: str, path: str) -> httpx.Response:
        """One request; a form that is sent has nothing but its token."""
        if path.startswith("/console"):
            below = path.removeprefix("/console")
            return await (self._admin.post(below) if method == "POST" else self._admin.get(below))
        if path.startswith(("/report", "/appeal")):
            async with stranger(self._house.keeping) as client:
                return await client.request(method, path, data={"token": "x"} if method == "POST" else None)
        key = "key-admin" if path.startswith("/v1/admin") else "key-one"
        return await self._house.keeping.ask(key, method, path, {} if method in ("POST", "PUT", "PATCH") else None)


async def test_a_nul_in_an_address_is_refused_where_it_stands(
    house: House, admin: Visitor, nuls: Callable[[], list[str]]
) -> None:
    callers, wrong = Callers(house, admin), []
    for place in places(house):
        if place.path.startswith("/cgi-bin") or place.path in ("/v1/moderations", "/wxa/msg_sec_check"):
            continue  # they answer in the way of others, and have tests of their own
        answer = await callers.call(place.method, place.at(NUL))
        if (found := nuls()) or answer.status_code not in (400, 404):
            wrong.append((place, answer.status_code, found))
        if place.path.startswith(("/console", "/report", "/appeal")):
            if not answer.headers["content-type"].startswith("text/html"):
                wrong.append((place, answer.status_code, ["no page"]))
        elif place.path.startswith("/v1") and answer.status_code == 400:
            assert [each["field"] for each in answer.json()["errors"]] == [place.name], place
    assert not wrong, "\n".join(map(str, wrong))


def filled(house: House) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every form of the console and every body of the register's keepers, with a NUL in one field after another."""
    cases = {(case.method, case.route): case for case in matrix.CASES}
    for route in [each.original_route for each in iter_route_contexts(house.app.routes)]:
        if isinstance(route, APIRoute) and (model := forms.model_of(route)) is not None:
            case = cases["POST", route.path.removeprefix("/console")]
            good = {name: value for name, value in GOOD.items() if name in model.model_fields} | (case.form or {})
            for name in model.model_fields:
                yield "POST", "/console" + case.at("t1"), {**good, name: NUL}
    for each in CASES:
        yield from [(each.method, HERE + each.path, body) for body in spoilt(each.body)]
    yield from [
        ("POST", "/v1/appeals", body) for body in spoilt({"statement_id": "s", "text": "No.", "language": "en"})
    ]
    yield from [("POST", "/v1/reports", body) for body in spoilt(BODY)]


def spoilt(value: object) -> Iterator[Any]:
    """A body with a NUL in one text after another."""
    if isinstance(value, str):
        yield NUL
    elif isinstance(value, dict):
        yield from [{**value, name: each} for name, inner in value.items() for each in spoilt(inner)]
    elif isinstance(value, list):
        yield from [[*value[:n], each, *value[n + 1 :]] for n, inner in enumerate(value) for each in spoilt(inner)]


async def test_nothing_is_looked_up_by_a_name_of_any_length(house: House, admin: Visitor) -> None:
    callers = Callers(house, admin)
    for place in [each for each in places(house) if each.in_path]:
        with asked(house.keeping.store.database) as statements:
            answer = await callers.call(place.method, place.at("a" * 1025))
        assert answer.status_code in (400, 404), place
        assert not [text for _, given in statements for text in texts_of(given) if len(text) > 1024], place


async def test_a_nul_in_a_form_reaches_no_database(house: House, admin: Visitor, nuls: Callable[[], list[str]]) -> None:
    wrong = []
    for method, path, fields in filled(house):
        if path.startswith("/console"):
            answer = await admin.post(path.removeprefix("/console"), fields)
        else:
            key = "key-admin" if path.startswith(HERE) else "key-one"
            answer = await house.keeping.ask(key, method, path, fields)
        if (found := nuls()) or answer.status_code >= 500:
            wrong.append((path, fields, answer.status_code, found))
    assert not wrong, "\n".join(map(str, wrong))


async def test_no_account_is_looked_up_by_a_nul_in_wechats_way(
    house: House, tmp_path: Path, nuls: Callable[[], list[str]]
) -> None:
    house.app.state.wechat_tokens = Tokens(FileSealer(tmp_path / "keys.json"), house.clock)
    async with stranger(house.keeping) as client:
        answer = await client.get("/cgi-bin/token?grant_type=client_credential&secret=key-one&appid=a%00b")
        assert (answer.json()["errcode"], nuls()) == (40013, [])


NUMBERS = ["-1", "1.5", "\u0663", "9" * 16, str(2**63), "9" * 5000]
WHOLE = [f"{number}{rest}" for number in NUMBERS for rest in ("", ".m-1-t1", "_1")] + ["1_" + "9" * 30, "0001-01-01"]


async def test_no_number_in_an_address_is_too_much(house: House, admin: Visitor) -> None:
    callers, wrong = Callers(house, admin), []
    numbered = {"after", "before", "at", "limit", "since", "until", "live", "of"}
    chosen = [place for place in places(house) if place.name in numbered and not place.in_path]
    assert len(chosen) > 15
    for place in chosen:
        if place.path.startswith(("/console", "/v1")):
            for value in WHOLE:
                answer = await callers.call(place.method, place.at(value))
                if answer.status_code not in (200, 400, 404, 422):
                    wrong.append((place, value[:100], answer.status_code))
    assert not wrong, "\n".join(map(str, wrong))


async def test_a_page_of_statements_costs_the_same_however_many_there_are(house: House) -> None:
    database, costs = house.keeping.store.database, []
    for limit in (1, 100):
        with asked(database) as statements:
            answer = await house.keeping.ask("key-one", "GET", f"/v1/accounts/acc-1/statements?limit={limit}")
            costs.append(len(statements))
        found = answer.json()["statements"]
    assert sorted(each["appeal"]["state"] or "" for each in found) == ["", "open"]
    assert costs[0] == costs[1] > 0
