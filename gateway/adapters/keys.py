"""The keys that seal what must not be read at rest, from a file; the newest seals, all of them open.

Sealing is AES-256-GCM (NIST SP 800-38D) with a random nonce of 96 bits; a key should seal fewer than 2^32 times, see
section 8.3 there. Look-ups by what is sealed use HMAC-SHA-256 under a key of its own that is never replaced.

What is sealed for different purposes is sealed under different keys, each derived from those of the file with
HKDF-SHA-256 (RFC 5869, section 3.2: the purpose is its ``info``). So the requests that are sealed all day use up
nothing of the 2^32 of another purpose, and one derived key that leaked opens nothing else. There is still one file to
keep, and one rotation.
"""

from __future__ import annotations

import hmac
import os
import time
from collections.abc import Callable
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from gateway.adapters.key_file import KeyFile, Keys, NotOpened, read
from gateway.adapters.key_file import KeysError as KeysError
from gateway.adapters.key_file import add_key as add_key
from gateway.adapters.key_file import new_keys as new_keys

_NONCE = 12
_VERSION = b"\x01"


class FileSealer:
    """See `gateway.ports.Sealer`. A key that others added to the file seals within half a second, and opens at once."""

    def __init__(self, path: Path, purpose: str = "", now: Callable[[], float] = time.monotonic) -> None:
        """Read the file; without a ``purpose`` its keys are used as they are, with one those derived for it. ``now``
        is a clock in seconds. Raises `KeysError`."""
        self._purpose = purpose.encode()
        self._index: bytes | None = None
        self._file = KeyFile(path, self._take, now)

    def seal(self, data: bytes, context: str) -> bytes:
        """See `gateway.ports.Sealer`, as for every method below."""
        self._file.look_now_and_then()
        nonce = os.urandom(_NONCE)
        return self._mark + nonce + self._newest.encrypt(nonce, data, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        if len(sealed) < 2 or sealed[:1] != _VERSION or len(sealed) < 2 + sealed[1] + _NONCE:
            raise NotOpened("not something that was sealed")
        self._file.look_now_and_then()  # a key that was dropped opens nothing any more
        at = 2 + sealed[1]
        try:
            cipher = self._cipher(sealed[2:at].decode())
            return cipher.decrypt(sealed[at : at + _NONCE], sealed[at + _NONCE :], context.encode())
        except (InvalidTag, UnicodeDecodeError) as error:
            raise NotOpened("sealed for something else, under another key, or changed since") from error

    def index(self, text: str) -> str:
        assert self._index is not None  # noqa: S101 - it was read with the file
        return hmac.digest(self._index, text.encode(), "sha256").hex()

    def mark(self) -> bytes:
        """How everything begins that the newest key seals, see `mark_of`."""
        self._file.look_now_and_then()
        return self._mark

    def _take(self, keys: Keys) -> None:
        index = self._derived(keys.index)
        if self._index not in (None, index):  # what is looked up by the first one would not be found any more
            raise KeysError("the index key is another one, and it cannot be replaced")
        self._index = index
        self._ciphers = {name: AESGCM(self._derived(key)) for name, key in keys.seal.items()}
        self._newest = self._ciphers[keys.newest]
        self._mark = mark_of(keys.newest)

    def _derived(self, key: bytes) -> bytes:
        # The keys are uniformly random, so there is nothing to extract first (RFC 5869, section 3.3).
        return HKDFExpand(SHA256(), len(key), self._purpose).derive(key) if self._purpose else key

    def _cipher(self, name: str) -> AESGCM:
        if name not in self._ciphers:
            self._file.look()  # anybody can name a key that was never there; then the file has not changed
        if name not in self._ciphers:
            raise NotOpened(f"{self._file.path} has no key {name}")
        return self._ciphers[name]


def audit_key(path: Path | None) -> bytes | None:
    """The key of the hashes in the audit chains, derived from the key file's index key, which never changes; None
    without a file. Raises `KeysError`."""
    return None if path is None else HKDFExpand(SHA256(), 32, b"audit chain").derive(read(path).index)


def mark_of(name: str) -> bytes:
    """How everything begins that the key of this id seals."""
    return _VERSION + bytes([len(name)]) + name.encode()
