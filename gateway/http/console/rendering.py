"""The templates, and what they may call. Everything that is put into a page is escaped."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlencode

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup, escape

from gateway.core.queue import MOST_COUNTED
from gateway.core.shown import visible, visible_json, written
from gateway.http.console import assets, marks
from gateway.http.console.keys import KEYS

_TEMPLATES: Final = Path(__file__).parent / "templates"
_COLOURS: Final = 8


@cache
def environment() -> Environment:
    """The templates' environment."""
    made = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters |= {
        "shown": shown,
        "when": when,
        "amount": amount,
        "counted": counted,
        "segment": segment,
        "json_line": visible_json,
        "colour": colour,
    }
    made.globals |= {
        "asset": assets.path_of,
        "pieces": marks.pieces,
        "runs": marks.runs,
        "Mark": marks.Mark,
        "address": address,
        "keys": KEYS,
    }
    return made


def shown(text: object) -> Markup:
    """A short text of others' as it may safely be shown: its direction its own, what cannot be seen made visible."""
    parts = [
        Markup('<span class="hidden-sign">{}</span>').format(run) if hidden else escape(run)
        for run, hidden in marks.runs(str(text).replace("\n", "\\n"))
    ]
    return Markup('<bdi dir="auto">{}</bdi>').format(Markup("").join(parts))


def when(at_ms: int | None) -> Markup:
    """A moment, in UTC."""
    if at_ms is None:
        return Markup('<span class="nothing">-</span>')
    iso = written(at_ms)
    return Markup('<time datetime="{}">{}</time>').format(iso, iso.replace("T", " ").removesuffix("Z"))


def amount(value: float | None) -> str:
    """A number with as many digits as somebody reads."""
    if value is None:
        return "-"
    if value == int(value) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.2g}" if abs(value) < 10 else f"{value:.1f}"


def counted(number: int, of: int = 0) -> str:
    """A number that was counted among as many as `MOST_COUNTED`, ``of`` so many in all: ``+`` says that more may be."""
    if number > MOST_COUNTED:
        return f"{amount(MOST_COUNTED)}+"
    return f"{amount(number)}+" if of > MOST_COUNTED else amount(number)


def segment(value: str) -> str:
    """A text as one segment of a path."""
    return quote(value, safe="")


def address(path: str, **query: object) -> str:
    """A path with a query; what is None or empty is left out."""
    given = {name: value for name, value in query.items() if value not in (None, "")}
    return f"{path}?{urlencode(given)}" if given else path


def colour(word: str) -> int:
    """One of the colours for a category's name, always the same. The name stands beside it: no colour says it alone."""
    return sum(map(ord, word)) % _COLOURS


def plain(text: str) -> str:
    """A text for where no markup can stand (a title, an attribute)."""
    return re.sub(r"\s+", " ", visible(text, 200))
