"""The ``text`` classifier: how likely a message's words are of each category of violation. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.resources.abc import Traversable
from itertools import chain
from typing import Final

from classifiers import language, rulefiles
from classifiers.contract import Answer, Category, Opinion, Question, Score, Silence, Unanswered
from classifiers.learned import reading, sentences, store
from classifiers.learned.linear import Stretch
from classifiers.learned.second import Left, SecondLook
from classifiers.passages import Joined, Passage, joined, passages, unreadable
from classifiers.rules import at_least_half, stretch

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
_VERSION: Final = "text-4"
_FOUND: Final = 0.3
"""From which value on something has been found, whatever the language."""
_BEND: Final = 0.8
_SLOPE: Final = 0.45
_AGREE: Final = 0.5
_READ: Final = 0.75
_VERY_SURE: Final = 0.95
_REACH: Final = 200
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
        self._ceilings: Final = {ruleset.category: ruleset.ceiling for ruleset in self._rules.rulesets}
        # What moves the model is no phrase, so nothing stands inside of it.
        self._contexts: Final = {
            ruleset.category: [context for context in ruleset.contexts if context.where != "inside"]
            for ruleset in self._rules.rulesets
        }
        self._models: Final = store.load("text", models)
        self._second: Final = SecondLook(models) if (sentences.installed() if second is None else second) else None
        looks = f"{self._models.version}-{self._second.version if self._second else 'alone'}"
        self.version: Final = f"{_VERSION}-{language.VERSION}-{digest}-{looks}"
        self._nothing: Final[Mapping[str, Score]] = {category: Score(category, 0.0) for category in CATEGORIES}

    def judge(self, question: Question) -> Answer:
        """A score for every category it knows, with the spans that moved it.

        UNSUPPORTED for media alone, for a text too long or too strange, and for a language it cannot read in which it
        found nothing by other signs.
        """
        if unreadable(question):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        worst = dict(self._nothing)
        left = Left()
        read: Iterator[Passage | Joined] = chain(passages(question), joined(question))
        for passage in read:
            if not passage.whole:
                return Unanswered(self.name, Silence.UNSUPPORTED)
            for category, score in self._score(passage, left).items():
                if score.value > worst[category].value:
                    worst[category] = score
        if all(score.value < _FOUND for score in worst.values()) and any(map(language.foreign, question.texts)):
            return Unanswered(self.name, Silence.UNSUPPORTED)
        return Opinion(self.name, self.version, tuple(worst.values()))

    def _score(self, passage: Passage | Joined, left: Left) -> dict[str, Score]:
        """The scores of one passage."""
        ruled = {found.category: found for found in self._rules.findings(passage.view)}
        read = reading.read(passage.view.text, self._models)
        worst = read.worst()
        likely = {category: value for category, (value, _) in worst.items()}
        if self._second and worst and not read.chinese:
            likely = self._second.again(passage.view.text, worst, left)
        scores: dict[str, Score] = {}
        for category in CATEGORIES:
            probability = likely.get(category, 0.0)
            rule = ruled.get(category)
            stretches = list(rule.stretches) if rule else []
            if probability >= _SHOWN:
                moved = read.stretches(category)
                probability = self._softened(probability, category, passage.view.text, moved)
                stretches = stretches or moved
            value = min(together(rule.value if rule else 0.0, probability), self._ceilings[category])
            scores[category] = Score(category, value, passage.spans(stretches) if stretches else ())
        return scores

    def _softened(self, probability: float, category: str, text: str, moved: Sequence[Stretch]) -> float:
        """What contexts leave of what the model says. They soften it as they do rules, but less, as it has read them,
        too; and where it is very sure, only what the whole text is about clears it: "don't miss" begins advertisements,
        too.
        """
        if not moved:
            return probability
        start, end = moved[0][0], min(moved[-1][1], moved[0][0] + _REACH)
        found = [c for c in self._contexts[category] if c.pattern.search(stretch(c.where, text, start, end))]
        softened = probability * min([context.factor for context in found], default=1.0) ** _READ
        cleared = any(c.clears and (c.where == "text" or probability < _VERY_SURE) for c in found)
        return softened if cleared else at_least_half(softened, probability)


def together(rule: float, probability: float) -> float:
    """What a rule and the model say of a category together, 0 to 1 with four digits.

    The model alone stays below 0.9, whatever it is sure of: no message is blocked because its words are like those of
    others. Where both find the same they support each other (noisy-or), up to the category's ceiling; else the surer
    one counts.
    """
    model = probability if probability < _BEND else _BEND + (probability - _BEND) * _SLOPE
    both = rule >= _AGREE and model >= _AGREE
    return round(1.0 - (1.0 - rule) * (1.0 - model) if both else max(rule, model), 4)
