"""Which format a body is in, and its fields. Everything that two servers may read differently is refused."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Literal

from gateway.platforms.call import BadRequest, Headers, header
from gateway.platforms.fields import Fields
from gateway.platforms.forms import unique
from gateway.platforms.multiparts import read_parts
from gateway.platforms.strict_json import BadJson, fold_keys, loads

Format = Literal["json", "form", "multipart"]
FORMATS: tuple[Format, ...] = ("json", "form", "multipart")
_OF_TYPE: dict[str, Format] = {
    "application/json": "json",
    "application/x-www-form-urlencoded": "form",
    "multipart/form-data": "multipart",
}


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
    found = _format(content_type, formats, untyped, ignored)
    match found:
        case "json":
            try:
                value = loads(body)
                return replace(fields, value=fold_keys(value) if fold else value, fold=fold)
            except BadJson as error:
                raise BadRequest((error.field, error.message)) from error
        case "form":
            return replace(fields, form=unique(body, "body"))
        case "multipart":
            return replace(fields, parts=read_parts(body, content_type or ""))
        case None:
            raise BadRequest(("header content-type", "missing"))


def _format(
    content_type: str | None, formats: Collection[Format], untyped: Format | None, ignored: bool
) -> Format | None:
    """The format of a body. Raises `BadRequest` for one that the platform does not read, or that is not UTF-8."""
    kind, _, rest = (content_type or "").partition(";")
    for option in rest.split(";"):
        name, _, value = option.partition("=")
        if name.strip().lower() == "charset" and value.strip().strip("\"'").lower() not in ("utf-8", "utf8"):
            raise BadRequest(("header content-type", "only UTF-8 is read"))
    if ignored or not kind.strip():
        return untyped
    found = _OF_TYPE.get(kind.strip().lower())
    if found is None or found not in formats:
        wanted = ", ".join([name for name, given in _OF_TYPE.items() if given in formats])
        raise BadRequest(("header content-type", f"send {wanted}" if wanted else "this request has no body"))
    return found
