"""Commands for the people who look at what is held: list it, read it, release or reject it.

Reading is for them alone: texts are printed here, and go to no log.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import click

from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlQueue, SqlStore
from gateway.cli.common import actor_option, check_tenant, note_option, show_table, with_store
from gateway.cli.records import kept_policy, stored_message
from gateway.core.model import Case, Media, Message, MessageState, Outcome, Reason
from gateway.core.queue import UNRESOLVED, Entry, Unresolved, wrong_code
from gateway.core.records import Stored
from gateway.core.shown import visible, written
from gateway.held import HeldMessages
from gateway.ports import Register, Store
from gateway.review import ReleaseForbidden

_UNDER_WAY = "decided; a running gateway, or another of these commands, is carrying it out"
_HEADER = ("MESSAGE", "ACCOUNT", "RULE", "CATEGORIES", "SINCE")


@click.group()
def holds() -> None:
    """Messages that wait for a person."""


@holds.command("list")
@click.option("--tenant", "tenant_id", help="Of this tenant only.")
@click.option("--limit", default=50, show_default=True)
def holds_list(tenant_id: str | None, limit: int) -> None:
    """List held messages, oldest first, each with the rule that holds it and the categories that were found."""

    async def listing(store: Store, register: Register) -> list[tuple[str, ...]]:
        if tenant_id is not None:
            await check_tenant(register, tenant_id)
        held = await store.in_state(MessageState.HELD, limit, tenant_id)
        return [_row(stored, (await store.cases(stored.message_id))[-1][1]) for stored in held]

    show_table(_HEADER, with_store(listing))


@holds.command("show")
@click.argument("message_id")
def holds_show(message_id: str) -> None:
    """Print what a message says, and what was found in it. Characters that a terminal would act on, or not show, are
    printed as escapes, like \\x1b."""

    async def show(store: Store, _register: Register) -> list[str]:
        stored = await stored_message(store, message_id)
        return list(_shown(stored, (await store.cases(message_id))[-1][1]))

    for line in with_store(show):
        click.echo(line)


@holds.command("release")
@click.argument("message_id")
@click.option("--code", default="no_violation", show_default=True, help="Why, as one of the policy's codes.")
@note_option
@actor_option
def holds_release(message_id: str, code: str, note: str, actor: str) -> None:
    """Release a held message; a running gateway forwards it. Some categories take two people: the first one's release
    then waits for the second's."""
    _resolve_hold(message_id, Outcome.ALLOW, code, note, actor)


@holds.command("reject")
@click.argument("message_id")
@click.option(
    "--code", default="other", show_default=True, help="Why, as one of the policy's codes: a category is a violation."
)
@note_option
@actor_option
def holds_reject(message_id: str, code: str, note: str, actor: str) -> None:
    """Reject a held message."""
    _resolve_hold(message_id, Outcome.BLOCK, code, note, actor)


def _row(stored: Stored, case: Case) -> tuple[str, ...]:
    found = dict.fromkeys([reason.category for reason in case.decision.reasons if reason.category])
    account = visible(f"{stored.message.tenant_id}/{stored.message.account_id}")
    return stored.message_id, account, case.decision.rule, ",".join(found) or "-", written(stored.created_ms)


def _shown(stored: Stored, case: Case) -> Iterator[str]:
    message = stored.message
    yield f"message   {stored.message_id}, {stored.state.value}, came {written(stored.created_ms)}"
    yield f"account   {visible(message.tenant_id)}/{visible(message.account_id)}, platform {visible(message.platform)}"
    yield from _named("target", message.target)
    yield from _named("topic", message.declared_topic)
    if (repost := message.repost_of) is not None:
        for name in ("url", "publisher", "author", "title"):
            yield from _named(f"repost of, {name}", getattr(repost, name))
    yield from [f"media     {_medium(medium)}" for medium in message.media]
    yield from _named("doubts", ", ".join(message.doubts))
    for number, text in enumerate(message.texts, 1):  # title first, then all else that readers may see
        yield f"text {number}"
        yield from [f"  | {visible(line)}" for line in text.split("\n")]  # no line of it can pass for one of ours
    yield f"decision  {case.decision.outcome.value}, by {case.decision.rule}"
    for reason in case.decision.reasons:
        yield from _reason(reason, message)


def _named(name: str, value: str | None) -> Iterator[str]:
    if value:
        yield f"{name:<9} {visible(value)}"


def _medium(medium: Media) -> str:
    # With both, the hash is that of the bytes which were fetched from there and judged.
    named = [medium.url, f"SHA-256 {medium.sha256}" if medium.sha256 else None]
    return f"{visible(medium.content_type)} {visible(' '.join([part for part in named if part]))}"


def _reason(reason: Reason, message: Message) -> Iterator[str]:
    score = f" {reason.score:.2f}" if reason.score is not None else ""
    category = f" {reason.category}{score}," if reason.category else ""
    yield f"reason    {reason.code}:{category} by {visible(reason.source)}: {visible(reason.message)}"
    for span in reason.spans:
        if quoted := _part(message.texts, span.part)[span.start : span.end]:
            yield f'  text {span.part + 1}, from {span.start + 1}: "{visible(quoted)}"'


def _part(texts: Sequence[str], part: int) -> str:
    """The text that a span is of; the span is a classifier's word, and may name one that is not there."""
    return texts[part] if 0 <= part < len(texts) else ""


def _resolve_hold(message_id: str, outcome: Outcome, code: str, note: str, actor: str) -> None:
    async def resolve(store: SqlStore, register: Register) -> None:
        await stored_message(store, message_id)
        # The policy that judged it last, and not this command's file, which may be another than the gateway's.
        policy = await kept_policy(store, (await store.cases(message_id))[-1][1].decision.policy_version)
        held = HeldMessages(
            queue=SqlQueue(store.database), store=store, registry=register, policy=lambda: policy, clock=SystemClock()
        )
        try:
            entry = await held.decide(message_id, None, actor, outcome, code, note, undo=False)
        except ReleaseForbidden as error:
            raise click.ClickException(f"{message_id} is not released and stays held: {error}") from error
        if entry is Unresolved.NOT_HELD:
            ended = await stored_message(store, message_id)  # it may have been held when it was looked at
            raise click.ClickException(f"{message_id} is {ended.state.value}, not held")
        if entry is Unresolved.CODE:
            raise click.ClickException(f"{message_id}: code: {wrong_code(outcome, policy.policy.holds)}")
        if isinstance(entry, Unresolved):
            raise click.ClickException(f"{message_id}: {UNRESOLVED[entry].partition(': ')[2]}")
        if (after := await held.queue.entry(message_id, None)) is not None and after.problem is not None:
            raise click.ClickException(f"{message_id} stays held: {after.problem}")
        now = (await stored_message(store, message_id)).state
        became = _became(entry) or _UNDER_WAY
        click.echo(f"{message_id}: {became if now is MessageState.HELD else now.value}")

    with_store(resolve)


def _became(entry: Entry) -> str | None:
    """What a decision has made of an entry that still waits for people."""
    if entry.waiting is not None:
        return None
    if entry.first is not None and entry.escalated_by is None:
        return "held; a second person has to agree"
    return "held, and escalated: the two do not agree, so a third person decides"
