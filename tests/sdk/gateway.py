"""A gateway process with a listener for each platform: SQLite, and the classifiers that ship in the process itself."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml
from click.testing import CliRunner

from deploy.local.errors import StartFailed
from deploy.local.processes import free_port, spawn, tail, terminate, wait_until
from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import new_keys
from gateway.adapters.sql import open_store
from gateway.cli import main
from gateway.core.model import Account, AccountState, Degree, Registrant, RegistrantKind, Sanction, VerificationState
from gateway.core.records import Tenant
from gateway.http.requests import hash_key
from gateway.settings import Settings

TENANT, APP_KEY = "library", "library-key"


@dataclass(frozen=True)
class Place:
    """A platform to listen for: its address, and the accounts that publish there."""

    upstream: str
    good: str
    restricted: str


class GatewayProcess:
    """``python -m gateway serve``; as a context manager it starts ready, and ends in order."""

    def __init__(self, directory: Path, places: Mapping[str, Place]) -> None:
        self.port = free_port()
        self._management_port = free_port()
        self._directory = directory
        self._places = places
        self._ports: dict[str, int] = {}
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Its own API."""
        return f"http://127.0.0.1:{self.port}"

    def url_of(self, platform: str) -> str:
        """Where it listens for a platform."""
        return f"http://127.0.0.1:{self._ports[platform]}"

    def count(self, metric: str) -> float:
        """A counter's value, of all its labels."""
        lines = httpx.get(f"http://127.0.0.1:{self._management_port}/metrics").text.splitlines()
        return sum(float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith(f"{metric}_total{{"))

    def command(self, *words: str) -> str:
        """Give one command on its data; what it printed. In a thread, since a test may run a loop of its own."""
        with ThreadPoolExecutor(1) as pool:
            done = pool.submit(CliRunner().invoke, main, list(words), env=self._settings).result()
        assert done.exit_code == 0, done.output
        return done.output

    def holds(self) -> set[str]:
        """The ids of the messages that it holds."""
        return {line.split()[0] for line in self.command("holds", "list", "--limit", "10000").splitlines()[1:]}

    def release(self, message_id: str) -> dict[str, Any]:
        """Let a held message go; it, as the chat app sees it once it has ended."""
        self.command("holds", "release", message_id, "--actor", "ops", "--note", "seen")
        assert wait_until(lambda: self.message(message_id)["state"] not in ("queued", "forwarding"), 30.0)
        return self.message(message_id)

    def published(self) -> set[str]:
        """The ids of the messages that were published."""
        return {
            line.split()[0] for line in self.command("messages", "list", "published", "--limit", "10000").splitlines()
        }

    def take_down(self, platform: str, credential: str, message_id: str) -> dict[str, Any]:
        """Have a message removed with this credential; it, as the chat app sees it once that has ended."""
        self._token_file(platform).write_text(credential)
        words = ("--category", "fraud", "--actor", "ops", "--reason", "seen")
        self.command("messages", "take-down", message_id, *words)
        assert wait_until(lambda: self.message(message_id)["takedown"]["state"] != "due", 30.0)
        return self.message(message_id)

    def message(self, message_id: str) -> dict[str, Any]:
        """A message, as the chat app sees it."""
        answer = httpx.get(f"{self.url}/v1/messages/{message_id}", headers={"Authorization": f"Bearer {APP_KEY}"})
        assert answer.is_success, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def __enter__(self) -> Self:
        listeners = []
        for platform, place in self._places.items():
            self._ports[platform] = free_port()
            listener = {"name": platform, "platform": platform, "tenant": TENANT}
            listener["takedown_token_file"] = self._token_file(platform).name
            listeners.append({**listener, "port": self._ports[platform], "upstream": place.upstream})
        self._listeners_file.write_text(yaml.safe_dump({"listeners": listeners}))
        policy = yaml.safe_load(Settings.model_fields["policy_file"].default.read_text())
        policy["standing"]["sanctions"]["restrict"] = "block"  # which platforms are told as a limit
        del policy["classifiers"]["image"]  # none that ships looks at pictures
        self._policy_file.write_text(yaml.safe_dump(policy))
        new_keys(self._keys_file)
        asyncio.run(self._seed())
        command = [sys.executable, "-m", "gateway", "serve", "--port", str(self.port), "--workers", "1"]
        process = self._process = spawn(
            command, output=self._log, death_signal=signal.SIGTERM, environment={**os.environ, **self._settings}
        )
        if not wait_until(lambda: process.poll() is not None or self._ready(), 60.0) or process.poll() is not None:
            self._end()
            raise StartFailed(f"the gateway did not start:\n{tail(self._log, 40)}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def _end(self) -> None:
        assert self._process is not None
        terminate(self._process, (signal.SIGTERM, 30.0))

    @property
    def _listeners_file(self) -> Path:
        return self._directory / "listeners.yaml"

    def _token_file(self, platform: str) -> Path:
        return self._directory / f"{platform}.token"

    @property
    def _policy_file(self) -> Path:
        return self._directory / "policy.yaml"

    @property
    def _keys_file(self) -> Path:
        return self._directory / "keys"

    @property
    def _log(self) -> Path:
        return self._directory / "gateway.log"

    @property
    def _settings(self) -> dict[str, str]:
        return {
            "GATEWAY_DATABASE_URL": self._database,
            "GATEWAY_LISTENERS_FILE": str(self._listeners_file),
            "GATEWAY_KEYS_FILE": str(self._keys_file),
            "GATEWAY_POLICY_FILE": str(self._policy_file),
            "GATEWAY_MANAGEMENT_PORT": str(self._management_port),
            "CLASSIFIERS_CAMPAIGN_ACCOUNTS": "1000",  # an account of each platform says the same here
        }

    @property
    def _database(self) -> str:
        return f"sqlite+aiosqlite:///{self._directory / 'gateway.db'}"

    def _ready(self) -> bool:
        try:
            return httpx.get(f"{self.url}/readyz").is_success
        except httpx.TransportError:
            return False

    async def _seed(self) -> None:
        now_ms = int(time.time() * 1000)
        verified = Registrant("library", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "eidas", "high")
        restrict = Sanction(Degree.RESTRICT, now_ms - 1000, now_ms + 86_400_000)
        async with open_store(self._database) as (_, register):
            tenant = Tenant(TENANT, "Library", f"{self.url}/nowhere", upstream_idempotent=False)
            await register.put_tenant(tenant, hash_key(APP_KEY), "tests", SystemClock().now_ms())
            for place in self._places.values():
                good = Account(place.good, AccountState.ACTIVE, verified)
                restricted = Account(place.restricted, AccountState.ACTIVE, verified, sanctions=(restrict,))
                for account in (good, restricted):
                    await register.put_account(TENANT, account, "tests", now_ms)
