"""The terms file: one term a line, columns parted by tabs, UTF-8. See ``README.md`` for the columns. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from classifiers.contract import CATEGORIES
from classifiers.normalise import OVERLAP, normalise

SCORED: Final[frozenset[str]] = CATEGORIES - {"news"}
"""The categories a term may have. News is a topic that no single word shows."""
LONGEST: Final = OVERLAP // 2
"""Longest term, in characters of its canonical view: with its surroundings it is read whole in one window."""
WITHIN: Final = 40
"""How far away, in characters, a ``near`` word may stand if the line does not say."""
_MAX_PROBLEMS: Final = 100
_KEYS: Final = ("unless", "near", "within", "whole")


@dataclass(frozen=True, slots=True)
class Term:
    """One term in canonical view.

    ``weight`` is how likely its category is where it stands, 0 to 1, both excluded. It counts less in the named
    ``contexts`` and beside one of the ``phrases``; if there are words in ``near``, it counts only where one of them
    stands within ``within`` characters. ``whole``: letters and digits of ASCII at its ends are ends of words.
    """

    text: str
    category: str
    weight: float
    contexts: tuple[str, ...] = ()
    phrases: tuple[str, ...] = ()
    near: tuple[str, ...] = ()
    within: int = WITHIN
    whole: bool = True

    def line(self) -> str:
        """The line of a terms file that reads as this term."""
        columns = [self.text, self.category, f"{self.weight:g}"]
        if self.contexts or self.phrases:
            columns.append("unless=" + ",".join([*[f"@{name}" for name in self.contexts], *self.phrases]))
        if self.near:
            columns.append("near=" + ",".join(self.near))
            columns.append(f"within={self.within}")
        if not self.whole:
            columns.append("whole=no")
        return "\t".join(columns)


class TermError(ValueError):
    """A terms file that cannot be used. ``problems`` names for each bad place ``file:line:column`` and the remedy."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems: Final = tuple(problems)
        super().__init__("; ".join(self.problems[:5]))


class _Bad(Exception):
    def __init__(self, column: int, problem: str) -> None:
        self.column, self.problem = column, problem


def parse(text: str, file: str, contexts: Collection[str]) -> list[Term]:
    """The terms of a file's ``text``, normalised, in their order; of lines alike but for the weight, the one with most.

    ``contexts`` are the names a line may use. Raises `TermError` with every bad place, ``file`` before each, for at
    most 100 of them, and for a file without a term.
    """
    problems: list[str] = []
    found: dict[Term, Term] = {}
    for number, line in _lines(text):
        try:
            term = _term(line.split("\t"), contexts)
        except _Bad as bad:
            problems.append(f"{file}:{number}:{bad.column}: {bad.problem}")
            if len(problems) >= _MAX_PROBLEMS:
                break
            continue
        alike = replace(term, weight=0.0)
        if alike not in found or found[alike].weight < term.weight:
            found[alike] = term
    if not problems and not found:
        problems.append(f"{file}:1:1: no term; give lines of term, category and weight, parted by tabs")
    if problems:
        raise TermError(problems)
    return list(found.values())


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        line = line.removesuffix("\r")
        if line.strip() and not line.startswith("#"):
            yield number, line


def _term(columns: list[str], contexts: Collection[str]) -> Term:
    if len(columns) < 3:
        raise _Bad(len(columns), f"{len(columns)} column(s); give term, category and weight, parted by tabs")
    text = canonical(columns[0], 1)
    if len(text) == 1 and text.isascii():
        raise _Bad(1, f"term: {columns[0]!r} reads as the single sign {text!r}; give a longer term")
    if len(text) > LONGEST:
        raise _Bad(1, f"term: {len(text)} characters; give at most {LONGEST}")
    category = columns[1].strip()
    if category not in SCORED:
        raise _Bad(2, f"category: unknown {category!r}; give one of {', '.join(sorted(SCORED))}")
    options: dict[str, tuple[int, str]] = {}
    for at, column in enumerate(columns[3:], 4):
        key, equals, value = column.strip().partition("=")
        if not key and not equals:
            continue
        if key not in _KEYS or not equals:
            raise _Bad(at, f"unknown {column.strip()!r}; give one of {', '.join([f'{k}=' for k in _KEYS])}")
        if key in options:
            raise _Bad(at, f"{key}: given twice; join the two with a comma or drop one")
        options[key] = at, value
    named, phrases = _unless(options, contexts)
    near = tuple([canonical(word, options["near"][0]) for word in _listed(options, "near")])
    return Term(text, category, _weight(columns[2]), named, phrases, near, _within(options), _whole(options))


def canonical(text: str, column: int) -> str:
    """``text`` as the normaliser shows it, without blanks around it: nothing else can be found in a view."""
    view = normalise(text.strip()).text.strip()
    if not view:
        raise _Bad(column, f"{text!r} is nothing a reader sees; give letters, digits or signs")
    return view


def _weight(column: str) -> float:
    try:
        weight = float(column)
    except ValueError:
        weight = 0.0
    if not 0.0 < weight < 1.0:
        raise _Bad(3, f"weight: {column.strip()!r}; give a number between 0 and 1, both excluded")
    return weight


def _unless(options: dict[str, tuple[int, str]], contexts: Collection[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    items = _listed(options, "unless")
    at = options["unless"][0] if items else 0
    named = tuple([item[1:] for item in items if item.startswith("@")])
    if unknown := [name for name in named if name not in contexts]:
        known = ", ".join([f"@{name}" for name in contexts])
        raise _Bad(at, f"unless: unknown context @{unknown[0]}; give one of {known}, or a phrase without @")
    return named, tuple([canonical(item, at) for item in items if not item.startswith("@")])


def _within(options: dict[str, tuple[int, str]]) -> int:
    if "within" not in options:
        return WITHIN
    at, value = options["within"]
    if "near" not in options:
        raise _Bad(at, "within: says nothing without near=; add near= or drop it")
    if not (value.isascii() and value.isdigit() and len(value) <= 4 and 1 <= int(value) <= LONGEST):
        raise _Bad(at, f"within: {value!r}; give a number of characters from 1 to {LONGEST}")
    return int(value)


def _whole(options: dict[str, tuple[int, str]]) -> bool:
    at, value = options.get("whole", (0, "yes"))
    if value not in ("yes", "no"):
        raise _Bad(at, f"whole: {value!r}; give yes or no")
    return value == "yes"


def _listed(options: dict[str, tuple[int, str]], key: str) -> list[str]:
    if key not in options:
        return []
    at, value = options[key]
    items = [item.strip() for item in value.split(",")]
    if not all(items) or "@" in items:
        raise _Bad(at, f"{key}: an empty item; give words parted by commas")
    return items
