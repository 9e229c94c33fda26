"""Asks Aliyun whether an organisation's register entry says the same as we do: EntElementVerifyV2."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

import httptools

from gateway.adapters.http1 import ClosedEarly
from gateway.adapters.pool import Address, Pool
from gateway.core.verification import VerificationEvent
from gateway.ports import CheckUnavailable, Clock, UpstreamNotReached
from gateway.providers.aliyun import NoResult, parameters, query_of, read_answer, signed_headers
from gateway.providers.config import Provider
from gateway.providers.webhooks import Malformed

_CONNECTIONS: Final = 8
_ANSWER: Final = 65_536
"""Bytes of an answer."""


class AliyunChecker:
    """See `gateway.ports.Checker`. ``seconds`` bounds one question, from the wait for a connection to the answer's end.

    The parameters stand in the query, as Aliyun's own clients send them; it is a name and a number of the register's,
    under TLS, and is logged by nobody here.
    """

    def __init__(self, provider: Provider, key_id: str, secret: bytes, clock: Clock, seconds: float = 10.0) -> None:
        self._elements = provider.elements
        self._host = urlsplit(provider.endpoint).netloc
        self._key_id = key_id
        self._secret = secret
        self._clock = clock
        self._seconds = seconds
        self._new_pool: Callable[[], Pool] = lambda: Pool(Address.of(provider.endpoint), _CONNECTIONS, seconds)
        self._pool: Pool | None = None

    async def check(self, verification_id: str, fields: Mapping[str, str]) -> VerificationEvent:
        """See `gateway.ports.Checker`."""
        nonce = self._clock.new_id()
        try:
            query = query_of(parameters(self._elements, nonce, fields))
        except Malformed:
            return VerificationEvent.ASK
        answer = read_answer(*await self._post(query, nonce))
        if isinstance(answer, NoResult):
            raise CheckUnavailable(f"Aliyun gave no result: {answer.why}")
        return answer

    async def close(self) -> None:
        """Close the idle connections."""
        if self._pool is not None:
            self._pool.close()

    async def _post(self, query: str, nonce: str) -> tuple[int, bytes]:
        if self._pool is None:
            self._pool = self._new_pool()
        date = datetime.fromtimestamp(self._clock.now_ms() / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        headers = signed_headers(self._host, query, date, nonce, self._key_id, self._secret)
        lines = [f"POST /?{query} HTTP/1.1", *[f"{name}: {value}" for name, value in headers], "Content-Length: 0"]
        data = ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")
        try:
            async with asyncio.timeout(self._seconds), self._pool.free:
                connection = await self._pool.connection(fresh=True)
                try:
                    answer = await connection.exchange(data, _ANSWER)
                finally:
                    connection.close()
        except UpstreamNotReached as fault:
            raise CheckUnavailable(f"Aliyun is not reached: {fault}") from fault
        except TimeoutError as error:
            raise CheckUnavailable(f"Aliyun did not answer within {self._seconds} s") from error
        except (ClosedEarly, httptools.HttpParserError) as error:
            raise CheckUnavailable(f"Aliyun did not answer in HTTP/1.1: {type(error).__name__}") from error
        return answer.status, answer.body


def aliyun_checker(provider: Provider, environ: Mapping[str, str], clock: Clock) -> AliyunChecker:
    """The checker of a configured provider, with its key from the environment."""
    if provider.client_env is None:
        raise RuntimeError("the provider was not validated")
    [secret_env] = provider.secret_env
    return AliyunChecker(provider, environ[provider.client_env].strip(), environ[secret_env].strip().encode(), clock)
