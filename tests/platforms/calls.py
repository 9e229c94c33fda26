"""Requests as clients send them, and what must be read in them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from gateway.core.model import Media, Message
from gateway.platforms import mapping
from gateway.platforms.mapping import Call, Match, Platform

JSON = "application/json"
FORM = "application/x-www-form-urlencoded"
BOUNDARY = "7b0c1d"
MULTIPART = f"multipart/form-data; boundary={BOUNDARY}"


def multipart(*parts: tuple[str, str] | tuple[str, str, bytes]) -> bytes:
    """A multipart body of fields (name, text) and files (name, filename, bytes)."""
    lines: list[bytes] = []
    for part in parts:
        lines.append(f"--{BOUNDARY}\r\n".encode())
        if len(part) == 2:
            lines.append(f'Content-Disposition: form-data; name="{part[0]}"\r\n\r\n{part[1]}\r\n'.encode())
        else:
            head = f'Content-Disposition: form-data; name="{part[0]}"; filename="{part[1]}"\r\n'
            lines += [head.encode(), b"Content-Type: image/png\r\n\r\n", part[2], b"\r\n"]
    return b"".join([*lines, f"--{BOUNDARY}--\r\n".encode()])


@dataclass(frozen=True)
class Row:
    """One request, and what must be read in it: the route, all texts in order, and the rest where it is given."""

    method: str
    url: str
    body: Any
    route: str
    texts: tuple[str, ...]
    target: str | None = None
    credential: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    media: tuple[Media, ...] = ()
    references: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    repeatable: bool = False
    """Whether it has the platform's own key for repeating it."""
    content_type: str | None = JSON

    @property
    def call(self) -> Call:
        """The request: a dict or list as JSON, a form as such, text and bytes as they are."""
        path, _, query = self.url.partition("?")
        return call(self.method, path, query, self.body, self.content_type, self.headers)


def call(
    method: str,
    path: str,
    query: str = "",
    body: Any = b"",
    content_type: str | None = JSON,
    headers: tuple[tuple[str, str], ...] = (),
) -> Call:
    """A request; ``body`` may be a JSON value, a form as a dict of texts, or bytes."""
    if isinstance(body, dict) and content_type == FORM:
        body = urlencode(body).encode()
    elif not isinstance(body, bytes):
        body = json.dumps(body).encode()
    given = headers if content_type is None else (("content-type", content_type), *headers)
    return Call(method, path.encode(), query.encode(), tuple((n.encode(), v.encode()) for n, v in given), body)


def passes(platform: Platform, method: str, path: str) -> bool:
    """Whether a request without a body goes on unjudged."""
    request = Call(method, path.encode(), b"", ())
    match = mapping.recognise(platform, method, request.raw_path, b"", ())
    return mapping.choose(platform, match, request).passes


def recognised(platform: Platform, request: Call) -> Match:
    """The match of a request that must not pass."""
    match = mapping.recognise(platform, request.method, request.raw_path, request.query, request.headers)
    match = mapping.choose(platform, match, request)
    assert not match.passes, f"{request.method} {request.raw_path!r} passes"
    return match


def read(platform: Platform, request: Call, *referenced: Message) -> Message:
    """The message in a publish request."""
    match = recognised(platform, request)
    return mapping.read(platform, match, request, tenant_id="t1", account_id="a1", referenced=referenced)


def check(platform: Platform, row: Row) -> None:
    """The request of a row is read as the row says."""
    match = recognised(platform, row.call)
    assert (match.route.id, match.route.kind) == (row.route, "publish")
    references = mapping.references(platform, match, row.call)
    message = read(platform, row.call)
    assert message.texts[: len(row.texts)] == row.texts
    # Behind them, what stands in several pieces as a reader sees it.
    for text in message.texts[len(row.texts) :]:
        assert "\n" in text or sum([piece in text for piece in row.texts]) > 1
    assert (message.target, message.media) == (row.target, row.media)
    assert tuple(reference.replace("\x1f", " ") for reference in references) == row.references
    assert message.doubts == row.doubts + (("unknown_reference",) if references else ())
    credential = mapping.credential(platform, row.call, match)
    assert (credential and credential.replace("\x1f", " ")) == row.credential
    key = mapping.idempotency(platform, match, row.call)
    assert (key is not None) == row.repeatable
    assert message.content_hash == mapping.content_hash(row.call)
