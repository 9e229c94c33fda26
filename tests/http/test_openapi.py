"""The OpenAPI document is valid and describes every route; the other tests here hold every answer against it."""

from __future__ import annotations

from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate

from gateway.http import api, ops
from gateway.http.intercept import ROUTES


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_is_described(document: dict[str, Any]) -> None:
    routes = {
        (route.path, method.lower())
        for router in (api.router, ops.router)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == routes | {(path, "post") for path in ROUTES}


def test_every_route_for_apps_needs_an_application_key(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for operation in item.values():
            assert ("security" in operation) is path.startswith("/v1/")


@pytest.mark.parametrize(
    ("body", "valid"),
    [
        ({"account_id": "a", "text": "x"}, True),
        ({"account_id": "a", "text": "x", "metadata": {"any": [1, {"thing": None}]}}, True),
        ({"account_id": "", "text": "x"}, False),
        ({"account_id": "a", "text": "x", "extra": 1}, False),
        ({"account_id": "a", "media": [{"content_type": "png"}]}, False),
        ({"text": "x"}, False),
    ],
)
def test_the_described_body_is_the_one_that_is_read(document: dict[str, Any], body: object, valid: bool) -> None:
    schema = {"$ref": "#/components/schemas/MessageBody", "components": document["components"]}
    if valid:
        Draft202012Validator(schema).validate(body)
    else:
        with pytest.raises(ValidationError):
            Draft202012Validator(schema).validate(body)
