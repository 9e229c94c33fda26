"""JSON as it must be for all parsers to agree: one reading of the bytes, or none."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import orjson

MAX_DEPTH = 32
EXACT = 2**53
"""Beyond it a number that is no integer of 64 bits is read with other digits than it was sent with."""
MAX_JSON = 1024 * 1024
"""Bytes of JSON that a platform may be sent: it takes many times that to read it, and no text needs so much."""
MAX_VALUES = 10_000
"""Values in one text, nested ones included: what is small to send must not be long to read."""


_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"?', re.DOTALL)
"""A string, or what stands behind an opening quote to which there is no other: it always fits, in linear time."""


class BadJson(ValueError):
    """A body that could be read in two ways, or not at all. ``field`` is the dotted path, or ``body``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def loads(body: bytes) -> Any:
    """The value of a JSON text (RFC 8259).

    Raises `BadJson` for what is not UTF-8, not JSON, nested deeper than `MAX_DEPTH`, of more than `MAX_VALUES` values,
    or has a key twice in one object (parsers differ in which one they take, RFC 8259 section 4), or a number so large
    that parsers keep different digits of it (section 6).
    """
    if _members(body) > MAX_VALUES and _members(_STRING.sub(b"", body)) > MAX_VALUES:  # before it takes any memory
        raise BadJson("body", f"more than {MAX_VALUES} values")
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadJson("body", f"not valid JSON: {error}") from error
    if _count(value, MAX_DEPTH) > MAX_VALUES:
        raise BadJson("body", f"more than {MAX_VALUES} values")
    _UNIQUE_KEYS.decode(body.decode())
    return value


def fold_keys(value: Any) -> Any:
    """The value, its keys in folded case; a key that even so is no plain name keeps its own.

    Raises `BadJson` for an object with two keys that are equal but for their case: some servers read one for the other.
    """
    if isinstance(value, list):
        return [fold_keys(item) for item in value]
    if not isinstance(value, dict):
        return value
    folded: dict[str, Any] = {}
    seen: set[str] = set()
    for key, item in value.items():
        plain = key.casefold()
        if plain in seen:
            raise BadJson(key, "this key is given twice in one object, in another case")
        seen.add(plain)
        folded[plain if plain.isascii() and plain.isprintable() and " " not in plain else key] = fold_keys(item)
    return folded


def _count(value: Any, room: int) -> int:
    """How many values there are, up to where it is clear that they are too many."""
    items: Iterable[Any]
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list):
        items = value
    else:
        if isinstance(value, float) and abs(value) >= EXACT:
            raise BadJson("body", "a number whose digits parsers do not agree on; send it as a string")
        return 1
    if room == 0:
        raise BadJson("body", f"nested deeper than {MAX_DEPTH} levels")
    count = 1
    for item in items:
        count += _count(item, room - 1)
        if count > MAX_VALUES:
            break
    return count


def _members(body: bytes) -> int:
    """How many values there can be in a text, at most, but for the one around all."""
    return body.count(b",") + body.count(b"{") + body.count(b"[")


def _unique(pairs: list[tuple[str, Any]]) -> None:
    seen: set[str] = set()
    for key, _ in pairs:
        if key in seen:
            raise BadJson(key, "this key is given twice in one object")
        seen.add(key)


_UNIQUE_KEYS = json.JSONDecoder(object_pairs_hook=_unique)
