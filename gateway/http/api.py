"""The native API beside the hot path: the state of a message, and many decisions at once."""

from __future__ import annotations

import asyncio
import hashlib
from typing import Annotated, Any

import orjson
from fastapi import APIRouter, Depends, Request, Response

from gateway.core.appeals import persons
from gateway.core.records import Request as PublishRequest
from gateway.core.records import Stored, Tenant
from gateway.core.rules import PERSON
from gateway.http.answers import decision_body, reasons_body, upstream_body
from gateway.http.intercept import Service, bad_body
from gateway.http.problems import RETRY_SOON, Answer, Problem, refusal
from gateway.http.requests import Disconnected, authenticate, read_headers, whole_body
from gateway.platforms import native
from gateway.platforms.strict_json import BadJson, loads
from gateway.ports import Statements, Store, StoreUnavailable, Takedowns
from gateway.publish import Refusal, Submission

BATCH_LIMIT = 100

router = APIRouter()


def service_of(request: Request) -> Service:
    """What requests are served with."""
    service: Service = request.app.state.service
    return service


def store_of(request: Request) -> Store:
    """The durable record."""
    store: Store = request.app.state.store
    return store


def takedowns_of(request: Request) -> Takedowns | None:
    """What was taken down; None where nothing can be."""
    takedowns: Takedowns | None = request.app.state.takedowns
    return takedowns


def statements_of(request: Request) -> Statements | None:
    """The statements of reasons; None in a process that has none at hand."""
    statements: Statements | None = request.app.state.statements
    return statements


Stating = Annotated[Statements | None, Depends(statements_of)]
Serving = Annotated[Service, Depends(service_of)]
Keeping = Annotated[Store, Depends(store_of)]
TakingDown = Annotated[Takedowns | None, Depends(takedowns_of)]


async def caller(request: Request, service: Serving) -> Tenant:
    """The tenant that calls; routes that take it can be called with an application key only."""
    return await authenticate(service.registry, read_headers(request.scope).key_hash)


Caller = Annotated[Tenant, Depends(caller)]


@router.get("/v1/messages/{message_id}", summary="The state and history of a message")
async def get_message(
    message_id: str, tenant: Caller, store: Keeping, takedowns: TakingDown, statements: Stating
) -> Response:
    """State, first decision, and every step since, oldest first; and the statements of reasons about it. ``takedown``
    is there once somebody has asked to have it removed."""
    try:
        stored = await store.message(message_id, tenant.tenant_id)
        if stored is None:
            raise Problem(404, "message_unknown", "message_id: this application has no such message.")
        history = [
            {"at_ms": row.at_ms, "kind": row.kind, **_public(orjson.loads(row.body))}
            for row in await store.history(message_id)
        ]
        taken = await takedowns.of_message(tenant.tenant_id, message_id) if takedowns is not None else None
        stated = await statements.of_message(message_id, tenant.tenant_id) if statements is not None else []
    except StoreUnavailable as fault:
        raise Problem(503, "store_unavailable", "The store cannot be read; try again.", headers=RETRY_SOON) from fault
    body = {**_message(stored), "history": history}
    if statements is not None:
        body["statement_ids"] = [each.statement_id for each in stated]
    if taken is not None:
        body["takedown"] = {"state": taken.state.value, "at_ms": taken.at_ms}
    return json_response(Answer(200, orjson.dumps(body)))


@router.post("/v1/decisions:batch", summary="Decide up to 100 messages without forwarding them")
async def decide_batch(request: Request, tenant: Caller, service: Serving) -> Response:
    """Each element of ``messages`` is a publish request; each of ``decisions`` its decision, or a problem, in order."""
    headers = read_headers(request.scope)
    if headers.idempotency_key is not None:
        detail = "Idempotency-Key: a batch takes none; ask POST /v1/decisions about a message that needs one."
        raise Problem(400, "idempotency_key", detail)
    limit, seconds, budget = service.body_limit, service.read_seconds, service.budget
    try:
        async with whole_body(request.receive, headers.content_length, limit, seconds, budget) as body:
            return await _decide_all(service, tenant, body)
    except Disconnected as error:  # nobody reads this answer
        raise Problem(400, "body_cut_off", "body: it ended before it was whole.") from error


async def _decide_all(service: Service, tenant: Tenant, body: bytes) -> Response:
    try:
        parsed = loads(body)
    except BadJson as error:
        raise bad_body(native.BadBody([(error.field, error.message)])) from error
    messages = parsed.get("messages") if isinstance(parsed, dict) and set(parsed) == {"messages"} else None
    if not isinstance(messages, list) or not 1 <= len(messages) <= BATCH_LIMIT:
        raise bad_body(native.BadBody([("messages", f"give a list of 1 to {BATCH_LIMIT} messages, and nothing else")]))
    decisions = await asyncio.gather(*(_decide(service, tenant, item, index) for index, item in enumerate(messages)))
    return json_response(Answer(200, orjson.dumps({"decisions": decisions})))


async def _decide(service: Service, tenant: Tenant, item: Any, index: int) -> dict[str, Any]:
    body = orjson.dumps(item)
    try:
        message = native.read(body, tenant.tenant_id)
    except native.BadBody as error:
        named = [(f"messages.{index}.{field}", text) for field, text in error.problems]
        return bad_body(native.BadBody(named)).body()
    result = await service.publish(
        Submission(
            tenant, message, PublishRequest(body, native.CONTENT_TYPE), False, None, hashlib.sha256(body).hexdigest()
        )
    )
    return refusal(result).body() if isinstance(result, Refusal) else decision_body(result)


def json_response(answer: Answer) -> Response:
    """An answer as the framework's response."""
    return Response(answer.body, answer.status, dict(answer.headers), answer.content_type)


def _message(stored: Stored) -> dict[str, Any]:
    body: dict[str, Any] = {
        "message_id": stored.message_id,
        "account_id": stored.message.account_id,
        "state": stored.state.value,
        "decision_id": stored.decision_id,
        "decision": stored.first.decision.outcome.value,
        "reasons": reasons_body(stored.first.decision),
        "created_ms": stored.created_ms,
        "updated_ms": stored.updated_ms,
    }
    if stored.upstream is not None:
        body["upstream"] = upstream_body(stored.upstream)
    return body


def _public(body: dict[str, Any]) -> dict[str, Any]:
    """An audit row's body without what the message's own fields say, and without who of the operator's people acted
    and what they noted: an app is told that a person did, and by which codes."""
    told = {key: value for key, value in body.items() if key not in ("message_id", "tenant_id", "account_id")}
    actor = told.get("actor")
    if actor is None or not persons([actor]):
        return told
    told["actor"] = PERSON
    told.pop("note", None)
    if decision := told.get("decision"):
        # Such a decision has the person's own reasons, whose source is the name.
        told["decision"] = {**decision, "reasons": [{**each, "source": PERSON} for each in decision["reasons"]]}
    return told
