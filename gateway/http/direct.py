"""The short way from uvicorn's parser to the answer of a publish request, and back in one write.

ASGI passes a request and its answer on as events, checks each, and writes head and body apart; that costs about as much
as all the rest of the gateway spends on HTTP. What is not a publish request goes the ordinary way.
"""

from __future__ import annotations

from typing import cast

from uvicorn._types import ASGI3Application
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, RequestResponseCycle

from gateway.http.bounded import BoundedHttp
from gateway.http.intercept import Gateway, is_publish
from gateway.http.problems import Answer
from gateway.http.requests import Receive, Scope, Send


class DirectHttp(BoundedHttp):
    """Serves the application of `gateway.app`, which must be served without middleware."""

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: ASGI3Application) -> None:
        if isinstance(app, Gateway) and is_publish(cast(Scope, cycle.scope)):
            app = cast(ASGI3Application, _Direct(app, cycle))
        super()._start_asgi_task(cycle, app)


class _Direct:
    """Stands in for the application for one request; uvicorn sees to what it may raise."""

    def __init__(self, app: Gateway, cycle: RequestResponseCycle) -> None:
        self._app = app
        self._cycle = cycle

    async def __call__(self, scope: Scope, receive: Receive, _send: Send) -> None:
        cycle = self._cycle
        body = None if cycle.more_body else bytes(cycle.body)
        answer = await self._app.publish(scope, receive, body)
        if answer is None:
            return
        if cycle.flow.write_paused and not cycle.disconnected:
            await cycle.flow.drain()
        if not cycle.disconnected:
            _write(cycle, answer, closing=self._app.state.draining)


def _write(cycle: RequestResponseCycle, answer: Answer, *, closing: bool) -> None:
    cycle.keep_alive = cycle.keep_alive and not closing
    parts = [STATUS_LINE[answer.status]]
    parts += [b"%b: %b\r\n" % header for header in cycle.default_headers]
    parts.append(b"content-type: %b\r\ncontent-length: %d\r\n" % (answer.content_type.encode(), len(answer.body)))
    parts += [b"%b: %b\r\n" % (name.lower().encode(), value.encode()) for name, value in answer.headers]
    parts.append(b"\r\n" if cycle.keep_alive else b"connection: close\r\n\r\n")
    parts.append(answer.body)
    cycle.response_started = cycle.response_complete = True
    cycle.transport.write(b"".join(parts))
    cycle.message_event.set()
    if not cycle.keep_alive:
        cycle.transport.close()
    cycle.on_response()
