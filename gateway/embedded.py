"""The classifiers' code inside the gateway process, the same that the Kafka worker runs."""

from __future__ import annotations

from functools import partial

from classifiers.catalogue import load
from classifiers.judge import judge
from gateway.app import Judge


def embedded_judge(lexicon: str = "") -> Judge:
    """A function from question to reply. Reads the classifiers' data once; a change of the ``lexicon``, the terms file
    of `classifiers.lexicon.classifier.LexiconClassifier`, is taken up while running.

    Raises `ValueError` for a terms file that cannot be used."""
    return partial(judge, classifiers=load(lexicon=lexicon))
