"""`decisions explain`: a stored decision is computed again, bit for bit, and a changed one shows."""

from __future__ import annotations

import pytest

from gateway.core.model import MessageState
from tests.cli.conftest import Office
from tests.policies import POLICY, policy


@pytest.mark.parametrize(
    ("spam", "rule"), [(0.0, "nothing_found"), (0.6, "content_suspected"), (0.95, "content_violation")]
)
def test_a_decision_comes_out_the_same(office: Office, spam: float, rule: str) -> None:
    decided = office.publish(spam)
    result = office.run("decisions", "explain", decided.decision_id)
    assert result.exit_code == 0
    assert "Computed again: the same." in result.output
    assert f'rule: "{rule}"' in result.output
    assert policy().version in result.output


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"value":0.6', '"value":0.4'),
        ('"value":0.6', '"value":0.95'),
        ('"outcome":"hold"', '"outcome":"allow"'),
        ('"rule":"content_suspected"', '"rule":"nothing_found"'),
        ('"rule":"content_suspected"', '"rule":"person"'),
        ('"level":"high"', '"level":"substantial"'),
    ],
)
def test_a_case_that_was_changed_is_reported(office: Office, old: str, new: str) -> None:
    decided = office.publish(0.6)
    [(case,)] = office.sql("SELECT case_json FROM decisions WHERE id = ?", decided.decision_id)
    assert old in str(case)
    office.sql("UPDATE decisions SET case_json = ? WHERE id = ?", str(case).replace(old, new), decided.decision_id)
    result = office.run("decisions", "explain", decided.decision_id)
    assert result.exit_code == 1
    assert "DIFFERENT" in result.output


def test_a_policy_that_was_changed_is_reported(office: Office) -> None:
    decided = office.publish(0.6)
    lenient = POLICY.replace("spam: {hold: 0.5,", "spam: {hold: 0.7,")
    office.sql("UPDATE policies SET text = ?", lenient)
    result = office.run("decisions", "explain", decided.decision_id)
    assert result.exit_code == 1
    assert "DIFFERENT" in result.output


def test_a_policy_that_is_not_kept_is_named(office: Office) -> None:
    decided = office.publish()
    office.sql("DELETE FROM policies")
    result = office.run("decisions", "explain", decided.decision_id)
    assert result.exit_code == 1
    assert f"policy {policy().version} is not kept" in result.output


def test_what_a_person_decided_is_not_computed(office: Office) -> None:
    decided = office.publish(0.6)
    office.run("holds", "release", decided.message_id, "--note", "fine", "--actor", "Ann")
    [(decision_id,)] = office.sql("SELECT id FROM decisions WHERE id <> ?", decided.decision_id)
    result = office.run("decisions", "explain", str(decision_id))
    assert result.exit_code == 0
    assert "A person decided this" in result.output
    assert office.run("decisions", "explain", decided.decision_id).exit_code == 0


def test_a_decision_that_is_not_there(office: Office) -> None:
    office.publish()
    result = office.run("decisions", "explain", "none")
    assert (result.exit_code, result.output) == (1, "Error: no decision or message none\n")


def test_a_message_stands_for_its_first_decision(office: Office) -> None:
    sent = office.publish()
    by_message = office.run("decisions", "explain", sent.message_id)
    assert by_message.exit_code == 0
    assert by_message.output == office.run("decisions", "explain", sent.decision_id).output


@pytest.mark.parametrize("words", [("holds", "list"), ("audit", "verify"), ("messages", "list", "held")])
def test_a_database_that_is_not_there_is_not_made(office: Office, words: tuple[str, ...]) -> None:
    result = office.run(*words)
    assert result.exit_code == 1
    assert f"no database at {office.file}" in result.output
    assert not office.file.exists()


def test_an_unknown_outcome_is_resolved_once(office: Office) -> None:
    sent = office.publish(unknown=True)
    words = ("messages", "resolve", sent.message_id, "--note", "seen there", "--actor", "Ann")
    listed = office.run("messages", "list", "unknown")
    assert sent.message_id in listed.output
    assert office.run(*words, "--published").output == f"{sent.message_id}: published\n"
    again = office.run(*words, "--not-published")
    assert again.exit_code == 1
    assert "is not in state unknown" in again.output
    assert office.state(sent.message_id) is MessageState.PUBLISHED


def test_a_message_is_shown_with_its_history(office: Office) -> None:
    sent = office.publish(0.6)
    office.run("holds", "reject", sent.message_id, "--note", "is spam", "--actor", "Ann")
    shown = office.run("messages", "show", sent.message_id)
    assert shown.exit_code == 0
    assert '"rejected"' in shown.output
    assert "Ann" in shown.output
    assert office.run("messages", "show", "none").output == "Error: no message none\n"
