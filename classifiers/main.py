"""Runs the worker as a process: settings, logs, classifiers, ops endpoint, signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Mapping
from contextlib import ExitStack
from functools import partial

import uvloop

from classifiers import catalogue, logs
from classifiers.announcing import Announcer
from classifiers.campaigns.exchange import exchange_of
from classifiers.health import Health
from classifiers.judge import Classifier, judge, versions_of
from classifiers.lexicon.api import lexicon_page
from classifiers.lexicon.classifier import LexiconClassifier
from classifiers.ops import Page, serve_ops
from classifiers.outages import Outage
from classifiers.plugins import ClassifierError
from classifiers.settings import Settings
from classifiers.tracing import traced
from classifiers.warming import warm
from classifiers.worker import Worker

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs until SIGTERM or SIGINT and then returns, so that the process exits with 0.

    It takes no arguments: ``--help`` tells of the settings and ends it with 0, any other ends it with 2 and a sentence.
    A classifier that cannot run, or whose data cannot be used, ends it with 1 and a sentence. Raises pydantic's
    ``ValidationError`` for settings that make no sense.
    """
    names = [f"  {Settings.model_config['env_prefix']}{name.upper()}\n" for name in Settings.model_fields]
    ArgumentParser(
        prog="classifiers",
        description="Runs the classifiers as a worker that answers the gateway's questions over Kafka, until SIGTERM.",
        epilog=f"Settings come from the environment:\n{''.join(names)}",
        formatter_class=RawDescriptionHelpFormatter,
    ).parse_args()
    settings = Settings()
    logs.configure(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings))
        except ClassifierError as error:
            sys.exit(str(error))


async def serve(settings: Settings) -> None:
    """Loads the classifiers and works until a signal says stop. Raises `ClassifierError` for one that cannot run."""
    try:
        classifiers = catalogue.load(
            settings.names, settings.lexicon, settings.known_pictures, setting="CLASSIFIERS_CLASSIFIERS"
        )
    except ValueError as error:
        raise ClassifierError(str(error)) from error
    warm(partial(judge, classifiers=classifiers), tuple(classifiers))
    health, outage = Health(kinds=settings.kinds), Outage()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    with ExitStack() as opened:
        answer = opened.enter_context(traced(partial(judge, classifiers=classifiers), settings.otlp_endpoint))
        if settings.ops_port:
            opened.enter_context(serve_ops(settings.ops_host, settings.ops_port, health, pages(classifiers, settings)))
        _log.info("started", extra={"classifiers": {c.name: c.version for c in classifiers.values()}})
        gc.collect()
        gc.freeze()  # rules and code stay for good: no use in looking through them again and again
        async with asyncio.TaskGroup() as tasks:
            if (exchange := exchange_of(classifiers, settings, health, outage)) is not None:
                tasks.create_task(exchange.run(stop))
            ended = asyncio.Event()
            tasks.create_task(Announcer(settings, partial(versions_of, classifiers), outage).run(ended))
            await Worker(settings, answer, health, outage).run(stop)
            ended.set()
        _log.info("stopped")


def pages(classifiers: Mapping[str, Classifier], settings: Settings) -> dict[str, Page]:
    """What the classifiers that run add to the ops endpoint, by path."""
    lexicon = classifiers.get("lexicon")
    if not isinstance(lexicon, LexiconClassifier):
        return {}
    token = settings.lexicon_token
    return {"/lexicon": lexicon_page(lexicon.source, token.get_secret_value() if token else None)}
