"""For which account a request asks for a credential: the one that every reading of it names, or none."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from gateway.platforms.bodies import Format, bounded
from gateway.platforms.call import BadRequest, Call, header
from gateway.platforms.fields import Fields, head_fields, select
from gateway.platforms.forms import unique
from gateway.platforms.multiparts import boundary, read_parts
from gateway.platforms.reading import SEPARATOR
from gateway.platforms.recognise import Match
from gateway.platforms.scalars import is_identifier
from gateway.platforms.schema import Platform
from gateway.platforms.selectors import Selector
from gateway.platforms.strict_json import BadJson, fold_keys, loads

_ANYWHERE = frozenset({"query", "form", "part", "param", "json"})


def watched(platform: Platform, match: Match, call: Call, where: Sequence[Selector]) -> str:
    """The account a request names, its parts joined by `SEPARATOR`.

    Its names count in any case, and wherever a platform may look for them: the body is read in every format of the
    route in which it can be. Raises `BadRequest` if there is no such account, or more than one.
    """
    head = replace(head_fields(call.headers, match.variables, call.query), fold=True)
    readings = [replace(head, query=_folded(head.query, "query")), *_bodies(match, call)]
    return SEPARATOR.join([_one(selector, readings) for selector in where])


def _one(selector: Selector, readings: Sequence[Fields]) -> str:
    wanted, name = selector, selector.source
    if selector.kind in _ANYWHERE and len(selector.path) < 2:
        name = selector.name or selector.path[0]
        wanted = Selector(selector.source, "param", name.casefold(), wraps=selector.wraps)
    found = {_text(item.value, name) for fields in readings for item in select(wanted, fields)}
    if len(found) != 1:
        raise BadRequest((name, "give this once, in one place"))
    return found.pop()


def _text(value: object, name: str) -> str:
    if isinstance(value, bool) or not isinstance(value, str | int) or not is_identifier(value) or value == "":
        raise BadRequest((name, "an identifier is due here"))
    return str(value)


def _folded(pairs: Sequence[tuple[str, str]], where: str) -> tuple[tuple[str, str], ...]:
    """Fields, their names in one case. Raises `BadRequest` for a name given twice."""
    names = [name.strip().casefold() for name, _ in pairs]
    if len(set(names)) != len(names):
        raise BadRequest((where, "a field is given twice"))
    return tuple(zip(names, [value for _, value in pairs], strict=True))


def _bodies(match: Match, call: Call) -> Iterator[Fields]:
    """The body as each server may read it: the formats of the route, whatever its Content-Type says."""
    if (header(call.headers, "content-encoding") or "identity").lower() != "identity":
        raise BadRequest(("header content-encoding", "send the body as it is, not encoded"))
    content_type = (header(call.headers, "content-type") or "").lower()
    if not call.body:
        return
    formats = match.route.body
    if not formats:
        raise BadRequest(("body", "this request has no body"))
    if "multipart" in content_type or call.body.startswith(b"--"):
        yield _multipart(call.body, formats, header(call.headers, "content-type") or "")
        return
    if "json" in formats and ("form" not in formats or "json" in content_type or b"{" in call.body):
        try:
            yield Fields(value=fold_keys(loads(bounded(call.body))), fold=True)
        except BadJson as error:
            raise BadRequest((error.field, error.message)) from error
    if "form" in formats:
        yield Fields(form=dict(_folded(tuple(unique(call.body, "body").items()), "body")), fold=True)


def _multipart(body: bytes, formats: Sequence[Format], content_type: str) -> Fields:
    if "multipart" not in formats:
        raise BadRequest(("header content-type", "this request is no multipart/form-data"))
    parts = read_parts(body, boundary(content_type))
    return Fields(parts=replace(parts, fields=dict(_folded(tuple(parts.fields.items()), "body"))), fold=True)
