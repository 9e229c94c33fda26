"""A classifier for measurements: it answers at once, under every name, that nothing is the matter. Pure."""

from __future__ import annotations

from typing import Final

from classifiers.contract import CATEGORIES, Answer, Opinion, Question, Score
from classifiers.judge import EVERY_NAME


class ConstantClassifier:
    """Scores every category 0, so that what is left to measure is everything but the judging.

    It must never run in front of real messages: they would all be allowed.
    """

    name: Final = EVERY_NAME
    version: Final = "constant-1"

    def __init__(self) -> None:
        self._opinion = Opinion("constant", self.version, tuple([Score(c, 0.0) for c in sorted(CATEGORIES)]))

    def judge(self, question: Question) -> Answer:
        """The same opinion for every question."""
        return self._opinion
