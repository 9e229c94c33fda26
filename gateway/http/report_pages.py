"""The page on which anybody reports what was published, and the page that tells what has become of it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final
from urllib.parse import quote, urlencode, urlsplit

from fastapi import Depends, Request, Response

from gateway.core.report_rules import REPORTED
from gateway.core.reports import EMAIL, EXPLANATION, NAME, Channel, Draft, Wrong, hash_token, wrong
from gateway.core.wordings import moment
from gateway.http.pages import FORM, form_of, language_of, onward, page, router_of, said, words
from gateway.http.reporting import BODY_LIMIT, Reporting, Stranger, look, reporting_of
from gateway.ports.reports import Muted, Taken, Told

router = router_of("report")

_FIELDS: Final = (
    "tenant",
    "urls",
    "message_ids",
    "category",
    "explanation",
    "name",
    "email",
    "bona_fide",
    "website",  # no person sees it, so what fills it in is a machine
)
_LABELS: Final = {"name": "name_field"}
_UNREADABLE: Final = {
    "_400": "It could not be read",
    "_408": "It came too slowly",
    "_413": "Too large",
    "_415": "Not a form in UTF-8",
}
_HTML: Final = {"content": {"text/html": {"schema": {"type": "string"}}}}

Served = Annotated[Reporting, Depends(reporting_of)]


def _answers(**texts: str) -> dict[int | str, dict[str, Any]]:
    return {int(status[1:]): {"description": text, **_HTML} for status, text in texts.items()}


@router.get(
    "/report",
    summary="The page on which anybody reports content",
    response_class=Response,
    responses=_answers(_200="The form, in English or Chinese", _400="It could not be read"),
)
async def form(request: Request, reporting: Served) -> Response:
    """``tenant``, ``message_id`` and ``url`` fill it in beforehand, ``lang`` (`en`, `zh`) chooses its language."""
    query = request.query_params
    given = {
        **dict.fromkeys(_FIELDS, ""),
        "tenant": query.get("tenant", "")[:NAME],
        "message_ids": query.get("message_id", "")[:1000],
        "urls": query.get("url", "")[:4000],
    }
    return _form(request, reporting, given, {})


@router.post(
    "/report",
    summary="Report content by the page's form",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                FORM: {
                    "schema": {"type": "object", "properties": {name: {"type": "string"} for name in _FIELDS}},
                }
            },
        }
    },
    responses=_answers(
        **_UNREADABLE,
        _200="Received, with the receipt",
        _422="The form again, with what must be put right",
        _429="Too many reports from this network, or this reporter is not heard at present",
        _503="Nothing can be taken at present",
    ),
)
async def send(request: Request, reporting: Served) -> Response:
    """Without a key, a limited number for each client."""
    if not reporting.reports.sealed:
        return _said(request, "closed", 503)
    stranger = Stranger(reporting, request)
    given = {**dict.fromkeys(_FIELDS, ""), **await _read(request, reporting, _FIELDS)}
    draft = _draft(given)
    stranger.count()
    problems = await _problems(request, reporting, given, draft)
    if problems:
        if "tenant" not in problems:  # made-up names cost a look-up each
            stranger.give_back()
        return _form(request, reporting, given, problems, 422)
    stranger.count_for(draft.tenant_id)
    return _taken(request, await reporting.take(draft, Channel.FORM))


@router.get(
    "/report/{receipt_id}",
    summary="The page that tells what has become of a report",
    response_class=Response,
    responses=_answers(
        _200="State, outcome and redress",
        _404="No such receipt, or erased",
        _429="Too many looks from this network",
        _503="Try again",
    ),
)
async def status(receipt_id: str, request: Request, reporting: Served) -> Response:
    """``token`` is the receipt's; without it there is nothing here."""
    look(reporting, request)
    token = request.query_params.get("token", "")
    return _status(request, reporting, await reporting.reports.told(receipt_id, hash_token(token)), token)


@router.post(
    "/report/{receipt_id}/complain",
    summary="Complain of the decision on a report by its page",
    response_class=Response,
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {FORM: {"schema": {"type": "object", "properties": {"token": {"type": "string"}}}}},
        }
    },
    responses=_answers(
        **_UNREADABLE,
        _303="On to the receipt's page",
        _404="No such receipt, or erased",
        _429="Too many looks from this network, or too many forms at once",
        _503="Try again",
    ),
)
async def complain(receipt_id: str, request: Request, reporting: Served) -> Response:
    """Once, of each outcome without action; it is decided by somebody else. The receipt's page tells of it."""
    look(reporting, request)
    token = (await _read(request, reporting, ("token",))).get("token", "")
    now_ms = reporting.clock.now_ms()
    told = await reporting.reports.complain(receipt_id, hash_token(token), reporting.rules, now_ms)
    if told is None:
        return _said(request, "unknown", 404)
    return onward(status_path(receipt_id, token, language_of(request)))


async def _read(request: Request, reporting: Reporting, names: tuple[str, ...]) -> dict[str, str]:
    return await form_of(request, names, BODY_LIMIT, reporting.read_seconds, reporting.budget)


def _draft(given: Mapping[str, str]) -> Draft:
    return Draft(
        tenant_id=given["tenant"].strip(),
        explanation=given["explanation"].replace("\r\n", "\n"),
        category=given["category"],
        urls=_lines(given["urls"]),
        message_ids=_lines(given["message_ids"]),
        name=given["name"],
        email=given["email"],
        bona_fide=given["bona_fide"] == "yes",
    )


def _lines(text: str) -> tuple[str, ...]:
    return tuple([line.strip() for line in text.split("\n") if line.strip()])


async def _problems(request: Request, reporting: Reporting, given: Mapping[str, str], draft: Draft) -> dict[str, str]:
    """What must be put right, by field, in the reader's words, in the order of the form."""
    known = words("report", language_of(request))
    found = {each.field: _why(known, each) for each in reversed(wrong(draft))}
    if not await is_tenant(reporting, draft.tenant_id):
        found["tenant"] = known["why"]["no_tenant"]
    if given["website"]:
        found["website"] = known["why"]["filled"]
    return {name: found[name] for name in _FIELDS if name in found}


def _why(known: Mapping[str, Any], each: Wrong) -> str:
    text: str = known["why"][each.why]
    return text.format(limit=each.limit)


async def is_tenant(reporting: Reporting, tenant_id: str) -> bool:
    """Whether there is such an application. Raises `StoreUnavailable`."""
    return 0 < len(tenant_id) <= NAME and tenant_id.isprintable() and bool(await reporting.registry.tenant(tenant_id))


def _form(
    request: Request, reporting: Reporting, given: Mapping[str, str], problems: Mapping[str, str], status: int = 200
) -> Response:
    known = words("report", language_of(request))
    return page(
        request,
        "report.html",
        "report",
        status,
        given=given,
        wrong=problems,
        labels={name: known[_LABELS.get(name, name)] for name in _FIELDS},
        categories=REPORTED,
        limits={"explanation": EXPLANATION, "name": NAME, "email": EMAIL},
        days=reporting.rules.keep_days,
    )


def _taken(request: Request, taken: Taken | Muted) -> Response:
    language = language_of(request)
    if isinstance(taken, Muted):
        return _said(request, "muted", 429, until=moment(taken.until_ms, language))
    known = words("report", language)
    origin = _origin(request)
    outcome = status_path(taken.receipt_id, taken.token, language)
    lines = {"receipt": taken.receipt_id, "token": taken.token, "address": origin + outcome}
    return page(
        request,
        "sent.html",
        "report",
        receipt_id=taken.receipt_id,
        token=taken.token,
        warned=taken.warned,
        due=moment(taken.due_ms, language),
        origin=origin,
        outcome=outcome,
        mail="\n".join([f"{known[name]}: {value}" for name, value in lines.items()]),
    )


def _origin(request: Request) -> str:
    """Where the browser found this page, by its own word: a proxy in front may have taken off TLS."""
    origin = request.headers.get("origin", "")
    same = urlsplit(origin).scheme in ("http", "https") and urlsplit(origin).netloc == request.headers.get("host")
    return origin if same else str(request.base_url).rstrip("/")


def status_path(receipt_id: str, token: str, language: str | None = None) -> str:
    """Where a reporter is told what has become of a report."""
    query = {"token": token} | ({"lang": language} if language else {})
    return f"/report/{quote(receipt_id, safe='')}?{urlencode(query)}"


def _status(request: Request, reporting: Reporting, told: Told | None, token: str) -> Response:
    if told is None:
        return _said(request, "unknown", 404)
    return page(
        request,
        "status.html",
        "report",
        told=told,
        token=token,
        days=reporting.rules.keep_days,
        redress=list(dict.fromkeys([item.redress for item in told.items if item.redress is not None])),
        may_complain=any(item.may_complain for item in told.items),
    )


def _said(
    request: Request, name: str, status: int, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    return said(request, "report", name, status, headers, **values)
