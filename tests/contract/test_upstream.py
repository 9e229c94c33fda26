"""What every upstream does, the one over HTTP and the one that tests script."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from typing import Protocol

import pytest

from gateway.adapters.upstream import HttpUpstream, UpstreamLimits
from gateway.core.records import Request, Tenant, UpstreamAnswer
from gateway.ports import Upstream, UpstreamNotReached, UpstreamUnknown
from tests.fakes import ScriptedUpstream
from tests.peer import Peer, Play

REQUEST = Request(b'{"text":"\xe2\x9c\x93\x00"}', "application/json")
HASH = hashlib.sha256(REQUEST.body).hexdigest()


class Side(Protocol):
    """An upstream, and a hand on what stands behind it."""

    upstream: Upstream
    tenant: Tenant

    def answers(self, answer: UpstreamAnswer) -> None:
        """Let it answer so."""

    def hangs_up(self) -> None:
        """Let it take the request and give no answer."""

    def leaves(self) -> None:
        """Let it be gone."""

    def got(self) -> list[bytes]:
        """The bodies it got."""


class Scripted:
    """The fake."""

    def __init__(self) -> None:
        self._fake = ScriptedUpstream([])
        self.upstream: Upstream = self._fake
        self.tenant = Tenant("t1", "Tenant One", "http://127.0.0.1/publish")
        self._gone = False

    def answers(self, answer: UpstreamAnswer) -> None:
        self._fake.answer = answer

    def hangs_up(self) -> None:
        self._fake.fault = UpstreamUnknown("hung up")

    def leaves(self) -> None:
        self._fake.fault = UpstreamNotReached("gone")
        self._gone = True

    def got(self) -> list[bytes]:
        return [] if self._gone else [request.body for _, _, request in self._fake.got]


class Http:
    """The real one, before a server."""

    def __init__(self, peer: Peer) -> None:
        self._peer = peer
        self.real = HttpUpstream(UpstreamLimits())
        self.upstream: Upstream = self.real
        self.tenant = Tenant("t1", "Tenant One", f"http://{peer.netloc}/publish")

    def answers(self, answer: UpstreamAnswer) -> None:
        head = f"HTTP/1.1 {answer.status} X\r\nContent-Type: {answer.content_type}\r\n"
        self._peer.plays.append(Play(f"{head}Content-Length: {len(answer.body)}\r\n\r\n".encode() + answer.body))

    def hangs_up(self) -> None:
        self._peer.plays.append(Play(b"", close=True))

    def leaves(self) -> None:
        self.tenant = Tenant("t1", "Tenant One", "http://127.0.0.1:1/publish")

    def got(self) -> list[bytes]:
        return [request.partition(b"\r\n\r\n")[2] for request in self._peer.requests]


@pytest.fixture(params=["scripted", "http"])
async def side(request: pytest.FixtureRequest) -> AsyncIterator[Side]:
    if request.param == "scripted":
        yield Scripted()
        return
    async with Peer() as peer:
        http = Http(peer)
        yield http
        await http.real.close()


@pytest.mark.parametrize("status", [200, 201, 302, 404, 500, 503])
async def test_an_answer_is_returned_whatever_its_status(side: Side, status: int) -> None:
    answer = UpstreamAnswer(status, b'{"id": 1}', "application/json; charset=utf-8")
    side.answers(answer)
    assert await side.upstream.forward(side.tenant, "m1", REQUEST, HASH) == answer


async def test_the_bytes_are_sent_as_they_are_and_once(side: Side) -> None:
    side.answers(UpstreamAnswer(200, b"", "text/plain"))
    await side.upstream.forward(side.tenant, "m1", REQUEST, HASH)
    assert side.got() == [REQUEST.body]


async def test_without_an_answer_the_outcome_is_unknown(side: Side) -> None:
    side.hangs_up()
    with pytest.raises(UpstreamUnknown):
        await side.upstream.forward(side.tenant, "m1", REQUEST, HASH)
    assert side.got() == [REQUEST.body]


async def test_an_upstream_that_is_gone_is_not_reached(side: Side) -> None:
    side.leaves()
    with pytest.raises(UpstreamNotReached):
        await side.upstream.forward(side.tenant, "m1", REQUEST, HASH)
    assert side.got() == []
