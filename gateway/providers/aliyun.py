"""Aliyun's EntElementVerifyV2: does an organisation's register entry say the same as we do? Its requests and answers.

Signature ACS3-HMAC-SHA256: https://help.aliyun.com/document_detail/2593177.html. The operation, of API cloudauth
2022-11-25: https://help.aliyun.com/zh/id-verification/enterprise-identity-authentication/developer-reference/\
enterprise-factor-validation-v2.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from gateway.core.verification import VerificationEvent
from gateway.providers.webhooks import Malformed, at, object_of

ACTION: Final = "EntElementVerifyV2"
VERSION: Final = "2022-11-25"
_ALGORITHM: Final = "ACS3-HMAC-SHA256"
_EMPTY: Final = hashlib.sha256(b"").hexdigest()
_OPERATING: Final = (None, "", "1")
"""What the register says of an organisation's business: nothing, or that it goes on."""
_OUR_FAULT: Final = ("MissingParameter", "InvalidParameter")

_FIELDS: Final = {
    "LicenseNo": "uscc",
    "EntName": "legal_name",
    "LegalPersonName": "representative",
    "LegalPersonCertNo": "id_number",
}
ASKED: Final = tuple(_FIELDS.values())
"""The fields of a registrant that it is asked with, at most."""
_ELEMENTS: Final = {"ENT_2META": 2, "ENT_3META": 3, "ENT_4META": 4}


def parameters(elements: str, biz_id: str, fields: Mapping[str, str]) -> dict[str, str]:
    """The request's parameters, of a registrant's fields (see `gateway.core.claims.VerifiedClaims.fields`).

    Raises `Malformed` naming a field that is missing. ``biz_id``: 1 to 32 letters and digits, new for each request.
    """
    given = {
        "SceneCode": "gateway",
        "MerchantBizId": biz_id,
        "MerchantUserId": biz_id,
        "UserAuthorization": "1",
        "InfoVerifyType": elements,
    }
    for name, field in list(_FIELDS.items())[: _ELEMENTS[elements]]:
        if not fields.get(field):
            raise Malformed(f"{field}: is needed to ask Aliyun for {elements}")
        given[name] = fields[field]
    return given


def query_of(given: Mapping[str, str]) -> str:
    """The canonical query: sorted, and encoded by RFC 3986."""
    return "&".join(f"{_encoded(name)}={_encoded(given[name])}" for name in sorted(given))


def signed_headers(
    host: str,
    query: str,
    date: str,
    nonce: str,
    key_id: str,
    secret: bytes,
    action: tuple[str, str] = (ACTION, VERSION),
) -> list[tuple[str, str]]:
    """The headers of a POST to ``/`` without a body, with its signature. ``date`` is UTC, as 2026-01-02T03:04:05Z."""
    headers = [
        ("host", host),
        ("x-acs-action", action[0]),
        ("x-acs-content-sha256", _EMPTY),
        ("x-acs-date", date),
        ("x-acs-signature-nonce", nonce),
        ("x-acs-version", action[1]),
    ]
    signature = hmac.new(secret, _string_to_sign(query, headers).encode(), hashlib.sha256).hexdigest()
    names = ";".join(name for name, _ in headers)
    authorization = f"{_ALGORITHM} Credential={key_id},SignedHeaders={names},Signature={signature}"
    return [*headers, ("Authorization", authorization)]


@dataclass(frozen=True, slots=True)
class NoResult:
    """An answer that means nothing for the verification, and why; it is asked again."""

    why: str


def read_answer(status: int, body: bytes) -> VerificationEvent | NoResult:
    """What the answer means for the verification, if anything.

    1 match, 2 mismatch, 3 not found. A match of an organisation that has closed, moved or been suspended is left to a
    person.
    """
    try:
        answer = object_of(body)
    except Malformed as error:
        return NoResult(f"HTTP {status}, {error}")
    biz_code = str(at(answer, "Result", "BizCode"))
    if status == 200 and biz_code == "1":
        going_on = at(answer, "Result", "Status") in _OPERATING
        return VerificationEvent.APPROVE if going_on else VerificationEvent.REVIEW
    if status == 200 and biz_code == "2":
        return VerificationEvent.DECLINE
    if status == 200 and biz_code == "3":
        return VerificationEvent.ASK
    code = str(answer.get("Code"))
    if code.startswith(_OUR_FAULT):
        return VerificationEvent.ASK
    return NoResult(f"HTTP {status}, code {code[:60] if code.replace('.', '').isalnum() else 'unreadable'}")


def _string_to_sign(query: str, headers: Sequence[tuple[str, str]]) -> str:
    canonical = "\n".join(
        [
            "POST",
            "/",
            query,
            *[f"{name}:{value.strip()}" for name, value in headers],
            "",
            ";".join(name for name, _ in headers),
            _EMPTY,
        ]
    )
    return f"{_ALGORITHM}\n{hashlib.sha256(canonical.encode()).hexdigest()}"


def _encoded(text: str) -> str:
    return quote(text, safe="-_.~")
