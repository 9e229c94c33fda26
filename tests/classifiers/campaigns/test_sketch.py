"""Sketches: what they measure, what they hold, and what is refused."""

from __future__ import annotations

import msgspec
import numpy as np
import pytest

from classifiers.campaigns.sketch import PLACES, Sketch, decode, encode, holders, signature, token, values
from classifiers.contract import ContractError

SKETCH = Sketch(token("t"), token("t", "a"), token("t", "m"), 1_700_000_000_000, 9, bytes(range(PLACES)))


def words(first: int, last: int) -> list[str]:
    return [f"word {number}" for number in range(first, last)]


def test_a_signature_is_the_same_everywhere_and_always() -> None:
    assert signature(values(words(0, 50)))[:8].hex() == "bb3bb7307fec3027"
    assert signature(values(words(0, 50))) == signature(values(set(words(0, 50))))


@pytest.mark.parametrize("shared", [0, 100, 200, 400])
def test_signatures_agree_as_often_as_shingles_are_shared(shared: int) -> None:
    one, other = values(words(0, 400)), values(words(400 - shared, 800 - shared))
    assert float((one == other).mean()) == pytest.approx(shared / (800 - shared), abs=0.1)


def test_the_shingles_that_two_texts_share_are_sampled() -> None:
    one, other = values(words(0, 40)), values(words(20, 60))
    found = holders(words(0, 40), one, one == other)
    assert set(found) <= set(words(20, 40))
    assert len(found) > 10
    assert holders(words(0, 40), one, np.zeros(PLACES, np.bool_)) == []


def test_sketches_come_back_as_they_went() -> None:
    assert decode(encode([SKETCH, SKETCH])) == [SKETCH, SKETCH]
    unknown = msgspec.structs.replace(SKETCH, author="")
    assert decode(encode([unknown])) == [unknown]


@pytest.mark.parametrize(
    "change",
    [
        {"tenant": "t"},
        {"author": "0x"},
        {"message": "g" * 16},
        {"at_ms": -1},
        {"size": 0},
        {"size": 65_536},
        {"signature": b"short"},
    ],
    ids=str,
)
def test_what_is_no_sketch_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(ContractError, match=next(iter(change))):
        decode(encode([msgspec.structs.replace(SKETCH, **change)]))


@pytest.mark.parametrize("value", [b"", b"not json", b"{}", b"\xff", b"[" * 100_000])
def test_what_are_no_sketches_is_refused(value: bytes) -> None:
    with pytest.raises(ContractError, match="sketches"):
        decode(value)


def test_names_do_not_run_together() -> None:
    assert len({token("ab", "c"), token("a", "bc"), token("abc"), token("ab\ud800")}) == 4
