"""The OpenAPI document of the routes for the register's keepers: what the framework knows, and what all of them have in
common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from fastapi.routing import APIRoute
from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode

from gateway.http import admin
from gateway.http.admin.desk import model_of, role_of

PREFIX: Final = "/v1/admin/"
SECURITY: Final[dict[str, Any]] = {
    "operator_key": {"type": "http", "scheme": "bearer", "description": "From `gateway operators add`."}
}

_ALL: Final = {
    "400": "A field, a header, or a part of the address cannot be read; `errors` names each",
    "401": "Unknown operator's key",
    "403": "The operator has another role",
    "404": "No such tenant among those that the operator keeps, or no such thing of it",
    "415": "Not JSON in UTF-8 without content coding",
}
_WITH_BODY: Final = {
    "408": "The body came too slowly",
    "413": "Too large",
    "429": "Too many requests",
}


def routes() -> Iterator[APIRoute]:
    """The routes for the register's keepers."""
    for router in admin.ROUTERS:
        for route in router.routes:
            if isinstance(route, APIRoute):
                yield route


def models() -> list[tuple[type[BaseModel], JsonSchemaMode]]:
    """The bodies that they read."""
    return [(model, "validation") for model in {model_of(route) for route in routes()} - {None} if model is not None]


def describe(paths: dict[str, Any]) -> None:
    """Complete what the framework says of these routes."""
    for route in routes():
        for method in route.methods or ():
            operation = paths[route.path][method.lower()]
            body = model_of(route)
            operation["security"] = [{"operator_key": []}]
            operation["description"] += f"\n\nNeeds the role `{role_of(route)}`."
            if 422 not in route.responses:  # the framework's own form of a bad address, which is never sent
                operation["responses"].pop("422", None)
            described = {status: each["description"] for status, each in operation["responses"].items()}
            for status, text in {**_ALL, **(_WITH_BODY if body else {}), **described}.items():
                if status >= "400":
                    operation["responses"][status] = _problem(text)
            if body is not None:
                operation["requestBody"] = {
                    "required": True,
                    "content": {"application/json": {"schema": _ref(body.__name__)}},
                }


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {"application/problem+json": {"schema": _ref("ProblemOut")}}}


def _ref(model: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{model}"}
