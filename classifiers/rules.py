"""Weighted patterns over the canonical view of a text, softened by their context, combined to a probability.

The rows are data (``rules/*.yaml``), one file a category. A rule that matches gives its weight; a context in
which the words mean something else ("this traffic is killing me", a police report) multiplies the weight by
its factor. Different rules are taken as independent evidence (noisy-or). Pure; files are read by `load`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any, Final, Literal

import yaml

from classifiers import normalise
from classifiers.literals import required
from classifiers.normalise import View

MAX_SPANS: Final = 8
"""Spans a score carries at most: enough to show a person what moved it, small enough for the reply record."""

_MAX_MATCHES: Final = 16
_BEFORE: Final = 60
_AFTER: Final = 60
_SENTENCE_END: Final = re.compile(r"[.!?。\n]")
_MACRO: Final = re.compile(r"<(\w+)>")

Where = Literal["inside", "before", "around", "text"]


class RuleError(ValueError):
    """A row that cannot be used; the text names the file, the rule and the reason."""


@dataclass(frozen=True, slots=True)
class Context:
    """Circumstances in which a match means less: ``factor`` (0..1) multiplies its weight.

    ``where`` says which stretch is searched: the match itself (``inside``), its sentence up to its end
    (``before``), its whole sentence (``around``), or the whole window (``text``).
    """

    name: str
    pattern: re.Pattern[str]
    where: Where
    factor: float


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
    """The rules of one category.

    ``ceiling`` is the most that patterns alone may say: where words can be innocent, a person decides.
    """

    category: str
    ceiling: float
    rules: tuple[Rule, ...]

    def score(self, view: View) -> tuple[float, list[tuple[int, int]]]:
        """How likely the text is of this category, 0 to 1, and the stretches of the view that say so."""
        text = view.text
        doubt = 1.0
        spans: list[tuple[int, int]] = []
        for rule in self.rules:
            for need in rule.needs:
                if need in text:
                    break
            else:
                continue
            strength, span = _strongest(rule, text)
            if span is not None:
                doubt *= 1.0 - strength
                spans.append(span)
        return (min(round(1.0 - doubt, 4), self.ceiling), spans) if spans else (0.0, spans)


def _strongest(rule: Rule, text: str) -> tuple[float, tuple[int, int] | None]:
    """The match that says most. Saying it again is no further evidence, so only a few are looked at."""
    best, span = 0.0, None
    for count, match in enumerate(rule.pattern.finditer(text)):
        strength = rule.weight
        for context in rule.contexts:
            if context.pattern.search(_stretch(context.where, text, match)):
                strength *= context.factor
        if strength > best:
            best, span = strength, match.span()
        if best == rule.weight or count == _MAX_MATCHES:
            break
    return best, span


def _stretch(where: Where, text: str, match: re.Match[str]) -> str:
    start, end = match.span()
    if where == "inside":
        return match[0]
    if where == "text":
        return text
    begin = max(0, start - _BEFORE)
    for stop in _SENTENCE_END.finditer(text, begin, start):
        begin = stop.end()
    if where == "before":
        return text[begin:end]
    stop_after = _SENTENCE_END.search(text, end, end + _AFTER)
    return text[begin : stop_after.start() if stop_after else end + _AFTER]


def load(names: Sequence[str]) -> tuple[tuple[Ruleset, ...], str]:
    """The rulesets in these files of ``rules/`` and the version they make together with the normaliser.

    Raises `RuleError` for a row that cannot be used.
    """
    digest = hashlib.sha256(normalise.VERSION.encode())
    files = resources.files("classifiers") / "rules"
    sources = {name: (files / f"{name}.yaml").read_bytes() for name in ("contexts", *names)}
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + sources[name] + b"\0")
    contexts = _contexts(yaml.safe_load(sources["contexts"]))
    rulesets = [_ruleset(name, yaml.safe_load(sources[name]), contexts) for name in names]
    return tuple(rulesets), digest.hexdigest()[:12]


def _contexts(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Context]:
    return {
        name: Context(
            name, _compile(f"contexts/{name}", row["pattern"], {}), row["where"], float(row["factor"])
        )
        for name, row in rows.items()
    }


def _ruleset(file: str, data: Mapping[str, Any], contexts: Mapping[str, Context]) -> Ruleset:
    words: Mapping[str, str] = data.get("words", {})
    rules = []
    for row in data["rules"]:
        where = f"{file}/{row.get('name')}"
        try:
            pattern = _compile(where, row["pattern"], words)
            named = row.get("contexts", data.get("contexts", []))
            rule = Rule(
                name=row["name"],
                needs=required(pattern.pattern),
                pattern=pattern,
                weight=float(row["weight"]),
                contexts=tuple([contexts[name] for name in named]),
                example=row["example"],
            )
        except KeyError as error:
            raise RuleError(f"{where}: missing or unknown {error}") from error
        if not 0.0 < rule.weight < 1.0:
            raise RuleError(f"{where}: weight: expected between 0 and 1")
        rules.append(rule)
    return Ruleset(data["category"], float(data["ceiling"]), tuple(rules))


def _compile(where: str, pattern: str, words: Mapping[str, str]) -> re.Pattern[str]:
    try:
        return re.compile(_MACRO.sub(lambda match: f"(?:{words[match[1]]})", pattern))
    except (re.error, KeyError) as error:
        raise RuleError(f"{where}: {error}") from error
