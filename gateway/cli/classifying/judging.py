"""One text judged here, and what the policy would decide on its content alone."""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from classifiers.catalogue import CLASSIFIERS, load
from classifiers.contract import LAST_MS, Answer, Opinion, Question, Score
from classifiers.judge import EVERY_NAME, Classifier, failed, judge
from classifiers.plugins import names_in
from gateway.core.decide import decide
from gateway.core.model import (
    Account,
    AccountState,
    Decision,
    Facts,
    Message,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.policy import Policy, PolicyInForce

OF_A_STREAM: Final = frozenset({"campaign"})
"""Classifiers that compare messages with each other: of one text alone they say nothing."""
_ID: Final = "classify"


@dataclass(frozen=True, slots=True)
class Judged:
    """What the classifiers said of one text, what follows, and the seconds it took. ``fault`` is the kind of error of a
    classifier that failed, if one did."""

    text: str
    answers: tuple[Answer, ...]
    decision: Decision
    seconds: float
    fault: str | None = None

    def found(self) -> list[tuple[str, Score]]:
        """Every score with the classifier that gave it, the highest first."""
        opinions = [answer for answer in self.answers if isinstance(answer, Opinion)]
        scores = [(opinion.classifier, score) for opinion in opinions for score in opinion.scores]
        return sorted(scores, key=lambda pair: -pair[1].value)


@dataclass(frozen=True, slots=True)
class Reach:
    """A threshold of the policy that a score reaches: ``hold`` or ``block`` of its category, or that of ``news``."""

    name: str
    threshold: float


def reach(score: Score, policy: Policy) -> Reach | None:
    """The highest threshold that this score reaches; None for none."""
    if score.category == "news":
        return Reach("news", policy.news.threshold) if score.value >= policy.news.threshold else None
    limits = policy.categories[score.category]
    if limits.block is not None and score.value >= limits.block:
        return Reach("block", limits.block)
    return Reach("hold", limits.hold) if score.value >= limits.hold else None


class Judge:
    """The classifiers that the policy asks about texts, in this process. The author is an account in good standing with
    a verified registrant; ``news_authorised`` says whether it may originate news."""

    def __init__(self, policy: PolicyInForce, setting: str, news_authorised: bool, lexicon: str = "") -> None:
        """``setting`` names the classifiers that run, see `gateway.settings.Settings.classifiers`; empty, those of the
        policy. ``lexicon`` is its neighbour there. Raises `ValueError` for one that cannot run."""
        stages = policy.policy.classifiers
        asked = policy.policy.ask(media=False)
        self.left_out: Final = tuple([name for name in asked if name in OF_A_STREAM])
        self.asked: Final = tuple([name for name in asked if name not in OF_A_STREAM])
        self._running = _load(self.asked, setting, lexicon)
        self.missing: Final = tuple([name for name in self.asked if not {name, EVERY_NAME} & self._running.keys()])
        """Classifiers that the policy asks and that do not run here; they are silent."""
        self.unasked: Final = tuple([name for name in self._running if name not in {*self.asked, EVERY_NAME}])
        """Classifiers that run here and that the policy does not ask."""
        rules = policy.policy.model_copy(update={"classifiers": {name: stages[name] for name in self.asked}})
        self.policy: Final = replace(policy, policy=rules)
        self._facts = Facts(0, _account(policy.policy, news_authorised))

    def __call__(self, number: int, text: str) -> Judged:
        """Judge one text. Whatever a classifier raises is silence of all of them, as in the gateway."""
        deadline_ms = int(time.time() * 1000) + self.policy.policy.deadline_ms
        question = Question(f"{_ID}-{number}", f"{number}", _ID, self.asked, (text,), (), deadline_ms)
        started, fault = time.perf_counter(), None
        try:
            answers = judge(question, self._running).answers
        except Exception as error:  # of any kind: a classifier may be somebody else's
            answers, fault = failed(question).answers, _told(error)
        seconds = time.perf_counter() - started
        message = Message(_ID, _ID, "native", (text,), hashlib.sha256(text.encode()).hexdigest())
        return Judged(text, answers, decide(message, self._facts, answers, self.policy), seconds, fault)


def _told(error: Exception) -> str:
    """What was raised, by which classifier, and where: for who writes one."""
    place = traceback.extract_tb(error.__traceback__)[-1]
    notes = " ".join(getattr(error, "__notes__", ()))
    return f"{type(error).__name__}: {error} ({notes}, {place.filename}:{place.lineno})"


def _load(asked: Sequence[str], setting: str, lexicon: str) -> Mapping[str, Classifier]:
    if named := [name for name in names_in(setting) if name not in OF_A_STREAM]:
        return load(named, lexicon, setting="GATEWAY_CLASSIFIERS")
    known = [name for name in asked if name in CLASSIFIERS]
    return load(known, lexicon, setting="policy: classifiers") if known else {}


def _account(policy: Policy, news_authorised: bool) -> Account:
    enough = policy.identity.accept[0]
    registrant = Registrant(
        _ID, RegistrantKind.ORGANISATION, VerificationState.VERIFIED, enough.framework, enough.levels[0]
    )
    licence = NewsAuthorisation(_ID, NewsKind.ORIGINATE, 0, LAST_MS)
    return Account(_ID, AccountState.ACTIVE, registrant, (licence,) if news_authorised else ())
