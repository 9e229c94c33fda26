"""Notices sent to a tenant's address, signed by the Standard Webhooks scheme.

A tenant's address may lead to nothing that only the gateway can reach: connections are those of
`gateway.adapters.pinned`. Redirects are not followed, and what an answer holds is not read.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import os
import ssl
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Final

import httptools

from gateway.adapters.pinned import Pinned, Resolve
from gateway.core.fetchable import Missing, Unfetchable, Wanted, public, wanted
from gateway.ports import Delivery, Fault
from gateway.settings import NotifySettings

_PREFIX: Final = "whsec_"
_FEWEST_BYTES: Final = 16
_AT_ONCE: Final = 16
_SECRETS: Final = 4
"""Secrets that a notice is signed with at most: the one in use, the one to come, and some to spare."""

_WHY: Final = {
    Missing.ADDRESS: "the address cannot be read in one way only; put the tenant with another --notify-url",
    Missing.SCHEME: "the address is http; give https, or allow it with GATEWAY_NOTIFY__HTTP",
    Missing.PORT: "the port is none of GATEWAY_NOTIFY__PORTS",
    Missing.UNKNOWN_HOST: "the host is unknown",
    Missing.PRIVATE: "the host is not on the public Internet; allow it with GATEWAY_NOTIFY__PRIVATE_HOSTS",
}


@dataclass(frozen=True, slots=True)
class NotifyLimits:
    """Where notices may go. ``seconds`` bounds one delivery as a whole; ``private_hosts`` are ``host:port`` pairs that
    are reached although they are not on the public Internet, each exactly itself, for http too."""

    http: bool = False
    ports: Collection[int] = (443,)
    private_hosts: Collection[str] = ()
    seconds: float = 10.0

    def asked(self, url: str) -> Wanted:
        """What an address asks for. Raises `Unfetchable`."""
        return wanted(url, http=self.http, ports=self.ports, private_hosts=self.private_hosts)


def notify_limits(settings: NotifySettings) -> NotifyLimits:
    """The limits that the settings name."""
    return NotifyLimits(settings.http, settings.ports, settings.trusted, settings.seconds)


def refused(why: Missing) -> str:
    """What is wrong with an address, and what to do about it."""
    return _WHY.get(why, why.value)


class HttpWebhooks:
    """See `gateway.ports.Webhooks`. An answer of 2xx means that it arrived. ``resolve``, ``allowed`` and ``tls`` are
    for tests, see `Pinned`."""

    def __init__(
        self,
        limits: NotifyLimits,
        *,
        resolve: Resolve | None = None,
        allowed: Callable[[str], bool] = public,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._limits = limits
        self._pinned = Pinned("notice-names", _AT_ONCE, resolve=resolve, allowed=allowed, tls=tls)

    async def deliver(self, delivery: Delivery, now_ms: int) -> None:
        """See `gateway.ports.Webhooks`. Without a secret nothing is sent: the receiver could not tell who sent it."""
        body = delivery.notice.body.encode()
        headers = signed(delivery.notice.notice_id, now_ms // 1000, body, _secrets(delivery))
        try:
            asked = self._limits.asked(delivery.url)
            async with asyncio.timeout(self._limits.seconds):
                status = await self._post(asked, headers, body)
        except Unfetchable as error:
            raise Fault(f"notice not delivered: {refused(error.why)}") from error
        except (OSError, httptools.HttpParserError, ValueError) as error:
            raise Fault(f"notice not delivered: {type(error).__name__}") from error
        if not 200 <= status < 300:
            raise Fault(f"notice not delivered: the receiver answered {status}")

    async def _post(self, asked: Wanted, headers: dict[str, str], body: bytes) -> int:
        lines = [
            f"POST {asked.target} HTTP/1.1",
            f"Host: {asked.authority}",
            "User-Agent: moderation-gateway",
            f"Content-Length: {len(body)}",
            "Connection: close",
            *[f"{name}: {value}" for name, value in headers.items()],
        ]
        connection = await self._pinned.connect(asked)
        try:
            connection.start("\r\n".join([*lines, "", ""]).encode("latin-1") + body)
            await connection.head()
            return connection.status
        finally:
            connection.close()

    def close(self) -> None:
        """Let go of what looks names up."""
        self._pinned.close()


def signed(notice_id: str, timestamp: int, body: bytes, secrets: Sequence[bytes]) -> dict[str, str]:
    """The headers of a signed notice (Standard Webhooks: HMAC-SHA256 over id, time in unix seconds, and body), with a
    signature by each of the secrets: while one takes the place of another, the receiver may know either."""
    what = b"%b.%d.%b" % (notice_id.encode(), timestamp, body)
    digests = [base64.b64encode(hmac.new(secret, what, hashlib.sha256).digest()).decode() for secret in secrets]
    return {
        "content-type": "application/json",
        "webhook-id": notice_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join([f"v1,{digest}" for digest in digests]),
    }


def _secrets(delivery: Delivery) -> list[bytes]:
    name = delivery.secret_env
    values = os.environ.get(name, "").split() if name else []
    if not values:
        raise Fault(f"the environment variable {name} holds no secret" if name else "the tenant has no notify secret")
    if len(values) > _SECRETS:
        raise Fault(f"the environment variable {name} holds more than {_SECRETS} secrets")
    return [_secret(value, name) for value in values]


def _secret(value: str, name: str | None) -> bytes:
    try:
        secret = base64.b64decode(value.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as error:
        raise Fault(f"the environment variable {name} holds no secret in base64") from error
    if len(secret) < _FEWEST_BYTES:
        raise Fault(f"a secret in the environment variable {name} is shorter than {_FEWEST_BYTES} bytes")
    return secret
