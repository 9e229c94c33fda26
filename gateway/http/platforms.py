"""A platform's publish request: from its bytes to a decision, and back to an answer in the platform's own words."""

from __future__ import annotations

import logging
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass
from time import perf_counter
from typing import Literal, assert_never

import msgspec
from msgspec.structs import replace

from gateway import metrics, tracing
from gateway.clients import Clients
from gateway.core.model import STRANGER, Account, AccountState, Message, MessageState, Outcome
from gateway.core.records import SEALED, Envelope, Request, Tenant
from gateway.http.budget import Budget
from gateway.http.forwarding import forwarded_headers
from gateway.http.problems import Problem
from gateway.http.rate import Rate, Share, client_of
from gateway.http.requests import Receive, Scope, target_of, whole_body
from gateway.identify import AskedTooOften, CannotTell, Identify, Refused
from gateway.perform import Performed
from gateway.platforms import mapping
from gateway.platforms.call import Call
from gateway.platforms.listeners import Listener
from gateway.platforms.mapping import Ambiguous, AnswerKind, BadRequest, Match, NativeAnswer
from gateway.ports import Clock, Origin, OriginHead, References, Registry, Sealer, StoreUnavailable
from gateway.publish import Publish, Refusal, Submission

log = logging.getLogger(__name__)

_envelope = msgspec.msgpack.Encoder()

_LEARN_LIMIT = 65_536
"""Bytes of an answer that a credential is looked for in."""

_BARE_MESSAGE = "Send the platform's credential: there is none here that the gateway reads."
_REFUSED_MESSAGE = "The platform does not know this credential."
_ASKED = "Too many credentials that the platform does not know came from your address; try again later."
_HELD_OFTEN = "Nobody can say whose credential this is, and too many such requests of yours wait; try again later."

_SOON, _MUCH_LATER = "1", "3600"
"""Seconds after which a client may try again: what was unlucky, and what is not allowed to its account for now. A fixed
time, since a repeated request gets the same answer, and an hour, since some clients sleep for as long as they are told.
"""


@dataclass(frozen=True, slots=True)
class Pass:
    """The request is not for us to judge: it passes through, with this body if it was read already."""

    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Caller:
    """Who sent a request. ``told``: a credential was there, and somebody said whose it is, or nobody can say whose;
    ``bare``: none was there that we can read; ``refused``: the platform does not know it; ``untold``: the platform
    could not be asked; ``unasked``: it was asked too often for this client. ``account`` is there if it is registered.
    """

    account_id: str | None
    how: Literal["told", "bare", "refused", "untold", "unasked"]
    account: Account | None = None


_BARE, _REFUSED = _Caller(None, "bare"), _Caller(None, "refused")
_UNTOLD, _UNASKED = _Caller(None, "untold"), _Caller(None, "unasked")


class Moderate:
    """Judges what a route map calls a publish request, and learns from what it says to watch."""

    def __init__(
        self,
        *,
        publish: Publish,
        registry: Registry,
        identify: Identify,
        references: References,
        sealer: Sealer,
        origin: Origin,
        clock: Clock,
        read_seconds: float,
        budget: Budget,
        strangers: Budget,
        asks: Rate,
        holds: Rate,
    ) -> None:
        """``budget`` is of the bodies of registered accounts, ``strangers`` of all others'. ``asks`` is how often a
        client may have the platform asked about a credential that it does not know, ``holds`` how often one may leave a
        hold whose credential nobody can be asked about."""
        self._publish = publish
        self._registry = registry
        self._identify = identify
        self._clients = Clients(identify, sealer, clock)
        self._references = references
        self._sealer = sealer
        self._origin = origin
        self._clock = clock
        self._read_seconds = read_seconds
        self._budget = budget
        self._strangers = strangers
        self._asks = asks
        self._holds = holds

    async def __call__(self, listener: Listener, match: Match, scope: Scope, receive: Receive) -> NativeAnswer | Pass:
        """The answer, or `Pass`. Raises `Disconnected` when the client went away first."""
        started = perf_counter()
        try:
            answer = await self._answer(listener, match, scope, receive)
        except BadRequest as error:
            answer = self._native(listener, match, AnswerKind.MALFORMED, str(error))
        except StoreUnavailable:
            answer = self._native(listener, match, AnswerKind.UNAVAILABLE, "The gateway cannot decide now; try again.")
        except Problem as problem:  # a body that is too large or too slow, or one too many
            kind = AnswerKind.UNAVAILABLE if problem.status == 429 else AnswerKind.MALFORMED
            answer = self._native(listener, match, kind, problem.detail, problem.code)
        if isinstance(answer, NativeAnswer):
            route = f"{listener.map.name}:{match.route.id}"
            metrics.child(metrics.REQUESTS, route, str(answer.status)).inc()
            metrics.child(metrics.REQUEST_SECONDS, route).observe(perf_counter() - started)
        return answer

    def note(self, listener: Listener, scope: Scope) -> None:
        """A request passed unjudged, and the platform did what it asks: remember whose client it is."""
        if listener.map.learns_clients:
            with suppress(BadRequest):
                if (credential := mapping.credential(listener.map, _call(scope), None)) is not None:
                    self._clients.note(listener, client_of(scope, listener.networks), credential)

    async def _answer(self, listener: Listener, match: Match, scope: Scope, receive: Receive) -> NativeAnswer | Pass:
        call = _call(scope)
        if match.route.kind == "watch":
            return await self._watch(listener, match, scope, call, receive)
        if match.route.kind == "bypass" and not match.route.when:
            _check_bypass(listener, match)
            return Pass()
        caller = _BARE
        in_head = not match.route.when and mapping.credential_in_head(listener.map, match)
        if in_head:
            caller = await self._caller(listener, call, match, scope)
            if (answer := self._settled(listener, match, caller)) is not None:
                return answer
        async with self._body(listener, call, receive, caller) as body:
            call = _call(scope, body)
            match = mapping.choose(listener.map, match, call)
            if match.route.kind == "bypass":
                _check_bypass(listener, match)
            if match.route.kind in ("pass", "bypass"):
                return Pass(body)
            if not in_head:
                caller = await self._caller(listener, call, match, scope)
                if (answer := self._settled(listener, match, caller, body)) is not None:
                    return answer
            return await self._judge(listener, match, scope, call, caller)

    def _body(
        self, listener: Listener, call: Call, receive: Receive, caller: _Caller
    ) -> AbstractAsyncContextManager[bytes]:
        budget = self._strangers if caller.account is None else self._budget
        return whole_body(receive, _length(call), listener.body_limit, self._read_seconds, budget)

    async def _caller(self, listener: Listener, call: Call, match: Match, scope: Scope) -> _Caller:
        credential = mapping.credential(listener.map, call, match)
        if credential is None:
            return _BARE
        client = client_of(scope, listener.networks)
        asking = Share(self._asks, f"{listener.name} {client}", self._clock)
        try:
            account_id = await self._identify(listener, credential, asking)
        except Refused:
            return _REFUSED
        except AskedTooOften:
            return _UNASKED
        except CannotTell:
            return _UNTOLD
        if account_id is not None and not match.route.account:
            self._clients.note(listener, client, credential)
        if account_id is not None or match.route.caller == "credential":
            account = await self._registry.account(listener.tenant, account_id) if account_id else None
            return _Caller(account_id, "told", account)
        return await self._of_client(listener, client, asking)

    async def _of_client(self, listener: Listener, client: str, asking: Share) -> _Caller:
        """Who calls, by what the client showed before. An address is no proof that would end moderation: a private
        account is nobody here."""
        account_id = await self._clients.account_id(listener, client, asking)
        account = await self._registry.account(listener.tenant, account_id) if account_id else None
        return _Caller(None, "told") if account is None or account.private else _Caller(account_id, "told", account)

    def _settled(
        self, listener: Listener, match: Match, caller: _Caller, body: bytes | None = None
    ) -> NativeAnswer | Pass | None:
        """The answer to a request of which nothing is to be judged; None for one that is.

        Those of private accounts pass, and of the unknown where they may. Who has no credential, or one that the
        platform does not know, is told so, and leaves nothing behind. Of whom nobody could be asked may be anybody.
        """
        if caller.how == "unasked":
            return self._native(listener, match, AnswerKind.UNAVAILABLE, _ASKED, "too_many_credentials")
        if caller.how == "bare" or (caller.how == "refused" and listener.unknown_accounts != "pass"):
            message = _BARE_MESSAGE if caller.how == "bare" else _REFUSED_MESSAGE
            return self._native(listener, match, AnswerKind.UNAUTHORIZED, message)
        if caller.account is not None:
            passes = caller.account.private and caller.account.state is AccountState.ACTIVE
        else:
            passes = caller.how in ("told", "refused") and listener.unknown_accounts == "pass"
        return Pass(body) if passes else None

    async def _judge(
        self, listener: Listener, match: Match, scope: Scope, call: Call, caller: _Caller
    ) -> NativeAnswer | Pass:
        tenant = await self._registry.tenant(listener.tenant)
        if tenant is None:
            return self._native(listener, match, AnswerKind.UNAVAILABLE, f"There is no tenant {listener.tenant}.")
        if caller.account_id is None and not self._may_hold(listener, scope):
            return self._native(listener, match, AnswerKind.UNAVAILABLE, _HELD_OFTEN, "too_many_holds")
        account_id = caller.account_id or self._stranger(listener, call, match)
        message = mapping.read(
            listener.map,
            match,
            call,
            tenant_id=tenant.tenant_id,
            account_id=account_id,
            referenced=await self._referenced(listener, match, call, account_id),
        )
        if match.route.if_empty == "pass" and not (message.texts or message.media or message.doubts):
            return Pass(call.body)
        with tracing.request(f"{listener.map.name} {match.route.id}", None):
            result = await self._publish(self._submission(listener, match, scope, call, tenant, message, caller))
        if isinstance(result, Refusal):
            return self._refused(listener, match, result)
        return self._performed(listener, match, result)

    def _may_hold(self, listener: Listener, scope: Scope) -> bool:
        """Whether one more of this client may wait that nobody could be asked about."""
        client = f"{listener.name} {client_of(scope, listener.networks)}"
        return not self._holds.take(client, self._clock.now_ms())

    def _stranger(self, listener: Listener, call: Call, match: Match) -> str:
        """A name for an account that is not known: the same for the same credential, no way back to it, and none that
        a registered account can have."""
        credential = mapping.credential(listener.map, call, match)
        return STRANGER + (self._sealer.index(credential)[:16] if credential else "")

    async def _referenced(self, listener: Listener, match: Match, call: Call, account_id: str) -> list[Message]:
        """What is behind the ids that this request publishes, one message for each id that is known."""
        found: list[Message] = []
        for reference in mapping.references(listener.map, match, call):
            messages = await self._references.recall(listener.tenant, listener.map.name, reference, account_id)
            if messages:
                found.append(_together(messages))
        return found

    def _submission(
        self,
        listener: Listener,
        match: Match,
        scope: Scope,
        call: Call,
        tenant: Tenant,
        message: Message,
        caller: _Caller,
    ) -> Submission:
        headers = forwarded_headers(listener, scope, len(call.body))
        key = mapping.idempotency(listener.map, match, call)
        if key is not None:
            whose = mapping.credential(listener.map, call, match) or message.account_id
            key = self._sealer.index(f"{listener.name}\0{whose}\0{key}")
        envelope = Envelope(
            listener.name, match.route.id, key is not None, call.method, target_of(scope), headers, call.body
        )
        return Submission(
            tenant=tenant,
            message=message,
            request=Request(self._sealer.seal(_envelope.encode(envelope), message.content_hash), SEALED),
            forwards=True,
            key=key,
            fingerprint=f"{match.route.id} {message.content_hash}",
            idempotent=key is not None,
            client_retries=key is not None,
            repeat=self._sealer.index(f"{listener.name}\0{message.account_id}\0{message.content_hash}"),
            unknown=Outcome.BLOCK if listener.unknown_accounts == "block" and caller.how != "untold" else None,
        )

    def _performed(self, listener: Listener, match: Match, result: Performed) -> NativeAnswer:
        decision = result.decision
        match decision.outcome:
            case Outcome.ALLOW if result.upstream is not None and result.state is not MessageState.UNKNOWN:
                return _as_answered(result)
            case Outcome.ALLOW:
                return self._native(
                    listener, match, AnswerKind.UNAVAILABLE, "The platform did not confirm it.", "upstream", result
                )
            case Outcome.HOLD:
                # In words too: most formats have one code for held and blocked, and many SDKs show no headers.
                told = f"Held for review as {result.message_id}: {decision.reasons[0].message}"
                return self._native(listener, match, AnswerKind.HELD, told, decision.rule, result)
            case Outcome.BLOCK:
                limited = decision.rule == "sanction_restrict"
                kind = AnswerKind.LIMITED if limited else AnswerKind.BLOCKED
                return self._native(listener, match, kind, decision.reasons[0].message, decision.rule, result)

    def _refused(self, listener: Listener, match: Match, reason: Refusal) -> NativeAnswer:
        kind = AnswerKind.UNAVAILABLE
        match reason:
            case Refusal.OVERLOADED:
                message = "Too much to do; try again."
            case Refusal.HOLDS_FULL:
                message = "Too much is held; try later."
            case Refusal.STORE_UNAVAILABLE:
                message = "Nothing was published; try again."
            case Refusal.KEY_IN_FLIGHT:
                message = "It is being worked on; try again."
            case Refusal.KEY_REUSED:
                kind, message = AnswerKind.MALFORMED, "Its id was used for something else."
            case _:
                assert_never(reason)
        return self._native(listener, match, kind, message, reason)

    def _native(
        self,
        listener: Listener,
        match: Match,
        kind: AnswerKind,
        message: str,
        code: str = "",
        result: Performed | None = None,
    ) -> NativeAnswer:
        values = {
            "message": message,
            "code": code or kind.value,
            "message_id": result.message_id if result else "",
            "decision_id": result.decision_id if result else "",
            "retry_after": _MUCH_LATER if kind is AnswerKind.LIMITED else _SOON,
        }
        return mapping.answer(listener.map, kind, values, match.route)

    async def _watch(
        self, listener: Listener, match: Match, scope: Scope, call: Call, receive: Receive
    ) -> NativeAnswer:
        """Pass a request through whose answer says whose a new credential is."""
        async with self._body(listener, call, receive, _BARE) as body:
            return await self._learn(listener, match, scope, _call(scope, body))

    async def _learn(self, listener: Listener, match: Match, scope: Scope, call: Call) -> NativeAnswer:
        mapping.check_watch(listener.map, match, call)
        head = OriginHead(call.method, target_of(scope), forwarded_headers(listener, scope, len(call.body)))
        response = await self._origin.send(listener, head, call.body, reserved=True)
        answer = await response.read(_LEARN_LIMIT)
        learned = mapping.learned(listener.map, match, call, response.status, _content_type(response.headers), answer)
        if learned is not None:
            credential, account_id, seconds = learned
            await self._identify.learn(listener, credential, account_id, seconds)
        return NativeAnswer(response.status, response.headers, answer)


def _check_bypass(listener: Listener, match: Match) -> None:
    """Raise `Ambiguous` unless the listener allows that the platform takes content past the gateway."""
    if not listener.allow_bypass:
        raise Ambiguous(f"{match.route.id}: it lets content past moderation; allow_bypass of this listener permits it")


def _call(scope: Scope, body: bytes = b"") -> Call:
    return Call(scope["method"], scope["raw_path"], scope["query_string"], tuple(scope["headers"]), body)


def _length(call: Call) -> int | None:
    length = next((value for name, value in call.headers if name == b"content-length"), None)
    return int(length) if length is not None else None


def _content_type(headers: tuple[tuple[bytes, bytes], ...]) -> str:
    return next((value.decode("latin-1") for name, value in headers if name.lower() == b"content-type"), "")


def _together(messages: list[Message]) -> Message:
    """Everything that was ever judged under one id: a draft that was changed may show any of it."""
    first, *others = messages
    return (
        replace(
            first,
            texts=tuple([text for message in messages for text in message.texts]),
            media=tuple([media for message in messages for media in message.media]),
            doubts=tuple([doubt for message in messages for doubt in message.doubts]),
        )
        if others
        else first
    )


def _as_answered(result: Performed) -> NativeAnswer:
    """What the platform itself said; of an answer from the record only status, type and body are left."""
    upstream = result.upstream
    assert upstream is not None  # noqa: S101
    headers = upstream.headers or ((b"content-type", upstream.content_type.encode("latin-1")),)
    return NativeAnswer(upstream.status, headers, upstream.body)
