"""Reads route maps: YAML in, a platform or every problem out, each with its line and field."""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import ValidationError

from gateway.core.yaml_lines import Lines, Problem, read_yaml, to_problem
from gateway.platforms.removing_check import removing_problems
from gateway.platforms.render import Filled
from gateway.platforms.schema import AnswerKind, AnswerMap, Platform, Route
from gateway.platforms.selectors import Selector

ANSWER_VALUES = frozenset({"message", "message_id", "decision_id", "code", "retry_after"})
"""What the texts of an answer may name."""
ASK_VALUES = frozenset({"credential", *[f"credential.{index}" for index in range(10)]})


class RouteMapError(ValueError):
    """A route map that cannot be used, with every problem found in it."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(map(str, problems)))
        self.problems = problems


def load(text: str) -> Platform:
    """Read a route map. Raises `RouteMapError`."""
    values, lines, problems = read_yaml(text)
    if problems:
        raise RouteMapError(problems)
    try:
        platform = Platform.model_validate(values)
    except ValidationError as error:
        # A list is also said to be too short when its items are bad: once is enough.
        errors = error.errors()
        inner = [e for e in errors if not any(_is_below(other["loc"], e["loc"]) for other in errors)]
        raise RouteMapError([to_problem(e, lines) for e in inner]) from error
    found = [_problem(place, message, lines) for place, message in _contradictions(platform)]
    if found:
        raise RouteMapError(found)
    return platform


def _problem(place: tuple[int | str, ...], message: str, lines: Lines) -> Problem:
    return to_problem({"loc": place, "msg": message, "type": "contradiction"}, lines)


def _is_below(path: tuple[int | str, ...], other: tuple[int | str, ...]) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


_NEEDED = {
    "json": {"json", "xml"},
    "json-in-json": {"json", "xml"},
    "form": {"form", "text"},
    "part": {"multipart"},
    "part-json": {"multipart"},
}
_Path = tuple[str | int, ...]
_Finding = tuple[_Path, str]


def _contradictions(platform: Platform) -> Iterator[_Finding]:
    """What each field allows by itself, but not together with the others."""
    yield from _routes(platform)
    for kind in AnswerKind:
        if kind not in platform.answers and kind is not AnswerKind.UNAUTHORIZED:
            yield ("answers",), f"no answer for {kind.value}"
    for kind, answer in platform.answers.items():
        yield from _answer(("answers", kind.value), kind, answer)
    if platform.learn_account is not None:
        ask = platform.learn_account
        for filled in (ask.path, *ask.query.values(), *ask.headers.values()):
            yield from _values(("learn_account",), filled, ASK_VALUES)
    if (platform.websockets == "pass") != bool(platform.websocket_paths):
        yield ("websockets",), "say in `websocket_paths` where WebSockets pass, and nowhere else"
    yield from removing_problems(platform)


def _routes(platform: Platform) -> Iterator[_Finding]:
    seen: set[str] = set()
    for index, route in enumerate(platform.routes):
        place: _Path = ("routes", index)
        if route.id in seen:
            yield (*place, "id"), f"{route.id} is given twice"
        seen.add(route.id)
        for where, message in _route(route):
            yield (*place, *where), message
        for kind, answer in route.answers.items():
            yield from _answer((*place, "answers", kind.value), kind, answer)
    for index, passed in enumerate(platform.passes):
        for where, message in _methods(passed):
            yield ("passes", index, *where), message


def _methods(route: Route) -> Iterator[_Finding]:
    for index, method in enumerate(route.methods):
        if not (method.isascii() and method.isalpha() and method.isupper()):
            yield ("methods", index), f"{method!r} is no method: write it in capitals"


def _route(route: Route) -> Iterator[_Finding]:
    yield from _methods(route)
    if route.id == "unlisted":
        yield ("id",), "`unlisted` is the route of what is listed nowhere; choose another id"
    for field, selector in _selectors(route):
        if selector.kind == "path" and not any(selector.name in template.names for template in route.path):
            yield (field,), f"{selector.source}: no path of this route has a variable {selector.name}"
        wanted = _NEEDED.get(selector.kind)
        if wanted is not None and wanted.isdisjoint(route.body) and field != "remember":
            yield (field,), f"{selector.source}: the route's body is not {' or '.join(sorted(wanted))}"
    if route.untyped is not None and route.untyped not in route.body:
        yield ("untyped",), f"{route.untyped} is not among the route's bodies"
    if route.content_type == "ignored" and route.untyped is None:
        yield ("content_type",), "say in `untyped` how every body is read"
    yield from _kind(route)


def _kind(route: Route) -> Iterator[_Finding]:
    published = route.text or route.media or route.refs or route.doubts or "file" in route.body
    if (route.learn is None) == (route.kind == "watch"):
        yield ("kind",), "a route that watches says what it learns in `learn`, and no other does"
    if route.kind == "publish" and not published:
        yield ("kind",), "a route that publishes says what: text, media, refs, doubts or `body: file`"
    if route.when and route.kind == "watch":
        yield ("when",), "a route that watches has no condition: its body is not read before it is sent"
    if route.kind != "publish" and published:
        yield ("kind",), "only a route that publishes has text, media, refs and doubts"


def _selectors(route: Route) -> Iterator[tuple[str, Selector]]:
    yield from [("text", selector) for selector in route.text]
    yield from [("media", item.where) for item in route.media]
    yield from [("doubts", doubt.when) for doubt in route.doubts]
    yield from [("when", condition.where) for condition in route.when]
    yield from [("ignore", selector) for selector in route.ignore]
    yield from [("account", selector) for joined in route.account for selector in joined]
    yield from [("refs", selector) for joined in route.refs for selector in joined]
    yield from [("remember", selector) for joined in route.remember for selector in joined]
    yield from [("idempotency", selector) for joined in route.idempotency for selector in joined]
    if route.target is not None:
        yield "target", route.target
    if route.learn is not None:
        yield from [("learn", selector) for selector in route.learn.account or ()]


def _answer(place: _Path, kind: AnswerKind, answer: AnswerMap) -> Iterator[_Finding]:
    if (answer.body is None) == (answer.text is None):
        yield place, "give either body (JSON) or text"
    if answer.status == 429 and kind is AnswerKind.HELD:
        yield (*place, "status"), "held is never 429: clients would send it again and again"
    if answer.status < 400 and answer.text is not None and kind is not AnswerKind.HELD:
        yield (*place, "status"), "plain text with a status of success would pass for one"
    for filled in (answer.body, answer.text, *answer.headers.values()):
        if filled is not None:
            yield from _values(place, filled, ANSWER_VALUES)


def _values(place: _Path, filled: Filled, known: frozenset[str]) -> Iterator[_Finding]:
    for name in sorted(filled.names - known):
        yield place, f"{{{name}}} is unknown; there are {', '.join(sorted(known))}"
