"""Taking files into the register."""

from __future__ import annotations

import gc
import hashlib
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.masters import open_master
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.reject_file import RejectFile
from gateway.adapters.rows_file import Batch, FileError, RowsFile
from gateway.adapters.sql import SqlImports
from gateway.cli.common import actor_option, settings, with_store
from gateway.cli.serve import checked_policy
from gateway.core.check_digits import problem_of
from gateway.core.register_rows import (
    ACCOUNT_COLUMNS,
    REGISTRANT_COLUMNS,
    AccountRow,
    RegistrantRow,
    account_row,
    registrant_row,
)
from gateway.core.registration import By
from gateway.importing import Told, import_accounts, import_registrants
from gateway.ports import Progress, Register, Store

_AT_ONCE: Final = 10_000
"""Lines of a chunk: a third of a second on PostgreSQL, for which other writers to the register wait."""
_QUIET_S: Final = 10.0
"""How often a line is printed where there is no terminal."""
_YOUNG_OBJECTS: Final = 100_000

T = TypeVar("T")
Take = Callable[[SqlImports, Iterator[Batch[T]], Progress, RejectFile, Told], Awaitable[Progress]]


def import_options(command: Callable[..., None]) -> Callable[..., None]:
    """What every import takes."""
    for option in (
        click.option("--again", is_flag=True, help="From its beginning, also if it was imported before."),
        click.option(
            "--rejects",
            type=click.Path(dir_okay=False, path_type=Path),
            help="Where rejected lines are told of.  [default: FILE.rejects.csv]",
        ),
        click.option("--reason", default="", help="Why; kept in the audit chain."),
        actor_option,
        click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path)),
        click.argument("tenant_id"),
    ):
        command = option(command)
    return command


@click.command("import")
@import_options
def accounts_import(tenant_id: str, file: Path, actor: str, reason: str, rejects: Path | None, again: bool) -> None:
    """Take a file of accounts into the register.

    FILE is CSV with a header or one JSON object a line, in UTF-8, plain or gzip. Columns: account_id, registrant_id,
    name, state, class, term_ends_at, private, and facts about the registrant: registrant_kind, verification, framework,
    level, verified_until. An empty field says nothing: what is there stays. Times are unix milliseconds or ISO 8601.

    Killed or failed, the same command goes on where it was. A file that is done is not taken in again.
    """
    rules = checked_policy(settings().policy_file).policy.registration
    by = By(actor, reason)

    async def take(
        imports: SqlImports, batches: Iterator[Batch[AccountRow]], progress: Progress, kept: RejectFile, told: Told
    ) -> Progress:
        return await import_accounts(imports, batches, progress, rules, by, kept.keep, SystemClock(), told)

    rows = RowsFile(file, ACCOUNT_COLUMNS, ("account_id", "registrant_id"), account_row)
    run_import(rows, "accounts", tenant_id, rejects or Path(f"{file}.rejects.csv"), again, take)


@click.command("import")
@import_options
def registrants_import(tenant_id: str, file: Path, actor: str, reason: str, rejects: Path | None, again: bool) -> None:
    """Take a file of registrants into the register, with their personal data, which is encrypted before it is kept.

    FILE is as for `accounts import`. Columns: registrant_id, kind, verification, framework, level, verified_until, and
    the fields of personal data: legal_name, id_number, uscc, lei, vat, birthdate, phone, email, address,
    representative, proof_of_authority, claims. Where a line has some of these they replace all that was kept.
    """
    chosen, by = settings(), By(actor, reason)

    async def take(
        imports: SqlImports, batches: Iterator[Batch[RegistrantRow]], progress: Progress, kept: RejectFile, told: Told
    ) -> Progress:
        async with open_master(chosen.kms, chosen.keys_file) as master:
            sealer = PersonalKeys(master)
            return await import_registrants(imports, batches, progress, sealer, by, kept.keep, SystemClock(), told)

    rows = RowsFile(file, REGISTRANT_COLUMNS, ("registrant_id",), registrant_row(problem_of))
    run_import(rows, "registrants", tenant_id, rejects or Path(f"{file}.rejects.csv"), again, take)


def run_import(file: RowsFile[T], kind: str, tenant_id: str, rejects: Path, again: bool, take: Take[T]) -> None:
    """Take in what is left of a file, and say what became of it."""

    async def work(_store: Store, _register: Register) -> None:
        size = file.size()
        whole = f"{len(tenant_id)}:{tenant_id}/{kind}/{file.digest()}"
        async with SqlImports.open(settings().database_url) as imports:
            progress = await imports.progress(hashlib.sha256(whole.encode()).hexdigest(), tenant_id, kind, again=again)
            if progress.done_ms is not None:
                click.echo(f"{_counts(progress, rejects)}: this file was taken in before; --again does it once more")
                return
            if progress.lines:
                click.echo(f"going on behind line {progress.lines}", err=True)
            with RejectFile.open(rejects, progress.rejects_bytes) as kept, _shown(size, progress.taken) as told:
                batches = file.batches(progress.lines, _AT_ONCE)
                progress = await take(imports, batches, progress, kept, told)
        click.echo(_counts(progress, rejects))

    gc.set_threshold(_YOUNG_OBJECTS)  # a chunk's rows are freed as a whole, without circles
    try:
        with_store(work)
    except FileError as error:
        raise click.ClickException(str(error)) from error


def _counts(progress: Progress, rejects: Path) -> str:
    where = f" (see {rejects})" if progress.rejected else ""
    return f"{progress.taken} {progress.kind}, {progress.rejected} rejected{where}"


@contextmanager
def _shown(size: int, before: int) -> Iterator[Told]:
    """Show how far an import is: a bar on a terminal, else a line now and then."""
    started = said = time.monotonic()

    def rate(progress: Progress) -> str:
        return f"{(progress.taken - before) / max(time.monotonic() - started, 0.001):.0f} rows/s"

    if sys.stderr.isatty():
        with click.progressbar(
            length=size, label="importing", file=sys.stderr, item_show_func=lambda p: p and rate(p)
        ) as bar:
            yield lambda progress, position: bar.update(position - bar.pos, progress)
        return

    def told(progress: Progress, position: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _QUIET_S:
            said = time.monotonic()
            share = 100 * position // max(size, 1)
            click.echo(f"{progress.taken} rows, {progress.rejected} rejected, {share} %, {rate(progress)}", err=True)

    yield told
