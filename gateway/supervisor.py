"""N gateway processes behind one port: the supervisor holds the listening socket, so while one of them ends another
accepts, and no connection is refused.

Signals: SIGTERM and SIGINT end all; SIGHUP reloads the policy in each; SIGUSR1 replaces them one after another.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import signal
import socket
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from prometheus_client import multiprocess

log = logging.getLogger(__name__)

_START_SECONDS = 60.0
_END_SECONDS = 30.0


@dataclass(slots=True)
class _Child:
    process: asyncio.subprocess.Process
    ready: asyncio.Future[bool]
    successor: asyncio.Future[_Child]

    def send(self, number: signal.Signals) -> None:
        """Send a signal, unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(number)


class Supervisor:
    """Keeps ``workers`` processes running. Each dies with the supervisor, also when that is killed."""

    def __init__(self, listening: socket.socket, workers: int) -> None:
        self._listening = listening
        self._workers = workers
        self._children: dict[int, _Child] = {}
        self._ending = asyncio.Event()
        self._replace = asyncio.Event()
        self._life, self._life_end = os.pipe()

    async def run(self) -> int:
        """Serve until a signal; the exit status is 0 when every process ended in order."""
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._end)
        loop.add_signal_handler(signal.SIGHUP, self._reload)
        loop.add_signal_handler(signal.SIGUSR1, self._replace.set)
        slots = [asyncio.create_task(self._keep(index)) for index in range(self._workers)]
        replacing = asyncio.create_task(self._replace_all())
        await self._ending.wait()
        replacing.cancel()
        statuses = await asyncio.gather(*slots)
        with contextlib.suppress(asyncio.CancelledError):
            await replacing
        return max(statuses)

    async def _keep(self, index: int) -> int:
        """Run one process, and another when it ends, with growing pauses while they fail to start."""
        pause = 0.1
        previous: _Child | None = None
        while True:
            child = self._children[index] = await self._spawn()
            if previous is not None:
                previous.successor.set_result(child)
            previous = child
            if self._ending.is_set():
                child.send(signal.SIGTERM)  # it was not there yet when the others were told
            started = await child.ready
            status = await self._wait(child)
            multiprocess.mark_process_dead(child.process.pid)  # type: ignore[no-untyped-call]
            if self._ending.is_set():
                return 0 if status == 0 or (status == -signal.SIGTERM and not started) else 1
            log.warning("gateway process ended; starting another", {"status": status, "pid": child.process.pid})
            pause = 0.1 if started else min(pause * 2, 5.0)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._ending.wait()
                    return 1

    async def _wait(self, child: _Child) -> int:
        """The exit status; a process that does not end in time after the order to is killed."""
        ended = asyncio.ensure_future(child.process.wait())
        ending = asyncio.ensure_future(self._ending.wait())
        await asyncio.wait((ended, ending), return_when=asyncio.FIRST_COMPLETED)
        ending.cancel()
        try:
            async with asyncio.timeout(_END_SECONDS if not ended.done() else None):
                return await asyncio.shield(ended)
        except TimeoutError:
            child.process.kill()
            return await ended

    async def _spawn(self) -> _Child:
        ready, ready_end = os.pipe()
        command = [sys.executable, "-m", "gateway", "serve", "--fd", str(self._listening.fileno())]
        command += ["--line", f"{self._life},{ready_end}"]
        process = await asyncio.create_subprocess_exec(
            *command, pass_fds=(self._listening.fileno(), self._life, ready_end), start_new_session=True
        )
        os.close(ready_end)
        loop = asyncio.get_running_loop()
        child = _Child(process, loop.create_future(), loop.create_future())
        loop.add_reader(ready, _hear, ready, child.ready)
        return child

    async def _replace_all(self) -> None:
        while True:
            await self._replace.wait()
            self._replace.clear()
            for child in list(self._children.values()):
                child.send(signal.SIGTERM)
                # Shielded: the order to end cancels this task, and must not cancel what the others wait for.
                successor = await asyncio.shield(child.successor)
                while not await asyncio.shield(successor.ready):  # one that cannot start must not cost the others too
                    successor = await asyncio.shield(successor.successor)

    def _reload(self) -> None:
        for child in self._children.values():
            if child.ready.done():  # until then the signal would end it; it reads the policy anyway
                child.send(signal.SIGHUP)

    def _end(self) -> None:
        self._ending.set()
        for child in self._children.values():
            child.send(signal.SIGTERM)


def _hear(ready: int, future: asyncio.Future[bool]) -> None:
    """A byte says that the process admits requests; the end of the pipe without one, that it never will."""
    future.set_result(os.read(ready, 1) != b"")
    asyncio.get_running_loop().remove_reader(ready)
    os.close(ready)


def supervise(listening: socket.socket, workers: int) -> int:
    """Keep the processes running behind a listening socket; return the exit status."""
    with listening:
        listening.set_inheritable(True)
        with tempfile.TemporaryDirectory(prefix="gateway-metrics-") as directory:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(Path(directory))

            async def main() -> int:
                return await Supervisor(listening, workers).run()

            return asyncio.run(main())
