"""Commands on what was decided: explain it, see how it went, verify the chain."""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Sequence
from typing import Any

import click
import msgspec
import orjson

from gateway.adapters.clock import SystemClock
from gateway.adapters.keys import audit_key
from gateway.cli.common import actor_option, note_option, settings, with_store
from gateway.core.audit import DECISION, KEYED, TRANSITION, breaks_meanwhile
from gateway.core.audit_compare import differences
from gateway.core.codec import encode_case
from gateway.core.decide import decide, settle
from gateway.core.erasing import erased_messages
from gateway.core.model import Case, Decision, MessageState
from gateway.core.policy import PolicyInForce, parse_policy
from gateway.core.records import AuditRow, Stored, Transition, Written
from gateway.core.rules import APPEAL, EXPIRED, PERSON
from gateway.core.shown import counted, visible, written
from gateway.ports import Register, Store
from gateway.review import ADMINISTRATORS

_PAGE = 500
_LOOKS = 3
"""How often a message is looked at that seems to differ, while it may be written to."""
"""Audit rows whose decisions are looked up at once."""


@click.group()
def decisions() -> None:
    """Decisions, and why they are what they are."""


@decisions.command("explain")
@click.argument("decision_id")
def decisions_explain(decision_id: str) -> None:
    """Compute a stored decision again; print facts, opinions, rule, outcome. Status 1 if it comes out differently.

    The id of a message stands for its first decision.
    """

    async def explain(store: Store, _register: Register) -> bool:
        stored = await store.message_of_decision(decision_id) or await store.message(decision_id)
        if stored is None:
            raise click.ClickException(f"no decision or message {decision_id}")
        found = stored.decision_id if decision_id == stored.message_id else decision_id
        case = dict(await store.cases(stored.message_id))[found]
        rows = await store.history(stored.message_id)
        _show("message", {"message_id": stored.message_id, "state": stored.state, "platform": stored.message.platform})
        _show("facts", msgspec.to_builtins(case.facts))
        _show("opinions", msgspec.to_builtins(case.answers))
        _show("policy", case.decision.policy_version)
        _show("rule", case.decision.rule)
        _show("outcome", case.decision.outcome)
        _show("reasons", msgspec.to_builtins(case.decision.reasons))
        if not _committed(found, case, rows):
            click.echo("DIFFERENT from the case that the audit chain commits to.")
            return False
        if case.decision.rule in (PERSON, EXPIRED, APPEAL):
            click.echo("A person decided this; there is nothing to compute again.")
            return True
        policy = await kept_policy(store, case.decision.policy_version)
        again: Decision | None = settle(stored.message, case.facts, policy) if not case.answers else None
        again = again or decide(stored.message, case.facts, case.answers, policy)
        same = again == case.decision
        click.echo("Computed again: the same." if same else f"Computed again: DIFFERENT: {again}")
        return same

    sys.exit(0 if with_store(explain) else 1)


@click.group()
def messages() -> None:
    """Messages and their states."""


@messages.command("show")
@click.argument("message_id")
def messages_show(message_id: str) -> None:
    """Print a message's state and history."""

    async def show(store: Store, _register: Register) -> None:
        stored = await stored_message(store, message_id)
        _show("message", {"message_id": message_id, "state": stored.state, "account": stored.message.account_id})
        for row in await store.history(message_id):
            _show(row.kind, orjson.loads(row.body))

    with_store(show)


@messages.command("list")
@click.argument("state", type=click.Choice([state.value for state in MessageState]))
@click.option("--limit", default=50, show_default=True)
def messages_list(state: str, limit: int) -> None:
    """List the messages in STATE, oldest first."""

    async def listing(store: Store, _register: Register) -> None:
        for stored in await store.in_state(MessageState(state), limit):
            _row(stored)

    with_store(listing)


@messages.command("resolve")
@click.argument("message_id")
@click.option("--published/--not-published", required=True, help="What the upstream really did.")
@note_option
@actor_option
def messages_resolve(message_id: str, published: bool, note: str, actor: str) -> None:
    """Say how a message whose upstream outcome is unknown really ended."""

    async def resolve(store: Store, _register: Register) -> None:
        state = MessageState.PUBLISHED if published else MessageState.FAILED
        transition = Transition(message_id, MessageState.UNKNOWN, state, actor, note, SystemClock().now_ms())
        if not await store.move(ADMINISTRATORS, transition):
            raise click.ClickException(f"{message_id} is not in state unknown")
        click.echo(f"{message_id}: {state.value}")

    with_store(resolve)


@click.group()
def audit() -> None:
    """The audit chain."""


@audit.command("verify")
def audit_verify() -> None:
    """Check every chain from its first row to its head, and every message and decision against the chains. Status 1,
    and the first thing that is wrong, if anything is."""

    async def verify(store: Store, _register: Register) -> str | None:
        key = audit_key(settings().keys_file)
        heads = await store.heads()
        rows = [row async for row in store.audit()]
        keyed = sum(row.hash.startswith(KEYED) for row in rows)
        click.echo(f"{counted(len(rows), 'row')} in {counted(len(heads), 'chain')}, {keyed} with a keyed hash")
        if keyed and key is None:
            return "keyed hashes cannot be checked: set GATEWAY_KEYS_FILE to the gateway's key file"
        return next(breaks_meanwhile(rows, heads, await store.heads(), key), None) or await _difference(store, rows)

    problem = with_store(verify)
    click.echo(problem or "every message and decision is the one that its row commits to\nevery chain is whole")
    sys.exit(1 if problem else 0)


async def _difference(store: Store, rows: Sequence[AuditRow]) -> str | None:
    """The first message or decision that is not, or not any more, what the chains commit to."""
    erased = erased_messages(rows)
    about: dict[str, list[AuditRow]] = {}
    for row in rows:
        if row.message_id:
            about.setdefault(row.message_id, []).append(row)
    after = ""
    while page := await store.written(after, _PAGE):
        for one in page:
            if one.is_erased and one.message_id not in erased and not await _erased_meanwhile(store, rows, one):
                return f"message {one.message_id}: its text was erased, and no row of a chain says so"
            if any(differences(one, about.pop(one.message_id, []))) and (
                problem := await _difference_now(store, one.message_id)
            ):
                return problem
        after = page[-1].message_id
    for message_id, found in about.items():
        if any(row.kind == DECISION for row in found) and not await store.written(only=message_id):
            return f"chain {found[0].chain}, row {found[0].seq}: message {message_id} is missing"
    return None


async def _erased_meanwhile(store: Store, rows: Sequence[AuditRow], one: Written) -> bool:
    """Whether a row that was written while the others were read says that a message was erased."""
    known = {(row.chain, row.seq) for row in rows}
    newer = [row async for row in store.audit() if (row.chain, row.seq) not in known]
    return one.message_id in erased_messages(newer)


async def _difference_now(store: Store, message_id: str) -> str | None:
    """The same for one message, as it is now: what was written while the rows were read is no difference."""
    problem = None
    for _ in range(_LOOKS):
        found = await store.written(only=message_id)
        problem = next(differences(found[0], await store.history(message_id)), None) if found else None
        if problem is None:
            return None
    return problem


def _committed(decision_id: str, case: Case, rows: Sequence[AuditRow]) -> bool:
    """Whether the audit chain has the hash of this very case."""
    decided = [body for row in rows if (body := _decided(row)) is not None]
    hashes = [body["case_hash"] for body in decided if body["decision_id"] == decision_id]
    return hashes == [hashlib.sha256(encode_case(case)).hexdigest()]


def _decided(row: AuditRow) -> dict[str, Any] | None:
    """What an audit row says of a decision, if it is about one."""
    if row.kind not in (DECISION, TRANSITION):
        return None
    body: dict[str, Any] = orjson.loads(row.body)
    return body if row.kind == DECISION else body.get("decision")


async def kept_policy(store: Store, version: str) -> PolicyInForce:
    """A policy that was once in force; an unknown one ends the command."""
    text = await store.policy(version)
    if text is None:
        raise click.ClickException(f"policy {version} is not kept")
    return parse_policy(text)


async def stored_message(store: Store, message_id: str) -> Stored:
    """A message; an unknown one ends the command."""
    stored = await store.message(message_id)
    if stored is None:
        raise click.ClickException(f"no message {message_id}")
    return stored


def _row(stored: Stored) -> None:
    message, decision = stored.message, stored.first.decision
    account = visible(f"{message.tenant_id}/{message.account_id}")
    click.echo(f"{stored.message_id}  {account}  {decision.rule}  {written(stored.created_ms)}")


def _show(name: str, value: Any) -> None:
    click.echo(f"{name}: {orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()}")
