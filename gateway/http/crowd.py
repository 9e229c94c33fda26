"""Which of the clients' connections stay when there are too many: each address has a share, and the idle go first."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Hashable, Iterable
from typing import Protocol


class Connection(Hashable, Protocol):
    """A client's connection."""

    def shed(self) -> None:
        """Close it: it is idle, and another needs its place."""


class Crowd:
    """At most ``total`` connections, of them ``each`` of one address; that of the empty address is not bounded by
    itself. One too many has the place of the one that has been idle longest, of its address or of all; where none is
    idle there is no place for it.
    """

    def __init__(self, total: int, each: int) -> None:
        self._total = total
        self._each = each
        self._addresses: dict[Connection, str] = {}
        self._numbers: Counter[str] = Counter()
        self._idle: OrderedDict[Connection, None] = OrderedDict()
        self._idle_of: dict[str, OrderedDict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._addresses)

    def join(self, connection: Connection, address: str) -> bool:
        """Take in a connection, idle as yet; False if there is no place for it."""
        waiting: Iterable[Connection] | None = None
        if address and self._numbers[address] >= self._each:
            waiting = self._idle_of.get(address, ())
        elif len(self._addresses) >= self._total:
            waiting = self._idle
        if waiting is not None:
            oldest = next(iter(waiting), None)
            if oldest is None:
                return False
            self.leave(oldest)
            oldest.shed()
        self._addresses[connection] = address
        self._numbers[address] += 1
        self.idle(connection)
        return True

    def idle(self, connection: Connection) -> None:
        """It has been answered, and asks nothing."""
        address = self._addresses.get(connection)
        if address is not None:
            for order in (self._idle, self._idle_of.setdefault(address, OrderedDict())):
                order[connection] = None
                order.move_to_end(connection)

    def busy(self, connection: Connection) -> None:
        """It has asked something."""
        address = self._addresses.get(connection)
        if address is not None and connection in self._idle:
            del self._idle[connection]
            of_address = self._idle_of[address]
            del of_address[connection]
            if not of_address:
                del self._idle_of[address]

    def leave(self, connection: Connection) -> None:
        """It has ended."""
        self.busy(connection)
        address = self._addresses.pop(connection, None)
        if address is not None:
            self._numbers[address] -= 1
            if not self._numbers[address]:
                del self._numbers[address]
