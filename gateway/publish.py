"""The story of one publish request: facts, opinions, decision, effects. Every call leaves here and returns to here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

from classifiers.contract import Answer, Unanswered
from gateway import metrics
from gateway.core.decide import decide, forbidden, is_silence, settle
from gateway.core.model import Case, Facts, Message, MessageState, Outcome
from gateway.core.policy import PolicyInForce
from gateway.core.quota import HoldQuota
from gateway.core.records import Entry, Request, Stored, Tenant
from gateway.core.reposts import post
from gateway.opinions import Opinions
from gateway.perform import Perform, Performed, first_state, performed
from gateway.ports import Classifiers, Clock, KeyTaken, Pictures, Registry, Sources, Store, StoreUnavailable
from gateway.stages import Stage

_REPEAT_MS = 600_000
"""How long content that was held for want of an opinion is known again. The hold publishes by itself, so a client that
takes its answer for a failure, and sends the message again, would publish it twice."""
_ATTEMPTS = 100
"""How often a platform's client may repeat a request that did not reach the upstream, under one key."""


class Refusal(StrEnum):
    """Why a request was not decided; nothing was recorded and nothing forwarded."""

    OVERLOADED = "overloaded"
    STORE_UNAVAILABLE = "store_unavailable"
    KEY_REUSED = "key_reused"
    KEY_IN_FLIGHT = "key_in_flight"
    HOLDS_FULL = "holds_full"


@dataclass(frozen=True, slots=True)
class Submission:
    """A publish request, recognised and parsed. ``fingerprint`` is the hash of what is asked under ``key``.

    ``idempotent``: the upstream takes the same request twice for one. ``client_retries``: the client's software repeats
    the request under its key until it gets through, so an attempt that did not is made again; needs ``idempotent``.
    ``unknown`` is what the tenant wants for an account that is not registered; None leaves it to the policy.
    ``repeat`` is the same for the same content of the same account, where the client may repeat it without a key; empty
    where it does not.
    """

    tenant: Tenant
    message: Message
    request: Request
    forwards: bool
    key: str | None
    fingerprint: str
    idempotent: bool = False
    client_retries: bool = False
    unknown: Outcome | None = None
    repeat: str = ""


class Publish:
    """Decides and carries out publish requests; at most ``limit`` at once. Without ``sources`` no repost's source is
    taken for listed, without ``pictures`` no picture can be judged, without ``quota`` any number may be held."""

    def __init__(
        self,
        *,
        registry: Registry,
        classifiers: Classifiers,
        store: Store,
        perform: Perform,
        policy: Callable[[], PolicyInForce],
        clock: Clock,
        limit: int,
        sources: Sources | None = None,
        pictures: Pictures | None = None,
        quota: HoldQuota | None = None,
    ) -> None:
        self._registry = registry
        self._sources = sources
        self._opinions = Opinions(classifiers, pictures)
        self._quota = quota
        self._store = store
        self._perform = perform
        self._policy = policy
        self._clock = clock
        self._limit = limit
        self._in_flight = 0
        self._keys: set[tuple[str, str]] = set()
        self._repeats_until_ms = 0

    def expect_repeats(self) -> None:
        """From now on, for a while, look whether content that comes without a key is held for want of an opinion."""
        self._repeats_until_ms = self._clock.now_ms() + _REPEAT_MS

    @property
    def in_flight(self) -> int:
        """How many requests are being worked on."""
        return self._in_flight

    async def __call__(self, submission: Submission) -> Performed | Refusal:
        """Decide one request and carry the decision out."""
        if self._in_flight >= self._limit:
            return Refusal.OVERLOADED
        claim = (submission.tenant.tenant_id, submission.key) if submission.key is not None else None
        if claim is not None and claim in self._keys:
            return Refusal.KEY_IN_FLIGHT
        self._in_flight += 1
        if claim is not None:
            self._keys.add(claim)
        try:
            return await self._decide(submission)
        except StoreUnavailable:
            return Refusal.STORE_UNAVAILABLE
        finally:
            self._in_flight -= 1
            if claim is not None:
                self._keys.discard(claim)

    async def _decide(self, submission: Submission) -> Performed | Refusal:
        tenant, message = submission.tenant, submission.message
        key = submission.key
        if key is not None:
            with Stage("keys"):
                key, stored = await self._under(submission, key)
            if stored is not None:
                return await self._replay(stored, submission)
        policy = self._policy()
        started_ms = self._clock.now_ms()
        if key is None and (stored := await self._repeated(submission, started_ms)) is not None:
            return await self._as_it_stands(stored)
        with Stage("facts"):
            facts = await self._facts(message, started_ms, submission.unknown)
        message_id, decision_id = self._clock.new_id(), self._clock.new_id()
        answers: tuple[Answer, ...] = ()
        decision = settle(message, facts, policy)
        if decision is None:
            message, answers = await self._ask(message_id, submission, policy, started_ms)
            decision = decide(message, facts, answers, policy)
        if key is None and submission.repeat and is_silence(decision):
            self.expect_repeats()
            key = _repeat_key(submission.repeat, started_ms)
        if decision.outcome is Outcome.HOLD and not self._may_wait(submission):
            return Refusal.HOLDS_FULL
        entry = Entry(
            message_id=message_id,
            decision_id=decision_id,
            message=message,
            request=submission.request,
            case=Case(facts, answers, decision),
            state=first_state(decision.outcome, submission.forwards),
            forwards=submission.forwards,
            at_ms=started_ms,
            key=key,
            fingerprint=submission.fingerprint if key is not None else "",
            idempotent=submission.idempotent,
        )
        result = await self._perform.settle(tenant, entry)
        if not isinstance(result, KeyTaken):
            return result
        if submission.key is None:
            return await self._as_it_stands(result.stored)
        return await self._replay(result.stored, submission)

    async def _repeated(self, submission: Submission, now_ms: int) -> Stored | None:
        """The message with this content that was held for want of an opinion a while ago; None if there is none."""
        if not submission.repeat or now_ms >= self._repeats_until_ms:
            return None
        for at_ms in (now_ms, now_ms - _REPEAT_MS):
            stored = await self._store.by_key(submission.tenant.tenant_id, _repeat_key(submission.repeat, at_ms))
            if stored is not None and now_ms - stored.created_ms < _REPEAT_MS:
                return None if stored.state is MessageState.FAILED else stored
        return None

    async def _as_it_stands(self, stored: Stored) -> Performed | Refusal:
        """The answer to content that is sent again: what was decided on its message by now."""
        _, newest = (await self._store.cases(stored.message_id))[-1]
        result = replace(performed(stored), decision=newest.decision)
        return Refusal.KEY_IN_FLIGHT if result.in_flight else result

    def _may_wait(self, submission: Submission) -> bool:
        """Whether one more of this tenant's messages may be held."""
        return self._quota is None or self._quota.take(submission.tenant.tenant_id, len(submission.request.body))

    async def _under(self, submission: Submission, key: str) -> tuple[str, Stored | None]:
        """What was done under a key, and the key for a new attempt if the last one did not reach the upstream.

        A platform's client repeats a request under its key until it arrives, so an attempt that certainly did not
        arrive makes room for another.
        """
        stored = await self._store.by_key(submission.tenant.tenant_id, key)
        for _ in range(_ATTEMPTS):
            if stored is None or stored.state is not MessageState.FAILED:
                break
            if not submission.client_retries or stored.fingerprint != submission.fingerprint:
                break
            key = f"{submission.key}/{stored.message_id}"
            stored = await self._store.by_key(submission.tenant.tenant_id, key)
        return key, stored

    async def _replay(self, stored: Stored, submission: Submission) -> Performed | Refusal:
        """The answer to a request whose key was used before: the same again, unless something else was asked."""
        if stored.fingerprint != submission.fingerprint:
            return Refusal.KEY_REUSED
        if submission.client_retries and stored.state is MessageState.UNKNOWN and await self._may_go(stored.message):
            return await self._perform.send_again(submission.tenant, stored) or Refusal.KEY_IN_FLIGHT
        result = performed(stored)
        if result.in_flight:
            return Refusal.KEY_IN_FLIGHT
        return result

    async def _may_go(self, message: Message) -> bool:
        """Whether the facts of this moment allow what was allowed before."""
        facts = await self._facts(message, self._clock.now_ms(), None)
        return forbidden(message, facts, self._policy()) is None

    async def _facts(self, message: Message, now_ms: int, unknown: Outcome | None) -> Facts:
        account = await self._registry.account(message.tenant_id, message.account_id)
        source = None
        if message.repost_of is not None and self._sources is not None:
            source = await self._sources.source(message.tenant_id, message.repost_of, post(message), now_ms)
        return Facts(now_ms, account, unknown if account is None else None, source)

    async def _ask(
        self, message_id: str, submission: Submission, policy: PolicyInForce, started_ms: int
    ) -> tuple[Message, tuple[Answer, ...]]:
        deadline_ms = started_ms + policy.policy.deadline_ms
        with Stage("opinions"):
            message, answers = await self._opinions(
                message_id, submission.message, submission.request, policy.policy, deadline_ms
            )
        for answer in answers:
            if isinstance(answer, Unanswered):
                metrics.child(metrics.SILENCES, answer.classifier, answer.silence.value).inc()
        return message, answers


def _repeat_key(repeat: str, at_ms: int) -> str:
    """The key of a hold for want of an opinion: another one in each period of `_REPEAT_MS`."""
    return f"repeat/{at_ms // _REPEAT_MS}/{repeat}"
