"""The ``text`` classifier: how likely a message's words are of each category of violation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from itertools import chain
from typing import Final

from msgspec.structs import replace

from classifiers import rulefiles
from classifiers.contract import Answer, Category, Opinion, Question, Score, Silence, Unanswered
from classifiers.language import foreign
from classifiers.learned import reading, sentences, store
from classifiers.learned.second import SecondLook
from classifiers.passages import Joined, Passage, joined, passages, unreadable

CATEGORIES: Final[tuple[Category, ...]] = (
    "violence",
    "harassment",
    "hate",
    "self_harm",
    "sexual",
    "sexual_minors",
    "terrorism",
    "spam",
    "fraud",
    "gambling",
    "illegal_goods",
)
_VERSION: Final = "text-3"
_FOUND: Final = 0.3
"""From which value on something has been found, whatever the language."""
_SHOWN: Final = 0.1
"""From which value on a score shows what moved it."""


class TextClassifier:
    """Judges every text part by rules and by models learned from rows, and scores a message by its worst passage.

    The surer of the two decides: rules know unmistakable phrases and their contexts, models what words make likely.
    Where the packages of the extra ``sentences`` are installed, English of which the model is unsure gets a second
    look.
    """

    name: Final = "text"

    def __init__(self, models: Traversable | None = None, second: bool | None = None) -> None:
        """``second``: whether to take a second look; None if it is installed.

        Raises `classifiers.learned.store.ModelError` when the models cannot be used.
        """
        self._rules, digest = rulefiles.load(CATEGORIES)
        self._models: Final = store.load("text", models)
        self._second: Final = SecondLook(models) if (sentences.installed() if second is None else second) else None
        looks = f"{self._models.version}-{self._second.version if self._second else 'alone'}"
        self.version: Final = f"{_VERSION}-{digest}-{looks}"
        self._nothing: Final[Mapping[str, Score]] = {category: Score(category, 0.0) for category in CATEGORIES}

    def judge(self, question: Question) -> Answer:
        """A score for every category it knows, with the spans that moved it.

        UNSUPPORTED for media alone, for too long a text, and for a language it cannot read in which it found nothing
        by other signs.
        """
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        worst = dict(self._nothing)
        read: Iterator[Passage | Joined] = chain(passages(question), joined(question))
        for passage in read:
            self._by_models(passage, worst)
            for found in self._rules.findings(passage.view):
                if found.value > worst[found.category].value:
                    spans = passage.spans(found.stretches)
                    worst[found.category] = replace(worst[found.category], value=found.value, spans=spans)
        if all(score.value < _FOUND for score in worst.values()) and any(map(foreign, question.texts)):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        return Opinion(self.name, self.version, tuple(worst.values()))

    def _by_models(self, passage: Passage | Joined, worst: dict[str, Score]) -> None:
        found = reading.read(passage.view.text, self._models)
        probabilities = found.probabilities()
        if self._second and not found.chinese:
            probabilities = self._second.again(passage.view.text, probabilities)
        for category, likely in probabilities.items():
            value = round(likely, 4)
            if value > worst[category].value:
                spans = passage.spans(found.stretches(category)) if value >= _SHOWN else ()
                worst[category] = replace(worst[category], value=value, spans=spans)
