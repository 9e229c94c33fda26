"""Commands on the verification of registrants."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.key_file import KeysError
from gateway.adapters.sql import SqlRegister, SqlStore
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.app_verify import open_verify
from gateway.cli.common import actor_option, reason_option, settings, with_store
from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.shown import written
from gateway.core.verification import Verification
from gateway.ports import Applied
from gateway.providers.config import ProvidersError
from gateway.verify import Unstarted, Verify

T = TypeVar("T")


@click.group()
def verifications() -> None:
    """Attempts to prove who a registrant is, with the providers of GATEWAY_PROVIDERS_FILE."""


@verifications.command("start")
@click.argument("tenant_id")
@click.argument("registrant_id")
@click.argument("provider")
@click.option("--reference", help="The provider's id of the session, for those that tell by webhook.")
@actor_option
@reason_option
def start(tenant_id: str, registrant_id: str, provider: str, reference: str | None, actor: str, reason: str) -> None:
    """Begin a verification; a provider that answers at once is asked at once. Shows the one that is open with this
    provider, or was begun with this reference, if there is one."""

    async def begin(verify: Verify) -> None:
        begun = await verify.start(tenant_id, registrant_id, provider, reference, By(actor, reason))
        if isinstance(begun, Unstarted):
            raise click.ClickException(begun.value)
        if not begun.new:
            click.echo("it was begun before; nothing was written", err=True)
        click.echo(_line(begun.verification))

    _with_verify(begin)


@verifications.command("list")
@click.argument("tenant_id")
@click.argument("registrant_id")
def listing(tenant_id: str, registrant_id: str) -> None:
    """List a registrant's verifications, oldest first, with the verdicts on them."""

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        for one in await SqlVerifications(store.database).of_registrant(tenant_id, registrant_id):
            click.echo(_line(one))

    with_store(shown)


@verifications.command("review")
@click.argument("tenant_id")
@click.argument("verification_id")
@click.option("--approve/--refuse", required=True, help="The verdict.")
@actor_option
@reason_option
def review(tenant_id: str, verification_id: str, approve: bool, actor: str, reason: str) -> None:
    """Give a verdict on a verification in review. One approval verifies a person, those of two different reviewers an
    organisation; one refusal declines either."""

    async def judge(verify: Verify) -> None:
        result = await verify.judge(tenant_id, verification_id, actor, approve, reason)
        if isinstance(result, Verification):
            click.echo(_line(result))
        elif isinstance(result, Uncounted):
            raise click.ClickException(f"{actor} has approved it already, or is nobody; another reviewer has to")
        elif result is Applied.UNKNOWN:
            raise click.ClickException(f"no verification {verification_id} by a provider that is configured")
        else:
            raise click.ClickException("it is not in review; see `gateway verifications list`")

    _with_verify(judge)


@verifications.command("submit")
@click.argument("tenant_id")
@click.argument("verification_id")
@actor_option
@reason_option
def submit(tenant_id: str, verification_id: str, actor: str, reason: str) -> None:
    """Say that what was missing is there now; a provider that answers at once is asked once more."""

    async def again(verify: Verify) -> None:
        result = await verify.submit_again(tenant_id, verification_id, By(actor, reason))
        _show(result, verification_id, "it does not wait for more")

    _with_verify(again)


@verifications.command("cancel")
@click.argument("tenant_id")
@click.argument("verification_id")
@actor_option
@reason_option
def cancel(tenant_id: str, verification_id: str, actor: str, reason: str) -> None:
    """Give up a verification that has not ended. What was proved before stands."""

    async def give_up(verify: Verify) -> None:
        result = await verify.cancel(tenant_id, verification_id, By(actor, reason))
        _show(result, verification_id, "it has ended")

    _with_verify(give_up)


def _with_verify(work: Callable[[Verify], Awaitable[T]]) -> T:
    chosen = settings()

    async def run(store: SqlStore, _register: SqlRegister) -> T:
        async with AsyncExitStack() as stack:
            verify = await open_verify(chosen, store, SystemClock(), stack)
            if verify is None:
                raise click.ClickException("no providers: set GATEWAY_PROVIDERS_FILE")
            return await work(verify)

    try:
        return with_store(run)
    except ProvidersError as error:
        raise click.ClickException(f"{chosen.providers_file}: {error}") from error
    except KeysError as error:
        raise click.ClickException(str(error)) from error


def _show(result: Verification | Applied, verification_id: str, otherwise: str) -> None:
    if isinstance(result, Verification):
        click.echo(_line(result))
    elif result is Applied.UNKNOWN:
        raise click.ClickException(f"no verification {verification_id}")
    else:
        raise click.ClickException(f"{otherwise}; see `gateway verifications list`")


def _line(one: Verification) -> str:
    began = written(one.created_ms)
    verdicts = ", ".join(f"{each.reviewer} {'approves' if each.approve else 'refuses'}" for each in one.verdicts)
    parts = [one.verification_id, one.provider, one.state.value, f"{one.framework} {one.level}", began]
    return "  ".join([*parts, verdicts] if verdicts else parts)
