"""The policy: what is enough, what is too much, and what silence means. One YAML file, validated as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.model import Degree, Outcome
from gateway.core.wording import told

VIOLATIONS = CATEGORIES - {"news"}


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Choice = Annotated[Outcome, Field(strict=False)]


class Stage(_Part):
    """One classifier of the policy."""

    required: bool = True
    """Whether a message can be allowed without this opinion."""
    silence: Choice = Outcome.HOLD
    """The outcome when a required classifier is silent."""
    only: Literal["all", "media"] = "all"
    """Which messages it is asked about: all, or those that carry media."""


class Threshold(_Part):
    """From which probability a category is held, and from which it is blocked (None: never automatically)."""

    hold: Probability
    block: Probability | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.block is not None and self.block < self.hold:
            raise ValueError("block must not be below hold")
        return self


class Assurance(_Part):
    """A trust framework and the levels of it that are enough."""

    framework: str
    levels: tuple[str, ...] = Field(min_length=1, strict=False)


class Identity(_Part):
    """What it takes to publish, and what happens without."""

    accept: tuple[Assurance, ...] = Field(min_length=1, strict=False)
    missing: Choice = Outcome.BLOCK
    unverified: Choice = Outcome.BLOCK
    under_review: Choice = Outcome.HOLD
    expired: Choice = Outcome.BLOCK
    insufficient: Choice = Outcome.HOLD


class News(_Part):
    """Who may publish news. ``threshold``: from which probability a classifier's "news" counts."""

    threshold: Probability
    unauthorised: Choice = Outcome.HOLD
    unsourced: Choice = Outcome.HOLD


class Standing(_Part):
    """What each degree of sanction, and a suspended or closed account, means for a publish request."""

    sanctions: dict[Annotated[Degree, Field(strict=False)], Choice]
    suspended: Choice = Outcome.BLOCK
    closed: Choice = Outcome.BLOCK
    unknown_account: Choice = Outcome.HOLD

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := sorted(set(Degree) - set(self.sanctions)):
            raise ValueError(f"no outcome for: {', '.join(missing)}")
        return self


class Policy(_Part):
    """The whole policy. ``deadline_ms`` bounds one publish request up to its decision."""

    deadline_ms: int = Field(800, ge=10, le=60_000)
    classifiers: dict[str, Stage] = Field(min_length=1)
    categories: dict[str, Threshold]
    identity: Identity
    standing: Standing
    news: News

    @model_validator(mode="after")
    def _all_categories(self) -> Self:
        if unknown := sorted(set(self.categories) - VIOLATIONS):
            raise ValueError(f"categories: unknown: {', '.join(unknown)}")
        if missing := sorted(VIOLATIONS - set(self.categories)):
            raise ValueError(f"categories: no thresholds for: {', '.join(missing)}")
        return self

    def ask(self, media: bool) -> tuple[str, ...]:
        """The classifiers to ask about a message, with or without media."""
        return tuple([name for name, stage in self.classifiers.items() if media or stage.only == "all"])


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy, the text it was read from, and its version: SHA-256 (hex) of that text."""

    policy: Policy
    text: str
    version: str


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a policy file. ``line`` counts from 1."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.message}"


class PolicyError(ValueError):
    """A policy file that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def parse_policy(text: str) -> PolicyInForce:
    """Read a policy from YAML.

    Raises `PolicyError` naming the line and field of each problem: not YAML, a key given twice, an unknown or
    missing field, a value out of range.
    """
    lines: dict[tuple[str, ...], int] = {}
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
        repeated = _walk(root, (), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = str(getattr(error, "problem", None) or error)
        raise PolicyError([Problem(mark.line + 1 if mark else 1, "file", message)]) from error
    except (ValueError, RecursionError) as error:  # a date that does not exist; an alias inside of what it stands for
        raise PolicyError([Problem(1, "file", f"cannot be read: {error}")]) from error
    if repeated:
        raise PolicyError(repeated)
    if not isinstance(values, dict):
        raise PolicyError([Problem(1, "file", "expected a mapping of fields")])
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise PolicyError([_problem(e, lines) for e in error.errors()]) from error
    return PolicyInForce(policy, text, hashlib.sha256(text.encode()).hexdigest())


def _walk(node: yaml.Node | None, path: tuple[str, ...], lines: dict[tuple[str, ...], int]) -> list[Problem]:
    """Note the line of every field below ``node``; return the keys that stand twice in one mapping."""
    repeated: list[Problem] = []
    lines.setdefault(path, node.start_mark.line + 1 if node else 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here, line = (*path, str(key.value)), key.start_mark.line + 1
            lines[here] = line
            if key.value in seen:
                repeated.append(Problem(line, ".".join(here), "given twice"))
            seen.add(key.value)
            repeated += _walk(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            repeated += _walk(item, (*path, str(index)), lines)
    return repeated


def _problem(error: Any, lines: dict[tuple[str, ...], int]) -> Problem:
    path = tuple(str(part) for part in error["loc"] if part != "[key]")
    known = path
    while known not in lines:
        known = known[:-1]
    return Problem(lines[known], ".".join(path) or "file", told(error))
