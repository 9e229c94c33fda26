"""Aliyun asked over a real socket: a vendor that checks the signature by itself, and one that does not answer."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import re
from collections.abc import AsyncIterator
from urllib.parse import parse_qsl, quote

import orjson
import pytest

from gateway.adapters.aliyun import AliyunChecker
from gateway.core.verification import VerificationEvent
from gateway.ports import CheckUnavailable
from gateway.providers.config import Provider
from tests.fakes import FakeClock
from tests.http.recorder import Answer, Got, Recorder, recorder, served

KEY_ID, SECRET = "example-key-id", "example-key-secret"
FIELDS = {"legal_name": "示例 (测试) 有限公司*", "uscc": "91350100M000100Y43", "representative": "Example Holder"}


class Vendor:
    """Answers what is scripted to requests whose signature holds, and 403 to all others."""

    def __init__(self) -> None:
        self.result: dict[str, object] = {"BizCode": "1", "Status": "1"}
        self.asked: list[dict[str, str]] = []
        self.nonces: set[str] = set()

    def __call__(self, got: Got) -> Answer:
        """The answer to one request."""
        if not self.signed(got):
            return self.answer("403 Forbidden", {"Code": "SignatureDoesNotMatch"})
        self.asked.append(dict(parse_qsl(got.target.partition("?")[2])))
        return self.answer("200 OK", {"Code": "200", "Message": "success", "RequestId": "1", "Result": self.result})

    @staticmethod
    def answer(status: str, body: object) -> Answer:
        """In JSON."""
        data = orjson.dumps(body)
        return Answer(b"HTTP/1.1 %b\r\nContent-Length: %d\r\n\r\n%b" % (status.encode(), len(data), data))

    def signed(self, got: Got) -> bool:
        """Whether the signature is that of the request as it arrived, by a nonce that is new."""
        headers = {name.decode(): value.decode() for name, value in got.headers}
        found = re.fullmatch(
            r"ACS3-HMAC-SHA256 Credential=([^,]+),SignedHeaders=([^,]+),Signature=([0-9a-f]{64})",
            headers["authorization"],
        )
        if found is None or found[1] != KEY_ID or headers["x-acs-signature-nonce"] in self.nonces:
            return False
        self.nonces.add(headers["x-acs-signature-nonce"])
        assert headers["x-acs-action"] == "EntElementVerifyV2"
        assert headers["x-acs-version"] == "2022-11-25"
        assert headers["x-acs-content-sha256"] == hashlib.sha256(got.body).hexdigest()
        path, _, query = got.target.partition("?")
        pairs = sorted((quote(k, safe="~"), quote(v, safe="~")) for k, v in parse_qsl(query, keep_blank_values=True))
        text = f"{got.method}\n{path}\n" + "&".join(f"{k}={v}" for k, v in pairs) + "\n"
        for name in found[2].split(";"):
            text += f"{name}:{headers[name]}\n"
        text += f"\n{found[2]}\n{headers['x-acs-content-sha256']}"
        to_sign = f"ACS3-HMAC-SHA256\n{hashlib.sha256(text.encode()).hexdigest()}"
        return hmac.compare_digest(hmac.new(SECRET.encode(), to_sign.encode(), hashlib.sha256).hexdigest(), found[3])


def checker(netloc: str, secret: str = SECRET, elements: str = "ENT_3META", seconds: float = 10.0) -> AliyunChecker:
    """One that asks this vendor."""
    provider = Provider.model_validate(
        {
            "name": "aliyun",
            "kind": "aliyun",
            "secret_env": ["A_SECRET"],
            "client_env": "A_ID",
            "framework": "cn_real_name",
            "level": "verified",
            "tenants": ["t1"],
            "endpoint": f"http://{netloc}",
            "elements": elements,
        }
    )
    return AliyunChecker(provider, KEY_ID, secret.encode(), FakeClock(), seconds)


@pytest.fixture
def vendor() -> Vendor:
    return Vendor()


@pytest.fixture
async def server(vendor: Vendor) -> AsyncIterator[Recorder]:
    async with recorder(vendor) as made:
        yield made


@pytest.mark.parametrize(
    ("result", "event"),
    [
        ({"BizCode": "1", "Status": "1"}, VerificationEvent.APPROVE),
        ({"BizCode": "2", "ReasonDetail": "EntNameFlag"}, VerificationEvent.DECLINE),
        ({"BizCode": "3"}, VerificationEvent.ASK),
        ({"BizCode": "1", "Status": "4"}, VerificationEvent.REVIEW),
    ],
)
async def test_a_signed_question_is_answered(
    vendor: Vendor, server: Recorder, result: dict[str, object], event: VerificationEvent
) -> None:
    vendor.result = result
    asks = checker(server.netloc)

    assert await asks.check("v1", FIELDS) is event

    (asked,) = vendor.asked
    assert (asked["EntName"], asked["LicenseNo"], asked["LegalPersonName"]) == tuple(FIELDS.values())
    assert asked["InfoVerifyType"] == "ENT_3META"
    assert re.fullmatch("[0-9a-zA-Z]{1,32}", asked["MerchantBizId"])
    await asks.close()


async def test_every_question_has_a_nonce_of_its_own(vendor: Vendor, server: Recorder) -> None:
    asks = checker(server.netloc)
    for _ in range(3):
        assert await asks.check("v1", FIELDS) is VerificationEvent.APPROVE
    assert len(vendor.nonces) == 3


async def test_a_wrong_secret_gives_no_result(server: Recorder) -> None:
    with pytest.raises(CheckUnavailable, match="HTTP 403, code SignatureDoesNotMatch"):
        await checker(server.netloc, secret="another").check("v1", FIELDS)


async def test_what_cannot_be_asked_needs_input(vendor: Vendor, server: Recorder) -> None:
    assert await checker(server.netloc, elements="ENT_4META").check("v1", FIELDS) is VerificationEvent.ASK
    assert vendor.asked == []


async def test_an_unreachable_vendor_gives_no_result_and_names_nobody() -> None:
    async with served(lambda _reader, _writer: asyncio.sleep(0)) as netloc:
        pass
    with pytest.raises(CheckUnavailable, match="is not reached") as refused:
        await checker(netloc).check("v1", FIELDS)
    assert "Example" not in str(refused.value)


async def test_a_silent_vendor_gives_no_result() -> None:
    async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with served(silent) as netloc:
        with pytest.raises(CheckUnavailable, match=r"did not answer within 0\.05 s"):
            await checker(netloc, seconds=0.05).check("v1", FIELDS)


@pytest.mark.parametrize("data", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n{", b"nonsense\r\n\r\n"])
async def test_a_broken_answer_gives_no_result(data: bytes) -> None:
    async with recorder(lambda _got: Answer(data, close=True)) as server:
        with pytest.raises(CheckUnavailable, match=r"did not answer in HTTP/1\.1"):
            await checker(server.netloc).check("v1", FIELDS)
