"""How far each partition has been settled: what may be committed while records settle out of order. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Hashable, Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

P = TypeVar("P", bound=Hashable)


@dataclass(slots=True)
class _Line:
    open: deque[int] = field(default_factory=deque)
    settled: set[int] = field(default_factory=set)
    position: int = -1
    committed: int = -1


class Positions(Generic[P]):
    """The settled positions of the partitions a consumer holds.

    A position is the offset of the next record to read after a restart: everything before it is settled.
    Its size is bounded by the records that are taken and not settled.
    """

    def __init__(self) -> None:
        self._lines: dict[P, _Line] = {}

    def take(self, partition: P, offset: int) -> None:
        """Work on this record begins. Offsets of a partition are taken in order."""
        self._lines.setdefault(partition, _Line()).open.append(offset)

    def settle(self, partition: P, offset: int) -> None:
        """This record needs no more work. Without effect for a partition given away meanwhile."""
        line = self._lines.get(partition)
        if line is None:
            return
        line.settled.add(offset)
        while line.open and line.open[0] in line.settled:
            done = line.open.popleft()
            line.settled.discard(done)
            line.position = max(line.position, done + 1)
        if not line.open:
            line.settled.clear()

    def moved(self) -> dict[P, int]:
        """The positions that have moved since they were last committed."""
        return {p: line.position for p, line in self._lines.items() if line.position > line.committed}

    def committed(self, positions: Mapping[P, int]) -> None:
        """These positions are stored."""
        for partition, position in positions.items():
            if (line := self._lines.get(partition)) is not None:
                line.committed = max(line.committed, position)

    def forget(self, partitions: Collection[P]) -> None:
        """These partitions belong to somebody else now."""
        for partition in partitions:
            self._lines.pop(partition, None)
