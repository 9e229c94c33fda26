"""Passwords for the console, given on the command line."""

from __future__ import annotations

import asyncio

import pytest

from gateway.adapters.passwords import Argon2Passwords
from tests.cli.conftest import Office

PASSWORD = "four words and a stop."
SAID = ("--actor", "ops", "--reason", "ticket 7")


@pytest.fixture
def ann(office: Office) -> Office:
    """An office with one operator."""
    assert office.run("operators", "add", "Ann", "--role", "policy", *SAID).exit_code == 0
    return office


def matches(office: Office, password: str) -> bool:
    """Whether Ann's password is this one."""
    [(kept,)] = office.sql("SELECT password_hash FROM console_passwords WHERE name = 'Ann'")

    async def compare() -> bool:
        passwords = Argon2Passwords()
        found = await passwords.matches(str(kept), password)
        passwords.close()
        return found

    return asyncio.run(compare())


def test_an_operator_gets_a_password_from_standard_input(ann: Office) -> None:
    done = ann.run("operators", "password", "Ann", *SAID, given=f"{PASSWORD}\r\nanother line\n")
    assert (done.exit_code, done.output) == (0, "Ann: has a password now\n")
    assert matches(ann, PASSWORD)
    [(body,)] = ann.sql("SELECT body FROM audit WHERE body LIKE '%SetPassword%'")
    assert '"operator":"Ann"' in str(body)
    assert '"reason":"ticket 7"' in str(body)
    assert "argon2" not in str(body)


@pytest.mark.parametrize("password", ["", "eleven char", "aaaaaaaaaaaaaaa", "x" * 201, "four words\x07 and a bell"])
def test_a_password_that_does_not_do_is_refused(ann: Office, password: str) -> None:
    done = ann.run("operators", "password", "Ann", *SAID, given=f"{password}\n")
    assert (done.exit_code, "password: give" in done.output) == (1, True)
    assert ann.sql("SELECT * FROM console_passwords") == []


def test_who_is_no_operator_gets_none(ann: Office) -> None:
    done = ann.run("operators", "password", "Ben", *SAID, given=f"{PASSWORD}\n")
    assert (done.exit_code, "no operator Ben" in done.output) == (1, True)


def test_who_is_revoked_has_none(ann: Office) -> None:
    assert ann.run("operators", "password", "Ann", *SAID, given=f"{PASSWORD}\n").exit_code == 0
    assert ann.run("operators", "revoke", "Ann", *SAID).exit_code == 0
    assert ann.sql("SELECT * FROM console_passwords") == []
