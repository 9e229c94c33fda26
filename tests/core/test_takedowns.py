"""Where a wish to take a message down, or to put it back, leads from each state."""

from __future__ import annotations

import pytest

from gateway.core.model import MessageState
from gateway.core.takedowns import FAILED, PUBLIC, WAITING, WISHED_DOWN, TakedownState, back, down

S = TakedownState


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (None, S.DUE),
        (S.DUE, None),
        (S.DONE, None),
        (S.FAILED, S.DUE),
        (S.CANCELLED, S.DUE),
        (S.RESTORE_DUE, S.DUE),
        (S.RESTORED, S.DUE),
        (S.RESTORE_FAILED, S.DUE),
    ],
)
def test_a_wish_to_take_down(state: TakedownState | None, after: TakedownState | None) -> None:
    assert down(state) is after


@pytest.mark.parametrize(
    ("state", "attempts", "after"),
    [
        (S.DUE, 0, S.CANCELLED),
        (S.DUE, 1, S.RESTORE_DUE),  # nobody can say that the attempt had no effect
        (S.DONE, 1, S.RESTORE_DUE),
        (S.FAILED, 3, S.RESTORE_DUE),  # somebody may have removed it by hand
        (S.FAILED, 0, S.RESTORE_DUE),
        (S.CANCELLED, 0, None),
        (S.RESTORE_DUE, 0, None),
        (S.RESTORED, 1, None),
        (S.RESTORE_FAILED, 1, S.RESTORE_DUE),
    ],
)
def test_a_wish_to_put_back(state: TakedownState, attempts: int, after: TakedownState | None) -> None:
    assert back(state, attempts) is after


def test_states_are_sorted() -> None:
    assert not WAITING & FAILED
    assert {S.DUE, S.DONE, S.FAILED} == WISHED_DOWN
    assert MessageState.HELD not in PUBLIC
    assert MessageState.BLOCKED not in PUBLIC
    assert MessageState.UNKNOWN in PUBLIC
