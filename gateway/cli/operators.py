"""Commands on operators: who may keep the register over HTTP, and sign in to the console."""

from __future__ import annotations

import secrets
import sys

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.passwords import Argon2Passwords
from gateway.adapters.sql import SqlOperators, SqlRegister, SqlStore
from gateway.adapters.sql.sessions import SqlSessions
from gateway.cli.common import actor_option, reason_option, with_store
from gateway.core.audit import KEY_ID
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.core.sessions import problem_of
from gateway.core.shown import written
from gateway.http.requests import hash_key

_NAME_LIMIT = 100


@click.group()
def operators() -> None:
    """Those who keep the register over HTTP with a key, and the console with a password, each in a role."""


@operators.command("add")
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True)
@click.option("--tenant", help="The only tenant whose register it keeps; without it, all tenants'.")
@actor_option
@reason_option
def operators_add(name: str, role: str, tenant: str | None, actor: str, reason: str) -> None:
    """Let NAME keep the register, and print its key. The key is not shown again.

    Everything that NAME does is in the audit chain under this name.
    """
    if not name.strip() or not name.isprintable() or len(name) > _NAME_LIMIT:
        raise click.BadParameter(f"give 1 to {_NAME_LIMIT} visible characters", param_hint="NAME")
    key = secrets.token_urlsafe(32)
    operator = Operator(name, Role(role), tenant)

    async def add(store: SqlStore, _register: SqlRegister) -> None:
        operators = SqlOperators(store.database)
        if not await operators.add(operator, hash_key(key), By(actor, reason), SystemClock().now_ms()):
            raise click.ClickException(f"there is an operator {name}; revoke it first, or give another name")

    with_store(add, create=True)
    click.echo(key)


@operators.command("list")
def operators_list() -> None:
    """List the operators by name: role, whose register, the key's id, since when."""

    async def listing(store: SqlStore, _register: SqlRegister) -> None:
        for one in await SqlOperators(store.database).operators():
            since = written(one.created_ms)
            whose = one.operator.tenant_id or "all tenants"
            click.echo(f"{one.operator.name}  {one.operator.role.value}  {whose}  {one.key_hash[:KEY_ID]}  {since}")

    with_store(listing)


@operators.command("password")
@click.argument("name")
@actor_option
@reason_option
def operators_password(name: str, actor: str, reason: str) -> None:
    """Give NAME a password for the console, in place of the one it had. Its sessions there end.

    The password is asked for, or read from standard input: its first line.
    """
    password = _new_password()

    async def put(store: SqlStore, _register: SqlRegister) -> None:
        passwords = Argon2Passwords()
        password_hash = await passwords.hashed(password)
        passwords.close()
        sessions = SqlSessions(store.database)
        if not await sessions.set_password(name, password_hash, By(actor, reason), SystemClock().now_ms()):
            raise click.ClickException(f"no operator {name}; see `gateway operators list`")
        click.echo(f"{name}: has a password now")

    with_store(put)


def _new_password() -> str:
    if sys.stdin.isatty():
        password: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        password = sys.stdin.readline().rstrip("\r\n")
    if (problem := problem_of(password)) is not None:
        raise click.ClickException(f"password: {problem}")
    return password


@operators.command("revoke")
@click.argument("name")
@actor_option
@reason_option
def operators_revoke(name: str, actor: str, reason: str) -> None:
    """Let NAME keep the register no longer; its next request is refused."""

    async def revoke(store: SqlStore, _register: SqlRegister) -> None:
        if not await SqlOperators(store.database).revoke(name, By(actor, reason), SystemClock().now_ms()):
            raise click.ClickException(f"no operator {name}; see `gateway operators list`")
        click.echo(f"{name}: revoked")

    with_store(revoke)
