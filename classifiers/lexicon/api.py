"""``/lexicon`` on the worker's ops endpoint: GET tells the version, PUT replaces the terms file. WSGI."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIEnvironment

import orjson

from classifiers.lexicon.book import Lexicon
from classifiers.lexicon.engine import EngineError
from classifiers.lexicon.source import ReadOnly, Source
from classifiers.lexicon.terms import TermError

LARGEST: Final = 16 * 1024 * 1024
"""Bytes of a PUT's body."""
_Answer = tuple[str, dict[str, Any]]


def lexicon_page(source: Source, token: str | None) -> Callable[[WSGIEnvironment, StartResponse], list[bytes]]:
    """The page as a WSGI application. Without a ``token`` there is no PUT: it is answered 404."""

    def page(environ: WSGIEnvironment, start_response: StartResponse) -> list[bytes]:
        status, told = _answer(environ, source, token)
        headers = [("Content-Type", "application/json"), ("Cache-Control", "no-store")]
        if status.startswith("401"):
            headers.append(("WWW-Authenticate", "Bearer"))
        if status.startswith("405"):
            headers.append(("Allow", "GET, PUT" if token else "GET"))
        start_response(status, headers)
        return [orjson.dumps(told) + b"\n"]

    return page


def _answer(environ: WSGIEnvironment, source: Source, token: str | None) -> _Answer:
    method = environ.get("REQUEST_METHOD", "")
    if method == "GET":
        return "200 OK", _told(source.current())
    if method != "PUT":
        return "405 Method Not Allowed", {"error": "use GET or PUT"}
    if token is None:
        _drain(environ)
        return "404 Not Found", {"error": "not found"}
    if not _allowed(environ, token):
        _drain(environ)
        return "401 Unauthorized", {"error": "give the token as Authorization: Bearer TOKEN"}
    return _put(environ, source)


def _allowed(environ: WSGIEnvironment, token: str) -> bool:
    scheme, _, given = environ.get("HTTP_AUTHORIZATION", "").partition(" ")
    # WSGI shows header bytes as Latin-1; compared in a time that does not tell how much of it is right.
    same = hmac.compare_digest(given.strip().encode("latin-1", "replace"), token.encode())
    return scheme.lower() == "bearer" and same


def _put(environ: WSGIEnvironment, source: Source) -> _Answer:
    length = environ.get("CONTENT_LENGTH", "")
    if not (length.isascii() and length.isdigit()) or environ.get("HTTP_TRANSFER_ENCODING"):
        return "411 Length Required", {"error": "give the body's Content-Length"}
    if int(length[:12]) > LARGEST:
        return "413 Content Too Large", {"error": f"at most {LARGEST} bytes"}
    try:
        source.writable()
        data = environ["wsgi.input"].read(int(length))
        if len(data) != int(length):
            return "400 Bad Request", {"error": "the body ended too early"}
        return "200 OK", _told(source.put(data))
    except ReadOnly as error:
        _drain(environ)
        return "409 Conflict", {"error": str(error)}
    except TermError as error:
        return "422 Unprocessable Content", {"problems": error.problems}
    except EngineError as error:
        return "422 Unprocessable Content", {"problems": [str(error)]}
    except OSError as error:
        return "503 Service Unavailable", {"error": f"the terms file was not written: {error.strerror}"}


def _drain(environ: WSGIEnvironment) -> None:
    """Reads a body that nobody wants, because an answer before its end may never reach the client."""
    length = environ.get("CONTENT_LENGTH", "")
    if length.isascii() and length.isdigit() and int(length[:12]) <= LARGEST:
        environ["wsgi.input"].read(int(length))


def _told(lexicon: Lexicon) -> dict[str, Any]:
    return {"version": lexicon.version, "terms": len(lexicon.terms), "categories": lexicon.counts}
