"""Looking through the audit chains."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final

import orjson
from fastapi import Query, Response

from gateway.core import audit as kinds
from gateway.core.audit_search import AuditQuery, decode_place, encode_place
from gateway.core.records import AuditRow
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByViewer, Shown
from gateway.http.problems import Problem

router = pages()
PART: Final = Part("audit", router, "/console/audit")

KINDS: Final = (
    kinds.DECISION,
    kinds.TRANSITION,
    kinds.REVIEW,
    kinds.REGISTRY,
    kinds.SANCTION,
    kinds.TAKEDOWN,
    kinds.REPORT,
    kinds.APPEAL,
    kinds.LICENCE,
    kinds.NOTICE,
    kinds.CREDENTIAL,
    kinds.KEY,
)
_PAGE: Final = 50
_SHOWN: Final = frozenset({"actor", "reason", "note", "tenant_id", "account_id", "message_id", "act"})

Text = Annotated[str, Query(max_length=300)]


@dataclass(frozen=True, slots=True)
class Row:
    """An audit row as it is shown: what was done, to what, by whom and why, and all the rest."""

    row: AuditRow
    what: str
    actor: str
    why: str
    tenant_id: str
    account_id: str
    message_id: str
    rest: dict[str, Any]


@router.get("/audit")
async def search(
    by: ByViewer,
    shell: Shown,
    tenant: Text = "",
    account: Text = "",
    message: Text = "",
    kind: Text = "",
    actor: Text = "",
    since: Text = "",
    until: Text = "",
    after: Annotated[str, Query(max_length=20_000)] = "",
) -> Response:
    """By account, message, kind, actor and time, newest first."""
    if by.tenant_id is not None and tenant not in ("", by.tenant_id):
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    asked = {
        "tenant": tenant,
        "account": account,
        "message": message,
        "kind": kind,
        "actor": actor,
        "since": since,
        "until": until,
    }
    errors = {}
    since_ms, until_ms = moment(since), moment(until, end=True)
    for name, typed, found in (("since", since, since_ms), ("until", until, until_ms)):
        if typed and found is None:
            errors[name] = shell.say("error.moment")
    for name in ("tenant", "account", "message", "kind", "actor"):
        if not asked[name].isprintable():
            errors[name] = shell.say("error.one_line")
    try:
        place = decode_place(after) if after else None
    except ValueError as error:
        raise Problem(404, "path", "after: this is no page of a search.") from error
    rows: list[Row] = []
    onward, reached_ms = None, None
    if not errors:
        query = AuditQuery(
            by.tenant_id or tenant or None,
            account or None,
            message or None,
            kind or None,
            actor or None,
            since_ms,
            until_ms,
        )
        page = await shell.console.audit.search(query, place, _PAGE)
        rows, reached_ms = shown(page.rows), page.reached_ms
        onward = encode_place(page.place) if page.place is not None else None
    return await shell.page(
        "audit.html",
        status=422 if errors else 200,
        rows=rows,
        asked=asked,
        errors=errors,
        kinds=KINDS,
        onward=onward,
        reached_ms=reached_ms,
        tenants=await shell.console.tenants_of(by),
    )


def shown(rows: Sequence[AuditRow]) -> list[Row]:
    """Audit rows as they are shown."""
    return [_row(row) for row in rows]


def moment(text: str, *, end: bool = False) -> int | None:
    """The unix time (ms) of ``2026-01-31`` or ``2026-01-31T08:30``, in UTC; for an ``end``, when that day or minute is
    over. None for what is no moment."""
    try:
        found = datetime.fromisoformat(text.strip().removesuffix("Z")).replace(tzinfo=UTC)
    except ValueError:
        return None
    span_s = 0 if not end else 86_400 if len(text.strip()) <= len("2026-01-31") else 60
    return int(found.timestamp() + span_s) * 1000


def _row(row: AuditRow) -> Row:
    body: dict[str, Any] = orjson.loads(row.body)
    decision = body.get("decision") or body
    what = body.get("act") or (f"{body['from']} → {body['to']}" if "to" in body else decision.get("outcome", ""))
    return Row(
        row,
        str(what),
        str(body.get("actor", "")),
        str(body.get("reason") or body.get("note") or ""),
        str(body.get("tenant_id") or ""),
        str(body.get("account_id") or ""),
        row.message_id or str(body.get("message_id") or ""),
        {name: value for name, value in body.items() if name not in _SHOWN and value not in (None, "", [], {})},
    )
