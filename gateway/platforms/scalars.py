"""The words in a JSON value: what of it a reader may be shown."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import orjson

from gateway.platforms.call import BadRequest

_OPENING = ("{", "[")
_LAST = 0x10FFFF
MAX_CHARACTERS = 200_000
"""Of all texts of a message together, before markup is read; the articles of a whole draft fit."""
_IDENTIFIER = 255
_NAME = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.:$@-")
_SENTENCE = 4
"""Gaps between words from which on a key says something."""
_TOO_DEEP = "JSON inside of a text is nested too deep"
_LARGEST = 2**64
"""From here on the digits of a number are lost when it is parsed."""
_HEX = "[0-9a-fA-F]"
_ESCAPE = re.compile(rf"\\(?:u({_HEX}{{4}})|u\{{({_HEX}{{1,6}})\}}|x({_HEX}{{2}})|(.))", re.DOTALL)
_CHARACTERS = {"n": "\n", "r": "\n", "t": "\t", "b": "", "f": "", "v": " ", "0": ""}
_INSIDE = 4
"""How deep JSON is looked for inside of text inside of JSON."""


def words(value: Any) -> Iterator[str]:
    """Every text in a value, and every number as text: of lists and objects all that is inside.

    A text that is itself a JSON object or list is given, and then what is in it: escapes would hide its words. Of one
    that only looks like JSON, and that a lenient server may read, the same text without its escapes is given. Raises
    `BadRequest` for JSON in texts in JSON that is nested too deep, and for numbers whose digits cannot be known.
    """
    return _words(value, _INSIDE)


def words_inside(text: str) -> list[str]:
    """The words of the JSON object or list that a text is; none if it is none. Raises `BadRequest` like `words`."""
    value = _parsed(text, _INSIDE) if text.lstrip()[:1] in _OPENING else None
    return [] if value is None else list(_within(value, _INSIDE))


def is_name(key: str) -> bool:
    """Whether a key only names a field. One that does not may be a message to readers, and is judged."""
    return len(key) <= 64 and _NAME.issuperset(key) and key.count("_") + key.count("-") < _SENTENCE


def is_identifier(value: Any) -> bool:
    """Whether a value can only name something: visible ASCII without white space, a number, a flag, a list of such."""
    if isinstance(value, str):
        if len(value) > MAX_CHARACTERS:
            return False
        if inside := words_inside(value):  # a list of ids in a form is JSON
            return all(is_identifier(item) for item in inside)
        return len(value) <= _IDENTIFIER and all("!" <= char <= "~" for char in value)
    if isinstance(value, list):
        return all(isinstance(item, str | int) and is_identifier(item) for item in value)
    return not isinstance(value, dict)


def _words(value: Any, inside: int) -> Iterator[str]:
    if isinstance(value, str):
        yield _sendable(value)
        if value.lstrip()[:1] in _OPENING:
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
    value = _parsed(text, inside)
    if value is not None:
        yield from _within(value, inside)
    elif (bare := _sendable(_unescaped(text))) != text:
        yield bare


def _parsed(text: str, inside: int) -> Any:
    """The list or object that a text is, or None if it only looks like one."""
    try:
        value = _LOOSE.decode(text.strip())
    except RecursionError as error:
        raise BadRequest(("body", _TOO_DEEP)) from error
    except ValueError:
        return None
    if inside == 0:
        raise BadRequest(("body", _TOO_DEEP))
    return value


def _within(value: Any, inside: int) -> Iterator[str]:
    try:
        yield from _words(value, inside - 1)
    except RecursionError as error:
        raise BadRequest(("body", _TOO_DEEP)) from error


def _unescaped(text: str) -> str:
    """A text with its escapes undone: those of JSON, and as lenient parsers do, any other."""
    if "\\" not in text:
        return text
    bare = _ESCAPE.sub(_character, text)
    return bare.encode("utf-16", "surrogatepass").decode("utf-16", "replace")  # two escapes may be one character


def _character(match: re.Match[str]) -> str:
    code = match[1] or match[2] or match[3]
    if code is None:
        return _CHARACTERS.get(match[4], match[4])
    return chr(int(code, 16)) if int(code, 16) <= _LAST else ""


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
