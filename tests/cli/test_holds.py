"""`holds`: a person sees what is held, and releases or rejects it once."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from gateway.core.model import MessageState
from tests.cli.conftest import Office


@pytest.mark.parametrize(("verb", "state"), [("release", MessageState.QUEUED), ("reject", MessageState.REJECTED)])
def test_a_hold_is_resolved_once(office: Office, verb: str, state: MessageState) -> None:
    held = office.publish(0.6)
    [(created_ms,)] = office.sql("SELECT created_ms FROM messages")
    created = datetime.fromtimestamp(int(str(created_ms)) // 1000, UTC).isoformat()
    assert office.run("holds", "list").output == f"{held.message_id}  t1/acc-1  content_suspected  {created}\n"

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
