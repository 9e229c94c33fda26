"""`gateway classify`: what the classifiers and the policy make of texts, without Kafka, database or keys."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import BinaryIO

import click
from rich.console import Console

from classifiers.contract import CATEGORIES
from gateway.cli.classifying.interrupt import Interrupt
from gateway.cli.classifying.judging import Judge, Judged
from gateway.cli.classifying.lines import BadLine, Form, Line, Lines
from gateway.cli.classifying.progress import Bar
from gateway.cli.classifying.shown import as_json, console, show, show_row, show_summary
from gateway.cli.classifying.summary import Summary
from gateway.cli.common import checked_policy, settings
from gateway.core.policy import Policy
from gateway.core.shown import visible, visible_json

_INTERRUPTED = 130
"""What a shell takes for "ended by Ctrl-C"."""


@dataclass(frozen=True, slots=True)
class _Wish:
    """What is to be shown."""

    categories: frozenset[str]
    zeros: bool
    json: bool
    summary: bool
    rows: bool


@click.command()
@click.argument("texts", nargs=-1)
@click.option("--file", "path", help="Judge the messages in this file, one a line; - is standard input.")
@click.option(
    "--form",
    type=click.Choice(["auto", "text", "json"]),
    default="auto",
    show_default=True,
    help="What a line of the file is: the message itself, or a JSON object with a text. auto: as the first line is.",
)
@click.option("--policy", "policy_file", type=click.Path(path_type=Path), help="Default: GATEWAY_POLICY_FILE.")
@click.option("--category", "categories", multiple=True, help="Show this category only; may be repeated.")
@click.option("--all", "zeros", is_flag=True, help="Show categories that score next to nothing (below 0.1), too.")
@click.option("--news-authorised", is_flag=True, help="The account may originate news.")
@click.option("--json", "json_lines", is_flag=True, help="Print one JSON object a line.")
@click.option("--summary", "summarised", is_flag=True, help="Print counts and times in place of each message.")
def classify(
    texts: tuple[str, ...],
    path: str | None,
    form: Form,
    policy_file: Path | None,
    categories: tuple[str, ...],
    zeros: bool,
    news_authorised: bool,
    json_lines: bool,
    summarised: bool,
) -> None:
    """Show what is found in each of TEXTS, or in a file of messages, and what the policy decides on that alone.
    That is as if an account in good standing with a verified registrant published it.

    Needs neither Kafka nor database nor keys. The classifiers that the policy asks about texts judge in this process;
    those of GATEWAY_CLASSIFIERS, if it is set.

    \b
    Fields of --json: line (of the file, or the number of the text), decision,
    rule, reasons [code, outcome, source, category, score, message], scores
    [category, score, classifier, reaches (hold, block, news or null),
    threshold, spans [start, end, text]], silent [classifier, silence],
    versions, policy_version, milliseconds. With --summary one object: messages,
    bad_lines, interrupted, decisions, categories, silent, milliseconds.

    \b
    Status: 0 all was judged, whatever the decisions; 1 a line held no message
    (told on standard error, the others are judged) or the file cannot be read;
    2 the command or the policy is wrong; 130 Ctrl-C: what was done is printed.
    """
    if bool(texts) == (path is not None):
        raise click.UsageError("give texts, or --file")
    if unknown := sorted(set(categories) - CATEGORIES):
        known = ", ".join(sorted(CATEGORIES))
        raise click.BadParameter(f"there is no {visible(unknown[0])}; there are {known}", param_hint="--category")
    chosen = settings()
    policy = checked_policy(policy_file or chosen.policy_file)
    try:
        judge = Judge(policy, chosen.classifiers, news_authorised, chosen.lexicon)
    except ValueError as error:
        raise click.ClickException(str(error)) from error
    _tell_of(judge)
    wish = _Wish(frozenset(categories or CATEGORIES), zeros, json_lines, summarised, rows=path is not None)
    if path is None:
        sys.exit(_run(judge, _given(texts), wish))
    with _opened(path) as file:
        sys.exit(_run(judge, Lines(file, form), wish, file))


def _run(judge: Judge, messages: Iterable[Line | BadLine], wish: _Wish, file: BinaryIO | None = None) -> int:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a terminal without Chinese is no reason to stop
    out = console(sys.stdout)
    summary = Summary(judge.policy.policy, wish.categories)
    with Interrupt() as interrupt, Bar(file, alone=wish.summary) as bar:
        for message in interrupt.each(messages):
            if isinstance(message, BadLine):
                summary.bad += 1
                bar.complain(f"line {message.number}: {message.problem}")
                continue
            judged = judge(message.number, message.text)
            if judged.fault is not None:
                bar.complain(f"line {message.number}: a classifier failed: {judged.fault}")
            _print(out, message.number, judged, judge.policy.policy, wish, first=summary.messages == 0)
            summary.add(judged)
            bar.tell(summary.messages, messages.position if isinstance(messages, Lines) else 0)
    _conclude(out, summary, wish, interrupt.came)
    return _INTERRUPTED if interrupt.came else int(summary.bad > 0)


def _print(out: Console, number: int, judged: Judged, policy: Policy, wish: _Wish, first: bool) -> None:
    if wish.summary:
        return
    if wish.json:
        click.echo(as_json(number, judged, policy, wish.categories, wish.zeros))
    elif wish.rows:
        show_row(out, number, judged, policy, wish.categories)
    else:
        if not first:
            click.echo()
        show(out, judged, policy, wish.categories, wish.zeros)


def _conclude(out: Console, summary: Summary, wish: _Wish, interrupted: bool) -> None:
    if wish.summary and wish.json:
        click.echo(visible_json(summary.fields(interrupted)))
    elif wish.summary:
        show_summary(out, summary)
    elif wish.rows or interrupted:
        click.echo(summary.line(), err=True)
    if interrupted:
        click.echo("interrupted; what came after that was not judged", err=True)


def _given(texts: tuple[str, ...]) -> Iterator[Line | BadLine]:
    for number, text in enumerate(texts, 1):
        try:
            text.encode()
        except UnicodeEncodeError:  # bytes of the command line that are no text
            yield BadLine(number, "it is not UTF-8")
        else:
            yield Line(number, text)


def _tell_of(judge: Judge) -> None:
    for name in judge.left_out:
        click.echo(f"{visible(name)} is not asked: it compares messages with each other", err=True)
    for name in judge.unasked:
        click.echo(f"{visible(name)} is not asked: list it in the policy, under classifiers", err=True)
    for name in judge.missing:
        click.echo(
            f"the policy asks {visible(name)}, which does not run here and counts as silent; list it in "
            "GATEWAY_CLASSIFIERS, as package.module:Class if it is your own",
            err=True,
        )


@contextmanager
def _opened(path: str) -> Iterator[BinaryIO]:
    if path == "-":
        yield sys.stdin.buffer
        return
    try:
        file = Path(path).open("rb")  # noqa: SIM115 - closed below
    except OSError as error:
        raise click.ClickException(f"{path}: cannot be read: {error.strerror}") from error
    with file:
        yield file
