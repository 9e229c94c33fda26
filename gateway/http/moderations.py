"""OpenAI's moderations, for apps whose client knows nothing else: what the classifiers say, and no decision.

No account publishes here, so nothing is known of identity and standing, and nothing goes on the record.
"""

from __future__ import annotations

from time import perf_counter
from typing import Any, Final

import orjson
from fastapi import APIRouter, Request, Response

from gateway import metrics, tracing
from gateway.examine import Examination, Examine, Overloaded
from gateway.http.api import Serving, json_response
from gateway.http.intercept import Service
from gateway.http.problems import RETRY_SOON, Answer, Problem
from gateway.http.requests import Disconnected, authenticate, read_headers, whole_body
from gateway.platforms.strict_json import BadJson, loads

PATH = "/v1/moderations"
INPUTS = 100
CHARACTERS = 100_000
"""Bound of one text, as in the gateway's own API."""

CATEGORIES: Final = {
    "harassment": ("harassment",),
    "hate": ("hate",),
    "self-harm": ("self_harm",),
    "sexual": ("sexual", "sexual_minors"),
    "sexual/minors": ("sexual_minors",),
    "violence": ("violence",),
    # Without a counterpart; clients take them for what they do not know yet.
    "spam": ("spam",),
    "fraud": ("fraud",),
    "gambling": ("gambling",),
    "terrorism": ("terrorism",),
    "illegal-goods": ("illegal_goods",),
}
"""The answer's categories, and those of the classifiers that make each of them true."""
NOT_TOLD_APART: Final = (
    "harassment/threatening",
    "hate/threatening",
    "illicit",
    "illicit/violent",
    "self-harm/instructions",
    "self-harm/intent",
    "violence/graphic",
)
"""OpenAI's categories that no classifier looks for. They are false with no applied input type, which is how OpenAI says
that a category was not judged; what is found of that kind shows in the category above it."""

router = APIRouter()


class OpenAIError(Exception):
    """A request that ends with this error. ``param`` names the field."""

    def __init__(
        self,
        status: int,
        message: str,
        *,
        kind: str = "invalid_request_error",
        param: str | None = None,
        code: str | None = None,
        headers: tuple[tuple[str, str], ...] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.kind = kind
        self.param = param
        self.code = code
        self.headers = headers

    def answer(self) -> Answer:
        """The error as a response, in OpenAI's format."""
        error = {"message": self.message, "type": self.kind, "param": self.param, "code": self.code}
        return Answer(self.status, orjson.dumps({"error": error}), headers=self.headers)


@router.post(PATH, summary="Classify texts, in OpenAI's way")
async def moderate(request: Request, service: Serving) -> Response:
    """One result for each text; the parts of a list of content parts are one text in pieces, with one result."""
    started = perf_counter()
    try:
        answer = await _moderate(request, service, request.app.state.examine)
    except OpenAIError as error:
        answer = error.answer()
    except Problem as problem:
        answer = _as_error(problem).answer()
    except Disconnected:  # nobody reads this answer
        answer = OpenAIError(400, "The body ended before it was whole.").answer()
    metrics.child(metrics.REQUESTS, PATH, str(answer.status)).inc()
    metrics.child(metrics.REQUEST_SECONDS, PATH).observe(perf_counter() - started)
    return json_response(answer)


async def _moderate(request: Request, service: Service, examine: Examine) -> Answer:
    headers = read_headers(request.scope)
    tenant = await authenticate(service.registry, headers.key_hash)
    limit, seconds, budget = service.body_limit, service.read_seconds, service.budget
    async with whole_body(request.receive, headers.content_length, limit, seconds, budget) as received:
        items = read(received)
    try:
        with tracing.request(f"POST {PATH}", headers.traceparent):
            examined = await examine(tenant.tenant_id, items)
    except Overloaded as error:
        message = "Too many texts are being examined; try again."
        raise OpenAIError(
            429, message, kind="rate_limit_error", code="rate_limit_exceeded", headers=RETRY_SOON
        ) from error
    for examination in examined:
        for silent in examination.silent:
            message = f"The classifier {silent.classifier} gave no opinion ({silent.silence}), so nothing can be said."
            code = f"classifier_{silent.silence}"
            raise OpenAIError(503, message, kind="server_error", code=code, headers=RETRY_SOON)
    body = {
        "id": f"modr-{examined[0].examination_id}",
        "model": ",".join(examined[0].judges),
        "results": [result(examination) for examination in examined],
    }
    return Answer(200, orjson.dumps(body))


def read(body: bytes) -> list[tuple[str, ...]]:
    """What is to be examined, one item for each result. Raises `OpenAIError` naming the field."""
    try:
        value = loads(body)
    except BadJson as error:
        param = None if error.field == "body" else error.field
        raise OpenAIError(400, f"We could not read the body: {error}.", param=param) from error
    if not isinstance(value, dict):
        raise OpenAIError(400, "The body must be a JSON object.")
    if unknown := sorted(set(value) - {"input", "model"}):
        raise OpenAIError(400, f"Unrecognized request argument: {unknown[0]}.", param=unknown[0])
    if not isinstance(value.get("model"), str | None):
        raise OpenAIError(400, "'model' must be a string.", param="model")
    asked = value.get("input")
    if isinstance(asked, str):
        return [(_text(asked, "input"),)]
    if not isinstance(asked, list) or not 1 <= len(asked) <= INPUTS:
        message = f"'input' must be a string, or a list of 1 to {INPUTS} strings or content parts."
        raise OpenAIError(400, message, param="input")
    if isinstance(asked[0], dict):
        return [tuple([_part(part, f"input[{index}]") for index, part in enumerate(asked)])]
    return [(_text(text, f"input[{index}]"),) for index, text in enumerate(asked)]


def _text(value: Any, where: str) -> str:
    if not isinstance(value, str):
        raise OpenAIError(400, f"'{where}' must be a string.", param=where)
    if len(value) > CHARACTERS:
        raise OpenAIError(400, f"'{where}' is longer than {CHARACTERS} characters.", param=where)
    return value


def _part(part: Any, where: str) -> str:
    kind = part.get("type") if isinstance(part, dict) else None
    if kind == "image_url":
        message = f"'{where}.image_url': images cannot be judged here; send text parts only."
        raise OpenAIError(400, message, param=f"{where}.image_url", code="unsupported_input")
    if kind != "text" or set(part) - {"type", "text"}:
        raise OpenAIError(400, f"'{where}' must be of type text, with a text and nothing else.", param=where)
    return _text(part.get("text"), f"{where}.text")


def result(examination: Examination) -> dict[str, Any]:
    """One result: every category of OpenAI's, and those of ours that OpenAI has none for."""
    categories = dict.fromkeys(NOT_TOLD_APART, False)
    scores = dict.fromkeys(NOT_TOLD_APART, 0.0)
    applied: dict[str, list[str]] = {name: [] for name in NOT_TOLD_APART}
    for name, ours in CATEGORIES.items():
        categories[name] = not examination.found.isdisjoint(ours)
        scores[name] = max(examination.scores.get(category, 0.0) for category in ours)
        applied[name] = ["text"] if categories[name] or ours[0] in examination.scores else []
    return {
        "flagged": any(categories.values()),
        "categories": categories,
        "category_scores": scores,
        "category_applied_input_types": applied,
    }


def _as_error(problem: Problem) -> OpenAIError:
    kind = "server_error" if problem.status >= 500 else "invalid_request_error"
    code = "invalid_api_key" if problem.status == 401 else problem.code
    return OpenAIError(problem.status, problem.detail, kind=kind, code=code, headers=problem.headers)
