"""Forms and queries (``application/x-www-form-urlencoded``), read in one way or not at all."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from gateway.platforms.call import BadRequest

MAX_FIELDS = 1_000
MAX_BYTES = 2 * 1024 * 1024
"""Of a form: as much text as a message may have takes less, and to undo its encoding takes many times that."""


def pairs(data: bytes, where: str) -> list[tuple[str, str]]:
    """The names and values, in order.

    Raises `BadRequest` for what is not UTF-8, more than `MAX_BYTES` or `MAX_FIELDS`, and a ``;`` that some servers take
    for the start of another field.
    """
    if len(data) > MAX_BYTES:
        raise BadRequest((where, f"more than {MAX_BYTES} bytes in a form; send it in several messages"))
    found: list[tuple[str, str]] = []
    pieces = data.split(b"&")
    if len(pieces) > MAX_FIELDS:
        raise BadRequest((where, f"more than {MAX_FIELDS} fields"))
    for piece in pieces:
        if not piece:
            continue
        if b";" in piece and b"=" in piece.partition(b";")[2]:
            raise BadRequest((where, "a ; that some servers take for &: write it %3B"))
        name, _, value = piece.partition(b"=")
        found.append((_decode(name, where), _decode(value, where)))
    return found


def unique(data: bytes, where: str) -> dict[str, str]:
    """The fields by name. Raises `BadRequest`, also for a name given twice."""
    fields: dict[str, str] = {}
    for name, value in pairs(data, where):
        if name in fields:
            raise BadRequest((name, "this field is given twice"))
        fields[name] = value
    return fields


def _decode(data: bytes, where: str) -> str:
    try:
        return unquote_to_bytes(data.replace(b"+", b" ")).decode()
    except UnicodeDecodeError as error:
        raise BadRequest((where, "not UTF-8")) from error
