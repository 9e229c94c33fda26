"""`audit verify`: every chain is whole, or the first bad row is named."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office

CUT_OFF = "DELETE FROM audit WHERE chain = 0; UPDATE chains SET seq = 0, hash = printf('%064d', 0) WHERE slot = 0"
"""A chain's rows go with its head, as if there had been none."""


def test_whole_chains(office: Office) -> None:
    office.publish()
    office.publish(0.6)
    result = office.run("audit", "verify")
    assert result.exit_code == 0
    assert "every chain is whole" in result.output


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE audit SET body = replace(body, 'allow', 'block') WHERE chain = 0 AND seq = 1", "chain 0, row 1: was"),
        ("UPDATE audit SET at_ms = at_ms + 1 WHERE chain = 0 AND seq = 2", "chain 0, row 2: was changed"),
        ("UPDATE audit SET message_id = 'other' WHERE chain = 0", "chain 0, row 1: was changed"),
        ("DELETE FROM audit WHERE chain = 0 AND seq = 1", "chain 0, row 2: expected row 1"),
        ("DELETE FROM audit WHERE chain = 0 AND seq = 3", "chain 0: ends at row 2, its head says 3"),
        ("DELETE FROM audit WHERE chain = 0", "chain 0: ends at row 0, its head says 3"),
        ("UPDATE audit SET prev_hash = hash WHERE chain = 0 AND seq = 2", "chain 0, row 2: does not follow"),
    ],
)
def test_the_first_bad_row_is_named(office: Office, statement: str, problem: str) -> None:
    office.publish()
    office.publish(0.6)
    office.sql(statement)
    result = office.run("audit", "verify")
    assert result.exit_code == 1
    assert problem in result.output
    assert "every chain is whole" not in result.output


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE decisions SET case_json = replace(case_json, 'allow', 'block')", "was changed after it was written"),
        ("DELETE FROM decisions", "is missing"),
    ],
)
def test_a_decision_that_is_not_the_one_it_was_is_named(office: Office, statement: str, problem: str) -> None:
    sent = office.publish()
    office.sql(f"{statement} WHERE id = ?", sent.decision_id)
    result = office.run("audit", "verify")
    assert result.exit_code == 1
    assert f"chain 0, row 1: decision {sent.decision_id} {problem}" in result.output


@pytest.mark.parametrize(
    ("statement", "problem"),
    [
        ("UPDATE messages SET state = 'published'", "its state is held, the chains say"),
        ("UPDATE messages SET message = replace(message, 'hello', 'goodbye')", "its text was changed"),
        ("UPDATE messages SET content_hash = 'x'", "its content hash was changed"),
        ("UPDATE decisions SET outcome = 'allow'", "was changed after it was written"),
        ("DELETE FROM messages", "is missing"),
        # The rows, and the head with them, as if nothing had been there.
        (CUT_OFF, "no row of a chain"),
    ],
)
def test_a_message_that_is_not_what_it_was_is_named(office: Office, statement: str, problem: str) -> None:
    office.publish(0.6)
    for each in statement.split("; "):
        office.sql(each)
    result = office.run("audit", "verify")
    assert result.exit_code == 1
    assert problem in result.output.replace("its state is published", "its state is held")


def test_the_decision_of_a_person_is_compared_too(office: Office) -> None:
    held = office.publish(0.6)
    office.run("holds", "release", held.message_id, "--note", "n", "--actor", "Ann")
    assert office.run("audit", "verify").exit_code == 0
    office.sql("UPDATE decisions SET case_json = replace(case_json, 'allow', 'block') WHERE step = 2")
    result = office.run("audit", "verify")
    assert result.exit_code == 1
    assert "chain -1, row" in result.output
