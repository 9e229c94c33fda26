"""The audit chain: each row commits to the one before it, so a changed, missing or moved row shows.

A body names things by id, code and hash. Message text, free text about a message's content, and personal data are
never in it, so the chain can be kept and shown when the rest is erased.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal

import msgspec

from gateway.core.codec import encode_body
from gateway.core.model import Account, Case, Message, MessageState, Registrant
from gateway.core.records import AuditRow, Transition
from gateway.core.registration import By

ADMINISTRATORS = -1
"""The chain of what no gateway slot does: administrators' acts, and recovery. Every other chain is a slot's."""

DECISION = "decision"
"""Kind of the row of a new message."""
TRANSITION = "transition"
"""Kind of the row of a change of state, with or without a new decision."""
REGISTRY = "registry"
"""Kind of the row of a write to the registry."""
LICENCE = "licence"
"""Kind of the row of a licence that is about to end, or has ended. It is announced."""
NOTICE = "notice"
"""Kind of the row of a notice that did not arrive, however often it was sent."""
CREDENTIAL = "credential"
"""Kind of the row of a person's saying whose a credential is."""
KEY = "key"
"""Kind of the row of a key's being dropped from the key file."""

REVIEW = "review"
"""Kind of the row of what people do with a held message before it is released or rejected."""
SANCTION = "sanction"
"""Kind of the row of an act about a sanction: proposed, imposed, declined, lifted. It is announced."""
TAKEDOWN = "takedown"
"""Kind of the row of an act about a published message: taken down, restored. It is announced."""
APPEAL = "appeal"
"""Kind of the row of an act about an appeal: made, decided. It is announced."""
REPORT = "report"
"""Kind of the row of an act about a public report. It is announced."""

FOLLOWED = frozenset({SANCTION, TAKEDOWN, APPEAL, REPORT})
"""Kinds of acts that have an aftermath: see `gateway.core.happened`."""

KEY_ID = 12
"""How many characters of a key's hash name it to people."""

GENESIS = "0" * 64
"""The ``prev_hash`` of the first row of a chain."""


def link(prev_hash: str, chain: int, seq: int, at_ms: int, kind: str, message_id: str, body: str) -> AuditRow:
    """The row that follows the one with ``prev_hash``."""
    this = row_hash(prev_hash, chain, seq, at_ms, kind, message_id, body)
    return AuditRow(chain, seq, at_ms, kind, message_id, body, prev_hash, this)


def row_hash(prev_hash: str, chain: int, seq: int, at_ms: int, kind: str, message_id: str, body: str) -> str:
    """The hash of a row (hex). Fields are length-prefixed in bytes, so none can run into the next."""
    fields = (
        prev_hash.encode(),
        b"%d" % chain,
        b"%d" % seq,
        b"%d" % at_ms,
        kind.encode(),
        message_id.encode(),
        body.encode(),
    )
    return hashlib.sha256(b"".join([b"%d:%b" % (len(field), field) for field in fields])).hexdigest()


def breaks(rows: Iterable[AuditRow], heads: dict[int, tuple[int, str]]) -> Iterator[str]:
    """What is wrong with these rows, in order of chain and seq; nothing when every chain is whole.

    ``heads`` gives the last seq and hash that each chain must end with, so rows cut off its end show too.
    """
    last: dict[int, tuple[int, str]] = {}
    for row in rows:
        seq, prev_hash = last.get(row.chain, (0, GENESIS))
        where = f"chain {row.chain}, row {row.seq}"
        if row.seq != seq + 1:
            yield f"{where}: expected row {seq + 1}: rows are missing or out of order"
        elif row.prev_hash != prev_hash:
            yield f"{where}: does not follow the row before it"
        elif link(prev_hash, row.chain, row.seq, row.at_ms, row.kind, row.message_id, row.body) != row:
            yield f"{where}: was changed after it was written"
        last[row.chain] = (row.seq, row.hash)
    for chain, head in sorted(heads.items()):
        if last.get(chain, (0, GENESIS)) != head:
            yield f"chain {chain}: ends at row {last.get(chain, (0, GENESIS))[0]}, its head says {head[0]}"


def breaks_meanwhile(
    rows: Sequence[AuditRow], before: dict[int, tuple[int, str]], after: dict[int, tuple[int, str]]
) -> Iterator[str]:
    """Like `breaks`, for chains that are written to: their heads before and after the rows were read.

    What was there ``before`` is checked; what came since is not, but nothing may stand beyond the heads ``after``.
    """
    yield from breaks([row for row in rows if row.chain not in before or row.seq <= before[row.chain][0]], before)
    for row in rows:
        if row.chain in after and row.seq > after[row.chain][0]:
            yield f"chain {row.chain}: row {row.seq} is beyond its head, which says {after[row.chain][0]}"


def decision_body(
    message_id: str,
    message: Message,
    state: MessageState,
    decision_id: str,
    case: Case,
    case_json: bytes,
    message_json: bytes,
) -> str:
    """The body of the row for a new message. ``case_json`` and ``message_json`` are canonical JSON, see
    `codec.encode_case` and `codec.encode_message`; the row has their hashes."""
    decision = _decision(
        message_id,
        message.tenant_id,
        message.account_id,
        message.platform,
        message.content_hash,
        state,
        decision_id,
        case,
        case_json,
    )
    return encode_body({**decision, "message_hash": hashlib.sha256(message_json).hexdigest()})


def transition_body(
    transition: Transition,
    tenant_id: str,
    account_id: str,
    platform: str,
    content_hash: str,
    case_json: bytes | None = None,
) -> str:
    """The body of the row for a change of state; ``case_json`` as above when the transition has a case."""
    row: dict[str, Any] = {
        "message_id": transition.message_id,
        "tenant_id": tenant_id,
        "account_id": account_id,
        "from": transition.expect,
        "to": transition.state,
        "actor": transition.actor,
        "note": transition.note,
    }
    if transition.upstream is not None:
        row["upstream_status"] = transition.upstream.status
    if transition.case is not None and transition.decision_id is not None and case_json is not None:
        row["decision"] = _decision(
            transition.message_id,
            tenant_id,
            account_id,
            platform,
            content_hash,
            transition.state,
            transition.decision_id,
            transition.case,
            case_json,
        )
    return encode_body(row)


def registry_body(
    actor: str,
    change: int,
    tenant_id: str,
    account: Account | None = None,
    upstream_url: str | None = None,
    registrant: tuple[Registrant, list[str]] | None = None,
    revoked_key: str | None = None,
    takedown_url: str | None = None,
) -> str:
    """The body of the row for a write to the registry; ``change`` is its change number.

    For an account, all it was set to but the registrant's id, which may lead to a person. For a tenant, where its
    messages go from now on, and where it is told to take them down. For a registrant, the same with the accounts that
    it stands behind. For a key that was revoked, the beginning of its hash.
    """
    row: dict[str, Any] = {"actor": actor, "change": change, "tenant_id": tenant_id}
    if upstream_url is not None:
        row["upstream_url"] = upstream_url
        if takedown_url is not None:
            row["takedown_url"] = takedown_url
    if account is not None:
        row["account_id"] = account.account_id
        row["account"] = account_fields(account)
    if registrant is not None:
        row["registrant"], row["accounts"] = msgspec.to_builtins(registrant[0]), registrant[1]
        del row["registrant"]["registrant_id"]
    if revoked_key is not None:
        row["revoked_key"] = revoked_key[:KEY_ID]
    return encode_body(row)


Subject = Literal["account", "registrant", "licence", "import", "message", "sanction", "report"]


def subject(kind: Subject, name: str) -> str:
    """What a row of the administrators' chain is about, as histories are looked up by it. It stands beside the chain
    and not in it: a registrant's id may lead to a person."""
    return f"{kind}:{name}"


def act_body(by: By, change: int, tenant_id: str, act: str, **fields: object) -> str:
    """The body of the row for an act of the register's keepers; ``change`` is its change number, 0 where the hot path
    need not know. ``fields`` name no person: no identifier, no registrant's id, and no name, not even an account's."""
    row = {"actor": by.actor, "reason": by.reason, "change": change, "tenant_id": tenant_id, "act": act, **fields}
    return encode_body(row)


def account_fields(account: Account) -> dict[str, Any]:
    """What a row says of an account: all but the registrant's id."""
    fields: dict[str, Any] = msgspec.to_builtins(account)
    fields.get("registrant", {}).pop("registrant_id", None)
    return fields


def key_body(actor: str, key_id: str) -> str:
    """The body of the row for a key that was dropped: its id in the key file, which says nothing of the key."""
    return encode_body({"actor": actor, "dropped": key_id})


def credential_body(actor: str, tenant_id: str, platform: str, account_id: str) -> str:
    """The body of the row for a credential that a person put, without any trace of the credential."""
    return encode_body({"actor": actor, "tenant_id": tenant_id, "platform": platform, "account_id": account_id})


def _decision(
    message_id: str,
    tenant_id: str,
    account_id: str,
    platform: str,
    content_hash: str,
    state: MessageState,
    decision_id: str,
    case: Case,
    case_json: bytes,
) -> dict[str, Any]:
    decision = case.decision
    return {
        "decision_id": decision_id,
        "message_id": message_id,
        "tenant_id": tenant_id,
        "account_id": account_id,
        "platform": platform,
        "content_hash": content_hash,
        "outcome": decision.outcome,
        "rule": decision.rule,
        "reasons": [
            {
                "code": reason.code,
                "category": reason.category,
                "outcome": reason.outcome,
                "source": reason.source,
                "score": reason.score,
            }
            for reason in decision.reasons
        ],
        "policy_version": decision.policy_version,
        "state": state,
        "case_hash": hashlib.sha256(case_json).hexdigest(),
    }
