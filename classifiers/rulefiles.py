"""Reads the rows of ``rules/*.yaml``. The only file of the judging part that reads files."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Any, Final

import yaml

from classifiers import normalise
from classifiers.literals import required
from classifiers.normalising import tables
from classifiers.rules import Context, Rule, Rulebook, Ruleset

_MACRO: Final = re.compile(r"<(\w+)>")


class RuleError(ValueError):
    """A row that cannot be used; the text names the file, the rule and the reason."""


def load(names: Sequence[str]) -> tuple[Rulebook, str]:
    """The rules in these files of ``rules/`` and the version they make together with the normaliser.

    Raises `RuleError` for a row that cannot be used.
    """
    digest = hashlib.sha256(f"{normalise.VERSION} {tables.digest()}".encode())
    files = resources.files("classifiers") / "rules"
    sources = {name: (files / f"{name}.yaml").read_bytes() for name in ("contexts", *names)}
    for name in sorted(sources):
        digest.update(name.encode() + b"\0" + sources[name] + b"\0")
    contexts = _contexts(yaml.safe_load(sources["contexts"]))
    rulesets = [ruleset(name, yaml.safe_load(sources[name]), contexts) for name in names]
    return Rulebook(rulesets), digest.hexdigest()[:12]


def contexts() -> tuple[Mapping[str, Context], bytes]:
    """The contexts of ``rules/contexts.yaml`` by name, and the file's bytes for whoever makes a version of them."""
    source = (resources.files("classifiers") / "rules" / "contexts.yaml").read_bytes()
    return _contexts(yaml.safe_load(source)), source


def _contexts(rows: Mapping[str, Mapping[str, Any]]) -> dict[str, Context]:
    return {
        name: Context(
            name,
            _compile(f"contexts/{name}", row["pattern"], {}),
            row["where"],
            float(row["factor"]),
            bool(row.get("clears", False)),
        )
        for name, row in rows.items()
    }


def ruleset(file: str, data: Mapping[str, Any], contexts: Mapping[str, Context]) -> Ruleset:
    """The rules in one file's data.

    Raises `RuleError`, naming ``file`` and the row, for one that cannot be used.
    """
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
    try:
        usual = tuple([contexts[name] for name in [*data.get("contexts", []), *data.get("of_the_model", [])]])
    except KeyError as error:
        raise RuleError(f"{file}: contexts: unknown {error}") from error
    return Ruleset(data["category"], float(data["ceiling"]), tuple(rules), usual)


def _compile(where: str, pattern: str, words: Mapping[str, str]) -> re.Pattern[str]:
    try:
        return re.compile(_MACRO.sub(lambda match: f"(?:{words[match[1]]})", pattern))
    except (re.error, KeyError) as error:
        raise RuleError(f"{where}: {error}") from error
