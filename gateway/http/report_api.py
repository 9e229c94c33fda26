"""Reports by programs: chat apps for their users, trusted flaggers, and whoever would rather not use the page."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from gateway.core.report_rules import REPORTED, WAIVED
from gateway.core.reports import (
    ADDRESS,
    EMAIL,
    EXPLANATION,
    ID,
    NAME,
    NOTE,
    REFERENCES,
    Channel,
    Draft,
    State,
    Why,
    Wrong,
    hash_token,
    together,
    wrong,
)
from gateway.core.wording import told as worded
from gateway.http.admin.desk import answered
from gateway.http.problems import Problem, bad_fields
from gateway.http.report_pages import Served, is_tenant, status_path
from gateway.http.reporting import BODY_LIMIT, Reporting, Stranger, closed, look, muted
from gateway.http.requests import Disconnected, Headers, read_headers, unauthorised, whole_body
from gateway.platforms.strict_json import BadJson, loads
from gateway.ports.reports import Muted, Taken, Told

router = APIRouter()

_TOKEN: Final = "receipt's token"  # noqa: S105 - what it is called
_KEY: Final = "application's or trusted flagger's key, or none"

_WORDS: Final[dict[Why, str]] = {
    Why.MISSING: "this field is required",
    Why.TOO_LONG: "give at most {limit} characters",
    Why.CHARACTERS: "remove control characters and halves of characters",
    Why.NO_CONTENT: "give at least one address or message id",
    Why.TOO_MANY: "give at most {limit} addresses and ids in one report",
    Why.NO_ADDRESS: "give full addresses that begin with https:// or http://",
    Why.NO_CATEGORY: f"give one of {', '.join(REPORTED)}",
    Why.NO_EMAIL: "give an address such as name@example.org",
    Why.NOT_CONFIRMED: "give true: the reporter confirms in good faith that the report is accurate and complete",
}

Text = Annotated[str, Field(max_length=20_000)]


class ReportBody(BaseModel):
    """A report (article 16(2)). ``tenant`` names the application where no key does. Name and e-mail address are needed
    unless a trusted flagger reports, or the category is `sexual_minors`. Give at least one of ``urls`` and
    ``message_ids``."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tenant: Annotated[str, Field(max_length=NAME)] | None = None
    explanation: Text = Field(description=f"Why it is illegal or against the rules; at most {EXPLANATION} characters")
    category: str = Field(max_length=NAME, json_schema_extra={"enum": list(REPORTED)})
    urls: list[Annotated[str, Field(max_length=ADDRESS)]] = Field([], max_length=REFERENCES)
    message_ids: list[Annotated[str, Field(max_length=ID)]] = Field([], max_length=REFERENCES)
    name: Annotated[str, Field(max_length=NAME)] | None = None
    email: Annotated[str, Field(max_length=EMAIL)] | None = None
    bona_fide: bool = Field(description="That what is said is believed in good faith to be accurate and complete")


class ReceiptOut(BaseModel):
    """Whoever has the receipt and its token is told what comes of it; the token is not shown again. ``due_ms`` is until
    when a person decides (unix milliseconds). ``warning`` is there when earlier reports were manifestly unfounded."""

    receipt_id: str
    token: str
    state: State
    due_ms: int
    status_url: str = Field(description="The page for the reporter, on this host")
    warning: str | None


class ItemOut(BaseModel):
    """What has become of one of the contents that were reported, by what the reporter named it."""

    about: str
    state: State
    due_ms: int
    decided_ms: int | None
    note: str = Field(max_length=NOTE)
    manifestly_unfounded: bool
    may_complain: bool


class StatusOut(BaseModel):
    """What has become of a report. ``automated`` says whether the decision was taken by automated means: never.
    ``redress`` is what its reporter can do about it (articles 20 and 21)."""

    receipt_id: str
    category: str
    state: State
    created_ms: int
    reports: list[ItemOut]
    automated: bool
    redress: list[str]


@router.post("/v1/reports", summary="Report content", response_model=ReceiptOut)
async def report(request: Request, reporting: Served) -> Response:
    """By anybody without a key, a limited number for each client; by a chat app for its users; by a trusted flagger."""
    keyed = request.headers.get("authorization") is not None
    headers = read_headers(request.scope, _KEY, needed=keyed)
    tenant_id, channel, flagger = await _caller(reporting, headers) if keyed else (None, Channel.API, None)
    stranger = None if keyed else Stranger(reporting, request)
    if not reporting.reports.sealed:
        raise closed()
    body = await _body(request, reporting, headers)
    draft = _draft(body, tenant_id)
    problems = [(each.field, _why(each)) for each in wrong(draft, known=flagger is not None)]
    if stranger is not None:
        stranger.count()
    if tenant_id is None and not await is_tenant(reporting, draft.tenant_id):
        # Made-up names cost a look-up each, so they count.
        problems.insert(0, ("tenant", "name the application that the content is of; there is none of this name here"))
    elif problems and stranger is not None:
        stranger.give_back()
    elif tenant_id is not None and body.tenant not in (None, tenant_id):
        problems.insert(0, ("tenant", "the key is another application's; leave this out"))
    if problems:
        raise bad_fields(problems, 422, "report_incomplete")
    if stranger is not None:
        stranger.count_for(draft.tenant_id)
    taken = await reporting.take(draft, channel, flagger)
    if isinstance(taken, Muted):
        raise muted(taken)
    return answered(_receipt(taken), 201 if taken.new else 200)


@router.get("/v1/reports/{receipt_id}", summary="What has become of a report", response_model=StatusOut)
async def status(receipt_id: str, request: Request, reporting: Served) -> Response:
    """With the token of the receipt as bearer token."""
    look(reporting, request)
    return answered(_status(await reporting.reports.told(receipt_id, _token(request))))


@router.post(
    "/v1/reports/{receipt_id}:complain", summary="Complain of the decision on a report", response_model=StatusOut
)
async def complain(receipt_id: str, request: Request, reporting: Served) -> Response:
    """Once, of each outcome without action, for as long as the report is kept; somebody else decides it anew."""
    look(reporting, request)
    token, now_ms = _token(request), reporting.clock.now_ms()
    return answered(_status(await reporting.reports.complain(receipt_id, token, reporting.rules, now_ms)))


async def _caller(reporting: Reporting, headers: Headers) -> tuple[str, Channel, str | None]:
    """Whose key it is. Raises `Problem`."""
    tenant = await reporting.registry.tenant_by_key(headers.key_hash)
    if tenant is not None:
        return tenant.tenant_id, Channel.APP, None
    flagger = await reporting.reports.flagger_by_key(headers.key_hash)
    if flagger is None:
        raise unauthorised(_KEY)
    return flagger.tenant_id, Channel.TRUSTED, flagger.name


async def _body(request: Request, reporting: Reporting, headers: Headers) -> ReportBody:
    length, seconds, budget = headers.content_length, reporting.read_seconds, reporting.budget
    try:
        async with whole_body(request.receive, length, BODY_LIMIT, seconds, budget) as whole:
            return ReportBody.model_validate(loads(whole))
    except Disconnected as error:  # nobody reads this answer
        raise Problem(400, "body_cut_off", "body: it ended before it was whole.") from error
    except BadJson as error:
        raise bad_fields([(_named(error.field), error.message)]) from error
    except ValidationError as error:
        found = [(_named(*each["loc"]), worded(each)) for each in error.errors()]
        raise bad_fields(found) from None  # its text quotes what was given


def _named(*place: object) -> str:
    """What an error calls a field: a name that is not known may be something that went astray."""
    known = {"body", *ReportBody.model_fields}
    return ".".join([str(each) for each in place if isinstance(each, int) or each in known]) or "body"


def _draft(body: ReportBody, tenant_id: str | None) -> Draft:
    return Draft(
        tenant_id=tenant_id or (body.tenant or "").strip(),
        explanation=body.explanation,
        category=body.category,
        urls=tuple(body.urls),
        message_ids=tuple(body.message_ids),
        name=body.name or "",
        email=body.email or "",
        bona_fide=body.bona_fide,
    )


def _why(each: Wrong) -> str:
    text = _WORDS[each.why].format(limit=each.limit)
    waived = each.why is Why.MISSING and each.field in ("name", "email")
    return f"{text}, except for {WAIVED}" if waived else text


def _receipt(taken: Taken) -> ReceiptOut:
    warning = "earlier reports from this address were manifestly unfounded; if that goes on, none is taken for a time"
    return ReceiptOut(
        receipt_id=taken.receipt_id,
        token=taken.token,
        state=State.RECEIVED,
        due_ms=taken.due_ms,
        status_url=status_path(taken.receipt_id, taken.token),
        warning=warning if taken.warned else None,
    )


def _token(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorised(_TOKEN)
    return hash_token(token.strip())


def _status(told: Told | None) -> StatusOut:
    if told is None:
        detail = "receipt_id: there is no such receipt with this token, or what it was for has been erased."
        raise Problem(404, "receipt_unknown", detail)
    redress = ["complain"] if any(item.may_complain for item in told.items) else []
    if any(item.decided_ms is not None for item in told.items):
        redress += ["out_of_court_settlement", "court"]
    return StatusOut(
        receipt_id=told.receipt_id,
        category=told.category,
        state=together([item.state for item in told.items]),
        created_ms=told.created_ms,
        reports=[
            ItemOut(
                about=item.reference,
                state=item.state,
                due_ms=item.due_ms,
                decided_ms=item.decided_ms,
                note=item.note,
                manifestly_unfounded=item.unfounded,
                may_complain=item.may_complain,
            )
            for item in told.items
        ],
        automated=False,
        redress=redress,
    )


def describe(paths: dict[str, Any], problem: Any) -> None:
    """Complete the OpenAPI document's operations; ``problem`` makes a response of problem details."""
    receipt = {"application/json": {"schema": {"$ref": "#/components/schemas/ReceiptOut"}}}
    state = {"application/json": {"schema": {"$ref": "#/components/schemas/StatusOut"}}}
    posted = paths["/v1/reports"]["post"]
    posted["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/ReportBody"}}},
    }
    posted["responses"] = {
        "200": {"description": "The same was reported before: its receipt", "content": receipt},
        "201": {"description": "Taken", "content": receipt},
        "400": problem("Not readable; `errors` names each field"),
        "401": problem("An unknown key"),
        "408": problem("The body came too slowly"),
        "413": problem("Too large"),
        "415": problem("Not JSON in UTF-8 without content coding"),
        "422": problem("Not complete; `errors` names each field"),
        "429": problem("Too many reports, or this reporter is not heard until `until_ms`"),
        "501": problem("A transfer coding other than chunked"),
        "503": problem("Nothing can be taken at present"),
    }
    posted["security"] = [{}, {"app_key": []}, {"flagger_key": []}]
    for path, method in (("/v1/reports/{receipt_id}", "get"), ("/v1/reports/{receipt_id}:complain", "post")):
        paths[path][method]["responses"] = {
            "200": {"description": "State, outcome and redress", "content": state},
            "400": problem("The address could not be read"),
            "401": problem("No token"),
            "404": problem("No such receipt with this token, or erased"),
            "429": problem("Too many looks from this network"),
            "503": problem("The store is away; try again"),
        }
        paths[path][method]["security"] = [{"receipt_token": []}]


SECURITY: Final[dict[str, Any]] = {
    "flagger_key": {"type": "http", "scheme": "bearer", "description": "From `gateway flaggers add`."},
    "receipt_token": {"type": "http", "scheme": "bearer", "description": "The token of the report's receipt."},
}
