"""A Matrix homeserver nobody here wrote: matrix-synapse in a virtual environment of its own, with SQLite.

It is AGPL and runs as a separate program, so it is no dependency of this project and nothing here imports it. It never
speaks to another server: no federation, no key servers, no previews, no statistics.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import json
import secrets
import signal
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from deploy.local.errors import StartFailed
from deploy.local.processes import free_port, run, spawn, tail, terminate, wait_until

_ROOT = Path(__file__).parents[2]
_REQUIREMENTS = _ROOT / "requirements" / "synapse.txt"
_CACHE = _ROOT / ".cache" / "synapse"
_READY_SECONDS = 60.0
_NO_LIMIT = {"per_second": 10_000, "burst_count": 10_000}
SERVER_NAME = "matrix.test"


def environment() -> Path:
    """The Python of Synapse's virtual environment, made once per content of its requirements.

    Raises `StartFailed` with the installer's output.
    """
    directory = _CACHE / hashlib.sha256(_REQUIREMENTS.read_bytes()).hexdigest()[:16]
    python = directory / "bin" / "python"
    if (directory / "whole").exists() and python.exists():
        return python
    _CACHE.mkdir(parents=True, exist_ok=True)
    uv = [sys.executable, "-m", "uv"]
    for command in (
        [*uv, "venv", "--quiet", "--clear", "--python", sys.executable, str(directory)],
        [*uv, "pip", "install", "--quiet", "--require-hashes", "--python", str(python), "-r", str(_REQUIREMENTS)],
    ):
        done = run(command)
        if done.returncode != 0:
            raise StartFailed(f"Synapse could not be installed:\n{done.stdout[-2000:]}")
    (directory / "whole").touch()
    return python


def settings(directory: Path, port: int, registration_secret: str) -> dict[str, Any]:
    """The homeserver's configuration, all of its files in ``directory``."""
    return {
        "server_name": SERVER_NAME,
        "pid_file": str(directory / "synapse.pid"),
        "listeners": [
            {
                "port": port,
                "type": "http",
                "bind_addresses": ["127.0.0.1"],
                "x_forwarded": False,
                "resources": [{"names": ["client"], "compress": False}],
            }
        ],
        "database": {"name": "sqlite3", "args": {"database": str(directory / "homeserver.db")}},
        "log_config": str(directory / "logging.json"),
        "media_store_path": str(directory / "media"),
        "max_upload_size": "150M",
        "signing_key_path": str(directory / "signing.key"),
        "macaroon_secret_key": secrets.token_hex(16),
        "form_secret": secrets.token_hex(16),
        "registration_shared_secret": registration_secret,
        "bcrypt_rounds": 4,
        "report_stats": False,
        "suppress_key_server_warning": True,
        "trusted_key_servers": [],
        "federation_domain_whitelist": [],
        "url_preview_enabled": False,
        "presence": {"enabled": False},
        "rc_message": _NO_LIMIT,
        "rc_login": {"address": _NO_LIMIT, "account": _NO_LIMIT, "failed_attempts": _NO_LIMIT},
        "rc_joins": {"local": _NO_LIMIT, "remote": _NO_LIMIT},
        "rc_invites": {"per_room": _NO_LIMIT, "per_user": _NO_LIMIT, "per_issuer": _NO_LIMIT},
        "rc_registration": _NO_LIMIT,
        "rc_room_creation": _NO_LIMIT,
    }


_LOGGING = {
    "version": 1,
    "formatters": {"line": {"format": "%(asctime)s %(levelname)s %(name)s %(message)s"}},
    "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"level": "WARNING", "handlers": ["console"]},
    "disable_existing_loggers": False,
}


class Synapse:
    """One homeserver with its directory; as a context manager it starts, and ends in order."""

    def __init__(self, directory: Path | None = None, port: int | None = None) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="synapse-") if directory is None else None
        self._directory = (directory or Path(self._temporary.name if self._temporary else "")).resolve()
        self._registration_secret = secrets.token_hex(16)
        self._process: subprocess.Popen[bytes] | None = None
        self.port = port or free_port()

    @property
    def url(self) -> str:
        """Its address."""
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        """Start it and return when clients are answered. Raises `StartFailed`."""
        python = environment()
        self._write("homeserver.json", settings(self._directory, self.port, self._registration_secret))
        self._write("logging.json", _LOGGING)
        seed = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        (self._directory / "signing.key").write_text(f"ed25519 a_{secrets.token_hex(2)} {seed}\n")
        # JSON is YAML too. The directory is where it would look for further files.
        command = [str(python), "-m", "synapse.app.homeserver", "-c", str(self._directory / "homeserver.json")]
        process = self._process = spawn(
            command,
            output=self._directory / "synapse.log",
            death_signal=signal.SIGTERM,
            environment={"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", "HOME": str(self._directory)},
        )
        if not wait_until(lambda: process.poll() is not None or self._answers(), _READY_SECONDS):
            raise StartFailed(f"Synapse was not ready within {_READY_SECONDS} s:\n{self.log()}")
        if process.poll() is not None:
            raise StartFailed(f"Synapse ended with status {process.returncode}:\n{self.log()}")

    def stop(self) -> None:
        """End the process, if it runs."""
        if self._process is not None:
            terminate(self._process, (signal.SIGTERM, 20.0))

    def register(self, name: str, password: str) -> str:
        """Add a user who is no administrator; return the whole user id."""
        path = "/_synapse/admin/v1/register"
        nonce = self._ask(path)["nonce"]
        signed = "\0".join([nonce, name, password, "notadmin"]).encode()
        mac = hmac.new(self._registration_secret.encode(), signed, hashlib.sha1).hexdigest()
        user = {"nonce": nonce, "username": name, "password": password, "admin": False, "mac": mac}
        return str(self._ask(path, user)["user_id"])

    def log(self) -> str:
        """The last lines it wrote."""
        return tail(self._directory / "synapse.log", 40)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self._leave()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._leave()

    def _leave(self) -> None:
        self.stop()
        if self._temporary is not None:
            self._temporary.cleanup()

    def _write(self, name: str, value: dict[str, Any]) -> None:
        (self._directory / name).write_text(json.dumps(value, indent=2))

    def _ask(self, path: str, value: dict[str, Any] | None = None) -> dict[str, Any]:
        body = None if value is None else json.dumps(value).encode()
        request = urllib.request.Request(f"{self.url}{path}", body, {"Content-Type": "application/json"})  # noqa: S310
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - our own
            answer: dict[str, Any] = json.load(response)
        return answer

    def _answers(self) -> bool:
        with contextlib.suppress(OSError):
            return "versions" in self._ask("/_matrix/client/versions")
        return False
