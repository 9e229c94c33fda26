"""Carries out a decision in durable order: commit, then forward, then record how it went, then answer.

At most one upstream effect: a message is forwarded only by the process that committed its move to FORWARDING, once,
right after that commit. Whatever interrupts this leaves the message in FORWARDING, and recovery takes it from there.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from time import perf_counter

from msgspec.structs import replace

from gateway import logs, metrics
from gateway.core.decide import lacks_opinions
from gateway.core.model import Decision, Message, MessageState, Outcome
from gateway.core.records import Entry, Owner, Request, Stored, Tenant, Transition, UpstreamAnswer, Verdict
from gateway.lease import LeaseKeeper
from gateway.ports import (
    Clock,
    KeyTaken,
    Store,
    StoreUnavailable,
    Upstream,
    UpstreamNotReached,
    UpstreamUnknown,
)
from gateway.stages import Stage

log = logging.getLogger("gateway.decision")

_TOGETHER = 256
"""Results that are written at once when the store takes them again."""

_LATE_MS = 10_000
"""A commit in doubt happens within this time or never: the store bounds a statement to half of it."""


@dataclass(frozen=True, slots=True)
class Performed:
    """How a message stands once its decision was carried out: what the client is answered."""

    message_id: str
    decision_id: str
    decision: Decision
    state: MessageState
    upstream: UpstreamAnswer | None = None

    @property
    def in_flight(self) -> bool:
        """Whether an allowed message is still on its way, so there is no answer yet."""
        return self.decision.outcome is Outcome.ALLOW and self.state in (MessageState.FORWARDING, MessageState.QUEUED)


def performed(stored: Stored) -> Performed:
    """The answer that the client of a stored message got, or would have got."""
    return Performed(stored.message_id, stored.decision_id, stored.first.decision, stored.state, stored.upstream)


def first_state(outcome: Outcome, forwards: bool) -> MessageState:
    """The state in which a message with this decision begins."""
    match outcome:
        case Outcome.ALLOW:
            return MessageState.FORWARDING if forwards else MessageState.DECIDED
        case Outcome.HOLD:
            return MessageState.HELD
        case Outcome.BLOCK:
            return MessageState.BLOCKED


class Perform:
    """The effects of decisions. ``unsettled_limit`` bounds the results that wait for a store that is away."""

    def __init__(
        self,
        store: Store,
        upstream: Upstream,
        clock: Clock,
        lease: LeaseKeeper,
        unsettled_limit: int = 10_000,
    ) -> None:
        self._store = store
        self._upstream = upstream
        self._clock = clock
        self._lease = lease
        self._unsettled: dict[str, Transition] = {}
        self._unsettled_limit = unsettled_limit
        self._in_hand: set[str] = set()
        self._idle: set[str] = set()
        self._answered_503: dict[str, Transition] = {}
        """The newest messages whose client was told that nothing was forwarded, oldest first, and what makes it so."""

    async def settle(self, tenant: Tenant, entry: Entry) -> Performed | KeyTaken:
        """Commit a first decision and carry it out.

        Raises `StoreUnavailable` when it was not committed (or that cannot be told): then nothing was forwarded.
        """
        self._in_hand.add(entry.message_id)
        try:
            return await self._settle(tenant, entry)
        finally:
            self._in_hand.discard(entry.message_id)

    async def _settle(self, tenant: Tenant, entry: Entry) -> Performed | KeyTaken:
        started = perf_counter()
        decide_ms = self._clock.now_ms() - entry.at_ms
        owner = self._lease.owner
        if len(self._unsettled) >= self._unsettled_limit:
            raise StoreUnavailable("too many results wait for the store")
        try:
            with Stage("commit"):
                taken = await self._store.commit(owner, entry)
            if taken is None and entry.state is MessageState.FORWARDING:
                owner = self._lease.owner  # a commit can take long: no forward begins when the lease is about to end
        except StoreUnavailable as fault:
            self._withdraw(entry, f"not sent: {fault}")
            raise
        if taken is not None:
            return taken
        state, upstream, note = entry.state, None, None
        if state is MessageState.FORWARDING:
            result = await self._forward(tenant, entry.message_id, entry.message, entry.request)
            state, upstream, note = result.state, result.upstream, result.note
        decision = entry.case.decision
        metrics.child(metrics.DECISIONS, decision.outcome.value, decision.rule).inc()
        opinions = "missing" if lacks_opinions(entry.case) else "there"
        metrics.child(metrics.OPINIONS, tenant.tenant_id, opinions).inc()
        logs.line(
            log,
            "decision",
            {
                "message_id": entry.message_id,
                "decision_id": entry.decision_id,
                "tenant": tenant.tenant_id,
                "platform": entry.message.platform,
                "outcome": decision.outcome.value,
                "rule": decision.rule,
                "codes": [reason.code for reason in decision.reasons],
                "policy": decision.policy_version[:12],
                "state": state.value,
                "forward": note,
                "decide_ms": decide_ms,
                "perform_ms": round((perf_counter() - started) * 1000, 1),
            },
        )
        return Performed(entry.message_id, entry.decision_id, decision, state, upstream)

    async def forward(self, tenant: Tenant, stored: Stored) -> MessageState:
        """Forward a message that this process has just moved to FORWARDING; return how it ended.

        Raises `StoreUnavailable` when the lease is about to end; the message is then queued again.
        """
        if not self._lease.valid():
            self.put_back(stored)
            raise StoreUnavailable("the lease ended before the message was sent")
        if stored.message_id in self._unsettled:
            raise StoreUnavailable("the message is being put back")
        self._in_hand.add(stored.message_id)
        try:
            result = await self._forward(
                tenant,
                stored.message_id,
                stored.message,
                stored.request,
                released=True,
                asked_again=bool(stored.fingerprint),
            )
        finally:
            self._in_hand.discard(stored.message_id)
        log.info("forward", {"message_id": stored.message_id, "state": result.state.value, "forward": result.note})
        return result.state

    async def send_again(self, tenant: Tenant, stored: Stored) -> Performed | None:
        """Send a message of unknown outcome again, whose upstream takes the same request twice for one; None when
        somebody else has taken it up.

        Raises `StoreUnavailable`: then it was not sent.
        """
        self._in_hand.add(stored.message_id)
        try:
            taken_up = Transition(
                stored.message_id,
                MessageState.UNKNOWN,
                MessageState.FORWARDING,
                "gateway",
                "asked for again by the client",
                self._clock.now_ms(),
                message=stored.message,
            )
            if not await self.move(taken_up):
                return None
            if not self._lease.valid():
                self.put_back(stored)
                raise StoreUnavailable("the lease ended before the message was sent")
            result = await self._forward(tenant, stored.message_id, stored.message, stored.request)
        finally:
            self._in_hand.discard(stored.message_id)
        return Performed(stored.message_id, stored.decision_id, stored.first.decision, result.state, result.upstream)

    async def put_back_stranded(self) -> None:
        """Queue again what this process moved to FORWARDING without knowing it, as when the answer to a commit was
        lost: found here twice in a row, and both times not in hand, it was not sent and will not be."""
        owned = {stored.message_id: stored for stored in await self._store.forwarding(self._lease.owner)}
        idle = owned.keys() - self._in_hand - self._unsettled.keys()
        for message_id in idle & self._idle:
            log.warning("stranded message found", {"message_id": message_id})
            stored = owned[message_id]
            if message_id in self._answered_503:
                self._settle_later(self._answered_503[message_id])
            else:
                self.put_back(stored)
        self._idle = idle
        for message_id, withdrawal in list(self._answered_503.items()):
            late = self._clock.now_ms() - withdrawal.at_ms >= _LATE_MS
            if withdrawal.expect is MessageState.HELD and late:
                del self._answered_503[message_id]
                self._settle_later(withdrawal)

    def put_back(self, stored: Stored) -> None:
        """Queue a message again that was moved to FORWARDING and certainly not sent."""
        self._settle_later(self._ended(stored.message_id, stored.message, MessageState.QUEUED, "not sent yet"))

    async def move(self, transition: Transition) -> bool:
        """Change a message's state under this process's lease; False if it had already left the expected state, or is
        about to because its client was told that nothing was forwarded."""
        if transition.message_id in self._unsettled or transition.message_id in self._answered_503:
            return False
        return await self._store.move(self._lease.owner, transition)

    async def settle_again(self) -> None:
        """Write the results that the store did not take before. Raises `StoreUnavailable` if there is one that it still
        does not take; the others are written all the same."""
        waiting = list(self._unsettled.values())
        faults: list[BaseException] = []
        for start in range(0, len(waiting), _TOGETHER):
            some, owner = waiting[start : start + _TOGETHER], self._lease.writer
            moves = [self._store.move(owner, transition) for transition in some]
            results = await asyncio.gather(*moves, return_exceptions=True)
            for transition, result in zip(some, results, strict=True):
                message_id = transition.message_id
                if self._unsettled.get(message_id) is not transition:  # a newer result has come
                    continue
                del self._unsettled[message_id]
                if isinstance(result, BaseException):
                    faults.append(result)
                    self._unsettled[message_id] = transition  # behind those that were not tried yet
            if all(isinstance(result, BaseException) for result in results):
                break  # the store is away
        if faults:
            raise faults[0]

    async def settle_last(self) -> None:
        """Write what waits, once more, before the process ends. Raises nothing: what is left is for recovery."""
        try:
            await self.settle_again()
        except StoreUnavailable as fault:
            log.warning("results not written", {"results": self.unsettled, "fault": str(fault)})

    @property
    def owner(self) -> Owner:
        """Under whose lease this process writes; see `LeaseKeeper.owner`."""
        return self._lease.owner

    @property
    def unsettled(self) -> int:
        """How many results wait for the store."""
        return len(self._unsettled)

    async def _forward(
        self,
        tenant: Tenant,
        message_id: str,
        message: Message,
        request: Request,
        *,
        released: bool = False,
        asked_again: bool = False,
    ) -> Transition:
        """Send, and record how it ended; the transition that says so. ``asked_again``: the client may ask for the
        answer of a message that was released, so it is kept, fleeting or not."""
        answer: UpstreamAnswer | None = None
        try:
            with Stage("forward"):
                answer = await self._upstream.forward(tenant, message_id, request, message.content_hash)
            state, note = _state(answer, released), f"upstream answered {answer.status}"
            if answer.verdict == Verdict.EXPIRED:  # some platforms say so under status 200
                note += ": the credential is no longer good"
        except UpstreamNotReached as fault:
            state, note = MessageState.FAILED, str(fault)
        except UpstreamUnknown as fault:
            state, note = MessageState.UNKNOWN, str(fault)
        metrics.child(metrics.FORWARDS, tenant.tenant_id, state.value).inc()
        if answer is not None and answer.references and state is MessageState.PUBLISHED:
            await self._remember(message, answer.references, message_id)
        result = self._ended(message_id, message, state, note, answer)
        kept = result
        if answer is not None and answer.fleeting and not asked_again:
            kept = replace(result, upstream=replace(answer, body=b""))
        try:
            with Stage("settle"):
                await self._store.move(self._lease.writer, kept)
        except StoreUnavailable:
            self._settle_later(kept)
        return result

    def _ended(
        self,
        message_id: str,
        message: Message,
        state: MessageState,
        note: str,
        upstream: UpstreamAnswer | None = None,
    ) -> Transition:
        return Transition(
            message_id,
            MessageState.FORWARDING,
            state,
            "gateway",
            note,
            self._clock.now_ms(),
            upstream=upstream,
            message=message,
        )

    async def _remember(self, message: Message, references: tuple[str, ...], message_id: str) -> None:
        try:
            await self._store.remember(message.tenant_id, message.platform, references, message_id)
        except StoreUnavailable:  # what refers to it will be held, as for any id that is not known
            log.warning("what the upstream calls it was not remembered", {"message_id": message_id})

    def _withdraw(self, entry: Entry, note: str) -> None:
        """After a commit in doubt: the client is told that nothing was forwarded, and may send the message again. If
        the commit did happen, or still does, the message must come to an end without being forwarded.

        A hold under a key stays: whoever sends it again under that key is answered with this very hold.
        """
        if entry.state is MessageState.FORWARDING or (entry.state is MessageState.HELD and entry.key is None):
            now_ms = self._clock.now_ms()
            withdrawal = Transition(entry.message_id, entry.state, MessageState.FAILED, "gateway", note, now_ms)
            self._answered_503[entry.message_id] = withdrawal
            if len(self._answered_503) > self._unsettled_limit:
                del self._answered_503[next(iter(self._answered_503))]
            self._settle_later(withdrawal)

    def _settle_later(self, transition: Transition) -> None:
        # Without the message: the store has it, and many of them would take much memory here.
        self._unsettled[transition.message_id] = replace(transition, message=None)


def _state(answer: UpstreamAnswer, released: bool) -> MessageState:
    """What an upstream's answer means for the message, by the platform's route map, else by its status."""
    match answer.verdict or _by_status(answer.status):
        case Verdict.ACCEPTED:
            return MessageState.PUBLISHED
        case Verdict.REFUSED:
            return MessageState.REFUSED
        case Verdict.EXPIRED:  # of a request that waited, nobody is there to renew its credential and send it again
            return MessageState.RELEASE_FAILED if released else MessageState.REFUSED
        case Verdict.LATER:  # the client's own retry is another attempt; what was released has no client
            return MessageState.RELEASE_FAILED if released else MessageState.FAILED
        case Verdict.UNSURE:
            return MessageState.UNKNOWN


def _by_status(status: int) -> Verdict:
    """Redirects are not followed, so nothing was published there; an error on the upstream's side may have come after
    it published."""
    if 200 <= status < 300:
        return Verdict.ACCEPTED
    return Verdict.REFUSED if status < 500 else Verdict.UNSURE
