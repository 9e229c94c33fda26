"""A carried-out decision as the native API's answer."""

from __future__ import annotations

from typing import Any

import orjson

from gateway.core.model import Decision, MessageState, Outcome, Reason
from gateway.core.records import UpstreamAnswer
from gateway.http.problems import Answer, Problem
from gateway.perform import Performed


def message_answer(result: Performed) -> Answer:
    """The answer to ``POST /v1/messages``."""
    decision = result.decision
    match decision.outcome:
        case Outcome.ALLOW:
            return _allowed(result)
        case Outcome.HOLD:
            return Answer(202, orjson.dumps(_body(result)), headers=(_location(result),))
        case Outcome.BLOCK:
            return Problem(403, decision.rule, decision.reasons[0].message, _body(result)).answer()


def decision_answer(result: Performed) -> Answer:
    """The answer to ``POST /v1/decisions``: always 200, whatever the decision."""
    headers = (_location(result),) if result.decision.outcome is Outcome.HOLD else ()
    return Answer(200, orjson.dumps(_body(result)), headers=headers)


def decision_body(result: Performed) -> dict[str, Any]:
    """One decision of a batch."""
    return _body(result)


def reasons_body(decision: Decision) -> list[dict[str, Any]]:
    """The reasons of a decision, strictest first."""
    return [_reason(reason, decision.policy_version) for reason in decision.reasons]


def upstream_body(upstream: UpstreamAnswer) -> dict[str, Any]:
    """What the upstream answered: its JSON as JSON, anything else as text."""
    return {"status": upstream.status, "body": upstream.value()}


def _allowed(result: Performed) -> Answer:
    if result.state is MessageState.UNKNOWN:
        detail = "The upstream may or may not have published it; it is not sent again. See the message for its outcome."
        return Problem(502, "upstream_unknown", detail, _failed(result), (_location(result),)).answer()
    if result.state is MessageState.FAILED:
        detail = "The upstream was not reached and nothing was published; send it as a new request."
        return Problem(502, "upstream_not_reached", detail, _failed(result), (_location(result),)).answer()
    body = _body(result)
    if result.upstream is not None:
        body["upstream"] = upstream_body(result.upstream)
    return Answer(200, orjson.dumps(body))


def _failed(result: Performed) -> dict[str, Any]:
    return {**_body(result), "state": result.state.value}


def _body(result: Performed) -> dict[str, Any]:
    return {
        "decision_id": result.decision_id,
        "message_id": result.message_id,
        "decision": result.decision.outcome.value,
        "reasons": reasons_body(result.decision),
    }


def _reason(reason: Reason, policy_version: str) -> dict[str, Any]:
    body: dict[str, Any] = {
        "code": reason.code,
        "category": reason.category,
        "message": reason.message,
        "source": reason.source,
        "policy_version": policy_version,
    }
    if reason.score is not None:
        body["score"] = reason.score
    if reason.spans:
        body["spans"] = [{"part": span.part, "start": span.start, "end": span.end} for span in reason.spans]
    return body


def _location(result: Performed) -> tuple[str, str]:
    return ("Location", f"/v1/messages/{result.message_id}")
