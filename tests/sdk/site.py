"""One platform, reached directly and through the gateway, and what has to hold on both ways."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import pytest

from tests.sdk.gateway import GatewayProcess
from tests.sdk.upstreams.server import Platform, Received

Server = TypeVar("Server", bound=Platform)
Error = TypeVar("Error", bound=Exception)

# A proxy speaks for itself in these.
_HOP_BY_HOP = {"host", "connection", "keep-alive", "te", "proxy-connection"}


@dataclass(frozen=True)
class Site(Generic[Server]):
    """A platform's ``server``, and ``url``, where the gateway listens for it."""

    server: Server
    url: str
    gateway: GatewayProcess

    def refused(self, error: type[Error], *calls: Callable[[], Any]) -> list[Error]:
        """What these calls raised. Each raises, is judged once (so the SDK does not try again), and nothing arrives."""
        with self._refusing(len(calls)):
            return [_raised(error, call) for call in calls]

    async def arefused(self, error: type[Error], *calls: Awaitable[Any]) -> list[Error]:
        """`refused`, for an SDK that is awaited."""
        with self._refusing(len(calls)):
            results = await asyncio.gather(*calls, return_exceptions=True)
        errors = [result for result in results if isinstance(result, error)]
        assert len(errors) == len(calls), results
        return errors

    @contextmanager
    def releasing(self) -> Iterator[None]:
        """Inside, one message is sent to the platform itself, and again, now held, through the gateway.

        Once it is released the same arrives, exactly once.
        """
        self.server.take()
        with self._holding() as held:
            yield
        direct = self.server.take()
        assert self.gateway.release(*held)["state"] == "published"
        compare(direct, self.server.take())

    @contextmanager
    def releasing_too_late(self) -> Iterator[None]:
        """Inside, one message is held. Its credential is no longer good when it is released, which the app can see."""
        with self._holding() as held:
            yield
        self.server.take()
        with self.server.revoked():
            message = self.gateway.release(*held)
        assert len(self.server.take()) == 1
        assert message["state"] == "release_failed"
        assert message["history"][-1]["note"].endswith(": the credential is no longer good")

    @contextmanager
    def unanswered(self) -> Iterator[None]:
        """Inside, one message reaches the platform, which does not answer. It is not sent again."""
        self.server.take()
        with self.server.silent():
            yield
        assert len(self.server.take()) == 1

    @contextmanager
    def _holding(self) -> Iterator[list[str]]:
        before, held = self.gateway.holds(), list[str]()
        yield held
        held += self.gateway.holds() - before
        assert len(held) == 1

    @contextmanager
    def _refusing(self, times: int) -> Iterator[None]:
        self.server.take()
        before = self.gateway.count("gateway_requests"), self.gateway.count("gateway_decisions")
        yield
        assert self.gateway.count("gateway_requests") - before[0] == times
        assert self.gateway.count("gateway_decisions") - before[1] == times
        assert self.server.take() == []


def _raised(error: type[Error], call: Callable[[], Any]) -> Error:
    with pytest.raises(error) as raised:
        call()
    return raised.value


def send_both_ways(site: Site[Any], send: Callable[[str], Any]) -> Any:
    """Call ``send`` with the platform's own address and with the gateway's: once each, the same has to arrive.

    Returns what the second call returned.
    """
    site.server.take()
    send(site.server.url)
    direct = site.server.take()
    answer = send(site.url)
    compare(direct, site.server.take())
    return answer


async def asend_both_ways(site: Site[Any], send: Callable[[str], Awaitable[Any]]) -> Any:
    """`send_both_ways`, for an SDK that is awaited."""
    site.server.take()
    await send(site.server.url)
    direct = site.server.take()
    answer = await send(site.url)
    compare(direct, site.server.take())
    return answer


def compare(direct: list[Received], through: list[Received]) -> None:
    """One request each way, equal in method, target, headers and body; the gateway adds whom it came from."""
    assert len(direct) == 1, direct
    assert len(through) == 1, through
    assert _content(through[0]) == _content(direct[0], ("x-forwarded-for", "127.0.0.1"))


def _content(request: Received, *added: tuple[str, str]) -> tuple[str, str, list[tuple[str, str]], str]:
    headers = [(name, _fixed(name, value)) for name, value in request.headers if name not in _HOP_BY_HOP]
    return request.method, request.target, sorted([*headers, *added]), request.sha256


def _fixed(name: str, value: str) -> str:
    """A boundary is random, and stands for any other of its length."""
    return value.partition("boundary=")[0] if name == "content-type" else value
