"""The servers behind the listeners."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from gateway.platforms.listeners import Listener


@dataclass(frozen=True, slots=True)
class OriginHead:
    """The head of a request, ready to send: ``target`` is path and query as on the wire, ``headers`` are end-to-end
    and in order, with ``Host`` and, unless the body's length is not known, ``Content-Length``. ``upgrade``: the request
    asks for a WebSocket."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    upgrade: bool = False


class OriginResponse(Protocol):
    """A response whose head is there. Its body is taken piece by piece; the upstream waits while nobody takes it.
    After status 101 the pieces are those of the other protocol, and `write` sends to it. Whoever has one closes it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """End-to-end only; names as the upstream gave them."""
    done: bool
    """Whether `piece` has nothing more to give."""

    @property
    def ready(self) -> bool:
        """Whether `piece` returns at once."""

    async def piece(self) -> bytes:
        """More of the body; nothing at its end. Raises `UpstreamUnknown` when it is cut off, or stalls."""

    async def read(self, limit: int) -> bytes:
        """The whole body, and close. Raises `UpstreamUnknown` also when it is longer than ``limit`` bytes."""

    async def write(self, data: bytes) -> None:
        """Send to the other protocol. Raises `UpstreamUnknown` when nobody is there to take it."""

    def close(self) -> None:
        """Free what it holds; the exchange is given up unless it was complete. May be called again."""


class Origin(Protocol):
    """The servers behind the listeners, spoken to in HTTP as it is."""

    async def send(
        self, listener: Listener, head: OriginHead, body: bytes | AsyncIterator[bytes], *, reserved: bool = False
    ) -> OriginResponse:
        """Send a request and return when the head of its response is there, even if the body is still being sent.
        ``reserved``: it may use the connections that are kept from requests which only pass through.

        Exactly one attempt, but for a GET, HEAD or OPTIONS without a body that met a connection just being closed.
        Raises `UpstreamNotReached` or `UpstreamUnknown`, and what ``body`` raises.
        """
