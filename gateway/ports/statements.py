"""Statements of reasons, as they are kept, and appeals against what they state."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gateway.core.appeals import Appeal, AppealState, Restored, Unappealable, Undecidable
from gateway.core.records import Transition
from gateway.core.registration import By
from gateway.core.statement import Statement


class StatementReader(Protocol):
    """The statements of all restrictions. Raises `StoreUnavailable`."""

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        """Statements of a tenant (None: of all) whose restriction began in ``[from_ms, to_ms)``, ordered by id,
        beginning behind the id ``after``."""


class Statements(StatementReader, Protocol):
    """The statements, as those are told whom they are about. All raise `StoreUnavailable`."""

    async def statement(self, statement_id: str, tenant_id: str | None = None) -> Statement | None:
        """A statement; None if there is none, or if it is another tenant's than ``tenant_id``."""

    async def many(self, statement_ids: Collection[str]) -> dict[str, Statement]:
        """Those of these statements that there are, by id."""

    async def of_message(self, message_id: str, tenant_id: str) -> list[Statement]:
        """The statements about a message, oldest first, so the last one is what is in force, if anything is. Sanctions
        that it led to are about the account."""

    async def of_account(self, tenant_id: str, account_id: str, before: str, limit: int) -> list[Statement]:
        """Statements about an account and its messages, newest first, beginning before the id ``before`` if it is
        not empty."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What a person decides on an appeal. ``outcome`` is UPHELD or REVERSED; ``note`` is what the author is told.

    ``move`` is the change of the message's state where it is to be published after all, with its new decision.
    """

    outcome: AppealState
    by: By
    at_ms: int
    note: str | None = None
    restored: Restored = Restored.NOTHING
    move: Transition | None = None


class Stale(Exception):
    """A message was written since what is to become of it was read; read it again."""


class Appeals(Protocol):
    """The appeals. Their texts are sealed where there is a key to seal them with. All raise `StoreUnavailable`."""

    async def make(self, appeal: Appeal) -> Unappealable | None:
        """Keep a new appeal, with its audit row. `Unappealable.EXISTS` where there is one of its statement."""

    async def appeal(self, tenant_id: str, appeal_id: str) -> Appeal | None:
        """An appeal of a tenant."""

    async def against(self, statement_ids: Collection[str]) -> dict[str, Appeal]:
        """The appeals against what these statements state, by the statement's id."""

    async def open(self, tenant_id: str | None, after: tuple[int, str], limit: int) -> list[Appeal]:
        """Open appeals of a tenant (None: of all) in the order of their ``due_ms`` and id, beginning behind ``after``,
        without their texts."""

    async def decided(self, tenant_id: str | None, before: tuple[int, str] | None, limit: int) -> list[Appeal]:
        """Decided appeals of a tenant (None: of all), the newest decision first, beginning before this time (unix ms)
        and id, without their texts."""

    async def involved(self, appeal: Appeal) -> set[str]:
        """Who had a part in what is appealed against: who reviewed the message, and who acted on it or on the sanction.
        Machines are left out."""

    async def decide(self, appeal: Appeal, judged: Judged) -> Undecidable | None:
        """End an open appeal and move its message in one transaction with their audit rows; `Undecidable.DECIDED` where
        somebody else did before, with nothing written. Raises `Stale` where the message does not stand as
        ``judged.move`` expects."""

    async def count_open(self, now_ms: int, tenant_id: str | None = None) -> tuple[int, int]:
        """How many appeals of a tenant (None: of all) are open, and how many of them are over their time."""

    async def forget_texts(self, decided_ms: int, limit: int) -> int:
        """Erase the texts of up to ``limit`` appeals that were decided at ``decided_ms`` (unix) or before; how many."""
