"""Notices as they arrive: signed by the Standard Webhooks scheme, once for each attempt."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac

import pytest

from gateway.adapters.webhooks import HttpWebhooks, signed
from gateway.core.news import Notice
from gateway.ports import Delivery, Fault
from tests.http.recorder import Answer, recorder, served

SECRET = base64.b64encode(b"s" * 24).decode()
NOTICE = Notice("n-1", "t1", "licence.ending", "lic-1", '{"type":"licence.ending","name":"新"}', 5)


def answering(status: str) -> Answer:
    """An answer without a body."""
    return Answer(f"HTTP/1.1 {status}\r\nContent-Length: 0\r\nLocation: http://127.0.0.1:1/\r\n\r\n".encode())


def delivery(netloc: str, variable: str | None = "NOTIFY_SECRET") -> Delivery:
    """The notice on its way to a receiver."""
    return Delivery(NOTICE, f"http://{netloc}/notices?a=1", variable)


@pytest.fixture(autouse=True)
def secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SECRET", f"whsec_{SECRET}")


def test_the_example_of_the_standard() -> None:
    # The published test vector of the Standard Webhooks libraries.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    headers = signed("msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330, b'{"test": 2432232314}', secret)
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


async def test_a_notice_arrives_signed() -> None:
    webhooks = HttpWebhooks()
    async with recorder() as receiver:
        await webhooks.deliver(delivery(receiver.netloc), 1_800_000_000_999)
    await webhooks.close()
    [got] = receiver.got
    assert (got.method, got.target, got.body) == ("POST", "/notices?a=1", NOTICE.body.encode())
    assert got.values(b"content-type") == [b"application/json"]
    assert got.values(b"webhook-id") == [b"n-1"]
    assert got.values(b"webhook-timestamp") == [b"1800000000"]
    expected = hmac.new(b"s" * 24, b"n-1.1800000000." + got.body, hashlib.sha256).digest()
    assert got.values(b"webhook-signature") == [b"v1," + base64.b64encode(expected)]


@pytest.mark.parametrize("status", ["200 OK", "204 No Content", "299 Fine"])
async def test_it_has_arrived(status: str) -> None:
    webhooks = HttpWebhooks()
    async with recorder(lambda _: answering(status)) as receiver:
        await webhooks.deliver(delivery(receiver.netloc), 0)
    await webhooks.close()


@pytest.mark.parametrize(
    "status", ["301 Moved", "307 Again", "400 Bad", "401 No", "410 Gone", "429 Later", "500 Broken"]
)
async def test_it_has_not_arrived(status: str) -> None:
    webhooks = HttpWebhooks()
    async with recorder(lambda _: answering(status)) as receiver:
        with pytest.raises(Fault, match=status[:3]):
            await webhooks.deliver(delivery(receiver.netloc), 0)
    assert len(receiver.got) == 1
    await webhooks.close()


async def test_nobody_there_and_no_http_and_no_answer_are_faults() -> None:
    hanging = asyncio.Event()

    async def hang(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await hanging.wait()

    webhooks = HttpWebhooks(seconds=0.2)
    async with recorder(lambda _: Answer(b"SSH-2.0\r\n\r\n", close=True)) as receiver, served(hang) as silent:
        for netloc in ("127.0.0.1:1", receiver.netloc, silent, "[", "host:port"):
            with pytest.raises(Fault):
                await webhooks.deliver(delivery(netloc), 0)
    await webhooks.close()


@pytest.mark.parametrize("value", ["", "whsec_", "whsec_no base64", base64.b64encode(b"short").decode()])
async def test_without_a_good_secret_nothing_is_sent(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("NOTIFY_SECRET", value)
    webhooks = HttpWebhooks()
    async with recorder() as receiver:
        for name in ("NOTIFY_SECRET", "NOT_SET", None):
            with pytest.raises(Fault) as caught:
                await webhooks.deliver(delivery(receiver.netloc, name), 0)
            assert not value or value not in str(caught.value)
    assert receiver.got == []
    await webhooks.close()
