"""Passwords as argon2id hashes (RFC 9106), computed in threads of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final, TypeVar

import argon2

from gateway.core.sessions import normal_password
from gateway.ports import Fault

_AT_ONCE: Final = 2
"""Each takes 64 MiB while it is computed."""
_WAITING: Final = 20
"""More than this wait for nothing: whoever signs in tries again."""

T = TypeVar("T")


class Argon2Passwords:
    """See `gateway.ports.Passwords`. The parameters are RFC 9106's second recommendation, unless others are given."""

    def __init__(self, hasher: argon2.PasswordHasher | None = None) -> None:
        self._hasher = hasher or argon2.PasswordHasher.from_parameters(argon2.profiles.RFC_9106_LOW_MEMORY)
        self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")
        self._waiting = 0
        self._nobodys = self._hasher.hash("nobody's")

    async def hashed(self, password: str) -> str:
        """See `gateway.ports.Passwords`, as for every method below."""
        return await self._in_thread(lambda: self._hasher.hash(normal_password(password)))

    async def matches(self, password_hash: str | None, password: str) -> bool:
        return await self._in_thread(lambda: self._matches(password_hash, normal_password(password)))

    def close(self) -> None:
        """Compute no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _matches(self, password_hash: str | None, password: str) -> bool:
        try:
            return self._hasher.verify(password_hash or self._nobodys, password) and password_hash is not None
        except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
            return False

    async def _in_thread(self, work: Callable[[], T]) -> T:
        if self._waiting >= _WAITING:
            raise Fault("too many passwords are being checked")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        finally:
            self._waiting -= 1
