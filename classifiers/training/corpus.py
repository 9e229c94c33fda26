"""The rows models learn from: the labelled sets of a data directory, and those written by hand beside this file."""

from __future__ import annotations

import gzip
import hashlib
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Final

from classifiers.contract import CATEGORIES
from classifiers.training import evasion
from classifiers.training.recipe import EVERYDAY, HAND_WRITTEN, OWN, Recipe

_FOLDERS: Final = {OWN: "rows", EVERYDAY: "rows/everyday"}
_NOT_A_WORD: Final = re.compile(r"\W+")

_DISGUISED: Final = 0.35
"""The share of its characters that a disguised row is written with other ones of the same sound."""
_EMOJI: Final = 8
"""One in so many disguised rows has emoji for words, as far as there are any; people write other characters more often,
and they are harder to know again.
"""


class CorpusError(ValueError):
    """Rows that cannot be used; the text names the file, the line and the remedy."""


@dataclass(frozen=True, slots=True)
class Row:
    """One labelled text. ``labels`` are what is known of it: a category that is missing is unknown, not absent.
    ``disguise_of`` is what a disguised text was before.
    """

    source: str
    language: str
    text: str
    labels: Mapping[str, int]
    disguise_of: str | None = None


def key(text: str) -> str:
    """By which a text is known again whatever its case and signs: 16 hexadecimal digits of SHA-256 over the NFKC form
    in lower case, without what is no letter, digit or underscore."""
    plain = _NOT_A_WORD.sub("", unicodedata.normalize("NFKC", text).lower())
    return hashlib.sha256(plain.encode("utf-8", "surrogatepass")).hexdigest()[:16]


@cache
def evaluation_keys() -> frozenset[str]:
    """Keys of the texts that models are tested with and must never have learned from: ``evaluation.keys``, eight bytes
    each.
    """
    kept = (resources.files("classifiers.training") / "evaluation.keys").read_bytes()
    return frozenset([kept[at : at + 8].hex() for at in range(0, len(kept), 8)])


def hand_written(source: str) -> list[Row]:
    """The rows of a hand-written source. Raises `CorpusError` for a line that is none."""
    found: list[Row] = []
    for file in sorted(
        (resources.files("classifiers.training") / _FOLDERS[source]).iterdir(), key=lambda file: file.name
    ):
        if file.name.endswith(".tsv"):
            found += _read(source, file.name, file.read_text("utf-8"))
    return found


def _read(source: str, name: str, text: str) -> Iterator[Row]:
    for number, line in enumerate(text.split("\n"), 1):
        if not line or line.startswith("#"):
            continue
        named, tab, words = line.partition("\t")
        labels: dict[str, int] = dict.fromkeys(sorted(CATEGORIES), 0)
        for label in [] if named == "-" else named.split(","):
            category = label.removesuffix("?")
            if category not in labels or not tab or not words.strip():
                raise CorpusError(f"{name}:{number}: expected `categories or -`, a tab and a text, not {line[:60]!r}")
            if category == label:
                labels[category] = 1
            else:
                del labels[category]
        yield Row(source, name[:2], words.replace("\\n", "\n"), labels)


def learned_rows(recipe: Recipe, data: Path) -> list[Row]:
    """The rows of a recipe, and some of them in disguise. Raises like `rows`."""
    found = rows(recipe, data)
    return found + list(disguised(found, recipe.disguised))


def rows(recipe: Recipe, data: Path) -> list[Row]:
    """The rows of a recipe's sources, in an order that depends on nothing else. A text that comes twice in a source
    counts once.

    Raises `CorpusError` for a source that is not there, and for a row by which models are to be tested.
    """
    forbidden = evaluation_keys()
    found: list[Row] = []
    for name, source in sorted(recipe.sources.items()):
        taken = {
            (row.language, row.text): row
            for row in (hand_written(name) if name in HAND_WRITTEN else _of_set(name, data))
        }
        kept = [row for _, row in sorted(taken.items()) if row.language in recipe.languages]
        if source.most is not None and len(kept) > source.most:
            kept = [kept[index * len(kept) // source.most] for index in range(source.most)]
        for row in kept:
            if key(row.text) in forbidden:
                raise CorpusError(f"{name}: {row.text[:60]!r} is a text that models are tested with: take it out")
            labels = {c: v for c, v in row.labels.items() if c not in source.leave}
            found.append(Row(name, row.language, row.text, {**dict.fromkeys(source.clean, 0), **labels}))
    return found


def disguised(rows: Sequence[Row], every: int) -> Iterator[Row]:
    """One in ``every`` Chinese rows (none for 0) as somebody would write it who does not want to be found out."""
    chinese = [row for row in rows if row.language == "zh"]
    for place in range(0, len(chinese) if every else 0, every or 1):
        row = chinese[place]
        with_emoji = place % (_EMOJI * every) == 0
        text = evasion.emoji(row.text) if with_emoji else evasion.homophones(row.text, _DISGUISED, place)
        if text != row.text:
            yield replace(row, text=text, disguise_of=row.text)


def _of_set(name: str, data: Path) -> Iterator[Row]:
    path = data / f"{name}.jsonl.gz"
    try:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                row = json.loads(line)
                yield Row(name, row["lang"], row["text"], row["labels"])
    except (OSError, ValueError, KeyError) as error:
        raise CorpusError(f"{path}: not a set of labelled rows: {error}") from error
