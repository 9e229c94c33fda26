"""Which messages look alike to a reviewer."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.core.similar import similar

TEXT = ["Guaranteed 30% returns weekly, send 500 USDT to my wallet and I double it."]
OTHERS = {
    "same": TEXT,
    "nearly": ["Guaranteed 35% returns weekly, send 600 USDT to my wallet and I double it!"],
    "other": ["The library opens at nine today."],
}


def test_the_most_alike_come_first_and_what_is_not_alike_not_at_all() -> None:
    found = similar(TEXT, OTHERS, 5)
    assert [key for key, _ in found] == ["same", "nearly"]
    assert found[0][1] == 1.0
    assert 0.5 < found[1][1] < 1.0
    assert similar(TEXT, OTHERS, 1) == found[:1]


def test_chinese_texts_are_compared_too() -> None:
    found = similar(
        ["加微信领取内部名额，稳赚不赔，日赚三千"],
        {"a": ["加微信领取内部名额，稳赚不赔，日赚五千"], "b": ["图书馆九点开门"]},
        5,
    )
    assert [key for key, _ in found] == ["a"]


@given(st.lists(st.text(max_size=50), max_size=3), st.lists(st.text(max_size=50), max_size=3))
def test_likeness_is_a_share_and_the_same_both_ways(one: list[str], other: list[str]) -> None:
    assert similar(one, {"x": one}, 1) == [("x", 1.0)]
    there, back = similar(one, {"x": other}, 1), similar(other, {"x": one}, 1)
    assert there == back
    assert all(0.5 <= share <= 1.0 for _, share in there)
