"""Verifications of registrants, as they are kept, and what checks one at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.verification import Verdict, Verification, VerificationEvent
from gateway.ports.faults import Fault
from gateway.providers.webhooks import ProviderEvent


class Applied(StrEnum):
    """What became of an event. Only `APPLIED` changed anything."""

    APPLIED = "applied"
    REPLAYED = "replayed"
    """It was applied before."""
    REORDERED = "reordered"
    """A later one was applied before."""
    UNKNOWN = "unknown"
    """No verification here is meant."""
    IMPOSSIBLE = "impossible"
    """It cannot happen to a verification in that state."""


class Begun(NamedTuple):
    """A verification that is there after it was asked for: ``new``, or begun before, when nothing was written."""

    verification: Verification
    new: bool


class Verifications(Protocol):
    """The verifications of registrants. Every change is one transaction, with its audit row (in the registrant's
    history, without personal data), the registrant's own row (`gateway.core.verification.proof_after`) and, where that
    changed, the change number of all its accounts. All methods raise `StoreUnavailable`."""

    async def begin(self, tenant_id: str, verification: Verification, by: By, now_ms: int) -> Begun | None:
        """Add a verification, if there is none that it repeats (`gateway.core.verification.repeats`). None, with
        nothing added, when the tenant has no such registrant, or an erased one, or the provider's reference is that of
        another."""

    async def advance(self, event: ProviderEvent, valid_ms: int | None, tenants: Sequence[str], now_ms: int) -> Applied:
        """Apply what a provider said, if it is new, not late, possible, and about a registrant of one of the
        ``tenants``. What it proves holds for ``valid_ms`` from the event on (None: for ever). That an attempt
        ran out or was given up ends an open verification only, and nothing that was proved."""

    async def happen(
        self,
        tenant_id: str,
        verification_id: str,
        event: VerificationEvent,
        valid_ms: int | None,
        by: By,
        now_ms: int,
        *,
        open_only: bool = False,
    ) -> Applied:
        """Apply what happened here and now: an answer to our question, the end of time, a change of mind.
        ``open_only``: it is impossible where the verification has ended or stands."""

    async def judge(
        self, tenant_id: str, verification_id: str, verdict: Verdict, valid_ms: int | None, reason: str
    ) -> Verification | Uncounted | Applied:
        """Add a reviewer's verdict, and let happen what it leads to (`gateway.core.review_count`); the verification as
        it is then. Only one in review can be judged: others are `Applied.IMPOSSIBLE`."""

    async def restart(self, tenant_id: str, registrant_id: str, by: By, now_ms: int) -> int:
        """Cancel what is open and what stands, because the name, owner or document is another now; how many that
        were."""

    async def verification(self, tenant_id: str, verification_id: str) -> Verification | None:
        """One verification."""

    async def of_registrant(self, tenant_id: str, registrant_id: str) -> list[Verification]:
        """A registrant's verifications, oldest first."""

    async def pending(self, provider: str, before_ms: int, limit: int) -> list[tuple[str, Verification]]:
        """Verifications that wait for a provider's answer since before a moment, oldest first, each with its
        tenant."""

    async def ending(self, before_ms: int, limit: int, tenant_id: str | None = None) -> list[tuple[str, Verification]]:
        """Verifications that stand and end before a moment, the first to end first, each with its tenant."""


class CheckUnavailable(Fault):
    """A provider that is asked did not answer, or not to the question; the text says how, without personal data."""


class Checker(Protocol):
    """A provider that answers at once."""

    async def check(self, verification_id: str, fields: Mapping[str, str]) -> VerificationEvent:
        """Compare a registrant's fields with an official register: APPROVE for a match, DECLINE for a mismatch, ASK
        when there is no such entry or a field is missing, REVIEW when a person has to look.

        Raises `CheckUnavailable`: nothing is known then, and it may be asked again.
        """
