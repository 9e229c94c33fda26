"""The OpenAPI document: what the framework knows, and the publish routes that are served before it."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi
from pydantic import BaseModel, ConfigDict, Field
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from gateway.core.model import MessageState, Outcome
from gateway.core.takedowns import TakedownState
from gateway.http import identity, openapi_admin, openapi_appeals, openapi_compat, report_api
from gateway.http.api import BATCH_LIMIT
from gateway.http.statements import AppealBody
from gateway.platforms.native import MessageBody

_REF = "#/components/schemas/{model}"


class SpanOut(BaseModel):
    """A stretch of one text of the message (title first), in code points."""

    part: int
    start: int
    end: int


class ReasonOut(BaseModel):
    """One ground of a decision."""

    code: str
    category: str | None
    message: str
    source: str
    score: float | None = None
    spans: list[SpanOut] | None = None
    policy_version: str


class UpstreamOut(BaseModel):
    """What the chat app's upstream answered."""

    status: int
    body: Any


class DecisionOut(BaseModel):
    """A decision. ``upstream`` is there when the message was forwarded."""

    decision_id: str
    message_id: str
    decision: Outcome
    reasons: list[ReasonOut]
    upstream: UpstreamOut | None = None


class FieldOut(BaseModel):
    """A field that cannot be read."""

    field: str
    message: str


class ProblemOut(BaseModel):
    """Problem details (RFC 9457). A blocked message's problem also has the members of a decision."""

    model_config = ConfigDict(extra="allow")

    type: str
    title: str
    status: int
    code: str
    detail: str
    errors: list[FieldOut] | None = None
    state: str | None = Field(None, description="`unknown` or `failed` when the upstream did not answer.")


class StepOut(BaseModel):
    """One step in the life of a message; what else it has depends on its kind."""

    model_config = ConfigDict(extra="allow")

    at_ms: int
    kind: str
    actor: str | None = Field(None, description="The part of the gateway that did it, or `person`.")
    note: str | None = Field(None, description="The gateway's own; what a person noted is not told.")


class TakenDownOut(BaseModel):
    """How far its being taken down, or restored, has come, and since when."""

    state: TakedownState
    at_ms: int


class MessageOut(BaseModel):
    """A message: its state, its first decision, and every step since, oldest first."""

    message_id: str
    account_id: str
    state: MessageState
    decision_id: str
    decision: Outcome
    reasons: list[ReasonOut]
    created_ms: int
    updated_ms: int
    upstream: UpstreamOut | None = None
    takedown: TakenDownOut | None = None
    statement_ids: list[str] | None = Field(None, description="Statements of reasons about it, oldest first.")
    history: list[StepOut]


class BatchBody(BaseModel):
    """Publish requests to decide at once."""

    model_config = ConfigDict(extra="forbid")

    messages: list[MessageBody] = Field(min_length=1, max_length=BATCH_LIMIT)


class BatchOut(BaseModel):
    """A decision or a problem for each message, in order."""

    decisions: list[DecisionOut | ProblemOut]


def document(app: FastAPI) -> dict[str, Any]:
    """The whole document."""
    base = get_openapi(title=app.title, version=app.version, description=app.description, routes=app.routes)
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [
        (model, "validation") for model in (MessageBody, BatchBody, AppealBody, report_api.ReportBody)
    ]
    models += [(model, "serialization") for model in (DecisionOut, MessageOut, BatchOut, ProblemOut)]
    _, schemas = models_json_schema(models + openapi_compat.MODELS + openapi_admin.models(), ref_template=_REF)
    components = base.setdefault("components", {})
    components.setdefault("schemas", {}).update(schemas["$defs"])
    components["securitySchemes"] = {
        "app_key": {"type": "http", "scheme": "bearer"},
        **openapi_compat.SECURITY,
        **openapi_admin.SECURITY,
        **report_api.SECURITY,
    }
    base["paths"]["/v1/messages"] = {"post": _messages()}
    base["paths"]["/v1/decisions"] = {"post": _decisions()}
    base["paths"]["/v1/messages/{message_id}"]["get"]["responses"] = _reading()
    base["paths"]["/v1/accounts/{account_id}"]["get"]["responses"] |= _address("This application has no such account")
    base["paths"]["/v1/accounts/{account_id}"]["get"]["responses"].pop("422")
    base["paths"]["/v1/decisions:batch"]["post"] |= _batch()
    openapi_compat.describe(base["paths"])
    openapi_admin.describe(base["paths"])
    identity.describe(base["paths"], _problem)
    report_api.describe(base["paths"], _problem)
    openapi_appeals.describe(base["paths"], _problem)
    for path, item in base["paths"].items():
        if path.startswith("/v1/"):
            for operation in item.values():
                if operation.setdefault("security", [{"app_key": []}]) == []:
                    continue  # signed in another way
                operation["responses"].setdefault("401", _problem("Unknown application key"))
                operation["responses"].setdefault("501", _problem("A transfer coding other than chunked"))
                operation["responses"].setdefault("503", _problem("The store is away; nothing was forwarded"))
    return base


def _messages() -> dict[str, Any]:
    operation = _publish("publish", "Decide a publish request and forward it if it is allowed")
    operation["responses"] |= {
        "200": _decision("Allowed and forwarded"),
        "202": _decision("Held; `Location` names the message"),
        "403": _problem("Blocked"),
        "502": _problem("Allowed, but the upstream was not reached (`failed`) or its outcome is unknown (`unknown`)"),
    }
    return operation


def _decisions() -> dict[str, Any]:
    operation = _publish("decide", "Decide a publish request without forwarding it")
    operation["responses"]["200"] = _decision("The decision, whatever it is")
    return operation


def _reading() -> dict[str, Any]:
    return {
        "200": _json("The message", "MessageOut"),
        **_address("This application has no such message"),
    }


def _address(unknown: str) -> dict[str, Any]:
    return {
        "400": _problem("A header is given twice, or the address cannot be read"),
        "404": _problem(unknown),
        "415": _problem("A content type other than JSON"),
    }


def _batch() -> dict[str, Any]:
    return {
        "requestBody": _body("BatchBody"),
        "responses": {
            "200": _json("A decision or a problem for each message, in order", "BatchOut"),
            "400": _problem("Not readable; `errors` names each field. Or an Idempotency-Key was given"),
            "408": _problem("The body came too slowly"),
            "413": _problem("Too large"),
            "415": _problem("Not JSON in UTF-8 without content coding"),
            "429": _problem("Too many requests"),
        },
    }


def _publish(name: str, summary: str) -> dict[str, Any]:
    return {
        "operationId": name,
        "summary": summary,
        "parameters": [
            {
                "name": "Idempotency-Key",
                "in": "header",
                "required": False,
                "schema": {"type": "string", "minLength": 1, "maxLength": 255},
                "description": "The same key gets the same answer, and at most one effect.",
            },
            {"name": "traceparent", "in": "header", "required": False, "schema": {"type": "string"}},
        ],
        "requestBody": _body("MessageBody"),
        "responses": {
            "400": _problem("Not readable; `errors` names each field"),
            "408": _problem("The body came too slowly"),
            "409": _problem("The first request with this key is still being worked on"),
            "413": _problem("Too large"),
            "415": _problem("Not JSON in UTF-8 without content coding"),
            "422": _problem("The key was used for another request"),
            "429": _problem("Too many requests"),
        },
    }


def _decision(description: str) -> dict[str, Any]:
    return _json(description, "DecisionOut")


def _body(model: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref(model)}}}


def _json(description: str, model: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": _ref(model)}}}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _ref("ProblemOut")}}}


def _ref(model: str) -> dict[str, str]:
    return {"$ref": _REF.format(model=model)}
