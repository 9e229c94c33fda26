"""The demo as a process of its own: `gateway demo` on free ports, with its data in a directory."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from deploy.local.errors import StartFailed
from deploy.local.processes import free_port, run, spawn, tail, terminate, wait_until
from gateway.demo import APP_KEY
from gateway.demo_console import kept

_START_SECONDS = 120.0


class Demo:
    """Starts as a context manager, ready when entered. ``passwords`` are the operators', by name; ``settings`` are
    environment variables for it."""

    def __init__(self, directory: Path, settings: Mapping[str, str] | None = None) -> None:
        self.directory = directory
        self._settings = dict(settings or {})
        self.url = f"http://127.0.0.1:{free_port()}"
        self.upstream_url = f"http://127.0.0.1:{free_port()}"
        self.passwords: dict[str, str] = {}
        self._bots_port = free_port()
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        ports = {"--port": self.url, "--upstream-port": self.upstream_url, "--bots-port": f":{self._bots_port}"}
        command = [sys.executable, "-m", "gateway", "demo", "--data", str(self.directory)]
        for option, address in ports.items():
            command += [option, address.rpartition(":")[2]]
        log = self.directory / "demo.log"
        process = self._process = spawn(
            command, output=log, death_signal=signal.SIGTERM, environment={**os.environ, **self._settings}
        )
        if not wait_until(lambda: process.poll() is not None or self._ready(), _START_SECONDS) or process.poll():
            self.__exit__(None, None, None)
            raise StartFailed(f"the demo did not start:\n{tail(log, 40)}")
        self.passwords = kept(self.directory / "console-passwords")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None:
            terminate(self._process, (signal.SIGTERM, 30.0))

    def publish(self, account_id: str, text: str, **fields: Any) -> httpx.Response:
        """Send a publish request, as the demo's chat app does."""
        body = {"account_id": account_id, "text": text, **fields}
        headers = {"Authorization": f"Bearer {APP_KEY}"}
        return httpx.post(f"{self.url}/v1/messages", json=body, headers=headers, timeout=30.0)

    def message(self, message_id: str) -> dict[str, Any]:
        """What the gateway says of a message."""
        headers = {"Authorization": f"Bearer {APP_KEY}"}
        found: dict[str, Any] = httpx.get(f"{self.url}/v1/messages/{message_id}", headers=headers).json()
        return found

    def queued(self, message_id: str) -> bool:
        """Whether a held message has come into the queue, a moment after it was held."""
        database = sqlite3.connect(f"file:{self.directory}/gateway.db?mode=ro", uri=True)
        try:
            return database.execute("SELECT 1 FROM queue WHERE message_id = ?", (message_id,)).fetchone() is not None
        finally:
            database.close()

    def statement(self, message_id: str) -> dict[str, Any]:
        """The newest statement of reasons about a message, which is there a moment after the decision. Raises
        `StartFailed` when there is none."""

        def asked() -> httpx.Response:
            headers = {"Authorization": f"Bearer {APP_KEY}"}
            return httpx.get(f"{self.url}/v1/messages/{message_id}/statement", headers=headers)

        if not wait_until(lambda: asked().is_success, 20.0):
            raise StartFailed(f"no statement about {message_id}: {asked().text}")
        found: dict[str, Any] = asked().json()
        return found

    def appeal(self, message_id: str, text: str) -> str:
        """Appeal in the name of a message's author against the newest statement; the appeal's id."""
        body = {"statement_id": self.statement(message_id)["statement_id"], "text": text}
        headers = {"Authorization": f"Bearer {APP_KEY}"}
        made: dict[str, str] = httpx.post(f"{self.url}/v1/appeals", json=body, headers=headers).json()
        return made["appeal_id"]

    def published(self) -> list[dict[str, Any]]:
        """What the chat app has published, oldest first."""
        rows: list[dict[str, Any]] = httpx.get(f"{self.upstream_url}/published").json()
        return rows

    def command(self, *words: str) -> str:
        """Give one command on its data; what it printed. Raises `StartFailed` when it ends with an error."""
        environment = {
            "GATEWAY_DATABASE_URL": f"sqlite+aiosqlite:///{self.directory}/gateway.db",
            "GATEWAY_KEYS_FILE": str(self.directory / "keys.json"),
        }
        prefix = ["env", *[f"{name}={value}" for name, value in environment.items()], sys.executable, "-m", "gateway"]
        done = run([*prefix, *words], seconds=60.0)
        if done.returncode != 0:
            raise StartFailed(done.stdout)
        return done.stdout

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").is_success and httpx.get(self.upstream_url).is_success
        except httpx.TransportError:
            return False
