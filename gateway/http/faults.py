"""What is answered when something is wrong that no route speaks of, or when there is no such route."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Final

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match

from gateway.core.wording import told
from gateway.http.api import json_response
from gateway.http.intercept import ROUTES
from gateway.http.problems import RETRY_SOON, Problem, bad_fields
from gateway.ports import Fault, OtherIndexKey, StoreUnavailable, Unopened

_METHODS: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")


async def _problem(_request: Request, problem: Exception) -> Response:
    assert isinstance(problem, Problem)  # noqa: S101
    return json_response(problem.answer())


async def _bad_address(_request: Request, error: Exception) -> Response:
    """A part of the path or the query that cannot be; its value is not quoted."""
    assert isinstance(error, RequestValidationError)  # noqa: S101
    named = [(str(each["loc"][-1]), told(each)) for each in error.errors()]
    return json_response(bad_fields(named, code="bad_address").answer())


async def _no_route(request: Request, error: Exception) -> Response:
    """The path, or the method, is none of ours. The publish routes are not among the framework's, so it takes them for
    unknown whatever the method."""
    assert isinstance(error, HTTPException)  # noqa: S101
    if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED or request.scope["path"] in ROUTES:
        methods = ", ".join(_allowed(request))
        problem = Problem(405, "method", f"method: this path takes {methods}.", headers=(("Allow", methods),))
    elif error.status_code == HTTPStatus.NOT_FOUND:
        problem = Problem(404, "path", "path: there is nothing here; GET /openapi.json tells what there is.")
    else:
        problem = Problem(error.status_code, "request", str(error.detail))
    return json_response(problem.answer())


def _allowed(request: Request) -> list[str]:
    """The methods that the path takes. The framework names those of one route only, where a path has several."""
    if request.scope["path"] in ROUTES:
        return ["POST"]
    scopes = {method: {**request.scope, "method": method} for method in _METHODS}
    routes: Sequence[BaseRoute] = request.app.router.routes
    return [name for name, scope in scopes.items() if any(route.matches(scope)[0] is Match.FULL for route in routes)]


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
    HTTPException: _no_route,
    RequestValidationError: _bad_address,
    OtherIndexKey: _other_index_key,
    Unopened: _unopened,
    Fault: _unavailable,
}
