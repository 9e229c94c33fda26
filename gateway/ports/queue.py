"""The queue of held messages, as people work on it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.core.holds import Holds
from gateway.core.model import Message
from gateway.core.queue import Entry, Resolution, Unresolved


class Queue(Protocol):
    """What waits for people, in the order in which it is due.

    Entries come and go as messages are held and end, a moment after that (see `Follower`); whether a message is held is
    the store's to say. ``tenant_id`` None means all tenants. What people decide is audited in the administrators'
    chain. All raise `StoreUnavailable`.
    """

    async def page(
        self,
        tenant_id: str | None,
        after: tuple[int, str] | None,
        limit: int,
        category: str | None = None,
        escalated: bool | None = None,
    ) -> list[Entry]:
        """Entries by ``due_ms`` and id, beginning behind such a pair; those of a category, or escalated ones, only."""

    async def entry(self, message_id: str, tenant_id: str | None) -> Entry | None:
        """The entry of a message."""

    async def messages(self, message_ids: Sequence[str]) -> dict[str, Message]:
        """What these messages say, by id."""

    async def by_account(self, tenant_id: str, account_id: str, limit: int) -> list[Entry]:
        """The account's entries, what is due first in front."""

    async def count(self, tenant_id: str | None, now_ms: int, most: int | None = None) -> tuple[int, int, int]:
        """How many entries there are, how many of them are overdue, and how many are escalated. With ``most`` only so
        many that are due first, and one more, are looked at: where that one is there, there may be any number."""

    async def enter(self, entry: Entry) -> None:
        """Put in an entry, unless it is there."""

    async def claim(
        self, message_id: str, tenant_id: str | None, actor: str, rules: Holds, now_ms: int
    ) -> Entry | Unresolved:
        """See `gateway.core.queue.claim`."""

    async def claim_next(
        self,
        tenant_id: str | None,
        actor: str,
        rules: Holds,
        now_ms: int,
        category: str | None = None,
        escalated: bool | None = None,
    ) -> Entry | None:
        """Claim the entry that is due first of those that nobody has, that wait for nothing and that this person may
        decide on; of a category, or of escalated ones, only. None if there is none. Two people never get the same."""

    async def let_go(self, message_id: str, tenant_id: str | None, actor: str, now_ms: int) -> Entry | Unresolved:
        """See `gateway.core.queue.let_go`."""

    async def escalate(
        self, message_id: str, tenant_id: str | None, actor: str, note: str, now_ms: int
    ) -> Entry | Unresolved:
        """See `gateway.core.queue.escalate`."""

    async def resolve(
        self, message_id: str, tenant_id: str | None, resolution: Resolution, rules: Holds, undo_ms: int
    ) -> Entry | Unresolved:
        """See `gateway.core.queue.resolve`. Of two at once one wins, the other finds it decided.

        Where the message is not held any more, its entry is taken out and the answer is NOT_HELD: an entry may have
        been put in again after another decision was carried out. That is seen in the same transaction as the entry.
        Carrying out needs the entry and takes it out only after the message has moved, so of one that was put in again
        the message is never held.
        """

    async def undo(self, message_id: str, tenant_id: str | None, actor: str, now_ms: int) -> Entry | Unresolved:
        """See `gateway.core.queue.undo`."""

    async def take_due(self, now_ms: int, again_ms: int, limit: int) -> Sequence[Entry]:
        """Take the entries whose decision is to be carried out now, oldest first, each by one process: from then on it
        cannot be undone. One that was taken ``again_ms`` ago and is still there is taken again."""

    async def could_not(self, message_id: str, resolution: Resolution, problem: str) -> None:
        """Say why this decision was not carried out; the message waits on."""

    async def tidy(self, limit: int) -> int:
        """Take out entries whose message is not held, of the ``limit`` that are due first; how many. They come where a
        hold ended while its entry was written: nobody could decide on them, and they would wait for ever."""

    async def drop(self, message_id: str) -> None:
        """Take out an entry whose message is not held any more."""
