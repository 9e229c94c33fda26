"""The application with all that its compatible routes need, and a real socket for other people's clients."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from uvicorn.server import ServerState

from gateway.examine import Examine
from gateway.http.bounded import BoundedHttp
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
