"""The classifiers' code inside the gateway process, the same that the Kafka worker runs."""

from __future__ import annotations

from functools import partial

from classifiers.catalogue import DEFAULT, load
from classifiers.judge import judge
from classifiers.plugins import names_in
from gateway.app import Judge


def embedded_judge(classifiers: str = "", lexicon: str = "") -> Judge:
    """A function from question to reply, by these classifiers (see `gateway.settings.Settings.classifiers`). Their data
    is read once; a change of the ``lexicon``, the terms file of `classifiers.lexicon.classifier.LexiconClassifier`, is
    taken up while running.

    Raises `ValueError` for a classifier that cannot run here, and for data that cannot be used.
    """
    names = names_in(classifiers) or DEFAULT
    return partial(judge, classifiers=load(names, lexicon, setting="GATEWAY_CLASSIFIERS"))
