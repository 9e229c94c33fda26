"""The story of one import: rows are read and checked in one thread, while the chunk before them is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Generic, Protocol, TypeVar

from gateway.core.admission import Allowed
from gateway.core.register_rows import AccountRow, Problem, RegistrantRow
from gateway.core.registration import By
from gateway.ports import Chunk, Clock, Imports, PersonalSealer, Progress
from gateway.ports.imports import Keep

T = TypeVar("T", covariant=True)
R = TypeVar("R")


class Rows(Protocol, Generic[T]):
    """Some lines of a file. ``lines`` of it are done with them, and ``position`` bytes."""

    @property
    def lines(self) -> int: ...
    @property
    def position(self) -> int: ...
    @property
    def rows(self) -> Sequence[T]: ...
    @property
    def problems(self) -> Sequence[Problem]: ...
    @property
    def last(self) -> bool: ...


Told = Callable[[Progress, int], None]
"""Is told after each chunk how far the import is, and how many bytes of the file were read."""


async def import_accounts(
    imports: Imports,
    batches: Iterator[Rows[AccountRow]],
    progress: Progress,
    allowed: Allowed,
    by: By,
    keep: Keep,
    clock: Clock,
    told: Told,
) -> Progress:
    """Take a file of accounts into the register, from where ``progress`` says it is. Raises `Fault`, and what reading
    the file raises; chunks that were committed stay."""

    async def write(progress: Progress, batch: Rows[AccountRow]) -> Progress:
        return await imports.accounts(progress, _chunk(batch), batch.rows, allowed, by, keep, clock.now_ms())

    return await _all(batches, progress, write, told)


async def import_registrants(
    imports: Imports,
    batches: Iterator[Rows[RegistrantRow]],
    progress: Progress,
    sealer: PersonalSealer,
    by: By,
    keep: Keep,
    clock: Clock,
    told: Told,
) -> Progress:
    """Take a file of registrants into the register, like `import_accounts`; their personal data is sealed here."""

    async def write(progress: Progress, batch: Rows[RegistrantRow]) -> Progress:
        personal = [row for row in batch.rows if row.fields]
        sealed = await sealer.seal(progress.tenant_id, [(row.registrant_id, row.fields) for row in personal])
        people = {row.line: person for row, person in zip(personal, sealed, strict=True)}
        return await imports.registrants(progress, _chunk(batch), batch.rows, people, by, keep, clock.now_ms())

    return await _all(batches, progress, write, told)


async def _all(
    batches: Iterator[Rows[R]],
    progress: Progress,
    write: Callable[[Progress, Rows[R]], Awaitable[Progress]],
    told: Told,
) -> Progress:
    async for batch in _ahead(batches):
        progress = await write(progress, batch)
        told(progress, batch.position)
    return progress


async def _ahead(batches: Iterator[Rows[R]]) -> AsyncIterator[Rows[R]]:
    """The batches, each read while the one before it is worked on."""
    reading = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
    try:
        while (batch := await reading) is not None:
            reading = asyncio.ensure_future(asyncio.to_thread(next, batches, None))
            yield batch
    finally:
        await asyncio.gather(reading, return_exceptions=True)


def _chunk(batch: Rows[object]) -> Chunk:
    return Chunk(batch.lines, tuple(batch.problems), batch.last)
