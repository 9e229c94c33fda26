"""The OpenAPI document of the routes about statements and appeals: what the framework does not know of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from gateway.http.statements import PAGE

Problem = Callable[[str], dict[str, Any]]

_READ: Final = {
    "400": "A header is given twice, or the address cannot be read",
    "404": "This application has no such thing, or it is not there yet",
    "415": "A content type other than JSON",
}
_READ_BY: Final = (
    "/v1/messages/{message_id}/statement",
    "/v1/statements/{statement_id}",
    "/v1/accounts/{account_id}/statements",
    "/v1/appeals/{appeal_id}",
)


def describe(paths: dict[str, Any], problem: Problem) -> None:
    """Complete what the framework says of these routes."""
    for path in _READ_BY:
        _answers(paths[path]["get"], _READ, problem)
    making = paths["/v1/appeals"]["post"]
    making["requestBody"] = {
        "required": True,
        "content": {"application/json": {"schema": {"$ref": "#/components/schemas/AppealBody"}}},
    }
    refused = {
        "400": "Not readable; `errors` names each field",
        "404": "This application has no such statement",
        "408": "The body came too slowly",
        "409": "The restriction has ended, the time is over, or there is an appeal (`appeal_id`)",
        "413": "Too large",
        "415": "Not JSON in UTF-8 without content coding",
        "429": "Too many requests",
    }
    _answers(making, refused, problem)
    html = {"text/html": {"schema": {"type": "string"}}}
    shown = {
        "200": "The page",
        "404": "The link is not complete, or there is no such statement",
        "503": "The store is away",
    }
    taken = {
        "303": "The appeal was made; the page shows it",
        "400": "The form is not complete",
        "404": shown["404"],
        "408": "The form came too slowly",
        "409": "No appeal can be made against this any more",
        "413": "Too large",
        "415": "Not a form",
        "429": "Too many forms",
        "503": shown["503"],
    }
    for method, answers in (("get", shown), ("post", taken)):
        operation = paths[PAGE][method]
        operation["responses"] = {status: {"description": text, "content": html} for status, text in answers.items()}
        operation["responses"]["400"] = {
            **problem("The address cannot be read"),
            **operation["responses"].get("400", {}),
        }
        operation["responses"]["400"]["content"] = {**html, **problem("")["content"]}
    fields = {name: {"type": "string"} for name in ("token", "text")}
    form = {"type": "object", "required": ["token", "text"], "properties": fields}
    paths[PAGE]["post"]["requestBody"] = {
        "required": True,
        "content": {"application/x-www-form-urlencoded": {"schema": form}},
    }


def _answers(operation: dict[str, Any], texts: dict[str, str], problem: Problem) -> None:
    operation["responses"].pop("422", None)  # the framework's own form of a bad address, which is never sent
    operation["responses"] |= {status: problem(text) for status, text in texts.items()}
