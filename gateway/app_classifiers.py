"""The part of the wiring that is about classifiers: in this process or over Kafka, counted, and remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import Protocol, runtime_checkable

from classifiers.contract import Question, Reply
from gateway.adapters.answering import AnsweringClassifiers
from gateway.adapters.authors import Authors
from gateway.adapters.inprocess import InProcessClassifiers
from gateway.adapters.kafka.classifiers import KafkaClassifiers
from gateway.adapters.keys import FileSealer
from gateway.adapters.remembered import RememberedClassifiers
from gateway.lease import LeaseKeeper
from gateway.ports import Classifiers, Clock
from gateway.settings import Settings

_OWN_SECONDS = 120.0
"""How long classifiers in this process may take for their first answers. They do answer, however busy the machine."""

Judge = Callable[[Question], Reply]


@runtime_checkable
class Versioned(Protocol):
    """A judge that tells in which version each classifier would answer now. Of another judge nothing is remembered."""

    def versions(self) -> Mapping[str, str]: ...


async def open_classifiers(
    settings: Settings, judge: Judge | None, lease: LeaseKeeper, clock: Clock, stack: AsyncExitStack
) -> tuple[Classifiers, AnsweringClassifiers]:
    """The classifiers with what is remembered of their opinions, and without."""
    # A key of its own purpose: what a worker sees is no index under which anything is kept.
    authors = Authors(FileSealer(settings.keys_file, "authors").index if settings.keys_file else None)
    classifiers: KafkaClassifiers | InProcessClassifiers
    versions: Callable[[], Mapping[str, str]] | None = None
    if settings.kafka.bootstrap_servers:
        classifiers = over_kafka = KafkaClassifiers(settings.kafka, lease.owner, clock, authors=authors)
        versions = over_kafka.versions
    elif judge is None:
        raise ValueError("without a Kafka cluster the in-process classifiers' code is needed")
    else:
        versions = judge.versions if isinstance(judge, Versioned) else None
        classifiers = InProcessClassifiers(judge, clock, authors=authors, versions=versions)
    await classifiers.start()
    stack.push_async_callback(classifiers.stop)
    asked = AnsweringClassifiers(classifiers, clock)
    if versions is None or not settings.remember.seconds:
        return asked, asked
    return RememberedClassifiers(asked, versions, clock, settings.remember), asked


def patience(settings: Settings) -> float:
    """How long a process that starts waits for first answers, in seconds."""
    return settings.warm_seconds if settings.kafka.bootstrap_servers else _OWN_SECONDS
