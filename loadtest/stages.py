"""How many messages a second one core judges, stage by stage: ``python -m loadtest.stages``.

One thread, processor time, alternating rounds. Each stage is judged alone and makes the view of a text and its n-grams
anew; ``text, news and lexicon together``, which share them, is what a worker does with a question.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from classifiers.catalogue import load
from classifiers.contract import LAST_MS, Question
from classifiers.judge import Classifier, judge
from classifiers.learned import sentences
from classifiers.normalise import normalise
from classifiers.text import TextClassifier
from loadtest.lexicons import CHAT

TARGET: Final = 2000.0
"""Messages a second and core of the first stage."""
_MESSAGES: Final = 1500


@dataclass(frozen=True, slots=True)
class StageRow:
    """Messages a second and core: the median of the rounds, the slowest and the fastest one. ``target`` may be None."""

    stage: str
    rate: float
    low: float
    high: float
    target: float | None


def measure(rounds: int) -> list[StageRow]:
    """Every stage in turn, ``rounds`` times. The second look is measured where its extra is installed."""
    texts = _texts()
    question = {name: [_question(text, (name,)) for text in texts] for name in ("text", "news", "lexicon", "campaign")}
    loaded = load(("text", "news", "lexicon", "campaign"))
    first = {**loaded, "text": TextClassifier(second=False)}
    every = [_question(text, ("text", "news", "lexicon")) for text in texts]
    stages: dict[str, tuple[Callable[[], None], int, float | None]] = {
        "normalisation": (lambda: _each(normalise, texts), len(texts), None),
        "text: rules and model": (lambda: _judge(question["text"], first), len(texts), TARGET),
        "news": (lambda: _judge(question["news"], first), len(texts), TARGET),
        "lexicon": (lambda: _judge(question["lexicon"], first), len(texts), None),
        "campaign": (lambda: _judge(question["campaign"], first), len(texts), None),
        "text, news and lexicon together": (lambda: _judge(every, first), len(texts), None),
    }
    if sentences.installed():
        few = question["text"][::10]
        network = sentences.Sentences()
        stages["text with a second look"] = (lambda: _judge(few, loaded), len(few), None)
        stages["sentence vectors alone"] = (
            lambda: _each(lambda text: network.vectors([text]), texts[::10]),
            len(few),
            None,
        )
    rates: dict[str, list[float]] = {name: [] for name in stages}
    for turn in range(rounds + 1):
        for name, (work, count, _) in stages.items():
            started = time.process_time()
            work()
            if turn:  # the first round warms up
                rates[name].append(count / (time.process_time() - started))
    return [
        StageRow(name, statistics.median(found), min(found), max(found), stages[name][2])
        for name, found in rates.items()
    ]


def stage_table(rows: Sequence[StageRow]) -> str:
    """The figures as Markdown."""
    lines = [
        f"Messages a second of processor time on one core; {_MESSAGES} lines of chat, half English, half Chinese.",
        "",
        "| stage | messages/s | slowest-fastest round | to reach | |",
        "|---|---|---|---|---|",
    ]
    for row in rows:
        to_reach = f">= {row.target:g} | {'met' if row.rate >= row.target else 'not met'}" if row.target else "|"
        lines.append(f"| {row.stage} | {row.rate:,.0f} | {row.low:,.0f}-{row.high:,.0f} | {to_reach} |")
    return "\n".join(lines)


def _texts() -> list[str]:
    """Lines of chat of 10 to 200 characters, no two alike."""
    chance = random.Random(2)  # noqa: S311 - the same texts each time, no secrets
    return [
        f"{' '.join(chance.choices(CHAT[number % 2], k=chance.randint(1, 4)))} {number}" for number in range(_MESSAGES)
    ]


def _question(text: str, names: tuple[str, ...]) -> Question:
    return Question("1", text, "t", names, (text,), (), LAST_MS)


def _judge(questions: Sequence[Question], loaded: Mapping[str, Classifier]) -> None:
    for question in questions:
        judge(question, loaded)


def _each(work: Callable[[str], object], texts: Sequence[str]) -> None:
    for text in texts:
        work(text)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    print(stage_table(measure(parser.parse_args().rounds)))  # noqa: T201


if __name__ == "__main__":
    main()
