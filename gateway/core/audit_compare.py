"""Messages and decisions held against the audit chain: what an administrator of the database changed there shows.

The chain commits to each message's first decision, state and content, to every later decision, and to every change of
state. Pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import orjson

from gateway.core.audit import DECISION, TRANSITION
from gateway.core.model import MessageState
from gateway.core.records import AuditRow, Written


def differences(written: Written, rows: Sequence[AuditRow]) -> Iterator[str]:
    """What a message and its decisions say otherwise than these rows, all that the chains have about the message."""
    name = f"message {written.message_id}"
    bodies = [(row, orjson.loads(row.body)) for row in rows if row.kind in (DECISION, TRANSITION)]
    first = next((body for row, body in bodies if row.kind == DECISION), None)
    if first is None:
        yield f"{name}: no row of a chain is about it"
        return
    if first["content_hash"] != written.content_hash:
        yield f"{name}: its content hash was changed after it was written"
    # Rows of earlier versions do not commit to the message's own text.
    if not written.is_erased and first.get("message_hash", written.message_hash) != written.message_hash:
        yield f"{name}: its text was changed after it was written"
    if (state := _last_state(first, [body for row, body in bodies if row.kind == TRANSITION])) != written.state:
        yield f"{name}: its state is {written.state.value}, the chains say {state or 'none'}"
    yield from _decisions(written, bodies)


def _decisions(written: Written, bodies: Sequence[tuple[AuditRow, dict[str, object]]]) -> Iterator[str]:
    promised: dict[str, tuple[str, object, object]] = {}
    for row, body in bodies:
        decided = body if row.kind == DECISION else body.get("decision")
        if isinstance(decided, dict):
            where = f"chain {row.chain}, row {row.seq}"
            promised[str(decided["decision_id"])] = (where, decided["case_hash"], decided["outcome"])
    stored = {decision_id: (case_hash, outcome) for decision_id, case_hash, outcome in written.decisions}
    for decision_id, (where, case_hash, outcome) in promised.items():
        if decision_id not in stored:
            yield f"{where}: decision {decision_id} is missing"
        elif stored[decision_id] != (case_hash, outcome):
            yield f"{where}: decision {decision_id} was changed after it was written"
    for decision_id in stored.keys() - promised.keys():
        yield f"message {written.message_id}: no row of a chain is about decision {decision_id}"


def _last_state(first: dict[str, str], changes: Sequence[dict[str, str]]) -> MessageState | None:
    """Where the changes lead, in whatever chains they stand: the state that is entered once more than it is left."""
    count = Counter([first["state"]])
    for change in changes:
        count[change["to"]] += 1
        count[change["from"]] -= 1
    left = [state for state, times in count.items() if times]
    return MessageState(left[0]) if len(left) == 1 and count[left[0]] == 1 else None
