"""The ``text`` classifier: how likely a message's words are of each category of violation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from msgspec.structs import replace

from classifiers import rulefiles
from classifiers.contract import Answer, Opinion, Question, Score, Silence, Unanswered
from classifiers.passages import Joined, Passage, joined, only_media, passages

CATEGORIES: Final = (
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
_VERSION: Final = "rules-2"


class TextClassifier:
    """Judges every text part by the rules and scores a message by its worst passage."""

    name: Final = "text"

    def __init__(self) -> None:
        self._rules, digest = rulefiles.load(CATEGORIES)
        self.version: Final = f"{_VERSION}-{digest}"
        self._nothing: Final[Mapping[str, Score]] = {category: Score(category, 0.0) for category in CATEGORIES}

    def judge(self, question: Question) -> Answer:
        """A score for every category it knows, with the spans that moved it; UNSUPPORTED for media alone."""
        if only_media(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        worst = dict(self._nothing)
        read: Iterator[Passage | Joined] = chain(passages(question), joined(question))
        for passage in read:
            for found in self._rules.findings(passage.view):
                if found.value > worst[found.category].value:
                    spans = passage.spans(found.stretches)
                    worst[found.category] = replace(worst[found.category], value=found.value, spans=spans)
        return Opinion(self.name, self.version, tuple(worst.values()))
