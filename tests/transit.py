"""A server on the loopback that does what the documented endpoints of the transit engine do, with real cryptography.

It stands for HashiCorp Vault or OpenBao: ``keys/NAME`` (read, create, ``rotate``), ``encrypt``, ``decrypt``, ``rewrap``
and ``hmac`` with ``batch_input``, a token, and an ``error`` for each item that fails.
"""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import os
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF


class EngineKey:
    """One named key with all its versions."""

    def __init__(self, *, derived: bool) -> None:
        self.derived = derived
        self.versions: list[tuple[bytes, bytes]] = []
        self.rotate()

    def rotate(self) -> None:
        """Add a version: a key to encrypt with, and one for HMACs."""
        self.versions.append((os.urandom(32), os.urandom(32)))

    def encrypt(self, plaintext: bytes, context: bytes) -> str:
        """Encrypt under the newest version, in the engine's format."""
        version, nonce = len(self.versions), os.urandom(12)
        return f"vault:v{version}:" + _b64(nonce + self._cipher(version, context).encrypt(nonce, plaintext, None))

    def decrypt(self, ciphertext: str, context: bytes) -> bytes:
        """The inverse. Raises `ValueError` or `InvalidTag`."""
        name, version, text = ciphertext.split(":")
        if name != "vault" or not 0 < int(version[1:]) <= len(self.versions):
            raise ValueError("invalid ciphertext")
        data = base64.b64decode(text, validate=True)
        return self._cipher(int(version[1:]), context).decrypt(data[:12], data[12:], None)

    def hmac(self, data: bytes, version: int) -> str:
        """The HMAC under a version, the newest for 0."""
        version = version or len(self.versions)
        return f"vault:v{version}:" + _b64(hmac.digest(self.versions[version - 1][1], data, "sha256"))

    def _cipher(self, version: int, context: bytes) -> AESGCM:
        key = self.versions[version - 1][0]
        if not self.derived:
            return AESGCM(key)  # as the engine does: a context that is not needed is passed over
        if not context:
            raise ValueError("missing 'context' for key derivation; the key was created using a derived key")
        return AESGCM(HKDF(SHA256(), 32, None, context).derive(key))


class TransitServer:
    """The engine under ``/v1/transit``; ``token`` is the one that is let in."""

    def __init__(self) -> None:
        self.token = "s.contract"
        self.keys = {"registrants": EngineKey(derived=True), "registrants-index": EngineKey(derived=False)}
        self.status = 200
        """Answered instead, when it is another."""
        self.bodies: list[bytes] = []
        """Of every request."""
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        """Where it listens."""
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}"

    def drop_connections(self) -> None:
        """Close those that are open, as a server does with idle ones."""
        for writer in self._writers:
            writer.transport.abort()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.drop_connections()
        await asyncio.gather(*self._tasks)
        await self._server.wait_closed()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self._writers.add(writer)
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:])}
                body = await reader.readexactly(int(headers["content-length"]))
                method, target, _ = head[0].split(" ")
                status, answer = self._answer(method, target, headers, body)
                data = json.dumps(answer).encode()
                writer.write(
                    f"HTTP/1.1 {status} -\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(data)}\r\n\r\n".encode()
                    + data
                )
        self._writers.discard(writer)
        writer.close()

    def _answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, Any]]:
        self.bodies.append(body)
        if self.status != 200:
            return self.status, {"errors": ["as told"]}
        if headers.get("x-vault-token") != self.token:
            return 403, {"errors": ["permission denied"]}
        _, version, mount, verb, name, *more = target.split("/")
        if (version, mount) != ("v1", "transit") or name not in self.keys:
            return 404, {"errors": []}
        key = self.keys[name]
        if (method, verb, more) == ("GET", "keys", []):
            return 200, {"data": {"name": name, "derived": key.derived, "latest_version": len(key.versions)}}
        asked = json.loads(body)
        results = [_item(verb, key, item, asked.get("key_version", 0)) for item in asked["batch_input"]]
        failed = verb != "rewrap" and any("error" in result for result in results)
        return 400 if failed else 200, {"data": {"batch_results": results}}


def _item(verb: str, key: EngineKey, item: dict[str, str], version: int) -> dict[str, str]:
    context = base64.b64decode(item.get("context", ""))
    try:
        match verb:
            case "encrypt":
                return {"ciphertext": key.encrypt(base64.b64decode(item["plaintext"]), context)}
            case "decrypt":
                return {"plaintext": _b64(key.decrypt(item["ciphertext"], context))}
            case "rewrap":
                return {"ciphertext": key.encrypt(key.decrypt(item["ciphertext"], context), context)}
            case _:
                return {"hmac": key.hmac(base64.b64decode(item["input"]), version)}
    except (InvalidTag, ValueError, LookupError) as error:
        return {"error": repr(error)}


def _b64(data: bytes) -> str:
    return base64.b64encode(data).decode()
