"""What the register keeps about news: licences, the articles that reposts are compared with, and notices."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

import msgspec

from classifiers.contract import Value
from gateway.core.addresses import domain
from gateway.core.codec import encode_body
from gateway.core.model import NewsKind
from gateway.core.whitelists import name_key

SCHEMES: Final = ("cn_licence", "emfa_declaration", "uk_recognised", "jti", "trust_txt", "c2pa", "manual")
"""On what ground somebody may publish news: the rules, or the declaration, behind a licence."""

LONGEST_ARTICLE: Final = 1_000_000
"""How many characters an article may have."""


class LicenceStatus(StrEnum):
    """What is said of a licence, beside its dates."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REVOKED = "revoked"
    """Taken back: no account uses it any more."""
    ENDED = "ended"
    """Its time is over; it was said so once."""


class Evidence(Value, frozen=True):
    """A record that speaks for a licence: what kind it is, where it was found, its SHA-256 (hex), and what it says, as
    pairs of name and value. It says nothing about persons."""

    kind: str
    place: str
    sha256: str
    says: tuple[tuple[str, str], ...] = ()


class Licence(Value, frozen=True):
    """A licence to publish news, as the register has it.

    ``holder`` is a registrant; ``accounts`` are those of the holder's accounts that use it. Times are unix
    milliseconds, the end is exclusive. With ``domains`` it holds for what stands on these sites only.
    """

    licence_id: str
    holder: str
    scheme: str
    kind: NewsKind
    valid_from: int
    valid_to: int
    accounts: tuple[str, ...] = ()
    licence_no: str | None = None
    issuer: str | None = None
    jurisdiction: str | None = None
    domains: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()
    status: LicenceStatus = LicenceStatus.ACTIVE


class BadLicence(ValueError):
    """A licence that cannot be kept; the text names the field."""


def check_licence(licence: Licence) -> Licence:
    """The licence with its domains in the form in which they are compared. Raises `BadLicence`."""
    if not licence.licence_id.strip() or len(licence.licence_id) > 255:
        raise BadLicence("licence_id: give an id of at most 255 characters")
    if licence.scheme not in SCHEMES:
        raise BadLicence(f"scheme: give one of {', '.join(SCHEMES)}")
    if licence.valid_to <= licence.valid_from:
        raise BadLicence("valid_to: must be after valid_from")
    plain = []
    for each in licence.domains:
        name = domain(each)
        if name is None:
            raise BadLicence(f"domains: {each[:100]!r} is no domain name")
        plain.append(name)
    return Licence(
        **{
            **{name: getattr(licence, name) for name in Licence.__struct_fields__},
            "domains": tuple(dict.fromkeys(plain)),
            "accounts": tuple(dict.fromkeys(licence.accounts)),
        }
    )


class Article(Value, frozen=True):
    """An article that may be re-published, with its text as the source has it. ``page`` is the
    `gateway.core.addresses.page_key` of its address; ``published_ms`` is unix time."""

    page: str
    publisher: str
    title: str
    text: str
    published_ms: int
    author: str | None = None


def title_key(publisher: str, title: str) -> str:
    """A digest (SHA-256, hex) by which an article is found without its address."""
    return hashlib.sha256(f"{name_key(publisher)}\x00{name_key(title)}".encode(errors="replace")).hexdigest()


ENDING: Final = "licence.ending"
"""Kind of the notice of a licence that is about to end."""
ENDED: Final = "licence.ended"
"""Kind of the notice of a licence that has ended."""


class Notice(Value, frozen=True):
    """Something a tenant is told at its ``notify_url``: delivered at least once. ``notice_id`` stays the same when it
    is sent again. ``body`` is JSON and names no person. Times are unix milliseconds."""

    notice_id: str
    tenant_id: str
    kind: str
    subject: str
    body: str
    created_ms: int
    attempts: int = 0


def licence_fields(licence: Licence) -> dict[str, object]:
    """What an audit row says of a licence: all but the holder, whose id may lead to a person; and of its evidence only
    which it was."""
    told: dict[str, object] = msgspec.to_builtins(licence)
    del told["holder"]
    return {**told, "accounts": list(licence.accounts), "evidence": [each.sha256 for each in licence.evidence]}


def licence_notice(tenant_id: str, licence: Licence, kind: str, now_ms: int) -> Notice:
    """The notice that a licence is about to end, or has ended. The same of the same licence has the same id."""
    name = f"{kind}\x00{tenant_id}\x00{licence.licence_id}\x00{licence.valid_to}"
    data = {
        "tenant_id": tenant_id,
        "licence_id": licence.licence_id,
        "scheme": licence.scheme,
        "kind": licence.kind,
        "valid_to": iso(licence.valid_to),
        "accounts": list(licence.accounts),
    }
    body = encode_body({"type": kind, "timestamp": iso(now_ms), "data": data})
    notice_id = hashlib.sha256(name.encode()).hexdigest()[:32]
    return Notice(notice_id, tenant_id, kind, licence.licence_id, body, now_ms)


def iso(at_ms: int) -> str:
    """Unix milliseconds in ISO 8601; a date that no calendar has stays a number."""
    try:
        return datetime.fromtimestamp(at_ms / 1000, UTC).isoformat(timespec="milliseconds")
    except (ValueError, OverflowError, OSError):
        return str(at_ms)
