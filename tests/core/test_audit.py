"""The audit chain: bodies that name without telling, and a hash that shows every change."""

from __future__ import annotations

import hashlib
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import fields, replace

from classifiers.contract import Opinion, Score, Span
from gateway.core.audit import (
    GENESIS,
    breaks,
    breaks_meanwhile,
    decision_body,
    link,
    registry_body,
    row_hash,
    transition_body,
)
from gateway.core.codec import encode_case, encode_message
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Facts,
    Message,
    MessageState,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Reason,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.records import AuditRow, Transition, UpstreamAnswer

ACCOUNT = Account(
    "acc",
    AccountState.ACTIVE,
    Registrant("secret-person", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high"),
    (NewsAuthorisation("licence", NewsKind.HOST, 1, 2),),
)
MESSAGE = Message("t", "acc", "native", ("secret text",), "c" * 64)
REASON = Reason("spam", Outcome.BLOCK, "secret explanation", "text", "spam", 0.9, (Span(0, 0, 6),))
CASE = Case(
    Facts(1, ACCOUNT),
    (Opinion("text", "1", (Score("spam", 0.9),)),),
    Decision(Outcome.BLOCK, "spam", (REASON,), "v" * 64),
)
CASE_JSON = encode_case(CASE)
MESSAGE_JSON = encode_message(MESSAGE)
DECISION = {
    "account_id": "acc",
    "case_hash": hashlib.sha256(CASE_JSON).hexdigest(),
    "content_hash": "c" * 64,
    "decision_id": "d1",
    "message_id": "m1",
    "outcome": "block",
    "platform": "native",
    "policy_version": "v" * 64,
    "reasons": [{"category": "spam", "code": "spam", "outcome": "block", "score": 0.9, "source": "text"}],
    "rule": "spam",
    "state": "blocked",
    "tenant_id": "t",
}
CHANGE = Transition("m1", MessageState.HELD, MessageState.BLOCKED, "Ann", "seen", 5)


def chain(length: int, number: int = 0) -> list[AuditRow]:
    rows: list[AuditRow] = []
    for seq in range(1, length + 1):
        rows.append(link(rows[-1].hash if rows else GENESIS, number, seq, seq, "kind", f"m{seq}", "{}"))
    return rows


def heads(*chains: list[AuditRow]) -> dict[int, tuple[int, str]]:
    return {rows[-1].chain: (rows[-1].seq, rows[-1].hash) for rows in chains}


def test_the_row_of_a_new_message_names_its_decision() -> None:
    body = decision_body("m1", MESSAGE, MessageState.BLOCKED, "d1", CASE, CASE_JSON, MESSAGE_JSON)
    row = {**DECISION, "message_hash": hashlib.sha256(MESSAGE_JSON).hexdigest()}
    assert orjson.loads(body) == row
    assert list(orjson.loads(body)) == sorted(row)
    assert "secret" not in body


def test_the_row_of_a_change_says_who_and_what() -> None:
    body = transition_body(CHANGE, "t", "acc", "native", "c" * 64)
    assert orjson.loads(body) == {
        "account_id": "acc",
        "actor": "Ann",
        "from": "held",
        "message_id": "m1",
        "note": "seen",
        "tenant_id": "t",
        "to": "blocked",
    }


def test_the_row_of_a_change_carries_its_decision_and_the_upstream_s_status() -> None:
    answer = UpstreamAnswer(502, b"secret answer", "text/plain")
    change = replace(CHANGE, decision_id="d1", case=CASE, upstream=answer)
    body = transition_body(change, "t", "acc", "native", "c" * 64, CASE_JSON)
    assert orjson.loads(body)["decision"] == DECISION
    assert orjson.loads(body)["upstream_status"] == 502
    assert "secret" not in body


def test_the_row_of_a_registry_write_leaves_the_person_out() -> None:
    body = registry_body("Ann", 7, "t", ACCOUNT)
    row = orjson.loads(body)
    assert (row["actor"], row["change"], row["tenant_id"], row["account_id"]) == ("Ann", 7, "t", "acc")
    assert row["account"]["registrant"] == {
        "framework": "eidas",
        "kind": "person",
        "level": "high",
        "state": "verified",
    }
    assert "secret" not in body
    assert orjson.loads(registry_body("Ann", 8, "t", upstream_url="https://new.example"))["upstream_url"] == (
        "https://new.example"
    )


def test_a_hash_is_what_it_always_was() -> None:
    """Chains written by earlier versions must still check."""
    parts = (GENESIS, "-1", "1", "1000", "registry", "", '{"a":"\u00e9"}')
    text = b"".join(b"%d:%b" % (len(part.encode()), part.encode()) for part in parts)
    assert row_hash(GENESIS, -1, 1, 1000, "registry", "", '{"a":"\u00e9"}') == hashlib.sha256(text).hexdigest()


def test_whole_chains_have_no_breaks() -> None:
    one, two = chain(3, 0), chain(2, 1)
    assert list(breaks(one + two, heads(one, two))) == []
    assert list(breaks([], {})) == []


CHANGES: dict[str, Any] = {
    "chain": 9,
    "seq": 9,
    "at_ms": 9,
    "kind": "x",
    "message_id": "x",
    "body": "[]",
    "prev_hash": "f" * 64,
    "hash": "f" * 64,
}


@pytest.mark.parametrize("field", [field.name for field in fields(AuditRow)])
def test_each_changed_field_shows(field: str) -> None:
    rows = chain(3)
    changed = [rows[0], replace(rows[1], **{field: CHANGES[field]}), rows[2]]
    assert list(breaks(changed, heads(rows)))


def test_what_is_written_while_a_chain_is_read_breaks_nothing() -> None:
    rows, new = chain(5), chain(2, 1)
    assert list(breaks_meanwhile([*rows, *new], heads(rows[:3]), heads(rows, new))) == []
    assert list(breaks_meanwhile(rows[:4], heads(rows[:3]), heads(rows))) == []


def test_what_was_there_before_is_checked_and_nothing_stands_beyond_the_head() -> None:
    rows = chain(5)
    changed = [*rows[:1], replace(rows[1], body="[]"), *rows[2:]]
    assert "row 2: was changed" in next(breaks_meanwhile(changed, heads(rows[:3]), heads(rows)))
    assert "ends at row 2, its head says 3" in next(breaks_meanwhile(rows[:2], heads(rows[:3]), heads(rows)))
    assert "row 5 is beyond its head, which says 4" in next(breaks_meanwhile(rows, heads(rows[:4]), heads(rows[:4])))


def test_rows_cut_off_moved_or_missing_show() -> None:
    rows = chain(4)
    assert list(breaks(rows[:3], heads(rows))) == ["chain 0: ends at row 3, its head says 4"]
    assert list(breaks([], heads(rows))) == ["chain 0: ends at row 0, its head says 4"]
    assert list(breaks(rows[1:], heads(rows)))
    assert list(breaks([rows[0], rows[2], rows[3]], heads(rows)))
    assert list(breaks([rows[0], rows[2], rows[1], rows[3]], heads(rows)))


@given(st.lists(st.text(max_size=5), min_size=3, max_size=3), st.lists(st.text(max_size=5), min_size=3, max_size=3))
def test_fields_cannot_run_into_each_other(one: list[str], other: list[str]) -> None:
    def of(texts: list[str]) -> str:
        return row_hash(GENESIS, 0, 1, 1, *texts)

    assert (of(one) == of(other)) == (one == other)
