"""Whose credential is it? Known from before, registered, or asked of the platform; never stored in clear."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from typing import Protocol
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


class Refused(Exception):
    """The platform says that a credential is none of its accounts'."""


class AskedTooOften(Exception):
    """Who calls has had too many credentials asked about that turned out to be nobody's."""


class Asking(Protocol):
    """How often the platform may be asked for one client."""

    def take(self) -> bool:
        """Count a question; False, and nothing is counted, if there were too many."""

    def give_back(self) -> None:
        """The platform named an account, so the question does not count."""


class Identify:
    """Finds the account behind a credential.

    ``size`` bounds what is remembered, in entries; ``known_ms`` and ``unknown_ms`` how long an account, and the want of
    one, are believed before the platform is asked again; ``ask_seconds`` how long it may take to answer. Credentials
    that the platform refused are remembered apart, for ``refused_ms``: those that are made up crowd out no others.
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
        refused_ms: int = 60_000,
        refused_size: int = 10_000,
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
        self._refused_ms = refused_ms
        self._refused_size = refused_size
        self._refused: OrderedDict[_Place, int] = OrderedDict()
        self._asking: dict[_Place, asyncio.Future[str | None]] = {}

    async def __call__(self, listener: Listener, credential: str, asking: Asking) -> str | None:
        """The account id; None when nobody knows it and the platform is asked nothing. Raises `Refused` when the
        platform does not know it, `AskedTooOften` when it is not asked, and `CannotTell`, or `StoreUnavailable`, when
        that cannot be told."""
        index = self._sealer.index(credential)
        place = (listener.name, index)
        account_id, until = self._found.get(place, (None, 0))
        if until > self._clock.now_ms():
            return account_id
        if self._refused.get(place, 0) > self._clock.now_ms():
            raise Refused
        return await self._once(place, lambda: self._find(listener, credential, index, asking))

    async def learn(self, listener: Listener, credential: str, account_id: str, seconds: float | None) -> None:
        """Remember whose a credential is that the platform has just issued. Raises `StoreUnavailable`."""
        index, whose = self._sealer.index(credential), listener.account_prefix + account_id
        expires_ms = None if seconds is None else self._clock.now_ms() + int(seconds * 1000)
        await self._credentials.put_credential(listener.tenant, listener.map.name, index, whose, expires_ms)
        self._found.pop((listener.name, index), None)
        self._refused.pop((listener.name, index), None)

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

    async def _find(self, listener: Listener, credential: str, index: str, asking: Asking) -> str | None:
        known = await self._credentials.account_by_credential(
            listener.tenant, listener.map.name, index, self._clock.now_ms()
        )
        place = (listener.name, index)
        if known is not None:
            return self._believe(place, known, _TABLE_MS)
        ask = mapping.whoami_request(listener.map, credential)
        if ask is None:
            return self._believe(place, None, self._unknown_ms)
        if not asking.take():
            raise AskedTooOften
        try:
            account_id = await self._ask(listener, ask)
        except Refused:
            self._refuse(place)
            raise
        asking.give_back()
        return self._believe(place, account_id, self._known_ms)

    def _refuse(self, place: _Place) -> None:
        self._refused[place] = self._clock.now_ms() + self._refused_ms
        self._refused.move_to_end(place)
        if len(self._refused) > self._refused_size:
            self._refused.popitem(last=False)

    async def _ask(self, listener: Listener, ask: mapping.Ask) -> str:
        """The account that the platform names. Raises `Refused`, `CannotTell`."""
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
        account_id = mapping.whoami_account(listener.map, response.status, body)
        if account_id is not None:
            return listener.account_prefix + account_id
        if mapping.whoami_refuses(listener.map, response.status, body):
            raise Refused
        raise CannotTell(f"the platform answered {response.status} when asked who calls, and named no account")
