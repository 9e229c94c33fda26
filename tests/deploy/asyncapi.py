"""The schemas of deploy/asyncapi.yaml, every reference replaced, and a check against them that forgives no field."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import orjson
import yaml
from jsonschema import Draft7Validator, FormatChecker

ROOT = Path(__file__).resolve().parents[2]
DOCUMENT: dict[str, Any] = yaml.safe_load((ROOT / "deploy/asyncapi.yaml").read_text())


def closed(schema: Any) -> Any:
    """The schema without leave to have more fields (which readers have), so that one that the document forgot shows."""
    if isinstance(schema, list):
        return [closed(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    if "allOf" in schema:  # each part knows only some of the fields
        fields = {field for part in schema["allOf"] for field in part["properties"]}
        parts = [{key: closed(value) for key, value in part.items()} for part in schema["allOf"]]
        return {"allOf": parts, "propertyNames": {"enum": sorted(fields)}}
    return {key: closed(value) for key, value in schema.items()} | (
        {"additionalProperties": False} if schema.get("type") == "object" and "properties" in schema else {}
    )


def resolved(node: Any) -> Any:
    """The node with every reference replaced by what it names."""
    if isinstance(node, list):
        return [resolved(part) for part in node]
    if not isinstance(node, dict):
        return node
    if isinstance(reference := node.get("$ref"), str):
        target: Any = DOCUMENT
        for part in reference.removeprefix("#/").split("/"):
            target = target[part]
        return resolved(target)
    return {key: resolved(value) for key, value in node.items()}


MESSAGES = resolved(DOCUMENT["components"]["messages"])
SCHEMAS = {
    (name, part): Draft7Validator(closed(message[part]), format_checker=FormatChecker())
    for name, message in MESSAGES.items()
    for part in ("headers", "payload")
}


def check(name: str, part: str, value: Any) -> None:
    """Raises `ValidationError` when this is not the headers or the payload of that message."""
    SCHEMAS[name, part].validate(value)


def check_payload(name: str, value: bytes) -> None:
    check(name, "payload", orjson.loads(value))
