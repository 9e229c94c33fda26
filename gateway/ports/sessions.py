"""Who has signed in to the console, with which password, and how often it was tried."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.operators import Operator
from gateway.core.registration import By
from gateway.core.sessions import Lifetimes, Session, Tries


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A session and the operator whose it is, as both are now."""

    session: Session
    operator: Operator


class Sessions(Protocol):
    """The console's sessions, in tables. A session is kept by the SHA-256 (hex) of its token only. All raise
    `StoreUnavailable`."""

    async def find(self, token_hash: str) -> SignedIn | None:
        """The session of a token; None when there is none, or its operator was revoked. Whether it still stands is for
        `Lifetimes` to say."""

    async def begin(self, name: str, token_hash: str, way: str, now_ms: int) -> bool:
        """Begin a session, with its audit row; False when there is no operator of this name. ``way`` is how it was
        proven: ``password`` or ``oidc``."""

    async def touch(self, token_hash: str, now_ms: int) -> None:
        """Write down that a session was used."""

    async def end(self, token_hash: str) -> None:
        """End a session."""

    async def end_others(self, name: str, but: str) -> int:
        """End all sessions of an operator but the one of this token; how many there were."""

    async def sweep(self, lifetimes: Lifetimes, tries: Tries, now_ms: int) -> None:
        """Forget sessions that have ended, and tries that no longer count."""

    async def operator(self, name: str) -> Operator | None:
        """An operator by name."""

    async def password(self, name: str) -> str | None:
        """The hash of an operator's password; None when there is no such operator, or it has none."""

    async def set_password(self, name: str, password_hash: str, by: By, now_ms: int, keep: str = "") -> bool:
        """Give an operator a password, with its audit row; all its sessions end, but the one of the token hash
        ``keep``. False when there is no such operator."""

    async def count(self, what: Sequence[tuple[str, int]], window_ms: int, now_ms: int) -> bool:
        """Count a try for each of these, see `Tries.of`; False when one of them was tried as often as its limit
        already, and it then counts for none of those behind it. It is counted before it is known how it ends, so that
        many at once are not one."""

    async def forgive(self, what: str) -> None:
        """Count the tries of this from 0 again."""


class Passwords(Protocol):
    """Slow hashes of passwords. Raises `Fault` when too many wait for one already."""

    async def hashed(self, password: str) -> str:
        """The hash to keep."""

    async def matches(self, password_hash: str | None, password: str) -> bool:
        """Whether a password is the one of this hash. With None it takes as long, and is not."""
