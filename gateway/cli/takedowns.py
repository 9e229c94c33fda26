"""Commands on what was published and should be gone: take it down, put it back, see what is left to do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlStore, SqlTakedowns
from gateway.cli.common import actor_option, check_tenant, reason_option, say_more, with_store
from gateway.cli.records import messages, stored_message
from gateway.core.policy import VIOLATIONS
from gateway.core.registration import By
from gateway.core.shown import visible, written
from gateway.core.takedowns import WORDING, Takedown, TakedownRefused, told
from gateway.ports import Register, Takedowns


@messages.command("take-down")
@click.argument("message_id")
@click.option("--category", required=True, type=click.Choice(sorted(VIOLATIONS)), help="What is wrong with it.")
@reason_option
@actor_option
def take_down(message_id: str, category: str, reason: str, actor: str) -> None:
    """Have a message removed that was published, or may have been. A running gateway tells the platform or the app, and
    tries for 72 hours; given again, what failed is tried anew."""

    async def asked(takedowns: Takedowns, tenant_id: str) -> Takedown | TakedownRefused:
        by, now_ms = By(actor, reason), SystemClock().now_ms()
        return await takedowns.take_down(tenant_id, message_id, category, by, now_ms)

    _ask(message_id, asked)


@messages.command("restore")
@click.argument("message_id")
@reason_option
@actor_option
def restore(message_id: str, reason: str, actor: str) -> None:
    """Have a message put back that was taken down. An app is told so; no platform can put back what was deleted."""

    async def asked(takedowns: Takedowns, tenant_id: str) -> Takedown | TakedownRefused:
        return await takedowns.restore(tenant_id, message_id, By(actor, reason), SystemClock().now_ms())

    _ask(message_id, asked)


@messages.command("takedowns")
@click.option("--tenant", "tenant_id", help="Of this tenant only.")
@click.option("--failed", is_flag=True, help="Only those that a person has to do.")
@click.option("--after", default="", help="Begin behind this message id.")
@click.option("--limit", default=50, show_default=True)
def listing(tenant_id: str | None, failed: bool, after: str, limit: int) -> None:
    """List what was taken down, or is to be, by message id: account, state, category, since when, what went wrong."""

    async def found(takedowns: Takedowns, register: Register) -> list[Takedown]:
        if tenant_id is not None:
            await check_tenant(register, tenant_id)
        return await takedowns.takedowns(tenant_id, after, limit, failed)

    rows = with_store(lambda store, register: found(SqlTakedowns(store.database), register))
    for row in rows:
        account = visible(f"{row.tenant_id}/{row.account_id}")
        problem = f"  {visible(words)}" if (words := told(row)) is not None else ""
        stands = f"{row.state.value}  {row.category or '-'}  {written(row.at_ms)}"
        click.echo(f"{row.message_id}  {account}  {stands}{problem}")
    if len(rows) == limit:
        say_more(rows[-1].message_id)


def _ask(message_id: str, asked: Callable[[Takedowns, str], Awaitable[Takedown | TakedownRefused]]) -> None:
    """Ask it of the message's own tenant, and say where it stands."""

    async def run(store: SqlStore, _register: Register) -> None:
        message = (await stored_message(store, message_id)).message
        result = await asked(SqlTakedowns(store.database), message.tenant_id)
        if isinstance(result, TakedownRefused):
            raise click.ClickException(f"{message_id}: {WORDING[result].partition(': ')[2]}")
        click.echo(f"{message_id}: {result.state.value}")

    with_store(run)
