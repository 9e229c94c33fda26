"""Everything that the rest of the gateway asks of a platform: request to message, decision to answer. Pure."""

from __future__ import annotations

from gateway.core.records import Verdict
from gateway.platforms.answering import NativeAnswer, answer
from gateway.platforms.call import Ambiguous, BadRequest, Call
from gateway.platforms.learning import (
    Ask,
    check_watch,
    learned,
    remembered,
    verdict,
    whoami_account,
    whoami_refuses,
    whoami_request,
)
from gateway.platforms.reading import (
    choose,
    content_hash,
    credential,
    credential_in_head,
    idempotency,
    read,
    references,
)
from gateway.platforms.recognise import Match, recognise, unlisted_methods, websocket_passes
from gateway.platforms.removing import Handle, NoWay, Removal, handle, read_handle
from gateway.platforms.schema import AnswerKind, Platform, Route
from gateway.platforms.selectors import Selector

__all__ = [
    "Ambiguous",
    "AnswerKind",
    "Ask",
    "BadRequest",
    "Call",
    "Handle",
    "Match",
    "NativeAnswer",
    "NoWay",
    "Platform",
    "Removal",
    "Route",
    "Selector",
    "Verdict",
    "answer",
    "check_watch",
    "choose",
    "content_hash",
    "credential",
    "credential_in_head",
    "handle",
    "idempotency",
    "learned",
    "read",
    "read_handle",
    "recognise",
    "references",
    "remembered",
    "unlisted_methods",
    "verdict",
    "websocket_passes",
    "whoami_account",
    "whoami_refuses",
    "whoami_request",
]
