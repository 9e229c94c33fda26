"""What may be committed while records settle out of order."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from classifiers.positions import Positions


def taken(*offsets: int) -> Positions[str]:
    positions: Positions[str] = Positions()
    for offset in offsets:
        positions.take("p", offset)
    return positions


def test_nothing_moves_before_anything_is_settled() -> None:
    assert taken(5, 6).moved() == {}


def test_a_gap_holds_the_position() -> None:
    positions = taken(5, 6, 7)
    positions.settle("p", 6)
    assert positions.moved() == {}
    positions.settle("p", 5)
    assert positions.moved() == {"p": 7}


def test_offsets_may_have_holes() -> None:
    positions = taken(5, 9)
    positions.settle("p", 5)
    assert positions.moved() == {"p": 6}
    positions.settle("p", 9)
    assert positions.moved() == {"p": 10}


def test_a_stored_position_is_not_offered_again() -> None:
    positions = taken(5, 6)
    positions.settle("p", 5)
    positions.committed({"p": 6})
    assert positions.moved() == {}
    positions.settle("p", 6)
    assert positions.moved() == {"p": 7}


def test_a_partition_given_away_is_nobodys_business() -> None:
    positions = taken(5)
    positions.forget(["p"])
    positions.settle("p", 5)
    positions.committed({"p": 6})
    assert positions.moved() == {}


def test_records_read_again_do_not_move_the_position_back() -> None:
    positions = taken(5, 6, 5, 6)
    positions.settle("p", 5)
    positions.settle("p", 6)
    assert positions.moved() == {"p": 7}
    positions.settle("p", 5)
    assert positions.moved() == {"p": 7}


@given(st.permutations(range(12)), st.integers(0, 12))
def test_the_position_is_the_first_unsettled_offset(order: list[int], settled: int) -> None:
    positions = taken(*range(12))
    for offset in order[:settled]:
        positions.settle("p", offset)
    first_open = min(set(range(12)) - set(order[:settled]), default=12)
    assert positions.moved() == ({"p": first_open} if first_open else {})
