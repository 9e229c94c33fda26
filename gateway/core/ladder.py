"""The ladder: what comes of an account's violations. A pure function of their history and of the policy.

Violations that are repeats of one another (the same message, the same content) are one, and of those within
``incident_minutes`` of each other only one counts, the gravest. So what counts is the heaviest choice of violations no
two of which are near each other: a burst is one incident wherever it begins, and no further one can make the sum less.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from math import inf

from classifiers.contract import CATEGORIES, Value
from gateway.core.ladder_rules import Happening, Ladder, Step
from gateway.core.model import Degree

_MINUTE_MS = 60_000
DAY_MS = 86_400_000
MOST_OF_A_BURST = 20
"""Violations kept of one burst that are no graver than the others."""


class Strike(Value, frozen=True):
    """One violation by an account, at a moment (unix ms). ``content_hash`` is empty where it is not known."""

    incident_id: str
    tenant_id: str
    account_id: str
    at_ms: int
    happening: Happening
    category: str
    message_id: str
    content_hash: str = ""


def points(history: Sequence[Strike], rules: Ladder, at_ms: int) -> int:
    """How many steps up the account is at a moment (unix ms), by what has not decayed by then."""
    return _Sum(rules, [each for each in sorted(history, key=_order) if counts(each, rules, at_ms)]).points()


def step_of(reached: int, rules: Ladder) -> Step | None:
    """The step that so many points are; None for none."""
    return rules.steps[min(reached, len(rules.steps)) - 1] if reached > 0 else None


def next_sanction(history: Sequence[Strike], incident: Strike, rules: Ladder, at_ms: int) -> Step | None:
    """What comes of one more violation at a moment (unix ms); None where it adds nothing, because it repeats another or
    is near one that counts."""
    after = points([*history, incident], rules, at_ms)
    return step_of(after, rules) if after > points(history, rules, at_ms) else None


class Outlook(Value, frozen=True):
    """What one more violation by any of these categories would bring; None for nothing."""

    step: Step | None
    categories: tuple[str, ...]


def outlook(reached: int, rules: Ladder) -> list[Outlook]:
    """What the next violation would bring an account with so many points, if it is no repeat and near no other; what
    brings least in front."""
    by_weight: dict[int, list[str]] = {}
    for category in sorted(CATEGORIES):
        by_weight.setdefault(rules.weight(category), []).append(category)
    found: list[Outlook] = []
    for weight in sorted(by_weight):
        step = step_of(reached + weight, rules) if weight else None
        if found and found[-1].step == step:
            found[-1] = Outlook(step, (*found[-1].categories, *by_weight[weight]))
        else:
            found.append(Outlook(step, tuple(by_weight[weight])))
    return found


def need_not_be_kept(history: Sequence[Strike], strike: Strike, rules: Ladder) -> bool:
    """Whether a violation adds nothing to those that count, nor will if some of them turn out to be none: the same
    content in the same category is there, or so many others of its burst that one more changes nothing."""
    weight = rules.weight(strike.category)
    near_ms = strike.at_ms - rules.incident_minutes * _MINUTE_MS
    burst = 0
    for each in history:
        if each.category == strike.category and _same(each, strike):
            return True
        burst += near_ms < each.at_ms <= strike.at_ms and rules.weight(each.category) >= weight
    return burst >= MOST_OF_A_BURST


def ends_ms(degree: Degree, days: int | None, starts_ms: int, decays_ms: int) -> int | None:
    """When a sanction ends that starts at a moment; None for never. A warning without days ends when what it is for
    decays, which takes ``decays_ms``."""
    if days is not None:
        return starts_ms + days * DAY_MS
    return starts_ms + decays_ms if degree is Degree.WARN else None


def replay(history: Sequence[Strike], rules: Ladder) -> dict[str, Step]:
    """What the ladder gives for each incident, as they happened one after another, by the incident's id."""
    given: dict[str, Step] = {}
    live: list[Strike] = []
    total = _Sum(rules, live)
    first_decays_ms: float = inf
    for strike in sorted([each for each in history if rules.weight(each.category)], key=_order):
        if strike.at_ms >= first_decays_ms:
            live = [each for each in live if counts(each, rules, strike.at_ms)]
            total = _Sum(rules, live)
            first_decays_ms = min([_decays_ms(each, rules) for each in live], default=inf)
        before = total.points()
        live.append(strike)
        total.add(strike)
        first_decays_ms = min(first_decays_ms, _decays_ms(strike, rules))
        if total.points() > before and (step := step_of(total.points(), rules)) is not None:
            given[strike.incident_id] = step
    return given


def counts(strike: Strike, rules: Ladder, at_ms: int) -> bool:
    """Whether a violation counts at a moment: its category weighs something, and it has not decayed."""
    return rules.weight(strike.category) > 0 and at_ms < _decays_ms(strike, rules)


def _decays_ms(strike: Strike, rules: Ladder) -> int:
    return strike.at_ms + rules.decay_ms(strike.category)


def _same(one: Strike, other: Strike) -> bool:
    return one.message_id == other.message_id or (one.content_hash != "" and one.content_hash == other.content_hash)


def _order(strike: Strike) -> tuple[int, str]:
    return strike.at_ms, strike.incident_id


class _Sum:
    """The heaviest choice of violations no two of which are near each other, as they come in order of time."""

    def __init__(self, rules: Ladder, strikes: Iterable[Strike]) -> None:
        self._rules = rules
        self._near_ms = rules.incident_minutes * _MINUTE_MS
        self._moments: list[int] = []
        self._weights: list[int] = []
        self._best = [0]
        self._places: dict[tuple[str, str], int] = {}
        for strike in strikes:
            self.add(strike)

    def points(self) -> int:
        """What they weigh."""
        return self._best[-1]

    def add(self, strike: Strike) -> None:
        """One more, no earlier than the others. A repeat makes what it repeats as grave as itself."""
        weight = self._rules.weight(strike.category)
        names = [("message", strike.message_id)]
        if strike.content_hash:
            names.append(("content", strike.content_hash))
        place = next((self._places[name] for name in names if name in self._places), len(self._moments))
        for name in names:
            self._places.setdefault(name, place)
        if place == len(self._moments):
            self._moments.append(strike.at_ms)
            self._weights.append(weight)
        elif weight > self._weights[place]:
            self._weights[place] = weight
        else:
            return
        del self._best[place + 1 :]
        for each in range(place, len(self._moments)):
            # The heaviest choice among those up to this one: without it, or with it and those far enough before it.
            far = bisect_right(self._moments, self._moments[each] - self._near_ms, hi=each)
            self._best.append(max(self._best[-1], self._best[far] + self._weights[each]))
