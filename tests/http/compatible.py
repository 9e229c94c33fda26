"""The application with all that its compatible routes need, and a real socket for other people's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import orjson
import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from gateway.examine import Examine
from gateway.http.bounded import BoundedHttp
from gateway.http.requests import Receive, Scope
from gateway.http.wechat_tokens import Tokens
from gateway.ports import Sealer
from tests.http.conftest import serve
from tests.world import World


def serve_compatible(world: World, sealer: Sealer | None = None, read_seconds: float = 10.0) -> FastAPI:
    """The application, served by this world; without a ``sealer`` it gives no access tokens."""
    app = serve(world, read_seconds)
    app.state.examine = Examine(
        classifiers=world.classifiers, policy=lambda: world.policy, clock=world.clock, limit=world.limit
    )
    app.state.wechat_tokens = Tokens(sealer, world.clock) if sealer is not None else None
    return app


@asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[str]:
    """The address where the application listens, on a real socket."""
    config = uvicorn.Config(app, log_config=None, lifespan="off", server_header=False)
    state = ServerState()
    server = await asyncio.get_running_loop().create_server(
        lambda: BoundedHttp(config=config, server_state=state, app_state={}), "127.0.0.1", 0
    )
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        for connection in list(state.connections):
            connection.shutdown()
        server.close()
        await server.wait_closed()


async def post(app: FastAPI, path: str, query: str, headers: dict[str, str], receive: Receive) -> tuple[int, Any]:
    """Status and body of the answer to a request whose body ``receive`` gives, or does not give."""
    events: list[Any] = []

    async def send(event: Any) -> None:
        events.append(event)

    scope: Scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "server": ("gateway", 80),
    }
    await app(scope, receive, send)
    return events[0]["status"], orjson.loads(events[1]["body"])


async def never() -> Any:
    """A body that does not come."""
    await asyncio.Event().wait()


async def gone() -> Any:
    """A client that has left."""
    return {"type": "http.disconnect"}
