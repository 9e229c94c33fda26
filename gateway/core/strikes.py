"""What of all that happens is held against an account, and what is taken back.

Only violations by content are. A registrant who is not verified, an account that nobody knows, a classifier that is
silent, a hold that waits or expires, and doubt about news are no strikes.
"""

from __future__ import annotations

from typing import Any

from classifiers.contract import Value
from gateway.core.audit import APPEAL, TAKEDOWN
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.ladder import Strike
from gateway.core.ladder_rules import Happening, Ladder
from gateway.core.model import MessageState, Outcome
from gateway.core.rules import PERSON

VIOLATION = "content_violation"
"""The rule of a decision that blocks for content, see `gateway.core.decide`."""


class Reversal(Value, frozen=True):
    """Something was no violation after all: what was held against an account for a message, or a sanction."""

    tenant_id: str
    account_id: str
    actor: str
    message_id: str | None
    sanction_id: str | None


def strike_of(happened: Happened, incident_id: str, rules: Ladder) -> Strike | None:
    """What is held against an account for this, under the id that is given; None for nothing."""
    match happened:
        case MessageStep():
            found = _of_step(happened, rules)
        case Act():
            found = _of_act(happened)
    if found is None or found[0] not in rules.strikes:
        return None
    happening, account_id, category, message_id, content_hash = found
    return Strike(
        incident_id,
        happened.tenant_id,
        account_id,
        happened.at_ms,
        happening,
        category,
        message_id,
        content_hash,
    )


def reversal_of(happened: Happened) -> Reversal | None:
    """What is taken back by this; None for nothing. What is restored was taken down wrongly, whoever found it."""
    if not isinstance(happened, Act):
        return None
    body = happened.body
    reversed_ = (happened.kind, happened.act, body.get("outcome")) == (APPEAL, "DecideAppeal", "reversed")
    restored = (happened.kind, happened.act) == (TAKEDOWN, "Restore")
    account_id, message_id, sanction_id = [_text(body, name) for name in ("account_id", "message_id", "sanction_id")]
    if not (reversed_ or restored) or not account_id or not (message_id or sanction_id):
        return None
    return Reversal(happened.tenant_id, account_id, happened.actor, message_id, sanction_id)


_Found = tuple[Happening, str, str, str, str]


def _of_step(step: MessageStep, rules: Ladder) -> _Found | None:
    case = step.case
    if case is None or case.facts.account is None or step.after not in (MessageState.BLOCKED, MessageState.REJECTED):
        return None
    by_person = case.decision.rule == PERSON
    if not by_person and case.decision.rule != VIOLATION:
        return None
    named = [
        reason.category
        for reason in case.decision.reasons
        if reason.category is not None and reason.outcome is Outcome.BLOCK and (by_person or reason.code == VIOLATION)
    ]
    if not named:
        return None
    gravest = max(named, key=rules.weight)
    happening = Happening.REJECTED if by_person else Happening.BLOCKED
    return happening, step.message.account_id, gravest, step.message_id, step.message.content_hash


def _of_act(act: Act) -> _Found | None:
    if (act.kind, act.act) != (TAKEDOWN, "TakeDown"):
        return None
    account_id, message_id, category = [_text(act.body, name) for name in ("account_id", "message_id", "category")]
    if not (account_id and message_id and category):
        return None
    return Happening.TAKEDOWN, account_id, category, message_id, _text(act.body, "content_hash") or ""


def _text(body: dict[str, Any], name: str) -> str | None:
    value = body.get(name)
    return value if isinstance(value, str) and value else None
