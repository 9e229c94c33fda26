"""Commands on sanctions: what is in force and proposed, what people do, and a ladder tried on history."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import click

from classifiers.contract import CATEGORIES
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlRegister, SqlRegistrar, SqlSanctions, SqlStore
from gateway.adapters.sql.sanction_trial import SqlTrial
from gateway.cli.common import (
    actor_option,
    check_tenant,
    checked_policy,
    reason_option,
    say_more,
    settings,
    show_table,
    with_store,
)
from gateway.core.ladder import DAY_MS
from gateway.core.ladder_rules import Step
from gateway.core.ladder_trial import Trial
from gateway.core.model import Degree
from gateway.core.registration import By
from gateway.core.sanction_records import (
    REFUSED_WORDING,
    Order,
    SanctionRecord,
    SanctionRefused,
    SanctionState,
)
from gateway.core.shown import counted, visible, written
from gateway.ports.sanctions import Incident

Command = Callable[..., None]
Work = Callable[[SqlSanctions, int], Awaitable[SanctionRecord | SanctionRefused]]

_SANCTIONS = ("SANCTION", "ACCOUNT", "DEGREE", "STATE", "TIME", "BY")
_INCIDENTS = ("INCIDENT", "AT", "HAPPENED", "CATEGORY", "MESSAGE", "REMOVED")
_limit = click.option("--limit", default=100, show_default=True, type=click.IntRange(1, 10_000))


def _on_sanction(command: Command) -> Command:
    """The arguments of an act on a sanction."""
    for part in (reason_option, actor_option, click.argument("sanction_id"), click.argument("tenant_id")):
        command = part(command)
    return command


@click.group()
def sanctions() -> None:
    """Sanctions: warned, restricted, suspended, closed; and what is proposed."""


@sanctions.command("list")
@click.argument("tenant_id")
@click.option("--state", type=click.Choice([state.value for state in SanctionState]), help="In this state only.")
@click.option("--account", "account_id", help="Of this account only.")
@click.option("--after", default="", help="Begin behind this sanction's id.")
@_limit
def listing(tenant_id: str, state: str | None, account_id: str | None, after: str, limit: int) -> None:
    """List sanctions, oldest first: id, account, degree, state, time, and whose they are."""

    async def shown(store: SqlStore, register: SqlRegister) -> None:
        await check_tenant(register, tenant_id)
        wanted = None if state is None else SanctionState(state)
        now_ms = SystemClock().now_ms()
        found = await _sanctions(store).page(tenant_id, after, limit + 1, now_ms, wanted, account_id)
        show_table(_SANCTIONS, [_row(record) for record in found[:limit]])
        if len(found) > limit:
            say_more(found[limit - 1].sanction_id)

    with_store(shown)


@sanctions.command("show")
@click.argument("tenant_id")
@click.argument("sanction_id")
def show(tenant_id: str, sanction_id: str) -> None:
    """Show a sanction: what it comes of, why it waits, who agreed."""

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        record = await _sanctions(store).sanction(tenant_id, sanction_id, SystemClock().now_ms())
        if record is None:
            raise click.ClickException(REFUSED_WORDING[SanctionRefused.SANCTION_UNKNOWN])
        click.echo("\n".join([_line(record), *_details(record)]))

    with_store(shown)


@sanctions.command("incidents")
@click.argument("tenant_id")
@click.argument("account_id")
@click.option("--after", default="", help="Begin behind this incident's id.")
@_limit
def incidents(tenant_id: str, account_id: str, after: str, limit: int) -> None:
    """List what is held against an account, oldest first, and where it is on the ladder."""

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        if await SqlRegistrar(store.database).registered(tenant_id, account_id) is None:
            raise click.ClickException(REFUSED_WORDING[SanctionRefused.ACCOUNT_UNKNOWN])
        kept = _sanctions(store)
        found = await kept.incidents(tenant_id, account_id, after, limit + 1)
        show_table(_INCIDENTS, [_incident(one) for one in found[:limit]])
        rung = await kept.rung(tenant_id, account_id, SystemClock().now_ms())
        click.echo(f"points: {rung.points}  step: {_step(rung.step)}  another one: {_step(rung.next)}")
        if len(found) > limit:
            say_more(found[limit - 1].strike.incident_id)

    with_store(shown)


@sanctions.command("impose")
@click.argument("tenant_id")
@click.argument("account_id")
@click.argument("degree", type=click.Choice([degree.value for degree in Degree]))
@click.option("--days", type=click.IntRange(1, 3660), help="For how long; without it until it is lifted.")
@click.option("--category", type=click.Choice(sorted(CATEGORIES)), help="What it is for.")
@click.option("--message", "message_id", help="The message that it is about.")
@actor_option
@reason_option
def impose(
    tenant_id: str,
    account_id: str,
    degree: str,
    days: int | None,
    category: str | None,
    message_id: str | None,
    actor: str,
    reason: str,
) -> None:
    """Impose a sanction. A closing is only proposed by it: somebody else has to agree."""
    order = Order(account_id, Degree(degree), days, category, message_id)
    _act(lambda kept, now_ms: kept.impose(tenant_id, order, By(actor, reason), now_ms))


@sanctions.command("agree")
@_on_sanction
def agree(tenant_id: str, sanction_id: str, actor: str, reason: str) -> None:
    """Agree to a proposal; it is in force once enough people did. Two have to agree to close an account."""
    _act(lambda kept, now_ms: kept.agree(tenant_id, sanction_id, By(actor, reason), now_ms))


@sanctions.command("decline")
@_on_sanction
def decline(tenant_id: str, sanction_id: str, actor: str, reason: str) -> None:
    """Decline a proposal. What was held against the account stays so."""
    _act(lambda kept, now_ms: kept.decline(tenant_id, sanction_id, By(actor, reason), now_ms))


@sanctions.command("lift")
@click.option("--mistaken", is_flag=True, help="What it came of was no violation, and is held against nobody any more.")
@_on_sanction
def lift(tenant_id: str, sanction_id: str, mistaken: bool, actor: str, reason: str) -> None:
    """Lift a sanction before its time; lifting a closing reopens the account."""
    _act(lambda kept, now_ms: kept.lift(tenant_id, sanction_id, By(actor, reason), now_ms, mistaken=mistaken))


@sanctions.command("simulate")
@click.option(
    "--policy", "file", type=click.Path(path_type=Path), required=True, help="The policy whose ladder is tried."
)
@click.option("--tenant", "tenant_id", help="One tenant; without it, all.")
@click.option("--days", default=90, show_default=True, type=click.IntRange(1, 3660), help="The last so many days.")
def simulate(file: Path, tenant_id: str | None, days: int) -> None:
    """Try a ladder on what happened: which sanctions it would have given, beside those that were. Writes nothing."""
    rules = checked_policy(file).policy.ladder

    async def tried(store: SqlStore, register: SqlRegister) -> None:
        if tenant_id is not None:
            await check_tenant(register, tenant_id)
        since_ms = SystemClock().now_ms() - days * DAY_MS
        history = SqlTrial(store.database, tenant_id, since_ms - rules.longest_ms())
        trial = Trial(rules, since_ms)
        async for strike in history.strikes(rules):
            trial.take(strike)
        trial.end_account()
        given = await history.given(since_ms)
        click.echo("\n".join(_told(trial, given, days)))
        for one in trial.strictest():
            really = await history.strictest_given(one.tenant_id, one.account_id, since_ms)
            degree = "nothing" if one.degree is None else one.degree.value
            account = visible(f"{one.tenant_id}/{one.account_id}")
            count = counted(one.sanctions, "sanction")
            click.echo(f"{account}  {degree}  {count}  given: {really.value if really else 'nothing'}")

    with_store(tried)


def _told(trial: Trial, given: dict[Degree, int], days: int) -> Iterator[str]:
    accounts, violations = counted(trial.accounts, "account"), counted(trial.violations, "violation")
    yield f"{violations} in {counted(days, 'day')}; {accounts} would have been sanctioned"
    yield f"{'':<16}{'automatic':>10}{'proposed':>10}{'given':>10}"
    for degree in Degree:
        numbers = (trial.automatic[degree], trial.proposed[degree], given.get(degree, 0))
        yield f"{degree.value:<16}" + "".join([f"{number:>10}" for number in numbers])
    stopped, over = trial.stopped()
    if stopped:
        quota = trial.rules.daily_quota
        used_up = counted(stopped, "day")
        yield f"the quota of {quota} a day would have been used up on {used_up}, and {over} only proposed for it"


def _act(work: Work) -> None:
    """Do something, and print the sanction as it is then; a refusal ends the command with what to do."""

    async def done(store: SqlStore, _register: SqlRegister) -> SanctionRecord:
        result = await work(_sanctions(store), SystemClock().now_ms())
        if isinstance(result, SanctionRefused):
            raise click.ClickException(REFUSED_WORDING[result])
        return result

    click.echo(_line(with_store(done)))


def _sanctions(store: SqlStore) -> SqlSanctions:
    policy = checked_policy(settings().policy_file)
    return SqlSanctions(store.database, lambda: policy)


def _incident(one: Incident) -> tuple[str, ...]:
    strike, removed = one.strike, "-" if one.removed_ms is None else written(one.removed_ms)
    happened = (written(strike.at_ms), strike.happening.value, strike.category)
    return strike.incident_id, *happened, strike.message_id, removed


def _line(record: SanctionRecord) -> str:
    return "  ".join(_row(record))


def _row(record: SanctionRecord) -> tuple[str, ...]:
    degrees = "+".join([degree.value for degree in (record.degree, *record.also)])
    if record.starts_ms is None:
        time = "no end" if record.days is None else counted(record.days, "day")
    else:
        ends = "no end" if record.ends_ms is None else written(record.ends_ms)
        time = f"{written(record.starts_ms)} to {ends}"
    by = "automatic" if record.automatic else ", ".join(record.agreed) or record.why.value
    return record.sanction_id, visible(record.account_id), degrees, record.state.value, time, visible(by)


def _details(record: SanctionRecord) -> Iterator[str]:
    yield f"comes of: {record.why.value}" + (f", {record.category}" if record.category else "")
    for name, value in (
        ("incident", record.incident_id),
        ("message", record.message_id),
        ("waits for", record.waits),
        ("reason", record.reason),
    ):
        if value:
            yield f"{name}: {visible(value)}"
    if record.decided_by is not None and record.decided_ms is not None:
        yield f"{record.state.value}: {written(record.decided_ms)} by {visible(record.decided_by)}"


def _step(step: Step | None) -> str:
    if step is None:
        return "none"
    days = f" {counted(step.days, 'day')}" if step.days is not None else ""
    return "+".join([degree.value for degree in step.degrees()]) + days
