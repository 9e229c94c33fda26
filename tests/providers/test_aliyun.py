"""Aliyun's requests and answers: the signature by its published example, and what each answer means."""

from __future__ import annotations

import json

import pytest

from gateway.core.verification import VerificationEvent
from gateway.providers.aliyun import NoResult, parameters, query_of, read_answer, signed_headers
from gateway.providers.webhooks import Malformed

FIELDS = {"legal_name": "示例 有限公司", "uscc": "91350100M000100Y43", "representative": "代表 A"}


def test_the_published_example_of_a_signature() -> None:
    query = query_of({"RegionId": "cn-shanghai", "ImageId": "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"})

    headers = signed_headers(
        "ecs.cn-shanghai.aliyuncs.com",
        query,
        "2023-10-26T10:22:32Z",
        "3156853299f313e23d1673dc12e1703d",
        "YourAccessKeyId",
        b"YourAccessKeySecret",
        ("RunInstances", "2014-05-26"),
    )

    assert headers[-1] == (
        "Authorization",
        "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
        "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version,"
        "Signature=06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0",
    )


def test_a_query_is_encoded_as_rfc_3986_says() -> None:
    assert query_of({"b": "a b*~/", "a": "法"}) == "a=%E6%B3%95&b=a%20b%2A~%2F"


def test_the_elements_asked_for_are_sent_and_no_others() -> None:
    assert set(parameters("ENT_2META", "v1", FIELDS)) >= {"LicenseNo", "EntName"}
    assert "LegalPersonName" not in parameters("ENT_2META", "v1", FIELDS)
    assert parameters("ENT_3META", "v1", FIELDS)["LegalPersonName"] == "代表 A"
    with pytest.raises(Malformed, match=r"id_number: is needed"):
        parameters("ENT_4META", "v1", FIELDS)


@pytest.mark.parametrize(
    ("status", "answer", "event"),
    [
        (200, {"Code": "200", "Result": {"BizCode": "1", "Status": "1"}}, VerificationEvent.APPROVE),
        (200, {"Code": "Success", "Result": {"BizCode": "1"}}, VerificationEvent.APPROVE),
        (200, {"Code": "200", "Result": {"BizCode": "1", "Status": "3"}}, VerificationEvent.REVIEW),
        (200, {"Code": "200", "Result": {"BizCode": "1", "Status": "4"}}, VerificationEvent.REVIEW),
        (200, {"Code": "200", "Result": {"BizCode": "2", "ReasonDetail": "EntNameFlag"}}, VerificationEvent.DECLINE),
        (200, {"Code": "200", "Result": {"BizCode": "3"}}, VerificationEvent.ASK),
        (400, {"Code": "InvalidParameter.LicenseNo"}, VerificationEvent.ASK),
    ],
)
def test_not_found_is_not_a_mismatch(status: int, answer: object, event: VerificationEvent) -> None:
    assert read_answer(status, json.dumps(answer).encode()) is event


@pytest.mark.parametrize(
    ("status", "body", "why"),
    [
        (503, b"", "HTTP 503, body: not JSON with one reading"),
        (500, b'{"Code": "InternalError"}', "HTTP 500, code InternalError"),
        (403, b'{"Code": "Throttling.User", "Result": {"BizCode": "1"}}', "HTTP 403, code Throttling.User"),
        (200, b'{"Result": {"BizCode": "9"}}', "HTTP 200, code None"),
        (200, b'{"Code": "a secret name"}', "HTTP 200, code unreadable"),
        (200, b"[]", "HTTP 200, body: not an object"),
    ],
)
def test_what_says_nothing_is_asked_again(status: int, body: bytes, why: str) -> None:
    assert read_answer(status, body) == NoResult(why)
