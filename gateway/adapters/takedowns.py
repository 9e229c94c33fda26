"""Tells apps and platforms to remove what was published, and apps to put it back."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import httpx
import orjson

from gateway.core.records import Verdict
from gateway.core.takedown_problems import Obstacle, TakedownProblem
from gateway.core.takedowns import TakedownState
from gateway.platforms import mapping, removing
from gateway.platforms.listeners import Listener
from gateway.platforms.mapping import Handle, NoWay, Removal
from gateway.platforms.schema import Way
from gateway.ports import Order, Origin, OriginHead, TakedownFault, TakedownImpossible

_ANSWER_LIMIT: Final = 1024 * 1024
_GONE: Final = 410
_AGAIN: Final = frozenset({401, 403, 408, 409, 425, 429})
"""Answers of an app by which the same may work later: its token is being changed, it is busy."""


class HttpTakedowns:
    """See `gateway.ports.Remover`. ``seconds`` bounds one request, and four times that all requests for one message."""

    def __init__(self, origin: Origin, listeners: Mapping[str, Listener], seconds: float = 10.0) -> None:
        self._origin = origin
        self._listeners = listeners
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(seconds), limits=httpx.Limits(max_connections=16), trust_env=False
        )

    async def carry_out(self, order: Order) -> None:
        """See `gateway.ports.Remover`."""
        if not order.listened:
            await self._tell(order)
        elif order.takedown.state is TakedownState.RESTORE_DUE:
            raise TakedownImpossible(TakedownProblem(Obstacle.NOT_RESTORABLE))
        else:
            await self._remove(order)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def _tell(self, order: Order) -> None:
        """Tell the app, at its own address."""
        takedown = order.takedown
        down = takedown.state is TakedownState.DUE
        action = "take_down" if down else "restore"
        if order.url is None:
            raise TakedownImpossible(TakedownProblem(Obstacle.NO_ADDRESS))
        answered = order.upstream
        body = {
            "action": action,
            "message_id": takedown.message_id,
            "account_id": takedown.account_id,
            "upstream": {"status": answered.status, "body": answered.value()} if answered is not None else None,
            "reason": takedown.reason,
        }
        headers = {
            "content-type": "application/json",
            # Of this wish: taken down once more after it was put back is not the same again.
            "idempotency-key": f"{takedown.message_id}:{action}:{takedown.asked_ms}",
            **_authorised(order.token_env),
        }
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("POST", order.url, content=orjson.dumps(body), headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise TakedownFault(TakedownProblem(Obstacle.NOT_REACHED, {"error": type(error).__name__})) from error
        if 200 <= status < 300 or (down and status == _GONE):
            return
        fault = TakedownFault if status in _AGAIN or status >= 500 else TakedownImpossible
        raise fault(TakedownProblem(Obstacle.APP_ANSWERED, {"status": str(status)}))

    async def _remove(self, order: Order) -> None:
        """Ask the platform, by its route map."""
        try:
            if order.handle is None:
                raise NoWay(TakedownProblem(Obstacle.NOTHING_KEPT))
            kept = mapping.read_handle(order.handle)
            listener = self._listeners.get(kept.listener)
            if listener is None or listener.tenant != order.takedown.tenant_id:
                raise NoWay(TakedownProblem(Obstacle.NO_LISTENER, {"listener": kept.listener}))
            way = removing.way_of(listener.map, kept)
            async with asyncio.timeout(4 * self._seconds):
                await self._remove_all(order, listener, way, kept)
        except NoWay as error:
            raise TakedownImpossible(error.problem) from error
        except TimeoutError as error:
            raise TakedownFault(TakedownProblem(Obstacle.SILENT)) from error

    async def _remove_all(self, order: Order, listener: Listener, way: Way, kept: Handle) -> None:
        common = {
            **removing.credential_values(_credential(listener)),
            "message_id": order.takedown.message_id,
            "reason": order.takedown.reason,
        }
        for found in kept.found:
            values = {**common, **found}
            asked = removing.first_request(listener.map, way, values)
            if asked is not None:
                answer = await self._ask(listener, asked)
                said, more = removing.first_answer(listener.map, way, *answer)
                _check(listener, said, answer[0])
                if not more:
                    continue  # gone
                values |= more
            answer = await self._ask(listener, removing.removal(listener.map, way, values))
            again = order.takedown.attempts > 1
            _check(listener, removing.removed(listener.map, values, *answer, again=again), answer[0])

    async def _ask(self, listener: Listener, removal: Removal) -> tuple[int, str, bytes]:
        """Status, content type and body of the platform's answer."""
        host = (b"Host", urlsplit(listener.upstream).netloc.encode("ascii"))
        head = OriginHead(removal.method, listener.outer_target(removal.target), (host, *removal.headers))
        async with asyncio.timeout(self._seconds):
            response = await self._origin.send(listener, head, removal.body, reserved=True)
            body = await response.read(_ANSWER_LIMIT)
        content_type = next(
            (value.decode("latin-1") for name, value in response.headers if name.lower() == b"content-type"), ""
        )
        return response.status, content_type, body


def _check(listener: Listener, said: Verdict, status: int) -> None:
    """Raise the fault that an answer stands for."""
    answered = {"platform": listener.map.name, "status": str(status)}
    match said:
        case Verdict.ACCEPTED:
            return
        case Verdict.REFUSED:
            raise NoWay(TakedownProblem(Obstacle.REFUSED, answered))
        case Verdict.EXPIRED:
            raise TakedownFault(TakedownProblem(Obstacle.CREDENTIAL_EXPIRED, {**answered, "source": _source(listener)}))
        case Verdict.LATER | Verdict.UNSURE:
            raise TakedownFault(TakedownProblem(Obstacle.ANSWERED, answered))


def _credential(listener: Listener) -> str:
    """Raises `NoWay` where there is none, and `TakedownFault` where its file has none for now."""
    source = {"source": _source(listener)}
    if listener.takedown_token_env:
        credential = os.environ.get(listener.takedown_token_env, "")
        if not credential:
            raise NoWay(TakedownProblem(Obstacle.CREDENTIAL_MISSING, source))
    elif listener.takedown_token_file:
        try:
            credential = Path(listener.takedown_token_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            why = {**source, "error": type(error).__name__}
            raise TakedownFault(TakedownProblem(Obstacle.CREDENTIAL_UNREADABLE, why)) from error
    else:
        raise NoWay(TakedownProblem(Obstacle.CREDENTIAL_UNNAMED, {"listener": listener.name}))
    if not credential:
        raise TakedownFault(TakedownProblem(Obstacle.CREDENTIAL_MISSING, source))
    return credential


def _source(listener: Listener) -> str:
    """Where the credential stands, as the listeners file has it."""
    if listener.takedown_token_env:
        return f"takedown_token_env {listener.takedown_token_env}"
    return f"takedown_token_file {listener.takedown_token_file}"


def _authorised(token_env: str | None) -> dict[str, str]:
    """The header with the token that forwards have too. Raises `TakedownImpossible` where there is none."""
    if not token_env:
        return {}
    token = os.environ.get(token_env)
    if not token or not token.isascii() or not token.isprintable():
        raise TakedownImpossible(TakedownProblem(Obstacle.NO_TOKEN, {"variable": token_env}))
    return {"authorization": f"Bearer {token}"}
