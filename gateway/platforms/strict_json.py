"""JSON as it must be for all parsers to agree: one reading of the bytes, or none."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

import orjson

MAX_DEPTH = 32


class BadJson(ValueError):
    """A body that could be read in two ways, or not at all. ``field`` is the dotted path, or ``body``."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


def loads(body: bytes) -> Any:
    """The value of a JSON text (RFC 8259).

    Raises `BadJson` for what is not UTF-8, not JSON, nested deeper than `MAX_DEPTH`, or has a key twice in one object
    (parsers differ in which one they take, RFC 8259 section 4).
    """
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadJson("body", f"not valid JSON: {error}") from error
    _bound(value, MAX_DEPTH)
    _UNIQUE_KEYS.decode(body.decode())
    return value


def _bound(value: Any, room: int) -> None:
    items: Iterable[Any]
    if isinstance(value, dict):
        items = value.values()
    elif isinstance(value, list):
        items = value
    else:
        return
    if room == 0:
        raise BadJson("body", f"nested deeper than {MAX_DEPTH} levels")
    for item in items:
        _bound(item, room - 1)


def _unique(pairs: list[tuple[str, Any]]) -> None:
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        twice = next(key for index, key in enumerate(keys) if key in keys[:index])
        raise BadJson(twice, "this key is given twice in one object")


_UNIQUE_KEYS = json.JSONDecoder(object_pairs_hook=_unique)
