"""Pages for the public: made on the server, in the reader's language, without scripts, cookies, or anything from
elsewhere.

Templates, their style sheet and their words stand in ``public``: ``NAME.LANGUAGE.yaml`` beside the template of the same
name, and ``page.LANGUAGE.yaml`` for what all of them say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Coroutine, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import yaml
from fastapi import APIRouter, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gateway.core.wordings import languages, moment, nearest
from gateway.http.budget import Budget
from gateway.http.problems import RETRY_SOON, Problem
from gateway.http.rate import Limited
from gateway.http.requests import Disconnected, whole_body
from gateway.ports import Fault

_HERE: Final = Path(__file__).parent / "public"
LANGUAGES: Final = languages()
"""The first one is for whoever asks for none of them."""

FORM: Final = "application/x-www-form-urlencoded"
"""The media type of the pages' forms."""

_SAFE: Final = {
    # Nothing is run and nothing is fetched but the style sheet; no other site may frame a page, and forms go home only.
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",  # an address may hold a secret
    "X-Content-Type-Options": "nosniff",
    "X-Robots-Tag": "noindex, nofollow",
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


def router_of(words_of: str) -> APIRouter:
    """A router whose answers are pages, also when something is wrong; it is told in the words of this template."""

    class Shown(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handler = super().get_route_handler()

            async def shown(request: Request) -> Response:
                try:
                    return await handler(request)
                except RequestValidationError:  # an address that nobody was given
                    return said(request, words_of, *(("unknown", 404) if request.path_params else ("unreadable", 400)))
                except Limited as problem:
                    how_long = {"seconds": problem.seconds}
                    return said(request, words_of, problem.words, 429, dict(problem.headers), **how_long)
                except Problem as problem:
                    name = "away" if problem.status in (429, 503) else "unreadable"
                    return said(request, words_of, name, problem.status, dict(problem.headers))
                except Disconnected:  # nobody reads this answer
                    return said(request, words_of, "unreadable", 400)
                except Fault:
                    return said(request, words_of, "away", 503, dict(RETRY_SOON))

            return shown

    return APIRouter(route_class=Shown)


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
    asked = request.query_params.get("lang", "").partition(",")[0][:100]
    return nearest(f"{asked},{request.headers.get('accept-language', '')}")


def page(
    request: Request,
    template: str,
    said: str,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    kept: Mapping[str, str] | None = None,
    **values: Any,
) -> Response:
    """A page of this template, with the words of ``said``. Whatever is in ``values`` is escaped where it is put. The
    same page in another language is at the address with the query ``kept``, else with that of the request. After a form
    without ``kept`` only a form's own address leads anywhere: others have a secret in their query."""
    language = language_of(request)
    query = parse_qsl(request.url.query, keep_blank_values=True) if kept is None else kept.items()
    leads = kept is not None or request.method != "POST" or not request.path_params

    def other(code: str) -> str:
        # Of a form that was sent, what was written is not kept: the link leads to an empty one.
        return f"?{urlencode([*[pair for pair in query if pair[0] != 'lang'], ('lang', code)])}"

    html = _templates.get_template(template).render(
        lang=language,
        words=words(said, language),
        languages={code: words("page", code)["name"] for code in LANGUAGES if leads},
        other_language=other,
        style=STYLE,
        when=lambda at_ms: moment(at_ms, language),
        **values,
    )
    return Response(html, status, {**_SAFE, **(headers or {}), "Content-Language": language}, "text/html")


def said(
    request: Request, words_of: str, name: str, status: int, headers: Mapping[str, str] | None = None, **values: object
) -> Response:
    """A page that says what ``name`` and its title do, of the words of a template."""
    known = words(words_of, language_of(request))
    heading = known.get(f"{name}_title", known["problem_title"])
    return page(request, "said.html", words_of, status, headers, heading=heading, text=known[name].format(**values))


def onward(address: str) -> Response:
    """To the page that shows what became of a form."""
    return Response("", 303, {**_SAFE, "Location": address}, "text/html")


async def form_of(
    request: Request, names: tuple[str, ...], limit: int, read_seconds: float, budget: Budget
) -> dict[str, str]:
    """The fields of a form that was sent, of those ``names``; its body may have ``limit`` bytes. Raises `Problem`, and
    `Disconnected`."""
    kind, _, parameters = request.headers.get("content-type", "").partition(";")
    if kind.strip().lower() != FORM or parameters.strip().lower() not in ("", "charset=utf-8"):
        raise Problem(415, "content_type", f"Content-Type: send {FORM} in UTF-8.")
    length = request.headers.get("content-length", "")
    announced = int(length) if length.isascii() and length.isdigit() else None
    async with whole_body(request.receive, announced, limit, read_seconds, budget) as body:
        try:
            pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=len(names))
        except ValueError as error:
            raise Problem(400, "bad_body", "body: not a form in UTF-8.") from error
    fields = dict(pairs)
    if len(fields) < len(pairs) or not fields.keys() <= set(names):
        raise Problem(400, "bad_body", "body: a field is given twice, or is not known.")
    return fields
