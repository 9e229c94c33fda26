"""The ``news`` classifier: does the message report news? A topic, not a violation. Pure.

Two readers, and the surer of them decides: a model learned from rows, and rules for the signs that journalism leaves in
a text (datelines, agencies, attribution). They know nothing of truth or of who may publish; the policy does.
"""

from __future__ import annotations

from importlib.resources.abc import Traversable
from typing import Final

from classifiers import rulefiles
from classifiers.contract import Answer, Opinion, Question, Score, Silence, Unanswered
from classifiers.learned import reading, store
from classifiers.passages import Joined, Passage, readings, unreadable

_VERSION: Final = "news-3"
_SHOWN: Final = 0.1
"""From which value on the score shows what moved it."""


class NewsClassifier:
    """Scores a message by the passage that reads most like news."""

    name: Final = "news"

    def __init__(self, models: Traversable | None = None) -> None:
        """Raises `classifiers.learned.store.ModelError` when the models cannot be used."""
        self._rules, digest = rulefiles.load(["news"])
        self._models: Final = store.load("news", models)
        self.version: Final = f"{_VERSION}-{digest}-{self._models.version}"

    def judge(self, question: Question) -> Answer:
        """One score, for ``news``; UNSUPPORTED for media alone."""
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        best = Score("news", 0.0)
        for passage in readings(question):
            found = self._score(passage)
            best = found if found.value > best.value else best
        return Opinion(self.name, self.version, (best,))

    def _score(self, passage: Passage | Joined) -> Score:
        found = reading.read(passage.view.text, self._models)
        value = round(found.probabilities().get("news", 0.0), 4)
        stretches = found.stretches("news") if value >= _SHOWN else []
        for rule in self._rules.findings(passage.view):
            if rule.value > value:
                value, stretches = rule.value, [*rule.stretches]
        return Score("news", value, passage.spans(stretches))
