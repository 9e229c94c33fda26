"""Weighted patterns over the canonical view of a text, softened by their context, combined to a probability.

The rows are data (``rules/*.yaml``), one file a category. A rule that matches gives its weight; a context in
which the words mean something else ("this traffic is killing me", a police report) multiplies the weight by
its factor. Different rules are taken as independent evidence (noisy-or). Pure; `rulefiles` reads the files.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, NamedTuple

from classifiers.gate import Gate
from classifiers.normalise import View

_MAX_MATCHES: Final = 16
NEARLY_SURE: Final = 0.8
HALF: Final = 0.5
"""How far a context may soften what is nearly sure, unless it clears it."""
_BEFORE: Final = 60
_AFTER: Final = 60
_SENTENCE_END: Final = re.compile(r"[.!?。\n]")

Where = Literal["inside", "before", "around", "text"]


@dataclass(frozen=True, slots=True)
class Context:
    """Circumstances in which a match means less: ``factor`` (0..1) multiplies its weight.

    ``where`` says which stretch is searched: the match itself (``inside``), its sentence up to its end
    (``before``), its whole sentence (``around``), or the whole window (``text``). Anybody can write "lol" or "(novel)"
    beside a threat, so a rule that is nearly sure stays at a half whatever such contexts say; one that ``clears`` (it
    was not said, or another said it) may take it lower.
    """

    name: str
    pattern: re.Pattern[str]
    where: Where
    factor: float
    clears: bool = False


@dataclass(frozen=True, slots=True)
class Rule:
    """One pattern with a text it is for. Every match has one of ``needs`` in it: the cheap first test."""

    name: str
    needs: tuple[str, ...]
    pattern: re.Pattern[str]
    weight: float
    contexts: tuple[Context, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Ruleset:
    """The rules of one category, and the ``contexts`` in which its words mean less to the learned model.

    ``ceiling`` is the most that patterns alone may say: where words can be innocent, a person decides.
    """

    category: str
    ceiling: float
    rules: tuple[Rule, ...]
    contexts: tuple[Context, ...] = ()


@dataclass(frozen=True, slots=True)
class Finding:
    """How likely a text is of a category, 0 to 1, and the stretches of its view that say so, the strongest first."""

    category: str
    value: float
    stretches: tuple[tuple[int, int], ...]


class Rulebook:
    """The rules of several categories, ready to be asked about texts."""

    def __init__(self, rulesets: Sequence[Ruleset]) -> None:
        self.rulesets: Final = tuple(rulesets)
        self._rules = [(ruleset, rule) for ruleset in rulesets for rule in ruleset.rules]
        self._gate = Gate([rule.needs for _, rule in self._rules])

    def findings(self, view: View) -> list[Finding]:
        """One finding for each category of which at least one rule matches."""
        doubt: dict[str, tuple[float, float]] = {}
        stretches: dict[str, list[tuple[float, tuple[int, int]]]] = {}
        ceilings: dict[str, float] = {}
        for index in self._gate.through(view.text):
            ruleset, rule = self._rules[index]
            best, span = _strongest(rule, view.text)
            if span is not None:
                category = ruleset.category
                left, uncleared = doubt.get(category, (1.0, 1.0))
                doubt[category] = left * (1.0 - best.value), uncleared * (1.0 - best.uncleared)
                stretches.setdefault(category, []).append((-best.value, span))
                ceilings[category] = ruleset.ceiling
        return [
            Finding(
                category,
                min(round(at_least_half(1.0 - left, 1.0 - uncleared), 4), ceilings[category]),
                tuple([span for _, span in sorted(stretches[category])]),
            )
            for category, (left, uncleared) in doubt.items()
        ]


class _Strength(NamedTuple):
    """What a match says: softened by its contexts, and without them unless one of them clears it."""

    value: float
    uncleared: float


def at_least_half(softened: float, uncleared: float) -> float:
    """What is left of something after contexts have softened it: of what is nearly sure without those that anybody can
    write beside it, a half at least."""
    return softened if uncleared < NEARLY_SURE else max(softened, HALF)


def _strongest(rule: Rule, text: str) -> tuple[_Strength, tuple[int, int] | None]:
    """The match that says most. Saying it again is no further evidence; beyond a few, no context is looked for."""
    best, span = _Strength(0.0, 0.0), None
    for count, match in enumerate(rule.pattern.finditer(text)):
        strength = _softened(rule, text, match) if count < _MAX_MATCHES else _Strength(rule.weight, rule.weight)
        if strength > best:
            best, span = strength, match.span()
        if best.value == rule.weight:
            break
    return best, span


def _softened(rule: Rule, text: str, match: re.Match[str]) -> _Strength:
    value, uncleared = rule.weight, rule.weight
    for context in rule.contexts:
        if context.pattern.search(stretch(context.where, text, *match.span())):
            value *= context.factor
            if context.clears:
                uncleared *= context.factor
    return _Strength(at_least_half(value, uncleared), uncleared)


def stretch(where: Where, text: str, start: int, end: int) -> str:
    """What of ``text`` a context of this place looks at, for a match at ``start:end``."""
    if where == "inside":
        return text[start:end]
    if where == "text":
        return text
    begin = max(0, start - _BEFORE)
    for stop in _SENTENCE_END.finditer(text, begin, start):
        begin = stop.end()
    if where == "before":
        return text[begin:end]
    stop_after = _SENTENCE_END.search(text, end, end + _AFTER)
    return text[begin : stop_after.start() if stop_after else end + _AFTER]
