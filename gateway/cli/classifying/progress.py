"""How far a file is: a bar on standard error with rate and remaining time, and complaints beside it."""

from __future__ import annotations

import os
import stat
import sys
from types import TracebackType
from typing import BinaryIO, Self

import click
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from gateway.cli.classifying.shown import console


class Bar:
    """Shows itself while the block runs, if there is a ``file`` and standard error is a terminal that no results go to
    (``alone``). Otherwise only complaints are written."""

    def __init__(self, file: BinaryIO | None, alone: bool) -> None:
        self._progress: Progress | None = None
        if file is not None and sys.stderr.isatty() and (alone or not sys.stdout.isatty()):
            told = TextColumn("{task.fields[done]} messages, {task.fields[rate]}/s")
            self._progress = Progress(
                BarColumn(), told, TimeRemainingColumn(), console=console(sys.stderr), redirect_stdout=False
            )
            self._task: TaskID = self._progress.add_task("", total=_size(file), done=0, rate="-")

    def __enter__(self) -> Self:
        if self._progress is not None:
            self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def tell(self, done: int, position: int) -> None:
        """So many messages are done, and so many bytes of the file were read."""
        if self._progress is not None:
            elapsed = self._progress.tasks[0].elapsed or 0.0
            rate = f"{done / max(elapsed, 0.001):.0f}"
            self._progress.update(self._task, completed=position, done=done, rate=rate)

    def complain(self, words: str) -> None:
        """Write a line on standard error."""
        if self._progress is not None:
            self._progress.console.print(words)
        else:
            click.echo(words, err=True)


def _size(file: BinaryIO) -> int | None:
    """Bytes of a file; None for a pipe, whose end is not known."""
    try:
        status = os.fstat(file.fileno())
    except OSError:
        return None
    return status.st_size if stat.S_ISREG(status.st_mode) else None
