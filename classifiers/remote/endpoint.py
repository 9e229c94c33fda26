"""One moderations endpoint over HTTP, asked from any thread within a strict time.

The requests run on an event loop in a thread of their own: so the time bounds a request as a whole, name look-up, slow
senders and all, and the connections serve every thread that judges.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import logging
import ssl
import threading
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Final, Self, TypeVar

import httpx

from classifiers.contract import Silence
from classifiers.plugins import ClassifierError
from classifiers.remote.breaker import Breaker
from classifiers.remote.reading import Unreadable
from classifiers.remote.settings import RemoteSettings

_PATH: Final = "/v1/moderations"
_OF_THIS_MESSAGE: Final = frozenset({400, 413, 422})
"""Statuses that say something about what was sent, and nothing about the endpoint."""
T = TypeVar("T")
_log = logging.getLogger(__name__)


class Trouble(Exception):
    """No answer. ``silence`` says why; ``counts`` whether it speaks against the endpoint."""

    def __init__(self, silence: Silence, why: str, counts: bool = True) -> None:
        super().__init__(why)
        self.silence = silence
        self.why = why
        self.counts = counts


class Endpoint:
    """Connections to the endpoint. The thread starts with the first question, and ends with the process or `close`."""

    def __init__(self, settings: RemoteSettings) -> None:
        self._url = settings.url + _PATH
        self._limit = settings.response_limit
        self._breaker = Breaker(settings.failures, settings.pause_seconds)
        self._client = httpx.AsyncClient(
            headers=_headers(settings),
            verify=_trust(settings),
            limits=httpx.Limits(max_connections=settings.concurrency),  # the others wait for one within their time
            timeout=None,  # noqa: S113 - `ask` bounds it as a whole
            trust_env=False,
        )
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, body: bytes, seconds: float, read: Callable[[bytes], T]) -> T:
        """What ``read``, which runs in the endpoint's thread, makes of the answer to this request, within ``seconds``.

        Raises `Trouble`: UNAVAILABLE, at once while the endpoint is left alone after failures; TIMEOUT; FAILED for what
        it refuses because of this request, and for an answer that is too long, encoded, or `Unreadable` for ``read``.
        """
        try:
            return asyncio.run_coroutine_threadsafe(self._ask(body, seconds, read), self._running()).result()
        except concurrent.futures.CancelledError:
            raise Trouble(Silence.UNAVAILABLE, "closed", counts=False) from None

    def close(self) -> None:
        """End the connections and the thread. What is under way is UNAVAILABLE; nothing may be asked afterwards."""
        with self._lock:
            if self._loop is None or self._thread is None:
                return
            asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
            self._loop = self._thread = None

    def _running(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                self._thread = threading.Thread(target=self._loop.run_forever, name="remote", daemon=True)
                self._thread.start()
            return self._loop

    async def _end(self) -> None:
        under_way = asyncio.all_tasks() - {asyncio.current_task()}
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)
        await self._client.aclose()

    async def _ask(self, body: bytes, seconds: float, read: Callable[[bytes], T]) -> T:
        if not self._breaker.admits(asyncio.get_running_loop().time()):
            raise Trouble(Silence.UNAVAILABLE, "left alone after failures", counts=False)
        try:
            async with asyncio.timeout(seconds):
                answer = read(await self._post(body))
        except TimeoutError:
            self._failed("timeout")
            raise Trouble(Silence.TIMEOUT, "timeout") from None
        except Trouble as trouble:
            if trouble.counts:
                self._failed(trouble.why)
            else:
                self._worked()
            raise
        except Unreadable as error:
            self._failed(str(error))
            raise Trouble(Silence.FAILED, str(error)) from error
        except BaseException as error:
            self._failed(type(error).__name__)
            raise
        self._worked()
        return answer

    async def _post(self, body: bytes) -> bytes:
        try:
            try:
                return await self._once(body)
            except httpx.ConnectError:  # nothing was sent
                return await self._once(body)
        except httpx.TransportError as error:
            raise Trouble(Silence.UNAVAILABLE, type(error).__name__) from error

    async def _once(self, body: bytes) -> bytes:
        async with self._client.stream("POST", self._url, content=body) as response:
            if response.status_code != 200:
                ours = response.status_code in _OF_THIS_MESSAGE
                silence = Silence.FAILED if ours else Silence.UNAVAILABLE
                raise Trouble(silence, f"status {response.status_code}", counts=not ours)
            if response.headers.get("content-encoding", "identity") != "identity":
                raise Trouble(Silence.FAILED, "an encoded answer")  # how long it becomes is not known
            answer = bytearray()
            async for piece in response.aiter_raw():
                answer += piece
                if len(answer) > self._limit:
                    raise Trouble(Silence.FAILED, "an answer that is too long")
            return bytes(answer)

    def _failed(self, why: str) -> None:
        if self._breaker.failed(asyncio.get_running_loop().time()):
            _log.warning("remote endpoint is left alone for a while", extra={"why": why})

    def _worked(self) -> None:
        if self._breaker.worked():
            _log.info("remote endpoint answers again")


def _headers(settings: RemoteSettings) -> Mapping[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json", "Accept-Encoding": "identity"}
    if settings.key is not None:
        headers["Authorization"] = f"Bearer {settings.key.get_secret_value()}"
    return headers


def _trust(settings: RemoteSettings) -> ssl.SSLContext | bool:
    if settings.ssl_cafile is None:
        return True
    try:
        return ssl.create_default_context(cafile=settings.ssl_cafile)
    except (OSError, ssl.SSLError) as error:
        why = error.strerror or type(error).__name__
        message = f"CLASSIFIERS_REMOTE_SSL_CAFILE: {settings.ssl_cafile} cannot be used ({why}); give a PEM file"
        raise ClassifierError(message) from error
