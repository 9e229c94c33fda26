"""The classifiers there are, by name. Free of Kafka, so that an embedded bus can load them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.constant import ConstantClassifier
from classifiers.judge import Classifier
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.news import NewsClassifier
from classifiers.text import TextClassifier

CLASSIFIERS: Final[Mapping[str, Callable[[], Classifier]]] = {
    "text": TextClassifier,
    "news": NewsClassifier,
    "lexicon": LexiconClassifier,
    "campaign": CampaignClassifier,
    "constant": ConstantClassifier,
}
DEFAULT: Final = ("text", "news", "lexicon", "campaign")


def load(names: Sequence[str] = DEFAULT, lexicon: str = "") -> dict[str, Classifier]:
    """Ready classifiers by the name they answer to. Reads their data once; takes a fraction of a second.

    ``lexicon`` is the terms file of `LexiconClassifier`. Raises `ValueError` for a name that is not in the catalogue,
    or none at all, and for a terms file that cannot be used.
    """
    if unknown := [name for name in names if name not in CLASSIFIERS] or not names:
        raise ValueError(f"classifiers: unknown {unknown}; there are {', '.join(CLASSIFIERS)}")
    makers: Mapping[str, Callable[[], Classifier]] = {**CLASSIFIERS, "lexicon": partial(LexiconClassifier, lexicon)}
    made = [makers[name]() for name in names]
    return {classifier.name: classifier for classifier in made}
