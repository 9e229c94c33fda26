"""The page where an author reads a statement of reasons and appeals, for whoever was given the link by the chat app.
The link has a secret in it, made of the key file, so nothing is kept of it."""

from __future__ import annotations

import hmac
from typing import Annotated, Final
from urllib.parse import urlencode

from fastapi import Query, Request, Response

from gateway.appealing import Standing
from gateway.core.appeals import TEXT_LIMIT, Appeal, AppealState, Became, Unappealable, became
from gateway.core.records import Stored
from gateway.core.wordings import worded
from gateway.http.admin.desk import Desk, Served
from gateway.http.api import Keeping
from gateway.http.budget import Budget
from gateway.http.pages import form_of, language_of, onward, page, router_of, said, words
from gateway.http.passages import passages
from gateway.http.statements import PAGE, StatementId
from gateway.ports import Sealer, Store

_BODY_LIMIT: Final = 16 * TEXT_LIMIT
"""Bytes of a form: a character takes up to twelve, as forms encode it."""
_AT_ONCE: Final = 64

router = router_of("appeal")

Token = Annotated[str, Query(max_length=200, description="The secret of the author's link.")]
Language = Annotated[str, Query(max_length=100, description="The page's language; else `Accept-Language`.")]


def page_budget() -> Budget:
    """The bytes of forms that one process reads at once; anybody may send one."""
    return Budget(_AT_ONCE * _BODY_LIMIT)


def token_of(sealer: Sealer, statement_id: str) -> str:
    """The secret of the link to the page of a statement: an HMAC under a key of its own, the same for ever."""
    return sealer.index(f"appeal {statement_id}")


@router.get(PAGE, summary="The page where an author appeals", response_class=Response)
async def show(
    request: Request, statement_id: StatementId, desk: Served, store: Keeping, token: Token = "", lang: Language = ""
) -> Response:
    """The statement in words, and a form; or how the appeal stands."""
    standing = await _standing(desk, statement_id, token)
    return _said(request, "unknown", 404) if standing is None else await _page(request, desk, store, standing)


@router.post(PAGE, summary="Appeal by the page", response_class=Response)
async def send(
    request: Request, statement_id: StatementId, desk: Served, store: Keeping, lang: Language = ""
) -> Response:
    """Takes the page's form. An appeal that was made is shown by the page."""
    budget: Budget = request.app.state.page_budget
    form = await form_of(request, ("token", "text"), _BODY_LIMIT, desk.read_seconds, budget)
    text = form.get("text", "").replace("\r\n", "\n").strip()
    standing = await _standing(desk, statement_id, form.get("token", ""))
    if standing is None:
        return _said(request, "unknown", 404)
    if standing.unappealable is None:
        if not text or len(text) > TEXT_LIMIT:
            why = "missing" if not text else "too_long"
            return await _page(request, desk, store, standing, 400, why, text[: 2 * TEXT_LIMIT])
        made = await desk.appealing.make(standing.statement, text, language_of(request))
        if isinstance(made, Unappealable) and made is not Unappealable.EXISTS:
            standing = await desk.appealing.standing(standing.statement)
            return await _page(request, desk, store, standing, 409)
    query = {"token": form["token"], "lang": language_of(request)}
    return onward(f"{PAGE.format(statement_id=statement_id)}?{urlencode(query)}")


async def _standing(desk: Desk, statement_id: str, token: str) -> Standing | None:
    """How a statement stands, for who knows its secret."""
    if desk.appeal_token is None or not token.isascii():
        return None
    if not hmac.compare_digest(desk.appeal_token(statement_id), token):
        return None
    statement = await desk.appealing.statements.statement(statement_id)
    return None if statement is None else await desk.appealing.standing(statement)


async def _page(
    request: Request,
    desk: Desk,
    store: Store,
    standing: Standing,
    status: int = 200,
    why: str | None = None,
    text: str = "",
) -> Response:
    """The page; ``why`` is what is wrong with the ``text`` that was sent."""
    language = language_of(request)
    statement, known = standing.statement, words("appeal", language)
    message_id = statement.message_id
    stored = None if message_id is None else await store.message(message_id, statement.tenant_id)
    token = desk.appeal_token(statement.statement_id) if desk.appeal_token is not None else ""
    return page(
        request,
        "appeal.html",
        "appeal",
        status,
        kept={"token": token},
        told=worded(
            statement, language, appeal_until_ms=standing.until_ms, now_ms=desk.clock.now_ms(), appeal=standing.appeal
        ),
        statement=statement,
        appeal=standing.appeal,
        became=await _became(desk, standing.appeal, stored),
        may_appeal=standing.unappealable is None,
        texts=[each.text for each in passages(stored.message)] if stored is not None else (),
        action=PAGE.format(statement_id=statement.statement_id),
        token=token,
        limit=TEXT_LIMIT,
        given={"text": text},
        wrong={} if why is None else {"text": known["why"][why].format(limit=TEXT_LIMIT)},
        labels={"text": known["heading"]},
    )


async def _became(desk: Desk, appeal: Appeal | None, stored: Stored | None) -> Became | None:
    """Where the message of a granted appeal is by now."""
    if appeal is None or appeal.state is not AppealState.REVERSED or stored is None:
        return None
    takedown = await desk.takedowns.of_message(appeal.tenant_id, stored.message_id)
    return became(appeal, stored.state, takedown)


def _said(request: Request, name: str, status: int) -> Response:
    return said(request, "appeal", name, status)
