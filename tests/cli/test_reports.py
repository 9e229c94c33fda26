"""`reports` and `flaggers`: what waits, what is said, and the decision."""

from __future__ import annotations

import asyncio
import os
import time
from itertools import count
from pathlib import Path

import pytest

from gateway.adapters.key_file import add_key, new_keys, read
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import SqlReports
from gateway.adapters.sql.reports import PURPOSE
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import Channel, Draft
from gateway.ports.reports import Taken
from tests.cli.conftest import Office

WHY = ("--actor", "Ann", "--reason", "ticket 12")
NAME, MAIL = "Tyuiop Canarius", "tyuiop@canary.example"
NOW_MS = int(time.time() * 1000)
DAY_MS = 86_400_000

_numbers = count(1)


@pytest.fixture
def keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "keys.json"
    new_keys(file)
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(file))
    return file


def take(office: Office, keys: Path, *ids: str, at_ms: int = NOW_MS) -> list[str]:
    """Report each of these as a stranger does; the reports' ids."""

    async def work() -> list[str]:
        async with office.store() as (store, _):
            kept = SqlReports(store.database, FileSealer(keys, PURPOSE), lambda: f"r{next(_numbers):06}")
            made: list[str] = []
            for each in ids:
                draft = Draft("t1", "Pills.\n\u202eMore.", "fraud", (), (each,), NAME, MAIL, True)
                taken = await kept.take(draft, Channel.FORM, None, Rules(), at_ms)
                assert isinstance(taken, Taken)
                made += taken.reports
            return made

    return asyncio.run(work())


def test_a_report_is_listed_shown_and_decided_once(office: Office, keys: Path) -> None:
    message_id = office.publish().message_id
    [report_id] = take(office, keys, message_id)
    listed = office.run("reports", "list", "t1").output
    assert listed.startswith(f"{report_id}  ")
    assert listed.endswith("  fraud  received  1 reporter\n")
    shown = office.run("reports", "show", "t1", report_id).output
    assert f"message   {message_id} of acc-1\n" in shown
    assert shown.endswith("  fraud  form\nPills.\n\\u202eMore.\n")
    assert NAME not in shown
    assert MAIL not in shown
    decide = ("reports", "decide", "t1", report_id, "--actioned", "--note", "Thank you.", *WHY)
    decided = office.run(*decide)
    assert (decided.exit_code, f"message {message_id} is being taken down\n" in decided.output) == (0, True)
    again = office.run(*decide)
    assert (again.exit_code, "it is decided already" in again.output) == (1, True)
    assert office.run("reports", "list", "t1").output == ""
    assert "told      Thank you.\n" in office.run("reports", "show", "t1", report_id).output
    acts = office.sql("SELECT kind FROM audit WHERE chain = -1 AND kind IN ('report', 'takedown') ORDER BY seq")
    assert acts == [("report",), ("report",), ("takedown",)]
    assert office.run("audit", "verify").exit_code == 0
    history = office.run("accounts", "history", "t1", "acc-1")
    assert "  TakeDown  Ann  ticket 12" in history.output


def test_who_reported_is_told_with_a_reason(office: Office, keys: Path) -> None:
    office.publish()
    [report_id] = take(office, keys, "m-1")
    told = office.run("reports", "reveal", "t1", report_id, *WHY)
    assert told.output.endswith(f"  {NAME}  {MAIL}\n")
    quoting = office.run("reports", "reveal", "t1", report_id, "--actor", "Ann", "--reason", f"is it {MAIL}?")
    assert (quoting.exit_code, MAIL in quoting.output) == (1, False)
    assert office.sql("SELECT count(*) FROM audit WHERE body LIKE '%RevealReporters%'") == [(1,)]


def test_overdue_ones_stand_out_and_the_list_goes_on(office: Office, keys: Path) -> None:
    office.publish()
    take(office, keys, *[f"m-{number}" for number in range(101)], at_ms=NOW_MS - 30 * DAY_MS)
    first = office.run("reports", "list", "t1")
    assert len(first.stdout.splitlines()) == 100
    assert all("  OVERDUE" in line for line in first.stdout.splitlines())
    after = first.stderr.split("--after ")[1].strip()
    rest = office.run("reports", "list", "t1", "--after", after)
    assert (len(rest.stdout.splitlines()), rest.stderr) == (1, "")


def test_what_is_over_is_erased(office: Office, keys: Path) -> None:
    office.publish()
    [report_id] = take(office, keys, "m-1")
    office.run("reports", "decide", "t1", report_id, "--not-actioned", "--unfounded", *WHY)
    assert office.run("reports", "erase").output == "0 reports erased\n"
    office.sql("UPDATE reports SET decided_ms = ?", NOW_MS - 185 * DAY_MS)
    assert office.run("reports", "erase").output == "1 report erased\n"
    assert office.sql("SELECT count(*) FROM report_receipts") == [(0,)]


def test_a_key_that_reports_are_sealed_under_is_not_dropped(office: Office, keys: Path) -> None:
    office.publish()
    [report_id] = take(office, keys, "m-1")
    old = next(iter(read(keys).seal))
    add_key(keys)
    os.utime(keys, (0, 0))
    refused = office.run("keys", "drop", str(keys), old, "--actor", "Ann")
    assert (refused.exit_code, "run `gateway reports reseal` first" in refused.output) == (1, True)
    assert office.run("reports", "reseal").output == "2 sealed anew\n"
    assert office.run("keys", "drop", str(keys), old, "--actor", "Ann").exit_code == 0
    assert "Pills." in office.run("reports", "show", "t1", report_id).output


def test_without_keys_what_is_said_stays_sealed(office: Office, keys: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    office.publish()
    [report_id] = take(office, keys, "m-1")
    monkeypatch.delenv("GATEWAY_KEYS_FILE")
    assert "(no key here opens it)" in office.run("reports", "show", "t1", report_id).output
    refused = office.run("reports", "reveal", "t1", report_id, *WHY)
    assert (refused.exit_code, "GATEWAY_KEYS_FILE" in refused.output) == (1, True)
    assert office.run("reports", "reseal").exit_code == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("reports", "list", "none"), "no tenant none"),
        (("reports", "show", "t1", "none"), "there is no such report"),
        (("reports", "list", "t1", "--after", "none"), "there is no such report"),
        (("reports", "decide", "t1", "none", "--actioned", *WHY), "there is no such report"),
        (("reports", "reveal", "t1", "none", *WHY), "there is no such report"),
        (("reports", "decide", "t1", "none", "--actioned", "--note", "x" * 2001, *WHY), "note: give at most 2000"),
        (("flaggers", "list", "none"), "no tenant none"),
        (("flaggers", "add", "none", "Watch", *WHY), "there is no tenant 'none'"),
        (("flaggers", "add", "t1", "a/b", *WHY), "without a slash"),
        (("flaggers", "add", "t1", "a\x1bb", *WHY), "visible characters"),
        (("flaggers", "revoke", "t1", "Watch", *WHY), "no flagger Watch"),
    ],
)
def test_what_is_not_there_is_said(office: Office, keys: Path, words: tuple[str, ...], message: str) -> None:
    office.publish()
    result = office.run(*words)
    assert (result.exit_code != 0, message in result.output) == (True, True)


def test_flaggers_are_added_listed_and_revoked(office: Office) -> None:
    office.publish()
    key = office.run("flaggers", "add", "t1", "Watch", *WHY).output.strip()
    assert len(key) >= 40
    twice = office.run("flaggers", "add", "t1", "Watch", *WHY)
    assert (twice.exit_code, "revoke it first" in twice.output) == (1, True)
    listed = office.run("flaggers", "list", "t1").output
    assert listed.startswith("Watch  ")
    assert listed.endswith("  0 of 0 acted on, 0 errors, 0 unfounded\n")
    assert key not in listed
    assert office.run("flaggers", "revoke", "t1", "Watch", *WHY).output == "Watch: revoked\n"
    assert "  revoked 20" in office.run("flaggers", "list", "t1").output
    assert office.run("flaggers", "revoke", "t1", "Watch", *WHY).exit_code == 1
