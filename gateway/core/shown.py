"""What people are shown of texts that others wrote, and of moments."""

from __future__ import annotations

import json
import unicodedata
from datetime import UTC, datetime
from typing import Any


def visible(text: str, limit: int | None = None) -> str:
    """A text as a person may safely read it, or its first ``limit`` characters: what is no visible character, or would
    move or turn round others, as an escape. So is the backslash, lest a text pretend to hold one."""
    signs = [sign.encode("unicode_escape").decode() if _hidden(sign) else sign for sign in text[:limit]]
    return "".join(signs) + ("..." if limit is not None and len(text) > limit else "")


def visible_json(value: Any) -> str:
    """JSON in one line that a person may safely read: what `visible` escapes is an escape of JSON's own, so that it
    still means the same. Raises `TypeError` for what JSON has no form for."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return "".join([json.dumps(sign)[1:-1] if sign != "\\" and _hidden(sign) else sign for sign in text])


def counted(number: int, thing: str) -> str:
    """A number of things whose name takes an s when there is not one of them."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def written(at_ms: int) -> str:
    """Unix milliseconds in ISO 8601 (UTC); a date that no calendar has, for who means never, stays a number."""
    try:
        return datetime.fromtimestamp(at_ms // 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (ValueError, OverflowError, OSError):
        return str(at_ms)


def _hidden(sign: str) -> bool:
    return sign == "\\" or unicodedata.category(sign)[0] == "C" or unicodedata.category(sign) in ("Zl", "Zp")
