"""The fields of one request, and what a selector finds among them."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from gateway.platforms.call import BadRequest, Headers, header
from gateway.platforms.forms import pairs
from gateway.platforms.multiparts import Parts
from gateway.platforms.scalars import is_identifier, is_name
from gateway.platforms.selectors import EVERYTHING, Selector
from gateway.platforms.strict_json import MAX_JSON, BadJson, fold_keys, loads

Place = tuple[str | int, ...]
"""Where a value stands: the kind of field, its name, and the way down into its JSON."""

NOTHING: Any = object()
"""The JSON of a request that has none."""


@dataclass(frozen=True, slots=True)
class Fields:
    """What a request holds, parsed once. ``value`` is its JSON, or `NOTHING`."""

    headers: Headers = ()
    variables: Mapping[str, str] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] = ()
    value: Any = NOTHING
    form: Mapping[str, str] = field(default_factory=dict)
    parts: Parts = field(default_factory=lambda: Parts({}, ()))
    unseen: frozenset[str] = frozenset()
    """Keys and names whose identifiers ``**`` leaves out (`Platform.unseen`)."""
    fold: bool = False
    """Whether the keys of its JSON are folded (`fold_keys`): selectors then find them whatever their case."""
    inside: dict[str, Any] = field(default_factory=dict)
    """The JSON in texts that selectors have looked into: many look into the same."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value and its place."""

    place: Place
    value: Any


def head_fields(
    headers: Headers, variables: Mapping[str, str], query: bytes, unseen: frozenset[str] = frozenset()
) -> Fields:
    """The fields outside of the body. Raises `BadRequest` for a query that can be read in two ways."""
    return Fields(headers, variables, tuple(pairs(query, "query")), unseen=unseen)


def select(selector: Selector, fields: Fields, taken: Collection[Place] = ()) -> Iterable[Found]:
    """What a selector finds, in order; wrappers that change a text (html, markdown) are left to the reader of texts.

    ``taken`` are the places that ``**`` leaves out. Raises `BadRequest` where a field cannot be read in one way.
    """
    if selector.direct:
        path = _keys(selector.path, fields)
        found = _descend(fields.value, path)
        if found is not NOTHING:
            return [] if found is None else [Found(("json", *path), found)]
    if not selector.wraps:
        return [found for found in _base(selector, fields, taken) if found.value is not None]
    return _wrapped(selector, _base(selector, fields, taken))


def _wrapped(selector: Selector, base: Iterable[Found]) -> Iterator[Found]:
    for found in base:
        value = found.value
        for wrap, argument in selector.wraps:
            if wrap == "prefix":
                value = _after(argument, value)
            elif wrap == "only":
                value = value if str(value) == argument else None
        if value is not None:
            yield Found(found.place, value)


def _keys(path: tuple[str, ...], fields: Fields) -> tuple[str, ...]:
    """A path, as its keys are written in the JSON of these fields."""
    return tuple([key.casefold() for key in path]) if fields.fold else path


def _descend(value: Any, path: tuple[str, ...]) -> Any:
    """What stands at the end of a path of keys; None if there is nothing, `NOTHING` if a list is on the way."""
    for key in path:
        if not isinstance(value, dict):
            return NOTHING if isinstance(value, list) else None
        value = value.get(key)
    return value


def _base(selector: Selector, fields: Fields, taken: Collection[Place]) -> Iterator[Found]:
    name = selector.name
    match selector.kind:
        case "const":
            return iter([Found(("const",), name)])
        case "path":
            return iter([Found(("path", name), fields.variables[name])] if name in fields.variables else [])
        case "query" | "form" | "part":
            return (
                Found((kind, key), value) for kind, key, value in _texts(fields) if (kind, key) == (selector.kind, name)
            )
        case "param":
            return _params(name, fields, taken)
        case "json" | "json-in-json" | "param-json" | "part-json":
            return _json(selector, fields, taken)
        case _:
            return _authority(selector, fields)


def _texts(fields: Fields) -> Iterator[tuple[str, str, str]]:
    """The kind, name and value of every field that is text."""
    for key, value in fields.query:
        yield "query", key, value
    for key, value in fields.form.items():
        yield "form", key, value
    for key, value in fields.parts.fields.items():
        yield "part", key, value


def _json(selector: Selector, fields: Fields, taken: Collection[Place]) -> Iterator[Found]:
    """What stands in the JSON of the body, or in that which a field holds."""
    match selector.kind:
        case "json":
            if fields.value is not NOTHING:
                yield from _walk(fields.value, _keys(selector.path, fields), ("json",), taken, fields.unseen)
            return
        case "json-in-json":
            whole = Selector(selector.source, "json", path=selector.outer)
        case "part-json":
            whole = Selector(selector.source, "part", selector.name)
        case _:
            whole = Selector(selector.source, "param", selector.name)
    for outer in _base(whole, fields, ()):
        inner = _parsed(outer.value, ".".join(map(str, outer.place[1:])), fields)
        yield from _walk(inner, _keys(selector.path, fields), outer.place, taken, fields.unseen)


def _authority(selector: Selector, fields: Fields) -> Iterator[Found]:
    """Headers, cookies, and the parts of the Authorization header."""
    if selector.kind == "cookie":
        if value := _cookie(fields.headers, selector.name):
            yield Found(("cookie", selector.name), value)
        return
    if selector.kind == "header":
        value = header(fields.headers, selector.name)
        if value:
            yield Found(("header", selector.name), value)
        return
    scheme, _, rest = (header(fields.headers, "authorization") or "").partition(" ")
    if selector.kind == "bearer":
        if scheme.lower() == "bearer" and rest.strip():
            yield Found(("header", "authorization"), rest.strip())
    elif scheme.lower() == "basic":
        try:
            user, _, password = base64.b64decode(rest.strip(), validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError) as error:
            raise BadRequest(("header authorization", "not base64 of user:password in UTF-8")) from error
        value = {"basic": f"{user}:{password}", "basic.user": user, "basic.password": password}[selector.kind]
        if value:
            yield Found(("header", "authorization"), value)


def _cookie(headers: Headers, name: str) -> str | None:
    """The value of a cookie. Raises `BadRequest` for two of one name: servers differ in which counts."""
    pieces = [piece.partition("=") for piece in (header(headers, "cookie") or "").split(";")]
    found = [value.strip() for key, _, value in pieces if key.strip() == name]
    if len(found) > 1:
        raise BadRequest((f"cookie {name}", "given more than once"))
    return found[0].removeprefix('"').removesuffix('"') if found else None


def _params(name: str, fields: Fields, taken: Collection[Place]) -> Iterator[Found]:
    """Every parameter of this name; of the name ``**`` every one that is not taken."""
    if name == EVERYTHING:
        for kind, key, value in _texts(fields):
            if (kind, key) not in taken and not (key in fields.unseen and is_identifier(value)):
                if not is_name(key):
                    yield Found((kind, key), key)
                yield Found((kind, key), value)
        if fields.value is not NOTHING:
            yield from _rest(fields.value, ("json",), taken, fields.unseen)
        return
    yield from [Found((kind, key), value) for kind, key, value in _texts(fields) if key == name]
    [key] = _keys((name,), fields)
    if isinstance(fields.value, dict) and key in fields.value:
        yield Found(("json", key), fields.value[key])


def _walk(
    value: Any, path: tuple[str, ...], place: Place, taken: Collection[Place], unseen: frozenset[str]
) -> Iterator[Found]:
    if not path:
        yield Found(place, value)
    elif path[0] == EVERYTHING:
        yield from _rest(value, place, taken, unseen)
    elif isinstance(value, dict):
        for key in value if path[0] == "*" else (path[0],):
            if key in value:
                yield from _walk(value[key], path[1:], (*place, key), taken, unseen)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if path[0] in ("*", str(index)):
                yield from _walk(item, path[1:], (*place, index), taken, unseen)


def _rest(value: Any, place: Place, taken: Collection[Place], unseen: frozenset[str]) -> Iterator[Found]:
    """Every scalar below that is neither taken nor an unseen identifier, and every key that is more than a name."""
    if place in taken:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if not is_name(key):
                yield Found((*place, key), key)
            if not (key in unseen and is_identifier(item)):
                yield from _rest(item, (*place, key), taken, unseen)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _rest(item, (*place, index), taken, unseen)
    else:
        yield Found(place, value)


def _parsed(text: Any, name: str, fields: Fields) -> Any:
    """The JSON in a text; a value that is JSON already is itself. Raises `BadRequest`."""
    if not isinstance(text, str):
        return text
    if text in fields.inside:
        return fields.inside[text]
    if len(text) > MAX_JSON:
        raise BadRequest((name, f"more than {MAX_JSON} characters of JSON; send it in several messages"))
    try:
        value = loads(text.encode("utf-8", "surrogatepass"))
        fields.inside[text] = fold_keys(value) if fields.fold else value
    except BadJson as error:
        raise BadRequest((name, error.message)) from error
    return fields.inside[text]


def _after(literal: str, value: Any) -> str | None:
    """What follows the literal (its case does not matter) and white space."""
    if isinstance(value, str) and value[: len(literal)].lower() == literal.lower():
        return value[len(literal) :].strip() or None
    return None
