"""A listener on a real socket: uvicorn with the gateway's protocol, the proxy, and an upstream that tests hold."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from typing import Any

import uvicorn

from gateway.adapters.origin import HttpOrigin
from gateway.http.budget import Budget
from gateway.http.platforms import Pass
from gateway.http.proxy import Moderate, Note, Proxy
from gateway.http.requests import Receive, Scope, Send, read_body
from gateway.platforms import routemap
from gateway.platforms.listeners import Listener
from gateway.platforms.mapping import Match, NativeAnswer
from gateway.server import configuration

ROUTES = """
platform: testing
account: bearer
websockets: pass
websocket_paths: ["/socket/{name}"]
passes: ["GET,POST,PUT,PATCH,DELETE /{rest*}", "GET /"]
routes:
  - id: send
    methods: [POST]
    path: /publish/{room}
    body: json
    text: [json:text]
answers:
  blocked: {status: 403, body: {error: "{message}"}}
  held: {status: 202, body: {error: "{message}"}}
  limited: {status: 429, body: {error: "{message}"}}
  unavailable: {status: 503, body: {error: "{message}", kind: unavailable}}
  malformed: {status: 400, body: {error: "{message}", kind: malformed}}
"""


def listener(netloc: str, name: str = "testing", **fields: Any) -> Listener:
    """A listener before this upstream."""
    made = Listener(name=name, platform="testing", tenant="t1", port=1, upstream=f"http://{netloc}", **fields)
    made.use(routemap.load(ROUTES))
    return made


async def judge(_listener: Listener, match: Match, _scope: Scope, receive: Receive) -> NativeAnswer | Pass:
    """Stands for moderation: says which route it saw, and the size of the body. What is listed nowhere is let go."""
    body = await read_body(receive, None, 1 << 20, 5.0, Budget(1 << 20))
    if match.route.id == "unlisted":
        return Pass(body)
    answer = f"{match.route.id} {len(body)}".encode()
    return NativeAnswer(299, ((b"content-length", b"%d" % len(answer)),), answer)


class Front:
    """A port of the gateway. ``origin`` may be looked into."""

    def __init__(self, listener: Listener, origin: HttpOrigin, port: int) -> None:
        self.listener = listener
        self.origin = origin
        self.port = port
        self.server: uvicorn.Server | None = None

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A client's connection."""
        return await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)

    async def free(self) -> None:
        """Wait until nothing is taken any more."""
        while self.origin.in_use(self.listener):  # noqa: ASYNC110 - a count has no event
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def front(
    listener: Listener,
    moderate: Moderate = judge,
    origin: HttpOrigin | None = None,
    note: Note = lambda _listener, _scope: None,
) -> AsyncIterator[Front]:
    """Serve a listener until the block ends."""
    spoken = origin or HttpOrigin()
    proxy = Proxy(spoken, moderate, note)

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        await proxy(listener, scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        config = configuration(application, drain_seconds=1)
        config.lifespan = "off"
        config.loop = "none"
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server._serve([listening]))
        made = Front(listener, spoken, listening.getsockname()[1])
        made.server = server
        while not server.started:  # noqa: ASYNC110 - nor has a flag
            await asyncio.sleep(0.001)
        try:
            yield made
        finally:
            server.should_exit = True
            await serving
            await spoken.close()
