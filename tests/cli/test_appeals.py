"""`statements` and `appeals`: a person reads what an author was told, and decides on what the author says."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import FileSealer, mark_of
from gateway.adapters.sql import SqlFollower
from gateway.adapters.sql.appeals import SqlAppeals
from gateway.adapters.sql.statements import SqlStatements, StatementsPart
from gateway.appealing import Appealing
from gateway.core.appeals import Appeal, AppealPolicy
from gateway.core.holds import Holds
from gateway.core.model import MessageState
from tests.cli.conftest import Office

NOVEL = "It is a line\nof a \x1b[31mnovel"


def appealed(office: Office, message_id: str, keys: Path | None = None) -> Appeal:
    """What a running gateway does: a statement of the message, and an author who appeals against it."""

    async def make() -> Appeal:
        async with office.store() as (store, register):
            clock = SystemClock()
            follower = SqlFollower(store.database, [StatementsPart(store.database)])
            for chain in await store.heads():
                await follower.follow(chain, clock.now_ms())
            sealer = FileSealer(keys, "appeals") if keys is not None else None
            appealing = Appealing(
                statements=SqlStatements(store.database),
                appeals=SqlAppeals(store.database, sealer),
                store=store,
                registry=register,
                policy=AppealPolicy,
                clock=clock,
                holds=Holds,
            )
            statement = (await appealing.statements.of_message(message_id, "t1"))[-1]
            made = await appealing.make(statement, NOVEL, "en")
            assert isinstance(made, Appeal)
            return made

    return asyncio.run(make())


def test_an_appeal_is_listed_shown_and_decided_once(office: Office) -> None:
    blocked = office.publish(0.95)
    appeal = appealed(office, blocked.message_id)

    header, line = office.run("appeals", "list", "--tenant", "t1").output.splitlines()
    assert header.split() == ["APPEAL", "ACCOUNT", "AGAINST", "DUE"]
    assert line.startswith(f"{appeal.appeal_id}  t1/acc-1  message {blocked.message_id}  20")
    assert header.index("DUE") == line.index("  20") + 2
    shown = office.run("appeals", "show", "t1", appeal.appeal_id).output.splitlines()
    assert "  | It is a line" in shown
    assert "  | of a \\x1b[31mnovel" in shown  # what a terminal would act on is an escape
    assert "ground    spam, content_violation" in shown
    assert "involved  -" in shown

    words = ("--reverse", "--note", "You were right.", "--reason", "ticket 7", "--actor", "Bob")
    first = office.run("appeals", "decide", "t1", appeal.appeal_id, *words)
    assert (first.exit_code, first.output) == (0, f"{appeal.appeal_id}: reversed, message queued\n")
    second = office.run("appeals", "decide", "t1", appeal.appeal_id, *words)
    assert second.exit_code == 1
    assert "decided already" in second.output
    assert office.state(blocked.message_id) is MessageState.QUEUED
    assert office.run("appeals", "list").output == ""
    assert "  | You were right." in office.run("appeals", "show", "t1", appeal.appeal_id).output
    assert office.run("audit", "verify").exit_code == 0
    explained = office.run("decisions", "explain", blocked.message_id)
    assert explained.exit_code == 0


def test_a_decision_by_appeal_is_nothing_to_compute_again(office: Office) -> None:
    blocked = office.publish(0.95)
    appeal = appealed(office, blocked.message_id)
    office.run("appeals", "decide", "t1", appeal.appeal_id, "--reverse", "--reason", "r", "--actor", "Bob")
    [(decision_id,)] = office.sql("SELECT id FROM decisions WHERE step = 2")
    explained = office.run("decisions", "explain", str(decision_id))
    assert explained.exit_code == 0
    assert "A person decided this" in explained.output


@pytest.mark.parametrize("actor", ["gateway", "Gateway"])
def test_a_machine_does_not_decide(office: Office, actor: str) -> None:
    appeal = appealed(office, office.publish(0.95).message_id)
    words = ("--uphold", "--reason", "r", "--actor", actor)
    refused = office.run("appeals", "decide", "t1", appeal.appeal_id, *words)
    assert refused.exit_code == 1
    assert "decided by a person" in refused.output


def test_who_rejected_the_message_does_not_decide(office: Office) -> None:
    held = office.publish(0.6)
    office.run("holds", "reject", held.message_id, "--note", "spam", "--actor", "Ann")
    made = appealed(office, held.message_id)
    refused = office.run("appeals", "decide", "t1", made.appeal_id, "--reverse", "--reason", "r", "--actor", "ann")
    assert refused.exit_code == 1
    assert "somebody else has to decide" in refused.output
    assert "involved  Ann" in office.run("appeals", "show", "t1", made.appeal_id).output


@pytest.mark.parametrize(("lang", "title"), [("en", "Your message was not published"), ("zh", "您的消息未获发布")])
def test_a_statement_is_printed_as_its_author_reads_it(office: Office, lang: str, title: str) -> None:
    blocked = office.publish(0.95)
    appeal = appealed(office, blocked.message_id)
    by_id = office.run("statements", "show", appeal.statement_id, "--lang", lang)
    assert by_id.exit_code == 0
    assert by_id.output.splitlines()[:3] == [f"{appeal.statement_id}  block  t1/acc-1", "", title]
    assert office.run("statements", "show", blocked.message_id, "--lang", lang).output == by_id.output
    assert "no statement" in office.run("statements", "show", "none").output


def test_what_is_not_there_is_said(office: Office) -> None:
    office.publish(0.95)
    assert "has no appeal" in office.run("appeals", "show", "t1", "none").output
    words = ("--uphold", "--reason", "r", "--actor", "Bob")
    assert "there is no such appeal" in office.run("appeals", "decide", "t1", "none", *words).output
    assert "no tenant" in office.run("appeals", "list", "--tenant", "none").output


def test_sealed_texts_open_with_the_key_file_and_keep_its_keys(
    office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = tmp_path / "keys.json"
    office.run("keys", "new", str(keys))
    [old] = office.run("keys", "list", str(keys)).output.split()
    blocked = office.publish(0.95)
    appeal = appealed(office, blocked.message_id, keys)
    shown = office.run("appeals", "show", "t1", appeal.appeal_id).output
    assert ("novel" in shown, shown.splitlines()[-1]) == (False, "text      (no key here opens it)")  # no file is named
    monkeypatch.setenv("GATEWAY_KEYS_FILE", str(keys))
    assert "novel" in office.run("appeals", "show", "t1", appeal.appeal_id).output

    office.run("keys", "add", str(keys))
    os.utime(keys, (keys.stat().st_atime, keys.stat().st_mtime - 3600))  # for long enough
    refused = office.run("keys", "drop", str(keys), old, "--actor", "Ann")
    assert f"still sealed under {old}: 1 open appeal; see" in refused.output
    office.run("appeals", "decide", "t1", appeal.appeal_id, "--uphold", "--reason", "r", "--actor", "Bob")
    sealed = mark_of(old) + b"something"
    sql = "UPDATE messages SET body = ?, content_type = 'application/vnd.moderation-gateway.sealed'"
    office.sql(sql, sealed)
    refused = office.run("keys", "drop", str(keys), old, "--actor", "Ann")
    assert f"still sealed under {old}: 1 request of blocked messages" in refused.output
    dropped = office.run("keys", "drop", str(keys), old, "--forget-blocked", "--actor", "Ann")
    assert (dropped.exit_code, dropped.output) == (0, f"{keys}: key {old} dropped\n")
    assert office.sql("SELECT length(body) FROM messages") == [(0,)]
    told = office.run("appeals", "show", "t1", appeal.appeal_id)
    assert (told.exit_code, "novel" in told.output) == (0, False)
    assert told.output.splitlines()[-1] == "text      (erased, or no key here opens it)"


def test_words_that_were_erased_are_said_to_be_so(office: Office) -> None:
    appeal = appealed(office, office.publish(0.95).message_id)
    office.sql("UPDATE appeals SET text = x'', note = NULL")
    shown = office.run("appeals", "show", "t1", appeal.appeal_id).output
    assert shown.splitlines()[-1] == "text      (erased, for its time is over)"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://notices.example/", "GATEWAY_NOTIFY__HTTP"),
        ("https://notices.example:22/", "GATEWAY_NOTIFY__PORTS"),
        ("https://a@notices.example/", "--notify-url"),
    ],
)
def test_an_address_that_no_notice_would_go_to_is_not_put(office: Office, url: str, why: str) -> None:
    words = ("--name", "A", "--upstream-url", "https://a.example", "--notify-secret-env", "S", "--actor", "Ann")
    refused = office.run("tenants", "put", "a", "--notify-url", url, *words)
    assert refused.exit_code == 2
    assert why in " ".join(refused.output.split())
    assert office.run("tenants", "put", "a", "--notify-url", "https://notices.example/in", *words).exit_code == 0
