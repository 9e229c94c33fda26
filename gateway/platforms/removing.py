"""Removing what was published: what is kept of it when it is published, and the requests that remove it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice, product
from typing import Any, Final
from urllib.parse import quote, urlencode

import msgspec
import orjson

from classifiers.contract import Value
from gateway.core.records import Verdict
from gateway.core.takedown_problems import Obstacle, TakedownProblem, said
from gateway.platforms.call import Ambiguous, BadRequest, Call
from gateway.platforms.fields import Fields, select
from gateway.platforms.learning import answer_fields, verdict
from gateway.platforms.reading import choose, fields_for
from gateway.platforms.recognise import recognise
from gateway.platforms.render import Filled, fill
from gateway.platforms.scalars import is_identifier
from gateway.platforms.schema import First, Platform, Told, Way
from gateway.platforms.selectors import Selector

MOST: Final = 100
"""Messages that one publish request made (an album's pictures) and that are removed one by one."""
_NO_CONTENT: Final = 204
VALUES: Final = frozenset({"credential", "credential.0", "credential.1", "message_id", "reason"})
"""What the texts of a way may name beside its own names. ``credential.0`` and ``.1`` are what stands before and behind
the first colon of the credential, ``message_id`` is the gateway's."""


class Handle(Value, frozen=True):
    """What is kept of a published message: the listener it went through, the way to remove it, and for each thing that
    the request published the names that the way needs."""

    listener: str
    way: str
    found: tuple[dict[str, str], ...]


@dataclass(frozen=True, slots=True)
class Removal:
    """A request to the platform. ``target`` is path and query, ready to send."""

    method: str
    target: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


class NoWay(ValueError):
    """There is no way to remove it, for this ``problem``."""

    def __init__(self, problem: TakedownProblem) -> None:
        super().__init__(said(problem))
        self.problem = problem


def handle(platform: Platform, listener: str, route_id: str, call: Call, answer_body: bytes) -> str | None:
    """What to keep of a message that was just published, as text; None if the platform gave nothing to remove it by."""
    ways = [way for way in platform.takedown.ways if route_id in way.routes] if platform.takedown else []
    given = answer_fields(answer_body) if ways else None
    if given is None:
        return None
    try:
        match = choose(platform, recognise(platform, call.method, call.raw_path, call.query, call.headers), call)
        needed = [selector for way in ways for selector in way.of_request.values()]
        request = fields_for(platform, match, call, needed)
        for way in ways:
            if found := _found(way, request, given):
                return msgspec.json.encode(Handle(listener, way.id, found)).decode()
    except (Ambiguous, BadRequest):
        return None
    return None


def read_handle(text: str) -> Handle:
    """The value of a text that `handle` made. Raises `NoWay`."""
    try:
        return msgspec.json.decode(text, type=Handle)
    except msgspec.DecodeError as error:
        raise NoWay(TakedownProblem(Obstacle.KEPT_UNREADABLE)) from error


def way_of(platform: Platform, kept: Handle) -> Way:
    """The way to remove it, as the route map has it now. Raises `NoWay`."""
    for way in platform.takedown.ways if platform.takedown else ():
        if way.id == kept.way:
            return way
    raise NoWay(TakedownProblem(Obstacle.NO_WAY, {"platform": platform.name, "way": kept.way}))


def first_request(platform: Platform, way: Way, values: Mapping[str, str]) -> Removal | None:
    """What has to be asked before; None if nothing has. Raises `NoWay`."""
    asked = way.first
    return None if asked is None else _request(platform, asked.method, asked, values)


def first_answer(
    platform: Platform, way: Way, status: int, content_type: str, body: bytes
) -> tuple[Verdict, dict[str, str]]:
    """What the answer to `first_request` means, and the names in it. ACCEPTED without names: it is gone already."""
    said, fields = verdict(platform, status, content_type, body), answer_fields(body)
    if way.first is None or said is not Verdict.ACCEPTED or fields is None:
        return (Verdict.UNSURE if said is Verdict.ACCEPTED else said), {}
    if _says(way.first.gone, fields, {}, again=True):
        return Verdict.ACCEPTED, {}
    found = {name: next(iter(_of(selector, fields)), "") for name, selector in way.first.of_answer.items()}
    return (Verdict.ACCEPTED, found) if all(found.values()) else (Verdict.LATER, {})


def removal(platform: Platform, way: Way, values: Mapping[str, str]) -> Removal:
    """The request that removes one thing. Raises `NoWay`."""
    return _request(platform, way.method, way, values)


def removed(
    platform: Platform, values: Mapping[str, str], status: int, content_type: str, body: bytes, *, again: bool
) -> Verdict:
    """What the answer to `removal` means; ACCEPTED also if it was not there any more. ``again``: an attempt before this
    one may have removed it."""
    if status == _NO_CONTENT:
        return Verdict.ACCEPTED
    rules, fields = platform.takedown, answer_fields(body)
    if rules is not None and fields is not None:
        if _says(rules.gone, fields, values, again=again):
            return Verdict.ACCEPTED
        if _says(rules.later, fields, values, again=again):
            return Verdict.LATER
    return verdict(platform, status, content_type, body)


def credential_values(credential: str) -> dict[str, str]:
    """The credential as the texts of a way name it."""
    first, _, second = credential.partition(":")
    return {"credential": credential, "credential.0": first, "credential.1": second}


def _found(way: Way, request: Fields, given: Fields) -> tuple[dict[str, str], ...]:
    named = [(name, _of(selector, request)) for name, selector in way.of_request.items()]
    named += [(name, _of(selector, given)) for name, selector in way.of_answer.items()]
    if not all(values and all(value and is_identifier(value) for value in values) for _, values in named):
        return ()
    combined = list(islice(product(*[values for _, values in named]), MOST + 1))
    if len(combined) > MOST:  # some of it would stay, and look removed
        return ()
    return tuple([dict(zip([name for name, _ in named], values, strict=True)) for values in combined])


def _of(selector: Selector, fields: Fields) -> list[str]:
    """What a selector finds; nothing if anything of it is no single value."""
    found = [each.value for each in select(selector, fields)]
    if not all(isinstance(value, str | int) and not isinstance(value, bool) for value in found):
        return []
    return list(dict.fromkeys(map(str, found)))


def _says(told: Iterable[Told], fields: Fields, values: Mapping[str, str], *, again: bool) -> bool:
    for each in told:
        if each.again and not again:
            continue
        wanted = [fill(value).render(values) if isinstance(value, str) else value for value in each.equals]
        for found in select(each.where, fields):
            if any(found.value == one and isinstance(found.value, bool) == isinstance(one, bool) for one in wanted):
                return True
    return False


def _request(platform: Platform, method: str, form: Way | First, values: Mapping[str, str]) -> Removal:
    rules = platform.takedown
    in_path = {name: quote(value, safe="") for name, value in values.items()}
    # A bot's token is written with a colon as it is.
    in_path |= {name: quote(value, safe=":") for name, value in values.items() if name.startswith("credential")}
    target = str(form.path.render(in_path))
    if form.query:
        target += f"?{urlencode({name: _text(filled, values) for name, filled in form.query.items()})}"
    headers = [(name.lower(), _text(filled, values)) for name, filled in rules.headers.items()] if rules else []
    if not all(" " <= char <= "~" for _, value in headers for char in value):
        raise NoWay(TakedownProblem(Obstacle.CREDENTIAL_UNSENDABLE))
    body = b""
    if form.body is not None:
        body = orjson.dumps(form.body.render(values))
        headers.append(("content-type", "application/json"))
    headers.append(("content-length", str(len(body))))
    return Removal(method, target.encode("ascii"), tuple([(k.encode(), v.encode()) for k, v in headers]), body)


def _text(filled: Filled, values: Mapping[str, str]) -> str:
    rendered: Any = filled.render(values)
    return str(rendered)
