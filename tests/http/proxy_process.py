"""A listener in a process of its own, whose memory can be looked at: ``python -m tests.http.proxy_process NETLOC``."""

from __future__ import annotations

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import uvloop

from tests.http.proxying import front, listener


@contextlib.asynccontextmanager
async def proxy_process(netloc: str) -> AsyncIterator[tuple[int, psutil.Process]]:
    """Start one before this upstream; its port, and the process."""
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.http.proxy_process", netloc), cwd=root, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield int(await process.stdout.readline()), psutil.Process(process.pid)
    finally:
        process.terminate()
        await process.wait()


async def main(netloc: str) -> None:
    """Serve until the process is ended."""
    async with front(listener(netloc)) as gateway:
        print(gateway.port, flush=True)  # noqa: T201
        await asyncio.Event().wait()


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
