"""A statement of reasons: what the author of a message, or the holder of an account, is told of a restriction, and what
is published about it (Regulation (EU) 2022/2065, the Digital Services Act, articles 17 and 24(5)).

It names what happened by codes; words are made of them when somebody reads, in the reader's language.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from classifiers.contract import Value

IMPOSED: Final = "imposed_automatically"
"""The code of a sanction that followed by itself from what a person had decided."""
UPDATES: Final = "suspend_updates"
"""The code of a suspended renewal that means suspended updates: nothing new may be published while it lasts."""


class Restriction(StrEnum):
    """What was restricted."""

    HOLD = "hold"
    """The message waits for a person, and is not shown meanwhile."""
    BLOCK = "block"
    """The message was not published: blocked at once, or held and then rejected."""
    TAKEDOWN = "takedown"
    """The message had been published, and was removed."""
    WARN = "warn"
    RESTRICT = "restrict"
    SUSPEND_RENEWAL = "suspend_renewal"
    SUSPEND = "suspend"
    CLOSE = "close"


class Source(StrEnum):
    """What made the gateway look (article 17(3)(b))."""

    OWN = "own"
    """Its own looking, at every message."""
    REPORT = "report"
    """A notice under article 16."""
    TRUSTED_FLAGGER = "trusted_flagger"
    """A notice by a trusted flagger, article 22."""


class Automation(StrEnum):
    """How the decision was taken (article 17(3)(c))."""

    FULLY = "fully"
    PARTIALLY = "partially"
    NOT = "not"


class Lifted(StrEnum):
    """Why a restriction ended before its time."""

    RELEASED = "released"
    """A held message was released."""
    SUPERSEDED = "superseded"
    """Another restriction took its place: a held message was rejected."""
    REVERSED = "reversed"
    """An appeal was granted."""


class Statement(Value, frozen=True):
    """One restriction, and what it rests on. Times are unix milliseconds.

    ``category`` is a violation, None where there is none (``codes`` then say on what ground, as the reasons of the
    decision do). ``content_ms`` is when the message came, ``ends_ms`` when the restriction ends by itself, None for
    never. ``content_types`` are ``text``, ``image``, ``video``, ``audio``, ``other``; empty for an account.
    It names no person.
    """

    statement_id: str
    tenant_id: str
    account_id: str
    restriction: Restriction
    category: str | None
    codes: tuple[str, ...]
    source: Source
    automated_detection: bool
    automation: Automation
    starts_ms: int
    policy_version: str
    message_id: str | None = None
    sanction_id: str | None = None
    content_types: tuple[str, ...] = ()
    content_ms: int | None = None
    ends_ms: int | None = None
    lifted_ms: int | None = None
    lifted: Lifted | None = None

    @property
    def words(self) -> str:
        """What its words are found by: the restriction, or `UPDATES`."""
        updates = self.restriction is Restriction.SUSPEND_RENEWAL and UPDATES in self.codes
        return UPDATES if updates else self.restriction
