"""One question to all the classifiers it asks, for the Kafka worker and an embedded bus alike. Pure."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from classifiers.contract import CATEGORIES, Answer, Opinion, Question, Reply, Score, Silence, Unanswered

EVERY_NAME: Final = "*"
"""A classifier of this name answers, in the asked name, for every name without one of its own."""
_log = logging.getLogger(__name__)
_unsound: Final[set[str]] = set()
"""Classifiers whose unsound answers were logged: once each, for such a one may give them to every message."""


class Classifier(Protocol):
    """Judges messages by themselves: the same question gets the same answer from the same version. Whose answer
    depends on more than that (``campaign`` remembers other messages) says so in its opinions, see `Opinion`.

    ``name`` is what questions ask for; ``version`` changes whenever an answer could.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def judge(self, question: Question) -> Answer:
        """An opinion, or `Unanswered` with UNSUPPORTED when no part of the message is of a kind it can judge.

        Whatever it raises goes to the caller, who decides on trying again.
        """
        ...


def judge(question: Question, classifiers: Mapping[str, Classifier]) -> Reply:
    """One answer for each name the question asks, in its order. An unknown name is UNSUPPORTED. An answer that the
    contract has no place for (a score of NaN, outside 0 to 1, or of an unknown category) is FAILED, of its classifier
    alone: as it is, it would spoil the reply of the whole record.

    Raises whatever a classifier raises: no answer is made up for a failure here.
    """
    return Reply(
        correlation=question.correlation,
        message_id=question.message_id,
        tenant_id=question.tenant_id,
        answers=tuple([_ask(name, question, classifiers) for name in question.ask]),
    )


def failed(question: Question) -> Reply:
    """What the asker is told once trying has been given up: every classifier it asked FAILED."""
    answers = tuple([Unanswered(name, Silence.FAILED) for name in question.ask])
    return Reply(question.correlation, question.message_id, question.tenant_id, answers)


def versions_of(classifiers: Mapping[str, Classifier]) -> dict[str, str]:
    """The versions that would answer now, by name; without those that cannot tell."""
    found: dict[str, str] = {}
    for name, classifier in classifiers.items():
        with suppress(Exception):  # whatever a classifier from outside raises: nothing is remembered of it then
            found[name] = classifier.version
    return found


def _ask(name: str, question: Question, classifiers: Mapping[str, Classifier]) -> Answer:
    classifier = classifiers.get(name)
    if classifier is not None:
        try:
            return _sound(name, classifier.judge(question))
        except Exception as error:
            error.add_note(f"raised by the classifier {name!r}")
            raise
    if (anyone := classifiers.get(EVERY_NAME)) is None:
        return Unanswered(name, Silence.UNSUPPORTED)
    match _sound(EVERY_NAME, anyone.judge(question)):
        case Opinion(version=version, scores=scores, lasting=lasting):
            return Opinion(name, version, scores, lasting)
        case Unanswered(silence=silence):
            return Unanswered(name, silence)


def _sound(name: str, answer: object) -> Answer:
    if isinstance(answer, Unanswered):
        return answer
    if isinstance(answer, Opinion):
        flaw = next(filter(None, map(_flaw, answer.scores)), "")
        if not flaw:
            return answer
    else:
        flaw = f"neither an Opinion nor Unanswered but {type(answer).__name__}"
    if name not in _unsound:
        _unsound.add(name)
        _log.error("answer of %r breaks the contract: %s", name, flaw, extra={"classifier": name})
    return Unanswered(name, Silence.FAILED)


def _flaw(score: Score) -> str:
    """What is wrong with a score; nothing if it is sound."""
    if not isinstance(score.category, str) or score.category not in CATEGORIES:
        return f"category {score.category!r} is none of {', '.join(sorted(CATEGORIES))}"
    # Of these very types: their subclasses, NumPy's numbers for one, cannot be encoded.
    if type(score.value) not in (float, int) or not 0.0 <= score.value <= 1.0:
        return f"value {score.value!r} of {score.category} is no plain number from 0 to 1"
    return ""
