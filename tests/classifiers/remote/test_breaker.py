"""The circuit breaker against a model that remembers everything."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.remote.breaker import Breaker

FAILURES, PAUSE = 3, 10.0


def opened() -> Breaker:
    breaker = Breaker(FAILURES, PAUSE)
    said = []
    for _ in range(FAILURES):
        assert breaker.admits(0.0)
        said.append(breaker.failed(0.0))
    assert said == [False, False, True]  # told once, when it opens
    return breaker


def test_after_so_many_failures_in_a_row_nothing_is_asked_for_a_while() -> None:
    breaker = opened()
    assert not breaker.admits(0.0)
    assert not breaker.admits(PAUSE - 0.01)


def test_a_success_between_failures_forgives_them() -> None:
    breaker = Breaker(FAILURES, PAUSE)
    for _ in range(5):
        assert not breaker.failed(0.0)
        assert not breaker.failed(0.0)
        assert not breaker.worked()
    assert breaker.admits(0.0)


def test_after_the_pause_one_tries_and_the_others_wait_for_it() -> None:
    breaker = opened()
    assert breaker.admits(PAUSE)
    assert not breaker.admits(PAUSE)
    assert breaker.worked()
    assert breaker.admits(PAUSE)


def test_a_trial_that_fails_makes_another_pause() -> None:
    breaker = opened()
    assert breaker.admits(PAUSE)
    assert not breaker.failed(PAUSE)  # it was open already: nothing new to tell
    assert not breaker.admits(2 * PAUSE - 0.01)
    assert breaker.admits(2 * PAUSE)


@given(st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=60))
def test_it_refuses_only_within_a_pause_after_failures(steps: list[tuple[float, bool]]) -> None:
    breaker, now, row, last = Breaker(FAILURES, PAUSE), 0.0, 0, 0.0
    for waited, works in steps:
        now += waited
        if not breaker.admits(now):
            assert row >= FAILURES
            assert now < last + PAUSE
            continue
        assert row < FAILURES or now >= last + PAUSE
        if works:
            breaker.worked()
            row = 0
        else:
            breaker.failed(now)
            row, last = row + 1, now


@pytest.mark.parametrize("failures", [1, 2])
def test_it_opens_at_its_own_number(failures: int) -> None:
    breaker = Breaker(failures, PAUSE)
    assert [breaker.failed(0.0) for _ in range(failures)][-1]
