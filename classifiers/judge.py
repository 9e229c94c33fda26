"""One question to all the classifiers it asks, for the Kafka worker and an embedded bus alike. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from classifiers.contract import Answer, Opinion, Question, Reply, Silence, Unanswered

EVERY_NAME: Final = "*"
"""A classifier of this name answers, in the asked name, for every name without one of its own."""


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
    """One answer for each name the question asks, in its order. An unknown name is UNSUPPORTED.

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
        return classifier.judge(question)
    if (anyone := classifiers.get(EVERY_NAME)) is None:
        return Unanswered(name, Silence.UNSUPPORTED)
    match anyone.judge(question):
        case Opinion(version=version, scores=scores, lasting=lasting):
            return Opinion(name, version, scores, lasting)
        case Unanswered(silence=silence):
            return Unanswered(name, silence)
