"""The ``text`` classifier: how likely a message's words are of each category of violation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from importlib.resources.abc import Traversable
from itertools import chain
from typing import Final

from msgspec.structs import replace

from classifiers import rulefiles
from classifiers.contract import Answer, Category, Opinion, Question, Score, Silence, Unanswered
from classifiers.learned import reading, store
from classifiers.passages import Joined, Passage, joined, only_media, passages

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
_SHOWN: Final = 0.1
"""From which value on a score shows what moved it."""


class TextClassifier:
    """Judges every text part by rules and by models learned from rows, and scores a message by its worst passage.

    The surer of the two decides: rules know unmistakable phrases and their contexts, models what words make likely.
    """

    name: Final = "text"

    def __init__(self, models: Traversable | None = None) -> None:
        """Raises `classifiers.learned.store.ModelError` when the models cannot be used."""
        self._rules, digest = rulefiles.load(CATEGORIES)
        self._models: Final = store.load("text", models)
        self.version: Final = f"{_VERSION}-{digest}-{self._models.version}"
        self._nothing: Final[Mapping[str, Score]] = {category: Score(category, 0.0) for category in CATEGORIES}

    def judge(self, question: Question) -> Answer:
        """A score for every category it knows, with the spans that moved it; UNSUPPORTED for media alone."""
        if only_media(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        worst = dict(self._nothing)
        read: Iterator[Passage | Joined] = chain(passages(question), joined(question))
        for passage in read:
            self._by_models(passage, worst)
            for found in self._rules.findings(passage.view):
                if found.value > worst[found.category].value:
                    spans = passage.spans(found.stretches)
                    worst[found.category] = replace(worst[found.category], value=found.value, spans=spans)
        return Opinion(self.name, self.version, tuple(worst.values()))

    def _by_models(self, passage: Passage | Joined, worst: dict[str, Score]) -> None:
        found = reading.read(passage.view.text, self._models)
        for category, likely in found.probabilities().items():
            value = round(likely, 4)
            if value > worst[category].value:
                spans = passage.spans(found.stretches(category)) if value >= _SHOWN else ()
                worst[category] = replace(worst[category], value=value, spans=spans)
