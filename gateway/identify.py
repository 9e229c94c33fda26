"""Whose credential is it? Known from before, registered, or asked of the platform; never stored in clear."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from urllib.parse import urlsplit

from gateway.platforms import mapping
from gateway.platforms.listeners import Listener
from gateway.ports import Clock, Credentials, Fault, Origin, OriginHead, Sealer

log = logging.getLogger(__name__)

_ANSWER_LIMIT = 65_536
"""Bytes that are read of a platform's answer to who calls."""

_TABLE_MS = 2_000
"""How long the table of credentials is believed: a person may have changed it in another process."""

_Place = tuple[str, str]


class CannotTell(Fault):
    """The platform could not be asked whose a credential is."""


class Identify:
    """Finds the account behind a credential.

    ``size`` bounds what is remembered, in entries; ``known_ms`` and ``unknown_ms`` how long an account, and the want of
    one, are believed before the platform is asked again; ``ask_seconds`` how long it may take to answer.
    """

    def __init__(
        self,
        credentials: Credentials,
        origin: Origin,
        sealer: Sealer,
        clock: Clock,
        size: int = 100_000,
        known_ms: int = 60_000,
        unknown_ms: int = 5_000,
        ask_seconds: float = 5.0,
    ) -> None:
        self._credentials = credentials
        self._origin = origin
        self._sealer = sealer
        self._clock = clock
        self._size = size
        self._known_ms = known_ms
        self._unknown_ms = unknown_ms
        self._ask_seconds = ask_seconds
        self._found: OrderedDict[_Place, tuple[str | None, int]] = OrderedDict()
        self._asking: dict[_Place, asyncio.Future[str | None]] = {}

    async def __call__(self, listener: Listener, credential: str) -> str | None:
        """The account id; None when nobody knows it. Raises `CannotTell`, or `StoreUnavailable`, when that cannot be
        told."""
        index = self._sealer.index(credential)
        place = (listener.name, index)
        account_id, until = self._found.get(place, (None, 0))
        if until > self._clock.now_ms():
            return account_id
        return await self._once(place, lambda: self._find(listener, credential, index))

    async def learn(self, listener: Listener, credential: str, account_id: str, seconds: float | None) -> None:
        """Remember whose a credential is that the platform has just issued. Raises `StoreUnavailable`."""
        index, whose = self._sealer.index(credential), listener.account_prefix + account_id
        expires_ms = None if seconds is None else self._clock.now_ms() + int(seconds * 1000)
        await self._credentials.put_credential(listener.tenant, listener.map.name, index, whose, expires_ms)
        self._found.pop((listener.name, index), None)

    async def _once(self, place: _Place, find: Callable[[], Awaitable[str | None]]) -> str | None:
        """Many requests with one new credential ask once."""
        if (asking := self._asking.get(place)) is not None:
            return await asyncio.shield(asking)
        future = self._asking[place] = asyncio.ensure_future(find())
        try:
            account_id = await asyncio.shield(future)
        finally:
            self._asking.pop(place, None)
        return account_id

    def _believe(self, place: _Place, account_id: str | None, for_ms: int) -> str | None:
        self._found[place] = (account_id, self._clock.now_ms() + for_ms)
        self._found.move_to_end(place)
        if len(self._found) > self._size:
            self._found.popitem(last=False)
        return account_id

    async def _find(self, listener: Listener, credential: str, index: str) -> str | None:
        known = await self._credentials.account_by_credential(
            listener.tenant, listener.map.name, index, self._clock.now_ms()
        )
        place = (listener.name, index)
        if known is not None:
            return self._believe(place, known, _TABLE_MS)
        asked = await self._ask(listener, credential)
        return self._believe(place, asked, self._unknown_ms if asked is None else self._known_ms)

    async def _ask(self, listener: Listener, credential: str) -> str | None:
        ask = mapping.whoami_request(listener.map, credential)
        if ask is None:
            return None
        host = (b"Host", urlsplit(listener.upstream).netloc.encode("ascii"))
        head = OriginHead(
            ask.method, listener.outer_target(ask.target), (host, (b"Content-Length", b"0"), *ask.headers)
        )
        try:
            async with asyncio.timeout(self._ask_seconds):
                response = await self._origin.send(listener, head, b"", reserved=True)
                body = await response.read(_ANSWER_LIMIT)
        except (Fault, TimeoutError) as fault:
            log.warning("the platform did not say who calls", {"listener": listener.name, "fault": str(fault)})
            raise CannotTell("the platform did not say who calls") from fault
        if response.status >= 500 or response.status == 429:
            raise CannotTell(f"the platform answered {response.status} when asked who calls")
        account_id = mapping.whoami_account(listener.map, response.status, body)
        return None if account_id is None else listener.account_prefix + account_id
