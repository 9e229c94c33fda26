"""Commands on what the public is told: the export to the DSA Transparency Database, and the yearly report."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import click

from gateway.adapters.batch_files import BatchFiles, write_whole
from gateway.adapters.clock import SystemClock
from gateway.adapters.rows_file import FileError
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.statements import SqlStatements
from gateway.adapters.sql.transparency import SqlFigures
from gateway.cli.common import checked_policy, settings, with_store
from gateway.core.dsa import LeftOut
from gateway.core.dsa_batch import puids, wrong
from gateway.core.records import Tenant
from gateway.core.registration import DAY_MS
from gateway.core.report_csv import csv_of
from gateway.core.report_html import page
from gateway.core.report_words import WORDS
from gateway.core.shown import counted, visible, written
from gateway.core.yearly import Year, bounds
from gateway.core.yearly_tables import cube, tables
from gateway.exporting import Exported, RecordRefused, export, statements_between
from gateway.ports.statements import StatementReader

StatementsOf = Callable[[SqlStore], StatementReader]
"""The reader of statements in a store."""

_BEFORE_DAYS = 366
"""For how long before the year reports and appeals are looked for that were decided in it."""
_DAY = click.DateTime(formats=["%Y-%m-%d"])
_OUT = click.Path(file_okay=False, path_type=Path)


_LEFT_OUT = {
    LeftOut.WARNING: "warnings, which restrict nothing",
    LeftOut.SUPERSEDED: "holds that became blocks, which have statements of their own",
    LeftOut.RELEASED: "holds that were released within {minutes} minutes",
}


@click.command("export")
@click.option("--tenant", "tenant_id", required=True, help="Whose restrictions.")
@click.option("--from", "first", type=_DAY, required=True, help="The first day (UTC).")
@click.option("--to", "last", type=_DAY, required=True, help="The last day (UTC).")
@click.option("--out", type=_OUT, required=True, help="The directory that the files are written to.")
@click.pass_obj
def export_(statements_of: StatementsOf, tenant_id: str, first: datetime, last: datetime, out: Path) -> None:
    """Write what restricted accounts and messages, as files for the batch route of the DSA Transparency Database.

    Each file has at most 100 statements, of those that began on a day from --from to --to. A file that is there
    stays as it is: the same command goes on after an interruption. Nothing is sent.
    """
    from_ms, to_ms = _start(first), _start(last) + DAY_MS
    rules = checked_policy(settings().policy_file).policy.transparency
    if from_ms >= to_ms:
        raise click.ClickException("--from: give a day that is not after --to")
    if to_ms + rules.grace_ms > SystemClock().now_ms():
        over = written(to_ms + rules.grace_ms)
        raise click.ClickException(f"--to: give an earlier day; what of this one is told is known from {over} on")
    files = BatchFiles(out, f"statements_{quote(tenant_id, safe='')}_{first:%Y-%m-%d}_{last:%Y-%m-%d}")

    async def work(store: SqlStore, register: SqlRegister) -> Exported:
        await _known(register, tenant_id)
        done = await export(statements_of(store), rules, tenant_id, from_ms, to_ms, files.keep)
        files.end(done.batches)
        return done

    try:
        done = with_store(work)
    except (FileError, RecordRefused) as error:
        raise click.ClickException(str(error)) from error
    statements, batches = counted(done.records, "statement"), counted(done.batches, "file")
    click.echo(f"{statements} in {batches}, {done.written} of them new")
    for why in LeftOut:
        if done.left_out[why]:
            click.echo(f"left out: {done.left_out[why]} {_LEFT_OUT[why].format(minutes=rules.hold_grace_minutes)}")


@click.command("check")
@click.argument(
    "files",
    type=click.Path(dir_okay=False, path_type=Path),
    nargs=-1,
    metavar="FILE...",
)
def check(files: tuple[Path, ...]) -> None:
    """Check files against the field rules of the DSA Transparency Database, without asking it. Status 1 if one of
    them would be refused."""
    files = tuple([file for file in files if not _unmatched(file)])
    if not files:
        click.echo("there is nothing to check: an export without statements has no files")
        return
    seen: set[str] = set()
    bad = count = 0
    for file in files:
        try:
            body = file.read_bytes()
        except FileNotFoundError as error:
            raise click.ClickException(f"{file}: no such file") from error
        except OSError as error:
            raise click.ClickException(f"{file} cannot be read: {type(error).__name__}") from error
        count += len(puids(body) or ())
        for problem in wrong(body, seen):
            bad += 1
            click.echo(f"{file}: {visible(problem)}")
    if bad:
        raise SystemExit(1)
    statements, of = counted(count, "statement"), counted(len(files), "file")
    click.echo(f"{statements} in {of}: none would be refused")


def _unmatched(file: Path) -> bool:
    """Whether this is a pattern that a shell passes on as it is because no file of the directory matches it."""
    return "*" in file.name and file.parent.is_dir() and not file.exists()


@click.command("report")
@click.option("--tenant", "tenant_id", required=True, help="Whose year.")
@click.option("--year", type=click.IntRange(2020, 2037), required=True)
@click.option("--out", type=_OUT, required=True, help="The directory that the files are written to.")
@click.option("--lang", type=click.Choice(list(WORDS)), default="en", show_default=True)
@click.pass_obj
def report(statements_of: StatementsOf, tenant_id: str, year: int, out: Path, lang: str) -> None:
    """Write the yearly transparency report: report.html, which needs nothing else, and its tables as CSV files."""

    async def work(store: SqlStore, register: SqlRegister) -> tuple[Tenant, Year]:
        tenant = await _known(register, tenant_id)
        from_ms, to_ms = bounds(year)
        counted = Year(year)
        async for statement in statements_between(statements_of(store), tenant_id, from_ms, to_ms):
            counted.statement(statement)
        async for act in SqlFigures(store.database).acts(tenant_id, from_ms - _BEFORE_DAYS * DAY_MS, to_ms):
            counted.act(act)
        return tenant, counted

    tenant, counted = with_store(work)
    made = tables(counted)
    try:
        for table in (*made, cube(counted)):
            write_whole(out / f"{table.name}.csv", csv_of(table))
        write_whole(out / "report.html", page(tenant.name, year, made, lang))
    except OSError as error:
        raise click.ClickException(f"{out} cannot be written: {type(error).__name__}") from error
    if bounds(year)[1] > SystemClock().now_ms():
        click.echo(f"{year} is not over: this is what it came to until now", err=True)
    click.echo(f"{out / 'report.html'}, and {len(made) + 1} CSV files beside it")


def transparency_commands(statements_of: StatementsOf) -> click.Group:
    """The group ``transparency``."""

    @click.group()
    @click.pass_context
    def transparency(context: click.Context) -> None:
        """What the public is told: the DSA Transparency Database, and the yearly report."""
        context.obj = statements_of

    for command in (export_, check, report):
        transparency.add_command(command)
    return transparency


async def _known(register: SqlRegister, tenant_id: str) -> Tenant:
    if (tenant := await register.tenant(tenant_id)) is None:
        raise click.ClickException(f"no tenant {tenant_id}; see `gateway tenants list`")
    return tenant


def _start(day: datetime) -> int:
    return (day.replace(tzinfo=UTC) - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


transparency = transparency_commands(lambda store: SqlStatements(store.database))
