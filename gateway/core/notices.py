"""What a tenant is told of outcomes: of its messages, statements, appeals and sanctions. Pure.

A notice names things by id and code, and has the words of a statement, in every language that there are words in. No
message text, and no personal data.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from gateway.core.audit import APPEAL as APPEAL_KIND
from gateway.core.audit import SANCTION, TAKEDOWN
from gateway.core.codec import encode_body
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.model import MessageState
from gateway.core.news import Notice, iso
from gateway.core.rules import APPEAL
from gateway.core.stated import id_of
from gateway.core.statement import Statement
from gateway.core.wordings import languages, worded

RELEASED: Final = "message.released"
"""A held message is published, or may be; or a blocked one, because an appeal was granted."""
REJECTED: Final = "message.rejected"
"""A held message is not published; or a released one, because the facts forbid it by now."""
STATED: Final = "statement.made"
"""A restriction began, and what it rests on; a hold and a block among them."""

_ACTS: Final = {
    (SANCTION, "ImposeSanction"): "sanction.imposed",
    (SANCTION, "LiftSanction"): "sanction.lifted",
    (TAKEDOWN, "TakenDown"): "message.taken_down",
    (TAKEDOWN, "Restored"): "message.restored",
    (APPEAL_KIND, "DecideAppeal"): "appeal.decided",
}
_TOLD: Final[tuple[str, ...]] = (
    *("account_id", "message_id", "sanction_id", "appeal_id", "statement_id", "degree", "category"),
    *("starts_ms", "ends_ms", "source", "outcome", "restored"),
)
"""What of an act's body a tenant is told: not by whom it was done, nor why."""


def notices(
    happened: Sequence[Happened], statements: Mapping[str, Statement], appeal_until_ms: Mapping[str, int], now_ms: int
) -> list[Notice]:
    """The notices of these, oldest first. ``statements`` are those that they made, by id; ``appeal_until_ms`` says of
    each until when (unix ms) an appeal may be made."""
    told: list[Notice] = []
    for each in happened:
        notice = _of_step(each, now_ms) if isinstance(each, MessageStep) else _of_act(each, now_ms)
        told += [notice] if notice is not None else []
        statement = statements.get(id_of(each) or "")
        if statement is not None:
            told.append(statement_notice(statement, appeal_until_ms[statement.statement_id], now_ms))
    return told


def statement_notice(statement: Statement, appeal_until_ms: int, now_ms: int) -> Notice:
    """The notice of a new restriction, with its statement in words."""
    fields: dict[str, Any] = msgspec.to_builtins(statement)
    data = {name: fields.get(name) for name in Statement.__struct_fields__}
    data["codes"], data["content_types"] = list(statement.codes), list(statement.content_types)
    data["appeal_until_ms"] = appeal_until_ms
    data["words"] = {
        language: msgspec.to_builtins(worded(statement, language, appeal_until_ms=appeal_until_ms, now_ms=now_ms))
        for language in languages()
    }
    return _notice(STATED, statement.tenant_id, statement.statement_id, statement.starts_ms, data, now_ms)


def _of_step(step: MessageStep, now_ms: int) -> Notice | None:
    stopped = step.before in (MessageState.HELD, MessageState.BLOCKED, MessageState.REJECTED)
    appealed = step.case is not None and step.case.decision.rule == APPEAL
    if step.after is MessageState.REJECTED and step.before is not None:
        kind = REJECTED
    elif stopped and step.after in (MessageState.QUEUED, MessageState.FORWARDING, MessageState.RELEASED):
        kind = RELEASED
    else:
        return None
    data = {
        "account_id": step.message.account_id,
        "message_id": step.message_id,
        "state": step.after.value,
        "decision_id": step.decision_id,
        "appealed": appealed,
        "reasons": _reasons(step),
    }
    return _notice(kind, step.tenant_id, step.message_id, step.at_ms, data, now_ms)


def _reasons(step: MessageStep) -> list[dict[str, str | None]]:
    reasons = step.case.decision.reasons if step.case is not None else ()
    return [{"code": reason.code, "category": reason.category} for reason in reasons]


def _of_act(act: Act, now_ms: int) -> Notice | None:
    kind = _ACTS.get((act.kind, act.act))
    if kind is None:
        return None
    data = {name: act.body[name] for name in _TOLD if name in act.body}
    about = [str(data[name]) for name in ("appeal_id", "sanction_id", "message_id") if data.get(name)]
    return _notice(kind, act.tenant_id, about[0] if about else "", act.at_ms, data, now_ms)


def _notice(kind: str, tenant_id: str, about: str, at_ms: int, data: Mapping[str, Any], now_ms: int) -> Notice:
    name = f"{kind}\x00{tenant_id}\x00{about}\x00{at_ms}\x00{data.get('decision_id')}"
    notice_id = hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]
    body = encode_body({"type": kind, "timestamp": iso(at_ms), "data": {"tenant_id": tenant_id, **data}})
    return Notice(notice_id, tenant_id, kind, about, body, now_ms)
