"""The OpenAPI document is valid and describes every route; the other tests here hold every answer against it."""

from __future__ import annotations

import re
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from jsonschema import Draft202012Validator, ValidationError
from openapi_spec_validator import validate

from gateway.http import (
    admin,
    api,
    appeal_page,
    identity,
    moderations,
    ops,
    own_accounts,
    pages,
    report_api,
    report_pages,
    statements,
    wechat_check,
    wechat_tokens,
)
from gateway.http.intercept import ROUTES

MODULES = (
    api,
    statements,
    appeal_page,
    own_accounts,
    identity,
    ops,
    moderations,
    wechat_check,
    wechat_tokens,
    report_api,
    report_pages,
    pages,
)


@pytest.fixture
def document(app: FastAPI) -> dict[str, Any]:
    return app.openapi()


def test_the_document_is_valid(document: dict[str, Any]) -> None:
    validate(document)


def test_every_route_is_described(document: dict[str, Any]) -> None:
    routes = {
        (route.path, method.lower())
        for router in (*[module.router for module in MODULES], *admin.ROUTERS)
        for route in router.routes
        if isinstance(route, APIRoute)
        for method in route.methods or ()
    }
    described = {(path, method) for path, item in document["paths"].items() for method in item}
    assert described == routes | {(path, "post") for path in ROUTES}


def test_every_route_needs_the_key_of_those_whom_it_is_for(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        for method, operation in item.items():
            if path.startswith("/v1/admin/"):
                assert operation["security"] == [{"operator_key": []}]
            elif path.startswith("/v1/identity/"):
                assert operation["security"] == []  # signed by the provider
            elif path == "/v1/reports":
                assert operation["security"] == [{}, {"app_key": []}, {"flagger_key": []}]  # anybody's
            elif path.startswith("/v1/reports/"):
                assert operation["security"] == [{"receipt_token": []}]
            elif path.startswith("/v1/"):
                assert operation["security"] == [{"app_key": []}]
            elif (method, path) == ("post", wechat_check.PATH):
                assert operation["security"] == [{"wechat_token": []}]
            else:
                assert "security" not in operation


NO_REASON = ("claim", "claim_next", "let_go", "undo")
"""What reviewers do with their own claims and decisions."""


def test_every_change_to_the_register_takes_a_reason_and_says_who_may(document: dict[str, Any]) -> None:
    for path, item in document["paths"].items():
        if not path.startswith("/v1/admin/"):
            continue
        for method, operation in item.items():
            assert re.search(r"Needs the role `(viewer|registrar|reviewer|admin)`\.$", operation["description"])
            if method != "get" and path.rpartition(":")[2] not in NO_REASON:
                name = operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
                assert "reason" in document["components"]["schemas"][name]["required"]


@pytest.mark.parametrize(
    ("model", "body", "valid"),
    [
        ("WeChatCheckBody", {"content": "x"}, True),
        ("WeChatCheckBody", {"content": "x", "version": 2, "scene": 1, "openid": "o-1", "anything": {"more": 1}}, True),
        ("WeChatCheckBody", {"content": ""}, False),
        ("WeChatCheckBody", {"content": "x", "version": 3}, False),
        ("WeChatCheckBody", {"content": "x", "version": 2, "scene": 5, "openid": "o-1"}, False),
        ("WeChatCheckBody", {"content": "x", "version": 2, "scene": 1, "openid": "o 1"}, False),
        ("WeChatTokenBody", {"grant_type": "client_credential", "appid": "a", "secret": "s"}, True),
        ("WeChatTokenBody", {"grant_type": "password", "appid": "a", "secret": "s"}, False),
        ("ModerationBody", {"input": ""}, True),
        ("ModerationBody", {"input": ["a", "b"], "model": "any"}, True),
        ("ModerationBody", {"input": [{"type": "text", "text": "a"}]}, True),
        ("ModerationBody", {"input": []}, False),
        ("ModerationBody", {"input": ["a"] * 101}, False),
        ("ModerationBody", {"input": ["a", {"type": "text", "text": "a"}]}, False),
        (
            "ModerationBody",
            {"input": [{"type": "image_url", "image_url": {"url": "https://chat.example/a.png"}}]},
            False,
        ),
        ("ModerationBody", {"input": "a", "extra": 1}, False),
        ("CreateAccountBody", {"account_id": "a", "registrant_id": "r", "reason": "x"}, True),
        ("CreateAccountBody", {"account_id": "a", "registrant_id": "r"}, False),
        ("CreateAccountBody", {"account_id": "a/b", "registrant_id": "r", "reason": "x"}, False),
        ("ChangeAccountBody", {"name": None, "reason": "x"}, False),
        ("RenewBody", {"term_ends_at": -1, "reason": "x"}, False),
        ("CreateRegistrantBody", {"registrant_id": "r", "kind": "person", "reason": "x"}, True),
        ("CreateRegistrantBody", {"registrant_id": "r", "kind": "robot", "reason": "x"}, False),
        ("PersonalBody", {"personal": {"legal_name": "x"}, "reason": "x"}, True),
        ("PersonalBody", {"personal": {"shoe_size": "x"}, "reason": "x"}, False),
        ("SearchBody", {"field": "email", "personal": "x", "reason": "x"}, True),
        ("AppealBody", {"statement_id": "s", "text": "x"}, True),
        ("AppealBody", {"statement_id": "s", "text": "x" * 5001}, False),
        ("AppealBody", {"statement_id": "s", "text": "x", "language": "zh_CN!"}, False),
        ("AppealDecisionBody", {"outcome": "reversed", "reason": "x"}, True),
        ("AppealDecisionBody", {"outcome": "maybe", "reason": "x"}, False),
        ("SearchBody", {"field": "address", "personal": "x", "reason": "x"}, False),
        (
            "ReportBody",
            {"explanation": "x", "category": "hate", "urls": ["https://a.example"], "bona_fide": True},
            True,
        ),
        ("ReportBody", {"explanation": "x", "category": "opinion", "bona_fide": True}, False),
        ("ReportBody", {"explanation": "x", "category": "hate"}, False),
        ("DecisionBody", {"actioned": True, "reason": "x"}, True),
        ("DecisionBody", {"actioned": "yes", "reason": "x"}, False),
    ],
)
def test_the_described_bodies_are_those_that_are_read(
    document: dict[str, Any], model: str, body: object, valid: bool
) -> None:
    schema = {"$ref": f"#/components/schemas/{model}", "components": document["components"]}
    assert Draft202012Validator(schema).is_valid(body) is valid


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
