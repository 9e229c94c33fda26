"""How often strangers may ask for something that costs work: so much for each address, and so much for all together."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from math import ceil
from typing import Final

from gateway.http.problems import Problem
from gateway.http.requests import Scope
from gateway.ports import Clock

_PREFIX: Final = 64
"""Bits of an IPv6 address that tell two clients apart: one is given at least so large a network (RFC 6177)."""

_HARDLY: Final = 1e-3
"""Milliseconds that sums of fractions may be wrong by."""

Networks = Sequence[IPv4Network | IPv6Network]


class Limited(Problem):
    """Too many requests of one address, or of all; ``seconds`` is how long to wait, ``words`` what a page says."""

    def __init__(self, code: str, detail: str, words: str, wait_ms: int) -> None:
        self.seconds = ceil(wait_ms / 1000)
        self.words = words
        super().__init__(429, code, detail.format(seconds=self.seconds), headers=(("Retry-After", str(self.seconds)),))


class Rate:
    """``number`` for each address in ``seconds``, refilled steadily, ``total`` for all, unless it is None;
    ``addresses`` are remembered.

    When they are more, the one that was silent longest is forgotten, and begins anew; what all do together stays
    bounded. Each process counts for itself.
    """

    def __init__(self, number: int, seconds: float, total: int | None, addresses: int) -> None:
        self._number = number
        # What all addresses may that are remembered bounds nothing.
        self._total = number * addresses if total is None else total
        self._ms = seconds * 1000
        self._most = addresses
        self._left: OrderedDict[str, tuple[float, int]] = OrderedDict()
        self._all: tuple[float, int] = (float(self._total), 0)

    def __len__(self) -> int:
        return len(self._left)

    def wait_ms(self, address: str, now_ms: int) -> int:
        """How long this address has to wait until it may; 0 if it may now."""
        left = self._now(self._left.get(address), self._number, now_ms)
        together = self._now(self._all, self._total, now_ms)
        short = max((1.0 - left) / self._number, (1.0 - together) / self._total)
        return max(0, ceil(short * self._ms - _HARDLY))

    def take(self, address: str, now_ms: int) -> int:
        """Count one for this address if it may now, in one step; else as `wait_ms`."""
        if not (wait_ms := self.wait_ms(address, now_ms)):
            self._add(-1.0, address, now_ms)
        return wait_ms

    def give(self, address: str, now_ms: int) -> None:
        """Give back one that was counted."""
        self._add(1.0, address, now_ms)

    def _add(self, one: float, address: str, now_ms: int) -> None:
        left = self._now(self._left.pop(address, None), self._number, now_ms)
        self._left[address] = (min(left + one, float(self._number)), now_ms)
        together = self._now(self._all, self._total, now_ms)
        self._all = (min(together + one, float(self._total)), now_ms)
        if len(self._left) > self._most:
            self._left.popitem(last=False)

    def _now(self, had: tuple[float, int] | None, number: int, now_ms: int) -> float:
        if had is None:
            return float(number)
        return min(float(number), had[0] + max(0, now_ms - had[1]) * number / self._ms)


class Share:
    """What one client has of a rate."""

    def __init__(self, rate: Rate, address: str, clock: Clock) -> None:
        self._rate = rate
        self._address = address
        self._clock = clock

    def take(self) -> bool:
        """Count one; False, and nothing is counted, if there were too many."""
        return not self._rate.take(self._address, self._clock.now_ms())

    def give_back(self) -> None:
        """It does not count, after all."""
        self._rate.give(self._address, self._clock.now_ms())


def client_of(scope: Scope, trusted: Networks) -> str:
    """Who asks, as `Rate` tells clients apart: the socket's address, or, where that is a proxy of our own (in one of
    the ``trusted`` networks), the last one in ``X-Forwarded-For`` that is not. IPv6 addresses by their network."""
    client = scope.get("client")
    address = _address(client[0]) if client else None
    if address is None:
        return ""
    said = [value.decode("latin-1") for name, value in scope["headers"] if name == b"x-forwarded-for"]
    for text in reversed(",".join(said).split(",")):
        if not any(address in network for network in trusted):
            break
        before = _address(text.strip())
        if before is None:  # nobody said, or something that is no address: no more is known
            break
        address = before
    if isinstance(address, IPv6Address):
        return str(IPv6Network((int(address), _PREFIX), strict=False).network_address)
    return str(address)


def _address(text: str) -> IPv4Address | IPv6Address | None:
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    return address.ipv4_mapped or address if isinstance(address, IPv6Address) else address
