"""Statements of reasons: as their authors read them, and what other pages show of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from fastapi import Path, Query, Response

from gateway.core.appeals import Appeal, AppealState
from gateway.core.operators import Role
from gateway.core.statement import Lifted, Statement
from gateway.core.wordings import languages, worded
from gateway.http.console import texts
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByViewer, Shell, Shown, TenantId
from gateway.http.problems import Problem

router = pages("/statements")

StatementId = Annotated[str, Path(max_length=64, pattern="^[0-9a-z-]+$")]


@dataclass(frozen=True, slots=True)
class Stated:
    """A statement as pages show it: whether it is in force, and if not, why (``state``); and the appeal against it."""

    statement: Statement
    state: Lifted | Literal["in_force", "ended"]
    appeal: Appeal | None


@router.get("/{tenant_id}/{statement_id}")
async def show(
    by: ByViewer,
    shell: Shown,
    tenant_id: TenantId,
    statement_id: StatementId,
    lang: Annotated[str, Query(max_length=10)] = "",
) -> Response:
    """What the author reads, in one of the languages that there are words in."""
    appealing, now_ms = shell.console.desk.appealing, shell.now_ms
    statement = await appealing.statements.statement(statement_id, tenant_id)
    if statement is None:
        raise Problem(404, "statement_unknown", "there is no such statement.")
    standing = await appealing.standing(statement)
    language = lang if lang in languages() else shell.language
    return await shell.page(
        "statement.html",
        tenant_id=tenant_id,
        it=_stated(statement, standing.appeal, now_ms),
        told=worded(statement, language, appeal_until_ms=standing.until_ms, now_ms=now_ms, appeal=standing.appeal),
        wordings=_names(),
        may_read_appeals=by.may(Role.REVIEWER),
    )


PART: Final = Part("statements", router)


async def stated_of(shell: Shell, statements: Sequence[Statement]) -> list[Stated]:
    """Statements as pages show them."""
    against = await shell.console.desk.appealing.appeals.against([each.statement_id for each in statements])
    return [_stated(each, against.get(each.statement_id), shell.now_ms) for each in statements]


def _stated(statement: Statement, appeal: Appeal | None, now_ms: int) -> Stated:
    if statement.lifted_ms is not None:
        return Stated(statement, statement.lifted or Lifted.RELEASED, appeal)
    if appeal is not None and appeal.state is AppealState.REVERSED:  # written there a moment later
        return Stated(statement, Lifted.REVERSED, appeal)
    ended = statement.ends_ms is not None and statement.ends_ms <= now_ms
    return Stated(statement, "ended" if ended else "in_force", appeal)


def _names() -> dict[str, str]:
    """The languages that statements are told in."""
    return {code: name for code, name in texts.NAMES.items() if code in languages()}
