"""A held message is released or rejected exactly once: by a late opinion, by asking again, or by a person."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

import orjson

from classifiers.contract import Answer, Opinion, Reply
from gateway.core.decide import decide, forbidden
from gateway.core.model import Case, Decision, Facts, Message, MessageState, Outcome, Reason
from gateway.core.policy import VIOLATIONS, PolicyInForce
from gateway.core.records import Owner, Stored, Tenant, Transition
from gateway.core.reposts import post
from gateway.core.rules import EXPIRED as EXPIRED
from gateway.core.rules import PERSON as PERSON
from gateway.core.rules import REVIEWED
from gateway.opinions import Opinions
from gateway.perform import Perform
from gateway.ports import Classifiers, Clock, Pictures, Registry, Sources, Store, StoreUnavailable
from gateway.silences import Silences

log = logging.getLogger("gateway.review")

ADMINISTRATORS = Owner(-1, 0)
"""Writes in the administrators' chain, which is leased to nobody: for acts outside a gateway process."""

_ATTEMPTS = 5
"""How often what is made of a hold is made again, because somebody else wrote the hold meanwhile."""


class Review:
    """What becomes of held messages in a running gateway."""

    def __init__(
        self,
        *,
        registry: Registry,
        classifiers: Classifiers,
        store: Store,
        perform: Perform,
        policy: Callable[[], PolicyInForce],
        clock: Clock,
        ask_again_ms: int,
        sources: Sources | None = None,
        pictures: Pictures | None = None,
    ) -> None:
        self._registry = registry
        self._sources = sources
        self._classifiers = classifiers
        self._opinions = Opinions(classifiers, pictures)
        self._store = store
        self._perform = perform
        self._policy = policy
        self._clock = clock
        self._ask_again_ms = ask_again_ms
        self._silences = Silences(ask_again_ms)

    async def late(self, reply: Reply) -> None:
        """Apply a reply that came after its question's deadline, if its message is still held."""
        try:
            stored = await self._store.message(reply.message_id, reply.tenant_id)
            if stored is not None and stored.state is MessageState.HELD:
                await self._apply(stored, reply.answers, "late opinion")
        except StoreUnavailable:
            log.warning("late reply not applied; its hold is asked about again", {"message_id": reply.message_id})

    async def ask_again(self, limit: int = 50) -> bool:
        """Ask about holds that wait for an opinion, once the classifiers can be asked; True if more may wait.

        At most ``limit`` are under way at once. Each that gets no answer is put off longer and longer, but as soon as a
        classifier that was silent answers, all are due within one try's time.
        """
        if not self._classifiers.healthy():
            return False
        now_ms = self._clock.now_ms()
        holds = await self._store.claim_silent_holds(now_ms, self._ask_again_ms, limit)
        if not holds and self._silences.are_to_be_probed(now_ms):
            holds = await self._store.claim_silent_holds(now_ms, self._ask_again_ms, 1, early=True)
        await _all([self._ask(stored, now_ms + self._ask_again_ms) for stored in holds])
        if self._silences.take_back(now_ms):
            await self._store.wake_silent_holds(self._clock.now_ms() + self._ask_again_ms)
        return len(holds) == limit

    async def _ask(self, stored: Stored, deadline_ms: int) -> None:
        message, answers = await self._opinions(
            stored.message_id, stored.message, stored.request, self._policy().policy, deadline_ms
        )
        self._silences.note(answers, self._clock.now_ms())
        await self._apply(stored, answers, f"asked again{_fetched(stored.message, message)}")

    async def expire(self, limit: int = 50) -> bool:
        """Reject holds that nobody decided on in the policy's time; True if more may be due."""
        now_ms = self._clock.now_ms()
        policy = self._policy()
        hours = policy.policy.holds.expire_hours
        held = await self._store.in_state(MessageState.HELD, limit)
        due = [stored for stored in held if stored.created_ms + hours * 3_600_000 <= now_ms]
        for stored in due:
            _, newest = (await self._store.cases(stored.message_id))[-1]
            reason = Reason(EXPIRED, Outcome.BLOCK, f"Nobody decided within {hours:g} hours.", "policy")
            decision = Decision(Outcome.BLOCK, EXPIRED, (reason,), policy.version)
            await self._perform.move(
                Transition(
                    stored.message_id,
                    MessageState.HELD,
                    MessageState.REJECTED,
                    "gateway",
                    "the hold expired",
                    now_ms,
                    self._clock.new_id(),
                    Case(newest.facts, newest.answers, decision),
                )
            )
        return len(due) == limit

    async def forward_queued(self, limit: int = 50) -> bool:
        """Forward messages that a person released or a recovery found safe to send again; True if more may wait."""
        queued = await self._store.claim_queued(self._perform.owner, self._clock.now_ms(), limit)
        await _all([self._forward(stored) for stored in queued])
        return len(queued) == limit

    async def _forward(self, stored: Stored) -> None:
        message = stored.message
        try:
            tenant = await self._tenant(stored)
            facts = await self._facts(message, self._clock.now_ms())
            block = forbidden(message, facts, self._policy())
            if block is not None:
                await self._stop(stored, facts, block)
                return
        except StoreUnavailable:
            self._perform.put_back(stored)
            raise
        await self._perform.forward(tenant, stored)

    async def _stop(self, stored: Stored, facts: Facts, decision: Decision) -> None:
        """End a queued message that the account's facts forbid by now. One that a dead process was forwarding may have
        been published before: of that, only a person can say."""
        _, newest = (await self._store.cases(stored.message_id))[-1]
        bodies = [orjson.loads(row.body) for row in await self._store.history(stored.message_id)]
        recovered = (MessageState.FORWARDING.value, "recovery")
        was_sent = any((body.get("from"), body.get("actor")) == recovered for body in bodies)
        transition = Transition(
            stored.message_id,
            MessageState.FORWARDING,
            MessageState.UNKNOWN if was_sent else MessageState.REJECTED,
            "gateway",
            "facts forbid it by now",
            facts.at_ms,
            self._clock.new_id(),
            Case(facts, newest.answers, decision),
        )
        await self._perform.move(transition)

    async def _facts(self, message: Message, now_ms: int) -> Facts:
        """The facts of this moment; of a repost's source too, which may have become known meanwhile."""
        account = await self._registry.account(message.tenant_id, message.account_id)
        source = None
        if message.repost_of is not None and self._sources is not None:
            source = await self._sources.source(message.tenant_id, message.repost_of, post(message), now_ms)
        return Facts(now_ms, account, source=source)

    async def _tenant(self, stored: Stored) -> Tenant:
        tenant = await self._registry.tenant(stored.message.tenant_id)
        if tenant is None:
            raise StoreUnavailable(f"the registry has lost tenant {stored.message.tenant_id}")
        return tenant

    async def _apply(self, stored: Stored, answers: Sequence[Answer], note: str) -> None:
        """Decide again with these answers, beside whatever others find out about the hold at the same time."""
        current: Stored | None = stored
        for _ in range(_ATTEMPTS):
            if current is None or current.state is not MessageState.HELD or await self._try(current, answers, note):
                return
            current = await self._store.message(stored.message_id)
        # The hold still says that it waits for this opinion.
        log.warning("opinion not applied; its hold is asked about again", {"message_id": stored.message_id})

    async def _try(self, stored: Stored, answers: Sequence[Answer], note: str) -> bool:
        """False when the hold was written since ``stored`` was read."""
        _, newest = (await self._store.cases(stored.message_id))[-1]
        merged = _merge(newest.answers, answers)
        if merged == newest.answers:
            return True
        message = stored.message
        now_ms = self._clock.now_ms()
        facts = await self._facts(message, now_ms)
        decision = decide(message, facts, merged, self._policy())
        tenant = await self._tenant(stored)
        transition = Transition(
            stored.message_id,
            MessageState.HELD,
            _reviewed_state(decision.outcome, stored.forwards, MessageState.FORWARDING),
            "gateway",
            note,
            now_ms,
            self._clock.new_id(),
            Case(facts, merged, decision),
            step=stored.steps,
        )
        if not await self._perform.move(transition):
            return False
        if transition.state is MessageState.FORWARDING:
            await self._perform.forward(tenant, stored)
        return True


class ReleaseForbidden(Exception):
    """A person's release that the account's facts forbid by now; the text says why, and the message stays held."""

    def __init__(self, decision: Decision) -> None:
        super().__init__(" ".join([reason.message for reason in decision.reasons if reason.outcome is Outcome.BLOCK]))


async def resolve_by_person(
    store: Store,
    registry: Registry,
    clock: Clock,
    policy: PolicyInForce,
    stored: Stored,
    outcome: Outcome,
    actor: str,
    note: str,
    code: str = REVIEWED,
) -> bool:
    """Release (ALLOW) or reject (BLOCK) a held message in a person's name; False if it was resolved before.

    A released message is queued; a running gateway forwards it. A person overrules opinions, not the account's facts of
    this moment: raises `ReleaseForbidden` where they alone block under ``policy``. A ``code`` that is a category says
    that the message violates it.
    """
    message, current = stored.message, stored
    for _ in range(_ATTEMPTS):
        if current.state is not MessageState.HELD:
            return False
        _, newest = (await store.cases(stored.message_id))[-1]
        account = await registry.account(message.tenant_id, message.account_id)
        # What was found about a repost's source is what the person looks at.
        facts = Facts(clock.now_ms(), account, source=newest.facts.source)
        if outcome is Outcome.ALLOW and (block := forbidden(message, facts, policy)) is not None:
            raise ReleaseForbidden(block)
        reason = Reason(code, outcome, note, actor, code if code in VIOLATIONS else None)
        decision = Decision(outcome, PERSON, (reason,), policy.version)
        transition = Transition(
            stored.message_id,
            MessageState.HELD,
            _reviewed_state(outcome, stored.forwards, MessageState.QUEUED),
            actor,
            note,
            facts.at_ms,
            clock.new_id(),
            Case(facts, newest.answers, decision),
            step=current.steps,
        )
        if await store.move(ADMINISTRATORS, transition):
            return True
        current = await store.message(stored.message_id) or stored
    raise StoreUnavailable("others write this hold at the same time; try again")


async def _all(work: Sequence[Awaitable[None]]) -> None:
    """Let all of it end, then raise the first fault: nothing goes on unseen."""
    for result in await asyncio.gather(*work, return_exceptions=True):
        if isinstance(result, BaseException):
            raise result


def _fetched(before: Message, after: Message) -> str:
    """Which pictures were judged now and are not named by the stored message: it is kept as it was first decided."""
    known = {media.sha256 for media in before.media}
    fetched = [media.sha256 for media in after.media if media.sha256 and media.sha256 not in known]
    return f" about pictures with SHA-256 {', '.join(fetched)}" if fetched else ""


def _reviewed_state(outcome: Outcome, forwards: bool, allowed: MessageState) -> MessageState:
    match outcome:
        case Outcome.ALLOW:
            return allowed if forwards else MessageState.RELEASED
        case Outcome.HOLD:
            return MessageState.HELD
        case Outcome.BLOCK:
            return MessageState.REJECTED


def _merge(old: Sequence[Answer], new: Sequence[Answer]) -> tuple[Answer, ...]:
    """The old opinions stand; what was silent takes its new answer, if it got one."""
    newer = {answer.classifier: answer for answer in new}
    known = {answer.classifier for answer in old}
    kept = [answer if isinstance(answer, Opinion) else newer.get(answer.classifier, answer) for answer in old]
    return tuple(kept + [answer for answer in new if answer.classifier not in known])
