"""A worker with one more thing to fear: a text on which a classifier raises, and one on which it is slow.

Run as a program, it is the shipped worker in every other respect.
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from classifiers import catalogue
from classifiers.contract import Question, Reply
from classifiers.health import Health
from classifiers.judge import judge
from classifiers.ops import serve_ops
from classifiers.settings import Settings
from classifiers.worker import Worker

POISON = "a text that no classifier survives"
SLOW = "a text that takes its time"
SLOW_SECONDS = 1.2


def main() -> None:
    """Work until the process is ended."""
    settings = Settings()
    sound = partial(judge, classifiers=catalogue.load(settings.names))

    def answer(question: Question) -> Reply:
        if any(POISON in text for text in question.texts):
            raise RuntimeError("poisoned")
        if any(SLOW in text for text in question.texts):
            time.sleep(SLOW_SECONDS)
        return sound(question)

    health = Health()
    with serve_ops(settings.ops_host, settings.ops_port, health):
        asyncio.run(Worker(settings, answer, health).run(asyncio.Event()))


if __name__ == "__main__":
    main()
