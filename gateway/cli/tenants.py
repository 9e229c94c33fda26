"""Commands on tenants: the calling chat apps, and their keys."""

from __future__ import annotations

import secrets
from urllib.parse import urlsplit

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.webhooks import notify_limits, refused
from gateway.cli.common import actor_option, settings, with_store
from gateway.core.audit import KEY_ID
from gateway.core.fetchable import Unfetchable
from gateway.core.records import Tenant
from gateway.http.requests import hash_key
from gateway.ports import Register, Store


@click.group()
def tenants() -> None:
    """Calling chat apps."""


@tenants.command("put")
@click.argument("tenant_id")
@click.option("--name", required=True)
@click.option("--upstream-url", required=True, help="Where allowed messages are posted.")
@click.option("--upstream-idempotent", is_flag=True, help="The upstream honours Idempotency-Key.")
@click.option("--upstream-token-env", help="Environment variable with the upstream's bearer token.")
@click.option("--takedown-url", help="Where the tenant is told to remove what was published, or to put it back.")
@click.option("--notify-url", help="Where the tenant is told of outcomes: https, public.")
@click.option("--notify-secret-env", help="Environment variable with the secret that signs it.")
@actor_option
def tenants_put(
    tenant_id: str,
    name: str,
    upstream_url: str,
    upstream_idempotent: bool,
    upstream_token_env: str | None,
    notify_url: str | None,
    notify_secret_env: str | None,
    takedown_url: str | None,
    actor: str,
) -> None:
    """Add or change a tenant and print a new application key for it. The key is not shown again."""
    _check_address(upstream_url, "--upstream-url")
    if notify_url is not None:
        _check_notify_url(notify_url)
        if notify_secret_env is None:
            raise click.BadParameter("needed with --notify-url", param_hint="--notify-secret-env")
    if takedown_url is not None:
        _check_address(takedown_url, "--takedown-url")
    app_key = secrets.token_urlsafe(32)
    tenant = Tenant(
        tenant_id,
        name,
        upstream_url,
        upstream_idempotent,
        upstream_token_env,
        notify_url,
        notify_secret_env,
        takedown_url,
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


def _check_notify_url(url: str) -> None:
    """Raise `click.BadParameter` for an address that no notice would go to under these settings."""
    try:
        notify_limits(settings().notify).asked(url)
    except Unfetchable as error:
        raise click.BadParameter(refused(error.why), param_hint="--notify-url") from error


def _check_address(text: str, option: str) -> None:
    """Raise `click.BadParameter` for what nothing can be sent to."""
    try:
        url = urlsplit(text)
        good = url.scheme in ("http", "https") and bool(url.hostname) and url.port != 0
    except ValueError:  # brackets without an end, or a port that is no number
        good = False
    if not good:
        raise click.BadParameter("give an http or https address", param_hint=option)
