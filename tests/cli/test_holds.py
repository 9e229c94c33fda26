"""`holds`: a person sees what is held, and releases or rejects it once."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from classifiers.contract import Span
from gateway.core.model import Media, Message, MessageState, Repost
from tests.cli.conftest import Office


@pytest.mark.parametrize(("verb", "state"), [("release", MessageState.QUEUED), ("reject", MessageState.REJECTED)])
def test_a_hold_is_resolved_once(office: Office, verb: str, state: MessageState) -> None:
    held = office.publish(0.6)
    [(created_ms,)] = office.sql("SELECT created_ms FROM messages")
    created = datetime.fromtimestamp(int(str(created_ms)) // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    header, line = office.run("holds", "list").output.splitlines()
    assert header.split() == ["MESSAGE", "ACCOUNT", "RULE", "CATEGORIES", "SINCE"]
    assert line == f"{held.message_id}  t1/acc-1  content_suspected  spam        {created}"

    first = office.run("holds", verb, held.message_id, "--note", "looked at it", "--actor", "Ann")
    assert (first.exit_code, first.output) == (0, f"{held.message_id}: {state}\n")

    for again in ("release", "reject"):
        second = office.run("holds", again, held.message_id, "--note", "me too", "--actor", "Bob")
        assert second.exit_code == 1
        assert f"is {state}, not held" in second.output
    assert office.state(held.message_id) is state
    assert office.run("holds", "list").output == ""
    assert office.run("audit", "verify").exit_code == 0


def test_what_is_not_held_is_not_resolved(office: Office) -> None:
    sent = office.publish()
    result = office.run("holds", "release", sent.message_id, "--note", "n", "--actor", "Ann")
    assert result.exit_code == 1
    assert "is published, not held" in result.output


@pytest.mark.parametrize("missing", ["--note", "--actor"])
def test_who_and_why_are_not_optional(office: Office, missing: str) -> None:
    held = office.publish(0.6)
    options = {"--note": "n", "--actor": "Ann"}
    words = [word for option in options.items() if option[0] != missing for word in option]
    result = office.run("holds", "release", held.message_id, *words)
    assert result.exit_code == 2
    assert missing in result.output
    assert office.state(held.message_id) is MessageState.HELD


@pytest.mark.parametrize("blank", ["", "  ", "x" * 501])
@pytest.mark.parametrize("option", ["--note", "--actor"])
def test_who_and_why_are_said_in_some_characters(office: Office, option: str, blank: str) -> None:
    held, unsure = office.publish(0.6), office.publish(unknown=True)
    options = {"--note": "n", "--actor": "Ann", option: blank}
    given = [word for pair in options.items() for word in pair]
    for words in (
        ("holds", "release", held.message_id),
        ("holds", "reject", held.message_id),
        ("messages", "resolve", unsure.message_id, "--published"),
    ):
        result = office.run(*words, *given)
        assert (result.exit_code, f"{option[2:]}: " in result.output) == (1, True)
    assert office.state(held.message_id) is MessageState.HELD
    assert office.state(unsure.message_id) is MessageState.UNKNOWN


def test_a_message_that_is_not_there(office: Office) -> None:
    office.publish()
    result = office.run("holds", "reject", "none", "--note", "n", "--actor", "Ann")
    assert (result.exit_code, result.output) == (1, "Error: no message none\n")


def test_a_closed_account_s_message_is_not_released_and_the_person_is_told_why(office: Office) -> None:
    held = office.publish(0.6)
    close = ("accounts", "set-state", "t1", "acc-1", "closed", "--actor", "Ann")
    assert office.run(*close).exit_code == 0
    result = office.run("holds", "release", held.message_id, "--note", "n", "--actor", "Ann")
    assert result.exit_code == 1
    assert result.output == f"Error: {held.message_id} is not released and stays held: The account is closed.\n"
    assert office.state(held.message_id) is MessageState.HELD
    assert office.run("holds", "reject", held.message_id, "--note", "n", "--actor", "Ann").exit_code == 0


EVIL = Message(
    "t1",
    "acc-1",
    "native",
    (
        "Win \x1b[2Jbig",
        "Send 5 USDT\nreason    none: \u202eevil\r\u2028\\x1b 你好　世界",
        "Daily \x9b31m",
        "https://a.example/1",
    ),
    "",
    media=(Media("image/png", url="https://a.example/p\x07.png"), Media("video/mp4", sha256="ab" * 32)),
    target="#town\x00",
    repost_of=Repost("https://a.example/1", "Daily \x9b31m"),
    declared_topic="topic\x1b]0;x",
    doubts=("encrypted",),
)


def test_what_is_held_can_be_read_and_does_not_act_on_the_terminal(office: Office) -> None:
    content_hash = hashlib.sha256(b"hello").hexdigest()
    message = replace(EVIL, content_hash=content_hash)
    held = office.publish(0.6, message=message, spans=(Span(0, 0, 8), Span(1, 5, 11), Span(9, 0, 5)))
    result = office.run("holds", "show", held.message_id)
    assert result.exit_code == 0
    first, *lines = result.output.split("\n")
    assert first.startswith(f"message   {held.message_id}, held, came 20")
    assert lines[:18] == [
        "account   t1/acc-1, platform native",
        r"target    #town\x00",
        r"topic     topic\x1b]0;x",
        "repost of, url https://a.example/1",
        r"repost of, publisher Daily \x9b31m",
        r"media     image/png https://a.example/p\x07.png",
        f"media     video/mp4 SHA-256 {'ab' * 32}",
        "doubts    encrypted",
        "text 1",
        r"  | Win \x1b[2Jbig",
        "text 2",
        "  | Send 5 USDT",
        r"  | reason    none: \u202eevil\r\u2028\\x1b 你好　世界",
        "text 3",
        r"  | Daily \x9b31m",
        "text 4",
        "  | https://a.example/1",
        "decision  hold, by encrypted",
    ]
    reason = lines.index(next(line for line in lines if line.startswith("reason    content_suspected: spam 0.60, by ")))
    assert lines[reason + 1 : reason + 3] == [r'  text 1, from 1: "Win \x1b[2J"', '  text 2, from 6: "5 USDT"']
    assert all(char.isprintable() or char in "\n　" for char in result.output)


def test_an_account_s_id_does_not_act_on_the_terminal(office: Office) -> None:
    stranger = replace(EVIL, account_id="a\x9b2J", content_hash=hashlib.sha256(b"hello").hexdigest())
    held = office.publish(message=stranger)
    for words in (("holds", "list"), ("messages", "list", "held"), ("holds", "show", held.message_id)):
        assert r"t1/a\x9b2J" in office.run(*words).output


def test_holds_of_one_tenant(office: Office) -> None:
    held = office.publish(0.6)
    assert held.message_id in office.run("holds", "list", "--tenant", "t1").output
    add = ("tenants", "put", "t2", "--name", "Two", "--upstream-url", "https://two.example", "--actor", "Ann")
    assert office.run(*add).exit_code == 0
    assert office.run("holds", "list", "--tenant", "t2").output == ""
    misspelt = office.run("holds", "list", "--tenant", "t3")
    assert (misspelt.exit_code, misspelt.output) == (1, "Error: no tenant t3; see `gateway tenants list`\n")


def test_a_message_that_is_not_there_is_not_shown(office: Office) -> None:
    office.publish()
    result = office.run("holds", "show", "none")
    assert (result.exit_code, result.output) == (1, "Error: no message none\n")


def test_a_decision_that_another_process_carries_out_is_told_as_such(office: Office) -> None:
    held = office.publish(0.6)
    # Another process takes what is decided before this one gets to it.
    taken = "UPDATE queue SET taken_ms = 9e12 WHERE message_id = new.message_id"
    office.sql(f"CREATE TRIGGER quick AFTER UPDATE OF waiting_ms ON queue BEGIN {taken}; END")
    release = ("holds", "release", held.message_id, "--note", "n", "--actor", "Ann")
    first, again = office.run(*release), office.run(*release)
    said = "decided; a running gateway, or another of these commands, is carrying it out"
    assert (first.exit_code, first.output) == (0, f"{held.message_id}: {said}\n")
    assert (again.exit_code, again.output) == (1, f"Error: {held.message_id}: it was decided on a moment ago\n")


def test_a_decision_that_cannot_be_carried_out_after_all_is_told_with_the_reason(office: Office) -> None:
    held = office.publish(0.6)
    # The account is closed after the decision was looked at, and before it is carried out.
    closed = "UPDATE accounts SET state = 'closed'"
    office.sql(f"CREATE TRIGGER quick AFTER UPDATE OF waiting_ms ON queue BEGIN {closed}; END")
    result = office.run("holds", "release", held.message_id, "--note", "n", "--actor", "Ann")
    assert (result.exit_code, result.output) == (1, f"Error: {held.message_id} stays held: The account is closed.\n")
    assert office.state(held.message_id) is MessageState.HELD
