"""What all pages of the console share: what they are served with, who calls, and how a page is made."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from ipaddress import IPv4Network, IPv6Network, ip_address
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit

from fastapi import Depends, Path, Request
from fastapi.responses import HTMLResponse, RedirectResponse
from fastapi.routing import APIRoute
from starlette.datastructures import State

from gateway.core.model import Degree, Suspension
from gateway.core.operators import Operator, Role
from gateway.core.sessions import TOUCH_MS, Lifetimes, Tries
from gateway.core.wording import ID
from gateway.core.yaml_lines import Problem as Wrong
from gateway.http.admin.desk import Desk, can_be
from gateway.http.console import cookies, texts
from gateway.http.console.part import Part
from gateway.http.console.pulse import Pulse
from gateway.http.console.rendering import environment
from gateway.http.health import Component
from gateway.http.problems import Problem
from gateway.http.requests import hash_key
from gateway.ports import Fault, Passwords, SanctionHistory, Sessions, SignedIn
from gateway.ports.audit_search import AuditSearch
from gateway.ports.sign_in import IdentityProvider

HOME: Final = "/console/"
SIGN_IN: Final = "/console/sign-in"
_COUNTS_S: Final = 2.0
"""How long the numbers in the navigation are kept."""

Theme = Literal["auto", "light", "dark"]
THEMES: Final[tuple[Theme, ...]] = ("auto", "light", "dark")

TenantId = Annotated[str, Path(max_length=255, pattern=ID)]
AccountId = Annotated[str, Path(max_length=255, pattern=ID)]


@dataclass(frozen=True, slots=True)
class Console:
    """What the console is served with. ``identity`` is the OpenID provider, called ``identity_label``, if there is one;
    ``origin`` where browsers find the console, empty for wherever they say; ``proxies`` the networks whose word on a
    client's address is taken; ``history`` what happened to a tenant's accounts since a moment (unix ms);
    ``policy_problems`` what is wrong with the policy's file, if it is not in force. Policies are tried one at a time
    (``trying``)."""

    desk: Desk
    sessions: Sessions
    passwords: Passwords
    audit: AuditSearch
    pulse: Pulse
    lifetimes: Lifetimes
    components: Callable[[], Sequence[Component]]
    tenants: Callable[[], Awaitable[list[str]]]
    history: Callable[[str, int], SanctionHistory]
    policy_problems: Callable[[], Sequence[Wrong]]
    identity: IdentityProvider | None = None
    identity_label: str = ""
    origin: str = ""
    tries: Tries = field(default_factory=Tries)
    trying: asyncio.Lock = field(default_factory=asyncio.Lock)
    proxies: tuple[IPv4Network | IPv6Network, ...] = ()
    counts: dict[tuple[str, str], tuple[float, int | None]] = field(default_factory=dict)

    async def tenants_of(self, operator: Operator) -> list[str]:
        """The tenants that an operator sees, by id."""
        return [each for each in await self.tenants() if operator.keeps(each)]


def inside(wanted: str) -> str:
    """An address of the console, or its first page for any other: nobody is sent elsewhere."""
    parts = urlsplit(wanted)
    good = wanted.startswith("/console/") and not parts.scheme and not parts.netloc and wanted.isprintable()
    return wanted if good and "\\" not in wanted else HOME


@dataclass(eq=False)
class SignInNeeded(Exception):
    """Who calls has not signed in, or not of late."""

    ended: bool = False


@dataclass
class Shell:
    """One request to the console, and how its page is made. ``secret`` is what forms are bound to, ``fresh`` whether it
    is to be set as a cookie; ``signed`` who has signed in, once that was looked up."""

    request: Request
    console: Console
    secret: str
    fresh: bool
    language: texts.Language
    theme: Theme
    signed: SignedIn | None = None
    token_hash: str = ""

    @property
    def csrf(self) -> str:
        """What a form of this browser carries."""
        return cookies.derived(self.secret, "form")

    @property
    def now_ms(self) -> int:
        """This moment (unix ms)."""
        return self.console.desk.clock.now_ms()

    @property
    def operator(self) -> Operator:
        """Who has signed in; only where a route asks for a role."""
        if self.signed is None:
            raise SignInNeeded
        return self.signed.operator

    @property
    def client_address(self) -> str:
        """Whose request it is: the nearest address that is no proxy of ours."""
        client = self.request.client
        address = client.host if client else ""
        before = ",".join(self.request.headers.getlist("x-forwarded-for")).split(",")
        while self._is_proxy(address) and before and before[-1].strip():
            address = before.pop().strip()
        return address

    def say(self, key: str, **values: object) -> str:
        """A text in the language of this page."""
        return texts.say(self.language, key, **values)

    def named(self, group: str, word: str) -> str:
        """The name of a code in the language of this page; of a degree, as the policy means it."""
        if (group, word) == ("degree", Degree.SUSPEND_RENEWAL):
            means = self.console.desk.policy().policy.standing.suspend_renewal_means
            word = "suspend_updates" if means is Suspension.UPDATES else word
        return texts.name_of(self.language, group, word)

    async def page(self, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:
        """A page made from a template, which finds ``t``, ``named``, ``operator``, ``csrf`` and what is given."""
        done = self.request.query_params.get("done", "")
        common = {
            "t": self.say,
            "named": self.named,
            "nonce": self.request.state.nonce,
            "csrf": self.csrf,
            "language": self.language,
            "languages": texts.NAMES,
            "theme": self.theme,
            "themes": THEMES,
            "operator": self.signed.operator if self.signed else None,
            "navigation": await self._navigation() if self.signed else [],
            "here": self.request.url.path,
            "this": self._this(),
            "done": f"done.{done}" if texts.known(f"done.{done}") else None,
        }
        html = environment().get_template(template).render({**common, **values})
        response = HTMLResponse(html, status)
        if self.fresh:
            cookies.put(response, cookies.VISIT, self.secret)
        return response

    def go(self, path: str, done: str = "") -> RedirectResponse:
        """On to another page after a form was carried out; ``done`` is the text (``done.KEY``) that is shown there."""
        query = f"{'&' if '?' in path else '?'}done={done}" if done else ""
        return RedirectResponse(path + query, 303)

    def _this(self) -> str:
        """This page's own address, to come back to."""
        url = self.request.url
        return url.path + (f"?{url.query}" if url.query else "")

    def _is_proxy(self, address: str) -> bool:
        try:
            found = ip_address(address)
        except ValueError:
            return False
        return any(found in network for network in self.console.proxies)

    async def _navigation(self) -> list[dict[str, Any]]:
        parts: Sequence[Part] = self.request.app.state.console_parts
        path = self.request.url.path
        shown = [part for part in parts if part.path is not None and self.operator.may(part.role)]
        at = max([part.path or "" for part in shown if path.startswith(part.path or "")], key=len, default="")
        return [
            {
                "name": part.name,
                "path": part.path,
                "count": await self._count(part),
                "current": part.path == at and (at != HOME or path == HOME),
            }
            for part in shown
        ]

    async def _count(self, part: Part) -> int | None:
        if part.count is None:
            return None
        key, now = (part.name, self.operator.tenant_id or ""), time.monotonic()
        kept = self.console.counts.get(key)
        if kept is None or now - kept[0] > _COUNTS_S:
            try:
                kept = (now, await part.count(self.request.app.state, self.operator))
            except Fault:
                kept = (now, None)  # the page itself says what is wrong
            self.console.counts[key] = kept
        return kept[1]


def served(state: State) -> Console:
    """What the console is served with."""
    console: Console = state.console
    return console


async def _shell(request: Request) -> Shell:
    return shell_of(request)


def shell_of(request: Request) -> Shell:
    """The shell of a request; one for each."""
    if (made := getattr(request.state, "shell", None)) is not None:
        assert isinstance(made, Shell)  # noqa: S101
        return made
    session = cookies.token_in(request, cookies.SESSION)
    visit = session or cookies.token_in(request, cookies.VISIT)
    language = request.cookies.get(cookies.LANGUAGE)
    theme = request.cookies.get(cookies.THEME)
    shell = Shell(
        request,
        served(request.app.state),
        visit or cookies.new_token(),
        visit is None,
        next(
            (each for each in texts.LANGUAGES if each == language),
            texts.preferred(request.headers.get("accept-language", "")),
        ),
        next((each for each in THEMES if each == theme), "auto"),
        token_hash=hash_key(session) if session else "",
    )
    request.state.shell = shell
    return shell


Shown = Annotated[Shell, Depends(_shell)]

_NEEDED: dict[object, Role | None] = {}


@cache
def allowed(role: Role) -> Callable[..., Awaitable[Operator]]:
    """The dependency of a route that needs this role: the operator who has signed in. Routes name it first, so that
    nobody else's form is read.

    Raises `SignInNeeded` for who has not, and `Problem`: 403 for another role, 404 for a tenant in the path that is not
    there, or is none of this operator's business.
    """

    async def operator(request: Request, shell: Shown) -> Operator:
        found = await _signed(shell)
        if not found.may(role):
            raise Problem(403, "role_missing", f"this needs the role {role}, and {found.name} has {found.role}.")
        if (tenant_id := request.path_params.get("tenant_id")) is not None and (
            not (found.keeps(tenant_id) and can_be(tenant_id))
            or await shell.console.desk.registry.tenant(tenant_id) is None
        ):
            raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
        return found

    _NEEDED[operator] = role
    return operator


async def _anybody() -> None:
    return None


_NEEDED[_anybody] = None

ByAnybody = Annotated[None, Depends(_anybody)]
"""Marks a route that needs no sign-in."""
ByViewer = Annotated[Operator, Depends(allowed(Role.VIEWER))]
ByRegistrar = Annotated[Operator, Depends(allowed(Role.REGISTRAR))]
ByReviewer = Annotated[Operator, Depends(allowed(Role.REVIEWER))]
ByPolicy = Annotated[Operator, Depends(allowed(Role.POLICY))]
ByAdmin = Annotated[Operator, Depends(allowed(Role.ADMIN))]


def role_of(route: APIRoute) -> Role | None:
    """The role that a route of the console needs; None for anybody. Raises `LookupError` for one that does not say."""
    for one in route.dependant.dependencies:
        if one.call in _NEEDED:
            return _NEEDED[one.call]
    raise LookupError(f"{route.path}: its signature does not say who may")


async def _signed(shell: Shell) -> Operator:
    """Who has signed in, as of now: the operator is looked up each time, so who was revoked a moment ago is out."""
    if not shell.token_hash:
        raise SignInNeeded
    signed = await shell.console.sessions.find(shell.token_hash)
    now_ms = shell.now_ms
    if signed is None or not shell.console.lifetimes.stands(signed.session, now_ms):
        raise SignInNeeded(ended=True)
    # What a page fetches by itself is no use of it.
    if "live" not in shell.request.query_params and now_ms - signed.session.seen_ms >= TOUCH_MS:
        await shell.console.sessions.touch(shell.token_hash, now_ms)
    shell.signed = signed
    return signed.operator
