"""Real gateway processes behind the main port and a listener's: all of them serve both, and no restart is noticed."""

from __future__ import annotations

import asyncio
import json
import signal
from pathlib import Path

import psutil

from deploy.local.processes import free_port
from deploy.local.stack import Stack
from gateway.adapters.keys import new_keys
from gateway.demo import TENANT
from tests.http.recorder import recorder

GET = b"GET /_matrix/client/versions HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


async def ask(port: int, data: bytes) -> bytes:
    """Send a request that closes, and return everything that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(data)
    answer = await reader.read()
    writer.close()
    return answer


def configured(directory: Path, port: int, upstream: str) -> dict[str, str]:
    """Settings with one listener."""
    listeners, keys = directory / "listeners.yaml", directory / "keys.json"
    entry = {"name": "chat", "platform": "matrix", "tenant": TENANT, "port": port, "upstream": f"http://{upstream}"}
    listeners.write_text(json.dumps({"listeners": [entry]}))
    new_keys(keys)
    return {"GATEWAY_LISTENERS_FILE": str(listeners), "GATEWAY_KEYS_FILE": str(keys)}


async def test_both_ports_are_served_through_a_rolling_restart(tmp_path: Path) -> None:
    port = free_port()
    async with recorder() as upstream:
        with Stack(f"sqlite+aiosqlite:///{tmp_path}/gateway.db", "", tmp_path) as stack:
            await asyncio.to_thread(stack.seed, idempotent=True)
            more = configured(tmp_path, port, upstream.netloc)
            gateway = await asyncio.to_thread(stack.start_gateway, 2, more)
            done = asyncio.Event()
            answers: list[bytes] = []

            async def keep_asking() -> None:
                while not done.is_set():
                    answers.append(await ask(port, GET))

            asking = [asyncio.create_task(keep_asking()) for _ in range(2)]
            children = processes(gateway.pid)
            gateway.send_signal(signal.SIGUSR1)
            while children & processes(gateway.pid) or len(processes(gateway.pid)) < 2:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
            assert (await ask(stack.port, b"GET /livez HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")).startswith(
                b"HTTP/1.1 200 "
            )
            seen = len(answers)
            while len(answers) < seen + 20:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            done.set()
            await asyncio.gather(*asking)
            assert await asyncio.to_thread(stack.end, gateway) == 0
    assert [answer for answer in answers if not answer.startswith(b"HTTP/1.1 200 ")] == []
    assert len(upstream.got) == len(answers)


def processes(pid: int) -> set[int]:
    """The gateway processes of a supervisor."""
    return {child.pid for child in psutil.Process(pid).children()}
