"""Steady load from clients that keep a log of what they sent and what they were answered."""

from __future__ import annotations

import asyncio
import json
import random
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic
from types import TracebackType
from typing import BinaryIO, Self

from tests.e2e.support import TEXTS, Answer, Broken, Connection, body_of, until


@dataclass(slots=True)
class Sent:
    """One request: what it should come to, its very bytes, and what the client knows of it."""

    outcome: str
    body: bytes
    key: str | None
    at: float = field(default_factory=monotonic)
    answer: Answer | None = None
    seconds: float = 0.0
    """From its (last) sending to its answer."""
    broken: int = 0
    """How often its connection broke."""


class Load:
    """``clients`` connections that send, inside the block, one message after another with a short ``pause``.

    One in ``keyed`` has an idempotency key and is sent again until it is answered. Every fact is written to ``file``
    before the client acts on it. ``outcomes`` are the kinds of message that take turns.
    """

    def __init__(
        self,
        port: int,
        file: Path,
        *,
        clients: int,
        pause: float,
        keyed: int = 0,
        outcomes: tuple[str, ...] = ("allow", "allow", "hold", "allow", "block"),
        seed: int = 0,
    ) -> None:
        self.log: list[Sent] = []
        self.refused = 0
        self._port = port
        self._path = file
        self._clients = clients
        self._pause = pause
        self._keyed = keyed
        self._outcomes = outcomes
        self._random = random.Random(seed)  # noqa: S311 - to repeat a run, not to keep a secret
        self._end = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._file: BinaryIO

    async def __aenter__(self) -> Self:
        self._file = self._path.open("wb", buffering=0)
        self._tasks = [asyncio.create_task(self._client()) for _ in range(self._clients)]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end.set()
        try:
            async with asyncio.timeout(60):
                await asyncio.gather(*self._tasks)
        finally:
            self._file.close()

    @property
    def answered(self) -> list[Sent]:
        """The requests that were answered."""
        return [sent for sent in self.log if sent.answer is not None]

    @property
    def broken(self) -> int:
        """How often a connection broke under a request."""
        return sum(sent.broken for sent in self.log)

    def statuses(self, since: float = 0.0) -> dict[int, int]:
        """How many requests sent since then had which answer."""
        found: dict[int, int] = {}
        for sent in self.log:
            if sent.answer is not None and sent.at >= since:
                found[sent.answer.status] = found.get(sent.answer.status, 0) + 1
        return found

    async def _client(self) -> None:
        connection = Connection(self._port)
        while not self._end.is_set():
            await self._send(connection, self._next())
            with suppress(TimeoutError):
                async with asyncio.timeout(self._random.uniform(0, 2 * self._pause)):
                    await self._end.wait()
        await connection.close()

    def _next(self) -> Sent:
        number = len(self.log)
        outcome = self._outcomes[number % len(self._outcomes)]
        text = f"{TEXTS[outcome][number // len(self._outcomes) % 2]} ({number})"
        key = f"key-{number}" if self._keyed and number % self._keyed == 0 else None
        self.log.append(Sent(outcome, body_of(text), key))
        self._write("sent", number, self.log[-1].body.decode())
        return self.log[-1]

    async def _send(self, connection: Connection, sent: Sent) -> None:
        headers = {"Idempotency_Key": sent.key} if sent.key else {}
        while True:
            started = monotonic()
            try:
                answer = await connection.publish(sent.body, **headers)
            except ConnectionRefusedError:
                self.refused += 1
                if self._end.is_set():
                    return
                await asyncio.sleep(self._pause)  # a client that is refused pauses, or it would only heat the room
                continue
            except Broken as error:
                sent.broken += 1
                self._write("broken", sent.key, repr(error))
                if sent.key is None:
                    return
                continue
            if sent.key is not None and answer.status == 409:
                await asyncio.sleep(self._pause)
                continue
            sent.seconds = monotonic() - started
            self._write("answered", answer.status, answer.body.get("message_id"))
            sent.answer = answer
            return

    def _write(self, *facts: object) -> None:
        self._file.write(json.dumps(facts).encode() + b"\n")


async def more_answers(load: Load, number: int) -> None:
    """Wait for so many answers from now on."""
    enough = len(load.answered) + number
    await until(lambda: len(load.answered) >= enough, 30, f"{number} answers")
