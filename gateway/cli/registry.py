"""Commands on tenants and accounts."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from urllib.parse import urlsplit

import click
from msgspec.structs import replace

from gateway.adapters.clock import SystemClock
from gateway.cli.common import actor_option, with_store
from gateway.core.audit import KEY_ID
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
from gateway.core.records import Tenant
from gateway.http.requests import hash_key
from gateway.ports import Register, Store

_DAY_MS = 86_400_000


@click.group()
def tenants() -> None:
    """Calling chat apps."""


@tenants.command("put")
@click.argument("tenant_id")
@click.option("--name", required=True)
@click.option("--upstream-url", required=True, help="Where allowed messages are posted.")
@click.option("--upstream-idempotent", is_flag=True, help="The upstream honours Idempotency-Key.")
@click.option("--upstream-token-env", help="Environment variable with the upstream's bearer token.")
@click.option("--notify-url", help="Where the tenant is told of licences that end, and the like.")
@click.option("--notify-secret-env", help="Environment variable with the secret that signs it: whsec_ and base64.")
@actor_option
def tenants_put(
    tenant_id: str,
    name: str,
    upstream_url: str,
    upstream_idempotent: bool,
    upstream_token_env: str | None,
    notify_url: str | None,
    notify_secret_env: str | None,
    actor: str,
) -> None:
    """Add or change a tenant and print a new application key for it. The key is not shown again."""
    url = urlsplit(upstream_url)
    if url.scheme not in ("http", "https") or not url.hostname:
        raise click.BadParameter("give an http or https address", param_hint="--upstream-url")
    if notify_url is not None:
        notify = urlsplit(notify_url)
        if notify.scheme not in ("http", "https") or not notify.hostname:
            raise click.BadParameter("give an http or https address", param_hint="--notify-url")
        if notify_secret_env is None:
            raise click.BadParameter("needed with --notify-url", param_hint="--notify-secret-env")
    app_key = secrets.token_urlsafe(32)
    tenant = Tenant(
        tenant_id, name, upstream_url, upstream_idempotent, upstream_token_env, notify_url, notify_secret_env
    )

    async def put(_store: Store, register: Register) -> None:
        await register.put_tenant(tenant, hash_key(app_key), actor, SystemClock().now_ms())

    with_store(put, create=True)
    click.echo(app_key)


@tenants.command("list")
def tenants_list() -> None:
    """List the tenants by id: name, where messages go, how many application keys."""

    async def listing(_store: Store, register: Register) -> None:
        for tenant in await register.tenants():
            keys = len(await register.keys(tenant.tenant_id))
            kind = "idempotent" if tenant.upstream_idempotent else "not idempotent"
            click.echo(f"{tenant.tenant_id}  {tenant.name}  {tenant.upstream_url}  {kind}  keys: {keys}")

    with_store(listing)


@tenants.command("keys")
@click.argument("tenant_id")
def tenants_keys(tenant_id: str) -> None:
    """List the ids of a tenant's application keys. The keys themselves are not kept."""

    async def listing(_store: Store, register: Register) -> None:
        if await register.tenant(tenant_id) is None:
            raise click.ClickException(f"no tenant {tenant_id}")
        for key_hash in await register.keys(tenant_id):
            click.echo(key_hash[:KEY_ID])

    with_store(listing)


@tenants.command("revoke-key")
@click.argument("tenant_id")
@click.argument("key")
@actor_option
def tenants_revoke_key(tenant_id: str, key: str, actor: str) -> None:
    """Revoke an application key; every gateway process follows within a second.

    KEY is its id, see `tenants keys`, or the key itself (behind `--`, for it may begin with a dash).
    """

    async def revoke(_store: Store, register: Register) -> None:
        found = [each for each in await register.keys(tenant_id) if key == each[:KEY_ID] or each == hash_key(key)]
        if len(found) != 1 or not await register.revoke_key(tenant_id, found[0], actor, SystemClock().now_ms()):
            raise click.ClickException(f"tenant {tenant_id} has no such key; see `gateway tenants keys {tenant_id}`")
        click.echo(f"{found[0][:KEY_ID]}: revoked")

    with_store(revoke)


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
