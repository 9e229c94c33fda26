"""The gateway's own publish API: its request body, and the message it makes."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Collection, Iterator
from typing import Annotated, Any, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from gateway.core.model import Media, Message, Repost
from gateway.core.wording import told
from gateway.platforms.strict_json import BadJson, loads
from gateway.platforms.views import views

PLATFORM = "native"
CONTENT_TYPE = "application/json"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)


class MediaBody(_Part):
    """A picture, sound or video: by address, or as base64 data."""

    content_type: str = Field(pattern=r"^[a-z]+/[a-z0-9.+-]+$", max_length=100)
    url: str | None = Field(None, pattern=r"^https?://", max_length=2000)
    data: str | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if (self.url is None) == (self.data is None):
            raise ValueError("give either url or data")
        return self


class RepostBody(_Part):
    """The source of a re-published text."""

    url: str | None = Field(None, pattern=r"^https?://", max_length=2000)
    publisher: str | None = Field(None, max_length=500)
    author: str | None = Field(None, max_length=500)
    title: str | None = Field(None, max_length=1000)


class MessageBody(_Part):
    """A publish request. What is not listed here is refused, so nothing can be published unjudged."""

    account_id: str = Field(min_length=1, max_length=255, pattern=r"^[^\x00-\x1f\x7f]+$")
    title: str | None = Field(None, max_length=1000)
    text: str | None = Field(None, max_length=100_000)
    media: Annotated[tuple[MediaBody, ...], Field(max_length=20, strict=False)] = ()
    target: str | None = Field(None, max_length=500, description="Where it is published: a channel, a room.")
    repost_of: RepostBody | None = None
    metadata: dict[str, Any] = Field(
        default_factory=dict,
        description="Passed on to the upstream. Strings and numbers are judged as text; `topic: news` declares news.",
    )

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not (self.title or self.text or self.media):
            raise ValueError("give at least one of title, text and media")
        return self


class BadBody(ValueError):
    """A publish request that cannot be read, with each field and what to do about it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {message}" for field, message in problems))
        self.problems = problems


def read(body: bytes, tenant_id: str) -> Message:
    """The message in a request body. Raises `BadBody`."""
    try:
        parsed = MessageBody.model_validate(loads(body))
    except BadJson as error:
        raise BadBody([(error.field, error.message)]) from error
    except ValidationError as error:
        raise BadBody([(".".join(map(str, e["loc"])) or "body", told(e)) for e in error.errors()]) from error
    return to_message(parsed, tenant_id, hashlib.sha256(body).hexdigest())


def to_message(body: MessageBody, tenant_id: str, content_hash: str) -> Message:
    """The message in a validated body. Raises `BadBody` for data that is not base64."""
    repost = body.repost_of
    topic = body.metadata.get("topic")
    words = [body.title, body.text]
    tags = list(_strings(body.metadata))
    source: list[str | None] = []
    if repost is not None:
        words += [repost.title, repost.publisher, repost.author]
        source = [repost.url]
    texts = [*words, *source, *tags, *[item.url for item in body.media], body.target]
    seen = [view for text in (*words, *tags) if text for view in views(text)[1:]]
    return Message(
        tenant_id=tenant_id,
        account_id=body.account_id,
        platform=PLATFORM,
        texts=tuple([text for text in (*texts, *seen) if text]),
        content_hash=content_hash,
        media=tuple([_media(item, index) for index, item in enumerate(body.media)]),
        target=body.target,
        repost_of=Repost(repost.url, repost.publisher, repost.author, repost.title) if repost else None,
        declared_topic=topic if isinstance(topic, str) else None,
    )


def uploads(body: bytes, wanted: Collection[str]) -> dict[str, bytes]:
    """The bytes of the media in a request body that `read` took, by their SHA-256 (hex): those ``wanted``."""
    found: dict[str, bytes] = {}
    for item in loads(body).get("media", ()):
        data = base64.b64decode(item.get("data") or "", validate=True)
        digest = hashlib.sha256(data).hexdigest()
        if digest in wanted:
            found[digest] = data
    return found


def _media(item: MediaBody, index: int) -> Media:
    if item.data is None:
        return Media(item.content_type, url=item.url)
    try:
        data = base64.b64decode(item.data, validate=True)
    except ValueError as error:
        raise BadBody([(f"media.{index}.data", f"not base64: {error}")]) from error
    return Media(item.content_type, sha256=hashlib.sha256(data).hexdigest())


def _strings(value: Any) -> Iterator[str]:
    """Every string and number in a JSON value, keys included: an app may show any of them."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, float) and value.is_integer():
        yield str(int(value))  # and not 1.38e10: apps show the digits
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield str(value)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)
