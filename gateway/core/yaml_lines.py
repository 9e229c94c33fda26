"""YAML that people write, read strictly, with the line of every field, so that each problem can name its place."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml

from gateway.core.wording import told

Lines = dict[tuple[str, ...], int]
"""The line of each field, counted from 1, by its path."""


DEEPEST: Final = 50
"""How deep fields stand within one another in a text that is not strange."""

_OPENING: Final = (
    yaml.BlockMappingStartToken,
    yaml.BlockSequenceStartToken,
    yaml.FlowMappingStartToken,
    yaml.FlowSequenceStartToken,
)
_CLOSING: Final = (yaml.BlockEndToken, yaml.FlowMappingEndToken, yaml.FlowSequenceEndToken)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong in a file. ``line`` counts from 1; 0 is the file as a whole, of which there are no lines."""

    line: int
    field: str
    message: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.field}: {self.message}" if self.line else self.message


def unreadable(error: OSError | UnicodeDecodeError) -> Problem:
    """Why a file gives no text. Its name is left out: whoever asked for it puts it before each problem."""
    if isinstance(error, FileNotFoundError):
        return Problem(0, "file", "no such file")
    why = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
    return Problem(0, "file", f"cannot be read: {why}")


def read_yaml(text: str) -> tuple[Any, Lines, list[Problem]]:
    """The values, the line of each field, and every problem: not YAML, a key given twice, not a mapping of fields.

    The values are of use only if there is no problem.
    """
    lines: Lines = {}
    try:
        root = yaml.compose(text, Loader=yaml.SafeLoader)
        values = yaml.safe_load(text)
        repeated = _walk(root, (), lines)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        message = str(getattr(error, "problem", None) or error)
        return None, lines, [Problem(mark.line + 1 if mark else 1, "file", message)]
    except (ValueError, RecursionError) as error:  # a date that does not exist; an alias inside of what it stands for
        return None, lines, [Problem(1, "file", f"cannot be read: {error}")]
    if not repeated and not isinstance(values, dict):
        return None, lines, [Problem(1, "file", "expected a mapping of fields")]
    return values, lines, repeated


def strange(text: str) -> list[Problem]:
    """The first thing in a text that nobody writes by hand, and that costs more to read than a short text should: an
    alias, a few of which can stand for more than fits into memory, or fields within fields without end. None for what
    is not YAML: reading it says what is wrong."""
    depth = 0
    try:
        for token in yaml.scan(text, Loader=yaml.SafeLoader):
            line = token.start_mark.line + 1
            depth += isinstance(token, _OPENING) - isinstance(token, _CLOSING)
            if isinstance(token, yaml.AliasToken):
                return [Problem(line, "file", "aliases are not taken here")]
            if depth > DEEPEST:
                return [Problem(line, "file", f"more than {DEEPEST} fields within one another")]
    except (yaml.YAMLError, ValueError):
        return []
    return []


def to_problem(error: Mapping[str, Any], lines: Lines) -> Problem:
    """The problem in one of pydantic's errors, with the line of the nearest field that is there."""
    path = tuple(str(part) for part in error["loc"] if part != "[key]")
    known = path
    while known not in lines:
        known = known[:-1]
    return Problem(lines[known], ".".join(path) or "file", told(error))


def _walk(node: yaml.Node | None, path: tuple[str, ...], lines: Lines) -> list[Problem]:
    """Note the line of every field below ``node``; return the keys that stand twice in one mapping."""
    repeated: list[Problem] = []
    lines.setdefault(path, node.start_mark.line + 1 if node else 1)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            here, line = (*path, str(key.value)), key.start_mark.line + 1
            lines[here] = line
            if key.value in seen:
                repeated.append(Problem(line, ".".join(here), "given twice"))
            seen.add(key.value)
            repeated += _walk(value, here, lines)
    elif isinstance(node, yaml.SequenceNode):
        for index, item in enumerate(node.value):
            repeated += _walk(item, (*path, str(index)), lines)
    return repeated
