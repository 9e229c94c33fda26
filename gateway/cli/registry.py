"""Commands that write accounts and registrants as a chat app's own records have them. `gateway.cli.register` has acts
that keep the register's rules."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import click
from msgspec.structs import replace

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlRegister, SqlRegistrar, SqlStore
from gateway.cli.common import actor_option, check_tenant, say_more, with_store
from gateway.cli.imports import accounts_import, registrants_import
from gateway.cli.personal import COMMANDS as PERSONAL
from gateway.cli.register import ACCOUNTS, REGISTRANTS
from gateway.core.articles import BadArticle, moment_ms
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
_NO_NEWS = "none"
_NEWS_DAYS = 3 * 365


def _identity_options(command: Callable[..., None]) -> Callable[..., None]:
    """What is known of a registrant."""
    kinds, states = [kind.value for kind in RegistrantKind], [state.value for state in VerificationState]
    for option in (
        click.option("--verified-until", help="When the verification ends (a date, in UTC); '' for never."),
        click.option("--level", help="Assurance level, as the verifier names it; '' for none."),
        click.option("--framework", help="Trust framework of the verification, as the verifier names it; '' for none."),
        click.option("--verification", type=click.Choice(states), help="How far it is verified.  [new: created]"),
        click.option("--kind", type=click.Choice(kinds), help="Needed for a registrant that is new."),
    ):
        command = option(command)
    return command


def _as_told(known: Registrant | None, registrant_id: str, facts: Mapping[str, str | None]) -> Registrant:
    """The registrant with what the options say of it; one that was not given changes nothing."""
    told = {name: value for name, value in facts.items() if value is not None}
    if known is None:
        if "kind" not in told:
            raise click.ClickException(f"there is no registrant {registrant_id} yet: give its --kind")
        known = Registrant(registrant_id, RegistrantKind(told["kind"]), VerificationState.CREATED)
    return replace(
        known,
        kind=RegistrantKind(told.get("kind", known.kind)),
        state=VerificationState(told.get("verification", known.state)),
        framework=told.get("framework", known.framework) or None,
        level=told.get("level", known.level) or None,
        expires_at=_end(told["verified_until"]) if "verified_until" in told else known.expires_at,
    )


def _end(text: str) -> int | None:
    try:
        return moment_ms(text) if text else None
    except BadArticle as error:
        raise click.BadParameter(f"{text!r} is no date like 2026-01-31", param_hint="--verified-until") from error


async def _known(store: SqlStore, tenant_id: str, registrant_id: str) -> Registrant | None:
    return await SqlRegistrar(store.database).registrant(tenant_id, registrant_id)


@click.group()
def registrants() -> None:
    """Persons and organisations behind accounts."""


for command in (registrants_import, *REGISTRANTS, *PERSONAL):
    registrants.add_command(command)


@registrants.command("put")
@click.argument("tenant_id")
@click.argument("registrant_id")
@_identity_options
@actor_option
def registrants_put(tenant_id: str, registrant_id: str, actor: str, **facts: str | None) -> None:
    """Change what is known of a registrant, for all accounts that it stands behind, and list them. What no option says
    stays as it is."""
    if all(value is None for value in facts.values()):
        raise click.UsageError("give at least one of --kind, --verification, --framework, --level, --verified-until")

    async def put(store: SqlStore, register: SqlRegister) -> None:
        known = await _known(store, tenant_id, registrant_id)
        if known is None:
            raise click.ClickException(f"tenant {tenant_id!r} has no registrant {registrant_id!r}")
        told = _as_told(known, registrant_id, facts)
        for account_id in await register.put_registrant(tenant_id, told, actor, SystemClock().now_ms()):
            click.echo(account_id)

    with_store(put)


@click.group()
def accounts() -> None:
    """Public accounts and who stands behind them."""


for command in (accounts_import, *ACCOUNTS):
    accounts.add_command(command)


@accounts.command("put")
@click.argument("tenant_id")
@click.argument("account_id")
@click.option("--registrant", help="Id of the person or organisation behind it; '' for nobody.")
@_identity_options
@click.option(
    "--news", type=click.Choice([*[kind.value for kind in NewsKind], _NO_NEWS]), help="Authorise it without a licence."
)
@click.option("--news-scheme", help="On what ground, with --news.  [default: manual]")
@click.option("--news-days", type=int, help="Validity of the authorisation, with --news.  [default: 1095]")
@click.option(
    "--private/--public", default=None, help="Whether it is private, which it has to be already.  [new: public]"
)
@actor_option
def accounts_put(
    tenant_id: str,
    account_id: str,
    registrant: str | None,
    news: str | None,
    news_scheme: str | None,
    news_days: int | None,
    private: bool | None,
    actor: str,
    **facts: str | None,
) -> None:
    """Add an account, or change one. What no option says stays as it is; but an account that gets another registrant
    loses what news it was authorised for.

    What is known of a registrant that stands behind other accounts too is changed by `registrants put` only.
    """
    if account_id.startswith(STRANGER):
        raise click.BadParameter(f"ids that begin with {STRANGER} stand for accounts nobody knows")
    if news in (None, _NO_NEWS) and (news_scheme, news_days) != (None, None):
        raise click.UsageError("--news-scheme and --news-days say how --news is authorised: give --news, too")
    now_ms = SystemClock().now_ms()

    async def put(store: SqlStore, register: SqlRegister) -> None:
        before = await register.account(tenant_id, account_id)
        account = before or Account(account_id, AccountState.ACTIVE)
        holder = account.registrant
        if registrant is not None:
            holder = _as_told(await _known(store, tenant_id, registrant), registrant, facts) if registrant else None
        elif holder is not None:
            holder = _as_told(holder, holder.registrant_id, facts)
        if holder is None and any(value is not None for value in facts.values()):
            raise click.UsageError("nobody stands behind this account: give --registrant")
        given = account.news if _id_of(holder) == _id_of(account.registrant) else ()
        if news is not None:
            given = tuple([each for each in given if each.licence_id is not None])
        if news is not None and news != _NO_NEWS:
            ends = now_ms + (_NEWS_DAYS if news_days is None else news_days) * _DAY_MS
            given = (NewsAuthorisation(news_scheme or "manual", NewsKind(news), now_ms, ends), *given)
        if private and not account.private:
            raise click.UsageError("--private takes two people: `accounts change --private`, `accounts agree-private`")
        hidden = account.private if private is None else private
        changed = replace(account, registrant=holder, news=given, private=hidden)
        await register.put_account(tenant_id, changed, actor, now_ms)

    with_store(put)


def _id_of(registrant: Registrant | None) -> str | None:
    return None if registrant is None else registrant.registrant_id


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
@click.option("--limit", default=100, show_default=True, type=click.IntRange(min=1))
def accounts_list(tenant_id: str, after: str, limit: int) -> None:
    """List a tenant's accounts by id."""

    async def listing(_store: Store, register: Register) -> None:
        await check_tenant(register, tenant_id)
        found = await register.accounts(tenant_id, after, limit + 1)
        for account in found[:limit]:
            verification = account.registrant.state.value if account.registrant else "no registrant"
            news = ", ".join(a.kind.value for a in account.news) or "no news"
            click.echo(f"{account.account_id}  {account.state.value}  {verification}  {news}")
        if len(found) > limit:
            say_more(found[limit - 1].account_id)

    with_store(listing)
