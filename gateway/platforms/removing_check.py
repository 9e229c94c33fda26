"""Problems of a route map's way to remove what was published, that no field has by itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from gateway.platforms.removing import VALUES
from gateway.platforms.render import BadFill, Filled, fill
from gateway.platforms.schema import First, Platform, Route, Told, Way
from gateway.platforms.selectors import Selector

_Path = tuple[str | int, ...]
_Finding = tuple[_Path, str]

_ANSWER: Final = frozenset({"json", "json-in-json", "const"})
_BODIES: Final = {"json": "json", "json-in-json": "json", "form": "form", "part": "multipart", "part-json": "multipart"}


def removing_problems(platform: Platform) -> Iterator[_Finding]:
    """What cannot be, each with its place."""
    rules = platform.takedown
    if rules is None:
        return
    routes = {route.id: route for route in platform.routes}
    seen: set[str] = set()
    every: set[str] = set()
    for index, way in enumerate(rules.ways):
        place: _Path = ("takedown", "ways", index)
        if way.id in seen:
            yield (*place, "id"), f"{way.id} is given twice"
        seen.add(way.id)
        for route_id in way.routes:
            route = routes.get(route_id)
            if route is None or route.kind != "publish":
                yield (*place, "routes"), f"there is no route {route_id} that publishes"
            else:
                yield from [((*place, "of_request"), text) for text in _of_request(way, route)]
        yield from _names(place, way)
        every |= _named(way)
        if "credential" not in _used([*rules.headers.values(), *_texts(way)]):
            yield place, "say where the credential goes: {credential} in the path, the query, the body or `headers`"
    for name, filled in rules.headers.items():
        yield from _unknown(("takedown", "headers", name), filled, VALUES)
    for field, told in (("gone", rules.gone), ("later", rules.later)):
        yield from _told(("takedown", field), told, VALUES | every)


def _names(place: _Path, way: Way) -> Iterator[_Finding]:
    """What is wrong with the names of a way, and with the places that they fill."""
    names = set(way.of_request) | set(way.of_answer)
    if not names:
        yield place, "say in of_request and of_answer what the platform has to be told"
    if both := set(way.of_request) & set(way.of_answer):
        yield (*place, "of_answer"), f"named twice: {', '.join(sorted(both))}"
    yield from _answer((*place, "of_answer"), way.of_answer.values())
    if way.first is not None:
        yield from _form((*place, "first"), way.first, VALUES | names)
        yield from _answer((*place, "first", "of_answer"), way.first.of_answer.values())
        yield from _told((*place, "first", "gone"), way.first.gone, VALUES)
    if taken := _named(way) & VALUES:
        yield place, f"these names mean something else: {', '.join(sorted(taken))}"
    yield from _form(place, way, VALUES | _named(way))


def _named(way: Way) -> set[str]:
    return {*way.of_request, *way.of_answer, *(way.first.of_answer if way.first is not None else ())}


def _form(place: _Path, form: Way | First, known: frozenset[str]) -> Iterator[_Finding]:
    path = str(form.path.value)
    if not path.startswith("/") or not all("!" <= char <= "~" and char not in "?#" for char in path):
        yield (*place, "path"), "a path starts with /, and is visible ASCII without ? and #"
    yield from _unknown((*place, "path"), form.path, known)
    for name, filled in form.query.items():
        yield from _unknown((*place, "query", name), filled, known)
    if form.body is not None:
        yield from _unknown((*place, "body"), form.body, known)


def _of_request(way: Way, route: Route) -> Iterator[str]:
    for selector in way.of_request.values():
        if selector.kind == "path" and not any(selector.name in template.names for template in route.path):
            yield f"{selector.source}: no path of route {route.id} has a variable {selector.name}"
        wanted = _BODIES.get(selector.kind)
        if wanted is not None and wanted not in route.body:
            yield f"{selector.source}: the body of route {route.id} is not {wanted}"


def _answer(place: _Path, selectors: Iterable[Selector]) -> Iterator[_Finding]:
    for selector in selectors:
        if selector.kind not in _ANSWER:
            yield place, f"{selector.source}: an answer is read by json: or json-in-json:"


def _told(place: _Path, told: Iterable[Told], known: frozenset[str]) -> Iterator[_Finding]:
    for index, each in enumerate(told):
        yield from _answer((*place, index, "where"), [each.where])
        for value in each.equals:
            if isinstance(value, str):
                try:
                    yield from _unknown((*place, index, "equals"), fill(value), known)
                except BadFill as error:
                    yield (*place, index, "equals"), str(error)


def _texts(way: Way) -> list[Filled]:
    found = [way.path, *way.query.values()]
    if way.body is not None:
        found.append(way.body)
    if way.first is not None:
        found += [way.first.path, *way.first.query.values(), *([way.first.body] if way.first.body else [])]
    return found


def _used(texts: Iterable[Filled]) -> set[str]:
    """The names that are filled in; parts of the credential count as it."""
    return {name.partition(".")[0] for filled in texts for name in filled.names}


def _unknown(place: _Path, filled: Filled, known: frozenset[str]) -> Iterator[_Finding]:
    for name in sorted(filled.names - known):
        yield place, f"{{{name}}} is unknown; there are {', '.join(sorted(known))}"
