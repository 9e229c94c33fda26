"""How the whole classifiers do on rows that were held out: one in five is learned from by nobody, and judged.

The sources are known here, so these figures say how well a source is learned, how many harmless messages would be held,
and what is still found in disguise; `evaluate` says how far it carries to sources that are not known.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from classifiers.contract import Opinion, Question
from classifiers.judge import Classifier
from classifiers.learned import store
from classifiers.news import NewsClassifier
from classifiers.text import TextClassifier
from classifiers.training import corpus, evasion, fit
from classifiers.training.corpus import Row
from classifiers.training.measures import Estimate, estimate, macro_f1, share
from classifiers.training.recipe import EVERYDAY, OWN, Recipe
from classifiers.training.teaching import Teacher

HARMLESS: Final = ("cdial", "reviews", "sms-spam", EVERYDAY, OWN)
"""Sources of ordinary messages. Only rows that are of no category count."""
_ONE_IN: Final = 5
_FEW: Final = 40
_DISGUISE: Final = 0.35
_MOST: Final = 2500
"""Rows of a source that are judged."""

_MAKERS: Final[Mapping[str, Callable[[Path], Classifier]]] = {
    "text": lambda models: TextClassifier(models, second=False),
    "news": NewsClassifier,
}

Limits = Mapping[str, Mapping[str, float]]
"""For each category from which value on it is held and, perhaps, blocked: ``categories`` of a policy file."""


@dataclass(frozen=True, slots=True)
class Known:
    """A category judged in the held-out rows of a known source: mean F1 of both classes at 0.5."""

    language: str
    category: str
    source: str
    rows: int
    macro: Estimate


@dataclass(frozen=True, slots=True)
class Harmless:
    """How many harmless messages of a source would be held, and blocked."""

    language: str
    source: str
    rows: int
    held: Estimate
    blocked: Estimate


@dataclass(frozen=True, slots=True)
class Disguised:
    """How many of the Chinese violations that are held are still held in a disguise."""

    disguise: str
    rows: int
    kept: Estimate


class Holdout:
    """A classifier of four rows in five, and the rest of the rows."""

    def __init__(self, rows: Sequence[Row], recipe: Recipe, teachers: Mapping[str, Teacher]) -> None:
        """Takes about as long as making the model does."""
        place = np.random.default_rng(recipe.seed + 1).integers(0, _ONE_IN, len(rows))
        self.rest: Final = [row for row, part in zip(rows, place, strict=True) if part == 0]
        learned = [row for row, part in zip(rows, place, strict=True) if part]
        learned += corpus.disguised(learned, recipe.disguised)
        made = {
            language: fit.learn([row for row in learned if row.language == language], recipe, teachers[language])
            for language in recipe.languages
        }
        with tempfile.TemporaryDirectory() as directory:
            store.save(recipe.model, made, Path(directory))
            self._classifier = _MAKERS[recipe.model](Path(directory))
        self._recipe = recipe

    def scores(self, text: str) -> dict[str, float]:
        """What the classifier says of a text; nothing for one that it cannot read."""
        answer = self._classifier.judge(Question("1", "1", "t", (self._classifier.name,), (text,), (), 0))
        return {score.category: score.value for score in answer.scores} if isinstance(answer, Opinion) else {}

    def known(self) -> Iterator[Known]:
        """Every source and category of which enough rows of both classes were held out."""
        for source in sorted(self._recipe.sources):
            for language in self._recipe.languages:
                its = _some([row for row in self.rest if (row.source, row.language) == (source, language)])
                said = [self.scores(row.text) for row in its]
                for category in self._recipe.categories:
                    labelled = [place for place, row in enumerate(its) if category in row.labels]
                    truth = np.array([its[place].labels[category] for place in labelled], np.int8)
                    likely = np.array([said[place].get(category, 0.0) for place in labelled])
                    if min((truth == 1).sum(), (truth == 0).sum()) >= _FEW:
                        found = estimate(macro_f1(), truth, likely)
                        yield Known(language, category, source, len(truth), found)

    def harmless(self, limits: Limits) -> Iterator[Harmless]:
        """Each source of ordinary messages."""
        for source in HARMLESS:
            for language in self._recipe.languages:
                its = [row for row in self.rest if (row.source, row.language) == (source, language)]
                its = _some([row for row in its if not any(row.labels.values())])
                if its:
                    said = [self.scores(row.text) for row in its]
                    held, blocked = [
                        share(sum([_reaches(each, limits, what) for each in said]), len(its))
                        for what in ("hold", "block")
                    ]
                    yield Harmless(language, source, len(its), held, blocked)

    def disguised(self, limits: Limits) -> Iterator[Disguised]:
        """Homophones and emoji, on the Chinese violations that are held as they are."""
        violations = _some([row for row in self.rest if row.language == "zh" and any(row.labels.values())])
        held = [row.text for row in violations if _reaches(self.scores(row.text), limits, "hold")]
        disguises: Mapping[str, Callable[[str, int], str]] = {
            "homophones": lambda text, seed: evasion.homophones(text, _DISGUISE, seed),
            "emoji": lambda text, _: evasion.emoji(text),
        }
        for name, disguise in disguises.items():
            changed = [(text, disguise(text, seed)) for seed, text in enumerate(held)]
            tried = [after for before, after in changed if before != after]
            kept = sum([_reaches(self.scores(text), limits, "hold") for text in tried])
            yield Disguised(name, len(tried), share(kept, max(len(tried), 1)))


def _reaches(scores: Mapping[str, float], limits: Limits, what: str) -> bool:
    return any(value >= limits[category].get(what, 2.0) for category, value in scores.items() if category in limits)


def _some(rows: Sequence[Row]) -> list[Row]:
    count = min(len(rows), _MOST)
    return [rows[index * len(rows) // count] for index in range(count)]
