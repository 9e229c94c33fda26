"""`accounts`, `registrants` and `operators`: the register is kept by its rules, with a reason, and remembers."""

from __future__ import annotations

import pytest
from click.testing import Result

from gateway.http.requests import hash_key
from tests.cli.conftest import Office

WHY = ("--actor", "Ann", "--reason", "ticket 12")


@pytest.fixture(autouse=True)
def registrant(office: Office) -> None:
    """A tenant with a person who is registered."""
    office.run("tenants", "put", "t9", "--name", "Nine", "--upstream-url", "https://nine.example/", "--actor", "Ann")
    result = office.run("registrants", "create", "t9", "p-9", "--kind", "person", *WHY)
    assert (result.exit_code, result.output) == (0, "p-9  person  created\n")


def act(office: Office, name: str, *words: str) -> Result:
    """An act on the one account."""
    return office.run("accounts", name, "t9", "acc-9", *words, *WHY)


def test_an_account_from_its_creation_to_its_end(office: Office) -> None:
    lines = [
        act(office, "create", "--registrant", "p-9", "--name", "The News", "--term-ends", "2096-01-31"),
        act(office, "renew", "--term-ends", "2097-01-31T12:00:00"),
        act(office, "change", "--name", "Other News"),
        act(office, "suspend"),
        act(office, "reopen"),
        act(office, "close", "--violation"),
    ]
    assert [line.output for line in lines] == [
        "acc-9  active  standard  until 2096-01-31T00:00:00Z  The News\n",
        "acc-9  active  standard  until 2097-01-31T12:00:00Z  The News\n",
        "acc-9  active  standard  until 2097-01-31T12:00:00Z  Other News\n",
        "acc-9  suspended  standard  until 2097-01-31T12:00:00Z  Other News\n",
        "acc-9  active  standard  until 2097-01-31T12:00:00Z  Other News\n",
        "acc-9  closed  standard  until 2097-01-31T12:00:00Z  Other News\n",
    ]
    shown = office.run("accounts", "show", "t9", "acc-9").output.splitlines()
    assert shown[:2] == [lines[-1].output.strip(), "registrant: p-9  person  created  no assurance"]
    assert [line.rpartition(" ")[0] for line in shown[2:]] == ["barred: name until", "barred: registrant until"]
    [about] = [line for line in office.run("registrants", "show", "t9", "p-9").output.splitlines() if "barred" in line]
    assert about.removeprefix("barred: until ") == shown[3].removeprefix("barred: registrant until ")

    names = ["CreateAccount", "RenewAccount", "ChangeAccount", "SuspendAccount", "ReopenAccount", "CloseAccount"]
    history = office.run("accounts", "history", "t9", "acc-9").output.splitlines()
    told = [
        "acc-9, named, until 2096-01-31T00:00:00Z",
        "acc-9, until 2097-01-31T12:00:00Z",
        "acc-9, named",
        "acc-9",
        "acc-9",
        "acc-9, violation",
    ]
    assert [line.split("  ")[2:] for line in history] == [
        [name, "Ann", "ticket 12", about] for name, about in zip(names, told, strict=True)
    ]
    whole = office.run("registrants", "history", "t9", "p-9").output.splitlines()
    assert whole[0].split("  ")[2:] == ["CreateRegistrant", "Ann", "ticket 12", "person"]
    assert whole[1:] == history
    page = office.run("accounts", "history", "t9", "acc-9", "--after", history[1].split()[0], "--limit", "2")
    assert page.output.splitlines() == history[2:4]
    assert office.run("audit", "verify").exit_code == 0


def test_an_account_becomes_private_when_another_person_agrees(office: Office) -> None:
    def agree(actor: str) -> Result:
        return office.run("accounts", "agree-private", "t9", "acc-9", "--actor", actor, "--reason", "seen")

    line = "acc-9  active  standard  no end  no name"
    proposed = act(office, "create", "--registrant", "p-9", "--private")
    assert proposed.output == f"{line}  private proposed by Ann\n"
    assert office.run("accounts", "show", "t9", "acc-9").output.splitlines()[0] == proposed.output.strip()
    same = agree("ann")
    assert (same.exit_code, "another person has to agree" in same.output) == (1, True)
    assert agree("Ben").output == f"{line}  private\n"
    assert act(office, "change", "--public").output == f"{line}\n"
    assert agree("Ben").exit_code == 1
    history = office.run("accounts", "history", "t9", "acc-9").output.splitlines()
    assert [history_line.split("  ")[2:] for history_line in history] == [
        ["CreateAccount", "Ann", "ticket 12", "acc-9, private, proposed"],
        ["AgreePrivate", "Ben", "seen", "acc-9, agreed"],
        ["ChangeAccount", "Ann", "ticket 12", "acc-9, public"],
    ]
    put = office.run("accounts", "put", "t9", "acc-9", "--private", "--actor", "Ann")
    assert (put.exit_code, "agree-private" in put.output) == (2, True)


def test_what_the_records_said_is_in_the_history(office: Office) -> None:
    put = ("accounts", "put", "t9", "acc-9", "--registrant", "p-9", "--verification", "verified", "--verified-until")
    office.run(*put, "2096-01-31", "--framework", "eidas", "--level", "high", "--actor", "Ann")
    office.run("registrants", "put", "t9", "p-9", "--verification", "expired", "--actor", "Ann")
    rows = [line.split("  ")[2:] for line in office.run("accounts", "history", "t9", "acc-9").output.splitlines()]
    verified = "verified eidas high until 2096-01-31T00:00:00Z"
    assert rows == [
        ["Put", "Ann", "", f"acc-9, active, person {verified}"],
        ["Put", "Ann", "", f"person {verified.replace('verified', 'expired')}"],
    ]
    shown = office.run("accounts", "show", "t9", "acc-9").output.splitlines()
    assert shown[1] == "registrant: p-9  person  expired  eidas high  until 2096-01-31T00:00:00Z"
    about = office.run("registrants", "show", "t9", "p-9").output.splitlines()
    assert about[0] == "p-9  person  expired  eidas high  until 2096-01-31T00:00:00Z"


def test_a_time_that_no_calendar_has_is_shown_as_it_is(office: Office) -> None:
    act(office, "create", "--registrant", "p-9", "--term-ends", "2096-01-31")
    office.sql("UPDATE accounts SET term_ends_at = ?", 2**53)  # over HTTP it may be that late
    shown = office.run("accounts", "show", "t9", "acc-9")
    assert (shown.exit_code, f"until {2**53}" in shown.output) == (0, True)


@pytest.mark.parametrize(
    ("before", "words", "message"),
    [
        ([], ("create", "--registrant", "none"), "registrant_id: there is no such registrant; register it first"),
        ([], ("close",), "account_id: there is no such account"),
        (
            [("create", "--registrant", "p-9")],
            ("renew", "--term-ends", "2096-01-31"),
            "term_ends_at: the account has no end",
        ),
        ([("create", "--registrant", "p-9"), ("close",)], ("suspend",), "account_id: the account is closed"),
    ],
)
def test_what_the_rules_refuse(
    office: Office, before: list[tuple[str, ...]], words: tuple[str, ...], message: str
) -> None:
    for earlier in before:
        assert act(office, *earlier).exit_code == 0
    rows = office.sql("SELECT count(*) FROM audit")
    result = act(office, *words)
    assert result.exit_code == 1
    assert message in result.output
    assert office.sql("SELECT count(*) FROM audit") == rows


@pytest.mark.parametrize(
    "words",
    [
        ("create", "--registrant", "p-9"),
        ("suspend",),
        ("close",),
        ("close", "--violation"),
        ("change", "--name", "The News"),
    ],
)
def test_what_comes_twice_is_no_error_and_leaves_one_trace(office: Office, words: tuple[str, ...]) -> None:
    act(office, "create", "--registrant", "p-9")
    first = act(office, *words)
    rows = office.sql("SELECT count(*) FROM audit")
    second = act(office, *words)
    assert (first.exit_code, second.exit_code, second.output) == (0, 0, first.output)
    assert office.sql("SELECT count(*) FROM audit") == rows


def test_a_forgotten_violation_is_said_without_reopening(office: Office) -> None:
    for words in (("create", "--registrant", "p-9"), ("close",), ("close", "--violation")):
        assert act(office, *words).exit_code == 0
    refused = office.run("accounts", "create", "t9", "acc-8", "--registrant", "p-9", *WHY)
    assert (refused.exit_code, "it may again from 20" in refused.output) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("accounts", "create", "t9", "acc-9", "--registrant", "p-9"),
        ("accounts", "renew", "t9", "acc-9", "--term-ends", "2096-01-31"),
        ("accounts", "close", "t9", "acc-9"),
        ("accounts", "suspend", "t9", "acc-9"),
        ("accounts", "reopen", "t9", "acc-9"),
        ("accounts", "change", "t9", "acc-9", "--name", "x"),
        ("registrants", "create", "t9", "p-8", "--kind", "person"),
        ("operators", "add", "Ben", "--role", "viewer"),
        ("operators", "revoke", "Ben"),
    ],
)
def test_nothing_is_done_without_an_actor_and_a_reason(office: Office, words: tuple[str, ...]) -> None:
    for missing, given in (("--reason", WHY[:2]), ("--actor", WHY[2:])):
        result = office.run(*words, *given)
        assert result.exit_code == 2
        assert missing in result.output


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("create", "--registrant", "p-9", "--class", "dask"), "give one of: standard"),
        (("change", "--class", "dask"), "give one of: standard"),
        (("change",), "give at least one of"),
        (("renew", "--term-ends", "soon"), "--term-ends"),
    ],
)
def test_what_cannot_be_meant(office: Office, words: tuple[str, ...], message: str) -> None:
    result = act(office, *words)
    assert result.exit_code == 2
    assert message in result.output


def test_a_blank_reason_is_none(office: Office) -> None:
    blank = ("--actor", "Ann", "--reason", " ")
    assert office.run("accounts", "create", "t9", "acc-9", "--registrant", "p-9", *blank).exit_code == 1
    assert office.run("registrants", "create", "t9", "p-8", "--kind", "person", *blank).exit_code == 1
    assert office.run("operators", "add", "Ben", "--role", "viewer", *blank).exit_code == 1


@pytest.mark.parametrize("actor", ["", " \t", "Ann\x1b[2J", "x" * 201])
def test_who_cannot_be_told_from_nobody_is_no_actor(office: Office, actor: str) -> None:
    before = office.sql("SELECT count(*) FROM audit")
    given = ("--actor", actor, "--reason", "ticket 12")
    for words in (
        ("accounts", "create", "t9", "acc-9", "--registrant", "p-9", *given),
        ("registrants", "create", "t9", "p-8", "--kind", "person", *given),
        ("registrants", "put", "t9", "p-9", "--level", "high", *given[:2]),
        ("tenants", "put", "t8", "--name", "Eight", "--upstream-url", "https://eight.example/", *given[:2]),
        ("operators", "add", "Ben", "--role", "viewer", *given),
        ("licences", "revoke", "t9", "lic-9", *given),
    ):
        result = office.run(*words)
        assert (result.exit_code, "actor: say who does this" in result.output) == (1, True)
    assert office.sql("SELECT count(*) FROM audit") == before


def test_what_is_not_there(office: Office) -> None:
    for words in (("accounts", "show"), ("accounts", "history"), ("registrants", "history")):
        assert office.run(*words, "t9", "none").exit_code == 1
    rows = office.sql("SELECT count(*) FROM audit")
    again = office.run("registrants", "create", "t9", "p-9", "--kind", "person", *WHY)
    assert (again.exit_code, again.output) == (0, "p-9  person  created  (registered before)\n")
    other = office.run("registrants", "create", "t9", "p-9", "--kind", "organisation", *WHY)
    assert (other.exit_code, "give another" in other.output) == (1, True)
    assert office.sql("SELECT count(*) FROM audit") == rows
    none = office.run("registrants", "create", "none", "p-9", "--kind", "person", *WHY)
    assert (none.exit_code, none.output) == (1, "Error: there is no tenant 'none'\n")


def test_operators_are_added_listed_and_revoked(office: Office) -> None:
    key = office.run("operators", "add", "Ben", "--role", "registrar", "--tenant", "t9", *WHY).output.strip()
    assert office.sql("SELECT key_hash FROM operators") == [(hash_key(key),)]
    assert key.encode() not in office.file.read_bytes()
    assert office.run("operators", "add", "Cy", "--role", "admin", *WHY).exit_code == 0
    ben, cy = office.run("operators", "list").output.splitlines()
    assert ben.startswith(f"Ben  registrar  t9  {hash_key(key)[:12]}  20")
    assert cy.startswith("Cy  admin  all tenants  ")

    twice = office.run("operators", "add", "Ben", "--role", "admin", *WHY)
    assert (twice.exit_code, "revoke it first" in twice.output) == (1, True)
    nowhere = office.run("operators", "add", "Di", "--role", "admin", "--tenant", "none", *WHY)
    assert (nowhere.exit_code, nowhere.output) == (1, "Error: there is no tenant 'none'\n")
    assert office.run("operators", "add", "a\tb", "--role", "admin", *WHY).exit_code == 2

    assert office.run("operators", "revoke", "Ben", *WHY).output == "Ben: revoked\n"
    assert office.run("operators", "revoke", "Ben", *WHY).exit_code == 1
    assert office.run("operators", "list").output == f"{cy}\n"
    assert office.run("audit", "verify").exit_code == 0
