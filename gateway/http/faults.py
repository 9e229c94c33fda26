"""What the framework's routes answer when something is wrong that no route speaks of."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError

from gateway.core.wording import told
from gateway.http.api import json_response
from gateway.http.problems import RETRY_SOON, Problem, bad_fields
from gateway.ports import Fault, OtherIndexKey, StoreUnavailable, Unopened


async def _problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101
    return json_response(problem.answer())


async def _bad_address(_request: Request, error: Exception) -> Response:
    """A part of the path or the query that cannot be; its value is not quoted."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    named = [(str(each["loc"][-1]), told(each)) for each in error.errors()]
    return json_response(bad_fields(named, code="bad_address").answer())


async def _unavailable(_request: Request, fault: Exception) -> Response:
    """The fault's own text stays here: it says where the store is, and how it failed."""
    what, code = ("store", "store_unavailable") if isinstance(fault, StoreUnavailable) else ("keys", "keys_unavailable")
    detail = f"The {what} could not be reached, so it is unknown whether anything was done; look, and send it again."
    return json_response(Problem(503, code, detail, headers=RETRY_SOON).answer())


async def _other_index_key(_request: Request, fault: Exception) -> Response:
    return json_response(Problem(503, "other_keys", f"Nothing was done: {fault}.").answer())


async def _unopened(_request: Request, _fault: Exception) -> Response:
    """Asking again does not help, so nobody is told to, nor when."""
    detail = (
        "No key here opens what is kept of this registrant, so nothing was done: it was sealed under keys that "
        "GATEWAY_KEYS_FILE or GATEWAY_KMS__URL does not name. Give the gateway these keys, or erase the registrant."
    )
    return json_response(Problem(503, "not_opened", detail).answer())


HANDLERS: Final[dict[type[Exception], Callable[[Request, Exception], Awaitable[Response]]]] = {
    Problem: _problem,
    RequestValidationError: _bad_address,
    OtherIndexKey: _other_index_key,
    Unopened: _unopened,
    Fault: _unavailable,
}
