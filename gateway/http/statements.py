"""What a chat app is told of restrictions of its accounts and their messages, and how it appeals for an author."""

from __future__ import annotations

from typing import Annotated, Final, Self

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import AfterValidator, BaseModel, Field

from gateway.appealing import Standing
from gateway.core.appeals import TEXT_LIMIT, UNAPPEALABLE, Appeal, AppealState, Restored, Unappealable
from gateway.core.model import MessageState
from gateway.core.statement import Automation, Lifted, Restriction, Source, Statement
from gateway.core.wordings import nearest, worded
from gateway.http.admin.desk import AccountId, Desk, Limit, Served, answered, body_of
from gateway.http.admin.models import Given
from gateway.http.api import Caller, Keeping
from gateway.http.problems import RETRY_SOON, Problem, bad_fields
from gateway.http.statement_words import SectionOut, sections

router = APIRouter()

StatementId = Annotated[str, Path(max_length=64, pattern="^[0-9a-z-]+$")]
AppealId = Annotated[str, Path(max_length=64, pattern="^[0-9a-z-]+$")]
Lang = Annotated[str | None, Query(max_length=100, description="The language of the words; else `Accept-Language`.")]


def _not_blank(text: str) -> str:
    if not text.strip():
        raise ValueError("say why the decision is wrong")
    return text


class AppealBody(Given):
    """An appeal by the author, in whose name the app sends it."""

    statement_id: Annotated[str, Field(max_length=64, pattern="^[0-9a-z-]+$")]
    text: Annotated[str, Field(max_length=TEXT_LIMIT), AfterValidator(_not_blank)]
    language: Annotated[str, Field(max_length=35, pattern="^[A-Za-z0-9-]+$")] = "en"


class AppealableOut(BaseModel):
    """Whether an appeal may be made now, until when (unix ms), and if not, why. ``page`` is where the author may make
    one by themselves, behind the gateway's public address; it has a secret in it, for the author alone."""

    possible: bool
    until_ms: int
    why_not: str | None
    page: str | None
    appeal_id: str | None
    state: AppealState | None


class StatementOut(BaseModel):
    """A restriction, and what it rests on: in codes, and in the words of one language. Times are unix milliseconds."""

    statement_id: str
    account_id: str
    message_id: str | None
    sanction_id: str | None
    restriction: Restriction
    category: str | None
    codes: list[str]
    source: Source
    automated_detection: bool
    automation: Automation
    policy_version: str
    content_types: list[str]
    content_ms: int | None
    starts_ms: int
    ends_ms: int | None
    lifted_ms: int | None
    lifted: Lifted | None
    language: str
    title: str
    sections: list[SectionOut]
    appeal: AppealableOut


class StatementsOut(BaseModel):
    """A page of statements, newest first; ``next`` is where to go on (``before``), null at the end."""

    statements: list[StatementOut]
    next: str | None


class AppealOut(BaseModel):
    """An appeal. ``restored`` says what became of the message of one that was granted; ``note`` is for the author."""

    appeal_id: str
    statement_id: str
    account_id: str
    message_id: str | None
    sanction_id: str | None
    state: AppealState
    made_ms: int
    due_ms: int
    decided_ms: int | None
    restored: Restored | None
    note: str | None

    @classmethod
    def of(cls, appeal: Appeal) -> Self:
        """An appeal as an answer."""
        return cls(**{name: getattr(appeal, name) for name in cls.model_fields})


@router.get("/v1/messages/{message_id}/statement", summary="Why a message was restricted", response_model=StatementOut)
async def of_message(
    request: Request, message_id: str, tenant: Caller, store: Keeping, desk: Served, lang: Lang = None
) -> Response:
    """The newest statement of reasons about a message. It is there within a second of the decision."""
    found = await desk.appealing.statements.of_message(message_id, tenant.tenant_id)
    if not found:
        stored = await store.message(message_id, tenant.tenant_id)
        if stored is None:
            raise Problem(404, "message_unknown", "message_id: this application has no such message.")
        if stored.state in (MessageState.HELD, MessageState.BLOCKED, MessageState.REJECTED):
            detail = "message_id: the statement is being written; ask again."
            raise Problem(404, "statement_not_yet", detail, headers=RETRY_SOON)
        raise Problem(404, "statement_unknown", "message_id: this message was not restricted.")
    return answered(_out(desk, await desk.appealing.standing(found[-1]), _language(request, lang)))


@router.get("/v1/statements/{statement_id}", summary="A statement of reasons", response_model=StatementOut)
async def show(
    request: Request, statement_id: StatementId, tenant: Caller, desk: Served, lang: Lang = None
) -> Response:
    """What was restricted, what it rests on, and what can be done about it."""
    statement = await _statement(desk, statement_id, tenant.tenant_id)
    return answered(_out(desk, await desk.appealing.standing(statement), _language(request, lang)))


@router.get("/v1/accounts/{account_id}/statements", summary="Statements about an account", response_model=StatementsOut)
async def of_account(
    request: Request,
    account_id: AccountId,
    tenant: Caller,
    desk: Served,
    lang: Lang = None,
    before: Annotated[str, Query(max_length=64, description="`next` of the page before.")] = "",
    limit: Limit = 20,
) -> Response:
    """About the account and its messages, newest first, in pages."""
    found = await desk.appealing.statements.of_account(tenant.tenant_id, account_id, before, limit)
    language = _language(request, lang)
    told = [_out(desk, each, language) for each in await desk.appealing.standings(found)]
    return answered(StatementsOut(statements=told, next=found[-1].statement_id if len(found) == limit else None))


Making = Annotated[AppealBody, Depends(body_of(AppealBody))]


@router.post("/v1/appeals", summary="Appeal against a restriction", response_model=AppealOut, status_code=201)
async def appeal(tenant: Caller, body: Making, desk: Served) -> Response:
    """Free of charge, once for each statement. A person decides who had no part in the decision."""
    statement = await _statement(desk, body.statement_id, tenant.tenant_id)
    made = await desk.appealing.make(statement, body.text, body.language)
    if isinstance(made, Unappealable):
        raise await unappealed(desk, statement, made)
    return answered(AppealOut.of(made), 201)


@router.get("/v1/appeals/{appeal_id}", summary="An appeal", response_model=AppealOut)
async def get_appeal(appeal_id: AppealId, tenant: Caller, desk: Served) -> Response:
    """Where it is, until when it should be decided, and how it was."""
    found = await desk.appealing.appeals.appeal(tenant.tenant_id, appeal_id)
    if found is None:
        raise Problem(404, "appeal_unknown", "appeal_id: this application has no such appeal.")
    return answered(AppealOut.of(found))


async def unappealed(desk: Desk, statement: Statement, why: Unappealable) -> Problem:
    """The problem of an appeal that is not taken."""
    extra = {}
    if why is Unappealable.EXISTS and (there := (await desk.appealing.standing(statement)).appeal) is not None:
        extra = {"appeal_id": there.appeal_id}
    return _refused(why, extra)


PAGE: Final = "/appeal/{statement_id}"
"""Where authors appeal by themselves."""


def page_of(desk: Desk, statement_id: str) -> str | None:
    """Where the author of a statement may appeal, with the secret; None without a key file."""
    if desk.appeal_token is None:
        return None
    return f"{PAGE.format(statement_id=statement_id)}?token={desk.appeal_token(statement_id)}"


async def _statement(desk: Desk, statement_id: str, tenant_id: str) -> Statement:
    found = await desk.appealing.statements.statement(statement_id, tenant_id)
    if found is None:
        raise _refused(Unappealable.STATEMENT_UNKNOWN, {})
    return found


def _refused(why: Unappealable, extra: dict[str, str]) -> Problem:
    name, _, message = UNAPPEALABLE[why].partition(": ")
    problem = bad_fields([(name, message)], 404 if why is Unappealable.STATEMENT_UNKNOWN else 409, why)
    problem.extra |= extra
    return problem


def _language(request: Request, lang: str | None) -> str:
    return nearest(lang if lang is not None else request.headers.get("accept-language", ""))


def _out(desk: Desk, standing: Standing, language: str) -> StatementOut:
    statement = standing.statement
    told = worded(
        statement,
        language,
        appeal_until_ms=standing.until_ms,
        now_ms=desk.clock.now_ms(),
        appeal=standing.appeal,
    )
    plain = {name: getattr(statement, name) for name in Statement.__struct_fields__ if name != "tenant_id"}
    lists = {"codes": list(statement.codes), "content_types": list(statement.content_types)}
    words = {"language": told.language, "title": told.title, "sections": sections(told)}
    return StatementOut(**{**plain, **lists, **words, "appeal": _appealable(desk, standing)})


def _appealable(desk: Desk, standing: Standing) -> AppealableOut:
    appeal, why = standing.appeal, standing.unappealable
    return AppealableOut(
        possible=why is None,
        until_ms=standing.until_ms,
        why_not=why.value if why is not None else None,
        page=page_of(desk, standing.statement.statement_id),
        appeal_id=appeal.appeal_id if appeal is not None else None,
        state=appeal.state if appeal is not None else None,
    )
