"""`credentials put`: whose a credential is now, until when, and whose it was."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Office

BY = ("--actor", "Ann")


@pytest.fixture
def keys(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tenant with two accounts, and a key file."""
    office.run("tenants", "put", "t9", "--name", "Nine", "--upstream-url", "https://nine.example/", *BY)
    for account in ("a", "b"):
        office.run("accounts", "put", "t9", account, *BY)
    office.run("keys", "new", str(tmp_path / "keys.json"))
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(tmp_path / "keys.json"))


@pytest.mark.usefixtures("keys")
def test_it_says_whose_the_credential_is_and_was(office: Office) -> None:
    put = ("credentials", "put", "t9", "telegram")
    first = office.run(*put, "a", *BY, given="token\n")
    assert (first.exit_code, first.output) == (0, "telegram: a's until it is put again\n")
    moved = office.run(*put, "b", "--days", "2", *BY, given="token")
    assert moved.output.startswith("telegram: b's until 2")
    assert moved.output.endswith("; it was a's\n")
    again = office.run(*put, "b", *BY, given="token")
    assert again.output == "telegram: b's until it is put again\n"
    assert office.sql("SELECT account_id, expires_ms FROM credentials") == [("b", None)]
    assert office.sql("SELECT 1 FROM credentials WHERE credential = 'token'") == []


@pytest.mark.usefixtures("keys")
@pytest.mark.parametrize(
    ("account", "given", "problem"),
    [("a", " \n", "no credential on standard input"), ("c", "token", "tenant t9 has no account c; put it first")],
)
def test_what_cannot_be_put_is_said(office: Office, account: str, given: str, problem: str) -> None:
    result = office.run("credentials", "put", "t9", "telegram", account, *BY, given=given)
    assert (result.exit_code, problem in result.output) == (1, True)
    assert office.sql("SELECT 1 FROM credentials") == []
