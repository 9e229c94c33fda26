"""WebSockets: once the upstream has agreed, bytes are passed on both ways as they are."""

from __future__ import annotations

import asyncio
import logging
from typing import Final

from gateway import metrics
from gateway.core.hops import named
from gateway.http.forwarding import Refused
from gateway.http.requests import Receive, Scope, Send
from gateway.platforms import mapping
from gateway.platforms.listeners import Listener
from gateway.ports import Fault, OriginResponse

log = logging.getLogger(__name__)

_CLOSING_SECONDS: Final = 5.0
"""How long one side may take to hear what the other said last."""


def wanted(listener: Listener, scope: Scope) -> bool:
    """Whether a request asks for a WebSocket that the platform allows.

    Raises `Refused` for any other protocol, and for a WebSocket that is not allowed.
    """
    upgrades = [value for name, value in scope["headers"] if name == b"upgrade"]
    if not upgrades:
        return False
    if [value.strip().lower() for value in upgrades] != [b"websocket"]:
        raise Refused("Upgrade: no other protocol than WebSocket is spoken.")
    options = [option for name, value in scope["headers"] if name == b"connection" for option in named(value)]
    if scope["method"] != "GET" or scope["http_version"] != "1.1" or b"upgrade" not in options:
        raise Refused("Upgrade: this is not how a WebSocket is opened.")
    if not mapping.websocket_passes(listener.map, listener.inner_path(scope["raw_path"])):
        raise Refused("Upgrade: no WebSocket may be opened here.")
    return True


async def run(listener: Listener, response: OriginResponse, receive: Receive, send: Send) -> None:
    """Answer 101 and pass bytes on until both sides have ended, or one has and the other does not follow."""
    upgrade = [(b"Upgrade", b"websocket"), (b"Connection", b"Upgrade")]
    await send({"type": "http.response.start", "status": 101, "headers": [*upgrade, *response.headers]})
    gauge = metrics.TUNNELS.labels(listener.name)
    gauge.inc()
    up = asyncio.create_task(_up(listener, response, receive))
    down = asyncio.create_task(_down(listener, response, send))
    try:
        await asyncio.wait((up, down), return_when=asyncio.FIRST_COMPLETED)
        if up.done() and not up.result():  # the upstream takes nothing more, but its last words may be under way
            await asyncio.wait((down,), timeout=_CLOSING_SECONDS)
    finally:
        gauge.dec()
        up.cancel()
        down.cancel()
        await asyncio.gather(up, down, return_exceptions=True)
    await send({"type": "http.response.body"})


async def _up(listener: Listener, response: OriginResponse, receive: Receive) -> bool:
    """Pass on what the client sends; whether it was the client who ended."""
    count = metrics.child(metrics.PROXIED_BYTES, listener.name, "up")
    try:
        while (event := await receive())["type"] == "http.request":
            data = event["body"]
            count.inc(len(data))
            async with asyncio.timeout(listener.idle_seconds):
                await response.write(data)
    except (Fault, TimeoutError) as error:
        log.info("a tunnel ended", {"listener": listener.name, "fault": str(error) or "the upstream is too slow"})
        return False
    return True


async def _down(listener: Listener, response: OriginResponse, send: Send) -> None:
    """Pass on what the upstream sends."""
    count = metrics.child(metrics.PROXIED_BYTES, listener.name, "down")
    try:
        while data := await response.piece():
            count.inc(len(data))
            async with asyncio.timeout(listener.idle_seconds):
                await send({"type": "http.response.body", "body": data, "more_body": True})
    except (Fault, TimeoutError) as error:
        log.info("a tunnel ended", {"listener": listener.name, "fault": str(error) or "the client is too slow"})
