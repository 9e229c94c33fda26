"""The usual batch as one statement of PostgreSQL, and so one round trip: everything takes place, or nothing.

It can be when the audit rows are known before the database is asked: the writes are all by one owner, the head of its
chain is known from the batch before, and each change of state brings its row's body. The statement compares what it
finds with what was assumed, and fails as a whole where they differ: a lost lease, a chain that grew elsewhere, a key
that is taken, a message that is in another state. The batch is then written in the two statements that find out.

The rows go as one JSON text, which the database takes apart: an array for each column costs this process, which has
less time to spare, three times as much. Bodies, which may be any bytes, go beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from gateway.adapters.sql.plan import Heads, Link, erases
from gateway.adapters.sql.writes import Insert, Update, Write
from gateway.core import audit
from gateway.core.model import MessageState, keeps_request
from gateway.core.records import Owner

STATEMENT: Final = f"""
WITH mine AS (
    UPDATE chains SET seq = $1, hash = $2
    WHERE slot = $3 AND epoch = $4 AND seq = $5 AND hash = $6 AND (expires_ms > 0 OR slot = -1)
    RETURNING slot
), entry AS MATERIALIZED (
    SELECT n.* FROM ROWS FROM (
        json_to_recordset($7::json) AS (
            id text, tenant_id text, account_id text, platform text, content_hash text, state text, forwards bool,
            owned bool, decision_id text, fingerprint text, message text, content_type text, at_ms bigint,
            recheck_limit int, idempotent bool, key text, outcome text, policy_version text, case_json text, seq bigint,
            audit_body text, prev_hash text, hash text
        ),
        unnest($8::bytea[])
    ) AS n (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owned, decision_id, fingerprint, message,
        content_type, at_ms, recheck_limit, idempotent, key, outcome, policy_version, case_json, seq, audit_body,
        prev_hash, hash, body
    ) CROSS JOIN mine
), won AS (
    INSERT INTO idempotency_keys (tenant_id, key, message_id)
    SELECT tenant_id, key, id FROM entry WHERE key IS NOT NULL ORDER BY tenant_id COLLATE "C", key COLLATE "C"
    ON CONFLICT DO NOTHING
    RETURNING message_id
), moved AS (
    UPDATE messages m SET
        state = c.state,
        body = CASE WHEN {erases("c.state", "m.forwards")} THEN ''::bytea ELSE m.body END,
        updated_ms = c.at_ms,
        owner_slot = CASE WHEN c.state = 'forwarding' THEN $3 END,
        owner_epoch = CASE WHEN c.state = 'forwarding' THEN $4 END,
        steps = m.steps + 1,
        upstream_status = coalesce(c.upstream_status, m.upstream_status),
        upstream_body = coalesce(c.upstream_body, m.upstream_body),
        upstream_content_type = coalesce(c.upstream_content_type, m.upstream_content_type),
        handle = coalesce(c.handle, m.handle)
    FROM ROWS FROM (
        json_to_recordset($9::json) AS (
            id text, expect text, state text, at_ms bigint, upstream_status int, upstream_content_type text,
            handle text, seq bigint, audit_body text, prev_hash text, hash text
        ),
        unnest($10::bytea[])
    ) AS c (
        id, expect, state, at_ms, upstream_status, upstream_content_type, handle, seq, audit_body, prev_hash, hash,
        upstream_body
    ) CROSS JOIN mine
    WHERE m.id = c.id AND m.state = c.expect
        AND (c.expect <> 'forwarding' OR (m.owner_slot = $3 AND m.owner_epoch = $4))
    RETURNING m.id, m.steps, c.at_ms, c.seq, c.audit_body, c.prev_hash, c.hash
), new_messages AS (
    INSERT INTO messages (
        id, tenant_id, account_id, platform, content_hash, state, forwards, owner_slot, owner_epoch, decision_id,
        steps, fingerprint, message, body, content_type, created_ms, updated_ms, recheck_at, recheck_limit,
        idempotent
    )
    SELECT id, tenant_id, account_id, platform, content_hash, state, forwards, CASE WHEN owned THEN $3 END,
        CASE WHEN owned THEN $4 END, decision_id, 1, fingerprint, message, body, content_type, at_ms, at_ms, at_ms,
        recheck_limit, idempotent
    FROM entry
), new_decisions AS (
    INSERT INTO decisions (message_id, step, id, at_ms, outcome, policy_version, case_json)
    SELECT id, 1, decision_id, at_ms, outcome, policy_version, case_json FROM entry
), new_audit AS (
    INSERT INTO audit (chain, seq, at_ms, kind, message_id, body, prev_hash, hash, step)
    SELECT $3, seq, at_ms, 'decision', id, audit_body, prev_hash, hash, 1 FROM entry
    UNION ALL
    SELECT $3, seq, at_ms, 'transition', id, audit_body, prev_hash, hash, steps FROM moved
)
SELECT 1 / (
    (SELECT count(*) FROM mine) = 1 AND (SELECT count(*) FROM won) = $11 AND (SELECT count(*) FROM moved) = $12
)::int
"""  # noqa: S608 - the states are constants
"""Divides by zero, which undoes it all, unless every assumption held."""


class _Entry(msgspec.Struct, omit_defaults=True, gc=False):
    id: str
    tenant_id: str
    account_id: str
    platform: str
    content_hash: str
    state: str
    forwards: bool
    owned: bool
    decision_id: str
    fingerprint: str
    message: str
    content_type: str
    at_ms: int
    recheck_limit: int
    idempotent: bool
    outcome: str
    policy_version: str
    case_json: str
    seq: int
    audit_body: str
    prev_hash: str
    hash: str
    key: str | None = None


class _Change(msgspec.Struct, omit_defaults=True, gc=False):
    id: str
    expect: str
    state: str
    at_ms: int
    seq: int
    audit_body: str
    prev_hash: str
    hash: str
    upstream_status: int | None = None
    upstream_content_type: str | None = None
    handle: str | None = None


_encoder: Final = msgspec.json.Encoder()


def arguments(
    writes: Sequence[Write], owner: Owner, seq: int, last: str, audit_key: bytes | None
) -> tuple[list[Any], int, str] | None:
    """The statement's arguments, and the new head of the owner's chain; None when the batch needs to find out more.

    ``seq`` and ``last`` are the chain's head as far as known.
    """
    heads = Heads([(owner.slot, owner.epoch, 1, seq, last)], audit_key)
    slot = owner.slot
    entries: list[_Entry] = []
    bodies: list[bytes] = []
    changes: list[_Change] = []
    answers: list[bytes | None] = []
    keys = 0
    for write in writes:
        if isinstance(write, Insert) and write.owner == owner:
            at_ms, body = write.entry.at_ms, write.audit_body
            heads.append(slot, at_ms, audit.DECISION, write.message_id, body, 1)
            entries.append(_entry(write, heads.links[-1]))
            entry = write.entry
            bodies.append(entry.request.body if keeps_request(entry.state, entry.forwards) else b"")
            keys += entry.key is not None
        elif isinstance(write, Update) and write.owner == owner and write.audit_body is not None:
            upstream = write.transition.upstream
            heads.append(slot, write.transition.at_ms, audit.TRANSITION, write.message_id, write.audit_body, 0)
            changes.append(_change(write, heads.links[-1]))
            answers.append(upstream.body if upstream else None)
        else:
            return None
    ((_, new_seq, new_last),) = heads.moved()
    values = [new_seq, new_last, slot, owner.epoch, seq, last]
    values += [_encoder.encode(entries).decode(), bodies, _encoder.encode(changes).decode(), answers]
    return [*values, keys, len(changes)], new_seq, new_last


def columns(rows: Sequence[tuple[Any, ...]], count: int) -> list[tuple[Any, ...]]:
    """The rows as one tuple for each of ``count`` columns."""
    return list(zip(*rows, strict=True)) if rows else [()] * count


def _entry(write: Insert, link: Link) -> _Entry:
    entry, message = write.entry, write.entry.message
    decision = entry.case.decision
    return _Entry(
        entry.message_id,
        message.tenant_id,
        message.account_id,
        message.platform,
        message.content_hash,
        entry.state,
        entry.forwards,
        entry.state is MessageState.FORWARDING,
        entry.decision_id,
        entry.fingerprint,
        write.message_json,
        entry.request.content_type,
        entry.at_ms,
        write.recheck_limit,
        entry.idempotent,
        decision.outcome,
        decision.policy_version,
        write.case_json,
        link.seq,
        write.audit_body,
        link.prev_hash,
        link.hash,
        entry.key,
    )


def _change(write: Update, link: Link) -> _Change:
    transition, upstream = write.transition, write.transition.upstream
    return _Change(
        transition.message_id,
        transition.expect,
        transition.state,
        transition.at_ms,
        link.seq,
        link.body,
        link.prev_hash,
        link.hash,
        upstream.status if upstream else None,
        upstream.content_type if upstream else None,
        upstream.handle if upstream else None,
    )
