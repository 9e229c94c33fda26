"""What the gateway needs of the world, as protocols, and the few faults that cross them.

Every port has one contract suite in ``tests/contract`` that runs over its in-memory and its real form.
Adapters turn foreign exceptions into these faults; nothing else leaves them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from classifiers.contract import Answer, Reply
from gateway.core.model import Account, Case, Message, MessageState, Registrant
from gateway.core.policy import PolicyInForce
from gateway.core.records import (
    AuditRow,
    Entry,
    Lease,
    Owner,
    Request,
    Stored,
    Tenant,
    Transition,
    UpstreamAnswer,
)

if TYPE_CHECKING:
    from gateway.platforms.listeners import Listener


class Fault(Exception):
    """Something outside the gateway failed; the text says what, without message text or personal data."""


class StoreUnavailable(Fault):
    """The store did not take a write or answer a read. The client gets 503, nothing is forwarded."""


class LeaseLost(StoreUnavailable):
    """This process no longer holds its slot, so the store refused its write."""


class RegistrantShared(Fault):
    """An account was to be written with another account's registrant, and with other facts about that registrant."""


def shared(registrant_id: str, account_id: str) -> str:
    """What `RegistrantShared` says, the same everywhere."""
    return (
        f"registrant {registrant_id!r} stands behind account {account_id!r} too, and is not as given here; change it "
        "for all of them with `gateway registrants put`, or give it as it is"
    )


class UpstreamNotReached(Fault):
    """The request was not sent: the upstream certainly does not have it."""


class UpstreamUnknown(Fault):
    """The request was sent, or may have been, and no answer came: the upstream may have accepted it."""


@dataclass(frozen=True, slots=True)
class KeyTaken:
    """The idempotency key of an entry was already used; ``stored`` is what was done under it."""

    stored: Stored


class Clock(Protocol):
    """Time and fresh identifiers, so that tests can hold both still."""

    def now_ms(self) -> int:
        """Unix time in milliseconds."""

    def new_id(self) -> str:
        """A new identifier, unique and sortable by time of creation (32 hexadecimal digits)."""


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
    that has ended is erased with the same write."""

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

    async def case_hashes(self, decision_ids: Sequence[str]) -> dict[str, str]:
        """The SHA-256 (hex) of the case of each of these decisions, as it is stored; none for one that is not there."""

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

    # -- holds, queue, recovery

    async def claim_silent_holds(self, now_ms: int, retry_ms: int, limit: int) -> list[Stored]:
        """Take held messages that wait for an opinion and whose time to ask again has come, oldest first.

        Each is put off by ``retry_ms``, doubled at every claim up to 64 times, so two processes never ask about
        one hold at once. A hold waits for an opinion when its newest case has an `Unanswered` with a silence of
        TIMEOUT or UNAVAILABLE, or FAILED for fewer than five claims.
        """

    async def claim_queued(self, owner: Owner, now_ms: int, limit: int) -> list[Stored]:
        """Move QUEUED messages to FORWARDING under ``owner``, each to one process only, oldest first."""

    async def recover(self, now_ms: int) -> tuple[int, int]:
        """Settle FORWARDING messages whose owner's lease ended, each with its audit row; returns how many of each.

        QUEUED where the upstream is idempotent for it and the client knows of the message: it came under a key
        (has a ``fingerprint``), or was answered before it was forwarded (has more than one step). UNKNOWN elsewhere:
        the client may have been told 503, and may have sent it again as another message.
        """

    # -- leases

    async def lease(self, holder: str, slots: int, ttl_ms: int, now_ms: int) -> Lease | None:
        """Take a free slot of ``range(slots)``: one never used, ended, or whose holder is ``holder``, with a new
        epoch. None when all are taken."""

    async def renew(self, owner: Owner, ttl_ms: int, now_ms: int) -> Lease | None:
        """Extend a lease; None if it was lost."""

    async def release(self, owner: Owner) -> None:
        """End a lease now."""

    async def holders(self, now_ms: int) -> list[tuple[Owner, str]]:
        """The leases in force and who holds them."""

    async def break_lease(self, owner: Owner) -> None:
        """End the lease of a process that is known to be dead."""

    # -- policies

    async def keep_policy(self, policy: PolicyInForce, now_ms: int) -> None:
        """Remember a policy by its version, for replay."""

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
        """The rows of a chain that were not yet announced downstream, oldest first."""

    async def announced(self, chain: int, seq: int) -> None:
        """Remember that the rows up to ``seq`` were announced."""


class Registry(Protocol):
    """Tenants and accounts, as the hot path reads them."""

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        """The tenant whose application key has this SHA-256 (hex)."""

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """A tenant by its id."""

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        """An account of this tenant."""

    async def belongs_elsewhere(self, tenant_id: str, account_id: str) -> bool:
        """Whether another tenant, and not this one, has an account of that id."""

    async def changes(self, after: int) -> tuple[int, list[tuple[str, str]]]:
        """The newest change number, and the (tenant_id, account_id) changed since ``after``. An empty account_id
        stands for the tenant itself."""


class Register(Registry, Protocol):
    """The registry, as administrators write it. Every write takes the next change number, is audited in the
    administrators' chain with ``actor``, and is committed on return. Writing what is there already is no error:
    the new value stands."""

    async def put_tenant(self, tenant: Tenant, key_hash: str, actor: str, now_ms: int) -> None:
        """Add or change a tenant, and let this application key call for it."""

    async def put_account(self, tenant_id: str, account: Account, actor: str, now_ms: int) -> None:
        """Add or replace an account with its registrant, news authorisations and sanctions.

        Raises `RegistrantShared` when the registrant stands behind another account too and is not as given here: what
        holds for many accounts is changed by `put_registrant`.
        """

    async def put_registrant(self, tenant_id: str, registrant: Registrant, actor: str, now_ms: int) -> list[str]:
        """Change a registrant for all accounts that it stands behind, and return their ids in order. Raises
        `StoreUnavailable` when the tenant has no such registrant."""

    async def revoke_key(self, tenant_id: str, key_hash: str, actor: str, now_ms: int) -> bool:
        """Let an application key call for nobody any more; False if it is not one of this tenant's."""

    async def tenants(self) -> list[Tenant]:
        """Every tenant, ordered by id: they are few."""

    async def keys(self, tenant_id: str) -> list[str]:
        """The SHA-256 (hex) of each of a tenant's application keys, in order."""

    async def accounts(self, tenant_id: str, after: str, limit: int) -> list[Account]:
        """A tenant's accounts ordered by id, beginning behind ``after``."""


class Classifiers(Protocol):
    """The classifiers, wherever they run."""

    async def ask(
        self, message_id: str, message: Message, names: Sequence[str], deadline_ms: int
    ) -> tuple[Answer, ...]:
        """One answer for each name, in order, by the deadline (unix ms) at the latest. Never raises a fault: a
        classifier that did not answer is `Unanswered`."""

    def ready(self) -> bool:
        """Whether the position in the replies is known, so that no reply to a question asked from now on is missed."""

    def healthy(self) -> bool:
        """Whether a question asked now is likely to be answered; while it is not, messages are held."""

    def on_late(self, apply: Callable[[Reply], Awaitable[None]]) -> None:
        """Hand replies that came after their question's deadline to ``apply``."""


class Upstream(Protocol):
    """The chat app's real publish API."""

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """Send the request's bytes as they are, once. ``content_hash`` is that of the message that was judged: a sealed
        request opens for no other.

        Raises `UpstreamNotReached` or `UpstreamUnknown`.
        """


class Events(Protocol):
    """Decisions announced to downstream systems, at least once each, in the order of their chain."""

    async def announce(self, rows: Sequence[AuditRow]) -> None:
        """Return when the rows are safe downstream. Raises `Fault` when they are not, or may not be."""


class Sealer(Protocol):
    """Encrypts what must not be read at rest."""

    def seal(self, data: bytes, context: str) -> bytes:
        """Encrypt for this context: it opens under the same one only."""

    def open(self, sealed: bytes, context: str) -> bytes:
        """The inverse of `seal`. Raises `Fault` for what cannot be opened."""

    def index(self, text: str) -> str:
        """The same short text (64 hexadecimal digits) for the same text, and nothing of it without the key."""


@runtime_checkable
class Credentials(Protocol):
    """Which account of a tenant calls with a credential of a platform, by the credential's `Sealer.index`."""

    async def account_by_credential(self, tenant_id: str, platform: str, index: str, now_ms: int) -> str | None:
        """The account id. Raises `StoreUnavailable`."""

    async def put_credential(
        self, tenant_id: str, platform: str, index: str, account_id: str, expires_ms: int | None
    ) -> None:
        """Remember whose a credential is, until it expires. Raises `StoreUnavailable`."""


@dataclass(frozen=True, slots=True)
class OriginHead:
    """The head of a request, ready to send: ``target`` is path and query as on the wire, ``headers`` are end-to-end
    and in order, with ``Host`` and, unless the body's length is not known, ``Content-Length``. ``upgrade``: the request
    asks for a WebSocket."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    upgrade: bool = False


class OriginResponse(Protocol):
    """A response whose head is there. Its body is taken piece by piece; the upstream waits while nobody takes it.
    After status 101 the pieces are those of the other protocol, and `write` sends to it. Whoever has one closes it."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    """End-to-end only; names as the upstream gave them."""
    done: bool
    """Whether `piece` has nothing more to give."""

    @property
    def ready(self) -> bool:
        """Whether `piece` returns at once."""

    async def piece(self) -> bytes:
        """More of the body; nothing at its end. Raises `UpstreamUnknown` when it is cut off, or stalls."""

    async def read(self, limit: int) -> bytes:
        """The whole body, and close. Raises `UpstreamUnknown` also when it is longer than ``limit`` bytes."""

    async def write(self, data: bytes) -> None:
        """Send to the other protocol. Raises `UpstreamUnknown` when nobody is there to take it."""

    def close(self) -> None:
        """Free what it holds; the exchange is given up unless it was complete. May be called again."""


class Origin(Protocol):
    """The servers behind the listeners, spoken to in HTTP as it is."""

    async def send(
        self, listener: Listener, head: OriginHead, body: bytes | AsyncIterator[bytes], *, reserved: bool = False
    ) -> OriginResponse:
        """Send a request and return when the head of its response is there, even if the body is still being sent.
        ``reserved``: it may use the connections that are kept from requests which only pass through.

        Exactly one attempt, but for a GET, HEAD or OPTIONS without a body that met a connection just being closed.
        Raises `UpstreamNotReached` or `UpstreamUnknown`, and what ``body`` raises.
        """
