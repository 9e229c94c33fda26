"""Articles as they are imported: one JSON object a line."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec

from gateway.core.addresses import page_key
from gateway.core.news import LONGEST_ARTICLE, Article
from gateway.core.shown import visible

_LONGEST_MESSAGE = 150
_LONGEST_NAME = 500
_LONGEST_TITLE = 1_000


class BadArticle(ValueError):
    """A line that is no article; the text names the field."""


class _Line(msgspec.Struct, forbid_unknown_fields=True):
    url: str
    publisher: str
    title: str
    text: str
    published_at: str
    author: str | None = None


def read_article(line: bytes) -> Article:
    """The article in a line with the fields ``url``, ``publisher``, ``title``, ``text``, ``published_at`` (ISO 8601;
    UTC where it says no zone) and perhaps ``author``. Raises `BadArticle`."""
    try:
        given = msgspec.json.decode(line, type=_Line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadArticle(visible(str(error), _LONGEST_MESSAGE)) from error  # it quotes a field that is not known
    page = page_key(given.url)
    if page is None:
        raise BadArticle("url: give an http or https address")
    bounds: list[tuple[str, Any, int, int]] = [
        ("publisher", given.publisher, 1, _LONGEST_NAME),
        ("title", given.title, 0, _LONGEST_TITLE),
        ("text", given.text, 1, LONGEST_ARTICLE),
        ("author", given.author or "", 0, _LONGEST_NAME),
    ]
    for name, value, least, most in bounds:
        if not least <= len(value.strip()) or len(value) > most:
            raise BadArticle(f"{name}: give {least} to {most} characters")
        if "\x00" in value:
            raise BadArticle(f"{name}: has a NUL character in it")
    return Article(page, given.publisher, given.title, given.text, moment_ms(given.published_at), given.author)


def moment_ms(text: str) -> int:
    """Unix milliseconds of a date or a time in ISO 8601, in UTC where it names no zone. Raises `BadArticle`."""
    try:
        at = datetime.fromisoformat(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError) as error:
        raise BadArticle(f"published_at: {text[:50]!r} is no date") from error
