"""Commands on tenants: the calling chat apps, and their keys."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from urllib.parse import urlsplit

import click
from msgspec.structs import replace

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
@click.option("--name", help="Needed for a tenant that is new.")
@click.option("--upstream-url", help="Where allowed messages are posted; needed for a tenant that is new.")
@click.option(
    "--upstream-idempotent/--upstream-not-idempotent",
    default=None,
    help="Whether the upstream honours Idempotency-Key.  [new: not]",
)
@click.option("--upstream-token-env", help="Environment variable with the upstream's bearer token; '' for none.")
@click.option(
    "--takedown-url", help="Where the tenant is told to remove what was published, or to put it back; '' for nowhere."
)
@click.option("--notify-url", help="Where the tenant is told of outcomes: https, public; '' for nowhere.")
@click.option("--notify-secret-env", help="Environment variable with the secret that signs it; '' for none.")
@click.option("--new-key", is_flag=True, help="Make another application key; a tenant that is new always gets one.")
@click.option("--revoke-old", is_flag=True, help="With --new-key: revoke every other key of the tenant.")
@actor_option
def tenants_put(tenant_id: str, new_key: bool, revoke_old: bool, actor: str, **facts: str | bool | None) -> None:
    """Add a tenant, or change one. What no option says stays as it is.

    A new tenant's application key is printed, as is the one that --new-key asks for; no key is shown again. What else
    changes is told on standard error.
    """
    if revoke_old and not new_key:
        raise click.UsageError("--revoke-old needs --new-key, or the tenant has no key left; see `tenants revoke-key`")

    async def put(_store: Store, register: Register) -> None:
        before, now_ms = await register.tenant(tenant_id), SystemClock().now_ms()
        tenant = _changed(before, tenant_id, facts)
        if before is not None and not new_key and tenant == before:
            click.echo(f"{tenant_id}: nothing changes", err=True)
            return
        app_key = secrets.token_urlsafe(32) if new_key or before is None else None
        old = await register.keys(tenant_id) if revoke_old else []
        await register.put_tenant(tenant, None if app_key is None else hash_key(app_key), actor, now_ms)
        for line in _differences(before, tenant):
            click.echo(f"{tenant_id}: {line}", err=True)
        if app_key is not None:
            click.echo(app_key)
        for key_hash in old:
            await register.revoke_key(tenant_id, key_hash, actor, now_ms)
            click.echo(f"{tenant_id}: key {key_hash[:KEY_ID]} revoked", err=True)

    with_store(put, create=True)


def _changed(before: Tenant | None, tenant_id: str, facts: Mapping[str, str | bool | None]) -> Tenant:
    """The tenant with what the options say of it; an empty text takes an optional value away."""
    values = {name: value if value != "" else None for name, value in facts.items() if value is not None}
    for name in ("name", "upstream_url"):
        if (before is None or name in values) and values.get(name) is None:
            raise click.BadParameter("a tenant needs one", param_hint=_option(name))
    tenant = replace(before or Tenant(tenant_id, "", ""), **values)
    if "upstream_url" in values:
        _check_address(tenant.upstream_url, "--upstream-url")
    if tenant.takedown_url is not None and "takedown_url" in values:
        _check_address(tenant.takedown_url, "--takedown-url")
    if tenant.notify_url is not None and values.keys() & {"notify_url", "notify_secret_env"}:
        _check_notify_url(tenant.notify_url)
        if tenant.notify_secret_env is None:
            raise click.BadParameter("needed with --notify-url", param_hint="--notify-secret-env")
    return tenant


def _differences(before: Tenant | None, after: Tenant) -> list[str]:
    """What an existing tenant's change changes, a line for each value."""
    if before is None:
        return []
    values = [(name, getattr(before, name), getattr(after, name)) for name in Tenant.__struct_fields__]
    return [f"{_option(name)[2:]}: {_word(was)} -> {_word(now)}" for name, was, now in values if was != now]


def _word(value: str | bool | None) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return value or "none"


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


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
