"""The keys that seal what must not be read at rest, from a file; the newest seals, all of them open.

The file is JSON: ``{"index": KEY, "seal": [{"id": ID, "key": KEY}, ...]}``, oldest first, keys of 32 bytes in base64.
Sealing is AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; a key should seal fewer than 2^32 times, see
section 8.3 there. Look-ups by what is sealed use HMAC-SHA-256 under a key of its own that is never replaced.
"""

from __future__ import annotations

import base64
import hmac
import json
import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from gateway.ports import Fault

_NONCE = 12
_VERSION = b"\x01"


class KeysError(Fault):
    """A key file that cannot be used, or something sealed that cannot be opened."""


@dataclass(frozen=True, slots=True)
class _Keys:
    index: bytes
    ciphers: dict[str, AESGCM]
    newest: str


class FileSealer:
    """See `gateway.ports.Sealer`. A key that others added to the file is found when something asks for it."""

    def __init__(self, path: Path) -> None:
        """Read the file. Raises `KeysError`."""
        self._path = path
        self._written = _written(path)
        self._keys = _read(path)

    def seal(self, data: bytes, context: str) -> bytes:
        """See `gateway.ports.Sealer`, as for every method below."""
        keys = self._keys
        nonce = os.urandom(_NONCE)
        name = keys.newest.encode()
        sealed = keys.ciphers[keys.newest].encrypt(nonce, data, context.encode())
        return _VERSION + bytes([len(name)]) + name + nonce + sealed

    def open(self, sealed: bytes, context: str) -> bytes:
        if len(sealed) < 2 or sealed[:1] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE:
            raise KeysError("not something that was sealed")
        at = 2 + sealed[1]
        try:
            cipher = self._cipher(sealed[2:at].decode())
            return cipher.decrypt(sealed[at : at + _NONCE], sealed[at + _NONCE :], context.encode())
        except (InvalidTag, UnicodeDecodeError) as error:
            raise KeysError("sealed for something else, under another key, or changed since") from error

    def index(self, text: str) -> str:
        return hmac.digest(self._keys.index, text.encode(), "sha256").hex()

    def _changed(self) -> bool:
        """Whether the file is another since it was read: anybody can name a key that was never there."""
        before, self._written = self._written, _written(self._path)
        return self._written != before

    def _cipher(self, name: str) -> AESGCM:
        if name not in self._keys.ciphers and self._changed():
            self._keys = _read(self._path)
        if name not in self._keys.ciphers:
            raise KeysError(f"{self._path} has no key {name}")
        return self._keys.ciphers[name]


def new_keys(path: Path) -> None:
    """Write a file with new keys, readable by its owner only. Raises `KeysError` when there is a file."""
    _write(path, {"index": _new(), "seal": [_entry()]}, exclusive=True)


def add_key(path: Path) -> str:
    """Add a key, which seals from then on, and return its id. Raises `KeysError`.

    Running processes take it up with a restart, and can open what it sealed before.
    """
    _read(path)
    content = json.loads(path.read_text())
    content["seal"].append(_entry())
    _write(path, content, exclusive=False)
    name: str = content["seal"][-1]["id"]
    return name


def _written(path: Path) -> tuple[int, int] | None:
    """What tells one content of the file from another; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino


def _entry() -> dict[str, str]:
    return {"id": secrets.token_hex(4), "key": _new()}


def _new() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _read(path: Path) -> _Keys:
    try:
        content = json.loads(path.read_text())
        ciphers = {entry["id"]: AESGCM(_key(entry["key"])) for entry in content["seal"]}
        return _Keys(_key(content["index"]), ciphers, content["seal"][-1]["id"])
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}; make one with `gateway keys new`") from error
    except (ValueError, LookupError, TypeError) as error:
        raise KeysError(f"{path}: not a key file; make one with `gateway keys new`") from error


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def _write(path: Path, content: dict[str, object], *, exclusive: bool) -> None:
    part = path.with_name(path.name + ".part")
    try:
        if exclusive and path.exists():
            raise KeysError(f"{path}: is there already; what its keys sealed could not be opened without it")
        with os.fdopen(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        part.replace(path)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from error
