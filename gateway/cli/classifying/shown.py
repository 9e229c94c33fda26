"""How a judged message is shown: a table for people, one line of a list, or JSON.

Whatever a message says is made `visible` before it is written: no text can act on the terminal.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, TextIO

import click
from rich.cells import set_cell_size
from rich.console import Console
from rich.table import Table
from rich.text import Text

from classifiers.contract import Opinion, Score, Unanswered
from gateway.cli.classifying.judging import Judged, reach
from gateway.cli.classifying.marking import marked, quotes
from gateway.cli.classifying.summary import Summary
from gateway.core.policy import Policy
from gateway.core.shown import visible, visible_json

WIDTH: Final = 80
"""Columns where there is no terminal to fill."""
WORTH_SHOWING: Final = 0.1
"""A lower score is next to nothing: models are never quite sure that there is none."""
_BAR: Final = 10
_COLOURS: Final = {"allow": "green", "hold": "yellow", "block": "red"}


def console(stream: TextIO) -> Console:
    """Writes to ``stream``: in colour and as wide as it is if it is a terminal, else plain and `WIDTH` wide."""
    terminal = stream.isatty()
    return Console(
        file=stream,
        force_terminal=terminal,
        color_system="auto" if terminal else None,
        width=None if terminal else WIDTH,
        highlight=False,
        markup=False,
        emoji=False,
    )


def show(out: Console, judged: Judged, policy: Policy, wanted: Collection[str], zeros: bool) -> None:
    """The decision with its reasons, the text with the words that moved it, and the scores as a table. ``wanted`` are
    the categories to show, ``zeros`` asks for those that score next to nothing, too."""
    decision = judged.decision
    outcome = decision.outcome.value
    out.print(Text.assemble(("decision  ", ""), (outcome, f"bold {_COLOURS[outcome]}"), f", by {decision.rule}"))
    for reason in decision.reasons:
        out.print(
            Text(f"reason    {reason.outcome.value}, {reason.code}, by {visible(reason.source)}: {reason.message}")
        )
    found = [
        (by, score)
        for by, score in judged.found()
        if score.category in wanted and (zeros or score.value >= WORTH_SHOWING)
    ]
    text = Text("text      ")
    for piece, mark in marked(judged.text, [span for _, score in found for span in score.spans]):
        text.append(f"[{piece}]" if mark else piece, "bold reverse" if mark else "")
    out.print(text)
    silent = [answer for answer in judged.answers if isinstance(answer, Unanswered)]
    if found or silent:
        out.print(_table(judged, found, silent, policy))
    else:
        out.print(Text("nothing found"))


def _table(judged: Judged, found: list[tuple[str, Score]], silent: list[Unanswered], policy: Policy) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for name in ("CATEGORY", "SCORE", "", "CLASSIFIER", "REACHES"):
        table.add_column(name, no_wrap=True)
    table.add_column("WORDS", overflow="fold", ratio=1)
    for by, score in found:
        reached = reach(score, policy)
        colour = _COLOURS.get(reached.name, "yellow") if reached is not None else ""
        full = round(score.value * _BAR)
        table.add_row(
            Text(score.category),
            Text(f"{score.value:.2f}"),
            Text("#" * full + "." * (_BAR - full), colour),
            Text(visible(by)),
            Text(f"{reached.name} {reached.threshold:.2f}" if reached is not None else "-", colour),
            Text(", ".join([f'"{quote}"' for quote in quotes(judged.text, score.spans)])),
        )
    for answer in silent:
        cells = ("-", "-", "", visible(answer.classifier), "silent", answer.silence.value)
        table.add_row(*[Text(cell) for cell in cells])
    return table


def show_row(out: Console, number: int, judged: Judged, policy: Policy, wanted: Collection[str]) -> None:
    """One line: number, decision, the highest score that reaches a threshold, and how the text begins."""
    outcome = judged.decision.outcome.value
    best = next((s for _, s in judged.found() if s.category in wanted and reach(s, policy) is not None), None)
    what = f"{best.category} {best.value:.2f}" if best is not None else "-"
    lead = f"{number:>7}  "
    rest = f"  {what:<18}  {visible(judged.text, out.width)}"
    decided = (
        click.style(f"{outcome:<5}", fg=_COLOURS[outcome]) if out.is_terminal and not out.no_color else f"{outcome:<5}"
    )
    line = lead + decided + set_cell_size(rest, out.width - len(lead) - 5).rstrip()
    click.echo(line, file=out.file)


def as_json(number: int, judged: Judged, policy: Policy, wanted: Collection[str], zeros: bool) -> str:
    """One JSON object. The names of its fields stay as they are; more may come."""
    scores = [
        _score(by, score, judged.text, policy)
        for by, score in judged.found()
        if score.category in wanted and (zeros or score.value >= WORTH_SHOWING)
    ]
    decision = judged.decision
    reasons = [
        {
            "code": reason.code,
            "outcome": reason.outcome.value,
            "source": reason.source,
            "category": reason.category,
            "score": reason.score,
            "message": reason.message,
        }
        for reason in decision.reasons
    ]
    return visible_json(
        {
            "line": number,
            "decision": decision.outcome.value,
            "rule": decision.rule,
            "reasons": reasons,
            "scores": scores,
            "silent": [
                {"classifier": answer.classifier, "silence": answer.silence.value}
                for answer in judged.answers
                if isinstance(answer, Unanswered)
            ],
            "versions": {a.classifier: a.version for a in judged.answers if isinstance(a, Opinion)},
            "policy_version": decision.policy_version,
            "milliseconds": round(judged.seconds * 1000, 3),
        }
    )


def _score(by: str, score: Score, text: str, policy: Policy) -> dict[str, Any]:
    reached = reach(score, policy)
    return {
        "category": score.category,
        "score": score.value,
        "classifier": by,
        "reaches": reached.name if reached is not None else None,
        "threshold": reached.threshold if reached is not None else None,
        "spans": [
            {"start": span.start, "end": span.end, "text": text[span.start : span.end]}
            for span in score.spans
            if span.part == 0
        ],
    }


def show_summary(out: Console, summary: Summary) -> None:
    """The summary as a table."""
    out.print(Text(summary.line()))
    if rows := list(summary.rows()):
        table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
        table.add_column("CATEGORY")
        for name in ("HOLD", "BLOCK", "NEWS"):
            table.add_column(name, justify="right")
        for row in rows:
            table.add_row(*[Text(visible(cell)) for cell in row])
        out.print(table)
    if times := summary.milliseconds():
        told = ", ".join([f"{name} {value:g}" for name, value in times.items()])
        out.print(Text(f"milliseconds a message: {told}"))
