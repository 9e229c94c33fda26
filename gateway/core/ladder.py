"""The ladder: what comes of an account's violations. A pure function of their history and of the policy.

Violations that are repeats of one another (the same message, the same content) are one, and of those within
``incident_minutes`` of each other only one counts, the gravest. So what counts is the heaviest choice of violations no
two of which are near each other: a burst is one incident wherever it begins, and no further one can make the sum less.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

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
    moments: list[int] = []
    best = [0]
    for moment, weight in _incidents(history, rules, at_ms):
        # The heaviest choice among those up to this one: without it, or with it and those far enough before it.
        far = bisect_right(moments, moment - rules.incident_minutes * _MINUTE_MS)
        moments.append(moment)
        best.append(max(best[-1], best[far] + weight))
    return best[-1]


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
    ordered = sorted(history, key=_order)
    for place, strike in enumerate(ordered):
        if (step := next_sanction(ordered[:place], strike, rules, strike.at_ms)) is not None:
            given[strike.incident_id] = step
    return given


def counts(strike: Strike, rules: Ladder, at_ms: int) -> bool:
    """Whether a violation counts at a moment: its category weighs something, and it has not decayed."""
    return rules.weight(strike.category) > 0 and at_ms < strike.at_ms + rules.decay_ms(strike.category)


def _same(one: Strike, other: Strike) -> bool:
    return one.message_id == other.message_id or (one.content_hash != "" and one.content_hash == other.content_hash)


def _order(strike: Strike) -> tuple[int, str]:
    return strike.at_ms, strike.incident_id


def _incidents(history: Sequence[Strike], rules: Ladder, at_ms: int) -> list[tuple[int, int]]:
    """When each distinct violation began that still counts, and its weight, in order of time."""
    found: list[tuple[int, int]] = []
    places: dict[tuple[str, str], int] = {}
    for strike in sorted(history, key=_order):
        if not counts(strike, rules, at_ms):
            continue
        weight = rules.weight(strike.category)
        names = [("message", strike.message_id)]
        if strike.content_hash:
            names.append(("content", strike.content_hash))
        known = [places[name] for name in names if name in places]
        place = known[0] if known else len(found)
        if known:
            found[place] = (found[place][0], max(found[place][1], weight))
        else:
            found.append((strike.at_ms, weight))
        for name in names:
            places.setdefault(name, place)
    return found
