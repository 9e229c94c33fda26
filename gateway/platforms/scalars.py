"""The words in a JSON value: what of it a reader may be shown."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.platforms.call import BadRequest

_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:$@-")
_TOO_DEEP = "JSON inside of a text is nested too deep"
_LARGEST = 2**64
"""From here on the digits of a number are lost when it is parsed."""
_INSIDE = 4
"""How deep JSON is looked for inside of text inside of JSON."""


def words(value: Any) -> Iterator[str]:
    """Every text in a value, and every number as text: of lists and objects all that is inside.

    A text that is itself a JSON object or list is given, and then what is in it: escapes would hide its words. Raises
    `BadRequest` for JSON in texts in JSON that is nested too deep, and for numbers whose digits cannot be known.
    """
    return _words(value, _INSIDE)


def is_name(key: str) -> bool:
    """Whether a key only names a field. One that does not may be a message to readers, and is judged."""
    return len(key) <= 64 and _NAME.issuperset(key)


def _words(value: Any, inside: int) -> Iterator[str]:
    if isinstance(value, str):
        yield _sendable(value)
        if value.lstrip()[:1] in ("{", "[") and value.rstrip()[-1:] in ("}", "]"):
            yield from _inner(value, inside)
    elif isinstance(value, bool) or value is None:
        return
    elif isinstance(value, int | float):
        if abs(value) >= _LARGEST:
            raise BadRequest(("body", f"the number {value}: too large to be read the same way everywhere"))
        yield orjson.dumps(value).decode()
    elif isinstance(value, list):
        for item in value:
            yield from _words(item, inside)
    else:
        for key, item in value.items():
            if not is_name(key):
                yield _sendable(key)
            yield from _words(item, inside)


def _inner(text: str, inside: int) -> Iterator[str]:
    try:
        value = _LOOSE.decode(text)
    except RecursionError as error:
        raise BadRequest(("body", _TOO_DEEP)) from error
    except ValueError:
        return  # it only looks like JSON
    if inside == 0:
        raise BadRequest(("body", _TOO_DEEP))
    try:
        yield from _words(value, inside - 1)
    except RecursionError as error:
        raise BadRequest(("body", _TOO_DEEP)) from error


def _sendable(text: str) -> str:
    """The text without lone surrogates, which have no UTF-8."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


class _Pairs:
    """An object with all its members: of a key given twice, both."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self._pairs = pairs

    def items(self) -> list[tuple[str, Any]]:
        """Keys and values, in order."""
        return self._pairs


_LOOSE = json.JSONDecoder(object_pairs_hook=_Pairs, strict=False, parse_int=str, parse_float=str, parse_constant=str)
