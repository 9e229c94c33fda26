"""The nouns of the gateway: message, facts, reasons, decision, and the states they pass through."""

from __future__ import annotations

from enum import StrEnum

from classifiers.contract import Answer, Span, Value


class Outcome(StrEnum):
    """What the gateway answers, from mildest to strictest."""

    ALLOW = "allow"
    HOLD = "hold"
    BLOCK = "block"


STRICTNESS = {Outcome.ALLOW: 0, Outcome.HOLD: 1, Outcome.BLOCK: 2}
"""The order of outcomes: the strictest reason decides."""


class MessageState(StrEnum):
    """Where a message is. A message ends in exactly one of `TERMINAL`, and leaves it only where an appeal is granted:
    a blocked or rejected one is then queued, or released."""

    DECIDED = "decided"
    """Allowed for an app that forwards by itself (`POST /v1/decisions`)."""
    QUEUED = "queued"
    """Allowed, not yet taken up by a gateway process."""
    FORWARDING = "forwarding"
    """The intent to forward is committed; the upstream may or may not have it yet."""
    PUBLISHED = "published"
    """The upstream accepted it."""
    REFUSED = "refused"
    """The upstream said no; nothing was published."""
    RELEASE_FAILED = "release_failed"
    """Released after a hold, but the upstream no longer takes the credential it came with; nothing was published."""
    FAILED = "failed"
    """Nothing was published: the upstream was not reached, or the client was told so (503)."""
    UNKNOWN = "unknown"
    """The upstream may have accepted it; a person resolves it, unless the route is idempotent."""
    HELD = "held"
    """Waiting for a person or a late opinion."""
    RELEASED = "released"
    """Held for an app that forwards by itself, then released."""
    REJECTED = "rejected"
    """Held, then rejected."""
    BLOCKED = "blocked"
    """Not published."""


TERMINAL = frozenset(MessageState) - {
    MessageState.QUEUED,
    MessageState.FORWARDING,
    MessageState.UNKNOWN,
    MessageState.HELD,
}

APPEALABLE = frozenset({MessageState.BLOCKED, MessageState.REJECTED})
"""Where a message ended because somebody kept it from being published."""


def keeps_request(state: MessageState, forwards: bool) -> bool:
    """Whether a message in this state keeps its request: it may still be forwarded, now or after an appeal. An app that
    ``forwards`` by itself (False) has its own, and needs none of a message that has ended."""
    return state not in TERMINAL or (forwards and state in APPEALABLE)


class AccountState(StrEnum):
    """The life of a public account."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class VerificationState(StrEnum):
    """How far the review of a registrant's identity has come (states of a verification, not of a person)."""

    CREATED = "created"
    PENDING = "pending"
    PROCESSING = "processing"
    VERIFIED = "verified"
    NEEDS_INPUT = "needs_input"
    REVIEW = "review"
    DECLINED = "declined"
    EXPIRED = "expired"
    CANCELED = "canceled"
    REDACTED = "redacted"


STRANGER = "?"
"""What the id of an account begins with that no registry knows; a registered one never does."""


class RegistrantKind(StrEnum):
    """Who stands behind an account."""

    PERSON = "person"
    ORGANISATION = "organisation"


class Degree(StrEnum):
    """The degrees of a sanction."""

    WARN = "warn"
    RESTRICT = "restrict"
    SUSPEND_RENEWAL = "suspend_renewal"
    SUSPEND = "suspend"
    CLOSE = "close"


class Suspension(StrEnum):
    """What the degree `Degree.SUSPEND_RENEWAL` suspends, as the policy says."""

    UPDATES = "updates"
    """Publishing anything new (暂停更新 in the Chinese rules of 2014 on public accounts)."""
    RENEWAL = "renewal"
    """Renewing: the account publishes until its term ends."""


class NewsKind(StrEnum):
    """What a news authorisation permits: to originate (and re-publish), to re-publish only, or to host."""

    ORIGINATE = "originate"
    REPUBLISH = "republish"
    HOST = "host"


class Media(Value, frozen=True):
    """A picture, sound or video in a message: by address, or by the hash of its bytes."""

    content_type: str
    url: str | None = None
    sha256: str | None = None


class Repost(Value, frozen=True):
    """Where a re-published text says it comes from."""

    url: str | None = None
    publisher: str | None = None
    author: str | None = None
    title: str | None = None


class Message(Value, frozen=True):
    """The canonical form of one publish request.

    ``texts`` are all parts a reader will see, title first. ``content_hash`` is the SHA-256 (hex) of the very
    bytes that will be forwarded, so what was judged is what is published. ``doubts`` name what about the request
    cannot be judged (``encrypted``, ``unknown_reference``...); the policy says what they mean.
    """

    tenant_id: str
    account_id: str
    platform: str
    texts: tuple[str, ...]
    content_hash: str
    media: tuple[Media, ...] = ()
    target: str | None = None
    repost_of: Repost | None = None
    declared_topic: str | None = None
    doubts: tuple[str, ...] = ()


class Registrant(Value, frozen=True):
    """What the gateway knows of the person or organisation behind an account, without personal data.

    ``framework`` and ``level`` are kept as the verifier gave them, never converted (OpenID Connect for Identity
    Assurance 1.0). ``expires_at`` is unix time in milliseconds.
    """

    registrant_id: str
    kind: RegistrantKind
    state: VerificationState
    framework: str | None = None
    level: str | None = None
    expires_at: int | None = None


class NewsAuthorisation(Value, frozen=True):
    """What a licence lets one account do; times are unix milliseconds, the end is exclusive.

    ``licence_id`` names the licence in the register, None for one that was given with the account itself. With
    ``domains`` it holds for what stands on these sites only.
    """

    scheme: str
    kind: NewsKind
    valid_from: int
    valid_to: int
    active: bool = True
    licence_id: str | None = None
    domains: tuple[str, ...] = ()


class Sanction(Value, frozen=True):
    """A sanction on an account; ``ends_at`` is unix time in milliseconds, None while it has no end.

    ``sanction_id`` names the sanction that was imposed here, None for one that was given with the account itself.
    """

    degree: Degree
    starts_at: int
    ends_at: int | None = None
    sanction_id: str | None = None


STANDARD = "standard"
"""The class of an account of which nothing else was said."""


class Account(Value, frozen=True):
    """An account as the registry knows it. A ``private`` one does not publish to the public, and is not moderated.

    ``account_class`` is the policy's word for what is asked of its registrant. ``term_ends_at`` is unix time in
    milliseconds, None for no end; the account publishes until then, unless it is renewed. The name that readers see is
    not here: facts are kept for long, and a name may be a person's.
    """

    account_id: str
    state: AccountState
    registrant: Registrant | None = None
    news: tuple[NewsAuthorisation, ...] = ()
    sanctions: tuple[Sanction, ...] = ()
    private: bool = False
    account_class: str = STANDARD
    term_ends_at: int | None = None


class Likeness(StrEnum):
    """How a re-published text compares with its source's."""

    EXACT = "exact"
    TRIMMED = "trimmed"
    """Whole sentences of the source, in order, and nothing else."""
    ALTERED = "altered"
    UNSOURCED = "unsourced"
    """It has little to do with the source that it names."""


class SourceFact(Value, frozen=True):
    """What is known of the source that a repost names.

    ``listed``: it stands in the whitelist in force (``whitelist_version``, None when there is none), as ``publisher``.
    ``likeness`` is None while the source's text is not known here.
    """

    listed: bool
    whitelist_version: int | None = None
    publisher: str | None = None
    likeness: Likeness | None = None


class Facts(Value, frozen=True):
    """What is known without classifiers, at one moment (``at_ms``, unix milliseconds).

    ``account`` is None when the tenant has no such account; ``unknown`` is then what this tenant wants, if it has said.
    ``source`` is there when the message is a repost.
    """

    at_ms: int
    account: Account | None
    unknown: Outcome | None = None
    source: SourceFact | None = None


class Reason(Value, frozen=True):
    """One ground of a decision: what was found, by whom, how surely, and where in the text."""

    code: str
    outcome: Outcome
    message: str
    source: str
    category: str | None = None
    score: float | None = None
    spans: tuple[Span, ...] = ()


class Decision(Value, frozen=True):
    """The answer to one message. ``rule`` names the reason that decided; a replay yields an equal value."""

    outcome: Outcome
    rule: str
    reasons: tuple[Reason, ...]
    policy_version: str


class Case(Value, frozen=True):
    """A decision with all it came from: enough to explain it, and to compute it again."""

    facts: Facts
    answers: tuple[Answer, ...]
    decision: Decision
