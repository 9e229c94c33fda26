"""Lines of files, as values or as what is wrong with them."""

from __future__ import annotations

import pytest

from gateway.core.check_digits import problem_of
from gateway.core.register_rows import (
    ACCOUNT_COLUMNS,
    REGISTRANT_COLUMNS,
    AccountRow,
    Problem,
    RegistrantRow,
    account_row,
    registrant_row,
)

EMPTY = AccountRow(7, "a", "r", None, None, None, None, None, None, None, None, None, None)


def account(**given: str) -> AccountRow | Problem:
    values = {"account_id": "a", "registrant_id": "r", **given}
    return account_row(7, [values.get(name, "") for name in ACCOUNT_COLUMNS])


def registrant(**given: str) -> RegistrantRow | Problem:
    values = {"registrant_id": "r", **given}
    return registrant_row(problem_of)(7, [values.get(name, "") for name in REGISTRANT_COLUMNS])


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ({}, "line", 7),
        ({"registrant_id": ""}, "registrant_id", None),
        ({"name": "公众号 👩‍💻"}, "name", "公众号 👩‍💻"),
        ({"state": "closed"}, "state", "closed"),
        ({"class": "news_desk"}, "account_class", "news_desk"),
        ({"private": "true"}, "private", True),
        ({"private": "0"}, "private", False),
        ({"registrant_kind": "person"}, "kind", "person"),
        ({"verification": "needs_input"}, "verification", "needs_input"),
        ({"framework": "eidas"}, "framework", "eidas"),
        ({"level": "high"}, "level", "high"),
        ({"term_ends_at": "1893456000000"}, "term_ends_at", 1893456000000),
        ({"term_ends_at": "2030-01-01"}, "term_ends_at", 1893456000000),
        ({"term_ends_at": "20300101"}, "term_ends_at", 1893456000000),
        ({"term_ends_at": "2030-01-01T01:00:00.005+01:00"}, "term_ends_at", 1893456000005),
        ({"verified_until": "2030-01-01T00:00:00Z"}, "expires_at", 1893456000000),
    ],
)
def test_an_account_that_is_taken(given: dict[str, str], field: str, value: object) -> None:
    row = account(**given)
    assert isinstance(row, AccountRow)
    assert getattr(row, field) == value
    assert row.has_facts is (field in ("kind", "verification", "framework", "level", "expires_at"))


def test_an_empty_field_says_nothing() -> None:
    assert account() == EMPTY


@pytest.mark.parametrize(
    ("given", "field", "reason"),
    [
        ({"account_id": ""}, "account_id", "missing"),
        ({"account_id": "?x"}, "account_id", "nobody knows"),
        ({"account_id": "x" * 256}, "account_id", "more than 255"),
        ({"account_id": "x\x00"}, "account_id", "control"),
        ({"name": "two\nlines"}, "name", "control"),
        ({"name": "half \ud83d"}, "name", "halves"),
        ({"name": "n" * 301}, "name", "more than 300"),
        ({"state": "frozen"}, "state", "active, suspended, closed"),
        ({"private": "maybe"}, "private", "true, false"),
        ({"term_ends_at": "tomorrow"}, "term_ends_at", "ISO 8601"),
        ({"term_ends_at": "1893456000000000"}, "term_ends_at", "milliseconds"),
        ({"term_ends_at": "1950-01-01"}, "term_ends_at", "not a time"),
        ({"registrant_kind": "robot"}, "registrant_kind", "person, organisation"),
        ({"verification": "redacted"}, "verification", "created, pending"),
        ({"verified_until": "?"}, "verified_until", "ISO 8601"),
        ({"registrant_id": "", "level": "high"}, "registrant_id", "missing"),
    ],
)
def test_an_account_that_is_rejected(given: dict[str, str], field: str, reason: str) -> None:
    problem = account(**given)
    assert isinstance(problem, Problem)
    assert (problem.line, problem.field) == (7, field)
    assert reason in problem.reason
    assert all(len(value) < 4 or value not in problem.reason for value in given.values())


def test_a_registrant_with_personal_data() -> None:
    row = registrant(kind="person", verification="verified", legal_name="Example Holder", phone="+44 20 7946 0000")
    assert row == RegistrantRow(
        7, "r", "person", "verified", None, None, None, {"legal_name": "Example Holder", "phone": "+44 20 7946 0000"}
    )


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"registrant_id": ""}, "registrant_id"),
        ({"kind": "robot"}, "kind"),
        ({"verification": "redacted"}, "verification"),
        ({"verified_until": "soon"}, "verified_until"),
        ({"email": "canary at nowhere"}, "email"),
        ({"uscc": "CANARY0000000000AA"}, "uscc"),
    ],
)
def test_a_registrant_that_is_rejected(given: dict[str, str], field: str) -> None:
    problem = registrant(**given)
    assert isinstance(problem, Problem)
    assert problem.field == field
    assert "canary" not in problem.reason.lower()
