"""The hot path: publish requests, handled as plain ASGI before anything of the framework."""

from __future__ import annotations

from collections.abc import MutableMapping, Sequence
from time import perf_counter
from typing import Any

from fastapi import FastAPI

from gateway import metrics, tracing
from gateway.core.records import Request, Tenant
from gateway.http.answers import decision_answer, message_answer
from gateway.http.budget import Budget
from gateway.http.management import elsewhere, is_management, too_long
from gateway.http.problems import Answer, Problem, bad_fields, refusal
from gateway.http.proxy import Proxy
from gateway.http.requests import (
    Disconnected,
    Headers,
    Receive,
    Scope,
    Send,
    authenticate,
    read_body,
    read_headers,
)
from gateway.platforms import native
from gateway.platforms.listeners import Listener
from gateway.ports import Registry
from gateway.publish import Publish, Refusal, Submission

ROUTES = {"/v1/messages": True, "/v1/decisions": False}
"""The publish routes, and whether an allowed message is forwarded by the gateway."""


class Service:
    """What the hot path works with. It is set once the adapters are open, and unset before they close.

    ``body_limit`` bounds a request body in bytes, ``read_seconds`` the time a client may take to send it, ``budget``
    the bodies of all requests together.
    """

    def __init__(
        self, publish: Publish, registry: Registry, body_limit: int, read_seconds: float, budget: Budget
    ) -> None:
        self.publish = publish
        self.registry = registry
        self.body_limit = body_limit
        self.read_seconds = read_seconds
        self.budget = budget


class Listeners:
    """The platforms that are listened for, by the port or the host name that their requests come in on."""

    def __init__(self, listeners: Sequence[Listener], proxy: Proxy) -> None:
        self._ports = {listener.port: listener for listener in listeners if listener.port}
        self._names = {listener.hostname: listener for listener in listeners if listener.hostname}
        self._proxy = proxy

    def of(self, scope: Scope) -> Listener | None:
        """The listener that a request is for; None when it is for the gateway itself."""
        server = scope.get("server")
        if server is not None and (listener := self._ports.get(server[1])) is not None:
            return listener
        if not self._names:
            return None
        host: bytes = next((value for name, value in scope["headers"] if name == b"host"), b"")
        name, colon, port = host.decode("latin-1").lower().rpartition(":")
        return self._names.get((name if colon else port).rstrip("."))

    async def answer(self, listener: Listener, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for one of them."""
        await self._proxy(listener, scope, receive, send)


class Gateway(FastAPI):
    """The application. It answers publish requests before the framework sees them, and leaves it everything else.

    While the process drains, every answer asks the client to close its connection, so that the client's next request
    finds another process.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        if self.state.draining:
            send = _closing(send)
        listeners: Listeners | None = self.state.listeners
        port: int | None = self.state.management_port
        if is_management(scope, port):
            listeners = None
        if listeners is not None and (listener := listeners.of(scope)) is not None:
            await listeners.answer(listener, scope, receive, send)
        elif (why := too_long(scope)) is not None:
            await _send(_closing(send), Problem(414, "target", why).answer())
        elif (problem := elsewhere(scope, port)) is not None:
            await _send(send, problem.answer())
        elif _upgrades(scope):
            # What follows may be a body or another protocol; nobody shall take it for a next request.
            await _send(_closing(send), Problem(400, "upgrade", "Upgrade: no other protocol is spoken.").answer())
        elif scope["method"] == "POST" and scope["path"] in ROUTES:
            answer = await self._publish(scope, receive)
            if answer is not None:
                await _send(send, answer)
        else:
            await super().__call__(scope, receive, send)

    async def _publish(self, scope: Scope, receive: Receive) -> Answer | None:
        """Answer a publish request; None when the client went away."""
        route: str = scope["path"]
        started = perf_counter()
        try:
            answer = await _handle(self.state.service, route, ROUTES[route], scope, receive)
        except Problem as problem:
            answer = problem.answer()
        except Disconnected:
            return None
        metrics.child(metrics.REQUESTS, route, str(answer.status)).inc()
        metrics.child(metrics.REQUEST_SECONDS, route).observe(perf_counter() - started)
        return answer


def _upgrades(scope: Scope) -> bool:
    return b"upgrade" in [name for name, _ in scope["headers"]]


async def _handle(service: Service, route: str, forwards: bool, scope: Scope, receive: Receive) -> Answer:
    headers = read_headers(scope)
    tenant = await authenticate(service.registry, headers.key_hash)
    budget = service.budget
    body = await read_body(receive, headers.content_length, service.body_limit, service.read_seconds, budget)
    try:
        return await _publish(service, route, forwards, headers, tenant, body)
    finally:
        budget.give(len(body))


async def _publish(
    service: Service, route: str, forwards: bool, headers: Headers, tenant: Tenant, body: bytes
) -> Answer:
    try:
        message = native.read(body, tenant.tenant_id)
    except native.BadBody as error:
        raise bad_body(error) from error
    submission = Submission(
        tenant=tenant,
        message=message,
        request=Request(body, native.CONTENT_TYPE),
        forwards=forwards,
        key=headers.idempotency_key,
        fingerprint=f"{route} {message.content_hash}",
        idempotent=tenant.upstream_idempotent,
    )
    with tracing.request(f"POST {route}", headers.traceparent):
        result = await service.publish(submission)
    if isinstance(result, Refusal):
        raise refusal(result)
    return message_answer(result) if forwards else decision_answer(result)


def bad_body(error: native.BadBody) -> Problem:
    """The problem of a body that cannot be read, naming each field."""
    return bad_fields(error.problems)


def _closing(send: Send) -> Send:
    async def closing(event: MutableMapping[str, Any]) -> None:
        if event["type"] == "http.response.start" and event["status"] != 101:
            event["headers"] = [*event["headers"], (b"connection", b"close")]
        await send(event)

    return closing


async def _send(send: Send, answer: Answer) -> None:
    headers = [
        (b"content-type", answer.content_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        *[(name.lower().encode(), value.encode()) for name, value in answer.headers],
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": answer.body})
