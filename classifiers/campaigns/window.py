"""Who sent nearly the same text lately: the sketches of the last minutes, counted by account. Pure.

Bounded twice: no more than so many messages are remembered, the oldest being overwritten, and none counts longer than
so many minutes. A message counts once, whatever the number of times it is judged or read.
"""

from __future__ import annotations

from array import array
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.campaigns.index import Index, Matches
from classifiers.campaigns.sketch import Sketch

SAME: Final = 0.9
"""So alike texts share one entry of the index, that a flood does not fill it."""
MOST_REPEATS: Final = 32
"""More messages with the same text by one account add nothing."""
_LONGEST_WALK: Final = 4 * MOST_REPEATS
"""Messages with nearly the same text that are looked at, newest first: enough to see that they are many."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is remembered of a text, this message included.

    ``accounts`` are the different known accounts that sent it; ``repeats`` the messages with it by this message's
    account, or by unknown ones if this one is; ``shared`` are the places of the signature that others have, too.
    """

    accounts: int
    repeats: int
    shared: npt.NDArray[np.bool_]


class Window:
    """The sketches of the last ``minutes``, at most ``entries`` of them. Tenants see nothing of each other."""

    def __init__(self, minutes: float, entries: int) -> None:
        self._span_ms = round(minutes * 60_000)
        self._entries = entries
        self._index = Index(entries)
        self._newest = _numbers(entries)  # of each slot of the index: its newest message
        self._older = _numbers(entries)  # of each message: the one with the same text before it
        self._authors = _numbers(entries)
        self._times = _numbers(entries)
        self._keys = _numbers(entries)
        self._known: dict[int, int] = {}
        self._next = entries + 1
        self.forgotten_early = 0
        """Messages overwritten before their time, because there were more than ``entries`` in it."""

    @property
    def nbytes(self) -> int:
        """Memory set aside, in bytes, at most: for the arrays, and for the table of known messages when it is full."""
        arrays = (self._newest, self._older, self._authors, self._times, self._keys)
        return self._index.nbytes + sum([len(each) * each.itemsize for each in arrays]) + 170 * self._entries

    def __len__(self) -> int:
        """How many messages are remembered, old ones included that no longer count."""
        return len(self._known)

    def knows(self, sketch: Sketch) -> bool:
        """Whether this message is remembered."""
        return _number(sketch.message) in self._known

    def note(self, sketch: Sketch, now_ms: int) -> Found:
        """Remembers a message, if it is not known, and tells what there is of its text at that time."""
        tenant, author, key = _number(sketch.tenant), _number(sketch.author), _number(sketch.message)
        signature = np.frombuffer(sketch.signature, np.uint8)
        buckets = self._index.buckets(signature, tenant)
        matches = self._index.find(signature, tenant, sketch.size, buckets)
        counts = self._counts(matches, now_ms)
        if key not in self._known and self._is_recent(sketch.at_ms, now_ms):
            if counts.get(author, 0) < MOST_REPEATS:
                at = matches.slots[0] if matches.slots and matches.likeness[0] >= SAME else -1
                slot = self._index.add(signature, tenant, sketch.size, buckets) if at < 0 else at
                self._add(slot, at < 0, author, min(sketch.at_ms, now_ms), key, now_ms)
            counts[author] = counts.get(author, 0) + 1
        return Found(sum([each != 0 for each in counts]), counts.get(author, 0), matches.agreeing)

    def _is_recent(self, at_ms: int, now_ms: int) -> bool:
        return at_ms > now_ms - self._span_ms

    def _counts(self, matches: Matches, now_ms: int) -> dict[int, int]:
        """Messages that still count, by author, zero being unknown."""
        counts: dict[int, int] = {}
        left, oldest = _LONGEST_WALK, self._next - self._entries
        for slot in matches.slots:
            number = self._newest[slot]
            while number >= oldest and left:
                left -= 1
                place = number % self._entries
                if self._is_recent(self._times[place], now_ms):
                    author = self._authors[place]
                    counts[author] = counts.get(author, 0) + 1
                number = self._older[place]
        return counts

    def _add(self, slot: int, is_new: bool, author: int, at_ms: int, key: int, now_ms: int) -> None:
        number, place = self._next, self._next % self._entries
        if number > 2 * self._entries:
            if self._is_recent(self._times[place], now_ms):
                self.forgotten_early += 1
            self._known.pop(self._keys[place], None)
        self._older[place] = 0 if is_new else self._newest[slot]
        self._newest[slot] = number
        self._authors[place] = author
        self._times[place] = at_ms
        self._keys[place] = key
        self._known[key] = number
        self._next += 1


def _numbers(count: int) -> array[int]:
    return array("Q", bytes(8 * count))


def _number(digest: str) -> int:
    return int(digest, 16) if digest else 0
