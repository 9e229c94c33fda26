"""The verification of registrants: begun with a provider, advanced by what it says, or by people; ended by time.

Every call leaves this module and returns to it. What a provider says is applied once, in its order and where it is
possible, in one transaction with all that follows (see `gateway.ports.Verifications`). A provider that is asked and
does not answer leaves the verification pending; it is asked again.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Final

from gateway import metrics
from gateway.core.model import VerificationState
from gateway.core.personal_acts import Unkept
from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.verification import Verdict, Verification, VerificationEvent
from gateway.ports import Applied, Begun, Checker, CheckUnavailable, Clock, Fault, Personal, Verifications
from gateway.providers.aliyun import ASKED
from gateway.providers.config import DAY_MS, WEBHOOKS, Provider
from gateway.providers.readers import READERS
from gateway.providers.webhooks import Endpoint, Headers, ProviderEvent, Rejection

log = logging.getLogger(__name__)

_BATCH: Final = 100
_AGAIN_MS: Final = 30_000
"""The first pause before a provider that did not answer is asked again; doubled each time, up to 32 times."""
_DOUBLINGS: Final = 5

Fields = Callable[[str, str], Awaitable[Mapping[str, str] | None]]
"""What the encrypted register has of a tenant's registrant, for asking a provider with; None if it has nothing. Raises
`Fault`."""


def fields_of(personal: Personal, clock: Clock) -> Fields:
    """What the register has of a registrant, as far as providers are asked with it. That it was told is on record."""
    by = By("gateway", "to ask an identity provider")

    async def fields(tenant_id: str, registrant_id: str) -> Mapping[str, str] | None:
        found = await personal.reveal(tenant_id, registrant_id, ASKED, by, clock.now_ms())
        return None if isinstance(found, Unkept) else found

    return fields


class Unstarted(StrEnum):
    """Why a verification was not begun, and what to do."""

    PROVIDER_UNKNOWN = "provider: this application has no such provider; see the providers file"
    REFERENCE_NEEDED = "reference: give the provider's id of the session, which its webhooks name"
    REFERENCE_NOT_TAKEN = "reference: a review by people, or by a register that is asked, has none; leave it out"
    REGISTRANT_UNKNOWN = "registrant_id: there is no such registrant, it was erased, or the reference is another's"


class Verify:
    """See the module. ``endpoints`` and ``checkers`` are by the providers' names, for those that tell by webhook, and
    for those that are asked; ``fields`` is what the latter are asked with."""

    def __init__(
        self,
        *,
        kept: Verifications,
        providers: Sequence[Provider],
        endpoints: Mapping[str, Endpoint],
        checkers: Mapping[str, Checker],
        fields: Fields | None,
        clock: Clock,
    ) -> None:
        self._kept = kept
        self._providers = {provider.name: provider for provider in providers}
        self._endpoints = endpoints
        self._checkers = checkers
        self._fields = fields
        self._clock = clock
        self._failing: dict[str, tuple[int, int]] = {}
        self._unanswered: dict[str, str] = {}
        """The verification that each provider failed to answer about last."""

    async def start(
        self, tenant_id: str, registrant_id: str, provider_name: str, reference: str | None, by: By
    ) -> Begun | Unstarted:
        """Begin a verification, if there is none that it repeats; a provider that answers at once is asked at once.
        Raises `StoreUnavailable`."""
        provider = self._providers.get(provider_name)
        if provider is None or tenant_id not in provider.tenants:
            return Unstarted.PROVIDER_UNKNOWN
        tells = provider.kind in WEBHOOKS
        if tells and not reference:
            return Unstarted.REFERENCE_NEEDED
        if not tells and reference is not None:
            return Unstarted.REFERENCE_NOT_TAKEN
        now_ms = self._clock.now_ms()
        wanted = Verification(
            verification_id=self._clock.new_id(),
            registrant_id=registrant_id,
            provider=provider.name,
            state=VerificationState.REVIEW if provider.kind == "manual" else VerificationState.PENDING,
            created_ms=now_ms,
            event_ms=0,  # of the provider's clock, which may be behind ours
            reference=reference,
            framework=provider.framework,
            level=provider.level,
        )
        begun = await self._kept.begin(tenant_id, wanted, by, now_ms)
        if begun is None:
            return Unstarted.REGISTRANT_UNKNOWN
        if begun.new and provider.name in self._checkers:
            await self._ask(tenant_id, wanted, provider)
            return Begun(await self._kept.verification(tenant_id, wanted.verification_id) or wanted, new=True)
        return begun

    async def submit_again(self, tenant_id: str, verification_id: str, by: By) -> Verification | Applied:
        """The registrant has sent what was missing; the verification as it is then. Raises `StoreUnavailable`."""
        now_ms = self._clock.now_ms()
        result = await self._kept.happen(tenant_id, verification_id, VerificationEvent.SUBMIT, None, by, now_ms)
        verification = await self._kept.verification(tenant_id, verification_id)
        if result is not Applied.APPLIED or verification is None:
            return result
        if verification.provider not in self._checkers:
            return verification
        await self._ask(tenant_id, verification, self._providers[verification.provider])
        return await self._kept.verification(tenant_id, verification_id) or verification

    async def cancel(self, tenant_id: str, verification_id: str, by: By) -> Verification | Applied:
        """Give up a verification that is open, whether or not its provider is still here: what stood before stands.
        One that is canceled is answered as it is. Raises `StoreUnavailable`."""
        now_ms, event = self._clock.now_ms(), VerificationEvent.CANCEL
        result = await self._kept.happen(tenant_id, verification_id, event, None, by, now_ms, open_only=True)
        found = await self._kept.verification(tenant_id, verification_id)
        return found if found is not None and found.state is VerificationState.CANCELED else result

    async def webhook(self, provider_name: str, headers: Headers, body: bytes) -> Applied | Rejection | None:
        """Take what a provider sends, counted by what became of it; None for a provider that is not here. ``headers``
        are by their names in lower case, without those given twice. Raises `StoreUnavailable`."""
        provider, endpoint = self._providers.get(provider_name), self._endpoints.get(provider_name)
        if provider is None or endpoint is None:
            return None
        now_ms = self._clock.now_ms()
        event = READERS[provider.kind](headers, body, now_ms, endpoint)
        result: Applied | Rejection
        if isinstance(event, ProviderEvent):
            result = await self._kept.advance(event, provider.valid_ms, provider.tenants, now_ms)
        else:
            result = event
        metrics.child(metrics.PROVIDER_EVENTS, provider.name, result.value).inc()
        return result

    async def judge(
        self, tenant_id: str, verification_id: str, reviewer: str, approve: bool, reason: str
    ) -> Verification | Uncounted | Applied:
        """Add a person's verdict on a verification in review: one approval verifies a person, those of two different
        reviewers an organisation, one refusal declines it. Raises `StoreUnavailable`."""
        verification = await self._kept.verification(tenant_id, verification_id)
        provider = self._providers.get(verification.provider) if verification is not None else None
        if provider is None:
            return Applied.UNKNOWN
        verdict = Verdict(reviewer.strip(), approve, self._clock.now_ms())
        return await self._kept.judge(tenant_id, verification_id, verdict, provider.valid_ms, reason)

    async def restart(self, tenant_id: str, registrant_id: str, by: By) -> int:
        """Name, owner or document has changed: what was proved is proved no more. How many verifications ended."""
        return await self._kept.restart(tenant_id, registrant_id, by, self._clock.now_ms())

    async def due(self, tenant_id: str, days: int, limit: int) -> list[Verification]:
        """What ends within so many days, the first to end first: to be verified again ahead of time."""
        before_ms = self._clock.now_ms() + days * DAY_MS
        return [one for _, one in await self._kept.ending(before_ms, limit, tenant_id)]

    async def expire(self) -> bool:
        """Let what has ended be expired; True when there is more. Publishing stops by the clock, not by this."""
        now_ms = self._clock.now_ms()
        ended = await self._kept.ending(now_ms + 1, _BATCH)
        for tenant_id, one in ended:
            by = By("gateway", "its time has ended")
            await self._kept.happen(tenant_id, one.verification_id, VerificationEvent.EXPIRE, None, by, now_ms)
        return len(ended) == _BATCH

    async def ask_again(self) -> None:
        """Ask the providers that answer at once about what is still pending; one that did not answer lately is left
        alone for a while. It begins behind what was not answered last, which may never be."""
        now_ms = self._clock.now_ms()
        for name in self._checkers:
            if now_ms < self._failing.get(name, (0, 0))[1]:
                continue
            waiting = await self._kept.pending(name, now_ms - _AGAIN_MS, _BATCH)
            ids = [one.verification_id for _, one in waiting]
            last = self._unanswered.get(name, "")
            first = ids.index(last) + 1 if last in ids else 0
            for tenant_id, one in [*waiting[first:], *waiting[:first]]:
                if not await self._ask(tenant_id, one, self._providers[name]):
                    self._unanswered[name] = one.verification_id
                    break

    async def _ask(self, tenant_id: str, verification: Verification, provider: Provider) -> bool:
        """Ask about one verification, and apply the answer; False when there was none, or it could not be kept: it is
        asked again then."""
        by = By(f"provider:{provider.name}")
        try:
            found = None if self._fields is None else await self._fields(tenant_id, verification.registrant_id)
            if found is None:
                event = VerificationEvent.ASK
            else:
                event = await self._checkers[provider.name].check(verification.verification_id, found)
            now_ms = self._clock.now_ms()
            await self._kept.happen(tenant_id, verification.verification_id, event, provider.valid_ms, by, now_ms)
        except Fault as fault:
            tries = self._failing.get(provider.name, (0, 0))[0]
            pause_ms = _AGAIN_MS << min(tries, _DOUBLINGS)
            self._failing[provider.name] = (tries + 1, self._clock.now_ms() + pause_ms)
            result = "unavailable" if isinstance(fault, CheckUnavailable) else "fault"
            metrics.child(metrics.PROVIDER_CHECKS, provider.name, result).inc()
            log.warning("no answer of a provider was applied", {"provider": provider.name, "fault": str(fault)})
            return False
        self._failing.pop(provider.name, None)
        metrics.child(metrics.PROVIDER_CHECKS, provider.name, event.value).inc()
        return True
