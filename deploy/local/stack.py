"""The production shape on one machine: gateway processes behind one port, classifier workers, and an upstream."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from deploy.local.errors import StartFailed
from deploy.local.processes import free_port, spawn, tail, terminate, wait_until
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.adapters.sql.news import SqlNews
from gateway.core.records import Tenant
from gateway.demo import APP_KEY as APP_KEY
from gateway.demo import TENANT, seed
from gateway.http.requests import hash_key

_READY_SECONDS = 60.0


class Stack:
    """Starts what it is asked for against a given Kafka and database; logs go to ``directory``, one file each.

    As a context manager it ends everything it started, in order.
    """

    def __init__(
        self,
        database_url: str,
        bootstrap: str,
        directory: Path | None = None,
        *,
        port: int | None = None,
        upstream_port: int | None = None,
        settings: Mapping[str, str] | None = None,
    ) -> None:
        """``settings`` are environment variables for all that is started."""
        self._temporary = tempfile.TemporaryDirectory(prefix="stack-") if directory is None else None
        self.directory = directory or Path(self._temporary.name if self._temporary else "")
        self.database_url = database_url
        self.bootstrap = bootstrap
        self.port = port or free_port()
        self.upstream_port = upstream_port or free_port()
        self._topics = f"moderation-{os.getpid()}-{self.port}."
        self._settings = dict(settings or {})
        self.management_port = int(self._settings.get("GATEWAY_MANAGEMENT_PORT", self.port))
        self._started: list[tuple[str, subprocess.Popen[bytes]]] = []

    @property
    def url(self) -> str:
        """The gateway's address."""
        return f"http://127.0.0.1:{self.port}"

    @property
    def upstream_url(self) -> str:
        """The upstream's address."""
        return f"http://127.0.0.1:{self.upstream_port}"

    @property
    def upstream_log(self) -> Path:
        """Where the load upstream writes down what reached it."""
        return self.directory / "published.log"

    def environment(self, more: Mapping[str, str]) -> dict[str, str]:
        """The environment of the gateway's own commands on this stack."""
        return {
            **os.environ,
            "GATEWAY_DATABASE_URL": self.database_url,
            "GATEWAY_KAFKA__BOOTSTRAP_SERVERS": self.bootstrap,
            "GATEWAY_KAFKA__TOPIC_PREFIX": self._topics,
            "CLASSIFIERS_KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "CLASSIFIERS_TOPIC_PREFIX": self._topics,
            "CLASSIFIERS_GROUP_ID": f"{self._topics}classifiers",
            "GATEWAY_WARM_SECONDS": "1",  # workers are started after the gateway, which makes their topics
            **self._settings,
            **more,
        }

    def seed(self, *, idempotent: bool) -> None:
        """Add the demo tenant and accounts; say whether the upstream honours idempotency keys."""

        async def work() -> None:
            async with open_store(self.database_url) as (store, register):
                clock = SystemClock()
                await seed(register, SqlNews(store.database), clock, self.upstream_url)
                tenant = Tenant(TENANT, "Demo chat app", f"{self.upstream_url}/publish", idempotent)
                await register.put_tenant(tenant, hash_key(APP_KEY), "stack", clock.now_ms())

        asyncio.run(work())

    def start_demo_upstream(self) -> subprocess.Popen[bytes]:
        """The demo chat app with its page."""
        options = ["-m", "gateway", "demo-upstream", "--port", str(self.upstream_port), "--data", str(self.directory)]
        return self.start("demo-upstream", options, f"{self.upstream_url}/")

    def start_load_upstream(self, *, log: bool) -> subprocess.Popen[bytes]:
        """The fast upstream; with ``log`` it writes to `upstream_log`."""
        options = ["-m", "loadtest.upstream", "--port", str(self.upstream_port)]
        options += ["--log", str(self.upstream_log)] if log else []
        return self.start("upstream", options, f"{self.upstream_url}/")

    def start_gateway(self, workers: int, more: Mapping[str, str] | None = None) -> subprocess.Popen[bytes]:
        """Gateway processes behind `url`; returns when requests are admitted. Raises `StartFailed`."""
        options = ["-m", "gateway", "serve", "--port", str(self.port), "--workers", str(workers)]
        process = self._start("gateway", options, more or {})
        self._wait("gateway", process, f"{self.url}/readyz")
        return process

    def start_worker(
        self,
        classifiers: str = "",
        questions: str = "text",
        more: Mapping[str, str] | None = None,
    ) -> subprocess.Popen[bytes]:
        """A classifier worker for these questions (text, media, both); returns when it takes them. Raises
        `StartFailed`."""
        port = free_port()
        given = {
            "CLASSIFIERS_OPS_PORT": str(port),
            "CLASSIFIERS_CLASSIFIERS": classifiers,
            "CLASSIFIERS_QUESTIONS": questions,
            **(more or {}),
        }
        process = self._start("classifiers", ["-m", "classifiers"], given)
        self._wait("classifiers", process, f"http://127.0.0.1:{port}/readyz")
        return process

    def start(
        self, name: str, options: list[str], ready: str | None = None, more: Mapping[str, str] | None = None
    ) -> subprocess.Popen[bytes]:
        """Something else on the stack's environment, with ``more`` settings; with ``ready`` returns when that address
        answers."""
        process = self._start(name, options, more or {})
        if ready is not None:
            self._wait(name, process, ready)
        return process

    def start_program(self, name: str, program: Path, options: list[str], ready: str) -> subprocess.Popen[bytes]:
        """Another program, not in this project's Python; returns when that address answers. Raises `StartFailed`."""
        process = self._spawn(name, [str(program), *options], {})
        self._wait(name, process, ready)
        return process

    def end(self, process: subprocess.Popen[bytes]) -> int:
        """End one process in order; return its exit status."""
        terminate(process, (signal.SIGTERM, 30.0))
        return process.returncode

    def log(self, name: str) -> str:
        """The last lines that processes of this name wrote."""
        return tail(self.directory / f"{name}.log", 40)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for _, process in reversed(self._started):
            self.end(process)
        if self._temporary is not None:
            self._temporary.cleanup()

    def _start(self, name: str, options: list[str], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        return self._spawn(name, [sys.executable, *options], more)

    def _spawn(self, name: str, command: list[str], more: Mapping[str, str]) -> subprocess.Popen[bytes]:
        process = spawn(
            command,
            output=self.directory / f"{name}.log",
            death_signal=signal.SIGTERM,
            environment=self.environment(more),
        )
        self._started.append((name, process))
        return process

    def _wait(self, name: str, process: subprocess.Popen[bytes], url: str) -> None:
        if not wait_until(lambda: process.poll() is not None or _answers(url), _READY_SECONDS):
            raise StartFailed(f"{name} was not ready within {_READY_SECONDS} s:\n{self.log(name)}")
        if process.poll() is not None:
            raise StartFailed(f"{name} ended with status {process.returncode}:\n{self.log(name)}")


def _answers(url: str) -> bool:
    with contextlib.suppress(OSError), urllib.request.urlopen(url, timeout=1) as response:  # noqa: S310 - our own
        return bool(response.status < 300)
    return False
