"""What the locust profiles publish, and as whom: read from a file, so that an operator can load a system of their own.

The file is YAML (or JSON), named by ``LOAD_TARGET``; `demo.yaml` is the default, `telegram.example.yaml` an example for
a listener. The host is locust's ``--host``.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, Self
from urllib.parse import quote, urlencode

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

DEFAULT: Final = Path(__file__).with_name("demo.yaml")
Kind = Literal["allowed", "held", "blocked"]


class BadTarget(ValueError):
    """A file that says not, or not rightly, what to publish; the text names the file, the field and what to do."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Sender(_Part):
    """An account that publishes, with its own key (``key``, or the variable ``key_env`` that holds it) where the
    target's is not its own."""

    account: str = Field(min_length=1)
    key: str | None = None
    key_env: str | None = None


class Form(_Part):
    """A request, in whose path, headers and body ``{account}``, ``{key}``, ``{text}`` and ``{id}`` (another for each
    message) stand for what is sent. The body is ``json`` or ``form``."""

    method: Literal["POST", "PUT"] = "POST"
    path: str = Field(pattern=r"^/")
    headers: dict[str, str] = {}
    json_: dict[str, Any] | None = Field(None, alias="json")
    form: dict[str, str] | None = None

    @model_validator(mode="after")
    def _one_body(self) -> Self:
        if (self.json_ is None) is (self.form is None):
            raise ValueError("give the body as json or as form")
        if "{text}" not in orjson.dumps(self.json_ if self.form is None else self.form).decode():
            raise ValueError("the body has no {text}")
        return self


class Answers(_Part):
    """The status that each kind of text is answered with."""

    allowed: int = Field(200, ge=100, le=599)
    held: int = Field(202, ge=100, le=599)
    blocked: int = Field(403, ge=100, le=599)


class Texts(_Part):
    """What is published, by what it deserves."""

    allowed: tuple[str, ...] = Field(min_length=1)
    held: tuple[str, ...] = Field(min_length=1)
    blocked: tuple[str, ...] = Field(min_length=1)


@dataclass(frozen=True, slots=True)
class Call:
    """One request as it is sent."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes


class Target(_Part):
    """All of a file. ``retry_headers`` are sent by the profile ``retries`` only."""

    key: str | None = None
    key_env: str | None = None
    accounts: tuple[Sender, ...] = Field(min_length=1)
    request: Form
    retry_headers: dict[str, str] = {}
    answers: Answers = Answers()
    texts: Texts

    @model_validator(mode="after")
    def _has_keys(self) -> Self:
        for sender in self.accounts:
            self.key_of(sender)
        return self

    @property
    def can_retry(self) -> bool:
        """Whether a message that is sent again is known for the same: it carries an id."""
        return "{id}" in f"{self.request} {self.retry_headers}"

    def key_of(self, sender: Sender) -> str:
        """The key that an account calls with. Raises ValueError when there is none."""
        for key, variable in ((sender.key, sender.key_env), (self.key, self.key_env)):
            if key is not None:
                return key
            if variable is not None:
                if not os.environ.get(variable):
                    raise ValueError(f"key_env: {variable} is not set in the environment")
                return os.environ[variable]
        raise ValueError(f"account {sender.account!r} has no key: give it, or the target, key or key_env")

    def call(self, sender: Sender, text: str, message_id: str, *, retry: bool = False) -> Call:
        """The request for a text."""
        values = {"account": sender.account, "key": self.key_of(sender), "text": text, "id": message_id}
        request = self.request
        path = _filled(request.path, {name: quote(value, safe=":@!") for name, value in values.items()})
        headers = _filled(request.headers | (self.retry_headers if retry else {}), values)
        if request.form is None:
            kind, body = "application/json", orjson.dumps(_filled(request.json_, values))
        else:
            kind, body = "application/x-www-form-urlencoded", urlencode(_filled(request.form, values)).encode()
        return Call(request.method, path, {"Content-Type": kind, **headers}, body)


def read_target(path: Path = DEFAULT) -> Target:
    """Read a file. Raises `BadTarget`."""
    try:
        return Target.model_validate(yaml.safe_load(path.read_text()))
    except OSError as error:
        raise BadTarget(f"{path}: cannot be read: {error.strerror}; LOAD_TARGET names it") from error
    except yaml.YAMLError as error:
        raise BadTarget(f"{path}: is neither YAML nor JSON: {error}") from error
    except ValidationError as error:
        told = [f"{'.'.join(map(str, each['loc'])) or 'file'}: {each['msg']}" for each in error.errors()]
        raise BadTarget(f"{path}: {'; '.join(told)}") from error


def _filled(shape: Any, values: Mapping[str, str]) -> Any:
    """The shape with its placeholders replaced; what is put in is not looked at again."""
    match shape:
        case str():
            pieces = shape.split("{")
            filled = [pieces[0]]
            for piece in pieces[1:]:
                name, closed, rest = piece.partition("}")
                filled.append(values[name] + rest if closed and name in values else "{" + piece)
            return "".join(filled)
        case dict():
            return {name: _filled(value, values) for name, value in shape.items()}
        case list():
            return [_filled(value, values) for value in shape]
        case _:
            return shape
