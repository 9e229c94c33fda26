"""Commands that write accounts and registrants as a chat app's own records have them. `gateway.cli.register` has acts
that keep the register's rules."""

from __future__ import annotations

from collections.abc import Callable

import click
from msgspec.structs import replace

from gateway.adapters.clock import SystemClock
from gateway.cli.common import actor_option, with_store
from gateway.cli.imports import accounts_import, registrants_import
from gateway.core.model import (
    STRANGER,
    Account,
    AccountState,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.ports import Register, Store

_DAY_MS = 86_400_000


def _identity_options(command: Callable[..., None]) -> Callable[..., None]:
    """What is known of a registrant."""
    kinds, states = [kind.value for kind in RegistrantKind], [state.value for state in VerificationState]
    for option in (
        click.option("--level", help="Assurance level, as the verifier names it."),
        click.option("--framework", help="Trust framework of the verification, as the verifier names it."),
        click.option("--verification", type=click.Choice(states), default="created", show_default=True),
        click.option("--kind", type=click.Choice(kinds), default="person", show_default=True),
    ):
        command = option(command)
    return command


@click.group()
def registrants() -> None:
    """Persons and organisations behind accounts."""


registrants.add_command(registrants_import)


@registrants.command("put")
@click.argument("tenant_id")
@click.argument("registrant_id")
@_identity_options
@actor_option
def registrants_put(
    tenant_id: str,
    registrant_id: str,
    kind: str,
    verification: str,
    framework: str | None,
    level: str | None,
    actor: str,
) -> None:
    """Change what is known of a registrant, for all accounts that it stands behind, and list them."""
    registrant = Registrant(registrant_id, RegistrantKind(kind), VerificationState(verification), framework, level)

    async def put(_store: Store, register: Register) -> None:
        for account_id in await register.put_registrant(tenant_id, registrant, actor, SystemClock().now_ms()):
            click.echo(account_id)

    with_store(put)


@click.group()
def accounts() -> None:
    """Public accounts and who stands behind them."""


accounts.add_command(accounts_import)


@accounts.command("put")
@click.argument("tenant_id")
@click.argument("account_id")
@click.option("--registrant", help="Id of the person or organisation behind it.")
@_identity_options
@click.option("--news", type=click.Choice([kind.value for kind in NewsKind]), help="Authorise it for news.")
@click.option("--news-scheme", default="manual", show_default=True)
@click.option("--news-days", default=3 * 365, show_default=True, help="Validity of the authorisation.")
@click.option("--private", is_flag=True, help="It does not publish to the public: its messages are not moderated.")
@actor_option
def accounts_put(
    tenant_id: str,
    account_id: str,
    registrant: str | None,
    kind: str,
    verification: str,
    framework: str | None,
    level: str | None,
    news: str | None,
    news_scheme: str,
    news_days: int,
    private: bool,
    actor: str,
) -> None:
    """Add an account, or replace it. What is known of a registrant that stands behind other accounts too is changed by
    `registrants put` only."""
    if account_id.startswith(STRANGER):
        raise click.BadParameter(f"ids that begin with {STRANGER} stand for accounts nobody knows")
    now_ms = SystemClock().now_ms()
    holder = registrant and Registrant(
        registrant, RegistrantKind(kind), VerificationState(verification), framework, level
    )
    licences = (NewsAuthorisation(news_scheme, NewsKind(news), now_ms, now_ms + news_days * _DAY_MS),) if news else ()
    account = Account(account_id, AccountState.ACTIVE, holder or None, licences, private=private)

    async def put(_store: Store, register: Register) -> None:
        await register.put_account(tenant_id, account, actor, now_ms)

    with_store(put)


@accounts.command("set-state")
@click.argument("tenant_id")
@click.argument("account_id")
@click.argument("state", type=click.Choice([state.value for state in AccountState]))
@actor_option
def accounts_set_state(tenant_id: str, account_id: str, state: str, actor: str) -> None:
    """Close, suspend or reopen an account; every gateway process follows within a second."""

    async def change(_store: Store, register: Register) -> None:
        account = await register.account(tenant_id, account_id)
        if account is None:
            raise click.ClickException(f"no account {account_id}")
        changed = replace(account, state=AccountState(state))
        await register.put_account(tenant_id, changed, actor, SystemClock().now_ms())

    with_store(change)


@accounts.command("list")
@click.argument("tenant_id")
@click.option("--after", default="", help="Begin behind this account id.")
@click.option("--limit", default=100, show_default=True)
def accounts_list(tenant_id: str, after: str, limit: int) -> None:
    """List a tenant's accounts by id."""

    async def listing(_store: Store, register: Register) -> None:
        for account in await register.accounts(tenant_id, after, limit):
            verification = account.registrant.state.value if account.registrant else "no registrant"
            news = ", ".join(a.kind.value for a in account.news) or "no news"
            click.echo(f"{account.account_id}  {account.state.value}  {verification}  {news}")

    with_store(listing)
