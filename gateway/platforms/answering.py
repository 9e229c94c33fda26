"""The gateway's own answers, in the platform's format, so that an SDK raises its ordinary exception."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from gateway.platforms.schema import AnswerKind, Platform, Route

_JSON = b"application/json"
"""Exactly so: with a charset behind it some SDKs do not read the error code."""
_TEXT = b"text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True)
class NativeAnswer:
    """An answer, ready to send; Content-Length is among its headers."""

    status: int
    headers: tuple[tuple[bytes, bytes], ...]
    body: bytes


def answer(platform: Platform, kind: AnswerKind, values: Mapping[str, str], route: Route | None = None) -> NativeAnswer:
    """The answer of one kind; that of the route, if it has its own.

    ``values`` are message, message_id, decision_id, code and retry_after (whole seconds); what is missing stands for
    nothing.
    """
    chosen = (route.answers.get(kind) if route is not None else None) or platform.answers.get(kind)
    if chosen is None:
        chosen = platform.answers[AnswerKind.MALFORMED].model_copy(update={"status": 401})
    if chosen.text is not None:
        content_type, body = _TEXT, str(chosen.text.render(values)).encode("utf-8", "replace")
    else:
        content_type, body = _JSON, orjson.dumps(chosen.body.render(values) if chosen.body else {})
    headers = [
        (b"content-type", content_type),
        (b"content-length", str(len(body)).encode()),
        (b"x-moderation", kind.value.encode()),
    ]
    if values.get("message_id"):
        headers.append((b"x-moderation-message", _header(values["message_id"])))
    for name, value in chosen.headers.items():
        headers.append((name.lower().encode("ascii"), _header(str(value.render(values)))))
    return NativeAnswer(chosen.status, tuple(headers), body)


def _header(value: str) -> bytes:
    """A header value of visible ASCII: nothing in it can end the line."""
    return "".join([char if " " <= char <= "~" else "?" for char in value]).encode("ascii")
