"""The console's cookies, and what is derived from the secrets in them.

All have the prefix ``__Host-`` (RFC 6265bis, section 4.1.3.2): set over a secure connection only, for this host only.
Chromium takes http://localhost and http://127.0.0.1 for secure, so the console works on one's own machine, too.
``SameSite`` is Lax: who comes from another page, be it the OpenID provider's, is to arrive signed in.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import secrets
from typing import Final

from fastapi import Request, Response

SESSION: Final = "__Host-session"
VISIT: Final = "__Host-visit"
"""For who has not signed in: what forms of the sign-in page are bound to."""
OIDC: Final = "__Host-oidc"
"""From the way to the OpenID provider until the return."""
THEME: Final = "__Host-theme"
LANGUAGE: Final = "__Host-language"

_TOKEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")
_YEAR_S: Final = 365 * 86_400
_OIDC_S: Final = 600


def new_token() -> str:
    """256 random bits."""
    return secrets.token_urlsafe(32)


def token_in(request: Request, name: str) -> str | None:
    """The secret in a cookie, if it is one of ours by its form."""
    found = request.cookies.get(name, "")
    return found if _TOKEN.fullmatch(found) else None


def derived(token: str, purpose: str) -> str:
    """A secret for one purpose, from which neither the token nor another can be told (RFC 2104)."""
    digest = hmac.new(token.encode(), purpose.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def challenge_of(verifier: str) -> str:
    """PKCE's challenge by S256 (RFC 7636, section 4.2)."""
    digest = hashlib.sha256(verifier.encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def put(response: Response, name: str, value: str) -> None:
    """Set a cookie; the choice of theme and language is kept for a year, what is secret no longer than needed."""
    kept = {THEME: _YEAR_S, LANGUAGE: _YEAR_S, OIDC: _OIDC_S}.get(name)
    response.set_cookie(name, value, max_age=kept, path="/", secure=True, httponly=True, samesite="lax")


def drop(response: Response, name: str) -> None:
    """Let the browser forget a cookie."""
    response.delete_cookie(name, path="/", secure=True, httponly=True, samesite="lax")
