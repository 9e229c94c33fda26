"""From what took place to the rows that record it: the same on every database.

A database's session first finds out which keys were won and which changes of state took place; `plan` then says
what each caller is told, and what is inserted. Audit rows are made only for what took place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from gateway.adapters.sql.writer import Outcomes
from gateway.adapters.sql.writes import Insert, Probe, Update, Write
from gateway.core import audit
from gateway.core.audit import row_hash
from gateway.core.model import APPEALABLE, TERMINAL, MessageState, keeps_request
from gateway.core.records import Entry, Owner, Transition
from gateway.ports import LeaseLost, StoreUnavailable

Values = tuple[Any, ...]

MESSAGE: tuple[str, ...] = (
    "id",
    "tenant_id",
    "account_id",
    "platform",
    "content_hash",
    "state",
    "forwards",
    "owner_slot",
    "owner_epoch",
    "decision_id",
    "fingerprint",
    "message",
    "body",
    "content_type",
    "at_ms",
    "recheck_limit",
    "idempotent",
)
"""The columns of `Plan.messages`; ``at_ms`` stands for created, updated and first recheck."""


def _listed(states: Iterable[MessageState]) -> str:
    return ", ".join([f"'{state.value}'" for state in sorted(states)])


def erases(state: str, forwards: str) -> str:
    """The condition in SQL under which a request is erased with the write: the opposite of
    `gateway.core.model.keeps_request`, for a column or alias of each."""
    return f"({state} IN ({_listed(TERMINAL - APPEALABLE)}) OR ({state} IN ({_listed(APPEALABLE)}) AND NOT {forwards}))"


class Moved(NamedTuple):
    """What the rows of a change of state need of the message's row. ``steps`` counts this change too."""

    steps: int
    tenant_id: str
    account_id: str
    platform: str
    content_hash: str


class Link(NamedTuple):
    """An audit row as the tables have it, column by column."""

    chain: int
    seq: int
    at_ms: int
    kind: str
    message_id: str
    body: str
    prev_hash: str
    hash: str
    step: int


class Heads:
    """The audit chains whose rows are locked, and what is appended to them in this transaction."""

    def __init__(self, rows: Iterable[tuple[int, int, int, int, str]], key: bytes | None) -> None:
        """``rows``: slot, epoch, end of the lease, last seq, last hash. ``key`` is that of the rows' hashes."""
        self._key = key
        self._last: dict[int, tuple[int, str]] = {}
        self._held: set[Owner] = set()
        for slot, epoch, expires_ms, seq, last in rows:
            self._last[slot] = (seq, last)
            if expires_ms > 0 or slot == audit.ADMINISTRATORS:  # theirs is leased to nobody
                self._held.add(Owner(slot, epoch))
        self.links: list[Link] = []

    def holds(self, owner: Owner) -> bool:
        """Whether this owner's lease is the one in force, so that its writes are taken."""
        return owner in self._held

    def append(self, chain: int, at_ms: int, kind: str, message_id: str, body: str, step: int) -> None:
        """Link one row to the end of a chain. ``step`` is the message's, 0 for a row that is about none.

        Raises `StoreUnavailable` where the chain's rows have keyed hashes, and there is no key here.
        """
        seq, prev = self._last[chain]
        seq += 1
        if self._key is None and prev.startswith(audit.KEYED):
            raise StoreUnavailable("the audit chain has keyed hashes; set GATEWAY_KEYS_FILE to the gateway's key file")
        this = row_hash(prev, chain, seq, at_ms, kind, message_id, body, self._key)
        self._last[chain] = (seq, this)
        self.links.append(Link(chain, seq, at_ms, kind, message_id, body, prev, this, step))

    def only(self) -> tuple[Owner, int, str] | None:
        """The owner and new head of the chain, if just one is locked and its lease is in force."""
        if len(self._last) != 1 or len(self._held) != 1:
            return None
        (owner,) = self._held
        return (owner, *self._last[owner.slot])

    def moved(self) -> list[tuple[int, int, str]]:
        """Slot, seq and hash of each chain that has grown."""
        grown = {link.chain for link in self.links}
        return [(slot, seq, last) for slot, (seq, last) in sorted(self._last.items()) if slot in grown]


@dataclass(frozen=True, slots=True)
class Plan:
    """What each caller is told, and the rows to insert."""

    outcomes: Outcomes
    messages: list[Values]
    decisions: list[Values]


def plan(writes: list[Write], heads: Heads, won: set[str], moved: Mapping[str, Moved]) -> Plan:
    """Go through the writes in order; ``heads`` receives the audit rows.

    ``won`` are the messages whose idempotency key was free, ``moved`` those whose state was changed.
    """
    result = Plan([], [], [])
    for write in writes:
        if isinstance(write, Probe):
            result.outcomes.append(True)
        elif not heads.holds(write.owner):
            owner = write.owner
            result.outcomes.append(LeaseLost(f"slot {owner.slot} is no longer held under epoch {owner.epoch}"))
        elif isinstance(write, Insert):
            result.outcomes.append(_insert(write, heads, won, result))
        else:
            result.outcomes.append(_update(write, heads, moved, result))
    return result


def _insert(write: Insert, heads: Heads, won: set[str], result: Plan) -> bool:
    entry, owner = write.entry, write.owner
    if entry.key is not None and write.message_id not in won:
        return False
    result.messages.append(message_row(write))
    result.decisions.append(decision_row(1, entry, write.case_json))
    heads.append(owner.slot, entry.at_ms, audit.DECISION, write.message_id, write.audit_body, 1)
    return True


def _update(write: Update, heads: Heads, moved: Mapping[str, Moved], result: Plan) -> bool:
    row, transition, case_json = moved.get(write.message_id), write.transition, write.case_json
    if row is None:
        return False
    if case_json is not None:
        result.decisions.append(decision_row(row.steps, transition, case_json.decode()))
    body = audit.transition_body(transition, row.tenant_id, row.account_id, row.platform, row.content_hash, case_json)
    heads.append(write.owner.slot, transition.at_ms, audit.TRANSITION, write.message_id, body, row.steps)
    return True


def message_row(write: Insert) -> Values:
    """The row of a new message, see `MESSAGE`."""
    entry, message, owner = write.entry, write.entry.message, write.owner
    owned = entry.state is MessageState.FORWARDING
    return (
        write.message_id,
        message.tenant_id,
        message.account_id,
        message.platform,
        message.content_hash,
        entry.state,
        entry.forwards,
        owner.slot if owned else None,
        owner.epoch if owned else None,
        entry.decision_id,
        entry.fingerprint,
        write.message_json,
        entry.request.body if keeps_request(entry.state, entry.forwards) else b"",
        entry.request.content_type,
        entry.at_ms,
        write.recheck_limit,
        entry.idempotent,
    )


def decision_row(step: int, source: Entry | Transition, case_json: str) -> Values:
    """The row of a decision, the ``step`` of its message."""
    decision = source.case.decision if source.case else None
    return (
        source.message_id,
        step,
        source.decision_id,
        source.at_ms,
        decision and decision.outcome,
        decision and decision.policy_version,
        case_json,
    )
