"""Notices sent to a tenant's address, signed by the Standard Webhooks scheme."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
from typing import Final

import httpx

from gateway.ports import Delivery, Fault

_PREFIX: Final = "whsec_"
_FEWEST_BYTES: Final = 16


class HttpWebhooks:
    """See `gateway.ports.Webhooks`. ``seconds`` bounds one delivery as a whole. An answer of 2xx means that it arrived;
    redirects are not followed, and what the answer holds is not read."""

    def __init__(self, seconds: float = 10.0) -> None:
        self._seconds = seconds
        self._client = httpx.AsyncClient(
            timeout=httpx.Timeout(seconds), limits=httpx.Limits(max_connections=16), trust_env=False
        )

    async def deliver(self, delivery: Delivery, now_ms: int) -> None:
        """See `gateway.ports.Webhooks`. Without a secret nothing is sent: the receiver could not tell who sent it."""
        body = delivery.notice.body.encode()
        headers = signed(delivery.notice.notice_id, now_ms // 1000, body, _secret(delivery))
        try:
            async with (
                asyncio.timeout(self._seconds),
                self._client.stream("POST", delivery.url, content=body, headers=headers) as answer,
            ):
                status = answer.status_code
        except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
            raise Fault(f"notice not delivered: {type(error).__name__}") from error
        if not 200 <= status < 300:
            raise Fault(f"notice not delivered: the receiver answered {status}")

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()


def signed(notice_id: str, timestamp: int, body: bytes, secret: bytes) -> dict[str, str]:
    """The headers of a signed notice (Standard Webhooks: HMAC-SHA256 over id, time in unix seconds, and body)."""
    digest = hmac.new(secret, b"%b.%d.%b" % (notice_id.encode(), timestamp, body), hashlib.sha256).digest()
    return {
        "content-type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": f"v1,{base64.b64encode(digest).decode()}",
    }


def _secret(delivery: Delivery) -> bytes:
    name = delivery.secret_env
    value = os.environ.get(name, "") if name else ""
    if not value:
        raise Fault(f"the environment variable {name} holds no secret" if name else "the tenant has no notify secret")
    try:
        secret = base64.b64decode(value.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(f"the environment variable {name} holds no secret in base64") from error
    if len(secret) < _FEWEST_BYTES:
        raise Fault(f"the secret in the environment variable {name} is shorter than {_FEWEST_BYTES} bytes")
    return secret
