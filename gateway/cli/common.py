"""What the commands share: settings, the store, and errors in one sentence."""

from __future__ import annotations

import asyncio
import shlex
import sys
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from gateway.adapters.keys import audit_key
from gateway.adapters.policy_file import read_policy
from gateway.adapters.sql import SqlRegister, SqlStore, open_store
from gateway.core.model import Registrant
from gateway.core.policy import PolicyError, PolicyInForce
from gateway.core.shown import written
from gateway.ports import Fault, Register, SchemaNewer
from gateway.settings import Settings, SettingsError, load_settings

T = TypeVar("T")


_REASON_LIMIT = 500
_ACTOR_LIMIT = 200


def _said(_context: click.Context, option: click.Parameter, text: str) -> str:
    if not text.strip() or len(text) > _REASON_LIMIT:
        raise click.ClickException(f"{option.name}: say why, in 1 to {_REASON_LIMIT} characters")
    return text


def _somebody(_context: click.Context, _option: click.Parameter, actor: str) -> str:
    # Lists show it in a terminal, and reviewers are told from one another by it.
    if not actor.strip() or not actor.isprintable() or len(actor) > _ACTOR_LIMIT:
        raise click.ClickException(f"actor: say who does this, in 1 to {_ACTOR_LIMIT} visible characters")
    return actor


reason_option = click.option(
    "--reason",
    required=True,
    callback=_said,
    help="Why; kept in the audit chain, so it must name nobody: give a ticket's number, say.",
)
note_option = click.option("--note", required=True, callback=_said, help="Why, or how it is known.")
actor_option = click.option(
    "--actor", required=True, callback=_somebody, help="Who does this; kept in the audit chain."
)


def registrant_line(known: Registrant) -> str:
    """What a registrant is, and how far it is verified, until when."""
    level = f"{known.framework} {known.level}" if known.framework else "no assurance"
    until = f"  until {written(known.expires_at)}" if known.expires_at is not None else ""
    return f"{known.registrant_id}  {known.kind.value}  {known.state.value}  {level}{until}"


async def check_tenant(register: Register, tenant_id: str) -> None:
    """End the command for a tenant that is not there: a list of what it has would be empty, and read as an answer."""
    if await register.tenant(tenant_id) is None:
        raise click.ClickException(f"no tenant {tenant_id}; see `gateway tenants list`")


def say_more(last: str) -> None:
    """Say on standard error, beside a list, that it goes on behind this id."""
    click.echo(f"there are more; go on with --after {shlex.quote(last)}", err=True)


def show_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print rows below a header, each column as wide as its widest cell; nothing where there are no rows."""
    if rows:
        widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
        for row in (header, *rows):
            click.echo("  ".join([cell.ljust(width) for cell, width in zip(row, widths, strict=True)]).rstrip())


def settings() -> Settings:
    """The settings; a bad one ends the command with what is wrong."""
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def checked_policy(file: Path) -> PolicyInForce:
    """The policy in a file; a bad one ends the command with status 2 and its problems."""
    try:
        return read_policy(file)
    except PolicyError as error:
        for problem in error.problems:
            click.echo(f"{file}: {problem}", err=True)
        sys.exit(2)


def with_store(work: Callable[[SqlStore, SqlRegister], Awaitable[T]], *, create: bool = False) -> T:
    """Run ``work`` on the store that the settings name; a fault ends the command with its text.

    Unless ``create`` is given the store must be there: an empty one, made because of a misspelt address, would answer
    every question with nothing.
    """
    chosen = settings()
    url = chosen.database_url
    scheme, _, file = url.partition(":///")
    if scheme.startswith("sqlite") and not create and not Path(file).exists():
        raise click.ClickException(f"no database at {file}; GATEWAY_DATABASE_URL says where it is")

    async def run() -> T:
        async with open_store(url, audit_key=audit_key(chosen.keys_file)) as (store, register):
            return await work(store, register)

    try:
        return asyncio.run(run())
    except Fault as fault:
        raise in_a_sentence(fault) from fault


def in_a_sentence(fault: Fault) -> click.ClickException:
    """What ends a command because of a fault: its text, and status 3 where the program is too old for the database."""
    return _TooOld(str(fault)) if isinstance(fault, SchemaNewer) else click.ClickException(str(fault))


class _TooOld(click.ClickException):
    exit_code = 3
