"""Commands on the key file, and on the credentials that platforms' accounts call with."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.key_file import add_key, check_droppable, drop_key, new_keys, read
from gateway.adapters.keys import FileSealer, mark_of
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.report_erasing import reports_under
from gateway.adapters.sql.sealed import appeals_under, forget_under, kept_under, waiting_under, wrapped_under
from gateway.cli.common import actor_option, settings, with_store
from gateway.core.audit import CREDENTIAL, KEY, credential_body, key_body
from gateway.core.shown import counted, written
from gateway.ports import Fault

T = TypeVar("T")

_DAY_MS = 86_400_000
_AGE_SECONDS = 300.0
"""How long another key must have sealed before one may be dropped: what was sealed just before the change is in the
database by then. A message takes no longer than classifiers and store may take together; a chunk of an import, which
is sealed as a whole, may have to wait two minutes for other writers."""


@click.group()
def keys() -> None:
    """The keys that seal held requests and hide credentials."""


@keys.command("new")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--if-missing", is_flag=True, help="Leave a key file that is there as it is.")
def keys_new(file: Path, if_missing: bool) -> None:
    """Write new keys to FILE. Every gateway process needs the same file; without it nothing sealed can be opened."""
    if if_missing and file.exists():
        _said(lambda: read(file))
        click.echo(f"{file}: is there, and stays as it is")
        return
    _said(lambda: new_keys(file))
    click.echo(f"{file}: written; set GATEWAY_KEYS_FILE to it, and keep a copy in a safe place")


@keys.command("add")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def keys_add(file: Path) -> None:
    """Add a key to FILE. Every process that reads this FILE seals with it within a second; the older ones still open
    what they sealed. Then `registrants rewrap`, and `keys drop` for the old one."""
    click.echo(f"{file}: key {_said(lambda: add_key(file))} added, and seals from now on")


@keys.command("list")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def keys_list(file: Path) -> None:
    """List the ids of the keys in FILE, oldest first; the last one seals."""
    for name in _said(lambda: read(file)).seal:
        click.echo(name)


@keys.command("drop")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.argument("key_id")
@click.option("--forget-blocked", is_flag=True, help="Erase the requests of blocked messages that it had sealed.")
@actor_option
def keys_drop(file: Path, key_id: str, forget_blocked: bool, actor: str) -> None:
    """Remove the key KEY_ID from FILE for good, and with it whatever older copies of the database it had sealed.

    Refused while anything in the database needs it: a registrant's key (see `registrants rewrap`), a report by the
    public (see `reports reseal`), a request that waits (release or reject it first), the request of a blocked message,
    which is kept for an appeal, or the text of an open appeal (decide it first). With --forget-blocked such requests
    are erased: where an appeal is granted later, the author has to publish the message again. WeChat access tokens that
    it sealed end with it; they last two hours.
    """
    _said(lambda: check_droppable(file, key_id, _AGE_SECONDS))
    mark = mark_of(key_id)

    async def drop(store: SqlStore, _register: SqlRegister) -> None:
        if await wrapped_under(store.database, mark):
            raise click.ClickException(
                f"registrants' keys are wrapped under {key_id}; run `gateway registrants rewrap` first"
            )
        if waiting := await waiting_under(store.database, mark):
            raise click.ClickException(
                f"still sealed under {key_id}: {counted(waiting, 'waiting request')}; see `gateway holds list`"
            )
        if sealed := await reports_under(store.database, mark):
            raise click.ClickException(
                f"still sealed under {key_id}: {counted(sealed, 'report')}; run `gateway reports reseal` first"
            )
        if undecided := await appeals_under(store.database, mark):
            raise click.ClickException(
                f"still sealed under {key_id}: {counted(undecided, 'open appeal')}; see `gateway appeals list`"
            )
        if not forget_blocked and (kept := await kept_under(store.database, mark)):
            raise click.ClickException(
                f"still sealed under {key_id}: {counted(kept, 'request')} of blocked messages, kept for appeals; drop "
                "it when their time is over, or erase them with --forget-blocked"
            )
        await forget_under(store.database, mark)
        drop_key(file, key_id)
        await store.append_audit(KEY, key_body(actor, key_id), SystemClock().now_ms())

    with_store(drop)
    click.echo(f"{file}: key {key_id} dropped")


@click.group()
def credentials() -> None:
    """Which account calls with which credential of a platform."""


@credentials.command("put")
@click.argument("tenant_id")
@click.argument("platform")
@click.argument("account_id")
@click.option("--days", type=int, help="Believe it for so long; without, until it is put again.")
@actor_option
def credentials_put(tenant_id: str, platform: str, account_id: str, days: int | None, actor: str) -> None:
    """Read a credential (a bot token, say) from standard input, and remember whose it is. Only a hash is kept."""
    credential = sys.stdin.read().strip()
    if not credential:
        raise click.ClickException("no credential on standard input")
    keys_file = settings().keys_file
    if keys_file is None:
        raise click.ClickException("GATEWAY_KEYS_FILE is not set; make a file with `gateway keys new`")
    index = _said(lambda: FileSealer(keys_file).index(credential))
    now_ms = SystemClock().now_ms()

    async def put(store: SqlStore, register: SqlRegister) -> None:
        if await register.account(tenant_id, account_id) is None:
            raise click.ClickException(f"tenant {tenant_id} has no account {account_id}; put it first")
        before = await store.account_by_credential(tenant_id, platform, index, now_ms)
        expires_ms = None if days is None else now_ms + days * _DAY_MS
        await store.put_credential(tenant_id, platform, index, account_id, expires_ms)
        await store.append_audit(CREDENTIAL, credential_body(actor, tenant_id, platform, account_id), now_ms)
        until = "until it is put again" if expires_ms is None else f"until {written(expires_ms)}"
        moved = f"; it was {before}'s" if before not in (None, account_id) else ""
        click.echo(f"{platform}: {account_id}'s {until}{moved}")

    with_store(put)


def _said(work: Callable[[], T]) -> T:
    try:
        return work()
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault
