"""Which literal strings a pattern cannot do without: a substring test that spares most texts the pattern.

Derived from the parsed pattern, so that a row and its test cannot drift apart. The parser is an inner module
of ``re``: where it is missing or a node is unknown, nothing is required, which is always true and costs only
speed.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Sequence
from typing import Any, Final

_MOST: Final = 64
"""Most strings that are looked for before one pattern; beyond, the tests cost more than they save."""

_LONGEST_REPEAT: Final = 3
_ENOUGH: Final = 5.0
_NOTHING: Final = frozenset({""})
_ZERO_WIDTH: Final = frozenset({"AT", "ASSERT", "ASSERT_NOT"})
_REPEATS: Final = frozenset({"MAX_REPEAT", "MIN_REPEAT", "POSSESSIVE_REPEAT"})

Strings = frozenset[str]


def required(pattern: str) -> tuple[str, ...]:
    """Strings of which every match contains at least one; ``("",)`` if none is known.

    The pattern has to be case-sensitive.
    """
    try:
        parser = importlib.import_module("re._parser")
    except ImportError:
        return ("",)
    found = _of_sequence(list(parser.parse(pattern)))
    return tuple(sorted(found)) if found else ("",)


def _of_sequence(nodes: Sequence[Any]) -> Strings | None:
    """The best of what the parts of a sequence require; neighbours with known strings are read together."""
    candidates: list[Strings] = []
    run = _NOTHING
    for node in nodes:
        exact = _exact(node)
        if exact is not None and len(run) * len(exact) <= _MOST:
            run = _joined(run, exact)
            continue
        candidates.append(run)
        run = _NOTHING if exact is None else exact
        if exact is None and (inner := _of_node(node)) is not None:
            candidates.append(inner)
    candidates.append(run)
    best = max(candidates, key=_worth)
    return _shortest(best) if _worth(best) > 0.0 else None


def _of_node(node: Any) -> Strings | None:
    name, value = str(node[0]), node[1]
    if name == "SUBPATTERN":
        return _of_sequence(list(value[3]))
    if name in _REPEATS and value[0] >= 1:
        return _of_sequence(list(value[2]))
    if name == "BRANCH":
        branches = [_of_sequence(list(branch)) for branch in value[1]]
        known = [branch for branch in branches if branch is not None]
        return frozenset().union(*known) if len(known) == len(branches) else None
    return None


def _exact(node: Any) -> Strings | None:
    """All strings a node can match, if they are few and known."""
    name, value = str(node[0]), node[1]
    if name in _ZERO_WIDTH:
        return _NOTHING
    if name == "LITERAL":
        return frozenset({chr(value)})
    if name == "IN" and all(str(item[0]) == "LITERAL" for item in value):
        return frozenset([chr(item[1]) for item in value])
    if name == "SUBPATTERN":
        return _exact_sequence(value[3])
    if name == "BRANCH":
        branches = [_exact_sequence(branch) for branch in value[1]]
        known = [branch for branch in branches if branch is not None]
        return _few(frozenset().union(*known)) if len(known) == len(branches) else None
    if name in _REPEATS and int(value[1]) <= _LONGEST_REPEAT:
        once = _exact_sequence(value[2])
        if once is None:
            return None
        longest, found = _NOTHING, _NOTHING if value[0] == 0 else frozenset()
        for times in range(1, int(value[1]) + 1):
            longest = _joined(longest, once)
            found = found | longest if times >= value[0] else found
            if len(found) > _MOST:
                return None
        return found
    return None


def _exact_sequence(nodes: Iterable[Any]) -> Strings | None:
    run = _NOTHING
    for node in nodes:
        exact = _exact(node)
        if exact is None or len(run) * len(exact) > _MOST:
            return None
        run = _joined(run, exact)
    return run


def _joined(left: Strings, right: Strings) -> Strings:
    return frozenset([a + b for a in left for b in right])


def _few(strings: Strings) -> Strings | None:
    return strings if len(strings) <= _MOST else None


def _worth(strings: Strings) -> float:
    """How rare the weakest string is in ordinary text, less what looking for many costs."""
    if not strings:
        return 0.0
    weakest = min([sum([1.0 if char.isascii() else 2.5 for char in string]) for string in strings])
    return min(weakest, _ENOUGH) - 0.02 * len(strings) if weakest else 0.0


def _shortest(strings: Strings) -> Strings:
    """Without the strings that contain another one of them."""
    return frozenset([s for s in strings if not any(other != s and other in s for other in strings)])
