"""Commands that tell what imports into the register did."""

from __future__ import annotations

from typing import Any

import click
import orjson

from gateway.adapters.sql import SqlRegister, SqlRegistrar, SqlStore
from gateway.adapters.sql.imports_kept import imports_of
from gateway.cli.common import check_tenant, with_store
from gateway.cli.imports import changes
from gateway.core.audit import subject
from gateway.core.shown import written
from gateway.ports import Progress

_SHORTEST = 8
"""Characters of an id that are enough if no other begins with them."""
_PAGE = 1000


@click.group("imports")
def imported() -> None:
    """Files that were taken into the register."""


@imported.command("list")
@click.argument("tenant_id")
@click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))
def imports_list(tenant_id: str, limit: int) -> None:
    """List a tenant's imports, those that are not done first, then the newest: id, kind, counts, and when it was done
    or how far it is."""

    async def listing(store: SqlStore, register: SqlRegister) -> None:
        await check_tenant(register, tenant_id)
        for each in await imports_of(store.database, tenant_id, limit=limit):
            click.echo(_line(each))

    with_store(listing)


@imported.command("show")
@click.argument("tenant_id")
@click.argument("import_id")
def imports_show(tenant_id: str, import_id: str) -> None:
    """Show what an import did, chunk by chunk, as the audit chain has it: row, time, lines, counts, by whom, why.

    IMPORT_ID may be its beginning, of at least 8 characters. Imports that were begun again have all their chunks.
    """
    if len(import_id) < _SHORTEST:
        raise click.BadParameter(f"give at least {_SHORTEST} characters of the id", param_hint="IMPORT_ID")

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        found = await imports_of(store.database, tenant_id, import_id.lower(), 2)
        if not found:
            raise click.ClickException(f"tenant {tenant_id} has no import {import_id}; see `gateway imports list`")
        if len(found) > 1:
            raise click.ClickException(f"several imports begin with {import_id}; give more of the id")
        click.echo(_line(found[0]))
        registrar, after = SqlRegistrar(store.database), 0
        about = subject("import", found[0].import_id)
        while rows := await registrar.history(tenant_id, about, after, _PAGE):
            for row in rows:
                click.echo(f"{row.seq}  {written(row.at_ms)}  {_chunk(found[0].kind, orjson.loads(row.body))}")
            after = rows[-1].seq

    with_store(shown)


def _line(progress: Progress) -> str:
    counts = f"{progress.taken} taken ({changes(progress)})  {progress.rejected} rejected"
    how_far = f"line {progress.lines} is done" if progress.done_ms is None else f"done {written(progress.done_ms)}"
    return f"{progress.import_id}  {progress.kind}  {counts}  {how_far}"


def _chunk(kind: str, body: dict[str, Any]) -> str:
    """What an audit row says of a chunk."""
    first, last = body["lines"]
    moved = f", {body['moved']} moved" if kind == "accounts" else ""
    counts = f"{body['taken']} taken ({body['new']} new, {body['changed']} changed{moved})  {body['rejected']} rejected"
    return f"lines {first}-{last}  {counts}  {body['actor']}  {body['reason']}".rstrip()
