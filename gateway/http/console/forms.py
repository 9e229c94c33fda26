"""Reading forms: bounded, from this console's own pages only, and with every problem beside its field."""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Annotated, Any, Final, Generic, TypeVar
from unicodedata import category
from urllib.parse import parse_qsl, urlsplit

from fastapi import Request
from fastapi.routing import APIRoute
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_core import PydanticCustomError

from gateway.core.wording import told
from gateway.http.admin.desk import BODY_LIMIT
from gateway.http.budget import Budget
from gateway.http.console import texts
from gateway.http.console.shell import Shell, Shown
from gateway.http.problems import Problem
from gateway.http.requests import Disconnected, whole_body

TOKEN: Final = "csrf"  # noqa: S105
"""The field that binds a form to the browser that it was shown in."""
_FIELDS: Final = 100
_TYPE: Final = "application/x-www-form-urlencoded"

F = TypeVar("F", bound=BaseModel)


class Fields(BaseModel):
    """The fields of a form. One that is left empty was not given; spaces around what is typed are none."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True)


def _on_one_line(text: str) -> str:
    if not text.isprintable():
        raise PydanticCustomError("one_line", "give some text on one line, without control characters")
    return text


Reason = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_on_one_line)]
"""Why something is done: it is kept in the audit chain for good."""


def _on_lines(text: str) -> str:
    text = text.replace("\r\n", "\n")
    if any(category(sign) == "Cc" and sign not in "\n\t" for sign in text):
        raise PydanticCustomError("lines", "give text without control characters")
    return text


Lines = Annotated[str, AfterValidator(_on_lines)]
"""A text of several lines, for people to read; the field says how long it may be."""

Note = Annotated[str, Field(max_length=500), AfterValidator(_on_one_line)]
"""The same where it may be left out."""


@dataclass(frozen=True, slots=True)
class Form(Generic[F]):
    """A form that was sent. ``value`` is what it says, None where something is wrong; ``errors`` say what, by field,
    and ``given`` is what was typed, to show it again."""

    value: F | None
    errors: Mapping[str, str] = field(default_factory=dict)
    given: Mapping[str, str] = field(default_factory=dict)

    def wrong(self, name: str, message: str) -> Form[F]:
        """The same form with a problem that showed later."""
        return Form(None, {**self.errors, name: message}, self.given)


EMPTY: Final[Form[Any]] = Form(None)
"""A form that nothing was typed into yet."""

_READ: dict[object, type[BaseModel]] = {}


@cache
def form_of(model: type[F]) -> Callable[..., Awaitable[Form[F]]]:
    """The dependency of a route with such a form. Raises `Problem` for one that no page of this console sent, one that
    was shown too long ago, and one that is none."""

    async def form(request: Request, shell: Shown) -> Form[F]:
        given = await _given(request, shell)
        filled = {name: value for name, value in given.items() if value.strip()}
        try:
            return Form(model.model_validate(filled), given=given)
        except ValidationError as error:
            errors = {str(each["loc"][0]) if each["loc"] else "": _message(shell, each) for each in error.errors()}
            return Form(None, errors, given)

    _READ[form] = model
    return form


def model_of(route: APIRoute) -> type[BaseModel] | None:
    """The form that a route reads."""
    return next((_READ[one.call] for one in route.dependant.dependencies if one.call in _READ), None)


def from_here(request: Request, origin: str) -> bool:
    """Whether a page of this console sent the request, by what browsers say of it (Fetch, sections 3.2 and 3.7)."""
    site, given = request.headers.get("sec-fetch-site"), request.headers.get("origin")
    if site is not None and site != "same-origin":
        return False
    if given is None:
        return site == "same-origin"
    if origin:
        return given == origin
    return bool(given) and urlsplit(given).netloc == request.headers.get("host", "").lower()


async def _given(request: Request, shell: Shell) -> dict[str, str]:
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != _TYPE:
        raise Problem(415, "content_type", f"Content-Type: send {_TYPE}.")
    if not from_here(request, shell.console.origin):
        raise Problem(403, "another_page", "the form was sent by another page.")
    length = request.headers.get("content-length", "")
    desk = shell.console.desk
    budget: Budget = desk.budget if shell.signed is not None else request.app.state.sign_in_budget
    announced = int(length) if length.isdecimal() else None
    try:
        async with whole_body(request.receive, announced, BODY_LIMIT, desk.read_seconds, budget) as body:
            pairs = parse_qsl(
                body.decode(), keep_blank_values=True, strict_parsing=False, errors="strict", max_num_fields=_FIELDS
            )
    except Disconnected as error:  # nobody reads this answer
        raise Problem(400, "body_cut_off", "body: it ended before it was whole.") from error
    except ValueError as error:
        raise Problem(400, "bad_form", "body: it is no form.") from error
    given = dict(pairs)
    if len(given) != len(pairs):
        raise Problem(400, "bad_form", "body: a field is given twice.")
    if not hmac.compare_digest(given.pop(TOKEN, "").encode(), shell.csrf.encode()):
        raise Problem(403, "form_old", "the form was shown too long ago; go back, load the page again, and send it.")
    return given


def _message(shell: Shell, error: Any) -> str:
    key = f"error.{error['type']}"
    return shell.say(key, **error.get("ctx", {})) if texts.known(key) else told(error)
