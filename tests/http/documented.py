"""Answers held against the OpenAPI document."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import httpx
from jsonschema import Draft202012Validator

from gateway.app import create_app
from gateway.settings import Settings


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document: it takes longer to make than most tests."""
    return create_app(Settings()).openapi()


class Documented:
    """Checks that an answer is one of those which the document describes."""

    def __init__(self) -> None:
        self._document = document()

    async def check(self, response: httpx.Response) -> None:
        """Fail unless path, method, status, media type and body are as described."""
        await response.aread()
        operation = self._operation(response.request)
        where = f"{response.request.method} {response.request.url.path} -> {response.status_code}"
        assert str(response.status_code) in operation["responses"], f"{where} is not in the document"
        described = operation["responses"][str(response.status_code)]
        media_type = response.headers["content-type"].partition(";")[0]
        assert media_type in described["content"], f"{where} {media_type} is not in the document"
        if media_type.endswith("json"):
            schema = {**described["content"][media_type]["schema"], "components": self._document["components"]}
            Draft202012Validator(schema).validate(response.json())

    def _operation(self, request: httpx.Request) -> dict[str, Any]:
        for template, item in self._document["paths"].items():
            path = re.sub(r"\{\w+\}", "[^/]+", template)  # two of them may fit: an id may end in a colon and a word
            if request.method.lower() in item and re.fullmatch(path, request.url.path):
                operation: dict[str, Any] = item[request.method.lower()]
                return operation
        raise AssertionError(f"{request.url.path} is not in the document")
