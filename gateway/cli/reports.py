"""Commands on reports by the public."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import SqlRegister, SqlReports, SqlStore
from gateway.adapters.sql.report_erasing import reseal
from gateway.adapters.sql.reports import PURPOSE
from gateway.cli.common import actor_option, check_tenant, checked_policy, reason_option, settings, with_store
from gateway.core.registration import By
from gateway.core.reports import NOTE, UNDECIDED_WORDING, Undecided, Verdict
from gateway.core.shown import counted, visible, written
from gateway.ports import Fault
from gateway.ports.reports import Report

T = TypeVar("T")

_PAGE = 100


@click.group()
def reports() -> None:
    """Reports by the public: what waits, what is said, and the decision. GATEWAY_KEYS_FILE opens what is said."""


@reports.command("list")
@click.argument("tenant_id")
@click.option("--after", default="", help="Go on behind this id of the list.")
def listing(tenant_id: str, after: str) -> None:
    """List the open reports of a tenant, the soonest due first: id, deadline, category, state, how many reporters."""

    async def shown(store: SqlStore, register: SqlRegister) -> None:
        await check_tenant(register, tenant_id)
        kept = _kept(store)
        place = (0, "")
        if after:
            last = await kept.report(tenant_id, after)
            if last is None:
                raise click.ClickException(_worded(Undecided.REPORT_UNKNOWN))
            place = (last.due_ms, last.report_id)
        now_ms = SystemClock().now_ms()
        found = await kept.queue(tenant_id, place, _PAGE)
        for one in found:
            click.echo(_line(one, now_ms))
        if len(found) == _PAGE:
            click.echo(f"there are more; go on with --after {found[-1].report_id}", err=True)

    with_store(shown)


@reports.command("show")
@click.argument("tenant_id")
@click.argument("report_id")
def show(tenant_id: str, report_id: str) -> None:
    """Show a report: what it is about, where it is, and what its reporters say, without who they are."""

    async def shown(store: SqlStore, _register: SqlRegister) -> None:
        kept = _kept(store)
        one = await kept.report(tenant_id, report_id)
        if one is None:
            raise click.ClickException(_worded(Undecided.REPORT_UNKNOWN))
        click.echo(_line(one, SystemClock().now_ms()))
        if one.message_id is not None:
            click.echo(f"message   {one.message_id} of {visible(one.account_id or '')}")
        for reference in one.references:
            click.echo(f"named     {visible(reference)}")
        if one.decided_ms is not None:
            click.echo(f"decided   {written(one.decided_ms)} by {visible(one.decided_by or '')}")
        if one.note:
            click.echo(f"told      {visible(one.note)}")
        for said in await kept.said(tenant_id, report_id):
            who = f"flagger {visible(said.flagger)}" if said.flagger else said.channel.value
            click.echo(f"\n{written(said.created_ms)}  {said.category}  {who}")
            click.echo(_several(said.explanation) if said.explanation is not None else "(no key here opens it)")

    with_store(shown)


@reports.command("decide")
@click.argument("tenant_id")
@click.argument("report_id")
@click.option("--actioned/--not-actioned", required=True, help="Whether the content is acted on: taken down.")
@click.option("--unfounded", is_flag=True, help="It was manifestly so, which is held against its reporters.")
@click.option("--category", help="What the content is; without it, what all reported.")
@click.option("--message", "message_id", help="Which message an address is of, where the report has none.")
@click.option("--note", default="", help="Told to the reporters; kept in the open, so it must name nobody.")
@actor_option
@reason_option
def decide(
    tenant_id: str,
    report_id: str,
    actioned: bool,
    unfounded: bool,
    category: str | None,
    message_id: str | None,
    note: str,
    actor: str,
    reason: str,
) -> None:
    """Decide a report, once. Every reporter is told the outcome, and a message that readers see is taken down."""
    if len(note) > NOTE:
        raise click.ClickException(f"note: give at most {NOTE} characters")

    async def judge(store: SqlStore, _register: SqlRegister) -> None:
        verdict = Verdict(actioned, unfounded, category, note.strip(), message_id)
        now_ms = SystemClock().now_ms()
        decided = await _kept(store).decide(tenant_id, report_id, verdict, By(actor, reason), now_ms)
        if isinstance(decided, Undecided):
            raise click.ClickException(_worded(decided))
        click.echo(_line(decided.report, now_ms))
        if decided.takedown:
            click.echo(f"message {decided.report.message_id} is being taken down")

    with_store(judge)


@reports.command("reveal")
@click.argument("tenant_id")
@click.argument("report_id")
@actor_option
@reason_option
def reveal(tenant_id: str, report_id: str, actor: str, reason: str) -> None:
    """Tell who made a report: receipt, name, e-mail address. Who asked, and why, stays on the record."""

    async def told(store: SqlStore, _register: SqlRegister) -> None:
        found = await _kept(store).reveal(tenant_id, report_id, By(actor, reason), SystemClock().now_ms())
        if isinstance(found, Undecided):
            raise click.ClickException(_worded(found))
        for one in found:
            click.echo(f"{one.receipt_id}  {visible(one.name)}  {visible(one.email)}".rstrip())

    with_store(told)


@reports.command("erase")
def erase() -> None:
    """Erase what was said and by whom in the reports whose time is over, as a gateway that runs does every minute."""
    rules = checked_policy(settings().policy_file).policy.reports

    async def gone(store: SqlStore, _register: SqlRegister) -> int:
        kept, number = _kept(store), 0
        while more := await kept.erase(SystemClock().now_ms(), rules, _PAGE):
            number += more
        return number

    click.echo(f"{counted(with_store(gone), 'report')} erased")


@reports.command("reseal")
def seal_anew() -> None:
    """Seal under the newest key of GATEWAY_KEYS_FILE what reporters said, so that an older one can be dropped."""
    keys_file = settings().keys_file
    if keys_file is None:
        raise click.ClickException("GATEWAY_KEYS_FILE is not set; make a file with `gateway keys new`")
    sealer = _said(lambda: FileSealer(keys_file, PURPOSE))

    async def anew(store: SqlStore, _register: SqlRegister) -> tuple[int, int]:
        return await reseal(store.database, sealer, sealer.mark())

    done, lost = with_store(anew)
    click.echo(f"{done} sealed anew" + (f"; {lost} are under keys that are not here" if lost else ""))


def _kept(store: SqlStore) -> SqlReports:
    keys_file = settings().keys_file
    sealer = _said(lambda: FileSealer(keys_file, PURPOSE)) if keys_file is not None else None
    return SqlReports(store.database, sealer, SystemClock().new_id)


def _said(work: Callable[[], T]) -> T:
    try:
        return work()
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault


def _line(one: Report, now_ms: int) -> str:
    count = counted(one.reporters, "reporter")
    parts = [one.report_id, written(one.due_ms), one.category, one.state.value, count]
    parts += ["trusted"] if one.trusted else []
    parts += ["complaint"] if one.complaint else []
    parts += ["OVERDUE"] if one.is_open and one.due_ms < now_ms else []
    parts += [f"{visible(one.claimed_by)} has it"] if one.claimed_by and one.claimed_until_ms > now_ms else []
    return "  ".join(parts)


def _several(text: str) -> str:
    return "\n".join([visible(line) for line in text.split("\n")])


def _worded(why: Undecided) -> str:
    return UNDECIDED_WORDING[why]
