"""The classifiers' code inside the gateway process, the same that the Kafka worker runs."""

from __future__ import annotations

from functools import partial

from classifiers.catalogue import DEFAULT, load
from classifiers.judge import judge
from classifiers.plugins import names_in
from gateway.app import Judge


def embedded_judge(classifiers: str = "") -> Judge:
    """A function from question to reply, by these classifiers (see `gateway.settings.Settings.classifiers`). Their data
    is read once.

    Raises `ValueError` for one that cannot run here."""
    return partial(judge, classifiers=load(names_in(classifiers) or DEFAULT, setting="GATEWAY_CLASSIFIERS"))
