"""The policy: what is enough, what is too much, and what silence means. One YAML file, validated as a whole."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Annotated, Literal, Self

from pydantic import Field, PrivateAttr, ValidationError, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.appeals import AppealPolicy
from gateway.core.dsa_rules import Transparency
from gateway.core.holds import Holds
from gateway.core.ladder_rules import Ladder
from gateway.core.model import STANDARD, Degree, Outcome, RegistrantKind, Suspension
from gateway.core.policy_part import Choice, Part, Probability
from gateway.core.report_rules import Reports
from gateway.core.yaml_lines import Problem, read_yaml, to_problem

VIOLATIONS = CATEGORIES - {"news"}


class Stage(Part):
    """One classifier of the policy."""

    required: bool = True
    """Whether a message can be allowed without this opinion."""
    silence: Choice = Outcome.HOLD
    """The outcome when a required classifier is silent."""
    only: Literal["all", "media"] = "all"
    """Which messages it is asked about: all, or those that carry media."""


class Threshold(Part):
    """From which probability a category is held, and from which it is blocked (None: never automatically)."""

    hold: Probability
    block: Probability | None = None

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.block is not None and self.block < self.hold:
            raise ValueError("block must not be below hold")
        return self


class Assurance(Part):
    """A trust framework and the levels of it that are enough."""

    framework: str
    levels: tuple[str, ...] = Field(min_length=1, strict=False)


class Identity(Part):
    """What it takes to publish, and what happens without.

    ``classes`` gives classes of accounts an ``accept`` of their own. A verification that ends within
    ``reverify_days`` is due to be renewed.
    """

    accept: tuple[Assurance, ...] = Field(min_length=1, strict=False)
    classes: dict[str, Annotated[tuple[Assurance, ...], Field(min_length=1, strict=False)]] = Field({})
    reverify_days: int = Field(30, ge=0, le=366)
    missing: Choice = Outcome.BLOCK
    unverified: Choice = Outcome.BLOCK
    under_review: Choice = Outcome.HOLD
    expired: Choice = Outcome.BLOCK
    insufficient: Choice = Outcome.HOLD

    def known_classes(self) -> tuple[str, ...]:
        """The classes that an account can be given. Another would ask no more than `STANDARD` does."""
        return (STANDARD, *[name for name in self.classes if name != STANDARD])


class Registration(Part):
    """Who may register.

    ``max_accounts``: how many open accounts a registrant of each kind may have. A closed account's name may not be
    registered again for ``name_bar_days``, its registrant not for ``registrant_bar_days`` where it was closed for a
    violation; for ``erased_days`` an erased registrant leaves a mark of its identifiers behind.
    """

    max_accounts: dict[Annotated[RegistrantKind, Field(strict=False)], Annotated[int, Field(ge=1)]] = Field(
        {RegistrantKind.PERSON: 5, RegistrantKind.ORGANISATION: 50}
    )
    name_bar_days: int = Field(365, ge=0, le=36_600)
    registrant_bar_days: int = Field(1825, ge=0, le=36_600)
    erased_days: int = Field(1825, ge=0, le=36_600)
    _suspension: Suspension = PrivateAttr(Suspension.RENEWAL)

    @property
    def suspension(self) -> Suspension:
        """What the degree ``suspend_renewal`` suspends, see `Standing`."""
        return self._suspension

    def with_suspension(self, suspension: Suspension) -> Self:
        """The same rules with another meaning of the degree ``suspend_renewal``."""
        rules = self.model_copy()
        rules._suspension = suspension
        return rules

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := sorted(set(RegistrantKind) - set(self.max_accounts)):
            raise ValueError(f"max_accounts: no number for: {', '.join(missing)}")
        return self


class News(Part):
    """Who may publish news. ``threshold``: from which probability a classifier's "news" counts.

    What happens to news by an account that may not publish it (``unauthorised``); and, by an account that may only
    re-publish, to news that names no source (``unsourced``), one that is not in the whitelist (``unlisted``), one whose
    text is not known here (``unseen``), to a text that was changed (``altered``), and to one that has little to do with
    the source that it names (``unrelated``). A licence that ends within ``warn_days`` is warned of.
    """

    threshold: Probability
    unauthorised: Choice = Outcome.HOLD
    unsourced: Choice = Outcome.HOLD
    unlisted: Choice = Outcome.HOLD
    unseen: Choice = Outcome.HOLD
    altered: Choice = Outcome.HOLD
    unrelated: Choice = Outcome.HOLD
    warn_days: int = Field(30, ge=0, le=366)


class Standing(Part):
    """What each degree of sanction, and a suspended or closed account, means for a publish request.

    ``suspend_renewal_means``: what the degree of that name suspends. A policy that does not say so means the renewal.
    """

    sanctions: dict[Annotated[Degree, Field(strict=False)], Choice]
    suspend_renewal_means: Annotated[Suspension, Field(strict=False)] = Suspension.RENEWAL
    suspended: Choice = Outcome.BLOCK
    closed: Choice = Outcome.BLOCK
    term_ended: Choice = Outcome.BLOCK
    unknown_account: Choice = Outcome.HOLD

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := sorted(set(Degree) - set(self.sanctions)):
            raise ValueError(f"no outcome for: {', '.join(missing)}")
        updates = self.suspend_renewal_means is Suspension.UPDATES
        if updates and self.sanctions[Degree.SUSPEND_RENEWAL] is Outcome.ALLOW:
            raise ValueError(
                "suspend_renewal_means: updates are not suspended while sanctions has suspend_renewal: allow; "
                "give hold or block there"
            )
        return self


class Doubts(Part):
    """What it means that something about a request cannot be judged; ``other`` is for every doubt not named here."""

    encrypted: Choice = Outcome.HOLD
    unknown_reference: Choice = Outcome.HOLD
    other: Choice = Outcome.HOLD

    def outcome(self, doubt: str) -> Outcome:
        """What this doubt means."""
        match doubt:
            case "encrypted":
                return self.encrypted
            case "unknown_reference":
                return self.unknown_reference
            case _:
                return self.other


class Policy(Part):
    """The whole policy. ``deadline_ms`` bounds one publish request up to its decision."""

    deadline_ms: int = Field(800, ge=10, le=60_000)
    classifiers: dict[str, Stage] = Field(min_length=1)
    categories: dict[str, Threshold]
    identity: Identity
    standing: Standing
    news: News
    doubts: Doubts = Doubts()
    holds: Holds = Holds()
    registration: Registration = Registration()
    reports: Reports = Reports()
    appeals: AppealPolicy = AppealPolicy()
    transparency: Transparency = Transparency()
    ladder: Ladder = Ladder()
    without: tuple[str, ...] = Field((), strict=False)
    """Sections that the policy before had, and that are meant to fall back to their defaults."""

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

    def registering(self) -> Registration:
        """The rules of the register, with what ``standing`` says of the degree ``suspend_renewal``."""
        return self.registration.with_suspension(self.standing.suspend_renewal_means)

    def looking(self) -> tuple[str, ...]:
        """Those asked about messages with media alone: they judge the media's bytes."""
        return tuple([name for name, stage in self.classifiers.items() if stage.only == "media"])


@dataclass(frozen=True, slots=True)
class PolicyInForce:
    """A policy, the text it was read from, and its version: SHA-256 (hex) of that text."""

    policy: Policy
    text: str
    version: str


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
    values, lines, problems = read_yaml(text)
    if problems:
        raise PolicyError(problems)
    try:
        policy = Policy.model_validate(values)
    except ValidationError as error:
        raise PolicyError([to_problem(e, lines) for e in error.errors()]) from error
    return PolicyInForce(policy, text, hashlib.sha256(text.encode()).hexdigest())
