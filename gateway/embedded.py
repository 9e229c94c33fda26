"""The classifiers' code inside the gateway process, the same that the Kafka worker runs."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from classifiers.catalogue import DEFAULT, load
from classifiers.contract import Question, Reply
from classifiers.judge import Classifier, judge, versions_of
from classifiers.plugins import names_in


class EmbeddedJudge:
    """From question to reply, by these classifiers."""

    def __init__(self, classifiers: Mapping[str, Classifier]) -> None:
        self._classifiers = classifiers

    def __call__(self, question: Question) -> Reply:
        """Raises whatever a classifier raises."""
        return judge(question, self._classifiers)

    def versions(self) -> Mapping[str, str]:
        """In which version each would answer now, by name."""
        return versions_of(self._classifiers)


def embedded_judge(classifiers: str = "", lexicon: str = "", known_pictures: Path | None = None) -> EmbeddedJudge:
    """A function from question to reply, by these classifiers (see `gateway.settings.Settings.classifiers`). Their data
    is read once; a change of the ``lexicon``, the terms file of `classifiers.lexicon.classifier.LexiconClassifier`, is
    taken up while running. ``known_pictures`` is the list of `classifiers.images.known`.

    Raises `ValueError` for a classifier that cannot run here, and for data that cannot be used.
    """
    names = names_in(classifiers) or DEFAULT
    return EmbeddedJudge(load(names, lexicon, known_pictures, setting="GATEWAY_CLASSIFIERS"))
