"""Messages, cases and tenants for the contract suites."""

from __future__ import annotations

from itertools import count
from typing import Any

from classifiers.contract import Answer, Opinion, Score, Silence, Unanswered
from gateway.core.audit import breaks
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
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
from gateway.core.policy import VIOLATIONS
from gateway.core.records import Entry, Owner, Request, Tenant, Transition
from gateway.ports import Register, Store

QUEUED, FORWARDING, PUBLISHED = MessageState.QUEUED, MessageState.FORWARDING, MessageState.PUBLISHED
HELD, UNKNOWN, REJECTED, RELEASED = (
    MessageState.HELD,
    MessageState.UNKNOWN,
    MessageState.REJECTED,
    MessageState.RELEASED,
)

Opened = tuple[Store, Register]

ACCOUNT = Account(
    "acc-1",
    AccountState.ACTIVE,
    Registrant("reg-1", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "eidas", "high", 2_000_000_000_000),
    (NewsAuthorisation("licence", NewsKind.ORIGINATE, 0, 2_000_000_000_000),),
)
CLEAR = Opinion("text", "1", (Score("spam", 0.1), Score("hate", 1 / 3)))
TENANT = Tenant("t1", "Tenant One", "https://one.example/publish", upstream_idempotent=True)
OTHER = Tenant("t2", "Tenant Two", "https://two.example/publish")

POLICY = f"""
classifiers: {{text: {{}}}}
categories: {{{", ".join(f"{name}: {{hold: 0.5}}" for name in sorted(VIOLATIONS))}}}
identity: {{accept: [{{framework: eidas, levels: [high]}}]}}
standing: {{sanctions: {{{", ".join(f"{degree}: hold" for degree in Degree)}}}}}
news: {{threshold: 0.5}}
"""

_numbers = count(1)


def case(*answers: Answer, outcome: Outcome = Outcome.ALLOW) -> Case:
    """A decision from these answers."""
    reason = Reason("code", outcome, "what the author is told", "policy", "spam", 0.1)
    return Case(Facts(1, ACCOUNT), answers or (CLEAR,), Decision(outcome, "code", (reason,), "v" * 64))


def silent(silence: Silence) -> Case:
    """A hold for want of one opinion."""
    return case(CLEAR, Unanswered("spam", silence), outcome=Outcome.HOLD)


def entry(
    state: MessageState = MessageState.FORWARDING, at_ms: int = 1000, tenant_id: str = "t1", **fields: Any
) -> Entry:
    """A new message with ids of its own."""
    number = next(_numbers)
    message = Message(tenant_id, "acc-1", "native", ("title", f"text {number}"), "c" * 64)
    values: dict[str, Any] = {
        "message_id": f"m{number:08}",
        "decision_id": f"d{number:08}",
        "message": message,
        "request": Request(b'{"text": "\x00\xff"}', "application/json"),
        "case": case(),
        "state": state,
        "forwards": True,
        "at_ms": at_ms,
        "idempotent": tenant_id == TENANT.tenant_id,
        **fields,
    }
    return Entry(**values)


def change(of: Entry, expect: MessageState, state: MessageState, at_ms: int = 2000, **fields: Any) -> Transition:
    """A change of this message's state, by one who has the message at hand."""
    fields.setdefault("message", of.message)
    return Transition(of.message_id, expect, state, fields.pop("actor", "gateway"), "note", at_ms, **fields)


async def owner_of(store: Store, holder: str = "one", now_ms: int = 0) -> Owner:
    """A lease for a process, good for a hundred thousand milliseconds."""
    lease = await store.lease(holder, 8, 100_000, now_ms)
    assert lease is not None
    return lease.owner


async def assert_chains_whole(store: Store) -> None:
    rows = [row async for row in store.audit()]
    assert rows == sorted(rows, key=lambda row: (row.chain, row.seq))
    assert list(breaks(rows, await store.heads())) == []
