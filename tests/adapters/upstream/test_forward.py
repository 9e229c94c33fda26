"""Forwarding to a real server: the bytes, the connections, and what each way of failing means."""

from __future__ import annotations

import asyncio
import hashlib
import socket
from collections.abc import AsyncIterator

import pytest
from msgspec.structs import replace

from gateway import tracing
from gateway.adapters.upstream import HttpUpstream, UpstreamLimits
from gateway.core.records import Request, Tenant, UpstreamAnswer
from gateway.ports import UpstreamNotReached, UpstreamUnknown
from tests.peer import OK, Peer, Play

REQUEST = Request(b'{"text":"hello"}', "application/json")
HASH = hashlib.sha256(REQUEST.body).hexdigest()
ANSWER = UpstreamAnswer(200, b"{}", "application/json")


@pytest.fixture
async def upstream() -> AsyncIterator[HttpUpstream]:
    upstream = HttpUpstream(UpstreamLimits())
    yield upstream
    await upstream.close()


@pytest.fixture
def tenant(peer: Peer) -> Tenant:
    return Tenant("t1", "Tenant One", f"http://{peer.netloc}/publish?room=1")


async def test_the_request_is_this_and_nothing_more(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    assert await upstream.forward(tenant, "m1", REQUEST, HASH) == ANSWER
    head = (
        "POST /publish?room=1 HTTP/1.1\r\n"
        f"Host: {peer.netloc}\r\n"
        "Content-Type: application/json\r\n"
        "Content-Length: 16\r\n"
        "Idempotency-Key: m1\r\n\r\n"
    )
    assert peer.requests == [head.encode() + b'{"text":"hello"}']


async def test_token_and_trace_go_along(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TENANT_ONE_TOKEN", "secret")
    with_token = Tenant("t1", "Tenant One", tenant.upstream_url, upstream_token_env="TENANT_ONE_TOKEN")
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with tracing.request("POST /v1/messages", trace):
        await upstream.forward(with_token, "m1", REQUEST, HASH)
    assert b"\r\nAuthorization: Bearer secret\r\n" in peer.requests[0]
    assert f"\r\ntraceparent: {trace}\r\n".encode() in peer.requests[0]


@pytest.mark.parametrize("token", [None, ""])
async def test_without_its_token_nothing_is_sent(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant, monkeypatch: pytest.MonkeyPatch, token: str | None
) -> None:
    if token is not None:
        monkeypatch.setenv("TENANT_ONE_TOKEN", token)
    with_token = Tenant("t1", "Tenant One", tenant.upstream_url, upstream_token_env="TENANT_ONE_TOKEN")
    with pytest.raises(UpstreamNotReached, match="TENANT_ONE_TOKEN"):
        await upstream.forward(with_token, "m1", REQUEST, HASH)
    assert peer.connections == 0


@pytest.mark.parametrize(
    "body",
    [b"", b"\x00\r\n\r\nPOST / HTTP/1.1\r\n", bytes(range(256)) * 8192],
    ids=["empty", "looks like a request", "two megabytes"],
)
async def test_the_body_arrives_byte_for_byte(upstream: HttpUpstream, peer: Peer, tenant: Tenant, body: bytes) -> None:
    await upstream.forward(tenant, "m1", Request(body, "application/json"), hashlib.sha256(body).hexdigest())
    assert peer.requests[0].partition(b"\r\n\r\n")[2] == body


async def test_a_connection_is_used_again(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    for number in range(3):
        await upstream.forward(tenant, f"m{number}", REQUEST, HASH)
    assert (peer.connections, len(peer.requests)) == (1, 3)


@pytest.mark.parametrize(
    "data",
    [
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\n{}",
        OK + OK,
        OK + b"H",
    ],
    ids=["close", "1.0", "two answers", "more than the answer"],
)
async def test_a_connection_is_not_used_again_after(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant, data: bytes
) -> None:
    peer.plays = [Play(data)]
    assert (await upstream.forward(tenant, "m1", REQUEST, HASH)).body == b"{}"
    await upstream.forward(tenant, "m2", REQUEST, HASH)
    assert (peer.connections, len(peer.requests)) == (2, 2)


async def test_an_idle_connection_is_not_trusted_for_long(peer: Peer, tenant: Tenant) -> None:
    upstream = HttpUpstream(UpstreamLimits(idle=0.0))
    await upstream.forward(tenant, "m1", REQUEST, HASH)
    await upstream.forward(tenant, "m2", REQUEST, HASH)
    assert peer.connections == 2
    await upstream.close()


async def test_requests_at_once_take_a_connection_each_up_to_the_limit(peer: Peer, tenant: Tenant) -> None:
    upstream = HttpUpstream(UpstreamLimits(connections=2))
    answers = await asyncio.gather(*(upstream.forward(tenant, f"m{number}", REQUEST, HASH) for number in range(6)))
    assert answers == [ANSWER] * 6
    assert (peer.connections, len(peer.requests)) == (2, 6)
    await upstream.close()


async def test_when_no_connection_becomes_free_nothing_was_sent(peer: Peer, tenant: Tenant) -> None:
    upstream = HttpUpstream(UpstreamLimits(connections=0, total=0.01))
    with pytest.raises(UpstreamNotReached, match="free"):
        await upstream.forward(tenant, "m1", REQUEST, HASH)
    assert peer.connections == 0


async def test_closing_ends_idle_connections(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    await upstream.forward(tenant, "m1", REQUEST, HASH)
    await upstream.close()
    await peer.closed.wait()


async def test_nobody_listens(upstream: HttpUpstream) -> None:
    with socket.socket() as reserved:
        reserved.bind(("127.0.0.1", 0))
        tenant = Tenant("t1", "Tenant One", f"http://127.0.0.1:{reserved.getsockname()[1]}/publish")
        with pytest.raises(UpstreamNotReached, match="no connection"):
            await upstream.forward(tenant, "m1", REQUEST, HASH)


async def test_nobody_accepts(peer: Peer) -> None:
    """A listening socket whose queue is full drops what comes."""
    upstream = HttpUpstream(UpstreamLimits(connect=0.05))
    with socket.socket() as listening, socket.socket() as first, socket.socket() as second:
        listening.bind(("127.0.0.1", 0))
        listening.listen(0)
        for client in (first, second):
            client.setblocking(False)
            client.connect_ex(listening.getsockname())
        tenant = Tenant("t1", "Tenant One", f"http://127.0.0.1:{listening.getsockname()[1]}/publish")
        with pytest.raises(UpstreamNotReached, match=r"within 0\.05 s"):
            await upstream.forward(tenant, "m1", REQUEST, HASH)


async def test_a_server_without_tls_is_not_reached_over_tls(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    secure = Tenant("t1", "Tenant One", tenant.upstream_url.replace("http:", "https:"))
    peer.plays = [Play(b"HTTP/1.1 400 Bad Request\r\n\r\n", close=True)]
    limited = HttpUpstream(UpstreamLimits(connect=0.2))
    with pytest.raises(UpstreamNotReached):
        await limited.forward(secure, "m1", REQUEST, HASH)
    assert peer.requests == []


@pytest.mark.parametrize(
    "url", ["http://host:port/", "http://[::1/", "http://127.0.0.1:1/発表", "http://127.0.0.1:99999/"]
)
async def test_an_address_that_is_none_is_not_reached(upstream: HttpUpstream, url: str) -> None:
    with pytest.raises(UpstreamNotReached):
        await upstream.forward(Tenant("t1", "Tenant One", url), "m1", REQUEST, HASH)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n",
    ],
    ids=["nothing", "half a head", "half a body", "half the chunks", "an interim answer"],
)
async def test_closed_before_the_answer_was_whole(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant, data: bytes
) -> None:
    peer.plays = [Play(data, close=True)]
    with pytest.raises(UpstreamUnknown, match="closed without an answer"):
        await upstream.forward(tenant, "m1", REQUEST, HASH)
    assert len(peer.requests) == 1


async def test_a_body_without_a_length_ends_with_the_connection(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant
) -> None:
    peer.plays = [Play(b"HTTP/1.0 201 Created\r\nContent-Type: text/plain\r\n\r\nposted", close=True)]
    assert await upstream.forward(tenant, "m1", REQUEST, HASH) == UpstreamAnswer(201, b"posted", "text/plain")
    assert await upstream.forward(tenant, "m2", REQUEST, HASH) == ANSWER


async def test_an_idempotent_upstream_that_closed_is_asked_once_more(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant
) -> None:
    peer.plays = [Play(b"", close=True)]
    assert await upstream.forward(replace(tenant, upstream_idempotent=True), "m1", REQUEST, HASH) == ANSWER
    first, second = peer.requests
    assert first == second
    assert b"\r\nIdempotency-Key: m1\r\n" in first


async def test_and_not_a_third_time(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    peer.plays = [Play(b"", close=True)] * 2
    with pytest.raises(UpstreamUnknown):
        await upstream.forward(replace(tenant, upstream_idempotent=True), "m1", REQUEST, HASH)
    assert len(peer.requests) == 2


async def test_what_was_sent_once_stays_unknown_when_the_retry_does_not_reach(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant
) -> None:
    peer.plays = [Play(b"", leave=True)]
    with pytest.raises(UpstreamUnknown, match="cannot be reached again"):
        await upstream.forward(replace(tenant, upstream_idempotent=True), "m1", REQUEST, HASH)
    assert len(peer.requests) == 1


@pytest.mark.parametrize("idempotent", [True, False])
@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{}"], ids=["nothing", "half"])
async def test_no_answer_in_time(peer: Peer, tenant: Tenant, idempotent: bool, data: bytes) -> None:
    upstream = HttpUpstream(UpstreamLimits(total=0.5))
    peer.plays = [Play(data)]
    with pytest.raises(UpstreamUnknown, match=r"within 0\.5 s"):
        await upstream.forward(replace(tenant, upstream_idempotent=idempotent), "m1", REQUEST, HASH)
    assert len(peer.requests) == 1
    await peer.closed.wait()  # its late answer is nobody's
    await upstream.close()


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH_9.9\r\n",
        b"\x00\x01\x02",
        b"HTTP/1.1 abc\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n\x81\x00",
    ],
)
async def test_an_answer_in_another_tongue(upstream: HttpUpstream, peer: Peer, tenant: Tenant, data: bytes) -> None:
    peer.plays = [Play(data)]
    with pytest.raises(UpstreamUnknown, match=r"did not answer in HTTP/1\.1"):
        await upstream.forward(tenant, "m1", REQUEST, HASH)
    assert await upstream.forward(tenant, "m2", REQUEST, HASH) == ANSWER


async def test_interim_answers_are_passed_over(upstream: HttpUpstream, peer: Peer, tenant: Tenant) -> None:
    interim = b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nContent-Type: text/x\r\nLink: </x>\r\n\r\n"
    peer.plays = [Play(interim + OK), Play(interim + b"HTTP/1.1 204 No Content\r\n\r\n")]
    assert await upstream.forward(tenant, "m1", REQUEST, HASH) == ANSWER
    assert await upstream.forward(tenant, "m2", REQUEST, HASH) == UpstreamAnswer(204, b"", "")
    assert peer.connections == 1


@pytest.mark.parametrize(("size", "kept", "connections"), [(10, 10, 1), (11, 10, 2), (1_000_000, 10, 2)])
async def test_an_answer_is_kept_up_to_the_limit(
    peer: Peer, tenant: Tenant, size: int, kept: int, connections: int
) -> None:
    upstream = HttpUpstream(UpstreamLimits(body=10))
    peer.plays = [Play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (size, b"x" * size))]
    assert await upstream.forward(tenant, "m1", REQUEST, HASH) == UpstreamAnswer(200, b"x" * kept, "")
    await upstream.forward(tenant, "m2", REQUEST, HASH)
    assert peer.connections == connections
    await upstream.close()


async def test_a_cancelled_forward_leaves_no_connection_to_be_used_again(
    upstream: HttpUpstream, peer: Peer, tenant: Tenant
) -> None:
    peer.plays = [Play(b"")]
    forward = asyncio.create_task(upstream.forward(tenant, "m1", REQUEST, HASH))
    await peer.arrived.wait()
    forward.cancel()
    with pytest.raises(asyncio.CancelledError):
        await forward
    await peer.closed.wait()
    assert await upstream.forward(tenant, "m2", REQUEST, HASH) == ANSWER
    assert peer.connections == 2


async def test_one_slow_upstream_slows_only_itself(peer: Peer, tenant: Tenant) -> None:
    upstream = HttpUpstream(UpstreamLimits(connections=1))
    peer.plays = [Play(b"")]
    slow = asyncio.create_task(upstream.forward(tenant, "m1", REQUEST, HASH))
    await peer.arrived.wait()
    async with Peer() as other:
        elsewhere = Tenant("t2", "Tenant Two", f"http://{other.netloc}/")
        assert await upstream.forward(elsewhere, "m2", REQUEST, HASH) == ANSWER
        await upstream.close()
    assert not slow.done()
    slow.cancel()
    with pytest.raises(asyncio.CancelledError):
        await slow


async def test_bytes_that_were_not_judged_are_not_sent(upstream: HttpUpstream, tenant: Tenant, peer: Peer) -> None:
    with pytest.raises(UpstreamNotReached, match="judged"):
        await upstream.forward(tenant, "m1", Request(b"other", "application/json"), HASH)
    assert peer.requests == []
