"""The classifiers' code inside the gateway process, the same that the Kafka worker runs."""

from __future__ import annotations

from functools import partial

from classifiers.catalogue import load
from classifiers.judge import judge
from gateway.app import Judge


def embedded_judge() -> Judge:
    """A function from question to reply. Reads the classifiers' data once."""
    return partial(judge, classifiers=load())
