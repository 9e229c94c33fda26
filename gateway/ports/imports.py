"""Files taken into the register: in chunks, each of which is in the register whole or not at all."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from classifiers.contract import Value
from gateway.core.admission import Allowed
from gateway.core.register_rows import AccountRow, Problem, RegistrantRow
from gateway.core.registration import By


class Progress(Value, frozen=True):
    """How far an import is. ``import_id`` names tenant, kind and content of the file.

    ``lines`` of the file are done, header included; ``taken`` rows are in the register and ``rejected`` are not, for
    which the file of rejects has ``rejects_bytes``. ``done_ms`` is when the whole file was done (unix ms). Of the taken
    rows so many ``added`` what was not there, ``changed`` something, or ``moved`` an account to another registrant.
    """

    import_id: str
    tenant_id: str
    kind: str
    lines: int = 0
    taken: int = 0
    rejected: int = 0
    rejects_bytes: int = 0
    done_ms: int | None = None
    added: int = 0
    changed: int = 0
    moved: int = 0

    @property
    def unchanged(self) -> int:
        """How many rows said what was there already."""
        return self.taken - self.added - self.changed - self.moved


class SealedPerson(Protocol):
    """What is written of one registrant: the wrapped data key, the sealed fields, and (field, digest) for look-ups;
    ``index_key`` tells the key of those digests from any other."""

    @property
    def registrant_id(self) -> str: ...
    @property
    def wrapped(self) -> bytes: ...
    @property
    def fields(self) -> bytes: ...
    @property
    def index(self) -> tuple[tuple[str, str], ...]: ...
    @property
    def index_key(self) -> str: ...


class PersonalSealer(Protocol):
    """Encrypts registrants' personal data."""

    async def seal(self, tenant_id: str, people: Sequence[tuple[str, Mapping[str, str]]]) -> Sequence[SealedPerson]:
        """Seal the fields of many registrants, each given with its id. Raises `Fault`."""


class Chunk(Value, frozen=True):
    """Some lines of a file. ``lines`` is how many of the file are done with it, ``problems`` what is rejected already,
    ``last`` whether it ends the file."""

    lines: int
    problems: tuple[Problem, ...]
    last: bool


Keep = Callable[[Sequence[Problem]], int]
"""Writes down what was rejected, durably, and returns how long the file of rejects is now, in bytes."""


class Imports(Protocol):
    """Imports into the register. A chunk is one transaction with its change number, its audit row and how far the
    import is; what it rejects is given to ``keep`` before it is committed. All raise `StoreUnavailable`, and then the
    chunk left nothing behind but perhaps rejects, which are cut off by ``rejects_bytes`` when the import goes on."""

    async def progress(self, import_id: str, tenant_id: str, kind: str, *, again: bool = False) -> Progress:
        """How far this import is, at its beginning if it was never begun, or is to be done ``again``. Raises
        `StoreUnavailable` where there is no such tenant."""

    async def accounts(
        self,
        progress: Progress,
        chunk: Chunk,
        rows: Sequence[AccountRow],
        allowed: Allowed,
        by: By,
        keep: Keep,
        now_ms: int,
    ) -> Progress:
        """Take in rows of accounts."""

    async def registrants(
        self,
        progress: Progress,
        chunk: Chunk,
        rows: Sequence[RegistrantRow],
        people: Mapping[int, SealedPerson],
        by: By,
        keep: Keep,
        now_ms: int,
    ) -> Progress:
        """Take in rows of registrants; ``people`` are the personal data of those that have some, by line. They replace
        what was kept; where name or number are not as they were, and the row says nothing of a verification, it starts
        again."""
