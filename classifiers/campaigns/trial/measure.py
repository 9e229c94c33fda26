"""What is measured: how many changed texts are found again, and how many different texts are taken for the same."""

from __future__ import annotations

import gzip
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import msgspec
import numpy as np

from classifiers.campaigns import sketch
from classifiers.campaigns.classifier import FEWEST_SHINGLES, prepared
from classifiers.campaigns.index import Index
from classifiers.campaigns.shingles import LEAST
from classifiers.campaigns.trial import templates
from classifiers.campaigns.trial.changes import Change
from classifiers.contract import Question

SETS: Final = ("reviews", "cdial", "cold", "agnews", "thucnews-titles")
"""Sets of texts by different people: ``NAME.jsonl.gz`` in the data directory, a line being an object with ``text``."""
_SEED: Final = 7
_SAME: Final = 0.5


class _Row(msgspec.Struct):
    text: str


@dataclass(slots=True)
class Text:
    """A text that counts, with its shingles and its signature."""

    text: str
    shingles: frozenset[str]
    signature: bytes


@dataclass(slots=True)
class Negatives:
    """Different texts of a set, each compared with all before it: texts, pairs, and those taken for the same.

    ``same`` are texts for which one of those pairs has at least half of its shingles in common, counted exactly: the
    set says the same thing twice there. ``campaigns`` are texts that two or more earlier ones were taken for.
    """

    texts: int = 0
    short: int = 0
    pairs: int = 0
    false_pairs: int = 0
    matched: int = 0
    same: int = 0
    campaigns: int = 0
    different_campaigns: int = 0
    examples: list[tuple[str, str]] = field(default_factory=list)


def read(path: Path, most: int) -> list[str]:
    """At most so many different texts of a set, in an order by chance. Raises `OSError` if the file is not there, and
    msgspec's ``DecodeError`` for a line that is no object with a text."""
    decoder = msgspec.json.Decoder(_Row)
    with gzip.open(path, "rb") as lines:
        texts = list(dict.fromkeys([decoder.decode(line).text for line in lines]))
    Random(_SEED).shuffle(texts)  # noqa: S311 - to be the same each time
    return texts[:most]


def advertisements() -> list[str]:
    """The templates as one recipient gets them."""
    chance = Random(_SEED)  # noqa: S311
    return [
        each.format(
            name=chance.choice(templates.NAMES),
            number=chance.choice(templates.NUMBERS),
            link=chance.choice(templates.LINKS),
        )
        for each in (*templates.ENGLISH, *templates.CHINESE)
    ]


def sketched(text: str) -> Text | None:
    """The text as the classifier sees it; None if it is too short to count."""
    own, significant, _ = prepared(Question("", "", "", (), (text,), (), 0))
    if significant < LEAST or len(own) < FEWEST_SHINGLES:
        return None
    return Text(text, frozenset(own), sketch.signature(sketch.values(own)))


class Memory:
    """An index of texts, with the texts."""

    def __init__(self, entries: int) -> None:
        self._index = Index(entries)
        self.texts: dict[int, Text] = {}

    def add(self, each: Text) -> int:
        """Remembers it and tells its slot."""
        signature = np.frombuffer(each.signature, np.uint8)
        slot = self._index.add(signature, 1, len(each.shingles), self._index.buckets(signature, 1))
        self.texts[slot] = each
        return slot

    def like(self, each: Text) -> list[int]:
        """The slots of the texts that it is taken for."""
        signature = np.frombuffer(each.signature, np.uint8)
        return self._index.find(signature, 1, len(each.shingles), self._index.buckets(signature, 1)).slots


def filled(memory: Memory, texts: Sequence[str]) -> tuple[Negatives, list[int]]:
    """Compares different texts with all in memory and adds them; tells their slots, too."""
    seen, slots, counted = set(), [], Negatives()
    for text in texts:
        each = sketched(text)
        if each is None:
            counted.short += 1
            continue
        if each.shingles in seen:  # but for numbers, links and punctuation, the text of another
            continue
        seen.add(each.shingles)
        counted.texts += 1
        counted.pairs += len(memory.texts)
        found = memory.like(each)
        alike = [slot for slot in found if _jaccard(each.shingles, memory.texts[slot].shingles) >= _SAME]
        counted.false_pairs += len(found) - len(alike)
        counted.matched += bool(found)
        counted.same += bool(alike)
        counted.campaigns += len(found) > 1
        counted.different_campaigns += len(found) > 1 and not alike
        if found and not alike:
            counted.examples.append((text, memory.texts[found[0]].text))
        slots.append(memory.add(each))
    return counted, slots


def recalled(
    memory: Memory, slots: Sequence[int], changes: Mapping[str, Change], most: int
) -> Iterator[tuple[str, int, int]]:
    """For each change its name, how many changed texts still count, and for how many of them the text was found."""
    others = [memory.texts[slot].text for slot in slots]
    chosen = Random(_SEED).sample(list(slots), min(most, len(slots)))  # noqa: S311
    for name, change in changes.items():
        chance, tried, found = Random(_SEED), 0, 0  # noqa: S311
        for slot in chosen:
            changed = sketched(change(memory.texts[slot].text, chance, others))
            tried += changed is not None
            found += changed is not None and slot in memory.like(changed)
        yield name, tried, found


def raised(
    memory: Memory, slots: Sequence[int], changes: Mapping[str, Change], most: int, accounts: int
) -> Iterator[tuple[str, int, int]]:
    """For each change its name, how many campaigns were tried, and how many of them were noticed: so many accounts send
    a text of their own making each, and one of these is taken for two others or more."""
    others = [memory.texts[slot].text for slot in slots]
    chosen = Random(_SEED).sample(list(slots), min(most, len(slots)))  # noqa: S311
    for name, change in changes.items():
        chance, noticed = Random(_SEED), 0  # noqa: S311
        for slot in chosen:
            own = Memory(2 * accounts)
            for _ in range(accounts):
                changed = sketched(change(memory.texts[slot].text, chance, others))
                if changed is not None:
                    if len(own.like(changed)) > 1:
                        noticed += 1
                        break
                    own.add(changed)
        yield name, len(chosen), noticed


def interval(hits: int, tries: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share (Wilson 1927)."""
    if not tries:
        return 0.0, 1.0
    z, share = 1.96, hits / tries
    middle = (share + z * z / (2 * tries)) / (1 + z * z / tries)
    half = z / (1 + z * z / tries) * math.sqrt(share * (1 - share) / tries + z * z / (4 * tries * tries))
    return max(0.0, middle - half), min(1.0, middle + half)


def _jaccard(one: frozenset[str], other: frozenset[str]) -> float:
    both = len(one & other)
    return both / (len(one) + len(other) - both)
