"""Somebody else's saying who signs in: an OpenID provider."""

from __future__ import annotations

from typing import Protocol

from gateway.ports.faults import Fault


class NotProven(Fault):
    """The provider's answer does not prove who signs in; the text says what is wrong with it, and quotes nothing."""


class IdentityProvider(Protocol):
    """An OpenID provider (OpenID Connect Core 1.0, authorization code flow with PKCE, RFC 7636). Raises `Fault` when it
    cannot be reached or answers nonsense."""

    async def address(self, state: str, nonce: str, challenge: str) -> str:
        """Where a browser is sent to sign in; ``challenge`` is PKCE's, by S256."""

    async def who(self, code: str, issuer: str | None, verifier: str, nonce: str) -> str:
        """The operator's name that the provider vouches for, for the ``code`` that the browser brought back, and the
        ``issuer`` that came with it, if one did (RFC 9207). Raises `NotProven`."""
