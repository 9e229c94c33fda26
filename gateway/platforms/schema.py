"""The shape of a route map: what a platform's publish API looks like, as data."""

from __future__ import annotations

from enum import StrEnum
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from gateway.platforms.bodies import FORMATS, Format
from gateway.platforms.index import PathIndex
from gateway.platforms.render import Filled, fill
from gateway.platforms.selectors import Selector, parse_selector
from gateway.platforms.templates import Template, parse_template


class AnswerKind(StrEnum):
    """What the gateway answers by itself, in the platform's own format."""

    BLOCKED = "blocked"
    HELD = "held"
    LIMITED = "limited"
    UNAVAILABLE = "unavailable"
    MALFORMED = "malformed"
    UNAUTHORIZED = "unauthorized"
    """No credential, or one that the platform refuses. A map without this answer gives its `MALFORMED` as 401."""


def _listed(value: Any) -> Any:
    """One item stands for a list of it."""
    return value if isinstance(value, list) else [value]


def _selector(value: Any) -> Any:
    return parse_selector(value) if isinstance(value, str) else value


def _selectors(value: Any) -> Any:
    return tuple([_selector(item) for item in _listed(value)])


def _alternatives(value: Any) -> Any:
    """Lists of selectors; a list without lists in it is one of them."""
    return value if isinstance(value, list) and any(isinstance(item, list) for item in value) else [value]


def _template(value: Any) -> Any:
    return parse_template(value) if isinstance(value, str) else value


def _formats(value: Any) -> Any:
    return FORMATS if value == "auto" else () if value == "none" else _listed(value)


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, arbitrary_types_allowed=True)


One = Annotated[Selector, BeforeValidator(_selector)]
Many = Annotated[tuple[One, ...], BeforeValidator(_listed), Field(strict=False)]
Joined = Annotated[tuple[One, ...], BeforeValidator(_selectors), Field(strict=False, min_length=1)]
"""Selectors whose values belong together (a chat and a message in it): all of them must be found."""
Alternatives = Annotated[tuple[Joined, ...], BeforeValidator(_listed), Field(strict=False)]
KeyAlternatives = Annotated[tuple[Joined, ...], BeforeValidator(_alternatives), Field(strict=False)]
Text = Annotated[Filled, BeforeValidator(fill)]
Words = Annotated[tuple[str, ...], BeforeValidator(_listed), Field(strict=False)]
Value = str | int | bool | None
Statuses = Annotated[tuple[int, ...], BeforeValidator(_listed), Field(strict=False)]
Values = Annotated[tuple[Value, ...], BeforeValidator(_listed), Field(strict=False)]


class MediaMap(_Part):
    """Where a picture, sound or video is named: by its address, or by an id that only the platform knows."""

    where: One
    content_type: str = "application/octet-stream"


class Condition(_Part):
    """A field that is there and not empty; with ``equals``, one that has one of these values."""

    where: One
    equals: Words = ()


class Doubt(_Part):
    """What makes a message unjudgeable: a field that is there, that has one of some values, or that contains one of
    some texts, whatever their case."""

    code: Literal["encrypted", "unknown_reference", "unreadable_part"]
    when: One
    equals: Words = ()
    contains: Words = ()


class AnswerMap(_Part):
    """One answer: its status, headers, and either JSON or plain text, with {message} and the like in them."""

    status: int = Field(ge=200, le=599)
    headers: dict[str, Text] = Field(default_factory=dict)
    body: Text | None = None
    text: Text | None = None


class Learn(_Part):
    """A credential that the platform's answer hands out, and whose it is (kind watch).

    ``account`` is looked for in the request, ``answer_account`` in the answer's JSON, as are the credential and the
    seconds for which it is good.
    """

    credential: Joined
    account: Joined | None = None
    answer_account: Joined | None = None
    expires: One | None = None


class Route(_Part):
    """One kind of request; of two routes with the same path the first counts.

    ``publish``: moderated; ``watch``: passed, and its answer is read; ``refuse``: goes nowhere; ``pass``: passed, an
    exception from a route behind it; ``bypass``: lets the platform take content past the gateway, so it goes nowhere
    unless the listener allows it.
    """

    id: str = Field(pattern=r"^[a-z0-9_.-]{1,80}$")
    kind: Literal["publish", "watch", "refuse", "pass", "bypass"] = "publish"
    when: Annotated[tuple[Condition, ...], Field(strict=False)] = ()
    """What must hold of the request for this route to count; else the next one with its path does."""
    methods: Words = Field(min_length=1)
    path: Annotated[
        tuple[Annotated[Template, BeforeValidator(_template)], ...],
        BeforeValidator(_listed),
        Field(strict=False, min_length=1),
    ]
    body: Annotated[tuple[Format, ...], BeforeValidator(_formats), Field(strict=False)] = ("json",)
    untyped: Format | None = None
    """How a body without Content-Type is read; without it such a body is refused."""
    content_type: Literal["declared", "ignored"] = "declared"
    """Whether the platform reads by Content-Type, or every body as ``untyped``."""
    account: Alternatives = ()
    """Where the credential of this route stands; without it, where the platform's stands."""
    caller: Literal["credential", "client"] = "credential"
    """Whose a request is whose credential nobody knows. ``client``: new ones come all the time, so it is the account
    whose credentials this client's address showed on this listener within an hour, if they were one account's."""
    text: Many = ()
    media: tuple[MediaMap, ...] = Field(default=(), strict=False)
    refs: Alternatives = ()
    target: One | None = None
    idempotency: KeyAlternatives = ()
    """The platform's own key for repeating a request; a plain list is one alternative, its selectors joined."""
    remember: Alternatives = ()
    """Ids in the platform's answer, by which a later request publishes this content."""
    ignore: Many = ()
    """Identifiers that no reader sees. What is not of the form of an identifier is judged all the same."""
    keys: Literal["known", "any"] = "known"
    """Whose words keys are: known ones say which identifiers no reader sees (`Platform.unseen`); where the sender may
    choose any, none is."""
    doubts: tuple[Doubt, ...] = Field(default=(), strict=False)
    if_empty: Literal["judge", "pass"] = "judge"
    """What happens to a request in which nothing is read: no text, no media, no doubt (a join without a reason)."""
    answers: dict[Annotated[AnswerKind, Field(strict=False)], AnswerMap] = Field(default_factory=dict)
    learn: Learn | None = None

    def takes(self, method: str) -> bool:
        """Whether this is a route for a method; HEAD is GET to most servers."""
        return method in self.methods or (method == "HEAD" and "GET" in self.methods)

    @cached_property
    def any_method(self) -> bool:
        """Whether its message may be a query: a platform that takes one by GET may take it by any method."""
        everywhere = any(selector.kind in ("param", "param-json") for selector in self.text)
        return self.kind == "publish" and everywhere and "GET" in self.methods


def _pass(value: Any) -> Any:
    """An item of ``passes``: methods parted by commas, a blank, and a path."""
    if not isinstance(value, str):
        return value
    methods, _, path = value.partition(" ")
    return {"id": "passes", "kind": "pass", "methods": methods.split(","), "path": path.strip()}


Pass = Annotated[Route, BeforeValidator(_pass)]
PASSED = Route.model_validate(_pass("GET,OPTIONS /{rest*}"))
"""The route of what passes without being an item of ``passes``."""


class Ask(_Part):
    """The request that asks the platform whose a credential is, and where its answer says so."""

    method: Literal["GET", "POST"] = "GET"
    path: Text
    query: dict[str, Text] = Field(default_factory=dict)
    """A parameter whose value comes out empty is left out."""
    headers: dict[str, Text] = Field(default_factory=dict)
    account: Joined
    not_for: Words = ()
    """What a credential begins with that cannot be asked about (that of a webhook)."""


class Verdicts(_Part):
    """How to tell from an answer whether the message was published. A status of 500 or more leaves it open."""

    field: One | None = None
    """A field of the JSON of a 2xx answer; not one of ``good``: refused."""
    good: Values = ()
    text_is_good: bool = False
    """Whether a 2xx answer that is not JSON says that it went well; otherwise it leaves it open."""
    expired: Values = ()
    """Values of ``field`` (or of ``error``) by which the credential is no longer good."""
    error: One | None = None
    expired_statuses: Statuses = (401,)
    repeated: Values = ()
    """Values of ``field`` or ``error`` by which the platform has this message already: it is published."""
    repeated_statuses: Statuses = ()
    later: Values = ()
    """Values of ``field`` or ``error`` by which nothing was published for now, and the same may be sent again."""
    later_statuses: Statuses = (429,)


class Told(_Part):
    """What an answer says by a field of its JSON: one of some values, in which places of the way are filled in.

    ``again``: only to a second attempt, for the platform says the same of what this credential may not remove.
    """

    where: One
    equals: Values = Field(min_length=1)
    again: bool = False


class First(_Part):
    """A request whose answer gives further names, where the one to the publish request did not."""

    method: Literal["GET", "POST"] = "POST"
    path: Text
    query: dict[str, Text] = Field(default_factory=dict)
    body: Text | None = None
    of_answer: dict[str, One] = Field(min_length=1)
    gone: tuple[Told, ...] = Field(default=(), strict=False)
    """By which the answer says that it is not there any more."""


class Way(_Part):
    """How what some routes published is removed: by names that are kept when it is published, out of the request and
    out of the platform's answer. Of several ways of one route the first counts of which all names are found."""

    id: str = Field(pattern=r"^[a-z0-9_.-]{1,80}$")
    routes: Words = Field(min_length=1)
    of_request: dict[str, One] = Field(default_factory=dict)
    of_answer: dict[str, One] = Field(default_factory=dict)
    first: First | None = None
    method: Literal["DELETE", "POST", "PUT"]
    path: Text
    query: dict[str, Text] = Field(default_factory=dict)
    body: Text | None = None


class Removing(_Part):
    """How the platform is told to remove what was published. ``headers`` go with every request."""

    headers: dict[str, Text] = Field(default_factory=dict)
    ways: tuple[Way, ...] = Field(min_length=1, strict=False)
    gone: tuple[Told, ...] = Field(default=(), strict=False)
    """By which an answer says that it is not there (any more), so that nothing is left to do."""
    later: tuple[Told, ...] = Field(default=(), strict=False)
    """By which it says that the same may work later, beside ``verdicts``."""


_UNLISTED = {
    "id": "unlisted",
    "methods": ["GET"],
    "path": "/{rest*}",
    "body": [*FORMATS, "xml", "text", "file"],
    "text": ["shown:param:**"],
    "keys": "any",
}
_HELD = [{"code": "unreadable_part", "when": "const:unlisted"}]


class Platform(_Part):
    """A platform's publish API. What it lists neither as a route nor in ``passes`` is treated by ``default``."""

    platform: str = Field(pattern=r"^[a-z0-9-]{1,40}$")
    case: Literal["exact", "ignore"] = "exact"
    json_keys: Literal["exact", "fold"] = "exact"
    """Whether the platform takes the keys of JSON in any case (servers in Go do)."""
    account: Alternatives = Field(min_length=1)
    learn_account: Ask | None = None
    websockets: Literal["pass", "refuse"] = "refuse"
    websocket_paths: Annotated[
        tuple[Annotated[Template, BeforeValidator(_template)], ...], BeforeValidator(_listed), Field(strict=False)
    ] = ()
    """The paths on which WebSockets pass."""
    passes: Annotated[tuple[Pass, ...], Field(strict=False)] = ()
    """What only reads, or says nothing to any reader. It counts behind all routes."""
    default: Literal["judge", "hold", "refuse"] = "judge"
    """What becomes of a request that is listed nowhere: judged by every string and file in it, held, or refused."""
    unseen: Words = ()
    """Names of parameters, and keys of JSON at any depth, whose identifiers no reader sees. They are not judged, so
    that nothing stands between what is visible; what does not look like an identifier is."""
    routes: tuple[Route, ...] = Field(min_length=1, strict=False)
    answers: dict[Annotated[AnswerKind, Field(strict=False)], AnswerMap]
    verdicts: Verdicts = Verdicts()
    takedown: Removing | None = None

    @property
    def name(self) -> str:
        """The platform's name, as messages carry it."""
        return self.platform

    # Cached in the instance, these cost every request a look-up; a private attribute of pydantic costs it ten.
    @cached_property
    def index(self) -> PathIndex[Route]:
        """The routes by path."""
        entries = [(template, route) for route in (*self.routes, *self.passes) for template in route.path]
        entries += [(template, PASSED) for template in self.websocket_paths]
        return PathIndex(entries, fold=self.case == "ignore")

    @cached_property
    def unseen_keys(self) -> frozenset[str]:
        """``unseen``, to look up."""
        return frozenset(self.unseen)

    @cached_property
    def learns_clients(self) -> bool:
        """Whether what credentials a client shows says something of its other requests."""
        return any(route.caller == "client" for route in self.routes)

    @cached_property
    def unlisted(self) -> Route:
        """The route of a request that is listed nowhere. Its path has the one variable ``rest``."""
        return Route.model_validate(_UNLISTED | ({"doubts": _HELD} if self.default == "hold" else {}))

    def route(self, route_id: str) -> Route:
        """The route with this id. Raises `KeyError`."""
        for route in (*self.routes, self.unlisted):
            if route.id == route_id:
                return route
        raise KeyError(route_id)
