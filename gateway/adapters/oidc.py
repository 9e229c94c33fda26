"""Signing in by an OpenID provider: discovery, the code's exchange, and the check of what it says.

The checks are those of OpenID Connect Core 1.0, section 3.1.3.7; signatures are checked by joserfc.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import quote, urlencode, urlsplit

import httpx
import orjson
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import KeySet

from gateway.ports import Fault
from gateway.ports.sign_in import NotProven

_ALGORITHMS: Final = [f"{kind}{bits}" for kind in ("RS", "PS", "ES") for bits in (256, 384, 512)]
"""Signatures with public keys only: with a shared secret, who reads the settings could be anybody."""
_LEEWAY_S: Final = 60
_KEPT_S: Final = 3600.0
"""How long the provider's addresses and keys are kept."""
_AGAIN_S: Final = 30.0
"""Keys are asked for again this often at most, when a token names one that is not known."""
_BYTES: Final = 256 * 1024
_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class OidcClient:
    """How the gateway is known to a provider. ``redirect`` is where browsers come back to, ``claim`` the claim that
    names the operator. Without ``secret`` it is a public client (RFC 6749, section 2.1)."""

    issuer: str
    client_id: str
    secret: str | None
    redirect: str
    claim: str = "email"
    scope: str = "openid email"


class OidcProvider:
    """See `gateway.ports.sign_in.IdentityProvider`."""

    def __init__(self, client: OidcClient, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._monotonic = monotonic
        self._http = httpx.AsyncClient(trust_env=False, follow_redirects=False, timeout=_SECONDS)
        self._found: tuple[float, dict[str, Any]] | None = None
        self._keys: tuple[float, KeySet] | None = None

    async def address(self, state: str, nonce: str, challenge: str) -> str:
        """See `gateway.ports.sign_in.IdentityProvider`, as for `who`."""
        endpoint = self._endpoint(await self._discovered(), "authorization_endpoint")
        query = {
            "response_type": "code",
            "client_id": self._client.client_id,
            "redirect_uri": self._client.redirect,
            "scope": self._client.scope,
            "state": state,
            "nonce": nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(query)}"

    async def who(self, code: str, issuer: str | None, verifier: str, nonce: str) -> str:
        if issuer is not None and issuer != self._client.issuer:
            raise NotProven("another provider answered")
        token = await self._exchange(code, verifier)
        claims = await self._checked(token, nonce)
        name = claims.get(self._client.claim)
        if not isinstance(name, str) or not name:
            raise NotProven(f"the claim {self._client.claim} is missing")
        if self._client.claim == "email" and claims.get("email_verified") is not True:
            raise NotProven("the provider did not verify the email address")
        return name

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _exchange(self, code: str, verifier: str) -> str:
        found = await self._discovered()
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self._client.redirect,
            "code_verifier": verifier,
        }
        auth: tuple[str, str] | None = None
        methods = found.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        if self._client.secret is None:
            form["client_id"] = self._client.client_id
        elif "client_secret_basic" in methods or "client_secret_post" not in methods:
            # Both parts are encoded as in a form first (RFC 6749, section 2.3.1).
            auth = (quote(self._client.client_id, safe=""), quote(self._client.secret, safe=""))
        else:
            form |= {"client_id": self._client.client_id, "client_secret": self._client.secret}
        status, answer = await self._ask("POST", self._endpoint(found, "token_endpoint"), form, auth)
        if 400 <= status < 500:
            raise NotProven("the provider does not take the code")
        token = answer.get("id_token") if status == 200 else None
        if not isinstance(token, str):
            raise Fault("the provider gave no id_token")
        return token

    async def _checked(self, token: str, nonce: str) -> dict[str, Any]:
        try:
            try:
                decoded = jwt.decode(token, await self._key_set(), algorithms=_ALGORITHMS)
            except (JoseError, ValueError):
                if not self._may_ask_again():
                    raise
                # The provider may have new keys since.
                decoded = jwt.decode(token, await self._key_set(again=True), algorithms=_ALGORITHMS)
            claims: dict[str, Any] = decoded.claims
            jwt.JWTClaimsRegistry(
                leeway=_LEEWAY_S,
                iss={"essential": True, "value": self._client.issuer},
                aud={"essential": True, "value": self._client.client_id},
                sub={"essential": True},
                exp={"essential": True},
                iat={"essential": True},
                nonce={"essential": True, "value": nonce},
            ).validate(claims)
        except (JoseError, ValueError, TypeError) as error:
            raise NotProven(f"the id_token is not good ({type(error).__name__})") from None
        audience = claims["aud"]
        others = [each for each in audience if each != self._client.client_id] if isinstance(audience, list) else []
        if (others or "azp" in claims) and claims.get("azp") != self._client.client_id:
            raise NotProven("the id_token was made for somebody else, too")
        return claims

    def _may_ask_again(self) -> bool:
        return self._keys is None or self._monotonic() - self._keys[0] >= _AGAIN_S

    async def _key_set(self, *, again: bool = False) -> KeySet:
        now = self._monotonic()
        if again or self._keys is None or now - self._keys[0] >= _KEPT_S:
            address = self._endpoint(await self._discovered(), "jwks_uri")
            status, answer = await self._ask("GET", address)
            try:
                if status != 200:
                    raise ValueError
                self._keys = (now, KeySet.import_key_set(answer))  # type: ignore[arg-type]
            except (JoseError, ValueError, TypeError, KeyError) as error:
                raise Fault("the provider's keys cannot be read") from error
        return self._keys[1]

    async def _discovered(self) -> dict[str, Any]:
        """The provider's metadata (OpenID Connect Discovery 1.0, section 4)."""
        now = self._monotonic()
        if self._found is None or now - self._found[0] >= _KEPT_S:
            address = f"{self._client.issuer.rstrip('/')}/.well-known/openid-configuration"
            status, answer = await self._ask("GET", address)
            if status != 200 or answer.get("issuer") != self._client.issuer:
                raise Fault("the provider's metadata is not that of this issuer")
            self._found = (now, answer)
        return self._found[1]

    def _endpoint(self, found: dict[str, Any], name: str) -> str:
        address = found.get(name)
        if not isinstance(address, str) or urlsplit(address).scheme != urlsplit(self._client.issuer).scheme:
            raise Fault(f"the provider's {name} is none")
        return address

    async def _ask(
        self, method: str, address: str, form: dict[str, str] | None = None, auth: tuple[str, str] | None = None
    ) -> tuple[int, dict[str, Any]]:
        """Status and JSON object of an answer. Raises `Fault`."""
        whole = bytearray()
        try:
            async with (
                asyncio.timeout(2 * _SECONDS),
                self._http.stream(
                    method, address, data=form, auth=auth, headers={"Accept": "application/json"}
                ) as response,
            ):
                async for piece in response.aiter_bytes():
                    whole += piece
                    if len(whole) > _BYTES:
                        raise Fault("the provider's answer is too large")
            answer = orjson.loads(whole)
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            raise Fault(f"the provider cannot be reached ({type(error).__name__})") from error
        except orjson.JSONDecodeError:
            answer = None
        return response.status_code, answer if isinstance(answer, dict) else {}
