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
from classifiers.plugins import MARK, ClassifierError, outside
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
    "remote": partial(
        outside, "classifiers.remote.classifier:RemoteClassifier"
    ),  # imports an HTTP client: only if asked
}
DEFAULT: Final = ("text", "news", "lexicon", "campaign", "image")


def load(
    names: Sequence[str] = DEFAULT,
    lexicon: str = "",
    known_pictures: Path | None = None,
    setting: str = "classifiers",
) -> dict[str, Classifier]:
    """Ready classifiers by the name they answer to: of the catalogue, or from outside it as ``package.module:Class``.

    Reads their data once; takes a second or two. ``lexicon`` is the terms file of `LexiconClassifier`,
    ``known_pictures`` the list of `images.known`. Raises `ClassifierError`, which names the ``setting`` that the names
    come from: for a name that is not in the catalogue, or none at all, for one that cannot run here, and for two that
    answer to the same name. Raises `ValueError` for data that cannot be used.
    """
    if unknown := [name for name in names if name not in CLASSIFIERS and MARK not in name] or not names:
        said = f"unknown {unknown}" if names else "none is named"
        known = ", ".join(CLASSIFIERS)
        raise ClassifierError(f"{setting}: {said}; there are {known}, and package.module:Class for one of your own")
    makers: Mapping[str, Callable[[], Classifier]] = {
        **CLASSIFIERS,
        "lexicon": partial(LexiconClassifier, lexicon),
        "image": partial(_image, known_pictures),
    }
    loaded: dict[str, Classifier] = {}
    for name in names:
        try:
            made = outside(name) if MARK in name else makers[name]()
        except ClassifierError as error:
            raise ClassifierError(f"{setting}: {error}") from error
        if made.name in loaded:
            raise ClassifierError(
                f"{setting}: {name}: another one answers to the name {made.name!r} already; leave one of them out"
            )
        loaded[made.name] = made
    return loaded
