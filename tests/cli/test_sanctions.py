"""`sanctions`: listed, imposed, agreed to, lifted; and a ladder tried on history."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlFollower, SqlSanctions
from gateway.core.model import Message
from tests.cli.conftest import Office
from tests.policies import POLICY, policy

WHY = ("--actor", "Ann", "--reason", "ticket 12")
BEN = ("--actor", "Ben", "--reason", "ticket 13")
DAY_MS = 86_400_000


def violate(office: Office, content: str, days_ago: int) -> str:
    """Let the one account be blocked for spam, so many days ago."""
    message = Message("t1", "acc-1", "native", (content,), content)
    performed = office.publish(spam=0.99, message=message)
    message_id = performed.message_id
    office.sql("UPDATE decisions SET at_ms = at_ms - ? WHERE message_id = ?", days_ago * DAY_MS, message_id)
    office.sql("UPDATE audit SET at_ms = at_ms - ? WHERE message_id = ?", days_ago * DAY_MS, message_id)
    return message_id


def follow(office: Office) -> None:
    """Write what follows from all that happened."""

    async def all_of_it() -> None:
        async with office.store() as (store, _):
            follower = SqlFollower(store.database, [SqlSanctions(store.database, policy)])
            for chain in await store.heads():
                while await follower.follow(chain, SystemClock().now_ms()):
                    pass

    asyncio.run(all_of_it())


@pytest.fixture
def account(office: Office) -> Office:
    """A tenant with an account."""
    office.publish()
    return office


def test_a_sanction_is_imposed_and_lifted(account: Office) -> None:
    imposed = account.run("sanctions", "impose", "t1", "acc-1", "restrict", "--days", "3", "--category", "hate", *WHY)
    sanction_id = imposed.output.split("  ")[0]
    assert re.fullmatch(r"\w+  acc-1  restrict  in_force  \S+ to \S+  Ann\n", imposed.output)
    header, line = account.run("sanctions", "list", "t1", "--state", "in_force").output.splitlines()
    assert header.split() == ["SANCTION", "ACCOUNT", "DEGREE", "STATE", "TIME", "BY"]
    assert re.split("  +", line) == imposed.output.strip().split("  ")
    assert [line[header.index(name) :].split()[0] for name in ("DEGREE", "BY")] == ["restrict", "Ann"]
    assert account.run("sanctions", "list", "t1", "--state", "proposed").output == ""
    shown = account.run("sanctions", "show", "t1", sanction_id).output.splitlines()
    assert shown[1:] == ["comes of: person, hate", "reason: ticket 12"]
    put = account.run("accounts", "set-state", "t1", "acc-1", "active", "--actor", "Ann")
    assert put.exit_code == 0, "what a chat app's records say leaves it alone"
    assert "sanction: restrict" in account.run("accounts", "show", "t1", "acc-1").output
    lifted = account.run("sanctions", "lift", "t1", sanction_id, *BEN)
    assert "  lifted  " in lifted.output
    assert "sanction:" not in account.run("accounts", "show", "t1", "acc-1").output
    shown = account.run("sanctions", "show", "t1", sanction_id).output.splitlines()
    assert re.fullmatch(r"lifted: \S+ by Ben", shown[-1])
    history = account.run("accounts", "history", "t1", "acc-1").output.splitlines()
    assert re.fullmatch(rf"\d+  \S+  ImposeSanction  Ann  ticket 12  {sanction_id}, restrict, until \S+", history[-3])
    assert re.fullmatch(rf"\d+  \S+  LiftSanction  Ben  ticket 13  {sanction_id}, restrict, until \S+", history[-1])


def test_two_people_close_an_account(account: Office) -> None:
    proposed = account.run("sanctions", "impose", "t1", "acc-1", "close", *WHY)
    sanction_id = proposed.output.split("  ")[0]
    assert "  close  proposed  no end  Ann\n" in proposed.output
    assert "waits for: people" in account.run("sanctions", "show", "t1", sanction_id).output
    same = account.run("sanctions", "agree", "t1", sanction_id, "--actor", " ann", "--reason", "me again")
    assert (same.exit_code, same.output) == (
        1,
        "Error: sanction_id: you agreed to it before; another person has to\n",
    )
    agreed = account.run("sanctions", "agree", "t1", sanction_id, *BEN)
    assert agreed.output.endswith("no end  Ann, Ben\n")
    assert "acc-1  closed" in account.run("accounts", "show", "t1", "acc-1").output
    reopened = account.run("accounts", "reopen", "t1", "acc-1", *WHY)
    assert (reopened.exit_code, "lift the sanction" in reopened.output) == (1, True)
    assert account.run("sanctions", "lift", "t1", sanction_id, *WHY).exit_code == 0
    assert "acc-1  active" in account.run("accounts", "show", "t1", "acc-1").output
    assert account.run("audit", "verify").exit_code == 0


def test_a_proposal_is_declined_once(account: Office) -> None:
    sanction_id = account.run("sanctions", "impose", "t1", "acc-1", "close", *WHY).output.split("  ")[0]
    declined = account.run("sanctions", "decline", "t1", sanction_id, *BEN)
    assert "  declined  " in declined.output
    assert account.run("sanctions", "decline", "t1", sanction_id, *BEN).output == declined.output
    late = account.run("sanctions", "agree", "t1", sanction_id, *BEN)
    assert (late.exit_code, "waits for nobody's agreement" in late.output) == (1, True)


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("show", "t1", "none"), "sanction_id: there is no such sanction"),
        (("incidents", "t1", "none"), "account_id: there is no such account"),
        (("list", "none"), "no tenant none"),
        (("agree", "t1", "none", *WHY), "sanction_id: there is no such sanction"),
        (("impose", "t1", "none", "warn", *WHY), "account_id: there is no such account"),
        (("impose", "t1", "acc-1", "close", "--days", "1", *WHY), "days: a closed account stays closed"),
    ],
)
def test_what_cannot_be_says_what_to_do(account: Office, words: tuple[str, ...], told: str) -> None:
    result = account.run("sanctions", *words)
    assert (result.exit_code, told in result.output) == (1, True), result.output


@pytest.mark.parametrize("words", [("list", "t1"), ("simulate", "--policy", "none.yaml")])
def test_a_policy_that_is_not_there_is_named(
    account: Office, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    monkeypatch.setenv("GATEWAY_POLICY_FILE", "none.yaml")
    result = account.run("sanctions", *words)
    assert (result.exit_code, result.output) == (2, "none.yaml: no such file\n")


def test_incidents_are_listed_with_the_place_on_the_ladder(office: Office) -> None:
    first, second = violate(office, "one", 2), violate(office, "two", 1)
    follow(office)
    listed = office.run("sanctions", "incidents", "t1", "acc-1").output.splitlines()
    assert listed[0].split() == ["INCIDENT", "AT", "HAPPENED", "CATEGORY", "MESSAGE", "REMOVED"]
    told = [re.split("  +", line)[2:] for line in listed[1:3]]
    assert told == [["blocked", "spam", first, "-"], ["blocked", "spam", second, "-"]]
    assert listed[3] == "points: 2  step: restrict 3 days  another one: restrict 7 days"
    page = office.run("sanctions", "incidents", "t1", "acc-1", "--limit", "1")
    assert "go on with --after" in page.stderr
    assert "go on with --after" in office.run("sanctions", "list", "t1", "--limit", "1").stderr


def test_a_ladder_is_tried_on_history_and_nothing_is_written(office: Office, tmp_path: Path) -> None:
    for content, days in (("one", 40), ("two", 20), ("three", 10), ("three", 5), ("old", 200)):
        violate(office, content, days)
    file = tmp_path / "strict.yaml"
    file.write_text(POLICY + "ladder: {steps: [{degree: restrict, days: 1}, {degree: close}]}\n", encoding="utf-8")
    before = office.sql("SELECT count(*) FROM audit")
    result = office.run("sanctions", "simulate", "--policy", str(file), "--tenant", "t1")
    assert result.output.splitlines() == [
        "4 violations in 90 days; 1 account would have been sanctioned",
        "                 automatic  proposed     given",
        "warn                     0         0         0",
        "restrict                 1         0         0",
        "suspend_renewal          0         0         0",
        "suspend                  0         0         0",
        "close                    0         1         0",
        "t1/acc-1  close  2 sanctions  given: nothing",
    ]
    few = office.run("sanctions", "simulate", "--policy", str(file), "--days", "15").output
    assert few.startswith("2 violations in 15 days; 0 accounts would have been sanctioned\n")
    assert office.sql("SELECT count(*) FROM audit") == before
    assert office.sql("SELECT count(*) FROM sanction_records") == [(0,)]
    file.write_text(POLICY + "ladder: {daily_quota: 0}\n", encoding="utf-8")
    stopped = office.run("sanctions", "simulate", "--policy", str(file)).output
    assert "the quota of 0 a day would have been used up on 3 days, and 3 only proposed for it\n" in stopped
