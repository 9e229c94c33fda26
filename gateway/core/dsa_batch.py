"""Files of records as the batch route of the DSA Transparency Database takes them: at most 100 in ``statements``."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import msgspec

from gateway.core.dsa_fields import AT_ONCE, problems


def encoded(records: Sequence[Mapping[str, Any]]) -> bytes:
    """The body of one request. Equal records give equal bytes."""
    return msgspec.json.format(msgspec.json.encode({"statements": records}), indent=1) + b"\n"


def puids(body: bytes) -> list[str] | None:
    """Which statements a file tells of, in their order; None for one that is no such file."""
    try:
        records = msgspec.json.decode(body)["statements"]
        named = [record["puid"] for record in records]
    except (msgspec.DecodeError, ValueError, TypeError, KeyError):
        return None
    return named if all(isinstance(each, str) for each in named) else None


def wrong(body: bytes, seen: set[str]) -> Iterator[str]:
    """What the database would refuse of one request: each with the number of its record, from 0 as the database counts,
    its ``puid``, the field and the rule. ``seen`` are the ``puid`` of other requests; those of this one are added."""
    try:
        payload = msgspec.json.decode(body)
    except (msgspec.DecodeError, ValueError):
        yield "file: give JSON in UTF-8"
        return
    records = payload.get("statements") if isinstance(payload, dict) else None
    if not isinstance(records, list) or list(payload) != ["statements"]:
        yield "file: give an object with the list statements alone"
        return
    if not 1 <= len(records) <= AT_ONCE:
        yield f"statements: give 1 to {AT_ONCE} records, not {len(records)}"
    for number, record in enumerate(records):
        puid = record.get("puid") if isinstance(record, dict) else None
        name = f"statement_{number} ({puid[:80]})" if isinstance(puid, str) else f"statement_{number}"
        yield from [f"{name}: {problem}" for problem in problems(record)]
        if isinstance(puid, str):
            if puid in seen:
                yield f"{name}: puid: it was given to another record already"
            seen.add(puid)
