"""One HTTP request as it came from a client, and the ways in which it cannot be judged."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

Headers = Sequence[tuple[bytes, bytes]]
"""Header fields in the order in which they came, names in lower case."""


@dataclass(frozen=True, slots=True)
class Call:
    """A request, byte for byte.

    ``raw_path`` is the path as on the wire, its percent-encoding untouched and without the query; ``query`` is what
    follows the first ``?``, without it.
    """

    method: str
    raw_path: bytes
    query: bytes
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes = b""


class Ambiguous(ValueError):
    """A request that some server may read as a publish request, and another not: it must go nowhere."""


class BadRequest(ValueError):
    """A publish request that cannot be read in exactly one way. ``problems`` are (field, what is wrong with it)."""

    def __init__(self, *problems: tuple[str, str]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in problems))
        self.problems = list(problems)


def header(headers: Headers, name: str) -> str | None:
    """The one value of a header, or None. Raises `BadRequest` if it is given twice: servers differ in which counts."""
    wanted = name.lower().encode("ascii")
    found = [value for key, value in headers if key.lower() == wanted]
    if len(found) > 1:
        raise BadRequest((f"header {name.lower()}", "given more than once"))
    return found[0].decode("latin-1").strip(" \t") if found else None
