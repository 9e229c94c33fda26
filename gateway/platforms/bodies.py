"""Which format a body is in, and its fields. Everything that two servers may read differently is refused."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import replace
from typing import Any, Literal

from gateway.platforms.call import BadRequest, Headers, header
from gateway.platforms.fields import Fields
from gateway.platforms.forms import unique
from gateway.platforms.multiparts import Parts, boundary, file_of, read_parts
from gateway.platforms.strict_json import MAX_JSON, BadJson, fold_keys, loads
from gateway.platforms.strict_xml import read_xml

Format = Literal["json", "form", "multipart", "xml", "text", "file"]
FORMATS: tuple[Format, ...] = ("json", "form", "multipart")
"""What ``auto`` stands for."""
_OF_TYPE: dict[str, Format] = {
    "application/json": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
    "application/xml": "xml",
    "text/xml": "xml",
    "text/plain": "text",
}
_WORD = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_CONTENT_TYPE = re.compile(rf'({_WORD}/{_WORD})(?:[ \t]*;[ \t]*charset=("?)utf-?8\2)?', re.IGNORECASE)


def with_body(
    fields: Fields,
    headers: Headers,
    body: bytes,
    formats: Collection[Format],
    untyped: Format | None,
    *,
    ignored: bool,
    fold: bool = False,
) -> Fields:
    """The fields of a request, those of its body added.

    ``formats`` are the formats the platform reads on this route; ``untyped`` the one it takes a body for that has no
    Content-Type; ``ignored`` says that it reads every body as ``untyped``, whatever its Content-Type;
    ``fold`` that to it the keys of JSON are the same in any case. Raises `BadRequest`.
    """
    encoding = header(headers, "content-encoding")
    if encoding is not None and encoding.lower() != "identity":
        raise BadRequest(("header content-encoding", "send the body as it is, not encoded"))
    content_type = header(headers, "content-type")
    if not body:
        return fields
    match _format(content_type, formats, untyped, ignored):
        case "json":
            return replace(fields, value=_json(bounded(body), fold), fold=fold)
        case "form":
            return replace(fields, form=unique(body, "body"))
        case "multipart":
            return replace(fields, parts=read_parts(body, boundary(content_type or "")))
        case "xml":
            return replace(fields, value=read_xml(bounded(body)))
        case "text":
            return replace(fields, form={"body": _text(bounded(body))})
        case "file":
            return replace(fields, parts=Parts({}, (file_of(body, content_type),)))
        case None:
            raise BadRequest(("header content-type", "missing"))


def bounded(body: bytes) -> bytes:
    """A body of JSON, XML or text that is not too large to be read. Raises `BadRequest` for another."""
    if len(body) > MAX_JSON:
        raise BadRequest(("body", f"more than {MAX_JSON} bytes; send it in several messages"))
    return body


def _json(body: bytes, fold: bool) -> Any:
    try:
        value = loads(body)
        return fold_keys(value) if fold else value
    except BadJson as error:
        raise BadRequest((error.field, error.message)) from error


def _text(body: bytes) -> str:
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise BadRequest(("body", "not UTF-8")) from error


def _format(
    content_type: str | None, formats: Collection[Format], untyped: Format | None, ignored: bool
) -> Format | None:
    """The format of a body. Raises `BadRequest` for one that the platform does not read, or that is not UTF-8.

    The whole value counts: servers look for a type anywhere in it, and take a parameter that others pass over.
    """
    if tuple(formats) == ("file",):
        return "file"
    if content_type is None:
        return untyped or ("file" if "file" in formats else None)
    match = _CONTENT_TYPE.fullmatch(content_type)
    if match is None and ("multipart" not in formats or ignored or not content_type.lower().startswith("multipart/")):
        raise BadRequest(("header content-type", "send one type, and no parameter but charset=utf-8"))
    if ignored:
        return untyped
    kind = match[1].lower() if match else content_type.partition(";")[0].rstrip(" \t").lower()
    found = _OF_TYPE.get(kind, "file")
    if found not in formats:
        wanted = ", ".join([name for name, given in _OF_TYPE.items() if given in formats])
        raise BadRequest(("header content-type", f"send {wanted}" if wanted else "this request has no body"))
    return found
