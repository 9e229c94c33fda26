"""Runs the worker as a process: settings, logs, classifiers, ops endpoint, signals."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import sys
from contextlib import ExitStack
from functools import partial

import uvloop

from classifiers import catalogue, logs
from classifiers.health import Health
from classifiers.judge import judge
from classifiers.ops import serve_ops
from classifiers.plugins import ClassifierError
from classifiers.settings import Settings
from classifiers.tracing import traced
from classifiers.worker import Worker

_log = logging.getLogger(__name__)


def main() -> None:
    """Runs until SIGTERM or SIGINT and then returns, so that the process exits with 0.

    A classifier that cannot run ends it with 1 and a sentence. Raises pydantic's ``ValidationError`` for settings that
    make no sense.
    """
    settings = Settings()
    logs.configure(settings.log_level)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        try:
            runner.run(serve(settings))
        except ClassifierError as error:
            sys.exit(str(error))


async def serve(settings: Settings) -> None:
    """Loads the classifiers and works until a signal says stop."""
    classifiers = catalogue.load(settings.names, setting="CLASSIFIERS_CLASSIFIERS")
    health = Health()
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for sign in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(sign, stop.set)
    with ExitStack() as opened:
        answer = opened.enter_context(traced(partial(judge, classifiers=classifiers), settings.otlp_endpoint))
        if settings.ops_port:
            opened.enter_context(serve_ops(settings.ops_host, settings.ops_port, health))
        _log.info("started", extra={"classifiers": {c.name: c.version for c in classifiers.values()}})
        gc.collect()
        gc.freeze()  # rules and code stay for good: no use in looking through them again and again
        await Worker(settings, answer, health).run(stop)
        _log.info("stopped")
