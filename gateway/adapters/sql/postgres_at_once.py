"""The usual batch as one statement of PostgreSQL, and so one round trip: everything takes place, or nothing.

It can be when the audit rows are known before the database is asked: the writes are all by one owner, the head of its
chain is known from the batch before, and each change of state brings its row's body. The statement compares what it
finds with what was assumed, and fails as a whole where they differ: a lost lease, a chain that grew elsewhere, a key
that is taken, a message that is in another state. The batch is then written in the two statements that find out.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from gateway.adapters.sql.plan import Heads, Values, decision_row, message_row
from gateway.adapters.sql.writes import Insert, Update, Write
from gateway.core import audit
from gateway.core.records import Owner

STATEMENT: Final = """
WITH mine AS (
    UPDATE chains SET seq = $1, hash = $2
    WHERE slot = $3 AND epoch = $4 AND seq = $5 AND hash = $6 AND (expires_ms > 0 OR slot = -1)
    RETURNING slot
), won AS (
    INSERT INTO idempotency_keys (tenant_id, key, message_id)
    SELECT n.* FROM unnest($7::text[], $8::text[], $9::text[]) AS n CROSS JOIN mine
    ON CONFLICT DO NOTHING
    RETURNING message_id
), moved AS (
    UPDATE messages m SET
        state = c.state,
        updated_ms = c.at_ms,
        owner_slot = CASE WHEN c.state = 'forwarding' THEN $3 END,
        owner_epoch = CASE WHEN c.state = 'forwarding' THEN $4 END,
        steps = m.steps + 1,
        upstream_status = coalesce(c.upstream_status, m.upstream_status),
        upstream_body = coalesce(c.upstream_body, m.upstream_body),
        upstream_content_type = coalesce(c.upstream_content_type, m.upstream_content_type)
    FROM unnest($10::text[], $11::text[], $12::text[], $13::bigint[], $14::int[], $15::bytea[], $16::text[])
        AS c (id, expect, state, at_ms, upstream_status, upstream_body, upstream_content_type)
    CROSS JOIN mine
    WHERE m.id = c.id AND m.state = c.expect
        AND (c.expect <> 'forwarding' OR (m.owner_slot = $3 AND m.owner_epoch = $4))
    RETURNING m.id, m.steps
), new_messages AS (
    INSERT INTO messages (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        steps, fingerprint, message, body, content_type, created_ms, updated_ms, recheck_at, recheck_limit
    )
    SELECT id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        1, fingerprint, message, body, content_type, at_ms, at_ms, at_ms, recheck_limit
    FROM unnest(
        $17::text[], $18::text[], $19::text[], $20::text[], $21::text[], $22::text[], $23::bool[], $24::int[],
        $25::bigint[], $26::text[], $27::text[], $28::text[], $29::bytea[], $30::text[], $31::bigint[], $32::int[]
    ) AS n (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        fingerprint, message, body, content_type, at_ms, recheck_limit
    ) CROSS JOIN mine
), new_decisions AS (
    INSERT INTO decisions (message_id, step, id, at_ms, outcome, policy_version, case_json)
    SELECT n.* FROM unnest(
        $33::text[], $34::int[], $35::text[], $36::bigint[], $37::text[], $38::text[], $39::text[]
    ) AS n CROSS JOIN mine
), new_audit AS (
    INSERT INTO audit (chain, seq, at_ms, kind, message_id, body, prev_hash, hash, step)
    SELECT n.chain, n.seq, n.at_ms, n.kind, n.message_id, n.body, n.prev_hash, n.hash, coalesce(moved.steps, n.step)
    FROM unnest(
        $40::int[], $41::bigint[], $42::bigint[], $43::text[], $44::text[], $45::text[], $46::text[], $47::text[],
        $48::int[]
    ) AS n (chain, seq, at_ms, kind, message_id, body, prev_hash, hash, step)
    CROSS JOIN mine LEFT JOIN moved ON moved.id = n.message_id
)
SELECT 1 / (
    (SELECT count(*) FROM mine) = 1 AND (SELECT count(*) FROM won) = $49 AND (SELECT count(*) FROM moved) = $50
)::int
"""
"""Divides by zero, which undoes it all, unless every assumption held."""


def arguments(writes: Sequence[Write], owner: Owner, seq: int, last: str) -> tuple[list[Any], int, str] | None:
    """The statement's arguments, and the new head of the owner's chain; None when the batch needs to find out more.

    ``seq`` and ``last`` are the chain's head as far as known.
    """
    heads = Heads([(owner.slot, owner.epoch, 1, seq, last)])
    keys: list[Values] = []
    changes: list[Values] = []
    messages: list[Values] = []
    decisions: list[Values] = []
    for write in writes:
        if isinstance(write, Insert) and write.owner == owner:
            entry = write.entry
            if entry.key is not None:
                keys.append((entry.message.tenant_id, entry.key, write.message_id))
            messages.append(message_row(write))
            decisions.append(decision_row(1, entry, write.case_json))
            heads.append(owner.slot, entry.at_ms, audit.DECISION, write.message_id, write.audit_body, 1)
        elif isinstance(write, Update) and write.owner == owner and write.audit_body is not None:
            changes.append(_change(write))
            heads.append(owner.slot, write.transition.at_ms, audit.TRANSITION, write.message_id, write.audit_body, 0)
        else:
            return None
    keys.sort()  # so two processes that insert the same keys wait for each other and do not deadlock
    ((_, new_seq, new_last),) = heads.moved()
    values = [new_seq, new_last, owner.slot, owner.epoch, seq, last]
    values += columns(keys, 3) + columns(changes, 7) + columns(messages, 16) + columns(decisions, 7)
    values += [*columns(heads.links, 9), len(keys), len(changes)]
    return values, new_seq, new_last


def columns(rows: Sequence[Values], count: int) -> list[tuple[Any, ...]]:
    """The rows as one tuple for each of ``count`` columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _change(write: Update) -> Values:
    transition, upstream = write.transition, write.transition.upstream
    return (
        write.message_id,
        transition.expect,
        transition.state,
        transition.at_ms,
        upstream and upstream.status,
        upstream and upstream.body,
        upstream and upstream.content_type,
    )
