"""A closed-loop HTTP/1.1 load generator that costs little itself: each connection sends its next request when the
answer to the last one is whole."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import cast

import httptools


@dataclass(slots=True)
class Result:
    """What a run measured: seconds for each answered request in order of answer, and how many had which status.
    ``broken`` counts requests whose connection ended before the answer."""

    seconds: list[float] = field(default_factory=list)
    statuses: dict[int, int] = field(default_factory=dict)
    broken: int = 0
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.seconds) / self.elapsed if self.elapsed else 0.0

    def percentile(self, share: float) -> float:
        """The time within which this share (0..1) of the requests was answered, in seconds."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else float("nan")


def request_bytes(path: str, body: bytes, app_key: str, **headers: str) -> bytes:
    """A whole POST request. Header names are given with underscores."""
    lines = [
        f"POST {path} HTTP/1.1",
        "Host: gateway",
        f"Authorization: Bearer {app_key}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items()),
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


class _Connection(asyncio.Protocol):
    def __init__(self, make: Callable[[], bytes], result: Result, until: float) -> None:
        self._make = make
        self._result = result
        self._until = until
        self._started = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._parser = httptools.HttpResponseParser(self)
        self._next()

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        now = perf_counter()
        self._result.seconds.append(now - self._started)
        status = self._parser.get_status_code()
        self._result.statuses[status] = self._result.statuses.get(status, 0) + 1
        if now < self._until and self._parser.should_keep_alive():
            asyncio.get_running_loop().call_soon(self._next)
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._result.broken += 1
        if not self.done.done():
            self.done.set_result(None)

    def _next(self) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._started = perf_counter()
        self._transport.write(self._make())


async def run(port: int, make: Callable[[], bytes], clients: int, seconds: float) -> Result:
    """Send what ``make`` returns over ``clients`` connections to 127.0.0.1 for so many seconds."""
    loop = asyncio.get_running_loop()
    result = Result()
    started = perf_counter()

    async def client() -> None:
        while perf_counter() < started + seconds:
            _, connection = await loop.create_connection(
                lambda: _Connection(make, result, started + seconds), "127.0.0.1", port
            )
            await connection.done

    await asyncio.gather(*(client() for _ in range(clients)))
    result.elapsed = perf_counter() - started
    return result
