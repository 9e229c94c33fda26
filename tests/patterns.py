"""Looks into regular expressions: which of them could run away on a hostile text."""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator
from typing import Any


def nested_repeats(pattern: str) -> list[str]:
    """The repeats of more than one inside other repeats of more than one, as ``{least,most}``."""
    return list(_nested(_parse(pattern), inside=False))


def _parse(pattern: str) -> Iterable[Any]:
    nodes: Iterable[Any] = importlib.import_module("re._parser").parse(pattern)
    return nodes


def _nested(nodes: Iterable[Any], *, inside: bool) -> Iterator[str]:
    for code, value in nodes:
        match str(code):
            case "MAX_REPEAT" | "MIN_REPEAT" | "POSSESSIVE_REPEAT":
                many = value[1] > 1
                if many and inside:
                    yield f"{{{value[0]},{value[1]}}}"
                yield from _nested(value[2], inside=inside or many)
            case "SUBPATTERN":
                yield from _nested(value[3], inside=inside)
            case "BRANCH":
                for branch in value[1]:
                    yield from _nested(branch, inside=inside)
            case "ASSERT" | "ASSERT_NOT":
                yield from _nested(value[1], inside=inside)
