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
from gateway.adapters.keys import audit_key
from gateway.adapters.masters import open_master
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.reject_file import RejectFile
from gateway.adapters.rows_file import Batch, FileError, RowsFile
from gateway.adapters.sql import SqlImports
from gateway.cli.common import actor_option, checked_policy, settings, with_store
from gateway.core.admission import Allowed
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
_QUIET_S: Final = 2.0
"""How often a line is printed where there is no terminal, as chunks are done."""
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
@click.option("--move", is_flag=True, help="Lines may give accounts another registrant; without it they are rejected.")
@import_options
def accounts_import(
    tenant_id: str, file: Path, actor: str, reason: str, rejects: Path | None, again: bool, move: bool
) -> None:
    """Take a file of accounts into the register.

    FILE is CSV with a header or one JSON object a line, in UTF-8, plain or gzip. Columns: account_id, registrant_id,
    name, state, class, term_ends_at, private, and facts about the registrant: registrant_kind, verification, framework,
    level, verified_until. An empty field says nothing: what is there stays. Times are unix milliseconds or ISO 8601.

    Killed or failed, the same command goes on where it was. A file that is done is not taken in again. The status is 1
    where lines were rejected. `gateway imports` tells afterwards what was done.
    """
    policy = checked_policy(settings().policy_file).policy
    allowed = Allowed(policy.registration, policy.identity.known_classes(), move)
    by = By(actor, reason)

    async def take(
        imports: SqlImports, batches: Iterator[Batch[AccountRow]], progress: Progress, kept: RejectFile, told: Told
    ) -> Progress:
        return await import_accounts(imports, batches, progress, allowed, by, kept.keep, SystemClock(), told)

    rows = RowsFile(file, ACCOUNT_COLUMNS, ("account_id", "registrant_id"), account_row)
    run_import(rows, "accounts", tenant_id, rejects or Path(f"{file}.rejects.csv"), again, take)


@click.command("import")
@import_options
def registrants_import(tenant_id: str, file: Path, actor: str, reason: str, rejects: Path | None, again: bool) -> None:
    """Take a file of registrants into the register, with their personal data, which is encrypted before it is kept.

    FILE is as for `accounts import`. Columns: registrant_id, kind, verification, framework, level, verified_until, and
    the fields of personal data: legal_name, id_number, uscc, lei, vat, birthdate, phone, email, address,
    representative, proof_of_authority, claims. Where a line has some of these they replace all that was kept. The
    status is 1 where lines were rejected.
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

    import_id = ""

    async def work(_store: Store, _register: Register) -> Progress:
        nonlocal import_id
        size = file.size()
        whole = f"{len(tenant_id)}:{tenant_id}/{kind}/{file.digest()}"
        async with SqlImports.open(settings().database_url, audit_key(settings().keys_file)) as imports:
            import_id = hashlib.sha256(whole.encode()).hexdigest()
            progress = await imports.progress(import_id, tenant_id, kind, again=again)
            if progress.done_ms is not None:
                before = "this file was taken in before; --again does it once more"
                click.echo(f"import {import_id}\n{_counts(progress, rejects)}: {before}")
                return progress
            if progress.lines:
                click.echo(f"going on behind line {progress.lines}", err=True)
            with RejectFile.open(rejects, progress.rejects_bytes) as kept, shown(size, progress.taken) as told:
                batches = file.batches(progress.lines, _AT_ONCE)
                progress = await take(imports, batches, progress, kept, told)
        click.echo(f"import {import_id}\n{_counts(progress, rejects)}")
        return progress

    async def how_far(_store: Store, _register: Register) -> int:
        async with SqlImports.open(settings().database_url, audit_key(settings().keys_file)) as imports:
            return (await imports.progress(import_id, tenant_id, kind)).lines

    gc.set_threshold(_YOUNG_OBJECTS)  # a chunk's rows are freed as a whole, without circles
    try:
        if with_store(work).rejected:
            raise SystemExit(1)
    except FileError as error:
        raise click.ClickException(str(error)) from error
    except KeyboardInterrupt:
        if import_id and (lines := with_store(how_far)):  # asked anew: the last commit may be newer than what was told
            click.echo(f"line {lines} is done; the same command goes on there", err=True)
        raise


def _counts(progress: Progress, rejects: Path) -> str:
    where = f" (see {rejects})" if progress.rejected else ""
    return f"{progress.taken} {progress.kind} ({changes(progress)}), {progress.rejected} rejected{where}"


def changes(progress: Progress) -> str:
    """What the rows taken came to."""
    moved = f"{progress.moved} moved to another registrant, " if progress.kind == "accounts" else ""
    return f"{progress.added} new, {progress.changed} changed, {moved}{progress.unchanged} unchanged"


@contextmanager
def shown(size: int, before: int, now: Callable[[], float] = time.monotonic) -> Iterator[Told]:
    """Show how far an import is: a bar on a terminal, else a line now and then. ``now`` is a clock in seconds."""
    started = said = now()

    def rate(progress: Progress) -> str:
        return f"{(progress.taken - before) / max(now() - started, 0.001):.0f} rows/s"

    if sys.stderr.isatty():
        with click.progressbar(
            length=size, label="importing", file=sys.stderr, item_show_func=lambda p: p and rate(p)
        ) as bar:
            yield lambda progress, position: bar.update(position - bar.pos, progress)
        return

    last = ""

    def told(progress: Progress, position: int) -> None:
        nonlocal said, last
        share = 100 * position // max(size, 1)
        last = f"{progress.taken} rows, {progress.rejected} rejected, {share} %, {rate(progress)}"
        if now() - said >= _QUIET_S:
            said = now()
            click.echo(last, err=True)
            last = ""

    yield told
    if last:  # how it ended
        click.echo(last, err=True)
