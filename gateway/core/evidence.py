"""Records by which the press says who it is: trust.txt, and schema.org's NewsMediaOrganization.

They are read as evidence for a licence. What they say is the organisation's own word, so a licence is proposed, and a
person decides. What names a person (contacts, founders, employees) is left out.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import msgspec

from gateway.core.addresses import domain, host
from gateway.core.news import Evidence

LONGEST_FILE: Final = 512 * 1024
"""How many bytes a record may have."""
_MOST_LINES: Final = 5_000
_MOST_FACTS: Final = 500
_LONGEST_VALUE: Final = 2_000
_MOST_NODES: Final = 2_000

# Reference Document for trust.txt (JournalList); draft-org-trust-relationship-protocol-00.
_ADDRESSES: Final = ("member", "belongto", "control", "controlledby", "social", "vendor", "customer", "disclosure")
_LEFT_OUT: Final = ("contact",)
_CHOICES: Final = {"datatrainingallowed": ("yes", "no")}

_ORGANISATIONS: Final = ("NewsMediaOrganization",)
_SAID: Final = (
    "name",
    "legalName",
    "alternateName",
    "url",
    "sameAs",
    "foundingDate",
    "publishingPrinciples",
    "ethicsPolicy",
    "correctionsPolicy",
    "verificationFactCheckingPolicy",
    "actionableFeedbackPolicy",
    "diversityPolicy",
    "unnamedSourcesPolicy",
    "missionCoveragePrioritiesPolicy",
    "noBylinesPolicy",
    "masthead",
    "ownershipFundingInfo",
)
_PAGES: Final = frozenset(_SAID) - {"name", "legalName", "alternateName", "foundingDate"}
_CERTIFICATES: Final = ("hasCertification", "hasCredential")
_JTI: Final = ("journalism trust initiative", "jti")


class Proposed(NamedTuple):
    """The evidence, and the fields of a licence that it would be evidence for. Times are unix milliseconds."""

    evidence: Evidence
    scheme: str
    domains: tuple[str, ...]
    issuer: str | None = None
    licence_no: str | None = None
    valid_from: int | None = None
    valid_to: int | None = None


class BadEvidence(ValueError):
    """A record that cannot be used; the text names the line or the field."""


def read_trust_txt(data: bytes, site: str) -> Proposed:
    """A trust.txt file that was found on ``site``, a domain name. Raises `BadEvidence`.

    Its issuer is the association that it says it belongs to, if it names only one. Its domains are the site, and what
    it says it controls.
    """
    home = domain(site)
    if home is None:
        raise BadEvidence(f"site: {site[:100]!r} is no domain name")
    facts: list[tuple[str, str]] = []
    lines = _text(data).splitlines()
    if len(lines) > _MOST_LINES:
        raise BadEvidence(f"the file has more than {_MOST_LINES} lines")
    for number, line in enumerate(lines, 1):
        content = line.strip()
        if content and not content.startswith("#") and (fact := _trust_line(content, number)) is not None:
            facts.append(fact)
    if not facts:
        raise BadEvidence("the file says nothing; a trust.txt has lines like belongto=https://association.example/")
    facts = list(dict.fromkeys(facts))[:_MOST_FACTS]
    controlled = [host(value) for name, value in facts if name == "control"]
    above = [value for name, value in facts if name == "belongto"]
    return Proposed(
        Evidence("trust_txt", home, hashlib.sha256(data).hexdigest(), tuple(facts)),
        "trust_txt",
        tuple(dict.fromkeys([home, *[name for name in controlled if name is not None]])),
        issuer=host(above[0]) if len(above) == 1 else None,
    )


def _trust_line(content: str, number: int) -> tuple[str, str] | None:
    name, equals, value = content.partition("=")
    name, value = name.strip().lower(), value.strip()
    if not equals or not value:
        raise BadEvidence(f"line {number}: expected name=value")
    if name in _LEFT_OUT:
        return None
    if name in _CHOICES:
        if value.lower() not in _CHOICES[name]:
            raise BadEvidence(f"line {number}, {name}: give one of {', '.join(_CHOICES[name])}")
        return name, value.lower()
    if name not in _ADDRESSES:
        raise BadEvidence(f"line {number}: trust.txt has no {name[:50]!r}")
    if host(value) is None:
        raise BadEvidence(f"line {number}, {name}: give an http or https address")
    return name, value


def read_organisation(data: bytes) -> Proposed:
    """A schema.org NewsMediaOrganization record in JSON-LD: alone, in a list, or in an ``@graph``. Raises
    `BadEvidence`.

    With a certificate of the Journalism Trust Initiative the scheme is ``jti``, with the certificate's number, issuer
    and dates; without, it is ``manual``.
    """
    try:
        document = msgspec.json.decode(_text(data).encode())
    except (msgspec.DecodeError, RecursionError) as error:
        raise BadEvidence(f"not JSON: {error}") from error
    found = [node for node in _nodes(document) if any(kind in _ORGANISATIONS for kind in _types(node))]
    if len(found) != 1:
        raise BadEvidence(f"@type: expected one NewsMediaOrganization, found {len(found)}")
    node = found[0]
    facts = [(name, value) for name in _SAID for value in _values(node, name)]
    if not any(name == "name" for name, _ in facts):
        raise BadEvidence("name: the organisation has none")
    for name, value in facts:
        if name in _PAGES and host(value) is None:
            raise BadEvidence(f"{name}: {value[:100]!r} is no http or https address")
    sites = [host(value) for name, value in facts if name == "url"]
    if not sites:
        raise BadEvidence("url: the organisation names no site of its own")
    certificate = next(_certificates(node), None)
    evidence = Evidence("NewsMediaOrganization", str(sites[0]), hashlib.sha256(data).hexdigest(), tuple(facts))
    domains = tuple(dict.fromkeys([site for site in sites if site is not None]))
    if certificate is None:
        return Proposed(evidence, "manual", domains)
    return Proposed(
        evidence,
        "jti",
        domains,
        issuer=_name(certificate, "issuedBy") or _name(certificate, "recognizedBy"),
        licence_no=next(_values(certificate, "certificationIdentification"), None)
        or next(_values(certificate, "identifier"), None),
        valid_from=_moment(certificate, "validFrom"),
        valid_to=_moment(certificate, "expires") or _moment(certificate, "validUntil"),
    )


def _text(data: bytes) -> str:
    if len(data) > LONGEST_FILE:
        raise BadEvidence(f"the file is longer than {LONGEST_FILE} bytes")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise BadEvidence("the file is not UTF-8") from error
    if "\x00" in text:
        raise BadEvidence("the file has a NUL character in it")
    return text


def _nodes(document: Any) -> Iterator[dict[str, Any]]:
    """The objects at the top: a bounded number."""
    tops = document if isinstance(document, list) else [document]
    for top in tops[:_MOST_NODES]:
        if isinstance(top, dict):
            yield top
            graph = top.get("@graph")
            for node in graph[:_MOST_NODES] if isinstance(graph, list) else ():
                if isinstance(node, dict):
                    yield node


def _types(node: dict[str, Any]) -> list[str]:
    kinds = node.get("@type")
    return [
        kind.rpartition("/")[2].removeprefix("schema:")
        for kind in (kinds if isinstance(kinds, list) else [kinds])
        if isinstance(kind, str)
    ]


def _values(node: dict[str, Any], name: str) -> Iterator[str]:
    """The texts of a property; of an object, its address."""
    value = node.get(name)
    for each in (value if isinstance(value, list) else [value])[:_MOST_FACTS]:
        text = each.get("@id") or each.get("url") if isinstance(each, dict) else each
        if isinstance(text, str) and text.strip():
            if len(text) > _LONGEST_VALUE:
                raise BadEvidence(f"{name}: longer than {_LONGEST_VALUE} characters")
            if not text.isprintable() and any(unicodedata.category(sign) == "Cc" for sign in text):
                raise BadEvidence(f"{name}: has control characters in it")  # it is shown on terminals
            yield text.strip()


def _certificates(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for name in _CERTIFICATES:
        value = node.get(name)
        for each in (value if isinstance(value, list) else [value])[:_MOST_FACTS]:
            if isinstance(each, dict) and any(word.casefold() in _JTI for word in _values(each, "name")):
                yield each


def _name(node: dict[str, Any], name: str) -> str | None:
    value = node.get(name)
    if isinstance(value, dict):
        return next(_values(value, "name"), None)
    return next(_values(node, name), None)


def _moment(node: dict[str, Any], name: str) -> int | None:
    text = next(_values(node, name), None)
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadEvidence(f"{name}: {text[:50]!r} is no date") from error
    return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
