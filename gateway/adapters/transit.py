"""The master key in a key management system: the "transit" engine of HashiCorp Vault and OpenBao, over its HTTP API.

The key never comes here; what it wraps does. Two keys are needed:

- ``KEY`` of type ``aes256-gcm96`` with ``derived=true``: each registrant's data key is wrapped under a key that the
  engine derives from it with the context as input. The engine's ``associated_data`` would bind the context as well,
  but ``rewrap`` does not take it. A key that is not derived ignores the context, so it is refused here.
- ``KEY-index`` for the digests (HMACs of the texts' SHA-256), of which only version 1 is ever used: a digest must stay
  what it is, so rotating this key changes nothing.

Endpoints: ``encrypt``, ``decrypt``, ``rewrap`` and ``hmac`` with ``batch_input``, and ``keys/NAME`` for the version in
force (API documentation of the transit secrets engine; ``key_version`` and per-item ``error`` as there). A rotation
(``vault write -f transit/keys/KEY/rotate``) takes effect at once, for every process.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlsplit

import httptools
import msgspec

from gateway.adapters.http1 import ClosedEarly, Connection
from gateway.adapters.key_file import KeysError, NotOpened
from gateway.adapters.pool import Address, Pool
from gateway.core.records import UpstreamAnswer
from gateway.ports import UpstreamNotReached

T = TypeVar("T")

_BATCH = 1000
"""Items in one request: the engine's default limit is 32 MiB, and nobody should wait long behind one."""
_ANSWER_LIMIT = 4 * 1024 * 1024
"""Bytes that are read of an answer."""


@dataclass(frozen=True, slots=True)
class Transit:
    """Where the engine is, and as whom to ask. ``seconds`` bounds one request; ``token_file`` is read for each, so
    whoever renews the token (Vault's agent, say) has only to write it there."""

    url: str
    token_file: Path
    key: str = "registrants"
    mount: str = "transit"
    namespace: str = ""
    seconds: float = 5.0
    connections: int = 8


class _Results(msgspec.Struct):
    batch_results: list[dict[str, Any]]


class _Batch(msgspec.Struct):
    data: _Results


class _Policy(msgspec.Struct):
    latest_version: int
    derived: bool = False


class _Key(msgspec.Struct):
    data: _Policy


class TransitMasterKey:
    """See `gateway.ports.MasterKey`. Every method raises `KeysError` when the engine does not do as it is asked; the
    text never quotes what it answered."""

    def __init__(self, transit: Transit) -> None:
        """Raises `KeysError` for an address that is none."""
        self._transit = transit
        url = urlsplit(transit.url)
        if url.scheme not in ("http", "https") or not url.hostname:
            raise KeysError("the address of the key management system is not an http or https address")
        self._host, self._prefix = url.netloc, url.path.rstrip("/")
        self._pool: Pool | None = None
        self._bound = False

    async def wrap(self, keys: Sequence[tuple[bytes, str]]) -> list[bytes]:
        """See `gateway.ports.MasterKey`, as for every method below."""
        if not self._bound:
            await self._policy()
        items = [{"plaintext": _text(key), "context": _text(context.encode())} for key, context in keys]
        return await self._batch("encrypt", self._transit.key, items, lambda item: str.encode(item["ciphertext"]))

    async def unwrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes]:
        def read(item: dict[str, Any]) -> bytes:
            if item.get("error"):
                raise NotOpened("the key management system opens it under no version of its key")
            return base64.b64decode(item["plaintext"])

        try:
            items = _wrapped(wrapped)
        except UnicodeDecodeError as error:
            raise NotOpened("not something that the key management system wrapped") from error
        return await self._batch("decrypt", self._transit.key, items, read)

    async def rewrap(self, wrapped: Sequence[tuple[bytes, str]]) -> list[bytes | None]:
        def read(item: dict[str, Any]) -> bytes | None:
            return None if item.get("error") else str.encode(item["ciphertext"])

        # What is no text was wrapped elsewhere: an empty one is refused for it.
        items = _wrapped([(key if key.isascii() else b"", context) for key, context in wrapped])
        return await self._batch("rewrap", self._transit.key, items, read)

    async def mark(self) -> bytes:
        return b"vault:v%d:" % (await self._policy()).latest_version

    async def digests(self, texts: Sequence[str]) -> list[str]:
        # The hash of each text: what names a person does not leave, not even to the system that keeps the key.
        items = [{"input": _text(hashlib.sha256(text.encode()).digest())} for text in texts]
        return await self._batch(
            "hmac",
            f"{self._transit.key}-index",
            items,
            lambda item: _digest(item["hmac"]),
            algorithm="sha2-256",
            key_version=1,
        )

    async def close(self) -> None:
        """Close the idle connections."""
        if self._pool is not None:
            self._pool.close()

    async def _policy(self) -> _Policy:
        policy = await self._ask("GET", f"keys/{quote(self._transit.key, safe='')}", b"", _Key)
        if not policy.data.derived:
            raise KeysError(
                f"the transit key {self._transit.key} is not derived, so it would not tell registrants apart; make "
                f"one with `vault write transit/keys/{self._transit.key} derived=true`"
            )
        self._bound = True
        return policy.data

    async def _batch(
        self,
        verb: str,
        key: str,
        items: list[dict[str, str]],
        read: Callable[[dict[str, Any]], T],
        **more: object,
    ) -> list[T]:
        done: list[T] = []
        for start in range(0, len(items), _BATCH):
            part = items[start : start + _BATCH]
            body = msgspec.json.encode({"batch_input": part, **more})
            answer = await self._ask("POST", f"{verb}/{quote(key, safe='')}", body, _Batch)
            results = answer.data.batch_results
            if len(results) != len(part):
                raise KeysError(f"the key management system answered {len(results)} of {len(part)} to {verb}")
            try:
                done.extend([read(result) for result in results])
            except (LookupError, TypeError, ValueError) as error:  # an item that failed has an `error` instead
                raise KeysError(f"the key management system could not {verb} an item") from error
        return done

    async def _ask(self, method: str, path: str, body: bytes, kind: type[T]) -> T:
        data = self._render(method, path, body)
        try:
            async with asyncio.timeout(self._transit.seconds):
                answer = await self._exchange(data)
        except TimeoutError as error:
            raise KeysError(f"the key management system did not answer within {self._transit.seconds} s") from error
        except (UpstreamNotReached, ClosedEarly, httptools.HttpParserError) as error:
            raise KeysError(f"the key management system cannot be reached: {error}") from error
        if answer.status == 400 and kind is _Batch:  # some items failed; each says so itself
            with suppress(msgspec.DecodeError):
                return msgspec.json.decode(answer.body, type=kind)
        if answer.status != 200:
            raise KeysError(
                f"the key management system answered {answer.status} to {path.split('/')[0]}" + _hint(answer)
            )
        try:
            return msgspec.json.decode(answer.body, type=kind)
        except msgspec.DecodeError as error:
            raise KeysError("the key management system did not answer as the transit engine does") from error

    async def _exchange(self, data: bytes) -> UpstreamAnswer:
        if self._pool is None:
            self._pool = Pool(Address.of(self._transit.url), self._transit.connections, self._transit.seconds)
        async with self._pool.free:
            connection = await self._pool.connection()
            try:
                return await self._once(self._pool, connection, data)
            except ClosedEarly:
                if not connection.used:
                    raise
            # Kept too long, most likely. All that is asked here may be asked twice.
            return await self._once(self._pool, await self._pool.connection(fresh=True), data)

    async def _once(self, pool: Pool, connection: Connection, data: bytes) -> UpstreamAnswer:
        try:
            answer = await connection.exchange(data, _ANSWER_LIMIT)
        except BaseException:
            connection.close()
            raise
        pool.give_back(connection)
        return answer

    def _render(self, method: str, path: str, body: bytes) -> bytes:
        try:
            token = self._transit.token_file.read_text().strip()
        except OSError as error:
            raise KeysError(f"{self._transit.token_file}: cannot be read: {error.strerror}") from error
        except UnicodeDecodeError:
            token = ""
        if not token or not token.isascii() or not token.isprintable():
            raise KeysError(f"{self._transit.token_file}: holds no token")
        lines = [
            f"{method} {self._prefix}/v1/{quote(self._transit.mount)}/{path} HTTP/1.1",
            f"Host: {self._host}",
            f"X-Vault-Token: {token}",
            "X-Vault-Request: true",
            f"Content-Length: {len(body)}",
        ]
        if self._transit.namespace:
            lines.append(f"X-Vault-Namespace: {self._transit.namespace}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + body


def _wrapped(wrapped: Sequence[tuple[bytes, str]]) -> list[dict[str, str]]:
    return [{"ciphertext": key.decode("ascii"), "context": _text(context.encode())} for key, context in wrapped]


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _digest(hmac: str) -> str:
    return base64.b64decode(hmac.removeprefix("vault:v1:"), validate=True).hex()


def _hint(answer: UpstreamAnswer) -> str:
    match answer.status:
        case 403:
            return ": the token is not valid, or its policy does not permit this"
        case 404:
            return ": there is no such mount or key"
        case 429 | 503:
            return ": it is sealed, on standby, or has too much to do"
        case _:
            return ""
