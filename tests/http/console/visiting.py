"""A browser at the console, as far as cookies and forms go."""

from __future__ import annotations

import re
from dataclasses import dataclass
from html import unescape
from typing import Self

import argon2
import httpx
from fastapi import FastAPI

from gateway.adapters.passwords import Argon2Passwords
from gateway.adapters.sql.audit_search import SqlAuditSearch
from gateway.adapters.sql.sanction_trial import SqlTrial
from gateway.adapters.sql.sessions import SqlSessions
from gateway.core.operators import Role
from gateway.core.registration import By
from gateway.core.sessions import Lifetimes
from gateway.http.console import Console, cookies
from gateway.http.console.pulse import Pulse
from gateway.http.requests import hash_key
from tests.fakes import FakeClock
from tests.http.keeping import Keeping

HOST = "console.example"
ORIGIN = f"https://{HOST}"
MINUTE_MS, HOUR_MS = 60_000, 3_600_000
PASSWORD = "four words and a stop."
LIFETIMES = Lifetimes(30 * MINUTE_MS, 12 * HOUR_MS)
ADMIN, OURS = "the admin", "our admin"


def quick_passwords() -> Argon2Passwords:
    """Hashes that take no time."""
    return Argon2Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))


def console_of(keeping: Keeping) -> Console:
    """What the console is served with, on the register of `Keeping`."""
    database = keeping.store.database

    async def tenants() -> list[str]:
        return [each.tenant_id for each in await keeping.register.tenants()]

    return Console(
        desk=keeping.desk,
        sessions=SqlSessions(database),
        passwords=quick_passwords(),
        audit=SqlAuditSearch(database),
        pulse=Pulse(keeping.world.clock),
        lifetimes=LIFETIMES,
        components=lambda: keeping.app.state.components,
        tenants=tenants,
        history=lambda tenant_id, from_ms: SqlTrial(database, tenant_id, from_ms),
        policy_problems=lambda: keeping.policy_problems,
    )


@dataclass
class House:
    """A gateway with its console."""

    keeping: Keeping
    console: Console

    @property
    def app(self) -> FastAPI:
        """The application."""
        return self.keeping.app

    @property
    def clock(self) -> FakeClock:
        """Its clock."""
        return self.keeping.world.clock

    def visitor(self, address: str = "192.0.2.1") -> Visitor:
        """Somebody with a browser of their own."""
        return Visitor(self, address)

    async def signed_in(self, name: str) -> Visitor:
        """An operator who has just signed in."""
        token = cookies.new_token()
        assert await self.console.sessions.begin(name, hash_key(token), "password", self.clock.now)
        visitor = self.visitor()
        visitor.client.cookies.set(cookies.SESSION, token, domain=HOST, path="/")
        return visitor

    async def with_password(self, name: str = ADMIN, password: str = PASSWORD) -> None:
        """Give an operator a password."""
        password_hash = await self.console.passwords.hashed(password)
        assert await self.console.sessions.set_password(name, password_hash, By("test", "setting up"), self.clock.now)

    async def acts(self) -> dict[int, tuple[int, str]]:
        """How far the audit chains have come."""
        return await self.keeping.store.heads()


class Visitor:
    """A browser: it keeps cookies, and sends forms as a page of the console would."""

    def __init__(self, house: House, address: str) -> None:
        transport = httpx.ASGITransport(house.app, client=(address, 1234))
        self.client = httpx.AsyncClient(transport=transport, base_url=ORIGIN)

    async def __aenter__(self) -> Self:
        await self.client.__aenter__()
        return self

    async def __aexit__(self, *given: object) -> None:
        await self.client.aclose()

    @property
    def secret(self) -> str:
        """What this browser's forms are bound to."""
        jar = self.client.cookies
        return jar.get(cookies.SESSION) or jar.get(cookies.VISIT) or ""

    async def get(self, path: str, **headers: str) -> httpx.Response:
        """Load a page below ``/console``."""
        return await self.client.get(f"/console{path}", headers=headers)

    async def post(
        self, path: str, form: dict[str, str] | None = None, *, token: str | None = None, **headers: str
    ) -> httpx.Response:
        """Send a form, with this browser's token unless another is given."""
        if token is None:
            if not self.secret:
                await self.get("/sign-in")
            token = cookies.derived(self.secret, "form")
        fields = {**(form or {}), **({"csrf": token} if token else {})}
        return await self.client.post(f"/console{path}", data=fields, headers={"Origin": ORIGIN, **headers})

    async def sign_in(self, name: str = ADMIN, password: str = PASSWORD, next: str = "") -> httpx.Response:  # noqa: A002
        """Send the form of the sign-in page."""
        return await self.post("/sign-in", {"name": name, "password": password, "next": next})


def text_of(response: httpx.Response) -> str:
    """What a page says, without its markup."""
    body = re.sub(r"<(script|style)\b.*?</\1>", " ", response.text, flags=re.S)
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body))).strip()


def roles() -> list[tuple[str, Role, str | None]]:
    """Every operator of `Keeping`: its name, role and tenant."""
    return [(f"the {role}", role, None) for role in Role] + [(f"our {role}", role, "t1") for role in Role]
