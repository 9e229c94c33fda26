"""JSON with one reading only: what every parser reads alike is read, all else is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms.strict_json import MAX_DEPTH, MAX_VALUES, BadJson, loads

texts = st.text(st.characters(exclude_categories=["Cs"]))
plain = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(-1e15, 1e15) | texts
values = st.recursive(plain, lambda inner: st.lists(inner) | st.dictionaries(texts, inner), max_leaves=20)


@given(values, st.booleans())
def test_what_json_writes_is_read_back_equal(value: Any, ascii_only: bool) -> None:
    assert loads(json.dumps(value, ensure_ascii=ascii_only).encode()) == value


@given(st.lists(st.tuples(texts, plain), min_size=1), texts, st.integers(0, MAX_DEPTH - 1))
def test_a_key_twice_in_one_object_is_refused_at_any_depth(
    pairs: list[tuple[str, Any]], repeated: str, depth: int
) -> None:
    members = [f"{json.dumps(key)}: {json.dumps(value)}" for key, value in [*pairs, (repeated, 1), (repeated, 2)]]
    body = "[" * depth + "{" + ", ".join(members) + "}" + "]" * depth
    with pytest.raises(BadJson, match="given twice") as caught:
        loads(body.encode())
    assert caught.value.field in {repeated, *(key for key, _ in pairs)}


@pytest.mark.parametrize(
    "body",
    [
        rb'{"a": 1, "\u0061": 2}',
        b'{"a": {"b": 1}, "c": 2, "a": 3}',
        b'[{"a": 1}, {"a": 1, "a": 1}]',
        b'{"": 1, "": 2}',
    ],
)
def test_keys_are_compared_as_they_are_read(body: bytes) -> None:
    with pytest.raises(BadJson, match="given twice"):
        loads(body)


@pytest.mark.parametrize("body", [b'{"a": 1, "A": 2}', b'{"a": {"a": {"a": 1}}}', b'[{"a": 1}, {"a": 1}]'])
def test_the_same_key_in_different_objects_is_none_given_twice(body: bytes) -> None:
    assert loads(body) == json.loads(body)


def test_a_precomposed_key_is_another_than_a_decomposed_one() -> None:
    assert len(loads('{"\u00e9": 1, "e\u0301": 2}'.encode())) == 2


@pytest.mark.parametrize("pair", [(b"[", b"]"), (b'{"a":', b"}")], ids=["lists", "objects"])
def test_nesting_is_read_down_to_the_limit_and_no_deeper(pair: tuple[bytes, bytes]) -> None:
    opening, closing = pair
    inner = b"" if opening == b"[" else b"1"

    def nested(depth: int) -> bytes:
        return opening * depth + inner + closing * depth

    assert loads(nested(MAX_DEPTH)) is not None
    with pytest.raises(BadJson, match="body: nested deeper than 32 levels"):
        loads(nested(MAX_DEPTH + 1))


@pytest.mark.parametrize("depth", [1000, 100_000])
def test_absurd_nesting_is_refused_and_no_crash(depth: int) -> None:
    with pytest.raises(BadJson):
        loads(b"[" * depth + b"]" * depth)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"nul",
        b'{"a": 1',
        b"[1,]",
        b'{"a": 1,}',
        b"{'a': 1}",
        b"{a: 1}",
        b"// remark\n1",
        b'"\t"',
        b'"\x00"',
        b"01",
        b"+1",
        b".5",
        b"0x10",
        b"NaN",
        b"Infinity",
        b"-Infinity",
        b"1e400",
        b"-1e400",
        b"9" * 400,
        b"9" * 5000,
        rb'"\ud800"',
        rb'"\udc00\ud800"',
        rb'{"\ud800": 1}',
        rb'"\x41"',
        b'"\xff"',
        b'"\xc0\xaf"',
        b'"\xed\xa0\x80"',
        b'"\xf4\x90\x80\x80"',
        b"\xef\xbb\xbf{}",
        '{"a": 1}'.encode("utf-16"),
        '{"a": 1}'.encode("utf-32-le"),
        b"{} {}",
        b"{}\x00",
        b"1 2",
    ],
)
def test_what_parsers_could_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(BadJson) as caught:
        loads(body)
    assert caught.value.field == "body"


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b" \r\n\t{} ", {}),
        (rb'"\ud83d\ude00"', "\U0001f600"),
        (rb'"\u0000"', "\x00"),
        (b"9223372036854775807", 2**63 - 1),
        (b"-0", 0),
        (b"1E5", 1e5),
        (b"5e-324", 5e-324),
        (b"1e-400", 0.0),
    ],
)
def test_odd_but_clear(body: bytes, value: object) -> None:
    assert loads(body) == value


@pytest.mark.parametrize("shape", ["[{}]", '{{"a": [{}]}}', '{{"a": [[{}]]}}'])
def test_more_values_than_are_read_in_a_moment_are_refused(shape: str) -> None:
    few, many = (shape.format(",".join("1" for _ in range(count))) for count in (MAX_VALUES - 10, MAX_VALUES + 1))
    assert loads(few.encode()) == json.loads(few)
    with pytest.raises(BadJson, match=f"body: more than {MAX_VALUES} values"):
        loads(many.encode())
