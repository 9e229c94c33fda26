"""How a database means to carry out a query."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnySelect


async def plan_of(connection: AsyncConnection, query: AnySelect | str) -> str:
    """The plan, in one line. Of few rows a database would rather read all: here that is its last resort."""
    lite = connection.dialect.name == "sqlite"
    for other in () if lite else ("seqscan", "bitmapscan", "sort"):
        await connection.execute(text(f"SET LOCAL enable_{other} = off"))
    if not isinstance(query, str):
        # The engine's own dialect writes some values in a form that only its driver reads.
        dialect = (sqlite if lite else postgresql).dialect()
        query = str(query.compile(dialect=dialect, compile_kwargs={"literal_binds": True}))
    explain = "EXPLAIN QUERY PLAN " if lite else "EXPLAIN "
    return " ".join([str(row) for row in await connection.execute(text(f"{explain}{query}"))])
