"""The durable record of messages, decisions, leases, policies and audit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.model import Case, Message, MessageState
from gateway.core.policy import PolicyInForce
from gateway.core.records import AuditRow, Entry, Lease, Owner, Stored, Transition, Written


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """The idempotency key of an entry was already used; ``stored`` is what was done under it."""

    stored: Stored


class References(Protocol):
    """What a platform calls by an id (a draft, uploaded media), and the messages that were judged under it."""

    async def remember(self, tenant_id: str, platform: str, references: Sequence[str], message_id: str) -> None:
        """Remember that these ids stand for this message too. Raises `StoreUnavailable`."""

    async def recall(self, tenant_id: str, platform: str, reference: str, account_id: str) -> list[Message]:
        """This account's messages behind an id, oldest first; none if it is not known. Others' are not for it: some
        platforms give the same id to different things of different accounts. Raises `StoreUnavailable`."""


class Store(References, Protocol):
    """The durable record. A method that returns has committed; one that raises `StoreUnavailable` has not, or
    cannot tell. ``commit`` and ``move`` of many callers share one transaction (group commit). The request of a message
    that has ended is erased with the same write, unless an appeal may still have it published, see
    `gateway.core.model.keeps_request`."""

    async def ping(self) -> None:
        """Raise `StoreUnavailable` unless a write would be taken now."""

    # -- the hot path

    async def commit(self, owner: Owner, entry: Entry) -> KeyTaken | None:
        """Write message, decision, audit row and idempotency key as one, in the chain of ``owner.slot``.

        Returns `KeyTaken`, having written nothing, when the tenant already used ``entry.key``.
        Raises `LeaseLost` when ``owner`` no longer holds its slot.
        """

    async def move(self, owner: Owner, transition: Transition) -> bool:
        """Change a message's state, with its audit row (and decision, if any); False if it was not in ``expect``,
        or not at ``step`` where the transition gives one.

        A message that moves to FORWARDING is owned by ``owner``. A move out of FORWARDING happens only if
        ``owner`` owns it.
        """

    async def by_key(self, tenant_id: str, key: str) -> Stored | None:
        """What was done under an idempotency key."""

    # -- reading

    async def message(self, message_id: str, tenant_id: str | None = None) -> Stored | None:
        """A message; None if there is none, or if it belongs to another tenant than ``tenant_id``."""

    async def cases(self, message_id: str) -> list[tuple[str, Case]]:
        """The decisions on a message, oldest first, each with its id."""

    async def written(self, after: str = "", limit: int = 1, only: str | None = None) -> list[Written]:
        """Messages whose ids come after ``after``, in the order of their ids, or the one with the id ``only``, to be
        held against the audit chain."""

    async def message_of_decision(self, decision_id: str, tenant_id: str | None = None) -> Stored | None:
        """The message that a decision is about."""

    async def history(self, message_id: str) -> list[AuditRow]:
        """The audit rows of a message, oldest first."""

    async def in_state(self, state: MessageState, limit: int, tenant_id: str | None = None) -> list[Stored]:
        """Messages in a state, oldest first."""

    async def forwarding(self, owner: Owner) -> list[Stored]:
        """The messages in FORWARDING that ``owner`` owns, oldest first."""

    async def count(self, state: MessageState) -> tuple[int, int | None]:
        """How many messages are in a state, and when the oldest came to be (unix ms)."""

    async def since(self, state: MessageState) -> tuple[int, int | None]:
        """How many messages are in a state, and since when one has been there for longest (unix ms)."""

    async def waiting(self) -> dict[str, tuple[int, int]]:
        """How many messages are held, by tenant, and how many bytes their requests have."""

    # -- holds, queue, recovery

    async def claim_silent_holds(self, now_ms: int, retry_ms: int, limit: int, *, early: bool = False) -> list[Stored]:
        """Take held messages that wait for an opinion and whose time to ask again has come, oldest first; with
        ``early`` also those whose time has not, the soonest first.

        Each is put off by ``retry_ms``, doubled at every claim up to 64 times, so two processes never ask about
        one hold at once. A hold waits for an opinion when its newest case has an `Unanswered` with a silence of
        TIMEOUT or UNAVAILABLE, or FAILED for fewer than five claims.
        """

    async def has_silent_holds(self) -> bool:
        """Whether any held message waits for an opinion, as for `claim_silent_holds`, due or not."""

    async def wake_silent_holds(self, by_ms: int) -> None:
        """Let no hold that waits until there is an opinion wait longer than until ``by_ms``."""

    async def claim_queued(self, owner: Owner, now_ms: int, limit: int) -> list[Stored]:
        """Move QUEUED messages to FORWARDING under ``owner``, each to one process only, oldest first."""

    async def recover(self, now_ms: int) -> tuple[int, int]:
        """Settle FORWARDING messages whose owner's lease has ended (see `end_expired`), each with its audit row;
        returns how many of each.

        QUEUED where the upstream is idempotent for it and the client knows of the message: it came under a key
        (has a ``fingerprint``), or was answered before it was forwarded (has more than one step). UNKNOWN elsewhere:
        the client may have been told 503, and may have sent it again as another message.
        """

    async def forget_requests(self, ended_ms: int, limit: int) -> int:
        """Erase the requests of up to ``limit`` messages that were blocked or rejected at ``ended_ms`` (unix) or
        before, oldest first, and returns how many. One whose appeal is open keeps its request."""

    # -- leases

    #
    # A store that several machines share judges time by its own clock alone; ``now_ms`` is then of no effect.

    async def lease(self, holder: str, slots: int, ttl_ms: int, now_ms: int) -> Lease | None:
        """Take a free slot of ``range(slots)``: one never used, one whose lease has ended, or whose holder is
        ``holder``, with a new epoch. None when all are taken."""

    async def renew(self, owner: Owner, ttl_ms: int, now_ms: int) -> Lease | None:
        """Extend a lease, also one whose time is over as long as nobody ended it; None if it has ended."""

    async def end_expired(self, now_ms: int, longest_ms: int) -> None:
        """End the leases whose time is over: nothing is written under them any more. One that would last longer than
        ``longest_ms``, as it does where a clock was wrong, lasts that long. A lease that somebody else has locked is
        left for another time."""

    async def release(self, owner: Owner) -> None:
        """End a lease now."""

    async def holders(self) -> list[tuple[Owner, str]]:
        """The leases that have not ended, and who holds them. One whose time is over is among them until somebody ends
        it: its owner may be late only."""

    async def break_lease(self, owner: Owner) -> None:
        """End the lease of a process that is known to be dead."""

    # -- policies

    async def keep_policy(self, policy: PolicyInForce, now_ms: int) -> None:
        """Remember a policy by its version, for replay."""

    async def newest_policy(self) -> str | None:
        """The text of the policy that was kept last; None if there is none yet."""

    async def policy(self, version: str) -> str | None:
        """The text of a policy once in force."""

    # -- audit and events

    async def append_audit(self, kind: str, body: str, now_ms: int) -> None:
        """Add a row that is about no message (an administrator's act) to the administrators' chain."""

    def audit(self) -> AsyncIterator[AuditRow]:
        """Every audit row, ordered by chain and seq, read in pages."""

    async def heads(self) -> dict[int, tuple[int, str]]:
        """The last seq and hash of each chain."""

    async def events(self, chain: int, limit: int) -> list[AuditRow]:
        """The rows of a chain that were not yet announced downstream, oldest first, up to the first row about a message
        of which an earlier row, in another chain, was not announced either: that one comes first."""

    async def announced(self, chain: int, seq: int) -> None:
        """Remember that the rows up to ``seq`` were announced."""
