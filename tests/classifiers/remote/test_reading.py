"""What is asked of an endpoint, and what its answers mean."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st
from openai.types import Moderation

from classifiers.contract import CATEGORIES
from classifiers.remote.reading import MAX_PARTS, THEIRS, Unreadable, inputs, read, request
from gateway.http.moderations import CATEGORIES as GATEWAYS
from gateway.http.moderations import INPUTS

OPENAI = {field.alias or name for name, field in Moderation.model_fields["categories"].annotation.model_fields.items()}  # type: ignore[union-attr]


def answer(*results: dict[str, Any], **fields: Any) -> bytes:
    return orjson.dumps({"results": results, **fields})


def scores(body: bytes, asked: int = 1, flagged: float = 0.6) -> dict[str, float]:
    return {score.category: score.value for score in read(body, asked, flagged)[1]}


def test_every_category_of_openai_and_of_a_gateway_has_one_here() -> None:
    assert set(THEIRS) >= OPENAI | set(GATEWAYS)
    assert set(THEIRS.values()) == CATEGORIES


@pytest.mark.parametrize("theirs", sorted(THEIRS))
def test_each_of_them_counts_as_its_own_here(theirs: str) -> None:
    assert scores(answer({"category_scores": {theirs: 0.4}})) == {THEIRS[theirs]: 0.4}


def test_the_worst_counts_of_several_names_and_of_several_texts() -> None:
    first = {"category_scores": {"violence": 0.1, "violence/graphic": 0.7, "hate": 0.2}}
    second = {"category_scores": {"violence": 0.3, "hate": 0.9, "hate/threatening": 0.0}}
    assert scores(answer(first, second), asked=2) == {"hate": 0.9, "violence": 0.7}


def test_what_the_endpoint_calls_true_scores_enough_to_be_looked_at() -> None:
    result = {"category_scores": {"sexual/minors": 0.02, "hate": 0.7, "spam": 0.5}}
    result |= {"categories": {"sexual/minors": True, "hate": True, "spam": False}}
    assert scores(answer(result)) == {"sexual_minors": 0.6, "hate": 0.7, "spam": 0.5}


def test_what_was_not_judged_has_no_score() -> None:
    result: dict[str, Any] = {"category_scores": {"hate": 0.0, "illicit": None, "violence": 0.0, "unheard of": 1.0}}
    result["category_applied_input_types"] = {"hate": [], "violence": ["text"]}
    assert scores(answer(result)) == {"violence": 0.0}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"\xff",
        b"[" * 100_000,
        b"null",
        answer(),
        answer({"category_scores": {"hate": 0.1}}, {"category_scores": {"hate": 0.1}}),
        answer({}),
        answer({"category_scores": {}}),
        answer({"category_scores": {"unheard of": 0.9}}),
        answer({"category_scores": {"hate": None}}),
        answer({"category_scores": {"hate": 1.5}}),
        answer({"category_scores": {"hate": -0.1}}),
        answer({"category_scores": {"hate": "high"}}),
        answer({"category_scores": {"hate": True}}),
        b'{"results": [{"category_scores": {"hate": NaN}}]}',
        orjson.dumps({"error": {"message": "busy"}}),
    ],
)
def test_what_is_no_answer_is_no_opinion(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, 1, 0.6)


@given(st.binary(max_size=200))
def test_no_bytes_raise_anything_else(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read(body, 1, 0.6)


def test_the_model_is_told_as_far_as_it_fits_a_version() -> None:
    good = {"category_scores": {"hate": 0.1}}
    assert read(answer(good, model="omni-moderation-2024-09-26"), 1, 0.6)[0] == "omni-moderation-2024-09-26"
    assert read(answer(good, model="\x1b[2J" + "a" * 100), 1, 0.6)[0] == "__2J" + "a" * 56
    assert read(answer(good), 1, 0.6)[0] == ""


@pytest.mark.parametrize(
    ("texts", "asked"),
    [
        ((), []),
        (("", " \n"), []),
        (("one",), ["one"]),
        (("", "one"), ["one"]),
        (("one", "two"), ["one", "two", "one\ntwo"]),
    ],
)
def test_each_part_is_asked_about_and_all_in_a_row(texts: tuple[str, ...], asked: list[str]) -> None:
    assert inputs(texts) == asked


@given(st.lists(st.text(max_size=5), max_size=MAX_PARTS + 5))
def test_nothing_is_left_out_and_an_endpoint_takes_them_all(texts: list[str]) -> None:
    asked = inputs(texts)
    assert len(asked) <= INPUTS
    said = [text for text in texts if text.strip()]
    assert asked == [] if not said else asked[-1] == "\n".join(said)


def test_the_model_is_named_only_if_there_is_one() -> None:
    assert orjson.loads(request(["早"], None)) == {"input": ["早"]}
    assert orjson.loads(request(["a"], "m")) == {"input": ["a"], "model": "m"}
