"""Files of rows: CSV with a header, or one JSON object a line; plain or gzip; UTF-8.

A line is a record: a quoted field holds no line break. So one bad line spoils no other, and how far a file was read is
a number of lines.
"""

from __future__ import annotations

import csv
import gzip
import hashlib
import io
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from operator import itemgetter
from pathlib import Path
from typing import Any, BinaryIO, Final, Generic, NoReturn, TypeVar

import orjson

from gateway.core.register_rows import Problem
from gateway.core.shown import visible

T = TypeVar("T")
Read = Callable[[int, Sequence[str]], T | Problem]
"""Makes a row of a line's number and its values, in the order of the columns; an empty one says nothing."""
_Split = Callable[[int, str], Sequence[str] | Problem]

_BLOCK: Final = 1 << 20
_LINE_LIMIT: Final = 1 << 20
"""Bytes of a line. Verified claims may be long; a file without line breaks is not read into memory as a whole."""
_NAME_LIMIT: Final = 40
"""Characters that are shown of the name of a field."""
_GZIP: Final = b"\x1f\x8b"


class FileError(ValueError):
    """The file cannot be read, or is not what it should be; the text says where, and quotes no value of it."""


@dataclass(frozen=True, slots=True)
class Batch(Generic[T]):
    """Some lines. ``lines`` of the file are done with them, ``position`` bytes of it read; ``last`` if it ends here."""

    lines: int
    position: int
    rows: list[T]
    problems: list[Problem]
    last: bool


class RowsFile(Generic[T]):
    """A file whose lines ``read`` makes rows of. ``columns`` are those known, ``needed`` those a header must have."""

    def __init__(self, path: Path, columns: Sequence[str], needed: Sequence[str], read: Read[T]) -> None:
        self._path = path
        self._columns = columns
        self._needed = needed
        self._read = read

    def size(self) -> int:
        """Its bytes, as they lie on the disk. Raises `FileError`."""
        try:
            return self._path.stat().st_size
        except OSError as error:
            self._unreadable(error)

    def digest(self) -> str:
        """The SHA-256 (hex) of its bytes. Raises `FileError`."""
        try:
            with self._path.open("rb") as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            self._unreadable(error)

    def batches(self, done: int, at_once: int) -> Iterator[Batch[T]]:
        """Its rows, ``at_once`` lines at a time, behind the first ``done`` lines. A file that is at its end gives one
        batch without rows. Raises `FileError`."""
        try:
            with self._path.open("rb") as raw:
                packed = raw.read(2) == _GZIP
                raw.seek(0)
                file: BinaryIO = gzip.GzipFile(fileobj=raw) if packed else raw  # type: ignore[assignment]
                yield from self._batches(_lines(file), raw, done, at_once)
        except (OSError, EOFError, zlib.error) as error:
            self._unreadable(error)

    def _batches(self, lines: Iterator[bytes], raw: BinaryIO, done: int, at_once: int) -> Iterator[Batch[T]]:
        first = next(lines, b"").removeprefix(b"\xef\xbb\xbf")
        is_json = first.lstrip().startswith(b"{")
        split = _split_json(self._columns) if is_json else _split_csv(self._header(first), self._columns)
        number = 0
        if is_json:
            lines = _chain(first, lines)
        else:
            number = 1
        while number < done and next(lines, None) is not None:
            number += 1
        while True:
            start, rows, problems = number, [], []
            for line in lines:
                number += 1
                row = self._row(number, line, split)
                if isinstance(row, Problem):
                    problems.append(row)
                elif row is not None:
                    rows.append(row)
                if number - start >= at_once:
                    break
            last = number - start < at_once
            yield Batch(number, raw.tell(), rows, problems, last)
            if last:
                return

    def _row(self, number: int, line: bytes, split: _Split) -> T | Problem | None:
        try:
            text = line.decode().rstrip("\r")
        except UnicodeDecodeError:
            return Problem(number, "", "is not UTF-8")
        if not text or text.isspace():
            return None
        values = split(number, text)
        return values if isinstance(values, Problem) else self._read(number, values)

    def _header(self, line: bytes) -> list[str]:
        try:
            names = [name.strip() for name in next(csv.reader([line.decode().rstrip("\r")], strict=True), [])]
        except (UnicodeDecodeError, csv.Error) as error:
            raise FileError("line 1 is no CSV header in UTF-8") from error
        known = ", ".join(self._columns)
        for place, name in enumerate(names, start=1):
            if name in names[: place - 1]:
                raise FileError(
                    f"line 1: column {place} ({visible(name, _NAME_LIMIT)}) is there twice; the columns are {known}"
                )
            if name not in self._columns:
                # Where no column is known the line may be no header, but somebody's data: that is not shown.
                which = f" ({visible(name, _NAME_LIMIT)})" if any(other in self._columns for other in names) else ""
                raise FileError(f"line 1: column {place}{which} is not known; the columns are {known}")
        if missing := [name for name in self._needed if name not in names]:
            raise FileError(f"line 1: no column {', '.join(missing)}")
        return names

    def _unreadable(self, error: BaseException) -> NoReturn:
        if isinstance(error, EOFError):
            raise FileError(f"{self._path} ends too soon: the gzip data is cut off") from error
        raise FileError(f"{self._path} cannot be read: {type(error).__name__}") from error


def _lines(file: BinaryIO) -> Iterator[bytes]:
    rest, number = b"", 0
    while block := file.read(_BLOCK):
        lines = (rest + block).split(b"\n")
        rest = lines.pop()
        number += len(lines)
        yield from lines
        if len(rest) > _LINE_LIMIT:
            raise FileError(f"line {number + 1} has more than {_LINE_LIMIT} bytes")
    if rest:
        yield rest


def _chain(first: bytes, rest: Iterator[bytes]) -> Iterator[bytes]:
    yield first
    yield from rest


def _split_csv(header: list[str], columns: Sequence[str]) -> _Split:
    """Splits a line into values, in the order of ``columns``; a column that the file has not is empty."""
    width = len(header)
    ordered = itemgetter(*[header.index(name) if name in header else width for name in columns])

    def split(number: int, text: str) -> Sequence[str] | Problem:
        if '"' in text:
            try:
                [values] = csv.reader(io.StringIO(text, newline=""), strict=True)
            except (csv.Error, ValueError):
                return Problem(number, "", "has a quote that is not closed, or not doubled")
        else:
            values = text.split(",")
        if len(values) != width:
            return Problem(number, "", f"has {len(values)} fields, and the header {width}")
        values.append("")
        found: tuple[str, ...] = ordered(values)
        return found

    return split


def _split_json(columns: Sequence[str]) -> _Split:
    known = set(columns)

    def split(number: int, text: str) -> Sequence[str] | Problem:
        try:
            given = orjson.loads(text)
        except ValueError:
            return Problem(number, "", "is not JSON")
        if not isinstance(given, dict):
            return Problem(number, "", "is not a JSON object")
        if not given.keys() <= known:
            name = next(name for name in given if name not in known)
            return Problem(
                number,
                "",
                f"has a field that is not known: {visible(name, _NAME_LIMIT)}; known are {', '.join(columns)}",
            )
        values: list[str] = []
        for name in columns:
            value = _text(given.get(name))
            if value is None:
                return Problem(number, name, "is neither a text, nor a whole number, nor true or false")
            values.append(value)
        return values

    return split


def _text(value: Any) -> str | None:
    match value:
        case str():
            return value
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case dict():  # verified claims
            try:
                return orjson.dumps(value).decode()
            except orjson.JSONEncodeError:  # nested deeper than it is written, though not than it is read
                return None
        case _:
            return None
