"""Rules that match, what stands around them, and what is left of them."""

from __future__ import annotations

import re

import pytest

from classifiers.normalise import normalise
from classifiers.rules import Context, Rule, Rulebook, Ruleset

JEST = Context("jest", re.compile("lol"), "around", 0.3)
DENIED = Context("denied", re.compile("never"), "around", 0.3, clears=True)


def book(*weights: tuple[str, float]) -> Rulebook:
    rules = [Rule(word, (word,), re.compile(word), weight, (JEST, DENIED), word) for word, weight in weights]
    return Rulebook([Ruleset("spam", 0.95, tuple(rules))])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("alpha", 0.85),
        ("alpha lol", 0.5),
        ("never alpha", 0.255),
        ("never alpha lol", 0.0765),
        ("beta", 0.6),
        ("beta lol", 0.18),
        ("beta gamma", 0.84),
        ("beta gamma lol", 0.5),
        ("never beta gamma", 0.3276),
        ("alpha beta gamma", 0.95),
        ("nothing", 0.0),
    ],
)
def test_what_is_nearly_sure_stays_at_a_half_unless_it_is_cleared(text: str, value: float) -> None:
    found = book(("alpha", 0.85), ("beta", 0.6), ("gamma", 0.6)).findings(normalise(text))
    assert sum(each.value for each in found) == pytest.approx(value)


def test_the_strongest_match_is_shown_first() -> None:
    [found] = book(("beta", 0.2), ("alpha", 0.4)).findings(normalise("beta alpha"))
    assert found.stretches == ((5, 10), (0, 4))
