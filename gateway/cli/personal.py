"""Commands on registrants' personal data. Values come in on standard input: arguments show in process lists and shell
histories."""

from __future__ import annotations

import json
import sys
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.key_file import KeysError
from gateway.adapters.masters import open_master
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.erasure import erase as erase_
from gateway.adapters.sql.personal import SqlPersonal, held_fields
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.cli.common import actor_option, checked_policy, reason_option, registrant_line, settings, with_store
from gateway.core.check_digits import problem_of
from gateway.core.personal import FIELDS, INDEXED, problems
from gateway.core.personal_acts import UNKEPT_WORDING, Unkept
from gateway.core.registration import By
from gateway.core.shown import counted, written

T = TypeVar("T")

_ACCOUNTS = 1000


@click.command("keep")
@click.argument("tenant_id")
@click.argument("registrant_id")
@actor_option
@reason_option
def registrants_keep(tenant_id: str, registrant_id: str, actor: str, reason: str) -> None:
    """Keep a registrant's personal data, in place of what was kept: one JSON object on standard input.

    A change of what a verification proves starts the verification again.
    """
    fields = _object(sys.stdin.read())
    if wrong := problems(fields, problem_of):
        raise click.ClickException("; ".join(wrong))

    async def keep(personal: SqlPersonal) -> None:
        kept = _done(await personal.put(tenant_id, registrant_id, fields, By(actor, reason), SystemClock().now_ms()))
        restarted = "; it has to be verified again" if kept.restarted else ""
        click.echo(f"{registrant_id}: {', '.join(sorted(fields))} kept{restarted}")

    _with_personal(keep)


@click.command("show")
@click.argument("tenant_id")
@click.argument("registrant_id")
def registrants_show(tenant_id: str, registrant_id: str) -> None:
    """Show what is known of a registrant without opening its personal data: that needs `reveal`, and a reason."""

    async def show(store: SqlStore, _register: SqlRegister) -> None:
        registrar = SqlRegistrar(store.database)
        registrant = await registrar.registrant(tenant_id, registrant_id)
        if registrant is None:
            raise click.ClickException(f"tenant {tenant_id} has no registrant {registrant_id}")
        names = await held_fields(store.database, tenant_id, registrant_id)
        click.echo(registrant_line(registrant))
        if (until_ms := await registrar.barred_until(tenant_id, registrant_id, SystemClock().now_ms())) is not None:
            click.echo(f"barred: until {written(until_ms)}")
        click.echo(f"kept: {', '.join(names) or 'nothing'}")
        for each in await registrar.accounts_of(tenant_id, registrant_id, "", _ACCOUNTS):
            click.echo(f"account: {each.account.account_id}  {each.account.state.value}")

    with_store(show)


@click.command("reveal")
@click.argument("tenant_id")
@click.argument("registrant_id")
@click.option("--field", "fields", multiple=True, type=click.Choice(list(FIELDS)), help="Only this one; repeatable.")
@actor_option
@reason_option
def registrants_reveal(tenant_id: str, registrant_id: str, fields: tuple[str, ...], actor: str, reason: str) -> None:
    """Print a registrant's personal data as JSON. Who asked, why and for what is on record before it is printed."""

    async def reveal(personal: SqlPersonal) -> None:
        wanted = fields or None
        by = By(actor, reason)
        told = _done(await personal.reveal(tenant_id, registrant_id, wanted, by, SystemClock().now_ms()))
        click.echo(json.dumps(told, ensure_ascii=False, indent=1))

    _with_personal(reveal)


@click.command("find")
@click.argument("tenant_id")
@click.argument("field", type=click.Choice(INDEXED))
@actor_option
@reason_option
def registrants_find(tenant_id: str, field: str, actor: str, reason: str) -> None:
    """List the registrants with this value in FIELD; the value is read from standard input."""
    value = sys.stdin.read().strip()
    if wrong := problems({field: value}):
        raise click.ClickException("; ".join(wrong))

    async def find(personal: SqlPersonal) -> None:
        found = _done(await personal.find(tenant_id, field, value, By(actor, reason), SystemClock().now_ms()))
        click.echo("".join(f"{registrant_id}\n" for registrant_id in found), nl=False)
        if not found:
            click.echo("none", err=True)

    _with_personal(find)


@click.command("erase")
@click.argument("tenant_id")
@click.argument("registrant_id")
@click.option("--close", is_flag=True, help="Close the accounts that it still has.")
@actor_option
@reason_option
def registrants_erase(tenant_id: str, registrant_id: str, close: bool, actor: str, reason: str) -> None:
    """Erase a registrant for good: its key is destroyed, and nothing that was sealed under it can be read again.

    Where something was held against it (closed or suspended accounts, sanctions, a bar), digests of its identifiers
    stay for the policy's registration.erased_days, so that it cannot register again until then.

    Texts, media, targets and requests of its accounts' messages are erased too; decisions, hashes and the audit chain
    stay. Refused while one of them is held or under way. One that was interrupted is gone on with by giving it again.
    """
    chosen = settings()
    rules = checked_policy(chosen.policy_file).policy.registration

    async def erase(store: SqlStore, _register: SqlRegister) -> None:
        now_ms = SystemClock().now_ms()
        by = By(actor, reason)
        async with AsyncExitStack() as stack:
            try:
                master = await stack.enter_async_context(open_master(chosen.kms, chosen.keys_file))
            except KeysError:  # it was lost, say: that keeps nobody from being erased
                result = await erase_(store.database, tenant_id, registrant_id, rules, by, now_ms, close=close)
            else:
                personal = SqlPersonal(store.database, PersonalKeys(master))
                result = await personal.erase(tenant_id, registrant_id, rules, by, now_ms, close=close)
        erased = _done(result)
        click.echo(f"{registrant_id}: erased")
        for account_id in erased.closed:
            click.echo(f"account: {account_id}  closed")
        if erased.messages:
            click.echo(f"{counted(erased.messages, 'message')} erased")

    with_store(erase)


@click.command("rewrap")
@click.option("--page", default=1000, show_default=True, type=click.IntRange(1, 100_000), help="Registrants at a time.")
def registrants_rewrap(page: int) -> None:
    """Wrap every registrant's key under the newest master key, while gateways run. After an interruption it begins
    again, and passes over what is done. Then `keys drop` for the old key.

    Registrants whose keys no key here opens are named at the end, and the status is 1.
    """

    async def rewrap(personal: SqlPersonal) -> None:
        after: tuple[str, str] | None = ("", "")
        done, unopened = 0, list[tuple[str, str]]()
        while after is not None:
            page_of = await personal.rewrap(after, page)
            done, after = done + page_of.wrapped, page_of.after
            unopened += page_of.unopened
            if page_of.wrapped and after is not None:
                click.echo(f"{done} ...", err=True)
        if not unopened:
            click.echo(f"{done} registrants' keys wrapped anew; all are under the newest master key")
            return
        for whose, registrant_id in unopened:
            click.echo(f"{whose}  {registrant_id}  no key here opens it", err=True)
        click.echo(f"{done} registrants' keys wrapped anew; {len(unopened)} that no key here opens are as they were")
        raise SystemExit(1)

    _with_personal(rewrap)


COMMANDS = (
    registrants_keep,
    registrants_show,
    registrants_reveal,
    registrants_find,
    registrants_erase,
    registrants_rewrap,
)


def _with_personal(work: Callable[[SqlPersonal], Awaitable[T]]) -> T:
    chosen = settings()

    async def run(store: SqlStore, _register: SqlRegister) -> T:
        async with open_master(chosen.kms, chosen.keys_file) as master:
            return await work(SqlPersonal(store.database, PersonalKeys(master)))

    return with_store(run)


def _done(result: T | Unkept) -> T:
    if isinstance(result, Unkept):
        raise click.ClickException(UNKEPT_WORDING[result])
    return result


def _object(text: str) -> dict[str, str]:
    """The texts of a JSON object. What is wrong is said without a word of it."""
    try:
        pairs = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError) as error:
        raise click.ClickException("standard input: not JSON") from error
    fields = dict(pairs) if isinstance(pairs, list) and all(isinstance(pair, tuple) for pair in pairs) else {}
    if not fields or len(fields) < len(pairs) or not all(isinstance(value, str) for value in fields.values()):
        raise click.ClickException("standard input: give one JSON object of texts, each field once")
    return fields
