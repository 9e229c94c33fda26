"""Whose question is judged next: turns of tenants, lanes, and what is not judged any more."""

from __future__ import annotations

import asyncio
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Question
from classifiers.contract.lanes import LONG, MANY, Lane, Turns, is_long


def question(*texts: str) -> Question:
    return Question("e-1", "m-1", "t1", ("text",), texts, (), 2**52)


@pytest.mark.parametrize(
    ("texts", "long"),
    [
        ((), False),
        (("x" * LONG,), False),
        (("x" * LONG, "x"), True),
        (("x",) * MANY, False),
        (("x",) * (MANY + 1), True),
    ],
)
def test_what_is_long(texts: tuple[str, ...], long: bool) -> None:
    assert is_long(question(*texts)) is long


@given(st.lists(st.sampled_from(["a", "b", "c", None]), max_size=60))
def test_nobody_is_served_twice_while_another_waits_and_each_in_order(acts: list[str | None]) -> None:
    """None takes; a name puts."""
    turns: Turns[tuple[str, int]] = Turns()
    waiting: defaultdict[str, list[int]] = defaultdict(list)
    passed: defaultdict[str, set[str]] = defaultdict(set)
    for number, act in enumerate(acts):
        if act is not None:
            turns.put(act, (act, number))
            waiting[act].append(number)
        elif len(turns):
            tenant, taken = turns.take()
            assert taken == waiting[tenant].pop(0)
            for other in [name for name, numbers in waiting.items() if numbers and name != tenant]:
                assert tenant not in passed[other]
                passed[other].add(tenant)
            passed[tenant].clear()
        assert len(turns) == sum(map(len, waiting.values()))


@pytest.mark.parametrize("threads", [0, 1, 3])
async def test_each_call_is_made_and_its_result_or_error_is_its_own(threads: int) -> None:
    lane = Lane("test", threads)

    def call(number: int) -> int:
        if number % 7 == 0:
            raise ZeroDivisionError
        return number

    futures = [lane.put(f"t{number % 3}", lambda number=number: call(number)) for number in range(50)]  # type: ignore[misc]
    results = await asyncio.gather(*futures, return_exceptions=True)
    assert [number if number % 7 else ZeroDivisionError for number in range(50)] == [
        type(result) if isinstance(result, BaseException) else result for result in results
    ]
    await lane.close()


async def test_a_call_that_nobody_waits_for_is_not_made() -> None:
    lane, made = Lane("test", 0), list[str]()
    first, second = lane.put("t1", lambda: made.append("first")), lane.put("t1", lambda: made.append("second"))
    first.cancel()
    await second
    await lane.close()
    assert made == ["second"]


async def test_the_loop_turns_between_the_calls_of_a_lane_without_threads() -> None:
    lane, seen = Lane("test", 0), list[int]()
    made = 0

    def call() -> None:
        nonlocal made
        made += 1
        sum(range(300_000))

    async def watch() -> None:
        while made < 40:
            seen.append(made)
            await asyncio.sleep(0)

    await asyncio.gather(watch(), *[lane.put("t1", call) for _ in range(40)])
    await lane.close()
    assert len(set(seen)) > 3
