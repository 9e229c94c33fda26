"""Reads the hand-written tables beside the steps: one row a line, columns parted by tabs, ``#`` for remarks."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from importlib import metadata, resources
from typing import Final

_FILES: Final = resources.files("classifiers") / "normalising"

_LIBRARIES: Final = ("confusable-homoglyphs", "opencc", "pypinyin")
"""Whose tables the view and its sounds are made of as well."""


def libraries() -> str:
    """These libraries with their versions."""
    return ", ".join([f"{name} {metadata.version(name)}" for name in _LIBRARIES])


def digest() -> str:
    """Which tables these are, the libraries' among them: part of the version of whoever judges a view."""
    found = hashlib.sha256(libraries().encode())
    for file in sorted(_FILES.iterdir(), key=lambda file: file.name):
        if file.name.endswith((".tsv", ".txt")):
            found.update(file.name.encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def rows(name: str, columns: int) -> Iterator[tuple[str, ...]]:
    """The rows of a table.

    Raises `ValueError`, naming file and line, for a row that has another number of columns or an empty one.
    """
    for number, line in enumerate((_FILES / name).read_text("utf-8").splitlines(), 1):
        if not line or line.startswith("# "):
            continue
        cells = tuple(line.split("\t"))
        if len(cells) != columns or not all(cells):
            raise ValueError(f"{name}, line {number}: expected {columns} columns parted by single tabs, found {cells}")
        yield cells


def pairs(name: str) -> dict[str, str]:
    """A table of two columns as what is written and what is meant."""
    table: dict[str, str] = {}
    for written, meant in rows(name, 2):
        table[written] = meant
    return table


def words(name: str) -> list[str]:
    """The words of a list, which are parted by blanks or line ends."""
    return [word for (line,) in rows(name, 1) for word in line.split()]
