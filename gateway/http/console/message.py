"""A message's page: what it says, what was found in it, what people decided, and what a decision would bring."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import Path, Response

from classifiers.contract import CATEGORIES, Opinion, Unanswered
from gateway.core.audit import subject
from gateway.core.ladder_rules import Happening
from gateway.core.model import Account, Case, MessageState, Sanction
from gateway.core.operators import Operator, Role
from gateway.core.policy import VIOLATIONS
from gateway.core.queue import Entry
from gateway.core.records import AuditRow, Stored
from gateway.core.similar import similar
from gateway.core.wording import ID
from gateway.core.wordings import fact
from gateway.http.console.audit import shown
from gateway.http.console.consequences import Consequences, consequences_of
from gateway.http.console.forms import EMPTY, Form
from gateway.http.console.passages import passages_of
from gateway.http.console.removal import removal_of
from gateway.http.console.shell import Shell
from gateway.http.console.statements import stated_of
from gateway.http.console.which import EVERYTHING, Which
from gateway.http.passages import own_texts
from gateway.http.problems import Problem

PATH: Final = "/console/queue"
_HISTORY: Final = 50
_ALIKE: Final = 5
_COMPARED: Final = 100
"""Messages of the same account that are compared with the one shown."""
_EXCERPT: Final = 160
_NAMED: Final = 5
"""People who are named."""

MessageId = Annotated[str, Path(max_length=255, pattern=ID)]


@dataclass(frozen=True, slots=True)
class Due:
    """How long until something is due, or since when it is overdue, in a unit that people read."""

    late: bool
    n: int
    unit: Literal["minutes", "hours", "days"]

    @property
    def key(self) -> str:
        """The text that says so."""
        return f"due.{'late' if self.late else 'in'}.{self.unit}"


@dataclass(frozen=True, slots=True)
class Scored:
    """What a classifier said of a category, with the policy's thresholds for it."""

    classifier: str
    category: str
    value: float
    hold: float | None


def message_path(tenant_id: str, message_id: str) -> str:
    """Where a message's page is."""
    return f"{PATH}/{quote(tenant_id, safe='')}/{quote(message_id, safe='')}"


def due(due_ms: int, now_ms: int) -> Due:
    """How long until a moment, rounded down; a minute at least."""
    minutes = max(1, abs(due_ms - now_ms) // 60_000)
    late = due_ms < now_ms
    if minutes < 120:
        return Due(late, minutes, "minutes")
    return Due(late, minutes // 60, "hours") if minutes < 48 * 60 else Due(late, minutes // 1440, "days")


def excerpt(texts: Sequence[str]) -> str:
    """How texts begin, on one line."""
    text = " / ".join([" ".join(each.split()) for each in texts])
    return text[:_EXCERPT] + ("..." if len(text) > _EXCERPT else "")


@dataclass(frozen=True, slots=True)
class Before:
    """What this person made of a message a moment ago. ``waits`` is whom it was escalated to, None where it was not."""

    entry: Entry
    waits: Others | None


@dataclass(frozen=True, slots=True)
class Others:
    """Who may decide on an escalated message: some of them by name, and how many more there are."""

    names: tuple[str, ...]
    more: int


async def others_of(shell: Shell, tenant_id: str, but: str) -> Others:
    """The reviewers of a tenant, without who escalated."""
    found = [each.operator for each in await shell.console.desk.operators.operators()]
    names = [one.name for one in found if one.may(Role.REVIEWER) and one.keeps(tenant_id) and one.name != but]
    return Others(tuple(names[:_NAMED]), max(0, len(names) - _NAMED))


async def decided_before(shell: Shell, by: Operator, tenant_id: str, message_id: str) -> Before | None:
    """What this person decided on a moment ago, if that can still be undone, or what they escalated."""
    if not message_id or not by.keeps(tenant_id):
        return None
    entry = await shell.console.desk.held.queue.entry(message_id, tenant_id)
    if entry is None or entry.taken_ms is not None:
        return None
    if by.name in [one.actor for one in (entry.waiting, entry.first) if one is not None]:
        return Before(entry, None)
    return Before(entry, await others_of(shell, tenant_id, by.name)) if entry.escalated_by == by.name else None


async def message_page(
    shell: Shell,
    by: Operator,
    tenant_id: str,
    message_id: str,
    *,
    form: Form[Any] = EMPTY,
    status: int = 200,
    was: tuple[str, str] = ("", ""),
    which: Which = EVERYTHING,
    asking: Consequences | None = None,
    removing: Form[Any] = EMPTY,
    restoring: Form[Any] = EMPTY,
) -> Response:
    """A message's page, with what is wrong with a form of it. ``was`` is what was decided on a moment ago, ``which``
    the part of the queue that is gone through, ``asking`` what the rejection in the form brings, which is to be read
    first. Raises `Problem` where there is no such message."""
    desk, now_ms = shell.console.desk, shell.now_ms
    stored = await desk.store.message(message_id, tenant_id)
    if stored is None:
        raise Problem(404, "message_unknown", "there is no such message.")
    _, newest = (await desk.store.cases(message_id))[-1]
    entry = await desk.held.queue.entry(message_id, tenant_id) if stored.state is MessageState.HELD else None
    account = await desk.registrar.registered(tenant_id, stored.message.account_id)
    rules = desk.policy().policy
    may_decide = by.may(Role.REVIEWER) and stored.state is MessageState.HELD
    return await shell.page(
        "message.html",
        status=status,
        tenant_id=tenant_id,
        stored=stored,
        entry=entry,
        due=due(entry.due_ms, now_ms) if entry is not None else None,
        claimed_by=entry.claimed(now_ms) if entry is not None else None,
        passages=passages_of(stored.message, newest),
        newest=newest,
        facts={reason.code: fact(reason.code, shell.language) for reason in newest.decision.reasons},
        scores=_scores(newest, shell),
        silent=[answer for answer in newest.answers if isinstance(answer, Unanswered)],
        account=account.account if account is not None else None,
        standing=_standing(account.account, now_ms) if account is not None else [],
        alike=await _similar(shell, stored),
        stated=await stated_of(shell, await desk.appealing.statements.of_message(message_id, tenant_id)),
        reviews=by.may(Role.REVIEWER),
        rows=shown(await history_of(shell, tenant_id, message_id)),
        release_codes=[(code, shell.named("code", code)) for code in rules.holds.release_codes],
        reject_codes=[(code, _code(shell, code)) for code in _reject_codes(rules.holds.reject_codes, entry)],
        may_decide=may_decide,
        consequences=await _foreseen(shell, stored, rules.holds.reject_codes) if may_decide else None,
        asking=asking,
        waits=await others_of(shell, tenant_id, entry.escalated_by) if entry and entry.escalated_by else None,
        removal=await removal_of(shell, by, stored, newest),
        removing=removing,
        restoring=restoring,
        form=form,
        which=which,
        was=await decided_before(shell, by, *was),
        me=by.name,
    )


async def _foreseen(shell: Shell, stored: Stored, codes: Sequence[str]) -> Consequences:
    return await consequences_of(shell, stored, Happening.REJECTED, [each for each in codes if each in VIOLATIONS])


def _scores(case: Case, shell: Shell) -> list[Scored]:
    """The highest score of each category, what is most of it in front."""
    categories = shell.console.desk.policy().policy.categories
    best: dict[str, Scored] = {}
    for opinion in [answer for answer in case.answers if isinstance(answer, Opinion)]:
        for score in opinion.scores:
            known = best.get(score.category)
            if known is None or score.value > known.value:
                threshold = categories.get(score.category)
                hold = threshold.hold if threshold is not None else None
                best[score.category] = Scored(opinion.classifier, score.category, score.value, hold)
    return sorted([one for one in best.values() if one.value >= 0.05], key=lambda one: -one.value)


def _standing(account: Account, now_ms: int) -> list[Sanction]:
    def in_force(one: Sanction) -> bool:
        return one.starts_at <= now_ms and (one.ends_at is None or now_ms < one.ends_at)

    return [one for one in account.sanctions if in_force(one)]


def _reject_codes(codes: Sequence[str], entry: Entry | None) -> list[str]:
    """The codes, with what the message was held for in front: it is what a reviewer mostly means."""
    first = entry.category if entry is not None and entry.category in codes else "other"
    return sorted(codes, key=lambda code: code != first)


def _code(shell: Shell, code: str) -> str:
    return shell.named("category" if code in CATEGORIES else "code", code)


async def _similar(shell: Shell, stored: Stored) -> list[tuple[str, float, str]]:
    """Other held messages of the account that look like this one: id, share, and how they begin."""
    queue, message = shell.console.desk.held.queue, stored.message
    entries = await queue.by_account(message.tenant_id, message.account_id, _COMPARED)
    others = await queue.messages([entry.message_id for entry in entries if entry.message_id != stored.message_id])
    found = similar(message.texts, {key: each.texts for key, each in others.items()}, _ALIKE)
    return [(key, share, excerpt(own_texts(others[key]))) for key, share in found]


async def history_of(shell: Shell, tenant_id: str, message_id: str) -> list[AuditRow]:
    """What became of a message, and what people did about it, oldest first."""
    steps = await shell.console.desk.store.history(message_id)
    acts = await shell.console.audit.about(tenant_id, subject("message", message_id), None, _HISTORY)
    return sorted([*steps, *acts], key=lambda row: row.at_ms)
