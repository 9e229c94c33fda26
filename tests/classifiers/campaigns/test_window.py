"""The window: it counts each message once, forgets, has bounds, and keeps tenants apart."""

from __future__ import annotations

from collections import deque
from random import Random

import numpy as np
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from classifiers.campaigns.index import Index
from classifiers.campaigns.sketch import PLACES, Sketch, token
from classifiers.campaigns.window import MOST_REPEATS, Window

MINUTE = 60_000
START = 1_700_000_000_000


def signature(text: int) -> bytes:
    return Random(text).randbytes(PLACES)  # noqa: S311 - to be the same each time


def sketch(number: int, text: int = 1, author: int = 1, at_ms: int = START, tenant: int = 1) -> Sketch:
    names = f"t{tenant}", f"a{author}", f"m{number}"
    return Sketch(
        token(names[0]),
        token(names[0], names[1]) if author else "",
        token(names[0], names[2]),
        at_ms,
        50,
        signature(text),
    )


class Remembered(RuleBasedStateMachine):
    """Against a list of messages that is looked through from end to end."""

    ENTRIES = 16

    def __init__(self) -> None:
        super().__init__()
        self.window = Window(1, self.ENTRIES)
        self.now = START
        self.messages: deque[tuple[Sketch, int]] = deque()
        self.early = 0

    @rule(
        number=st.integers(0, 60),
        text=st.integers(0, 4),
        author=st.integers(0, 4),
        tenant=st.integers(0, 1),
        late_ms=st.sampled_from([0, 0, 0, 1, 30_000, MINUTE - 1, MINUTE, 2 * MINUTE, -MINUTE]),
    )
    def note(self, number: int, text: int, author: int, tenant: int, late_ms: int) -> None:
        given = sketch(number, text, author, self.now - late_ms, tenant)
        alike = [
            each.author
            for each, at in self.messages
            if at > self.now - MINUTE and (each.tenant, each.signature) == (given.tenant, given.signature)
        ]
        known = any(each.message == given.message for each, _ in self.messages)
        assert self.window.knows(given) == known
        if not known and late_ms < MINUTE:
            alike.append(given.author)
            self.messages.append((given, min(given.at_ms, self.now)))
            if len(self.messages) > self.ENTRIES:
                self.early += self.messages.popleft()[1] > self.now - MINUTE
        found = self.window.note(given, self.now)
        assert found.accounts == len(set(alike) - {""})
        assert found.repeats == alike.count(given.author)

    @rule(ms=st.sampled_from([1, 500, 20_000, MINUTE]))
    def wait(self, ms: int) -> None:
        self.now += ms

    @invariant()
    def bounded(self) -> None:
        assert len(self.window) == len(self.messages) <= self.ENTRIES
        assert self.window.forgotten_early == self.early


TestRemembered = Remembered.TestCase
TestRemembered.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)


def test_memory_is_set_aside_once() -> None:
    window = Window(60, 500)
    before = window.nbytes
    for number in range(5_000):
        window.note(sketch(number, text=number % 700, author=number), START + number)
    assert window.nbytes == before
    assert len(window) == 500
    assert Window(60, 200_000).nbytes < 170_000_000


def test_one_account_cannot_fill_the_memory_of_a_text() -> None:
    window = Window(60, 1000)
    window.note(sketch(0, author=2), START)
    repeats = [window.note(sketch(number), START).repeats for number in range(1, 500)]
    assert repeats[: MOST_REPEATS + 1] == list(range(1, MOST_REPEATS + 2))
    assert set(repeats[MOST_REPEATS:]) == {MOST_REPEATS + 1}
    assert len(window) == MOST_REPEATS + 1
    assert window.note(sketch(999, author=3), START).accounts == 3


def test_a_flood_of_one_text_takes_one_place_in_the_index() -> None:
    window = Window(60, 100)
    window.note(sketch(0, text=7, author=50), START)
    for number in range(1, 90):
        window.note(sketch(number, text=8, author=number), START)
    assert window.note(sketch(99, text=7, author=51), START).accounts == 2


def test_a_text_is_found_as_long_as_it_is_among_the_newest() -> None:
    index = Index(100)
    arrays = [np.frombuffer(signature(text), np.uint8) for text in range(300)]
    slots: list[int] = []
    for text, array in enumerate(arrays):
        slots.append(index.add(array, 1, 50, index.buckets(array, 1)))
        for old in (text, max(0, text - 99)):
            assert index.find(arrays[old], 1, 50, index.buckets(arrays[old], 1)).slots == [slots[old]]
        if text >= 100:
            assert index.find(arrays[text - 100], 1, 50, index.buckets(arrays[text - 100], 1)).slots == []
    assert index.find(arrays[299], 2, 50, index.buckets(arrays[299], 1)).slots == []


def test_numbers_may_pass_32_bits() -> None:
    index = Index(100)
    index._next = 2**32 - 50  # after years of traffic
    arrays = [np.frombuffer(signature(text), np.uint8) for text in range(150)]
    for array in arrays:
        index.add(array, 1, 50, index.buckets(array, 1))
    there = [bool(index.find(array, 1, 50, index.buckets(array, 1)).slots) for array in arrays]
    assert there == [False] * 50 + [True] * 100


def test_short_texts_must_be_more_alike() -> None:
    index = Index(100)
    whole = np.frombuffer(signature(1), np.uint8)
    half = np.where(np.arange(PLACES) % 24 < 10, whole, np.frombuffer(signature(2), np.uint8)).astype(np.uint8)
    index.add(whole, 1, 60, index.buckets(whole, 1))
    buckets = index.buckets(half, 1)
    assert [len(index.find(half, 1, size, buckets).slots) for size in (6, 12, 60)] == [0, 0, 1]
