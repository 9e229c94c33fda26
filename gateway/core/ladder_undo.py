"""What is left of an account's sanctions when one of its violations turns out to be none: what there would be, had it
never been held against the account."""

from __future__ import annotations

from collections.abc import Sequence

from classifiers.contract import Value
from gateway.core.ladder import Strike, ends_ms, replay
from gateway.core.ladder_rules import Ladder, Step
from gateway.core.model import Degree


class Given(Value, frozen=True):
    """A sanction that the ladder gave for an incident. ``starts_ms`` is None while it is proposed.

    ``waits``: it is proposed. ``stands``: it is in force, or its time is ``over``. ``fell``: it fell as others were
    taken back, and nobody judged it. None of these: a person declined or lifted it.
    """

    sanction_id: str
    incident_id: str
    step: Step
    starts_ms: int | None
    waits: bool = False
    stands: bool = False
    over: bool = False
    fell: bool = False


class Instead(Value, frozen=True):
    """A lighter sanction in the place of one that falls; ``in_force`` says whether it needs nobody's agreement."""

    strike: Strike
    step: Step
    starts_ms: int
    ends_ms: int | None
    in_force: bool


class Undone(Value, frozen=True):
    """The sanctions that fall, by id, and what stands in their place."""

    falls: tuple[str, ...]
    instead: tuple[Instead, ...]


def undo(history: Sequence[Strike], given: Sequence[Given], rules: Ladder, at_ms: int) -> Undone:
    """What becomes of the ladder's sanctions now that ``history`` is all that is held against the account.

    Nothing becomes stricter by it. What a person declined or lifted does not come back, and what only waited for a
    person waits on.
    """
    wanted = replay(history, rules)
    by_incident = {each.incident_id: each for each in given if not each.fell}
    falls = [
        each
        for each in given
        if (each.waits or each.stands) and not each.over and _less(wanted.get(each.incident_id), each.step)
    ]
    strictest = max([each.step.strictness() for each in given if each.waits or each.stands], default=(-1, 0.0))
    fallen_in_force = any(each.stands for each in falls)
    instead: list[Instead] = []
    for strike in history:
        step, known = wanted.get(strike.incident_id), by_incident.get(strike.incident_id)
        if step is None or step.strictness() > strictest or (known is None and not falls):
            continue
        if known is not None and not ((known.waits or known.stands) and _less(step, known.step)):
            continue
        starts = known.starts_ms if known is not None and known.starts_ms is not None else strike.at_ms
        ends = ends_ms(step.degree, step.days, starts, rules.decay_ms(strike.category))
        if ends is not None and ends <= at_ms:
            continue
        stood = known.stands if known is not None else fallen_in_force
        instead.append(Instead(strike, step, starts, ends, stood and step.degree is not Degree.CLOSE))
    return Undone(tuple([each.sanction_id for each in falls]), tuple(instead))


def _less(wanted: Step | None, had: Step) -> bool:
    return wanted is None or wanted.strictness() < had.strictness()
