"""A small OpenID provider, as a process: it signs real tokens, and can be told to give a bad one next.

Everybody who is sent there is signed in at once, as ``the admin`` unless told otherwise.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
import sys
import time
from typing import Any
from urllib.parse import parse_qs, unquote, urlencode

import orjson
import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import RedirectResponse
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT_ID, SECRET = "gateway-console", "a secret: with/odd+letters"


def key(kind: str = "RSA") -> Any:
    """A new key with an id."""
    parameters: Any = {"kid": secrets.token_hex(4), "use": "sig"}
    return RSAKey.generate_key(2048, parameters) if kind == "RSA" else ECKey.generate_key("P-256", parameters)


class Provider:
    """The provider; ``twist`` says what is bad about what it gives next."""

    def __init__(self, issuer: str) -> None:
        self.issuer = issuer
        self.keys = [key()]
        self.codes: dict[str, dict[str, str]] = {}
        self.twist: dict[str, Any] = {}
        self.asked_for_keys = 0

    async def metadata(self) -> dict[str, Any]:
        """OpenID Connect Discovery 1.0."""
        return {
            "issuer": self.twist.get("issuer", self.issuer),
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": self.twist.get("jwks_uri", f"{self.issuer}/keys"),
            "token_endpoint_auth_methods_supported": [self.twist.get("method", "client_secret_basic")],
        }

    async def published(self) -> dict[str, Any]:
        """The public keys."""
        self.asked_for_keys += 1
        return {"keys": [each.as_dict(private=False) for each in self.keys]}

    async def authorize(self, request: Request) -> Response:
        """Send the browser back with a code."""
        asked = dict(request.query_params)
        good = asked["client_id"] == CLIENT_ID and asked["code_challenge_method"] == "S256"
        if not good or asked["response_type"] != "code" or "openid" not in asked["scope"].split():
            return Response(status_code=400)
        code = secrets.token_urlsafe(16)
        self.codes[code] = asked
        back = {"code": code, "state": asked["state"], "iss": self.issuer, **self.twist.get("back", {})}
        return RedirectResponse(f"{asked['redirect_uri']}?{urlencode(back)}", 302)

    async def token(self, request: Request) -> Response:
        """A token for a code, once."""
        form = {name: values[0] for name, values in parse_qs((await request.body()).decode()).items()}
        asked = self.codes.pop(form.get("code", ""), None)
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        challenge = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
        if not _client(request, form, self.twist.get("method", "client_secret_basic")):
            return _json({"error": "invalid_client"}, 401)
        if asked is None or asked["redirect_uri"] != form["redirect_uri"] or asked["code_challenge"] != challenge:
            return _json({"error": "invalid_grant"}, 400)
        if "answer" in self.twist:
            return Response(self.twist["answer"], media_type="application/json")
        return _json({"access_token": "x", "token_type": "Bearer", "id_token": self._signed(asked["nonce"])})

    async def be_told(self, request: Request) -> dict[str, int]:
        """Take a twist; how often the keys were asked for."""
        self.twist = orjson.loads(await request.body())
        if kind := self.twist.get("rotate"):
            self.keys = [key(kind)]
        return {"keys": self.asked_for_keys}

    def _claims(self, nonce: str) -> dict[str, Any]:
        now = int(time.time())
        claims: dict[str, Any] = {
            "iss": self.issuer,
            "sub": "subject-1",
            "aud": CLIENT_ID,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "email": "the admin",
            "email_verified": True,
            **self.twist.get("claims", {}),
        }
        return {name: value for name, value in claims.items() if name not in self.twist.get("without", ())}

    def _signed(self, nonce: str) -> str:
        claims, signing = self._claims(nonce), self.keys[0]
        match self.twist.get("sign"):
            case "none":
                return f"{_packed({'alg': 'none'})}.{_packed(claims)}."
            case "other":
                return jwt.encode({"alg": "RS256", "kid": signing.kid}, claims, key())
            case "hmac":
                # The public key taken for a shared secret.
                return _by_hand({"alg": "HS256", "kid": signing.kid}, claims, signing.as_pem(private=False))
            case "secret":
                return _by_hand({"alg": "HS256"}, claims, SECRET.encode())
        return jwt.encode(
            {"alg": "ES256" if signing.key_type == "EC" else "RS256", "kid": signing.kid}, claims, signing
        )


def app_of(issuer: str) -> FastAPI:
    """The provider as an application."""
    app, provider = FastAPI(), Provider(issuer)
    app.get("/.well-known/openid-configuration")(provider.metadata)
    app.get("/keys")(provider.published)
    app.get("/authorize")(provider.authorize)
    app.post("/token")(provider.token)
    app.post("/twist")(provider.be_told)
    return app


def _packed(part: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(part)).rstrip(b"=").decode()


def _by_hand(head: dict[str, Any], claims: dict[str, Any], shared: bytes) -> str:
    """A token signed with a shared secret, which no library helps with where the secret is a public key."""
    signed = f"{_packed(head)}.{_packed(claims)}"
    digest = hmac.digest(shared, signed.encode(), "sha256")
    return f"{signed}.{base64.urlsafe_b64encode(digest).rstrip(b'=').decode()}"


def _client(request: Request, form: dict[str, str], method: str) -> bool:
    if method == "client_secret_post":
        return (form.get("client_id"), form.get("client_secret")) == (CLIENT_ID, SECRET)
    scheme, _, packed = request.headers.get("authorization", "").partition(" ")
    client, _, secret = base64.b64decode(packed).decode().partition(":")
    return scheme == "Basic" and (unquote(client), unquote(secret)) == (CLIENT_ID, SECRET)


def _json(body: dict[str, Any], status: int = 200) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")


if __name__ == "__main__":
    port = int(sys.argv[1])
    uvicorn.run(app_of(f"http://127.0.0.1:{port}"), host="127.0.0.1", port=port, log_level="warning")
