"""The ``lexicon`` classifier: how likely a message is of each category by the terms that stand in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import chain
from typing import Final

from msgspec.structs import replace

from classifiers.contract import Answer, Opinion, Question, Score, Silence, Unanswered
from classifiers.lexicon.source import Source
from classifiers.passages import Joined, Passage, joined, passages, unreadable
from classifiers.text import CATEGORIES


class LexiconClassifier:
    """Judges every text part by the lexicon in use and scores a message by its worst passage."""

    name: Final = "lexicon"

    def __init__(self, lexicon: str = "", source: Source | None = None) -> None:
        """``lexicon`` names a terms file used in place of the shipped one, or beside it when it begins with ``+``.

        Raises `classifiers.lexicon.terms.TermError` for a bad or missing file and
        `classifiers.lexicon.engine.EngineError` where the search library does not work; both are `ValueError`.
        """
        self.source: Final = source or Source(lexicon)
        self._nothing: Final[Mapping[str, Score]] = {category: Score(category, 0.0) for category in CATEGORIES}

    @property
    def version(self) -> str:
        """The version of the lexicon in use."""
        return self.source.current().version

    def judge(self, question: Question) -> Answer:
        """A score for every category it knows, with the spans that moved it; UNSUPPORTED for media alone."""
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        lexicon = self.source.current()  # one for the whole message, whatever is loaded meanwhile
        worst = dict(self._nothing)
        read: Iterator[Passage | Joined] = chain(passages(question), joined(question))
        for passage in read:
            for found in lexicon.findings(passage.view):
                if found.value > worst[found.category].value:
                    spans = passage.spans(found.stretches)
                    worst[found.category] = replace(worst[found.category], value=found.value, spans=spans)
        return Opinion(self.name, lexicon.version, tuple(worst.values()))
