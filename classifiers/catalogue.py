"""The classifiers there are, by name. Free of Kafka, so that an embedded bus can load them here."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Final

from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.constant import ConstantClassifier
from classifiers.judge import Classifier
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.news import NewsClassifier
from classifiers.text import TextClassifier


def _image(known_pictures: Path | None = None) -> Classifier:
    # A model and its runtime are loaded for those alone who run it.
    from classifiers.images.classifier import ImageClassifier

    return ImageClassifier(known_pictures)


CLASSIFIERS: Final[Mapping[str, Callable[[], Classifier]]] = {
    "text": TextClassifier,
    "news": NewsClassifier,
    "lexicon": LexiconClassifier,
    "campaign": CampaignClassifier,
    "image": _image,
    "constant": ConstantClassifier,
}
DEFAULT: Final = ("text", "news", "lexicon", "campaign", "image")


def load(
    names: Sequence[str] = DEFAULT, lexicon: str = "", known_pictures: Path | None = None
) -> dict[str, Classifier]:
    """Ready classifiers by the name they answer to. Reads their data once; takes a second or two.

    ``lexicon`` is the terms file of `LexiconClassifier`, ``known_pictures`` the list of `images.known`. Raises
    `ValueError` for a name that is not in the catalogue, or none at all, and for data that cannot be used.
    """
    if unknown := [name for name in names if name not in CLASSIFIERS] or not names:
        raise ValueError(f"classifiers: unknown {unknown}; there are {', '.join(CLASSIFIERS)}")
    makers: Mapping[str, Callable[[], Classifier]] = {
        **CLASSIFIERS,
        "lexicon": partial(LexiconClassifier, lexicon),
        "image": partial(_image, known_pictures),
    }
    made = [makers[name]() for name in names]
    return {classifier.name: classifier for classifier in made}
