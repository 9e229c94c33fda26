"""Where identity providers tell how a verification went: one address each, no key but their signature."""

from __future__ import annotations

import re
from typing import Any, Final, assert_never

import orjson
from fastapi import APIRouter, Request, Response

from gateway.http.api import Serving, json_response
from gateway.http.budget import Budget
from gateway.http.problems import RETRY_SOON, Answer, Problem
from gateway.http.requests import Disconnected, whole_body
from gateway.ports import Applied, StoreUnavailable
from gateway.providers.webhooks import Rejection
from gateway.verify import Verify

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a webhook, which anybody may send."""
BODY_BUDGET: Final = 64 * BODY_LIMIT
"""Bytes of all webhooks that one process reads at once; more are answered 429. Apart from publish requests', so that
nobody crowds those out."""

router = APIRouter()


def webhook_budget() -> Budget:
    """The budget of one process."""
    return Budget(BODY_BUDGET)


@router.post("/v1/identity/{provider}/webhook", summary="What an identity provider says of a verification")
async def webhook(provider: str, request: Request, service: Serving) -> Response:
    """For the providers of the providers file, each signed in its own way. What changes nothing but is no fault of the
    sender's (a repetition, a late event) is answered 200 too, so that it is not sent again."""
    verify: Verify | None = request.app.state.verify
    if verify is None:
        raise _no_provider()
    length = request.headers.get("content-length", "")
    announced = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    budget: Budget = request.app.state.webhook_budget
    try:
        async with whole_body(request.receive, announced, BODY_LIMIT, service.read_seconds, budget) as body:
            result = await verify.webhook(provider, _headers(request), body)
    except Disconnected as error:  # nobody reads this answer
        raise Problem(400, "body_cut_off", "body: it ended before it was whole.") from error
    except StoreUnavailable as fault:
        detail = "The event is not applied, because the store is away; send it again."
        raise Problem(503, "store_unavailable", detail, headers=RETRY_SOON) from fault
    if result is None:
        raise _no_provider()
    return json_response(_answer(result))


def _answer(result: Applied | Rejection) -> Answer:
    """The answer for what became of an event. Raises `Problem`."""
    match result:
        case Applied.APPLIED | Applied.REPLAYED | Applied.REORDERED | Applied.IMPOSSIBLE | Rejection.IGNORED:
            return Answer(200, orjson.dumps({"result": result}))
        case Applied.UNKNOWN:
            # Not 200: the session's id may be on its way to us, and the provider tries again.
            raise Problem(404, "verification_unknown", "No verification here has the session that this event names.")
        case Rejection.FORGED:
            raise Problem(401, "forged", "The signature is missing, or not by a secret of this provider.")
        case Rejection.STALE:
            raise Problem(400, "stale", "The signature or the event is too old, or the clocks differ.")
        case Rejection.MALFORMED:
            raise Problem(400, "malformed", "The body is not as the provider's documentation says.")
        case _:
            assert_never(result)


def _headers(request: Request) -> dict[str, str]:
    """The headers given once; one given twice could be read differently by others, and proves nothing."""
    found: dict[str, str] = {}
    twice: set[str] = set()
    for name, value in request.headers.items():
        if name in found:
            twice.add(name)
        found[name] = value
    return {name: value for name, value in found.items() if name not in twice}


def _no_provider() -> Problem:
    return Problem(404, "provider_unknown", "provider: the providers file names none of that name that sends webhooks.")


def describe(paths: dict[str, Any], problem: Any) -> None:
    """Complete the OpenAPI document's operation; ``problem`` makes a response of problem details."""
    operation = paths["/v1/identity/{provider}/webhook"]["post"]
    operation["requestBody"] = {
        "required": True,
        "description": "As the provider documents it, signed in its own header.",
        "content": {"application/json": {"schema": {"type": "object"}}},
    }
    results = [*(each.value for each in Applied if each is not Applied.UNKNOWN), Rejection.IGNORED.value]
    schema = {
        "type": "object",
        "properties": {"result": {"type": "string", "enum": results}},
        "required": ["result"],
        "additionalProperties": False,
    }
    operation["responses"] = {
        "200": {"description": "Taken, or of no effect", "content": {"application/json": {"schema": schema}}},
        "400": problem("Stale, or malformed"),
        "401": problem("Forged: no signature of the provider's"),
        "404": problem("No such provider, or no such verification; try again later"),
        "408": problem("The body came too slowly"),
        "413": problem("Too large"),
        "429": problem("Too many bodies at once"),
        "503": problem("The store is away; send it again"),
    }
    operation["security"] = []
