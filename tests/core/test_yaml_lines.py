"""Texts that nobody writes by hand are told before they are read."""

from __future__ import annotations

import pytest

from gateway.core.yaml_lines import DEEPEST, strange
from tests.policies import POLICY


def deep(levels: int) -> str:
    """Fields within one another."""
    return "".join([f"{' ' * level}a:\n" for level in range(levels)])


@pytest.mark.parametrize(
    "text", [POLICY, "", "a: [", "\x00", "a: &b 1", "[]" * 1000, "- a\n" * 1000, deep(DEEPEST), "a: '*b'"]
)
def test_what_people_write_is_not_strange(text: str) -> None:
    assert strange(text) == []


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        ("a: &b [1]\nc: [*b, *b]\n", 2, "aliases"),
        ("[" * 60_000, 1, "within one another"),
        ("{" * 60_000, 1, "within one another"),
        ("- " * 30_000, 1, "within one another"),
        (deep(DEEPEST + 1), DEEPEST + 1, "within one another"),
    ],
)
def test_what_costs_more_to_read_than_it_should_is(text: str, line: int, words: str) -> None:
    [problem] = strange(text)
    assert (problem.line, problem.field, words in problem.message) == (line, "file", True)
