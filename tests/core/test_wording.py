"""Validation errors say what to give, in the gateway's own words."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from gateway.platforms.native import BadBody, read


@pytest.mark.parametrize(
    ("fields", "field", "message"),
    [
        ({}, "account_id", "this field is required"),
        ({"account_id": "a", "text": "t", "colour": 1}, "colour", "there is no such field"),
        ({"account_id": "a", "text": 7}, "text", "give a string"),
        ({"account_id": "", "text": "t"}, "account_id", "give at least 1 characters"),
        ({"account_id": "a" * 256, "text": "t"}, "account_id", "give at most 255 characters"),
        ({"account_id": "a", "text": "t", "metadata": []}, "metadata", "give an object"),
        ({"account_id": "a"}, "body", "give at least one of title, text and media"),
    ],
)
def test_what_is_wrong_is_said_as_what_to_give(fields: dict[str, Any], field: str, message: str) -> None:
    with pytest.raises(BadBody) as caught:
        read(orjson.dumps(fields), "t1")
    assert (field, message) in caught.value.problems
