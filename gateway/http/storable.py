"""What stands in an address of the gateway's own must be text that a database takes."""

from __future__ import annotations

from typing import Final

from fastapi import Depends, Request
from fastapi.exceptions import RequestValidationError

_LONGEST: Final = 1024
"""Characters of a part of a path; no id is nearly as long."""


async def _storable(request: Request) -> None:
    """Refuse a NUL, which PostgreSQL takes in no text, and names of any length. (Half a character cannot be there: what
    is no UTF-8 was replaced as the address was read.) Raises `RequestValidationError` that names each place."""
    # A tenant's name is looked at with the key of who calls, who is told first whether the key is known.
    path = [("path", name, str(value)) for name, value in request.path_params.items() if name != "tenant_id"]
    query = [("query", name, value) for name, value in request.query_params.multi_items()]
    wrong = [(place, name, "remove the NUL character (%00)") for place, name, text in path + query if "\0" in text]
    wrong += [("path", name, f"give at most {_LONGEST} characters") for _, name, text in path if len(text) > _LONGEST]
    if wrong:
        raise RequestValidationError(
            [{"type": "text", "loc": (at, name), "msg": message} for at, name, message in wrong]
        )


STORABLE: Final = (Depends(_storable),)
"""The dependencies of every route that may look something up by its address. Platforms' requests, which are passed on
as they came, never come here."""
