"""A whole gateway with an upstream that records: what authors and reviewers do about a block, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from gateway.adapters.key_file import new_keys
from gateway.adapters.sql import SqlOperators, SqlStore
from gateway.app import create_app
from gateway.core.operators import Operator, Role
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.http.requests import hash_key
from gateway.settings import Settings
from tests.http import judging
from tests.http.documented import Documented
from tests.http.recorder import Recorder, recorder
from tests.world import ACCOUNT

THREAT = "I am going to kill you tonight, I know where you live."
SCAM = "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it."
WHY = {"reason": "ticket 12"}
PATIENCE = 20.0


@dataclass
class Whole:
    """The gateway and its neighbours. ``acme`` calls as the app, ``ann`` and ``bob`` are reviewers."""

    app: FastAPI
    upstream: Recorder
    documented: Documented

    def client(self, key: str | None) -> httpx.AsyncClient:
        """A client that fails on an answer which the OpenAPI document does not describe."""
        return httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {key}"} if key is not None else {},
            event_hooks={"response": [self.documented.check]},
        )

    async def ask(self, key: str | None, method: str, path: str, **fields: Any) -> httpx.Response:
        """One request with this key."""
        async with self.client(key) as client:
            return await client.request(method, path, **fields)

    async def publish(self, text: str, path: str = "/v1/messages") -> tuple[int, str]:
        """Publish as the app does; the status, and the message's id."""
        answer = await self.ask("acme", "POST", path, json={"account_id": ACCOUNT.account_id, "text": text})
        return answer.status_code, answer.json()["message_id"]

    async def statement(
        self, message_id: str, restriction: str = "block", lifted: str | None = None, **fields: Any
    ) -> dict[str, Any]:
        """The newest statement about a message, once it is about this restriction, and lifted like this."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask("acme", "GET", f"/v1/messages/{message_id}/statement", **fields)
                found: dict[str, Any] = answer.json()
                if answer.status_code == 200 and (found["restriction"], found["lifted"]) == (restriction, lifted):
                    return found
                await asyncio.sleep(0.02)

    async def of_account(self, restriction: str) -> dict[str, Any]:
        """The newest statement of this restriction about the account, once there is one."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask("acme", "GET", f"/v1/accounts/{ACCOUNT.account_id}/statements")
                for found in answer.json()["statements"]:
                    if found["restriction"] == restriction:
                        return dict(found)
                await asyncio.sleep(0.02)

    async def becomes(self, message_id: str, state: str) -> None:
        """Return once a message is in this state."""
        async with asyncio.timeout(PATIENCE):
            while True:
                answer = await self.ask("acme", "GET", f"/v1/messages/{message_id}")
                if answer.json()["state"] == state:
                    return
                await asyncio.sleep(0.02)


@asynccontextmanager
async def whole(directory: Path, keys: bool = True) -> AsyncIterator[Whole]:
    """The gateway, with a key file or without."""
    if keys:
        new_keys(directory / "keys.json")
    settings = Settings(
        database_url=f"sqlite+aiosqlite:///{directory}/gateway.db",
        keys_file=directory / "keys.json" if keys else None,
    )
    app = create_app(settings, judging.shipped())
    async with recorder() as upstream, app.router.lifespan_context(app):
        store: SqlStore = app.state.store
        acme = Tenant("t1", "One", f"http://{upstream.netloc}/publish", notify_url="https://one.example/notices")
        await store.register.put_tenant(acme, hash_key("acme"), "test", 0)
        await store.register.put_tenant(Tenant("t2", "Two", "http://127.0.0.1:1/"), hash_key("other"), "test", 0)
        await store.register.put_account("t1", ACCOUNT, "test", 0)
        for name in ("ann", "bob"):
            operator = Operator(name.title(), Role.REVIEWER)
            assert await SqlOperators(store.database).add(operator, hash_key(name), By("test", "test"), 0)
        yield Whole(app, upstream, Documented())
