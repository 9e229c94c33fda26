"""What is kept of a message and its decisions, and the changes that are written together."""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from typing import Any

import orjson

from classifiers.contract import Value
from gateway.core.model import Case, Message, MessageState, Outcome


class Owner(Value, frozen=True):
    """A gateway process in one of its lives: the slot it leases, and the epoch of that lease.

    The slot is also its reply partition and its audit chain. Epochs of a slot only grow, so a process that
    lost its lease can be told from its successor.
    """

    slot: int
    epoch: int


class Request(Value, frozen=True):
    """A publish request as it came: the bytes that will be forwarded, and what is needed to forward them."""

    body: bytes
    content_type: str


SEALED = "application/vnd.moderation-gateway.sealed"
"""The content type of a request whose body is a sealed `Envelope`, bound to its message's ``content_hash``."""


class Envelope(Value, frozen=True):
    """A platform's request as it came, with the credential in it. ``target`` is path and query as on the wire;
    ``keyed`` whether the same request may come again under a key."""

    listener: str
    route: str
    keyed: bool
    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class Verdict(StrEnum):
    """What an upstream's answer means for the message."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    EXPIRED = "expired"
    """Refused because the credential is no longer good."""
    LATER = "later"
    """Refused for now: nothing was published, and the same request may be sent again."""
    UNSURE = "unsure"
    """An error on the upstream's side, perhaps after it published."""


class UpstreamAnswer(Value, frozen=True):
    """What the chat app's upstream said. ``body`` may be cut, see the gateway's settings.

    Not kept: the ``headers``, what the platform's route map says of it, and the ids it gives to what was published; nor
    the body where it is ``fleeting``: nobody will ask for it again, and it may hold secrets (a webhook's address).
    """

    status: int
    body: bytes
    content_type: str
    headers: tuple[tuple[bytes, bytes], ...] = ()
    verdict: Verdict | None = None
    references: tuple[str, ...] = ()
    fleeting: bool = False
    handle: str | None = None

    def value(self) -> Any:
        """What it said: its JSON as JSON, anything else as text."""
        if self.content_type.split(";")[0].strip().lower() == "application/json":
            with suppress(orjson.JSONDecodeError):  # says JSON and is not, or was cut: shown as text
                return orjson.loads(self.body)
        return self.body.decode("utf-8", "replace")


class Entry(Value, frozen=True):
    """A new message with its first decision, written as one.

    ``forwards`` is False for apps that forward by themselves. ``key`` and ``fingerprint`` are the idempotency
    key, if the client gave one, and the hash of what was asked under it, which is empty without a key.
    ``idempotent``: the upstream takes the same request twice for one, so a forward whose outcome is unknown may be sent
    again.
    """

    message_id: str
    decision_id: str
    message: Message
    request: Request
    case: Case
    state: MessageState
    forwards: bool
    at_ms: int
    key: str | None = None
    fingerprint: str = ""
    idempotent: bool = False


class Stored(Value, frozen=True):
    """A message as the store has it, with its first case (what the client was answered) and newest state.

    ``steps`` counts how often it was written: 1 for a new message.
    """

    message_id: str
    decision_id: str
    message: Message
    request: Request
    state: MessageState
    forwards: bool
    first: Case
    created_ms: int
    updated_ms: int
    fingerprint: str
    upstream: UpstreamAnswer | None
    steps: int


class Written(Value, frozen=True):
    """What the store says of a message, to be held against the audit chain.

    ``message_hash`` is SHA-256 (hex) of the message's stored form; ``decisions`` are ids, SHA-256 of cases, outcomes.
    ``is_erased``: its texts were erased, so they are not what was written.
    """

    message_id: str
    state: MessageState
    content_hash: str
    message_hash: str
    decisions: tuple[tuple[str, str, Outcome], ...]
    is_erased: bool = False


class Transition(Value, frozen=True):
    """A change of a message's state; it takes place only if the message is in ``expect``.

    With ``step`` it takes place only if the message has also not been written since it had that many ``steps``: for a
    change that was made out of what was read.

    ``case`` (with ``decision_id``) is the new decision behind it, if there is one. ``actor`` is who did it: a
    person's name, or the part of the gateway. Who has the ``message`` at hand gives it, so that the store need not
    read what its audit row says of it.
    """

    message_id: str
    expect: MessageState
    state: MessageState
    actor: str
    note: str
    at_ms: int
    decision_id: str | None = None
    case: Case | None = None
    upstream: UpstreamAnswer | None = None
    message: Message | None = None
    step: int | None = None


class AuditRow(Value, frozen=True):
    """One link of an audit chain.

    ``hash`` is SHA-256 over the previous row's hash and this row's own fields, see `gateway.core.audit`.
    ``body`` is canonical JSON without message text and without personal data.
    """

    chain: int
    seq: int
    at_ms: int
    kind: str
    message_id: str
    body: str
    prev_hash: str
    hash: str


class Lease(Value, frozen=True):
    """A slot held by this process until ``expires_ms`` (unix milliseconds by the store's clock) unless renewed."""

    owner: Owner
    expires_ms: int


class Tenant(Value, frozen=True):
    """A calling chat app: where its allowed messages go.

    ``upstream_idempotent``: the upstream honours the ``Idempotency-Key`` that the gateway sends, so a forward
    whose outcome is unknown may be sent again. ``upstream_token_env`` names the environment variable that
    holds the bearer token for the upstream; the token itself is never stored. Notices go to ``notify_url``, signed with
    the secret in the environment variable that ``notify_secret_env`` names. ``takedown_url`` is told to remove what was
    published, and to put it back, with the upstream's bearer token.
    """

    tenant_id: str
    name: str
    upstream_url: str
    upstream_idempotent: bool = False
    upstream_token_env: str | None = None
    notify_url: str | None = None
    notify_secret_env: str | None = None
    takedown_url: str | None = None
