"""The file of rejects: for each line that was not taken its number, the column and the reason, and nothing of it."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Self, TextIO

from gateway.adapters.rows_file import FileError
from gateway.core.register_rows import Problem

_HEADER: Final = ("line", "field", "reason")
_BEGINNING: Final = ",".join(_HEADER).encode() + b"\n"


class RejectFile:
    """Written as an import goes on; it is there once something was rejected."""

    def __init__(self, path: Path, length: int) -> None:
        self._path = path
        self._length = length
        self._file: TextIO | None = None

    @classmethod
    @contextmanager
    def open(cls, path: Path, length: int) -> Iterator[Self]:
        """Go on behind the first ``length`` bytes: what follows them was written for a chunk that was not committed. It
        is cut off when it is known that no other import writes here now: by the first `keep`, or on leaving.
        Raises `FileError` when the file has fewer, or is another one: what it holds would be lost."""
        try:
            kept = path.stat().st_size if path.exists() else 0
            if kept < length:
                raise FileError(f"{path} has lost rejects of an import that was begun; put it back, or begin --again")
            if kept:
                with path.open("rb") as file:
                    if not _BEGINNING.startswith(file.read(len(_BEGINNING))):  # it may have been cut short
                        raise FileError(f"{path} is there, and is no file of rejects; name another with --rejects")
        except OSError as error:
            raise FileError(f"{path} cannot be written: {type(error).__name__}") from error
        made = cls(path, length)
        try:
            yield made
            made._cut_off()
        finally:
            if made._file is not None:
                made._file.close()

    def _cut_off(self) -> None:
        try:
            if self._file is None and self._path.exists():
                os.truncate(self._path, self._length)
        except OSError as error:
            raise FileError(f"{self._path} cannot be written: {type(error).__name__}") from error

    def keep(self, problems: Sequence[Problem]) -> int:
        """Write these down, durably; the length of the file in bytes. Raises `FileError`."""
        try:
            if self._file is None:
                self._cut_off()
                self._file = self._path.open("a", encoding="utf-8", newline="")
            writer = csv.writer(self._file, lineterminator="\n")
            if self._length == 0:
                writer.writerow(_HEADER)
            writer.writerows(problems)
            self._file.flush()
            os.fsync(self._file.fileno())
            self._length = os.fstat(self._file.fileno()).st_size
        except OSError as error:
            raise FileError(f"{self._path} cannot be written: {type(error).__name__}") from error
        return self._length
