"""Commands on statements of reasons, and on appeals against what they state.

Reading is for those who decide: the author's words are printed here, and go to no log.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from typing import TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.appeals import SqlAppeals
from gateway.adapters.sql.statements import SqlStatements
from gateway.appealing import Appealing
from gateway.cli.common import (
    actor_option,
    check_tenant,
    checked_policy,
    reason_option,
    settings,
    show_table,
    with_store,
)
from gateway.core.appeals import UNDECIDABLE, Appeal, AppealState, Undecidable
from gateway.core.registration import By
from gateway.core.shown import visible, written
from gateway.core.statement import Statement
from gateway.core.wordings import languages, worded

T = TypeVar("T")

_HEADER = ("APPEAL", "ACCOUNT", "AGAINST", "DUE")


@click.group()
def appeals() -> None:
    """Appeals of authors against what was decided."""


@click.group("statements")
def stated() -> None:
    """Statements of reasons: what authors are told of a restriction."""


@appeals.command("list")
@click.option("--tenant", "tenant_id", help="Of this tenant only.")
@click.option("--limit", default=50, show_default=True)
def appeals_list(tenant_id: str | None, limit: int) -> None:
    """List open appeals in the order of their deadlines."""

    async def listing(appealing: Appealing, _store: SqlStore, register: SqlRegister) -> list[Appeal]:
        if tenant_id is not None:
            await check_tenant(register, tenant_id)
        return await appealing.appeals.open(tenant_id, (-1, ""), limit)

    show_table(_HEADER, [_row(each) for each in _with_appeals(listing)])


@appeals.command("show")
@click.argument("tenant_id")
@click.argument("appeal_id")
def appeals_show(tenant_id: str, appeal_id: str) -> None:
    """Print what the author says, what it is against, and who may not decide."""

    async def show(appealing: Appealing, _store: SqlStore, _register: SqlRegister) -> list[str]:
        appeal = await appealing.appeals.appeal(tenant_id, appeal_id)
        if appeal is None:
            raise click.ClickException(f"tenant {tenant_id} has no appeal {appeal_id}")
        statement = await appealing.statements.statement(appeal.statement_id, tenant_id)
        return list(_shown(appeal, statement, await appealing.appeals.involved(appeal)))

    for line in _with_appeals(show):
        click.echo(line)


@appeals.command("decide")
@click.argument("tenant_id")
@click.argument("appeal_id")
@click.option("--reverse/--uphold", "reverse", required=True, help="Lift the restriction, or leave it.")
@click.option("--note", help="What the author is told.")
@reason_option
@actor_option
def appeals_decide(tenant_id: str, appeal_id: str, reverse: bool, note: str | None, reason: str, actor: str) -> None:
    """Decide an appeal, once. A running gateway publishes a message that was held or blocked.

    Refused to whoever had a part in what is appealed against.
    """

    async def decide(appealing: Appealing, _store: SqlStore, _register: SqlRegister) -> Appeal | Undecidable:
        outcome = AppealState.REVERSED if reverse else AppealState.UPHELD
        return await appealing.decide(tenant_id, appeal_id, outcome, By(actor, reason), note)

    decided = _with_appeals(decide)
    if isinstance(decided, Undecidable):
        raise click.ClickException(UNDECIDABLE[decided])
    restored = f", message {decided.restored.value}" if decided.restored and decided.message_id else ""
    click.echo(f"{appeal_id}: {decided.state.value}{restored}")


@stated.command("show")
@click.argument("statement_id")
@click.option("--lang", default="en", show_default=True, type=click.Choice(languages()))
def statements_show(statement_id: str, lang: str) -> None:
    """Print a statement of reasons as its author reads it. The id of a message stands for its newest statement."""

    async def show(appealing: Appealing, store: SqlStore, _register: SqlRegister) -> str:
        statement = await appealing.statements.statement(statement_id)
        if statement is None and (stored := await store.message(statement_id)) is not None:
            found = await appealing.statements.of_message(statement_id, stored.message.tenant_id)
            statement = found[-1] if found else None
        if statement is None:
            raise click.ClickException(f"no statement {statement_id}, and no message with one")
        standing = await appealing.standing(statement)
        told = worded(
            statement,
            lang,
            appeal_until_ms=standing.until_ms,
            now_ms=SystemClock().now_ms(),
            appeal=standing.appeal,
        )
        about = visible(f"{statement.tenant_id}/{statement.account_id}")
        return f"{statement.statement_id}  {statement.restriction.value}  {about}\n\n{told.text}"

    click.echo(_with_appeals(show))


def _row(appeal: Appeal) -> tuple[str, ...]:
    about = f"sanction {appeal.sanction_id}" if appeal.sanction_id else f"message {appeal.message_id}"
    account = visible(f"{appeal.tenant_id}/{appeal.account_id}")
    return appeal.appeal_id, account, visible(about), written(appeal.due_ms)


def _shown(appeal: Appeal, statement: Statement | None, involved: set[str]) -> Iterator[str]:
    yield f"appeal    {appeal.appeal_id}, {appeal.state.value}, made {written(appeal.made_ms)}"
    yield f"account   {visible(appeal.tenant_id)}/{visible(appeal.account_id)}"
    yield f"against   {appeal.statement_id}" + (f", {statement.restriction.value}" if statement is not None else "")
    if appeal.message_id:
        yield f"message   {appeal.message_id}; see `gateway messages show`"
    if statement is not None:
        yield f"ground    {visible(', '.join([statement.category or '-', *statement.codes]))}"
    yield f"due       {written(appeal.due_ms)}"
    yield f"involved  {visible(', '.join(sorted(involved)) or '-')}"
    if appeal.decided_ms is not None:
        yield f"decided   {written(appeal.decided_ms)} by {visible(appeal.decided_by or '')}"
    if appeal.text is not None:
        yield from _text("text", appeal.text)
    else:
        yield f"text      ({_unread(appeal)})"
    yield from _text("note", appeal.note)


def _unread(appeal: Appeal) -> str:
    """Why the author's words are not shown. They are erased some time after the decision, and not before."""
    if not appeal.sealed:
        return "erased, for its time is over"
    return "no key here opens it" if appeal.decided_ms is None else "erased, or no key here opens it"


def _text(name: str, text: str | None) -> Iterator[str]:
    if text is not None:
        yield name
        yield from [f"  | {visible(line)}" for line in text.split("\n")]  # no line of it can pass for one of ours


def _with_appeals(work: Callable[[Appealing, SqlStore, SqlRegister], Awaitable[T]]) -> T:
    given = settings()
    policy = checked_policy(given.policy_file).policy

    async def run(store: SqlStore, register: SqlRegister) -> T:
        sealer = FileSealer(given.keys_file, "appeals") if given.keys_file else None
        appealing = Appealing(
            statements=SqlStatements(store.database),
            appeals=SqlAppeals(store.database, sealer),
            store=store,
            registry=register,
            policy=lambda: policy.appeals,
            clock=SystemClock(),
            holds=lambda: policy.holds,
        )
        return await work(appealing, store, register)

    return with_store(run)
