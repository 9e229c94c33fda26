"""Who calls where a request shows no account's credential: the one whose credentials its client showed before."""

from __future__ import annotations

from collections import OrderedDict

from gateway.identify import AskedTooOften, Asking, CannotTell, Identify, Refused
from gateway.platforms.listeners import Listener
from gateway.ports import Clock, Sealer

_CONTEXT = "credential that a client showed"
_MOST = 4
"""Credentials of one client that are remembered; of one that shows more nothing can be told."""

_Shown = OrderedDict[str, tuple[bytes, int]]
"""By the index of a credential: the credential, sealed, and until when it counts (unix ms)."""


class Clients:
    """Which credentials clients showed on listeners whose map has routes for it (`Route.caller`), for ``for_ms``.
    ``size`` bounds the clients that are remembered: the one that was silent longest is forgotten. In memory only, and
    sealed."""

    def __init__(
        self, identify: Identify, sealer: Sealer, clock: Clock, for_ms: int = 3_600_000, size: int = 10_000
    ) -> None:
        self._identify = identify
        self._sealer = sealer
        self._clock = clock
        self._for_ms = for_ms
        self._size = size
        self._clients: OrderedDict[tuple[str, str], _Shown] = OrderedDict()

    def note(self, listener: Listener, client: str, credential: str) -> None:
        """A client showed a credential that the platform took. A client without an address is nobody's."""
        if not client or not listener.map.learns_clients:
            return
        place = (listener.name, client)
        shown = self._clients.setdefault(place, OrderedDict())
        self._clients.move_to_end(place)
        if len(self._clients) > self._size:
            self._clients.popitem(last=False)
        index, until_ms = self._sealer.index(credential), self._clock.now_ms() + self._for_ms
        sealed = shown[index][0] if index in shown else self._sealer.seal(credential.encode(), _CONTEXT)
        shown[index] = (sealed, until_ms)
        shown.move_to_end(index)
        if len(shown) > _MOST + 1:
            shown.popitem(last=False)

    async def account_id(self, listener: Listener, client: str, asking: Asking) -> str | None:
        """The account that all credentials are of which this client showed lately; None where it showed none or more
        than one account's, or where nobody can say whose one is. Raises `StoreUnavailable`."""
        now_ms = self._clock.now_ms()
        shown = self._clients.get((listener.name, client), OrderedDict())
        lately = [(index, sealed) for index, (sealed, until_ms) in shown.items() if until_ms > now_ms]
        if len(lately) > _MOST:
            return None
        found: set[str | None] = set()
        for index, sealed in lately:
            credential = self._sealer.open(sealed, _CONTEXT).decode()
            try:
                found.add(await self._identify(listener, credential, asking))
            except Refused:  # it is no longer anybody's
                shown.pop(index, None)
            except (CannotTell, AskedTooOften):
                return None
        return found.pop() if len(found) == 1 else None
