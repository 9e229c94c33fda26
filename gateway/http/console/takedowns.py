"""What was published and is to be gone, or back: what waits, what a person has to do, and the way to ask for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Final, Literal

from fastapi import Depends, Query, Response
from pydantic import field_validator
from pydantic_core import PydanticCustomError

from gateway.core.operators import Operator, Role
from gateway.core.policy import VIOLATIONS
from gateway.core.registration import By
from gateway.core.takedowns import Takedown, TakedownRefused
from gateway.http.console.forms import Fields, Form, Reason, form_of
from gateway.http.console.message import MessageId, excerpt, message_page, message_path
from gateway.http.console.part import Part
from gateway.http.console.queue import Text
from gateway.http.console.route import pages
from gateway.http.console.shell import ByReviewer, ByViewer, Shown, TenantId, served
from gateway.http.console.which import tenant_of
from gateway.http.passages import own_texts
from gateway.http.problems import Problem

router = pages("/takedowns")
PATH: Final = "/console/takedowns"
_PAGE: Final = 50

Which = Annotated[Literal["", "waiting", "failed"], Query()]
Place = Annotated[str, Query(pattern=r"^(\d{1,16}\.[A-Za-z0-9_-]{1,255})?$")]


class RemoveFields(Fields):
    """Why a message is taken down; the app is told the ``category``."""

    category: str
    reason: Reason

    @field_validator("category")
    @classmethod
    def _known(cls, given: str) -> str:
        if given not in VIOLATIONS:
            raise PydanticCustomError("literal_error", "choose one of these")
        return given


class RestoreFields(Fields):
    """Why a message is put back."""

    reason: Reason


RemoveForm = Annotated[Form[RemoveFields], Depends(form_of(RemoveFields))]
RestoreForm = Annotated[Form[RestoreFields], Depends(form_of(RestoreFields))]


@dataclass(frozen=True, slots=True)
class Row:
    """A line of the list."""

    takedown: Takedown
    excerpt: str


@router.get("")
async def show_takedowns(
    by: ByViewer, shell: Shown, tenant: Text = "", which: Which = "", after: Place = ""
) -> Response:
    """What is still to be done, the oldest wish in front."""
    chosen = await tenant_of(shell, by, tenant)
    desk = shell.console.desk
    asked_ms, _, message_id = after.partition(".")
    failed = {"": None, "waiting": False, "failed": True}[which]
    found = await desk.takedowns.unfinished(chosen, (int(asked_ms or 0), message_id), _PAGE + 1, failed)
    page, more = found[:_PAGE], len(found) > _PAGE
    texts = await desk.held.queue.messages([one.message_id for one in page])
    waits, failures = await desk.takedowns.count(chosen)
    return await shell.page(
        "takedowns.html",
        rows=[Row(one, excerpt(own_texts(texts[one.message_id]) if one.message_id in texts else ())) for one in page],
        onward=f"{page[-1].asked_ms}.{page[-1].message_id}" if more else "",
        after=after,
        waits=waits,
        failures=failures,
        asked={"tenant": chosen or "", "which": which},
        tenants=await shell.console.tenants_of(by),
    )


@router.post("/{tenant_id}/{message_id}/take-down")
async def take_down(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: RemoveForm
) -> Response:
    """Have a message removed that readers see; what failed is tried anew."""
    if form.value is None:
        return await message_page(shell, by, tenant_id, message_id, removing=form, status=422)
    why = By(by.name, form.value.reason)
    takedowns = shell.console.desk.takedowns
    _done(await takedowns.take_down(tenant_id, message_id, form.value.category, why, shell.now_ms))
    return shell.go(message_path(tenant_id, message_id), "taking_down")


@router.post("/{tenant_id}/{message_id}/restore")
async def restore(
    by: ByReviewer, shell: Shown, tenant_id: TenantId, message_id: MessageId, form: RestoreForm
) -> Response:
    """Have a message put back that was taken down."""
    if form.value is None:
        return await message_page(shell, by, tenant_id, message_id, restoring=form, status=422)
    why = By(by.name, form.value.reason)
    _done(await shell.console.desk.takedowns.restore(tenant_id, message_id, why, shell.now_ms))
    return shell.go(message_path(tenant_id, message_id), "restoring")


async def failures_of(state: Any, operator: Operator) -> int:
    """How many a person has to do."""
    _, failures = await served(state).desk.takedowns.count(operator.tenant_id)
    return failures


PART: Final = Part("takedowns", router, PATH, Role.VIEWER, count=failures_of)


def _done(result: Takedown | TakedownRefused) -> None:
    if isinstance(result, TakedownRefused):
        raise Problem(404 if result is TakedownRefused.MESSAGE_UNKNOWN else 409, result, "see the page's words")
