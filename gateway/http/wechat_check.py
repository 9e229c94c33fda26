"""WeChat's text check (``msg_sec_check``), for apps that ask before they publish by themselves.

The access token says whose account it is, so a check is a decision like any other: on identity and standing too, and on
the record. Nothing is forwarded.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final, assert_never

from fastapi import APIRouter, Request, Response

from gateway import metrics, tracing
from gateway.core.decide import SILENT
from gateway.core.model import Decision, Message, Outcome, Reason
from gateway.core.records import Request as PublishRequest
from gateway.http.api import Serving
from gateway.http.intercept import Service
from gateway.http.problems import Answer
from gateway.http.wechat_tokens import (
    Code,
    WeChatError,
    answered,
    arguments,
    body_of,
    error_answer,
    json_answer,
    need_post,
    object_in,
    tenant_of,
    tokens_of,
)
from gateway.perform import Performed
from gateway.platforms.call import BadRequest
from gateway.platforms.scalars import words
from gateway.publish import Refusal, Submission

PATH = "/wxa/msg_sec_check"
PLATFORM = "wechat_check"
LIMIT = 500 * 1024
"""Bytes of text in one check, in UTF-8; WeChat's own limit for version 1."""
SCENES = (1, 2, 3, 4)
NORMAL, OTHER = 100, 21000
LABELS: Final = {
    "spam": 10001,
    "sexual": 20002,
    "sexual_minors": 20002,
    "hate": 20003,
    "harassment": 20003,
    "violence": 20006,
    "terrorism": 20006,
    "gambling": 20006,
    "illegal_goods": 20006,
    "fraud": 20008,
}
"""WeChat's label of each category that has one; everything else is `OTHER`. Its label for politics is never given."""
_SUGGEST: Final = {Outcome.ALLOW: "pass", Outcome.HOLD: "review", Outcome.BLOCK: "risky"}
_OPENID: Final = re.compile(r"[0-9A-Za-z_-]{1,128}")
_FIRST: Final = ("title", "content", "nickname", "signature")
"""The fields that are texts, in the order in which they are judged."""
_CONTROL: Final = {1: frozenset({"version"}), 2: frozenset({"version", "scene", "openid"})}
"""The fields of each version that are none, and can hold none. What else there is, is judged."""

router = APIRouter()


@dataclass(frozen=True, slots=True)
class Check:
    """What is to be judged, and the version of the answer."""

    version: int
    texts: tuple[str, ...]


@router.get(PATH, summary="Not served: WeChat's text check needs POST")
@router.post(PATH, summary="WeChat's text check, versions 1 and 2")
async def check(request: Request, service: Serving) -> Response:
    """Version 1 answers ok or 87014; version 2 pass, review or risky, with what was found."""
    started = perf_counter()
    response = await answered(_check(request, service))
    metrics.child(metrics.REQUESTS, PATH, str(response.status_code)).inc()
    metrics.child(metrics.REQUEST_SECONDS, PATH).observe(perf_counter() - started)
    return response


async def _check(request: Request, service: Service) -> Answer:
    need_post(request)
    tokens = tokens_of(request)
    given = arguments(request.scope["query_string"])
    if not given.get("access_token"):
        raise WeChatError(Code.TOKEN_MISSING, "access_token missing")
    access = tokens.read(given["access_token"])
    tenant = await tenant_of(service, access.key_hash)
    body = await body_of(request, service)
    asked = read(body)
    digest = hashlib.sha256(body).hexdigest()
    submission = Submission(
        tenant=tenant,
        message=Message(tenant.tenant_id, access.account_id, PLATFORM, asked.texts, digest),
        request=PublishRequest(body, "application/json"),
        forwards=False,
        key=None,
        fingerprint=f"{PATH} {digest}",
    )
    with tracing.request(f"POST {PATH}", request.headers.get("traceparent")):
        result = await service.publish(submission)
    if isinstance(result, Refusal):
        raise _refusal(result)
    return _version_1(result) if asked.version == 1 else _version_2(result, asked.texts)


def read(body: bytes) -> Check:
    """What a body asks. Every text in it is judged, in fields that WeChat does not know as well. Raises `WeChatError`
    naming the field."""
    value = object_in(body)
    version = value.get("version", 1)
    if version not in (1, 2) or not isinstance(version, int) or isinstance(version, bool):
        raise WeChatError(Code.FORMAT, "data format error: version: send 1 or 2")
    for name in _FIRST:
        if not isinstance(value.get(name), str | None):
            raise WeChatError(Code.FORMAT, f"data format error: {name}: send a text")
    if not value.get("content"):
        raise WeChatError(Code.EMPTY, "empty post data: content: send a text")
    if version == 2:
        _scene_and_openid(value)
    ordered = {name: value.get(name) for name in _FIRST}
    ordered |= {name: item for name, item in value.items() if name not in _CONTROL[version]}
    try:
        texts = tuple([text for text in words(ordered) if text])
    except BadRequest as error:
        raise WeChatError(Code.FORMAT, f"data format error: {error}") from error
    if sum(len(text.encode()) for text in texts) > LIMIT:
        raise WeChatError(Code.TOO_LARGE, f"content size out of limit: at most {LIMIT} bytes of text")
    return Check(version, texts)


def _scene_and_openid(value: dict[str, Any]) -> None:
    scene, openid = value.get("scene"), value.get("openid")
    if scene not in SCENES or not isinstance(scene, int) or isinstance(scene, bool):
        raise WeChatError(Code.SCENE, "invalid scene: send 1, 2, 3 or 4")
    if not isinstance(openid, str) or not _OPENID.fullmatch(openid):
        raise WeChatError(Code.OPENID, "invalid openid: send 1 to 128 letters, digits, - and _")


def _version_1(result: Performed) -> Answer:
    if result.decision.outcome is Outcome.ALLOW:
        return json_answer({"errcode": 0, "errmsg": "ok"})
    return error_answer(Code.RISKY, "risky content")


def _version_2(result: Performed, texts: tuple[str, ...]) -> Answer:
    decision = result.decision
    headers = (("Location", f"/v1/messages/{result.message_id}"),) if decision.outcome is Outcome.HOLD else ()
    body = {
        "errcode": 0,
        "errmsg": "ok",
        "detail": _details(decision, texts),
        "trace_id": result.decision_id,
        "result": {"suggest": _SUGGEST[decision.outcome], "label": _label(decision)},
    }
    return json_answer(body, headers)


def _label(decision: Decision) -> int:
    """What a message was found to be: by the strictest reason whose category WeChat has a label for."""
    if decision.outcome is Outcome.ALLOW:
        return NORMAL
    strictest = [reason for reason in decision.reasons if reason.outcome is decision.outcome]
    labels = [LABELS[reason.category] for reason in strictest if reason.category in LABELS]
    return labels[0] if labels else OTHER


def _details(decision: Decision, texts: tuple[str, ...]) -> list[dict[str, Any]]:
    if decision.outcome is not Outcome.ALLOW:
        return [_detail(reason, texts) for reason in decision.reasons]
    if decision.rule != "nothing_found":  # a private account's: nobody has looked
        return []
    # Without ``prob``: a score that means nothing is not kept.
    return [{"strategy": "content_model", "errcode": 0, "suggest": "pass", "label": NORMAL}]


def _detail(reason: Reason, texts: tuple[str, ...]) -> dict[str, Any]:
    """One reason. ``errcode`` is not 0 for a classifier that said nothing: that is no finding about the text."""
    body: dict[str, Any] = {
        "strategy": "content_model" if reason.category else reason.source,
        "errcode": Code.BUSY if reason.code in SILENT else 0,
        "suggest": _SUGGEST[reason.outcome],
        "label": LABELS.get(reason.category or "", OTHER),
    }
    if reason.score is not None:
        body["prob"] = round(reason.score * 100)
    stretches = [texts[span.part][span.start : span.end] for span in reason.spans if span.part < len(texts)]
    if stretches:
        body["keyword"] = ",".join(dict.fromkeys(stretches))
    return body


def _refusal(reason: Refusal) -> WeChatError:
    match reason:
        case Refusal.OVERLOADED | Refusal.HOLDS_FULL:
            return WeChatError(Code.BUSY, "system busy: too many requests are being worked on, try again")
        case Refusal.STORE_UNAVAILABLE | Refusal.KEY_REUSED | Refusal.KEY_IN_FLIGHT:
            return WeChatError(Code.BUSY, "system busy: the decision may not be recorded, try again")
        case _:
            assert_never(reason)
