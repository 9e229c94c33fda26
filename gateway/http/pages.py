"""Pages for the public: made on the server, in the reader's language, without scripts, cookies, or anything from
elsewhere.

Templates, their style sheet and their words stand in ``public``: ``NAME.LANGUAGE.yaml`` beside the template of the same
name, and ``page.LANGUAGE.yaml`` for what all of them say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import yaml
from fastapi import APIRouter, Request, Response
from jinja2 import Environment, FileSystemLoader, StrictUndefined

_HERE: Final = Path(__file__).parent / "public"
LANGUAGES: Final = ("en", "zh")
"""The first one is for whoever asks for none of them."""

_SAFE: Final = {
    # Nothing is run and nothing is fetched but the style sheet; no other site may frame a page, and forms go home only.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # an address may hold a receipt's token
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Vary": "Accept-Language",
}
_STYLE: Final = (_HERE / "style.css").read_bytes()
_STYLE_PATH: Final = "/public/style.css"
STYLE: Final = f"{_STYLE_PATH}?{hashlib.sha256(_STYLE).hexdigest()[:12]}"
"""The style sheet's address; another content has another one, so that it may be kept for long."""

_templates: Final = Environment(
    loader=FileSystemLoader(_HERE),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    auto_reload=False,
)

router = APIRouter()


@router.get(
    _STYLE_PATH,
    summary="The public pages' style sheet",
    response_class=Response,
    responses={200: {"content": {"text/css": {"schema": {"type": "string"}}}}},
)
async def style() -> Response:
    """Its address in the pages changes with its content."""
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "X-Content-Type-Options": "nosniff"}
    return Response(_STYLE, media_type="text/css", headers=headers)


@cache
def words(name: str, language: str) -> Mapping[str, Any]:
    """What the template ``name`` says in a language."""
    found: dict[str, Any] = {}
    for file in dict.fromkeys(("page", name)):
        found |= yaml.safe_load((_HERE / f"{file}.{language}.yaml").read_text(encoding="utf-8"))
    return found


def language_of(request: Request) -> str:
    """The language to answer in: what ``?lang=`` says, else the most wanted one of ``Accept-Language`` that there is
    (RFC 9110 section 12.5.4), else English."""
    asked = request.query_params.get("lang", "")
    if asked in LANGUAGES:
        return asked
    best, most = LANGUAGES[0], 0.0
    for part in request.headers.get("accept-language", "")[:1000].split(","):
        tag, _, weight = part.strip().lower().partition(";")
        language = tag.strip().partition("-")[0]
        wanted = _weight(weight)
        if language in LANGUAGES and wanted > most:
            best, most = language, wanted
    return best


def _weight(text: str) -> float:
    name, _, value = text.strip().partition("=")
    if not text.strip():
        return 1.0
    try:
        return min(1.0, float(value)) if name.strip() == "q" else 0.0
    except ValueError:
        return 0.0


def when(at_ms: int, language: str) -> str:
    """A moment as people read it."""
    form: str = words("page", language)["when"]
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime(form)


def page(
    request: Request,
    template: str,
    said: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page of this template, with the words of ``said``. Whatever is in ``values`` is escaped where it is put."""
    language = language_of(request)

    def other(code: str) -> str:
        # Of a form that was sent, what was written is not kept: the link leads to an empty one.
        kept = [pair for pair in parse_qsl(request.url.query, keep_blank_values=True) if pair[0] != "lang"]
        return f"?{urlencode([*kept, ('lang', code)])}"

    html = _templates.get_template(template).render(
        lang=language,
        words=words(said, language),
        languages={code: words("page", code)["name"] for code in LANGUAGES},
        other_language=other,
        style=STYLE,
        when=lambda at_ms: when(at_ms, language),
        **values,
    )
    return Response(html, status, {**_SAFE, **(headers or {}), "Content-Language": language}, "text/html")
