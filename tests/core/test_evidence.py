"""Records that speak for a licence."""

from __future__ import annotations

import contextlib
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.evidence import LONGEST_FILE, BadEvidence, read_organisation, read_trust_txt
from gateway.core.news import Evidence

TRUST = b"""\xef\xbb\xbf# A news site says who it belongs to
belongto=https://association.example/

Control = https://second.example/
control=https://www.third.example
social=https://social.example/thenews
contact=https://news.example/canary-person
datatrainingallowed=No
social=https://social.example/thenews
"""


def test_a_trust_txt_proposes_a_licence() -> None:
    assert read_trust_txt(TRUST, "News.Example") == (
        Evidence(
            "trust_txt",
            "news.example",
            hashlib.sha256(TRUST).hexdigest(),
            (
                ("belongto", "https://association.example/"),
                ("control", "https://second.example/"),
                ("control", "https://www.third.example"),
                ("social", "https://social.example/thenews"),
                ("datatrainingallowed", "no"),
            ),
        ),
        "trust_txt",
        ("news.example", "second.example", "www.third.example"),
        "association.example",
        None,
        None,
        None,
    )


def test_of_two_associations_none_is_the_issuer() -> None:
    assert read_trust_txt(b"belongto=https://a.example\nbelongto=https://b.example", "news.example").issuer is None


@pytest.mark.parametrize(
    ("data", "site", "problem"),
    [
        (b"", "news.example", "the file says nothing"),
        (b"# only a comment", "news.example", "the file says nothing"),
        (b"member=https://a.example\nbelongs to", "news.example", "line 2: expected name=value"),
        (b"member=", "news.example", "line 1: expected name=value"),
        (b"mebmer=https://a.example", "news.example", "line 1: trust.txt has no 'mebmer'"),
        (b"member=news.example", "news.example", "line 1, member: give an http or https address"),
        (b"member=https://a.example@evil.test/", "news.example", "line 1, member: give an http"),
        (b"datatrainingallowed=maybe", "news.example", "line 1, datatrainingallowed: give one of yes, no"),
        (b"member=https://a.example", "localhost", "site: 'localhost' is no domain name"),
        (b"\xff", "news.example", "the file is not UTF-8"),
        (b"member=https://a.example/\x00", "news.example", "the file has a NUL"),
        (b"x" * (LONGEST_FILE + 1), "news.example", "the file is longer"),
        (b"\n" * 5001, "news.example", "the file has more than 5000 lines"),
        (b"<html><body>404", "news.example", "line 1: expected name=value"),
    ],
)
def test_a_bad_trust_txt_is_refused(data: bytes, site: str, problem: str) -> None:
    with pytest.raises(BadEvidence, match=f"^{problem}"):
        read_trust_txt(data, site)


NODE = {
    "@context": "https://schema.org",
    "@type": ["Organization", "https://schema.org/NewsMediaOrganization"],
    "name": "The News",
    "url": "https://news.example/",
    "sameAs": ["https://social.example/thenews"],
    "ethicsPolicy": {"@id": "https://news.example/ethics"},
    "founder": {"@type": "Person", "name": "Canary Person"},
    "hasCertification": {
        "@type": "Certification",
        "name": "Journalism Trust Initiative",
        "issuedBy": {"@type": "Organization", "name": "Example Certifiers"},
        "certificationIdentification": "JTI-7",
        "validFrom": "2026-01-01",
        "expires": "2028-01-01T00:00:00+00:00",
    },
}


@pytest.mark.parametrize(
    "document", [NODE, [NODE], {"@graph": [{"@type": "WebSite", "name": "x"}, NODE]}], ids=["one", "list", "graph"]
)
def test_an_organisation_with_a_certificate_proposes_a_licence(document: object) -> None:
    proposed = read_organisation(json.dumps(document).encode())
    assert proposed[1:] == (
        "jti",
        ("news.example",),
        "Example Certifiers",
        "JTI-7",
        1_767_225_600_000,
        1_830_297_600_000,
    )
    assert proposed.evidence.says == (
        ("name", "The News"),
        ("url", "https://news.example/"),
        ("sameAs", "https://social.example/thenews"),
        ("ethicsPolicy", "https://news.example/ethics"),
    )
    assert "Canary" not in repr(proposed)


def test_an_organisation_without_a_certificate_is_for_a_person_to_judge() -> None:
    plain = {**NODE, "hasCertification": {"@type": "Certification", "name": "Something else"}}
    assert read_organisation(json.dumps(plain).encode())[1:] == ("manual", ("news.example",), None, None, None, None)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"@type": "Organization"}, "@type: expected one NewsMediaOrganization, found 0"),
        ({"name": None}, "name: the organisation has none"),
        ({"name": ["", 7]}, "name: the organisation has none"),
        ({"url": []}, "url: the organisation names no site"),
        ({"url": "news.example"}, "url: 'news.example' is no http"),
        ({"sameAs": "javascript:alert(1)"}, "sameAs: 'javascript:alert"),
        ({"name": "x" * 2001}, "name: longer than 2000 characters"),
        ({"hasCertification": {"name": "JTI", "expires": "soon"}}, "expires: 'soon' is no date"),
    ],
)
def test_a_bad_organisation_is_refused(change: dict[str, object], problem: str) -> None:
    with pytest.raises(BadEvidence) as caught:
        read_organisation(json.dumps({**NODE, **change}).encode())
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("data", [b"", b"{", b"[" * 200_000, b"1", b"[1, null]", b'{"@graph": 1}', b"\xff"])
def test_what_is_no_record_is_refused(data: bytes) -> None:
    with pytest.raises(BadEvidence):
        read_organisation(data)


@pytest.mark.parametrize("given", ["\x1b[2K\x1b[1A", "\n  --domain evil.test"])
def test_what_is_shown_moves_no_cursor(given: str) -> None:
    certificate = {**NODE["hasCertification"], "issuedBy": f"Example{given} Certifiers"}  # type: ignore[dict-item]
    for changes in ({"name": f"The{given} News"}, {"hasCertification": certificate}):
        with pytest.raises(BadEvidence, match="has control characters in it"):
            read_organisation(json.dumps({**NODE, **changes}).encode())


def test_two_organisations_are_one_too_many() -> None:
    with pytest.raises(BadEvidence, match="found 2"):
        read_organisation(json.dumps([NODE, NODE]).encode())


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for read in (read_organisation, lambda each: read_trust_txt(each, "news.example")):
        with contextlib.suppress(BadEvidence):
            read(data)


JSON = st.recursive(
    st.none() | st.booleans() | st.text(max_size=20) | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*NODE, "name", "expires"]), inner),
    max_leaves=12,
)


@given(JSON)
def test_any_json_is_read_or_refused(value: object) -> None:
    document = {**NODE, **value} if isinstance(value, dict) else value
    with contextlib.suppress(BadEvidence):
        read_organisation(json.dumps(document).encode())
