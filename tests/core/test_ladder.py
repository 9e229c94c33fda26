"""What comes of violations, one after another; what is one incident; what is held against an account at all."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.core.ladder import DAY_MS, Outlook, Strike, ends_ms, next_sanction, outlook, points, replay, step_of
from gateway.core.ladder_rules import Happening, Ladder, Severe, Step
from gateway.core.model import Degree

RULES = Ladder()
HOUR_MS = 3_600_000
START_MS = 1_800_000_000_000
WARN = Step(degree=Degree.WARN)
RESTRICT_3 = Step(degree=Degree.RESTRICT, days=3)
RESTRICT_7 = Step(degree=Degree.RESTRICT, days=7)
SUSPEND = Step(degree=Degree.SUSPEND, days=30, also=(Degree.SUSPEND_RENEWAL,))
CLOSE = Step(degree=Degree.CLOSE)


def strike(number: int, at_ms: int, category: str = "spam", content: int | None = None) -> Strike:
    """A violation of its own, or with the same content as another."""
    same = number if content is None else content
    return Strike(f"i-{number:03}", "t1", "acc-1", at_ms, Happening.BLOCKED, category, f"m-{number}", f"c-{same}")


def given(*strikes: Strike, rules: Ladder = RULES) -> list[Step | None]:
    """What the ladder gives for each, as they come."""
    return [next_sanction(strikes[:place], each, rules, each.at_ms) for place, each in enumerate(strikes)]


def daily(*categories: str) -> list[Strike]:
    """A violation a day."""
    return [strike(day, START_MS + day * DAY_MS, category) for day, category in enumerate(categories)]


def test_the_ladder_goes_up_a_step_for_each_incident_and_ends_at_the_last() -> None:
    assert given(*daily(*["spam"] * 6)) == [WARN, RESTRICT_3, RESTRICT_7, SUSPEND, CLOSE, CLOSE]


@pytest.mark.parametrize(
    ("categories", "expected"),
    [
        (["terrorism"], [SUSPEND]),
        (["sexual_minors", "spam"], [SUSPEND, CLOSE]),
        (["spam", "terrorism"], [WARN, CLOSE]),
        (["spam", "spam", "hate"], [WARN, RESTRICT_3, RESTRICT_7]),
    ],
)
def test_severe_categories_skip_steps(categories: list[str], expected: list[Step]) -> None:
    assert given(*daily(*categories)) == expected


@pytest.mark.parametrize(("history", "mild", "severe"), [([], WARN, SUSPEND), (["spam"] * 2, RESTRICT_7, CLOSE)])
def test_what_another_violation_would_bring_is_what_it_brings(
    history: list[str], mild: Step | None, severe: Step | None
) -> None:
    before = daily(*history)
    at_ms = START_MS + 20 * DAY_MS
    found = outlook(points(before, RULES, at_ms), RULES)
    assert [each.step for each in found] == [None, mild, severe]
    assert found[2].categories == ("sexual_minors", "terrorism")
    for each in found:
        for category in each.categories:
            assert next_sanction(before, strike(99, at_ms, category), RULES, at_ms) == each.step


def test_an_outlook_tells_what_weighs_nothing_and_joins_what_comes_to_the_same() -> None:
    rules = Ladder(steps=(WARN, CLOSE), weights={"spam": 0, "hate": 2})
    none, warn, close = outlook(0, rules)
    assert none == Outlook(None, ("self_harm", "spam"))
    assert (warn.step, "fraud" in warn.categories) == (WARN, True)
    assert close == Outlook(CLOSE, ("hate", "sexual_minors", "terrorism"))


def test_a_category_may_weigh_more_or_nothing() -> None:
    rules = Ladder(weights={"hate": 2, "spam": 0})
    assert given(*daily("hate", "spam", "fraud", "spam"), rules=rules) == [RESTRICT_3, None, RESTRICT_7, None]


@pytest.mark.parametrize(("category", "days"), [("spam", 90), ("terrorism", 365)])
def test_an_incident_counts_until_it_decays(category: str, days: int) -> None:
    one = strike(1, START_MS, category)
    over = START_MS + days * DAY_MS
    assert points([one], RULES, over - 1) > 0
    assert points([one], RULES, over) == 0


def test_a_warning_stands_until_its_incident_decays_and_a_restriction_for_its_days() -> None:
    assert ends_ms(Degree.WARN, None, START_MS, RULES.decay_ms("spam")) == START_MS + 90 * DAY_MS
    assert ends_ms(Degree.WARN, 5, START_MS, RULES.decay_ms("spam")) == START_MS + 5 * DAY_MS
    assert ends_ms(Degree.RESTRICT, 3, START_MS, 0) == START_MS + 3 * DAY_MS
    assert ends_ms(Degree.SUSPEND, None, START_MS, 1) is None


def test_the_same_content_and_the_same_message_are_one_incident() -> None:
    first, repeat = strike(1, START_MS), strike(2, START_MS + DAY_MS, content=1)
    taken_down = replace(strike(3, START_MS + 2 * DAY_MS), message_id="m-1", content_hash="")
    other = strike(4, START_MS + 3 * DAY_MS)
    assert given(first, repeat, taken_down, other) == [WARN, None, None, RESTRICT_3]


def test_a_repeat_in_a_graver_category_makes_the_incident_graver() -> None:
    first, graver = strike(1, START_MS), strike(2, START_MS + DAY_MS, "terrorism", content=1)
    assert given(first, graver) == [WARN, SUSPEND]
    assert points([first, graver], RULES, START_MS + DAY_MS) == 4


def test_ten_messages_in_a_minute_are_one_incident_wherever_it_begins() -> None:
    burst = [strike(number, START_MS + number * 6_000) for number in range(10)]
    assert given(*burst) == [WARN, *[None] * 9]
    assert points(burst, RULES, START_MS + DAY_MS) == 1


def test_what_is_far_enough_apart_counts_each_and_a_chain_of_near_ones_as_often_as_they_fit() -> None:
    half_hourly = [strike(number, START_MS + number * HOUR_MS // 2) for number in range(5)]
    assert points(half_hourly, RULES, START_MS + DAY_MS) == 3
    assert given(*half_hourly) == [WARN, None, RESTRICT_3, None, RESTRICT_7]


def test_without_a_window_everything_counts() -> None:
    rules = Ladder(incident_minutes=0)
    assert points([strike(1, START_MS), strike(2, START_MS)], rules, START_MS) == 2


def test_the_gravest_of_a_burst_counts() -> None:
    rules = Ladder(weights={"hate": 2})
    burst = [strike(1, START_MS), strike(2, START_MS + 1, "hate"), strike(3, START_MS + 2)]
    assert given(*burst, rules=rules) == [WARN, RESTRICT_3, None]


def test_replaying_gives_what_was_given() -> None:
    history = daily("spam", "hate", "terrorism")
    steps = given(*history)
    assert replay(list(reversed(history)), RULES) == dict(
        zip([each.incident_id for each in history], steps, strict=True)
    )


def test_no_points_are_no_step() -> None:
    assert step_of(0, RULES) is None


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"steps": (RESTRICT_7, RESTRICT_3)}, "steps: step 2 is lighter than the one before it"),
        ({"steps": (SUSPEND, Step(degree=Degree.SUSPEND, days=60))}, "steps: step 2 is lighter"),
        ({"automatic": (Degree.CLOSE,)}, "automatic: an account is never closed automatically"),
        ({"reviewers": {Degree.CLOSE: 1}}, "reviewers: it takes two to close an account"),
        ({"weights": {"rudeness": 1}}, "unknown categories: rudeness"),
        ({"severe": Severe(categories=("rudeness",))}, "unknown categories: rudeness"),
        ({"steps": ()}, "at least 1"),
    ],
)
def test_a_ladder_that_cannot_be_is_refused(changes: dict[str, object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Ladder(**changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "step",
    [
        {"degree": Degree.CLOSE, "days": 3},
        {"degree": Degree.CLOSE, "also": (Degree.SUSPEND,)},
        {"degree": Degree.SUSPEND, "also": (Degree.WARN,)},
        {"degree": Degree.SUSPEND, "also": (Degree.SUSPEND,)},
    ],
)
def test_a_step_that_cannot_be_is_refused(step: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"leave out|only other restrictions"):
        Step(**step)  # type: ignore[arg-type]


def test_closing_is_never_automatic_and_takes_two() -> None:
    assert not RULES.is_automatic(CLOSE)
    assert RULES.is_automatic(SUSPEND)
    assert not Ladder(automatic=(Degree.SUSPEND,)).is_automatic(SUSPEND), "what goes with it is not automatic"
    assert (Ladder(reviewers={}).needed(Degree.CLOSE), RULES.needed(Degree.RESTRICT)) == (2, 1)


def test_who_is_in_need_has_done_nothing_wrong_unless_the_policy_says_so() -> None:
    assert (Ladder().weight("self_harm"), Ladder(weights={"spam": 2}).weight("self_harm")) == (0, 0)
    assert Ladder(weights={"self_harm": 1}).weight("self_harm") == 1
    assert Ladder(severe=Severe(categories=("self_harm",), step=3)).weight("self_harm") == 3
