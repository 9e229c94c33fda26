"""A route of the console: every answer of it is a page with the same strict headers, also when something is wrong."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Coroutine
from typing import Any, Final
from urllib.parse import quote

from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute

from gateway.http.console import cookies, texts
from gateway.http.console.shell import HOME, SIGN_IN, SignInNeeded, shell_of
from gateway.http.problems import Problem
from gateway.ports import Fault, StoreUnavailable

_POLICY: Final = (
    "default-src 'none'; script-src 'nonce-{nonce}'; style-src 'nonce-{nonce}'; img-src 'self'; connect-src 'self'; "
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'; require-trusted-types-for 'script'"
)
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    # With less than this, browsers would not say where a form comes from.
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


class PageRoute(APIRoute):
    """A route whose answers are pages."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The framework's handler, within ours."""
        handler = super().get_route_handler()

        async def page(request: Request) -> Response:
            request.state.nonce = secrets.token_urlsafe(16)
            try:
                response = await handler(request)
            except SignInNeeded as needed:
                response = _to_sign_in(request, needed)
            except Problem as problem:
                response = await error_page(request, problem.status, problem.code)
            except RequestValidationError:
                response = await error_page(request, 404, "path")
            except StoreUnavailable:
                response = await error_page(request, 503, "store_unavailable")
            except Fault:
                response = await error_page(request, 503, "unavailable")
            return secured(request, response)

        return page


def pages(path: str = "") -> APIRouter:
    """A router for pages below ``/console``. They are for people, and not in the API's document."""
    return APIRouter(prefix=f"/console{path}", route_class=PageRoute, include_in_schema=False)


def secured(request: Request, response: Response) -> Response:
    """An answer with the headers that all have; one may say itself how long it is kept."""
    for name, value in _HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers["Content-Security-Policy"] = _POLICY.format(nonce=request.state.nonce)
    return response


async def error_page(request: Request, status: int, code: str) -> Response:
    """A page that says what is wrong, and what to do."""
    key = f"problem.{code}"
    shell = shell_of(request)
    return await shell.page("problem.html", status=status, code=status, key=key if texts.known(key) else "problem.any")


def _to_sign_in(request: Request, needed: SignInNeeded) -> Response:
    """To the sign-in page, and from there back; what a page fetches by itself just ends."""
    if "live" in request.query_params:
        return Response(status_code=401)
    wanted = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    query = f"?next={quote(wanted, safe='')}" if request.method == "GET" and wanted != HOME else ""
    if needed.ended:
        query += ("&" if query else "?") + "done=ended"
    response = RedirectResponse(SIGN_IN + query, 303)
    if needed.ended:
        cookies.drop(response, cookies.SESSION)
    return response
