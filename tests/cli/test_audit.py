"""`audit verify`: every chain is whole, or the first bad row is named."""

from __future__ import annotations

import pytest

from tests.cli.conftest import Office


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


def test_the_decision_of_a_person_is_compared_too(office: Office) -> None:
    held = office.publish(0.6)
    office.run("holds", "release", held.message_id, "--note", "n", "--actor", "Ann")
    assert office.run("audit", "verify").exit_code == 0
    office.sql("UPDATE decisions SET case_json = replace(case_json, 'allow', 'block') WHERE step = 2")
    result = office.run("audit", "verify")
    assert result.exit_code == 1
    assert "chain -1, row" in result.output
