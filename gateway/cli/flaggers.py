"""Commands on trusted flaggers."""

from __future__ import annotations

import re
import secrets

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlRegister, SqlReports, SqlStore
from gateway.cli.common import actor_option, check_tenant, reason_option, with_store
from gateway.core.audit import KEY_ID
from gateway.core.registration import By
from gateway.core.shown import visible, written
from gateway.core.wording import ID
from gateway.http.requests import hash_key

_NAME_LIMIT = 255


@click.group()
def flaggers() -> None:
    """Trusted flaggers: their reports come first, and their errors are counted."""


@flaggers.command("add")
@click.argument("tenant_id")
@click.argument("name")
@actor_option
@reason_option
def add(tenant_id: str, name: str, actor: str, reason: str) -> None:
    """Trust NAME, and print its key, with which it sends reports. The key is not shown again.

    One that was revoked gets another key, and keeps its numbers.
    """
    if not name.strip() or len(name) > _NAME_LIMIT or not name.isprintable() or not re.fullmatch(ID, name):
        raise click.BadParameter(f"give 1 to {_NAME_LIMIT} visible characters without a slash", param_hint="NAME")
    key = secrets.token_urlsafe(32)

    async def trust(store: SqlStore, _register: SqlRegister) -> None:
        by, now_ms = By(actor, reason), SystemClock().now_ms()
        if not await _kept(store).add_flagger(tenant_id, name, hash_key(key), by, now_ms):
            raise click.ClickException(f"there is a flagger {name}; revoke it first, or give another name")

    with_store(trust)
    click.echo(key)


@flaggers.command("list")
@click.argument("tenant_id")
def listing(tenant_id: str) -> None:
    """List them by name: the key's id, since when, and how their reports were decided."""

    async def shown(store: SqlStore, register: SqlRegister) -> None:
        await check_tenant(register, tenant_id)
        for one in await _kept(store).flaggers(tenant_id):
            ended = f"  revoked {written(one.revoked_ms)}" if one.revoked_ms is not None else ""
            numbers = f"{one.actioned} of {one.decided} acted on, {one.errors} errors, {one.unfounded} unfounded"
            since = written(one.created_ms)
            click.echo(f"{visible(one.name)}  {one.key_hash[:KEY_ID]}  {since}  {numbers}{ended}")

    with_store(shown)


@flaggers.command("revoke")
@click.argument("tenant_id")
@click.argument("name")
@actor_option
@reason_option
def revoke(tenant_id: str, name: str, actor: str, reason: str) -> None:
    """Trust NAME no more; its next report is refused. Those that it made are decided like any other's."""

    async def end(store: SqlStore, _register: SqlRegister) -> None:
        if not await _kept(store).revoke_flagger(tenant_id, name, By(actor, reason), SystemClock().now_ms()):
            raise click.ClickException(f"no flagger {name} whose key is good; see `gateway flaggers list`")
        click.echo(f"{visible(name)}: revoked")

    with_store(end)


def _kept(store: SqlStore) -> SqlReports:
    """What needs no key to open anything."""
    return SqlReports(store.database, None, SystemClock().new_id)
