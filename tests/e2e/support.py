"""A client that knows exactly what became of each of its requests, and looks at what the processes left behind."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from inspect import isawaitable
from types import TracebackType
from typing import Any, Self

import psutil
from aiokafka import AIOKafkaConsumer, ConsumerRecord

from classifiers.contract import decode_questions
from deploy.local.stack import APP_KEY, Stack
from gateway.settings import Settings

SHIPPED: str = Settings.model_fields["policy_file"].default.read_text()
"""The policy that ships with the gateway."""
DEADLINE = "deadline_ms: 800"
"""How long it lets classifiers take, as it says it."""
PATIENT = (DEADLINE, "deadline_ms: 30000")
"""A change to it: whoever has a worker gets its opinion, however busy the machine is."""

TEXTS = {
    "allow": ("Good morning! The library opens at nine today.", "早上好！图书馆今天九点开门。"),
    "hold": (
        "Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it.",
        "稳赚不赔，保本高收益，日赚三千，加微信领取内部名额。",
    ),
    "block": ("I am going to kill you tonight, I know where you live.", "我今晚就要杀了你，我知道你住在哪里。"),
}
"""What the classifiers that ship answer to, by outcome: in English and in Chinese."""


def shipped(*changes: tuple[str, str]) -> str:
    """The policy that ships, with some of its text replaced, each time exactly once."""
    text = SHIPPED
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in the policy"
        text = text.replace(old, new)
    return text


class Broken(ConnectionError):
    """The connection ended after the request had been sent and before its answer was whole."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a request was answered."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def codes(self) -> list[str]:
        """The codes of the decision's reasons."""
        return [reason["code"] for reason in self.body.get("reasons", ())]


class Connection:
    """One keep-alive connection to the gateway. Nothing is ever sent twice on the quiet."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    async def ask(self, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
        """Send one request and return its answer; header names are given with underscores.

        Raises `Broken`, and `ConnectionRefusedError` when nobody listens.
        """
        if self._streams is None or self._streams[0].at_eof():
            await self.close()
            try:
                self._streams = await asyncio.open_connection("127.0.0.1", self._port)
            except ConnectionResetError as error:  # who listened was killed before the connection was accepted
                raise ConnectionRefusedError(str(error)) from error
        reader, writer = self._streams
        fields = {"Host": "gateway", "Authorization": f"Bearer {APP_KEY}", "Content-Type": "application/json"}
        fields |= {name.replace("_", "-"): value for name, value in headers.items()}
        fields["Content-Length"] = str(len(body))
        head = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        try:
            writer.write(f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode() + body)
            answer = await _read(reader)
        except (OSError, asyncio.IncompleteReadError) as error:
            await self.close()
            raise Broken(repr(error)) from error
        if answer.headers.get("connection") == "close":
            await self.close()
        return answer

    async def close(self) -> None:
        """Close it; the next request opens another."""
        if self._streams is not None:
            (_, writer), self._streams = self._streams, None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def publish(self, body: bytes, **headers: str) -> Answer:
        """``POST /v1/messages``."""
        return await self.ask("POST", "/v1/messages", body, **headers)


_MANAGED = ("/metrics", "/openapi.json", "/v1/admin/", "/healthz")
"""What is asked of the management listener, where there is one."""


async def once(stack: Stack, method: str, path: str, body: bytes = b"", **headers: str) -> Answer:
    """One request on a connection of its own."""
    async with Connection(stack.management_port if path.startswith(_MANAGED) else stack.port) as connection:
        return await connection.ask(method, path, body, **headers)


async def publish(stack: Stack, text: str, account: str = "demo-verified", **headers: str) -> Answer:
    """One publish request on a connection of its own."""
    return await once(stack, "POST", "/v1/messages", body_of(text, account), **headers)


async def _read(reader: asyncio.StreamReader) -> Answer:
    line, headers = read_head(await reader.readuntil(b"\r\n\r\n"))
    body = await reader.readexactly(int(headers["content-length"]))
    is_json = "json" in headers.get("content-type", "")
    return Answer(int(line.split()[1]), headers, json.loads(body) if is_json else {"text": body.decode()})


def read_head(head: bytes) -> tuple[str, dict[str, str]]:
    """The first line, and the headers by their names in lower case."""
    first, *lines = head.decode("latin-1").rstrip().split("\r\n")
    pairs = [line.partition(":") for line in lines]
    return first, {name.lower(): value.strip() for name, _, value in pairs}


def body_of(text: str, account: str = "demo-verified") -> bytes:
    """A publish request's body."""
    return json.dumps({"account_id": account, "text": text}, ensure_ascii=False).encode()


def tell(text: str) -> None:
    """Print a figure of this run, for whoever reads the test's output."""
    print(text)  # noqa: T201


async def until(condition: Callable[[], object | Awaitable[object]], seconds: float, what: str) -> float:
    """Ask ``condition`` until it holds; fail with ``what`` if it does not in time. Returns the seconds it took."""
    loop = asyncio.get_running_loop()
    started = loop.time()
    while True:
        value = condition()
        if await value if isawaitable(value) else value:
            return loop.time() - started
        assert loop.time() - started < seconds, f"not within {seconds} s: {what}"
        await asyncio.sleep(0.05)


def published(stack: Stack) -> list[dict[str, str]]:
    """Every publish request that reached the upstream, in order: its idempotency key and its body."""
    requests = [json.loads(line) for line in stack.upstream_log.read_bytes().splitlines()]
    return [request for request in requests if request != {"key": "", "body": ""}]  # that asked whether it is up


def children(pid: int) -> list[int]:
    """The gateway processes of a supervisor that run now."""
    with suppress(psutil.NoSuchProcess):
        return sorted(child.pid for child in psutil.Process(pid).children() if child.status() != psutil.STATUS_ZOMBIE)
    return []


def gone(pid: int) -> bool:
    """Whether a process has ended and been waited for."""
    return not psutil.pid_exists(pid)


async def health(stack: Stack) -> dict[str, Any]:
    """The health report of one of the gateway processes, whichever takes the connection."""
    return (await once(stack, "GET", "/healthz")).body


async def reports(stack: Stack, pids: set[int]) -> list[dict[str, Any]]:
    """The health report of each of these processes; empty if they were not all met."""
    seen: dict[int, dict[str, Any]] = {}
    for _ in range(10):
        with suppress(OSError):
            # At once: one after another, they would all be taken by the process that is less busy.
            for report in await asyncio.gather(*(health(stack) for _ in range(8))):
                seen[report["pid"]] = report
        if pids <= seen.keys():
            return [seen[pid] for pid in pids]
    return []


_OF_OTHERS = {"bus", "answers", "keys"}
"""Components that are not well while a classifier of the policy has no worker, or where there is no key file: as in
many a test."""


def is_well(report: dict[str, Any]) -> bool:
    """Whether a process says that it is well, whatever it says of workers."""
    ailing = {name for name, part in report["components"].items() if not part["ok"]}
    return ailing <= _OF_OTHERS and not report["draining"]


async def ready(stack: Stack, pids: set[int]) -> bool:
    """Whether each of these processes says that it is well."""
    found = await reports(stack, pids)
    return bool(found) and all(map(is_well, found))


async def counter(stack: Stack, name: str) -> float:
    """The value of a metric of the gateway, summed over its labels."""
    text = (await once(stack, "GET", "/metrics")).body["text"]
    lines = [line for line in text.splitlines() if line.startswith((f"{name} ", f"{name}{{"))]
    return sum(float(line.rsplit(" ", 1)[1]) for line in lines)


async def command(stack: Stack, *arguments: str) -> tuple[int, str]:
    """Run ``gateway`` with these arguments on the stack; its exit status and all it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-m", "gateway", *arguments),
        env=stack.environment({}),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await process.communicate()
    assert process.returncode is not None
    return process.returncode, said.decode()


def topic(stack: Stack, name: str) -> str:
    """The full name of one of the stack's topics."""
    return stack.environment({})["GATEWAY_KAFKA__TOPIC_PREFIX"] + name


async def questions(stack: Stack, name: str = "questions") -> list[ConsumerRecord]:
    """The records that ask about messages; a process that gets ready asks about none."""

    def about_messages(found: list[ConsumerRecord]) -> list[ConsumerRecord]:
        return [record for record in found if any(each.tenant_id for each in decode_questions(record.value))]

    return about_messages(await records(stack, name, about_messages))


async def records(stack: Stack, name: str, enough: Callable[[list[ConsumerRecord]], object]) -> list[ConsumerRecord]:
    """The records of one of the stack's topics from its beginning, read until there are ``enough``."""
    found: list[ConsumerRecord] = []
    consumer = AIOKafkaConsumer(topic(stack, name), bootstrap_servers=stack.bootstrap, auto_offset_reset="earliest")
    async with consumer:

        async def more() -> bool:
            for batch in (await consumer.getmany(timeout_ms=500)).values():
                found.extend(batch)
            return bool(enough(found))

        await until(more, 20, f"the records expected on {name}; there are {len(found)}")
    return found
