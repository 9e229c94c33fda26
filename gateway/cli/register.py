"""Commands that keep the register: acts on accounts and registrants by its rules, with a reason, and their history.

`gateway.cli.registry` has those that write what a chat app's own records say.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlRegister, SqlRegistrar, SqlStore
from gateway.cli.common import actor_option, checked_policy, reason_option, registrant_line, settings, with_store
from gateway.cli.histories import show_acts
from gateway.core.audit import subject
from gateway.core.model import STANDARD, RegistrantKind, VerificationState
from gateway.core.registration import (
    WORDING,
    Act,
    AgreePrivate,
    By,
    ChangeAccount,
    CloseAccount,
    CreateAccount,
    Refused,
    RenewAccount,
    ReopenAccount,
    SuspendAccount,
    fulfilled,
    worded,
)
from gateway.core.shown import visible, written
from gateway.ports import Registered

Command = Callable[..., None]

_WHEN = click.DateTime(formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])
_class_option = click.option("--class", "account_class", help="The policy's word for what is asked of its registrant.")


def _on_account(command: Command) -> Command:
    """The arguments of an act on an account."""
    for part in (
        reason_option,
        actor_option,
        click.argument("account_id"),
        click.argument("tenant_id"),
    ):
        command = part(command)
    return command


def _pages(command: Command) -> Command:
    """Which part of a history."""
    command = click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))(command)
    return click.option("--after", default=0, help="Begin behind this row.")(command)


@click.command("create")
@click.option("--registrant", required=True, help="Id of the person or organisation behind it, which is registered.")
@click.option("--name", help="The name that readers see.")
@_class_option
@click.option("--term-ends", type=_WHEN, help="When its term ends (UTC); without it, never.")
@click.option(
    "--private", is_flag=True, help="Propose that its messages be not moderated; another person has to agree."
)
@_on_account
def create(
    tenant_id: str,
    account_id: str,
    registrant: str,
    name: str | None,
    account_class: str | None,
    term_ends: datetime | None,
    private: bool,
    actor: str,
    reason: str,
) -> None:
    """Register an account for a registrant."""
    ends = None if term_ends is None else _ms(term_ends)
    act = CreateAccount(account_id, registrant, name, account_class or STANDARD, ends, private)
    _carry_out(tenant_id, act, By(actor, reason))


@click.command("renew")
@click.option("--term-ends", type=_WHEN, required=True, help="When its term ends from now on (UTC).")
@_on_account
def renew(tenant_id: str, account_id: str, term_ends: datetime, actor: str, reason: str) -> None:
    """Let an account's term end later."""
    _carry_out(tenant_id, RenewAccount(account_id, _ms(term_ends)), By(actor, reason))


@click.command("close")
@click.option("--violation", is_flag=True, help="Its registrant may not register another for a time.")
@_on_account
def close(tenant_id: str, account_id: str, violation: bool, actor: str, reason: str) -> None:
    """Close an account; its name may not be registered again for a time. --violation may be said later too."""
    _carry_out(tenant_id, CloseAccount(account_id, violation), By(actor, reason))


@click.command("suspend")
@_on_account
def suspend(tenant_id: str, account_id: str, actor: str, reason: str) -> None:
    """Suspend an account until it is reopened."""
    _carry_out(tenant_id, SuspendAccount(account_id), By(actor, reason))


@click.command("reopen")
@_on_account
def reopen(tenant_id: str, account_id: str, actor: str, reason: str) -> None:
    """Reopen a suspended or closed account; what its closing barred may be registered again."""
    _carry_out(tenant_id, ReopenAccount(account_id), By(actor, reason))


@click.command("change")
@click.option("--name", help="The name that readers see.")
@_class_option
@click.option("--private/--public", default=None, help="Propose that its messages be not moderated; or let them be.")
@_on_account
def change(
    tenant_id: str,
    account_id: str,
    name: str | None,
    account_class: str | None,
    private: bool | None,
    actor: str,
    reason: str,
) -> None:
    """Change an account's name, class or privacy. --private takes another person, with `accounts agree-private`;
    --public takes one, and withdraws what was proposed."""
    if name is None and account_class is None and private is None:
        raise click.UsageError("give at least one of --name, --class and --private/--public")
    _carry_out(tenant_id, ChangeAccount(account_id, name, account_class, private), By(actor, reason))


@click.command("agree-private")
@_on_account
def agree_private(tenant_id: str, account_id: str, actor: str, reason: str) -> None:
    """Agree that an account becomes private, and so is not moderated. Who proposed it cannot."""
    _carry_out(tenant_id, AgreePrivate(account_id), By(actor, reason))


@click.command("show")
@click.argument("tenant_id")
@click.argument("account_id")
def show(tenant_id: str, account_id: str) -> None:
    """Show an account: state, class, term, name; its registrant, news, sanctions, and what it bars."""

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        registrar = SqlRegistrar(store.database)
        found = await registrar.registered(tenant_id, account_id)
        if found is None:
            raise click.ClickException(WORDING[Refused.ACCOUNT_UNKNOWN])
        click.echo(_line(found))
        account = found.account
        if (person := account.registrant) is not None:
            click.echo(f"registrant: {registrant_line(person)}")
        for news in account.news:
            state = "" if news.active else "  not active"
            click.echo(
                f"news: {news.kind.value}  {news.scheme}  {written(news.valid_from)} to {written(news.valid_to)}{state}"
            )
        for sanction in account.sanctions:
            until = "no end" if sanction.ends_at is None else written(sanction.ends_at)
            click.echo(f"sanction: {sanction.degree.value}  {written(sanction.starts_at)} to {until}")
        for what, until_ms in await registrar.bars_by(tenant_id, account_id, SystemClock().now_ms()):
            click.echo(f"barred: {what} until {written(until_ms)}")

    with_store(shown)


@click.command("history")
@click.argument("tenant_id")
@click.argument("account_id")
@_pages
def history(tenant_id: str, account_id: str, after: int, limit: int) -> None:
    """List what was done with an account, oldest first: row, time, act, by whom, why, about what."""

    async def listing(store: SqlStore, _register: SqlRegister) -> None:
        registrar = SqlRegistrar(store.database)
        rows = await registrar.history(tenant_id, subject("account", account_id), after, limit)
        if not rows and await registrar.registered(tenant_id, account_id) is None:
            raise click.ClickException(WORDING[Refused.ACCOUNT_UNKNOWN])
        show_acts(rows)

    with_store(listing)


@click.command("create")
@click.argument("tenant_id")
@click.argument("registrant_id")
@click.option("--kind", type=click.Choice([kind.value for kind in RegistrantKind]), required=True)
@actor_option
@reason_option
def registrants_create(tenant_id: str, registrant_id: str, kind: str, actor: str, reason: str) -> None:
    """Register a person or an organisation, of whom nothing is verified. `registrants keep` adds personal data."""

    async def created(store: SqlStore, _register: SqlRegister) -> None:
        registrar = SqlRegistrar(store.database)
        by, now_ms = By(actor, reason), SystemClock().now_ms()
        added = await registrar.create_registrant(tenant_id, registrant_id, RegistrantKind(kind), by, now_ms)
        found = await registrar.registrant(tenant_id, registrant_id)
        if found is None or found.kind != kind or found.state is VerificationState.REDACTED:
            raise click.ClickException(f"registrant_id: there is or was another {registrant_id}; give another id")
        click.echo(f"{registrant_id}  {kind}  {found.state.value}{'' if added else '  (registered before)'}")

    with_store(created)


@click.command("history")
@click.argument("tenant_id")
@click.argument("registrant_id")
@_pages
def registrants_history(tenant_id: str, registrant_id: str, after: int, limit: int) -> None:
    """List what was done with a registrant and its accounts, oldest first: row, time, act, by whom, why, about what."""

    async def listing(store: SqlStore, _register: SqlRegister) -> None:
        registrar = SqlRegistrar(store.database)
        rows = await registrar.history(tenant_id, subject("registrant", registrant_id), after, limit)
        if not rows and await registrar.registrant(tenant_id, registrant_id) is None:
            raise click.ClickException(f"registrant_id: there is no registrant {registrant_id}")
        show_acts(rows)

    with_store(listing)


ACCOUNTS = (create, renew, close, suspend, reopen, change, agree_private, show, history)
REGISTRANTS = (registrants_create, registrants_history)


def _carry_out(tenant_id: str, act: Act, by: By) -> None:
    """Carry out an act, and print the account as it is then; a refusal ends the command with what to do."""
    policy = checked_policy(settings().policy_file).policy
    known = policy.identity.known_classes()
    given = act.account_class if isinstance(act, CreateAccount | ChangeAccount) else None
    if given is not None and given not in known:  # a misspelt one would ask no more than the standard
        raise click.BadParameter(f"give one of: {', '.join(known)}", param_hint="--class")

    async def carry_out(store: SqlStore, _register: SqlRegister) -> Registered:
        registrar = SqlRegistrar(store.database)
        result = await registrar.carry_out(tenant_id, act, by, policy.registering(), SystemClock().now_ms())
        if isinstance(result, Registered):
            return result
        found = await registrar.registered(tenant_id, act.account_id)
        if found is None or not fulfilled(act, found.account, found.name, found.proposal):
            until_ms = None
            if isinstance(act, CreateAccount) and result is Refused.REGISTRANT_BARRED:
                until_ms = await registrar.barred_until(tenant_id, act.registrant_id, SystemClock().now_ms())
            raise click.ClickException(worded(result, until_ms))
        return found

    click.echo(_line(with_store(carry_out)))


def _line(found: Registered) -> str:
    account = found.account
    ends = "no end" if account.term_ends_at is None else f"until {written(account.term_ends_at)}"
    parts = [account.account_id, account.state.value, account.account_class, ends, found.name or "no name"]
    parts += ["private"] if account.private else []
    parts += [f"private proposed by {visible(found.proposal.actor)}"] if found.proposal is not None else []
    return "  ".join(parts)


def _ms(when: datetime) -> int:
    return int(when.replace(tzinfo=UTC).timestamp() * 1000)
