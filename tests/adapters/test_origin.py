"""The origin by itself: what goes over the wire, TLS, retries of nothing, and bounds on what is read."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import ipaddress
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway.adapters import pool
from gateway.adapters.origin import HttpOrigin
from gateway.platforms.listeners import Listener
from gateway.ports import OriginHead, UpstreamNotReached, UpstreamUnknown
from tests.http.proxying import listener
from tests.http.recorder import Answer, Recorder, recorder, served

HEAD = OriginHead("POST", b"/a%2Fb?c", ((b"hOST", b"a"), (b"X-b", b"1"), (b"x-B", b"2")))


@pytest.fixture
async def upstream() -> AsyncIterator[Recorder]:
    async with recorder() as made:
        yield made


@pytest.fixture
async def origin() -> AsyncIterator[HttpOrigin]:
    made = HttpOrigin()
    yield made
    await made.close()


async def test_a_request_goes_out_to_the_letter(origin: HttpOrigin, upstream: Recorder) -> None:
    response = await origin.send(listener(upstream.netloc), HEAD, b"abc")
    assert (response.status, await response.read(2), response.done) == (200, b"ok", True)
    assert bytes(upstream.raw) == (
        b"POST /a%2Fb?c HTTP/1.1\r\nhOST: a\r\nX-b: 1\r\nx-B: 2\r\nContent-Length: 3\r\n\r\nabc"
    )


async def test_a_length_that_is_not_that_of_the_body_is_not_sent(origin: HttpOrigin, upstream: Recorder) -> None:
    head = OriginHead("POST", b"/", ((b"Host", b"a"), (b"Content-Length", b"4")))
    before = listener(upstream.netloc)
    with pytest.raises(UpstreamNotReached):
        await origin.send(before, head, b"abc")
    assert upstream.got == []
    assert origin.in_use(before) == 0


async def test_an_answer_that_is_longer_than_allowed_is_no_answer(origin: HttpOrigin, upstream: Recorder) -> None:
    before = listener(upstream.netloc)
    response = await origin.send(before, HEAD, b"")
    with pytest.raises(UpstreamUnknown):
        await response.read(1)
    assert origin.in_use(before) == 0


async def test_an_answer_that_is_not_wanted_does_not_meet_the_next_request(origin: HttpOrigin) -> None:
    async with recorder(lambda got: Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf")) as upstream:
        before = listener(upstream.netloc)
        first = await origin.send(before, HEAD, b"")
        first.close()
        upstream.answer = lambda got: Answer()
        second = await origin.send(before, HEAD, b"")
        assert await second.read(9) == b"ok"
        assert upstream.connections == 2


@pytest.mark.parametrize(
    "begun",
    [
        b"HTTP/1.1 200 " + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000,
        b"HTTP/1.1 200 OK\r\n" + b"X" * 1_000_000,
        b"HTTP/1.1 103 Early Hints\r\nX: y\r\n\r\n" * 30_000,
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX: " + b"x" * 1_000_000,
    ],
    ids=["reason", "value", "name", "interim", "trailer"],
)
async def test_a_line_without_an_end_ends_the_connection(origin: HttpOrigin, begun: bytes) -> None:
    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(begun)
        with contextlib.suppress(ConnectionError):
            await reader.read()
        ended.set()

    ended = asyncio.Event()
    async with served(endless) as netloc, asyncio.timeout(10):
        before = listener(netloc)
        with pytest.raises(UpstreamUnknown):
            await (await origin.send(before, HEAD, b"")).read(10)
        await ended.wait()
        assert origin.in_use(before) == 0


async def test_what_the_body_raises_is_raised_and_the_upstream_sees_no_end(origin: HttpOrigin) -> None:
    async def breaking() -> AsyncIterator[bytes]:
        yield b"abc"
        await arrived.wait()
        raise RuntimeError("broken")

    async def upstream(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        seen.append(await reader.readuntil(b"abc\r\n"))
        arrived.set()
        with contextlib.suppress(ConnectionError):
            seen.append(await reader.read())
        ended.set()

    seen: list[bytes] = []
    arrived, ended = asyncio.Event(), asyncio.Event()
    async with served(upstream) as netloc:
        before = listener(netloc)
        with pytest.raises(RuntimeError, match="broken"):
            await origin.send(before, HEAD, breaking())
        await ended.wait()
        assert seen[0].endswith(b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n")
        assert seen[1:] in ([], [b""])
        assert origin.in_use(before) == 0


async def test_one_that_is_cancelled_frees_what_it_held(origin: HttpOrigin) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.set()
        assert await reader.read() == b""
        ended.set()

    arrived, ended = asyncio.Event(), asyncio.Event()
    async with served(silent) as netloc:
        before = listener(netloc)
        sending = asyncio.create_task(origin.send(before, HEAD, b""))
        await arrived.wait()
        sending.cancel()
        await ended.wait()
        assert origin.in_use(before) == 0


@pytest.mark.parametrize(("connections", "passing"), [(1, 1), (2, 1), (4, 3), (8, 6)])
async def test_what_passes_through_leaves_connections_for_the_reserved(
    origin: HttpOrigin, connections: int, passing: int
) -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        arrived.release()
        await reader.read()

    async def busy(count: int, *, reserved: bool) -> None:
        for _ in range(count):
            sending.append(asyncio.create_task(origin.send(before, HEAD, b"", reserved=reserved)))
            await arrived.acquire()

    arrived = asyncio.Semaphore(0)
    sending: list[asyncio.Task[object]] = []
    async with served(silent) as netloc, asyncio.timeout(10):
        before = listener(netloc, connections=connections, connect_seconds=0.5)
        await busy(passing, reserved=False)
        with pytest.raises(UpstreamNotReached):
            await origin.send(before, HEAD, b"")
        await busy(connections - passing, reserved=True)
        for reserved in (False, True):
            with pytest.raises(UpstreamNotReached):
                await origin.send(before, HEAD, b"", reserved=reserved)
        for task in sending:
            task.cancel()
        await asyncio.gather(*sending, return_exceptions=True)
        assert origin.in_use(before) == 0
        sending.clear()
        await busy(passing, reserved=False)  # nothing was lost
        for task in sending:
            task.cancel()


class Authority:
    """A certificate for a server on the loopback, made here."""

    def __init__(self, directory: Path, name: str | None) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "test")])
        now = dt.datetime.now(dt.UTC)
        other = x509.DNSName(name) if name else x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        certificate = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject)
            .public_key(key.public_key())
            .serial_number(1)
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([other]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = directory / "certificate.pem"
        self.file.write_bytes(
            certificate.public_bytes(serialization.Encoding.PEM)
            + key.private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
        )

    @contextlib.asynccontextmanager
    async def serve(self, upstream: Recorder) -> AsyncIterator[Listener]:
        """An upstream that speaks TLS with it."""
        tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        tls.load_cert_chain(self.file)
        server = await asyncio.start_server(upstream.serve, "127.0.0.1", 0, ssl=tls)
        async with server:
            made = listener("127.0.0.1:1")
            port = server.sockets[0].getsockname()[1]
            yield made.model_copy(update={"upstream": f"https://127.0.0.1:{port}"})


@pytest.mark.parametrize(
    ("name", "trusted", "good"), [(None, True, True), (None, False, False), ("other.example", True, False)]
)
async def test_a_server_over_tls_must_prove_who_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str | None, trusted: bool, good: bool
) -> None:
    authority = Authority(tmp_path, name)
    if trusted:
        monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    pool.verifying.cache_clear()
    upstream, origin = Recorder(), HttpOrigin()
    try:
        async with authority.serve(upstream) as before:
            if good:
                response = await origin.send(before, HEAD, b"")
                assert await response.read(2) == b"ok"
            else:
                with pytest.raises(UpstreamNotReached):
                    await origin.send(before, HEAD, b"")
                assert upstream.raw == b""
            await origin.close()
    finally:
        pool.verifying.cache_clear()
