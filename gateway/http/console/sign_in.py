"""Signing in, by password or by an OpenID provider, and out.

Every sign-in is a new session with a new token. What the way to the provider and back is bound to (state, nonce, PKCE's
verifier) is derived from a secret in the browser's cookie, so nothing is kept here of who only begins.
"""

from __future__ import annotations

import hmac
from typing import Annotated, Any, Final

from fastapi import Depends, Query, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import Field

from gateway import metrics
from gateway.core.sessions import LONGEST_PASSWORD
from gateway.http.console import cookies
from gateway.http.console.forms import EMPTY, Fields, Form, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import HOME, SIGN_IN, ByAnybody, Shell, Shown, inside
from gateway.http.problems import Problem
from gateway.http.requests import hash_key
from gateway.ports import Fault
from gateway.ports.sign_in import NotProven

router = pages()
PART: Final = Part("sign_in", router)

Next = Annotated[str, Query(max_length=2000)]


class SignInFields(Fields):
    """A name and a password, and where to go then."""

    name: str = Field(max_length=254)
    password: str = Field(max_length=LONGEST_PASSWORD)
    next: str = Field("", max_length=2000)


class NoFields(Fields):
    """Nothing but the button."""


SignInForm = Annotated[Form[SignInFields], Depends(form_of(SignInFields))]
Button = Annotated[Form[NoFields], Depends(form_of(NoFields))]


@router.get("/sign-in")
async def show(by: ByAnybody, shell: Shown, next: Next = "") -> Response:  # noqa: A002 - as it is called in addresses
    """The page to sign in on."""
    return await _page(shell, EMPTY, next)


@router.post("/sign-in")
async def sign_in(by: ByAnybody, shell: Shown, form: SignInForm) -> Response:
    """By name and password. Whether there is such a name shows in no answer, nor in the time that it takes."""
    if form.value is None:
        return await _page(shell, form, form.given.get("next", ""), status=422)
    console, fields = shell.console, form.value
    what = console.tries.of(fields.name, shell.client_address)
    if not await console.sessions.count(what, console.tries.window_ms, shell.now_ms):
        metrics.SIGN_INS.labels("password", "throttled").inc()
        return await _page(shell, form, fields.next, status=429, problem="sign_in.throttled")
    try:
        # No database takes a NUL, so nobody has a name with one.
        kept = await console.sessions.password(fields.name) if "\0" not in fields.name else None
        good = await console.passwords.matches(kept, fields.password)
    except Fault:
        metrics.SIGN_INS.labels("password", "fault").inc()
        raise
    if not good or (response := await begin(shell, fields.name, "password", fields.next)) is None:
        metrics.SIGN_INS.labels("password", "refused").inc()
        return await _page(shell, form, fields.next, status=401, problem="sign_in.refused")
    for of_name, _ in what[1:]:
        await console.sessions.forgive(of_name)
    return response


@router.post("/sign-out")
async def sign_out(by: ByAnybody, shell: Shown, form: Button) -> Response:
    """End the session."""
    if shell.token_hash:
        await shell.console.sessions.end(shell.token_hash)
    response = RedirectResponse(f"{SIGN_IN}?done=signed_out", 303)
    cookies.drop(response, cookies.SESSION)
    return response


@router.get("/sign-in/oidc")
async def to_provider(by: ByAnybody, shell: Shown, next: Next = "") -> Response:  # noqa: A002
    """To the OpenID provider."""
    identity = shell.console.identity
    if identity is None:
        raise Problem(404, "path", "there is no OpenID provider.")
    token = cookies.new_token()
    verifier = cookies.derived(token, "verifier")
    try:
        address = await identity.address(
            _state(token, next.encode(errors="replace").hex()),
            cookies.derived(token, "nonce"),
            cookies.challenge_of(verifier),
        )
    except Fault:
        metrics.SIGN_INS.labels("oidc", "fault").inc()
        return await _page(shell, EMPTY, next, status=502, problem="sign_in.provider_away")
    response = RedirectResponse(address, 303)
    cookies.put(response, cookies.OIDC, token)
    return response


@router.get("/sign-in/oidc/return")
async def from_provider(
    by: ByAnybody, shell: Shown, request: Request, state: str = "", code: str = "", iss: str | None = None
) -> Response:
    """Back from the OpenID provider."""
    identity, token = shell.console.identity, cookies.token_in(request, cookies.OIDC)
    if identity is None:
        raise Problem(404, "path", "there is no OpenID provider.")
    wanted = state.partition(".")[2]
    known = token is not None and hmac.compare_digest(state.encode(), _state(token, wanted).encode())
    if token is None or not known or not code:
        return await _refused(shell, "sign_in.not_begun")
    try:
        name = await identity.who(code, iss, cookies.derived(token, "verifier"), cookies.derived(token, "nonce"))
    except NotProven:
        return await _refused(shell, "sign_in.not_proven")
    except Fault:
        metrics.SIGN_INS.labels("oidc", "fault").inc()
        return await _page(shell, EMPTY, "", status=502, problem="sign_in.provider_away", drop=cookies.OIDC)
    response = await begin(shell, name, "oidc", _unpacked(wanted))
    if response is None:
        return await _refused(shell, "sign_in.no_operator")
    cookies.drop(response, cookies.OIDC)
    return response


async def begin(shell: Shell, name: str, way: str, wanted: str) -> Response | None:
    """Begin a session, and go where somebody wanted to; None where there is no such operator. A session that this
    browser had before ends."""
    token = cookies.new_token()
    if not await shell.console.sessions.begin(name, hash_key(token), way, shell.now_ms):
        return None
    if shell.token_hash:
        await shell.console.sessions.end(shell.token_hash)
    metrics.SIGN_INS.labels(way, "in").inc()
    wanted = inside(wanted)
    response = RedirectResponse(HOME if wanted.startswith(SIGN_IN) else wanted, 303)
    cookies.put(response, cookies.SESSION, token)
    cookies.drop(response, cookies.VISIT)
    return response


def _state(token: str, packed: str) -> str:
    """What comes back from the provider as it was sent: bound to the browser, and with where to go then."""
    return f"{cookies.derived(token, f'state {packed}')}.{packed}"


def _unpacked(packed: str) -> str:
    try:
        return bytes.fromhex(packed).decode()
    except ValueError:
        return ""


async def _refused(shell: Shell, problem: str) -> Response:
    metrics.SIGN_INS.labels("oidc", "refused").inc()
    return await _page(shell, EMPTY, "", status=401, problem=problem, drop=cookies.OIDC)


async def _page(
    shell: Shell, form: Form[Any], wanted: str, *, status: int = 200, problem: str = "", drop: str = ""
) -> Response:
    given = {**form.given, "password": ""}
    response = await shell.page(
        "sign_in.html",
        status=status,
        form=Form(form.value, form.errors, given),
        wanted=inside(wanted) if wanted else "",
        problem=problem,
        provider=shell.console.identity_label if shell.console.identity is not None else "",
    )
    if drop:
        cookies.drop(response, drop)
    return response
