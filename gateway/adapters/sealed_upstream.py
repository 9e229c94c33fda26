"""Forwards the requests of platforms: opens what was sealed, and sends it to the listener's upstream as it came."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

import msgspec

from gateway.core.records import SEALED, Envelope, Request, Tenant, UpstreamAnswer
from gateway.platforms import mapping
from gateway.platforms.call import Call
from gateway.platforms.listeners import Listener
from gateway.ports import Fault, Origin, OriginHead, Sealer, Upstream, UpstreamNotReached, UpstreamUnknown

ANSWER_LIMIT = 1024 * 1024
"""Bytes that are read of an answer to a publish request; platforms answer with far less."""

_envelope = msgspec.msgpack.Decoder(Envelope)


class SealedUpstream:
    """`gateway.ports.Upstream` for sealed requests; others go to ``native``. ``seconds`` bounds one exchange."""

    def __init__(
        self, native: Upstream, origin: Origin, sealer: Sealer, listeners: Mapping[str, Listener], seconds: float
    ) -> None:
        self._native = native
        self._origin = origin
        self._sealer = sealer
        self._listeners = listeners
        self._seconds = seconds

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """See `gateway.ports.Upstream`."""
        if request.content_type != SEALED:
            return await self._native.forward(tenant, message_id, request, content_hash)
        try:
            envelope = _envelope.decode(self._sealer.open(request.body, content_hash))
        except (Fault, msgspec.DecodeError) as error:
            raise UpstreamNotReached(f"the stored request cannot be opened: {error}") from error
        listener = self._listeners.get(envelope.listener)
        if listener is None or listener.tenant != tenant.tenant_id:
            raise UpstreamNotReached(f"this tenant has no listener {envelope.listener} any more")
        return await self._send(listener, envelope)

    async def _send(self, listener: Listener, envelope: Envelope) -> UpstreamAnswer:
        head = OriginHead(envelope.method, envelope.target, envelope.headers)
        try:
            async with asyncio.timeout(self._seconds):
                response = await self._origin.send(listener, head, envelope.body, reserved=True)
                body = await response.read(ANSWER_LIMIT)
        except TimeoutError as error:
            raise UpstreamUnknown(f"the upstream did not answer within {self._seconds} s") from error
        content_type = next(
            (value.decode("latin-1") for name, value in response.headers if name.lower() == b"content-type"), ""
        )
        verdict = mapping.verdict(listener.map, response.status, content_type, body)
        return UpstreamAnswer(
            response.status,
            body,
            content_type,
            response.headers,
            verdict,
            mapping.remembered(listener.map, envelope.route, content_type, body),
            fleeting=not envelope.keyed,
            handle=_handle(listener, envelope, body) if verdict is mapping.Verdict.ACCEPTED else None,
        )


def _handle(listener: Listener, envelope: Envelope, body: bytes) -> str | None:
    path, _, query = envelope.target.partition(b"?")
    if not path.startswith(listener.base_path.encode("ascii")):  # it has another base path since
        return None
    call = Call(envelope.method, listener.inner_path(path), query, envelope.headers, envelope.body)
    return mapping.handle(listener.map, listener.name, envelope.route, call, body)
