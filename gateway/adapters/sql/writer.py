"""What becomes of a batch: each caller's own result, whatever goes wrong with the others or with the database."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.adapters.sql.writes import Write, runs
from gateway.ports import Fault, StoreUnavailable

_ATTEMPTS: Final = 3

Outcomes = list[bool | Fault]
"""For each write: whether it took place, or why it could not. An entry that did not take place lost its key."""


class Conflict(Exception):
    """The database undid the transaction because of another one (a deadlock); the same again may succeed."""


class RowRefused(Exception):
    """The database undid the transaction because of what one row holds."""


class Session(Protocol):
    """The one connection that batches are written on. It opens by itself, and again after a failure."""

    async def transaction(self, writes: list[Write]) -> Outcomes:
        """Write these as one. No two are about one message.

        Raises `Conflict` and `RowRefused` (nothing was written), and `StoreUnavailable` (nothing was, or that
        cannot be told).
        """

    async def warm(self) -> None:
        """Open the connection and prepare what is run on it. Changes nothing. Raises `StoreUnavailable`."""

    async def close(self) -> None:
        """Close the connection."""


async def write_batch(session: Session, writes: list[Write]) -> Outcomes:
    """Write a batch, in the order of arrival where it matters. Never raises a `Fault`."""
    outcomes: Outcomes = []
    for run in runs(writes):
        outcomes += await _settle(session, run)
    return outcomes


async def _settle(session: Session, writes: list[Write]) -> Outcomes:
    for _ in range(_ATTEMPTS):
        try:
            return await session.transaction(writes)
        except Conflict:
            continue
        except RowRefused as error:
            if len(writes) == 1:
                return [StoreUnavailable(f"the database refused the row: {error}")]
            # Halving finds one bad row among 512 in about twenty transactions instead of 512.
            half = len(writes) // 2
            return await _settle(session, writes[:half]) + await _settle(session, writes[half:])
        except StoreUnavailable as fault:
            return _all_fail(writes, str(fault))
    return _all_fail(writes, "other writers were in the way each time")


def _all_fail(writes: list[Write], why: str) -> Outcomes:
    # One exception each: raised in many tasks, a shared one would collect all their tracebacks.
    return [StoreUnavailable(why) for _ in writes]
