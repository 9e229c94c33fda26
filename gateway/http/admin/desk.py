"""What the routes for the register's keepers share: who may call them, and how their requests are read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final, TypeVar

from fastapi import Depends, Path, Query, Request, Response
from fastapi.routing import APIRoute
from pydantic import BaseModel, ValidationError

from gateway.appealing import Appealing
from gateway.core import wording
from gateway.core.operators import Operator, Role
from gateway.core.personal import FIELDS
from gateway.core.policy import PolicyInForce
from gateway.core.wording import told
from gateway.held import HeldMessages
from gateway.http.budget import Budget
from gateway.http.problems import Problem, bad_fields
from gateway.http.requests import Disconnected, read_headers, unauthorised, whole_body
from gateway.platforms.strict_json import BadJson, loads
from gateway.ports import (
    Clock,
    NewsRegister,
    Operators,
    Personal,
    Registrar,
    Registry,
    Reports,
    Sanctions,
    Store,
    Takedowns,
    Verifications,
)
from gateway.verify import Verify

BODY_LIMIT: Final = 64 * 1024
"""Bytes of a request body that is no file."""

ID: Final = wording.ID
_LONGEST_ID: Final = 255
_KEY: Final = "operator's key"

Responses = dict[int | str, dict[str, Any]]
"""What a route may answer beside what all of them may, as the framework takes it."""

PREFIX: Final = "/v1/admin/tenants/{tenant_id}"


@dataclass(frozen=True, slots=True)
class Desk:
    """What the register's keepers are served with. ``file_limit`` bounds a body that carries a file, in bytes;
    ``personal`` is None where there is no master key, ``verify`` where there are no providers; ``appeal_token`` gives
    the secret of an author's link to appeal by, for the id of a statement, and is None without a key file."""

    registrar: Registrar
    operators: Operators
    personal: Personal | None
    verifications: Verifications
    news: NewsRegister
    takedowns: Takedowns
    verify: Verify | None
    held: HeldMessages
    appealing: Appealing
    appeal_token: Callable[[str], str] | None
    sanctions: Sanctions
    store: Store
    registry: Registry
    policy: Callable[[], PolicyInForce]
    clock: Clock
    budget: Budget
    file_limit: int
    read_seconds: float
    reports: Reports | None = None


def desk_of(request: Request) -> Desk:
    """What the register's keepers are served with."""
    desk: Desk = request.app.state.desk
    return desk


async def _desk(request: Request) -> Desk:
    return desk_of(request)


Served = Annotated[Desk, Depends(_desk)]
TenantId = Annotated[str, Path(max_length=_LONGEST_ID, pattern=ID)]
AccountId = Annotated[str, Path(max_length=_LONGEST_ID, pattern=ID)]
RegistrantId = Annotated[str, Path(max_length=_LONGEST_ID, pattern=ID)]
Limit = Annotated[int, Query(ge=1, le=100)]
AfterRow = Annotated[int, Query(ge=0, le=2**53, description="`next` of the page before.")]

_NEEDED: dict[object, Role] = {}
_READ: dict[object, type[BaseModel]] = {}


@cache
def allowed(role: Role) -> Callable[..., Awaitable[Operator]]:
    """The dependency of a route that needs this role: the operator who calls, and who keeps this tenant's register.

    Raises `Problem`: 401 for an unknown key, 403 for another role, 404 for a tenant that is not there or is another
    operator's business. Routes name it before their body, so that nobody else's is read.

    The tenant's id is taken as it came: were it a parameter, the framework would not call this for one that cannot be,
    and go on to the body.
    """

    async def operator(request: Request, desk: Served) -> Operator:
        tenant_id: str = request.path_params["tenant_id"]
        found = await desk.operators.by_key(read_headers(request.scope, _KEY).key_hash)
        if found is None:
            raise unauthorised(_KEY)
        if not found.may(role):
            detail = f"Authorization: this needs the role {role}, and {found.name} has {found.role}."
            raise Problem(403, "role_missing", detail)
        if not (found.keeps(tenant_id) and can_be(tenant_id)) or await desk.registry.tenant(tenant_id) is None:
            raise Problem(404, "tenant_unknown", "tenant_id: there is no such tenant among those that you keep.")
        return found

    _NEEDED[operator] = role
    return operator


def can_be(tenant_id: str) -> bool:
    """Whether this can be a tenant's id."""
    return len(tenant_id) <= _LONGEST_ID and re.fullmatch(ID, tenant_id) is not None


ByViewer = Annotated[Operator, Depends(allowed(Role.VIEWER))]
ByRegistrar = Annotated[Operator, Depends(allowed(Role.REGISTRAR))]
ByReviewer = Annotated[Operator, Depends(allowed(Role.REVIEWER))]
ByPolicy = Annotated[Operator, Depends(allowed(Role.POLICY))]
ByAdmin = Annotated[Operator, Depends(allowed(Role.ADMIN))]

B = TypeVar("B", bound=BaseModel)


@cache
def body_of(model: type[B], file: bool = False) -> Callable[..., Awaitable[B]]:
    """The dependency of a route with such a body, which is larger where it carries a ``file``. Raises `Problem` that
    names each field, and quotes none."""

    async def body(request: Request, desk: Served) -> B:
        length = read_headers(request.scope).content_length
        limit = desk.file_limit if file else min(BODY_LIMIT, desk.file_limit)
        try:
            async with whole_body(request.receive, length, limit, desk.read_seconds, desk.budget) as whole:
                return model.model_validate(loads(whole))
        except Disconnected as error:  # nobody reads this answer
            raise Problem(400, "body_cut_off", "body: it ended before it was whole.") from error
        except BadJson as error:
            raise bad_fields([(named(error.field), error.message)]) from error
        except ValidationError as error:
            problems = [(named(*e["loc"]), told(e)) for e in error.errors()]
            raise bad_fields(problems) from None  # its text quotes what was given

    def named(*place: object) -> str:
        """What an error calls a field. In a body with personal data, no more than what is known of it: a name that is
        not may be a value that went astray."""
        known = {"body", *FIELDS, *model.model_fields} if "personal" in model.model_fields else None
        return ".".join([str(each) for each in place if known is None or each in known]) or "body"

    _READ[body] = model
    return body


def role_of(route: APIRoute) -> Role | None:
    """The role that a route needs; None for one that is not the keepers'."""
    return next((_NEEDED[one.call] for one in route.dependant.dependencies if one.call in _NEEDED), None)


def model_of(route: APIRoute) -> type[BaseModel] | None:
    """The body that a route reads."""
    return next((_READ[one.call] for one in route.dependant.dependencies if one.call in _READ), None)


def answered(body: BaseModel, status: int = 200) -> Response:
    """A body as an answer. It is nobody else's to keep."""
    return Response(
        body.model_dump_json(), status, media_type="application/json", headers={"Cache-Control": "no-store"}
    )
