"""Which remembered texts are like this one: locality-sensitive hashing over a ring of signatures. Pure.

Every signature stands in `BANDS` tables, in each under three of its bytes, so that texts alike in a third of their
shingles or more very probably meet in one of them (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, 3.4).
A bucket is a chain from the newest text to older ones, and a new text takes the place of the oldest. So nothing is ever
removed, and memory is what was set aside at the start. (`rensa.RMinHashLSH` can remove, but needs 3.3 kB an entry at 32
bands, and takes no signatures that were made elsewhere.)
"""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from classifiers.campaigns.sketch import PLACES, Bytes

_ROWS: Final = 3
BANDS: Final = PLACES // _ROWS
_DEPTH: Final = 8
"""How many texts of a bucket are looked at, newest first."""
_MIX: Final = np.uint32(0x9E3779B1)
_SHIFTS: Final = np.array([0, 8, 16], np.uint32)
_BY_CHANCE: Final = 1 / 256
"""Bytes that agree though the values do not."""

_FLOOR: Final = 0.33
_SHORT: Final = 1.5
_MOST_NEEDED: Final = 0.9


def needed(sizes: npt.NDArray[np.uint16]) -> npt.NDArray[np.float64]:
    """From which share of common shingles two texts are nearly the same, if the smaller one has so many shingles.

    Short texts of the same topic have much in common by chance. Chosen on measured curves, see
    `classifiers.campaigns.evaluate`.
    """
    return np.minimum(_MOST_NEEDED, _FLOOR + _SHORT / sizes)


class Matches:
    """Remembered texts that are nearly the same, with their slots and how alike they are (Jaccard, estimated)."""

    __slots__ = ("agreeing", "likeness", "slots")

    def __init__(self, slots: list[int], likeness: list[float], agreeing: npt.NDArray[np.bool_]) -> None:
        self.slots = slots
        self.likeness = likeness
        self.agreeing = agreeing
        """Places of the signature that agree with any of them."""


_NOTHING: Final = Matches([], [], np.zeros(PLACES, np.bool_))


class Index:
    """The last ``entries`` texts. A slot names a text until so many newer ones have been added."""

    def __init__(self, entries: int) -> None:
        bits = max(4, (entries - 1).bit_length())
        self._entries = entries
        self._shift = np.uint32(32 - bits)
        self._bands = np.arange(BANDS)
        self._tables = self._bands * (1 << bits)
        self._heads = np.zeros(BANDS << bits, np.uint32)
        self._older = np.zeros((entries, BANDS), np.uint32)
        self._signatures = np.zeros((entries, PLACES), np.uint8)
        self._tenants = np.zeros(entries, np.uint64)
        self._sizes = np.zeros(entries, np.uint16)
        self._next = entries + 1
        """Number of the next text. A text is there while its number, modulo 2^32, is among the last ``entries``;
        numbers begin so high that the zeros of unused tables are not."""

    @property
    def nbytes(self) -> int:
        """Memory set aside, in bytes; what was never used costs none."""
        parts = (self._heads, self._older, self._signatures, self._tenants, self._sizes)
        return sum([part.nbytes for part in parts])

    def buckets(self, signature: Bytes, tenant: int) -> npt.NDArray[np.int64]:
        """Where a signature stands in the tables; other places for every tenant."""
        keys = signature.reshape(BANDS, _ROWS).astype(np.uint32) << _SHIFTS
        mixed = (keys.sum(axis=1, dtype=np.uint32) ^ np.uint32(tenant & 0xFFFFFFFF)) * _MIX
        places: npt.NDArray[np.int64] = (mixed >> self._shift) + self._tables
        return places

    def find(self, signature: Bytes, tenant: int, size: int, buckets: npt.NDArray[np.int64]) -> Matches:
        """The tenant's texts that are nearly the same as this one, the most alike first."""
        now, ages = np.uint32(self._next & 0xFFFFFFFF), []
        age, bands = now - self._heads[buckets], self._bands
        for _ in range(_DEPTH):
            there = age <= self._entries
            age, bands = age[there], bands[there]
            if not age.size:
                break
            ages.append(age)
            age = now - self._older[(self._next - age.astype(np.int64)) % self._entries, bands]
        if not ages:
            return _NOTHING
        slots = (self._next - np.unique(np.concatenate(ages)).astype(np.int64)) % self._entries
        slots = slots[self._tenants[slots] == np.uint64(tenant)]
        agree = self._signatures[slots] == signature
        likeness = (agree.sum(axis=1) / PLACES - _BY_CHANCE) / (1 - _BY_CHANCE)
        near = likeness >= needed(np.minimum(self._sizes[slots], size))
        if not near.any():
            return _NOTHING
        order = np.argsort(-likeness[near], kind="stable")
        return Matches(slots[near][order].tolist(), likeness[near][order].tolist(), agree[near].any(axis=0))

    def add(self, signature: Bytes, tenant: int, size: int, buckets: npt.NDArray[np.int64]) -> int:
        """Remembers a text and tells its slot."""
        slot = self._next % self._entries
        self._signatures[slot] = signature
        self._tenants[slot] = tenant
        self._sizes[slot] = size
        self._older[slot] = self._heads[buckets]
        self._heads[buckets] = self._next & 0xFFFFFFFF
        self._next += 1
        return slot
