"""What holds of the ladder whatever an account does: more violations are never treated more lightly, what is taken back
leaves no trace, what is old is forgotten."""

from __future__ import annotations

from itertools import combinations

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, initialize, invariant, multiple, rule
from msgspec.structs import replace

from gateway.core.ladder import DAY_MS, Strike, ends_ms, next_sanction, points, replay, step_of
from gateway.core.ladder_rules import Happening, Ladder, Severe, Step
from gateway.core.ladder_undo import Given, undo
from gateway.core.model import Degree
from gateway.core.sanction_records import waits_for

MINUTE_MS = 60_000
CATEGORIES = ("spam", "hate", "terrorism")

steps = st.sampled_from([0, 1, 30 * MINUTE_MS, 59 * MINUTE_MS, 60 * MINUTE_MS, DAY_MS, 20 * DAY_MS, 100 * DAY_MS])
ladders = st.builds(
    Ladder,
    incident_minutes=st.sampled_from([0, 30, 60]),
    weights=st.dictionaries(st.sampled_from(CATEGORIES), st.integers(0, 3)),
    severe=st.builds(Severe, step=st.integers(1, 5), decay_days=st.sampled_from([30, 365])),
)


def strike(number: int, at_ms: int, category: str, content: int) -> Strike:
    """A violation by the one account."""
    return Strike(f"i{number:05}", "t", "a", at_ms, Happening.BLOCKED, category, f"m{number}", f"c{content}")


def strict(step: Step | None) -> tuple[int, float]:
    """How strict a step is; nothing is the least."""
    return (-1, 0.0) if step is None else step.strictness()


@st.composite
def histories(draw: st.DrawFn, *, repeats: bool = False) -> list[Strike]:
    """Violations, each with content of its own if there are no ``repeats``."""
    at_ms, found = 0, []
    for number in range(draw(st.integers(0, 8))):
        at_ms += draw(steps)
        content = draw(st.integers(0, number)) if repeats else number
        found.append(strike(number, at_ms, draw(st.sampled_from(CATEGORIES)), content))
    return found


@given(histories(), ladders, st.data())
def test_another_violation_at_any_time_never_makes_it_lighter(
    history: list[Strike], rules: Ladder, data: st.DataObject
) -> None:
    newest = history[-1].at_ms if history else 0
    at_ms = data.draw(st.integers(0, newest + DAY_MS))
    more = [*history, strike(99, at_ms, data.draw(st.sampled_from(CATEGORIES)), 99)]
    for now_ms in (at_ms, newest, newest + DAY_MS, newest + 80 * DAY_MS, newest + 200 * DAY_MS):
        assert points(more, rules, now_ms) >= points(history, rules, now_ms)
        assert strict(step_of(points(more, rules, now_ms), rules)) >= strict(
            step_of(points(history, rules, now_ms), rules)
        )


@given(histories(repeats=True), ladders)
def test_replaying_is_taking_them_one_after_another(history: list[Strike], rules: Ladder) -> None:
    one_by_one = {
        each.incident_id: next_sanction(history[:place], each, rules, each.at_ms) for place, each in enumerate(history)
    }
    assert replay(history, rules) == {name: step for name, step in one_by_one.items() if step is not None}


@given(histories(repeats=True), ladders, st.data())
def test_the_points_are_those_of_the_heaviest_choice(history: list[Strike], rules: Ladder, data: st.DataObject) -> None:
    now_ms = (history[-1].at_ms if history else 0) + data.draw(steps)
    distinct: dict[str, list[Strike]] = {}
    for each in history:
        if now_ms < each.at_ms + rules.decay_ms(each.category) and rules.weight(each.category):
            distinct.setdefault(each.content_hash, []).append(each)
    incidents = [(same[0].at_ms, max(rules.weight(each.category) for each in same)) for same in distinct.values()]
    apart = [
        choice
        for size in range(len(incidents) + 1)
        for choice in combinations(incidents, size)
        if all(abs(one[0] - other[0]) >= rules.incident_minutes * MINUTE_MS for one, other in combinations(choice, 2))
    ]
    assert points(history, rules, now_ms) == max(sum(weight for _, weight in choice) for choice in apart)


@given(histories(), ladders, st.data())
def test_the_next_sanction_is_never_lighter_for_an_account_with_more(
    history: list[Strike], rules: Ladder, data: st.DataObject
) -> None:
    newest = history[-1].at_ms if history else 0
    now_ms = newest + data.draw(steps)
    incident = strike(98, now_ms, data.draw(st.sampled_from(CATEGORIES)), 98)
    extra = strike(99, data.draw(st.integers(0, newest)), data.draw(st.sampled_from(CATEGORIES)), 99)
    more = sorted([*history, extra], key=lambda each: each.at_ms)
    one, other = next_sanction(history, incident, rules, now_ms), next_sanction(more, incident, rules, now_ms)
    if other is None:  # it belongs to an incident that the account was sanctioned for, no less
        other = step_of(points(more, rules, now_ms), rules)
    assert strict(other) >= strict(one)


@given(histories(), ladders, st.data())
def test_a_graver_violation_is_never_treated_more_lightly(
    history: list[Strike], rules: Ladder, data: st.DataObject
) -> None:
    if not history:
        return
    place = data.draw(st.integers(0, len(history) - 1))
    heavier = data.draw(
        st.sampled_from(
            [
                c
                for c in CATEGORIES
                if rules.weight(c) >= rules.weight(history[place].category)
                and rules.decay_ms(c) >= rules.decay_ms(history[place].category)
            ]
        )
    )
    graver = [*history[:place], replace(history[place], category=heavier), *history[place + 1 :]]
    now_ms = history[-1].at_ms
    assert points(graver, rules, now_ms) >= points(history, rules, now_ms)


@given(histories(), ladders, st.data())
def test_one_incident_counts_once(history: list[Strike], rules: Ladder, data: st.DataObject) -> None:
    if not history:
        return
    original = data.draw(st.sampled_from(history))
    now_ms = history[-1].at_ms
    near = data.draw(st.integers(0, max(0, rules.incident_minutes * MINUTE_MS - 1)))
    repeats = [strike(200 + n, now_ms + n, original.category, int(original.content_hash[1:])) for n in range(3)]
    if now_ms + 3 < original.at_ms + rules.decay_ms(original.category):
        assert points([*history, *repeats], rules, now_ms + 3) == points(history, rules, now_ms + 3)
    if rules.incident_minutes:
        burst = [strike(300 + n, now_ms + near * n // 10, history[-1].category, 300 + n) for n in range(10)]
        alone = points(burst, rules, now_ms + near)
        assert alone <= rules.weight(history[-1].category)


@given(
    st.lists(st.tuples(steps, st.integers(0, 5), st.sampled_from(CATEGORIES)), max_size=40),
    st.integers(0, 4),
    st.sampled_from([(), (Degree.WARN,), (Degree.WARN, Degree.RESTRICT, Degree.SUSPEND_RENEWAL, Degree.SUSPEND)]),
)
def test_the_breaker_holds(happened: list[tuple[int, int, str]], quota: int, automatic: tuple[Degree, ...]) -> None:
    rules = Ladder(daily_quota=quota, automatic=automatic)
    now_ms, imposed = 0, list[int]()
    histories: dict[int, list[Strike]] = {}
    for number, (wait, account, category) in enumerate(happened):
        now_ms += wait
        new = strike(number, now_ms, category, number)
        history = histories.setdefault(account, [])
        step = next_sanction(history, new, rules, now_ms)
        history.append(new)
        used = len([each for each in imposed if each > now_ms - DAY_MS])
        if step is not None and waits_for(step, used, rules) is None:
            assert step.degree is not Degree.CLOSE
            assert set(step.degrees()) <= set(automatic)
            imposed.append(now_ms)
    for moment in imposed:
        assert len([each for each in imposed if moment - DAY_MS < each <= moment]) <= quota


class Ladders(RuleBasedStateMachine):
    """An account as it lives, with the ladder's sanctions as they are given, taken back and ended. At any time they are
    what they would be, had what was taken back never been held against it."""

    live = Bundle("live")

    @initialize(ladder=ladders)
    def begin(self, ladder: Ladder) -> None:
        """A ladder, and an account of which nothing is known."""
        self.ladder = ladder
        self.now_ms = 0
        self.number = 0
        self.strikes: list[Strike] = []
        self.given: dict[str, Given] = {}
        self.ends: dict[str, int | None] = {}

    @rule(target=live, wait=steps, category=st.sampled_from(CATEGORIES), content=st.integers(0, 30))
    def violate(self, wait: int, category: str, content: int) -> Strike:
        """One more violation, perhaps with content that was there before."""
        self.now_ms += wait
        self.number += 1
        new = strike(self.number, self.now_ms, category, content)
        step = next_sanction(self.strikes, new, self.ladder, self.now_ms)
        self.strikes.append(new)
        if step is not None:
            self.impose(new, step, self.now_ms, step.degree is not Degree.CLOSE)
        return new

    @rule(target=live, wait=steps, count=st.integers(2, 12))
    def burst(self, wait: int, count: int) -> object:
        """Many messages within seconds: at most one more incident."""
        self.now_ms += wait
        before = points(self.strikes, self.ladder, self.now_ms)
        new = [self.violate(0 if n == 0 else 1000, "spam", 1000 + self.number) for n in range(count)]
        if self.ladder.incident_minutes:
            assert points(self.strikes, self.ladder, self.now_ms) <= before + self.ladder.weight("spam")
        return multiple(*new)

    @rule(wrong=consumes(live))
    def reverse(self, wrong: Strike) -> None:
        """It was no violation, nor was the same content."""
        before = points(self.strikes, self.ladder, self.now_ms)
        self.strikes = [each for each in self.strikes if each.content_hash != wrong.content_hash]
        self.refresh()
        undone = undo(self.strikes, list(self.given.values()), self.ladder, self.now_ms)
        by_id = {each.sanction_id: each for each in self.given.values()}
        for sanction_id in undone.falls:
            fallen = by_id[sanction_id]
            self.given[fallen.incident_id] = replace(fallen, waits=False, stands=False, fell=True)
        for instead in undone.instead:
            assert instead.step.degree is not Degree.CLOSE or not instead.in_force
            self.impose(instead.strike, instead.step, instead.starts_ms, instead.in_force)
        assert points(self.strikes, self.ladder, self.now_ms) <= before

    @rule(wait=steps)
    def wait(self, wait: int) -> None:
        """Time passes."""
        self.now_ms += wait

    @rule()
    def decay(self) -> None:
        """Time enough for everything to decay."""
        self.now_ms += self.ladder.longest_ms()
        assert points(self.strikes, self.ladder, self.now_ms) == 0

    @invariant()
    def as_if_it_had_never_been(self) -> None:
        """What is in force and what waits is what the ladder gives for what is left. What waits does not end."""
        self.refresh()
        by_id = {each.incident_id: each for each in self.strikes}
        expected: dict[str, tuple[Step, int | None]] = {}
        for incident_id, step in replay(self.strikes, self.ladder).items():
            mine, known = by_id[incident_id], self.given.get(incident_id)
            ends = ends_ms(step.degree, step.days, mine.at_ms, self.ladder.decay_ms(mine.category))
            waits = known is not None and known.waits
            if waits or ends is None or ends > self.now_ms:
                expected[incident_id] = (step, None if waits else ends)
        actual = {
            incident_id: (each.step, None if each.waits else self.ends[incident_id])
            for incident_id, each in self.given.items()
            if (each.stands and not each.over) or each.waits
        }
        assert actual == expected

    def impose(self, for_: Strike, step: Step, starts_ms: int, in_force: bool) -> None:
        self.ends[for_.incident_id] = ends_ms(step.degree, step.days, starts_ms, self.ladder.decay_ms(for_.category))
        self.given[for_.incident_id] = Given(
            f"s{len(self.ends)}-{for_.incident_id}-{self.now_ms}",
            for_.incident_id,
            step,
            starts_ms if in_force else None,
            waits=not in_force,
            stands=in_force,
        )

    def refresh(self) -> None:
        for incident_id, each in self.given.items():
            ends = self.ends[incident_id]
            if each.stands and not each.over and ends is not None and ends <= self.now_ms:
                self.given[incident_id] = replace(each, over=True)


TestLadders = Ladders.TestCase
TestLadders.settings = settings(max_examples=150, stateful_step_count=25, deadline=None)
