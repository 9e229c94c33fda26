"""A request goes to the listener whose port it came in on, or whose host name it asks for."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.http.intercept import Listeners
from gateway.http.requests import Receive, Scope, Send
from gateway.platforms.listeners import Listener

BOTS = Listener(name="bots", platform="telegram", tenant="acme", port=8443, upstream="http://up.example")
CHAT = Listener(name="chat", platform="matrix", tenant="acme", hostname="chat.example", upstream="http://up.example")


async def nowhere(_listener: Listener, _scope: Scope, _receive: Receive, _send: Send) -> None:
    """Answers nothing."""


def listeners(*some: Listener) -> Listeners:
    """These listeners."""
    return Listeners(some, nowhere)  # type: ignore[arg-type]


def scope(port: int = 8080, host: bytes | None = b"gateway.example") -> dict[str, Any]:
    """A request to this port, with this Host."""
    return {"server": ("127.0.0.1", port), "headers": [] if host is None else [(b"host", host)]}


@pytest.mark.parametrize(
    ("request_scope", "name"),
    [
        (scope(8443), "bots"),
        (scope(8443, b"chat.example"), "bots"),
        (scope(8080, b"chat.example"), "chat"),
        (scope(8080, b"chat.example:8080"), "chat"),
        (scope(8080, b"CHAT.Example"), "chat"),
        (scope(8080, b"chat.example."), "chat"),
        (scope(8080, b"chat.example.evil"), None),
        (scope(8080, b"other"), None),
        (scope(8080, b"[::1]:8080"), None),
        (scope(8080, None), None),
        ({"server": None, "headers": []}, None),
    ],
)
def test_whose_request_it_is(request_scope: dict[str, Any], name: str | None) -> None:
    found = listeners(BOTS, CHAT).of(request_scope)

    assert (found.name if found else None) == name


def test_without_host_names_the_header_says_nothing() -> None:
    assert listeners(BOTS).of(scope(8080, b"chat.example")) is None
