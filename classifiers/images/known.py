"""The list of known pictures: what each of them is of, and a search among their hashes.

A list is a file of lines with tabs between the fields: the hash (64 hexadecimal digits), the category that a match
scores, and if wanted a note, for those who keep the list, which nothing here reads. Empty lines and lines that begin
with ``#`` are skipped; a list with no other lines is refused, for it is more likely a mistake than a wish. The command
``python -m classifiers.images.hash`` writes such lines.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import numpy as np

from classifiers.contract import CATEGORIES, Category
from classifiers.images.hashes import MAX_DISTANCE, Hashes, parse

NONE: Final = "none"
OF_PICTURES: Final = CATEGORIES - {"news"}
"""What a known picture may be of: ``news`` is a topic of texts, and a picture that anybody may show with any words."""


_SETTING: Final = "CLASSIFIERS_KNOWN_PICTURES (in the gateway GATEWAY_KNOWN_PICTURES)"


class ListError(ValueError):
    """A list that cannot be used; the text names the file, the line and what is wrong with it."""


class Known:
    """Known pictures. A search looks at each of them, in time that depends on their number alone."""

    def __init__(self, hashes: Hashes, categories: Sequence[Category], version: str = NONE) -> None:
        # Column by column: the first half of the bits rules out nearly every row, and the rest is seldom read.
        self._columns = [np.ascontiguousarray(hashes[:, column]) for column in range(4)]
        self._categories = tuple(categories)
        self.version: Final = version

    def __len__(self) -> int:
        return len(self._categories)

    def search(self, wanted: Hashes) -> set[Category]:
        """The categories of the known pictures that one of these hashes is of."""
        found: set[Category] = set()
        if self._categories:
            for row in wanted:
                found.update([self._categories[at] for at in self._near(row)])
        return found

    def _near(self, row: Hashes) -> list[int]:
        distance = np.bitwise_count(self._columns[0] ^ row[0])
        distance += np.bitwise_count(self._columns[1] ^ row[1])
        left = np.flatnonzero(distance <= MAX_DISTANCE)
        rest = [np.bitwise_count(self._columns[at][left] ^ row[at]) for at in (2, 3)]
        near: list[int] = left[distance[left] + rest[0] + rest[1] <= MAX_DISTANCE].tolist()
        return near


def load(file: Path | None) -> Known:
    """The list in a file, or an empty one. Raises `ListError` for a file that cannot be used."""
    if file is None:
        return Known(np.zeros((0, 4), dtype=np.uint64), ())
    try:
        content = file.read_bytes()
        text = content.decode("utf-8")
    except OSError as error:
        raise ListError(f"known pictures: {file}: {error.strerror}; see {_SETTING}") from error
    except UnicodeDecodeError as error:
        raise ListError(f"known pictures: {file}: not UTF-8 at byte {error.start}") from error
    rows: list[Hashes] = []
    categories: list[Category] = []
    for number, line in enumerate(text.split("\n"), 1):
        line = line.rstrip("\r")
        if not line.strip() or line.startswith("#"):
            continue
        row, category = _row(f"known pictures: {file}: line {number}", line)
        rows.append(row)
        categories.append(category)
    if not rows:
        raise ListError(f"known pictures: {file}: no pictures in it; add lines, or unset {_SETTING}")
    return Known(np.concatenate(rows), categories, hashlib.sha256(content).hexdigest()[:12])


def _row(where: str, line: str) -> tuple[Hashes, Category]:
    fields = line.split("\t")
    if len(fields) not in (2, 3):
        raise ListError(f"{where}: expected hash, category and perhaps a note, with tabs between them")
    try:
        row = parse(fields[0])
    except ValueError as error:
        raise ListError(f"{where}: hash: expected 64 hexadecimal digits") from error
    category = fields[1]
    if category not in OF_PICTURES:
        raise ListError(f"{where}: category: expected one of {', '.join(sorted(OF_PICTURES))}")
    return row, category
