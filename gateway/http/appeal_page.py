"""The page where an author reads a statement of reasons and appeals: server-rendered, without a script, for whoever was
given the link by the chat app. The link has a secret in it, made of the key file, so nothing is kept of it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from html import escape
from importlib.resources import files
from typing import Annotated, Final
from urllib.parse import parse_qs, urlencode

from fastapi import APIRouter, Query, Request, Response

from gateway.appealing import Standing
from gateway.core.appeals import TEXT_LIMIT, Appeal, AppealState, Unappealable
from gateway.core.statement import Statement
from gateway.core.wordings import languages, moment, nearest, worded, words
from gateway.http.admin.desk import Desk, Served
from gateway.http.api import Keeping
from gateway.http.budget import Budget
from gateway.http.problems import Problem
from gateway.http.requests import Disconnected, whole_body
from gateway.http.statements import PAGE, StatementId
from gateway.ports import Sealer, Store, StoreUnavailable

_BODY_LIMIT: Final = 16 * TEXT_LIMIT
"""Bytes of a form: a character takes up to twelve, as forms encode it."""
_AT_ONCE: Final = 64
_FIELDS: Final = 8

_STYLE: Final = files(__package__).joinpath("appeal_page.css").read_text(encoding="utf-8")
_STYLE_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS: Final = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # the address has the secret
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
    "Cache-Control": "no-store",
}

router = APIRouter()

Token = Annotated[str, Query(max_length=200, description="The secret of the author's link.")]
Language = Annotated[str | None, Query(max_length=100)]


def page_budget() -> Budget:
    """The bytes of forms that one process reads at once; anybody may send one."""
    return Budget(_AT_ONCE * _BODY_LIMIT)


def token_of(sealer: Sealer, statement_id: str) -> str:
    """The secret of the link to the page of a statement: an HMAC under a key of its own, the same for ever."""
    return sealer.index(f"appeal {statement_id}")


@router.get(PAGE, summary="The page where an author appeals", response_class=Response)
async def show(
    request: Request, statement_id: StatementId, desk: Served, store: Keeping, token: Token = "", lang: Language = None
) -> Response:
    """The statement in words, and a form; or how the appeal stands."""
    language = nearest(lang or request.headers.get("accept-language", ""))
    try:
        standing = await _standing(desk, statement_id, token)
        if standing is None:
            return _unknown(language)
        return _page(await _body(desk, store, standing, language, token), standing, language, token)
    except StoreUnavailable:
        return _failed(language)


@router.post(PAGE, summary="Appeal by the page", response_class=Response)
async def send(request: Request, statement_id: StatementId, desk: Served, store: Keeping) -> Response:
    """Takes the page's form. An appeal that was made is shown by the page."""
    try:
        form = await _form(request, desk)
    except Problem as problem:
        language = nearest(request.headers.get("accept-language", ""))
        return _message(language, problem.status, "error", problem.detail)
    token, text = form.get("token", ""), form.get("text", "").replace("\r\n", "\n").strip()
    language = nearest(form.get("lang") or request.headers.get("accept-language", ""))
    try:
        standing = await _standing(desk, statement_id, token)
        if standing is None:
            return _unknown(language)
        if standing.unappealable is None:
            if not text or len(text) > TEXT_LIMIT:
                wrong = "missing" if not text else "too_long"
                body = await _body(desk, store, standing, language, token, wrong, text[: 2 * TEXT_LIMIT])
                return _page(body, standing, language, token, 400, wrong)
            made = await desk.appealing.make(standing.statement, text, language)
            if isinstance(made, Unappealable) and made is not Unappealable.EXISTS:
                standing = await desk.appealing.standing(standing.statement)
                return _page(await _body(desk, store, standing, language, token), standing, language, token, 409)
    except StoreUnavailable:
        return _failed(language)
    return Response("", 303, {**_HEADERS, "Location": _address(statement_id, token, language)}, "text/html")


def _address(statement_id: str, token: str, language: str) -> str:
    return f"{PAGE.format(statement_id=statement_id)}?{urlencode({'token': token, 'lang': language})}"


async def _form(request: Request, desk: Desk) -> dict[str, str]:
    """The fields of a form. Raises `Problem`."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise Problem(415, "content_type", "Content-Type: send the form of the page.")
    length = request.headers.get("content-length", "")
    announced = int(length) if re.fullmatch("[0-9]{1,18}", length) else None
    budget: Budget = request.app.state.page_budget
    try:
        async with whole_body(request.receive, announced, _BODY_LIMIT, desk.read_seconds, budget) as body:
            fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_FIELDS)
    except Disconnected as error:  # nobody reads this answer
        raise Problem(400, "body_cut_off", "The form ended before it was whole.") from error
    except ValueError as error:
        raise Problem(400, "bad_body", "The form cannot be read.") from error
    return {name: values[0] for name, values in fields.items() if len(values) == 1}


async def _standing(desk: Desk, statement_id: str, token: str) -> Standing | None:
    """How a statement stands, for who knows its secret."""
    if desk.appeal_token is None or not token.isascii():
        return None
    if not hmac.compare_digest(desk.appeal_token(statement_id), token):
        return None
    statement = await desk.appealing.statements.statement(statement_id)
    return None if statement is None else await desk.appealing.standing(statement)


async def _body(
    desk: Desk, store: Store, standing: Standing, language: str, token: str, wrong: str | None = None, text: str = ""
) -> str:
    page, statement, appeal = words(language)["page"], standing.statement, standing.appeal
    told = worded(
        statement, language, appeal_until_ms=standing.until_ms, now_ms=desk.clock.now_ms(), appeal=standing.appeal
    )
    parts = [f"<h1>{escape(told.title)}</h1>"]
    if wrong is not None:
        reason = page[wrong].format(limit=TEXT_LIMIT)
        parts.append(
            f'<div class="alert" role="alert"><h2>{escape(page["error"])}</h2>'
            f'<p><a href="#text">{escape(reason)}</a></p></div>'
        )
    if appeal is not None:
        parts.append(_outcome(appeal, language))
    about = {page["account"]: statement.account_id, page["about"]: statement.statement_id}
    parts.append("<dl>" + "".join([f"<dt>{escape(k)}</dt><dd>{escape(v)}</dd>" for k, v in about.items()]) + "</dl>")
    parts += [f"<h2>{escape(each.title)}</h2><p>{escape(each.text)}</p>" for each in told.sections]
    parts.append(await _quoted(store, statement, page["message"]))
    if standing.unappealable is None:
        parts.append(_appeal_form(statement, language, token, wrong, text))
    return "".join(parts)


def _outcome(appeal: Appeal, language: str) -> str:
    page = words(language)["page"]
    key = "received" if appeal.state is AppealState.OPEN else appeal.state.value
    when = moment(appeal.decided_ms or 0, language)
    told = page[key].format(made=moment(appeal.made_ms, language), due=moment(appeal.due_ms, language), decided=when)
    parts = [f'<div role="status"><p>{escape(told)}</p>']
    if appeal.restored is not None and (further := page.get(appeal.restored.value)):
        parts.append(f"<p>{escape(further)}</p>")
    if appeal.note:
        parts.append(f'<h2>{escape(page["note"])}</h2><p class="note">{escape(appeal.note)}</p>')
    return "".join([*parts, "</div>"])


async def _quoted(store: Store, statement: Statement, title: str) -> str:
    """The author's own words, for the author."""
    if statement.message_id is None:
        return ""
    stored = await store.message(statement.message_id, statement.tenant_id)
    if stored is None or not stored.message.texts:
        return ""
    texts = "".join([f'<p class="quote">{escape(text)}</p>' for text in stored.message.texts])
    return f"<details><summary>{escape(title)}</summary>{texts}</details>"


def _appeal_form(statement: Statement, language: str, token: str, wrong: str | None, text: str) -> str:
    page = words(language)["page"]
    bad = ' aria-invalid="true"' if wrong is not None else ""
    return (
        f'<section id="appeal" aria-labelledby="appeal-title"><h2 id="appeal-title">{escape(page["heading"])}</h2>'
        f'<form method="post" action="{escape(PAGE.format(statement_id=statement.statement_id))}">'
        f'<input type="hidden" name="token" value="{escape(token)}">'
        f'<input type="hidden" name="lang" value="{escape(language)}">'
        f'<label for="text">{escape(page["why"])}</label>'
        f'<p class="hint" id="hint">{escape(page["hint"].format(limit=TEXT_LIMIT))}</p>'
        f'<textarea id="text" name="text" required maxlength="{TEXT_LIMIT}" aria-describedby="hint"{bad}>\n'
        f"{escape(text)}</textarea>"
        f'<button type="submit">{escape(page["send"])}</button></form></section>'
    )


def _page(
    body: str, standing: Standing, language: str, token: str, status: int = 200, wrong: str | None = None
) -> Response:
    of = words(language)
    statement_id = standing.statement.statement_id
    title = of["title"][standing.statement.restriction]
    title = f"{of['page']['error']}: {title}" if wrong is not None else title
    skip = f'<a class="skip" href="#appeal">{escape(of["page"]["skip"])}</a>' if standing.unappealable is None else ""
    others = {name: _address(statement_id, token, name) for name in languages()}
    return _document(title, skip + _languages(language, of["page"]["languages"], others), body, language, status)


def _languages(language: str, label: str, addresses: Mapping[str, str]) -> str:
    items = [_language(name, name == language, addresses[name]) for name in languages()]
    return f'<nav aria-label="{escape(label)}"><ul>{"".join(items)}</ul></nav>'


def _language(name: str, current: bool, address: str) -> str:
    called = escape(words(name)["language"])
    if current:
        return f'<li><span lang="{name}" aria-current="true">{called}</span></li>'
    return f'<li><a lang="{name}" hreflang="{name}" href="{escape(address)}">{called}</a></li>'


def _unknown(language: str) -> Response:
    return _message(language, 404, "unknown", words(language)["page"]["unknown_hint"])


def _failed(language: str) -> Response:
    return _message(language, 503, "busy", "")


def _message(language: str, status: int, title: str, text: str) -> Response:
    heading = words(language)["page"][title]
    return _document(heading, "", f"<h1>{escape(heading)}</h1><p>{escape(text)}</p>", language, status)


def _document(title: str, head: str, body: str, language: str, status: int) -> Response:
    html = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f'<body><header>{head}</header><main id="main">{body}</main></body></html>'
    )
    return Response(html, status, _HEADERS, "text/html")
