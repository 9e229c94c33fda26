"""Text with places to fill in: ``{message}`` in an answer, ``{credential}`` in a question to the platform."""

from __future__ import annotations

import base64
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_PLACE = re.compile(r"\{([a-z_]+(?:\.[0-9])?)(?::([a-z0-9]+))?\}")


class BadFill(ValueError):
    """A place that cannot be filled in; the text says why."""


def _whole(value: str) -> int:
    if value.isdecimal() and value.isascii():
        return int(value)  # to the last digit, however long
    try:
        return max(0, round(float(value)))
    except ValueError:
        return 0


_FORMS: dict[str, Callable[[str], Any]] = {
    "int": _whole,
    "milliseconds": lambda value: _whole(value) * 1000,
    "base64": lambda value: base64.b64encode(value.encode()).decode(),
}


@dataclass(frozen=True, slots=True)
class Filled:
    """A JSON value, or a text, with places in its texts."""

    value: Any

    @property
    def names(self) -> frozenset[str]:
        """The names of its places."""
        return frozenset([match[1] for text in _texts(self.value) for match in _PLACE.finditer(text)])

    def render(self, values: Mapping[str, str]) -> Any:
        """The value, its places filled in; a name that is not in ``values`` stands for nothing."""
        return _render(self.value, values)


def fill(value: Any) -> Filled:
    """Read a value with places. Raises `BadFill` for a form that there is not."""
    for text in _texts(value):
        for match in _PLACE.finditer(text):
            if match[2] and match[2] not in _FORMS:
                raise BadFill(f"{match[0]}: no such form; there are {', '.join(_FORMS)}")
    return Filled(value)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)


def _render(value: Any, values: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        if (match := _PLACE.fullmatch(value)) and match[2]:
            return _FORMS[match[2]](values.get(match[1], ""))  # a number stays a number
        return _PLACE.sub(lambda match: str(_FORMS.get(match[2] or "", str)(values.get(match[1], ""))), value)
    if isinstance(value, dict):
        return {key: _render(item, values) for key, item in value.items()}
    if isinstance(value, list):
        return [_render(item, values) for item in value]
    return value
