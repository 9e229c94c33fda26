"""Notices as they arrive: signed by the Standard Webhooks scheme, once for each attempt."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from gateway.adapters.webhooks import HttpWebhooks, NotifyLimits, signed
from gateway.core.news import Notice
from gateway.ports import Delivery, Fault
from tests.adapters.picture_site import certificate
from tests.http.recorder import Answer, recorder, served

SECRET = base64.b64encode(b"s" * 24).decode()
NOTICE = Notice("n-1", "t1", "licence.ending", "lic-1", '{"type":"licence.ending","name":"新"}', 5)


def answering(status: str) -> Answer:
    """An answer without a body."""
    return Answer(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode())


def delivery(netloc: str, variable: str | None = "NOTIFY_SECRET") -> Delivery:
    """The notice on its way to a receiver."""
    return Delivery(NOTICE, f"http://{netloc}/notices?a=1", variable)


def to(*netlocs: str, **limits: Any) -> HttpWebhooks:
    """Webhooks that may reach these servers, and nothing else that is not public."""
    return HttpWebhooks(NotifyLimits(private_hosts=netlocs, **limits))


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SECRET", f"whsec_{SECRET}")


def test_the_example_of_the_standard() -> None:
    # The published test vector of the Standard Webhooks libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', [secret])
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_notice_arrives_signed() -> None:
    async with recorder() as receiver:
        webhooks = to(receiver.netloc)
        await webhooks.deliver(delivery(receiver.netloc), 1_800_000_000_999)
    webhooks.close()
    [got] = receiver.got
    assert (got.method, got.target, got.body) == ("POST", "/notices?a=1", NOTICE.body.encode())
    assert got.values(b"content-type") == [b"application/json"]
    assert got.values(b"webhook-id") == [b"n-1"]
    assert got.values(b"webhook-timestamp") == [b"1800000000"]
    expected = hmac.new(b"s" * 24, b"n-1.1800000000." + got.body, hashlib.sha256).digest()
    assert got.values(b"webhook-signature") == [b"v1," + base64.b64encode(expected)]


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "299 Fine"])
async def test_it_has_arrived(status: str) -> None:
    async with recorder(lambda _: answering(status)) as receiver:
        webhooks = to(receiver.netloc)
        await webhooks.deliver(delivery(receiver.netloc), 0)
    webhooks.close()


@pytest.mark.parametrize(
    "status", ["301 Moved", "307 Again", "400 Bad", "401 No", "410 Gone", "429 Later", "500 Broken"]
)
async def test_it_has_not_arrived(status: str) -> None:
    async with recorder(lambda _: answering(status)) as receiver:
        webhooks = to(receiver.netloc)
        with pytest.raises(Fault, match=status[:3]):
            await webhooks.deliver(delivery(receiver.netloc), 0)
    assert len(receiver.got) == 1
    webhooks.close()


async def test_nobody_there_and_no_http_and_no_answer_are_faults() -> None:
    hanging = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await hanging.wait()

    async with recorder(lambda _: Answer(b"SSH-2.0\r\n\r\n", close=True)) as receiver, served(hang) as silent:
        webhooks = to("127.0.0.1:1", receiver.netloc, silent, seconds=0.2)
        for netloc in ("127.0.0.1:1", receiver.netloc, silent, "[", "host:port"):
            with pytest.raises(Fault):
                await webhooks.deliver(delivery(netloc), 0)
    webhooks.close()


@pytest.mark.parametrize(
    "value",
    ["", " ", "whsec_", "whsec_no base64", base64.b64encode(b"short").decode(), f"{SECRET} short", f"{SECRET} " * 5],
)
async def test_without_a_good_secret_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NOTIFY_SECRET", value)
    async with recorder() as receiver:
        webhooks = to(receiver.netloc)
        for name in ("NOTIFY_SECRET", "NOT_SET", None):
            with pytest.raises(Fault) as caught:
                await webhooks.deliver(delivery(receiver.netloc, name), 0)
            assert not value.strip() or value not in str(caught.value)
    assert receiver.got == []
    webhooks.close()


NEWER = f"whsec_{base64.b64encode(b'n' * 32).decode()}"


@pytest.mark.parametrize("known", [f"whsec_{SECRET}", NEWER])
async def test_while_a_secret_takes_the_place_of_another_the_receiver_may_know_either(
    monkeypatch: pytest.MonkeyPatch, known: str
) -> None:
    """Read by the library of the standard, as a receiver does."""
    monkeypatch.setenv("NOTIFY_SECRET", f"whsec_{SECRET}  {NEWER}")
    now_ms = int(datetime.now(UTC).timestamp() * 1000)
    async with recorder() as receiver:
        await to(receiver.netloc).deliver(delivery(receiver.netloc), now_ms)
    [got] = receiver.got
    headers = {name.decode(): value.decode() for name, value in got.headers}
    assert Webhook(known).verify(got.body, headers) == {"type": "licence.ending", "name": "新"}
    with pytest.raises(WebhookVerificationError):
        Webhook(base64.b64encode(b"x" * 24).decode()).verify(got.body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(known).verify(got.body + b" ", headers)


class Names:
    """A resolver that answers as told, the last answer again and again."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)

    async def __call__(self, host: str, port: int) -> Sequence[str]:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def refusal(webhooks: HttpWebhooks, url: str) -> str:
    """What a delivery to this address fails with."""
    with pytest.raises(Fault) as caught:
        await webhooks.deliver(Delivery(NOTICE, url, "NOTIFY_SECRET"), 0)
    return str(caught.value)


@pytest.mark.parametrize(
    "addresses",
    [
        ("127.0.0.1",),
        ("10.0.0.7",),
        ("169.254.169.254",),
        ("::1",),
        ("fd00::1",),
        ("8.8.8.8", "127.0.0.1"),
        ("::ffff:10.0.0.1",),
    ],
)
async def test_a_host_that_is_not_public_is_not_reached(addresses: Sequence[str]) -> None:
    async with recorder() as receiver:
        port = int(receiver.netloc.rpartition(":")[2])
        webhooks = HttpWebhooks(NotifyLimits(http=True, ports=(port,)), resolve=Names(addresses))
        assert "PRIVATE_HOSTS" in await refusal(webhooks, f"http://inside.example:{port}/")
        assert receiver.got == []


async def test_a_name_is_resolved_once_and_the_connection_goes_where_it_was_looked_at() -> None:
    """A name server that changes its mind in between gains nothing."""
    looked: list[str] = []

    def allowed(address: str) -> bool:
        looked.append(address)
        return address == "127.0.0.1"

    async with recorder() as receiver:
        port = int(receiver.netloc.rpartition(":")[2])
        names = Names(("127.0.0.1",), ("127.0.0.2",))
        webhooks = HttpWebhooks(NotifyLimits(http=True, ports=(port,)), resolve=names, allowed=allowed)
        await webhooks.deliver(Delivery(NOTICE, f"http://notices.example:{port}/in", "NOTIFY_SECRET"), 0)
        assert len(receiver.got) == 1
        assert "PRIVATE_HOSTS" in await refusal(webhooks, f"http://notices.example:{port}/in")
    assert looked == ["127.0.0.1", "127.0.0.2"]


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://notices.example/", "GATEWAY_NOTIFY__HTTP"),
        ("https://notices.example:22/", "GATEWAY_NOTIFY__PORTS"),
        ("https://user:secret@notices.example/", "--notify-url"),
        ("https://notices.example\\@inside/", "--notify-url"),
        ("ftp://notices.example/", "--notify-url"),
        ("https://127.0.0.1/", "PRIVATE_HOSTS"),
        ("https://[::1]/", "PRIVATE_HOSTS"),
        ("https://0x7f000001/", ""),
    ],
)
async def test_what_no_notice_goes_to_says_what_to_do(url: str, why: str) -> None:
    said = await refusal(HttpWebhooks(NotifyLimits()), url)
    assert why in said
    assert "secret" not in said


async def test_only_the_very_pair_that_was_named_is_private() -> None:
    async with recorder() as receiver, recorder() as other:
        webhooks = to(receiver.netloc)
        await webhooks.deliver(delivery(receiver.netloc), 0)
        assert "notice not delivered" in await refusal(webhooks, f"http://{other.netloc}/")
        assert (len(receiver.got), other.got) == (1, [])


async def test_an_answer_without_an_end_is_not_waited_for() -> None:
    drip = Answer(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\nx")
    async with recorder(lambda _: drip) as receiver:
        await to(receiver.netloc).deliver(delivery(receiver.netloc), 0)
    long = Answer(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000)
    async with recorder(lambda _: long) as receiver:
        assert "notice not delivered" in await refusal(to(receiver.netloc), f"http://{receiver.netloc}/")


async def test_over_tls_the_certificate_is_the_hosts(tmp_path: Path) -> None:
    server, client = certificate(tmp_path, "notices.example")
    got: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        got.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
        await writer.drain()
        writer.close()

    listening = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=server)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        limits = NotifyLimits(ports=(port,))
        webhooks = HttpWebhooks(limits, resolve=Names(("127.0.0.1",)), allowed=lambda _: True, tls=client)
        await webhooks.deliver(Delivery(NOTICE, f"https://notices.example:{port}/", "NOTIFY_SECRET"), 0)
        assert "notice not delivered" in await refusal(webhooks, f"https://other.example:{port}/")
    assert len(got) == 1
