"""The rows: each finds its own example, none can run away, and the quick test never hides a match."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from classifiers.contract import CATEGORIES
from classifiers.gate import Gate
from classifiers.literals import required
from classifiers.normalise import WINDOW, normalise
from classifiers.rulefiles import RuleError, load, ruleset
from classifiers.rules import Rule
from classifiers.text import CATEGORIES as TEXT
from tests.patterns import nested_repeats

BOOK, VERSION = load([*TEXT, "news"])
RULES = [rule for rules in BOOK.rulesets for rule in rules.rules]
NAMES = [f"{rules.category}/{rule.name}" for rules in BOOK.rulesets for rule in rules.rules]


def test_the_files_cover_every_category_and_no_other() -> None:
    assert {rules.category for rules in BOOK.rulesets} == CATEGORIES


def test_names_are_unique() -> None:
    assert len(set(NAMES)) == len(NAMES)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_rule_finds_its_example(rule: Rule) -> None:
    view = normalise(rule.example)
    assert rule.pattern.search(view.text)
    assert any(need in view.text for need in rule.needs)


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_a_pattern_repeats_nothing_that_repeats(rule: Rule) -> None:
    for pattern in [rule.pattern, *[context.pattern for context in rule.contexts]]:
        assert nested_repeats(pattern.pattern) == []


@pytest.mark.parametrize("rule", RULES, ids=NAMES)
def test_the_quick_test_never_hides_a_match(rule: Rule) -> None:
    @settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.from_regex(rule.pattern))
    def check(text: str) -> None:
        if rule.pattern.search(text):
            assert any(need in text for need in rule.needs)

    check()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("part", ["word", "half", "whole"])
def test_no_text_makes_the_rules_slow(part: str) -> None:
    for rule in RULES:
        words = {"word": rule.example.split()[0], "half": rule.example[: len(rule.example) // 2 + 1]}
        piece = words.get(part, rule.example) + " "
        assert BOOK.findings(normalise((piece * WINDOW)[:WINDOW])) is not None


def test_the_gate_lets_through_what_may_match_and_no_more() -> None:
    gate = Gate([("kill ", "murder "), ("杀了",), ("q",), ("",), ("wx",), ("casino",)])
    assert gate.through("i will murder you") == [0, 3]
    assert gate.through("我杀了你 wx") == [1, 3, 4]
    assert gate.through("q") == [2, 3]
    assert gate.through("") == [3]


@given(st.lists(st.text("abc 杀了", max_size=5), min_size=1), st.text("abc 杀了", max_size=30))
def test_the_gate_agrees_with_plain_search(needs: list[str], text: str) -> None:
    assert Gate([needs]).through(text) == ([0] if any(need in text for need in needs) else [])


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("kill you", ("kill you",)),
        ("(?:kill|murder) you", ("kill you", "murder you")),
        ("a.*casino", ("casino",)),
        ("k[ie]ll?", ("kel", "kil")),
        (r"\d+%", ("%",)),
        (r"\w+", ("",)),
        ("(?:gun)?", ("",)),
        ("(?:gun)+shop", ("shop",)),
        (r"(?:\d+|gun)", ("",)),
        ("杀(?:了|死)", ("杀了", "杀死")),
    ],
)
def test_required_strings(pattern: str, expected: tuple[str, ...]) -> None:
    assert required(pattern) == expected


GOOD = {"name": "a", "weight": 0.5, "pattern": "kill", "example": "kill"}


@pytest.mark.parametrize(
    "change",
    [{"pattern": "("}, {"pattern": "<nobody>"}, {"weight": 1.5}, {"weight": 0}, {"contexts": ["nowhere"]}],
)
def test_a_row_that_cannot_be_used_is_named(change: dict[str, object]) -> None:
    ruleset("spam", {"category": "spam", "ceiling": 0.9, "rules": [GOOD]}, {})
    with pytest.raises(RuleError, match="spam/a"):
        ruleset("spam", {"category": "spam", "ceiling": 0.9, "rules": [GOOD | change]}, {})


def test_a_row_without_an_example_is_refused() -> None:
    row = {key: value for key, value in GOOD.items() if key != "example"}
    with pytest.raises(RuleError, match="example"):
        ruleset("spam", {"category": "spam", "ceiling": 0.9, "rules": [row]}, {})


def test_the_version_tells_the_files_apart() -> None:
    assert len(VERSION) == 12
    assert load(["news"])[1] != load(["spam"])[1]
    assert load(["news"])[1] == load(["news"])[1]
