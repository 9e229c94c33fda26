"""Verified claims: what is taken, what is wrong with what is not, and that no value of them gets into any text."""

from __future__ import annotations

import copy
import traceback
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.claims import ClaimsError, VerifiedClaims, read_claims
from gateway.core.model import RegistrantKind

CANARY = "Canary Holder Quetzal"

ORGANISATION: dict[str, Any] = {
    "verification": {
        "trust_framework": "cn_real_name",
        "assurance_level": "enterprise-3",
        "time": "2026-03-01T09:30:00+08:00",
        "verification_process": "p-1",
        "evidence": [{"type": "electronic_record", "record": {"source": {"name": CANARY}}}],
    },
    "claims": {
        "legal_name": f"{CANARY} Press",
        "uscc": "91350100M000100Y43",
        "representative": {"name": CANARY, "role": "director"},
        "proof_of_authority": {"type": "power_of_attorney", "reference": "poa-1", "valid_until": "2027-03-01"},
    },
}
PERSON: dict[str, Any] = {
    "verification": {"trust_framework": "eidas", "assurance_level": "high", "time": "2026-03-01T09:30Z"},
    "claims": {"given_name": "Canary", "family_name": "Holder", "birthdate": "1990-02-03", "nationalities": ["DE"]},
}
KINDS = {RegistrantKind.ORGANISATION: ORGANISATION, RegistrantKind.PERSON: PERSON}


def changed(kind: RegistrantKind, path: str, value: object) -> dict[str, Any]:
    """Good claims with one field set to another value, or without it if that is `...`."""
    whole = copy.deepcopy(KINDS[kind])
    *way, last = path.split(".")
    part: Any = whole
    for name in way:
        part = part[int(name)] if isinstance(part, list) else part[name]
    if value is ...:
        del part[last]
    else:
        part[last] = value
    return whole


def problems(kind: RegistrantKind, value: object) -> list[tuple[str, str]]:
    """What is wrong."""
    with pytest.raises(ClaimsError) as refused:
        read_claims(value, kind)
    return refused.value.problems


def test_framework_level_and_time_stay_as_they_are() -> None:
    read = read_claims({"verified_claims": ORGANISATION}, RegistrantKind.ORGANISATION)

    assert (read.verification.trust_framework, read.verification.assurance_level) == ("cn_real_name", "enterprise-3")
    assert read.verified_ms == 1772328600000


def test_the_claims_have_the_names_that_the_register_has_for_them() -> None:
    organisation = copy.deepcopy(ORGANISATION)
    organisation["claims"]["representative"]["resident_id"] = "11010519491231002X"

    assert read_claims(organisation, RegistrantKind.ORGANISATION).fields() == {
        "legal_name": f"{CANARY} Press",
        "uscc": "91350100M000100Y43",
        "representative": CANARY,
        "id_number": "11010519491231002X",
        "proof_of_authority": "power_of_attorney poa-1",
    }
    assert read_claims(PERSON, RegistrantKind.PERSON).fields() == {
        "legal_name": "Canary Holder",
        "birthdate": "1990-02-03",
    }


ORG, MAN = RegistrantKind.ORGANISATION, RegistrantKind.PERSON


@pytest.mark.parametrize(
    ("kind", "path", "value", "field", "remedy"),
    [
        (ORG, "verification", ..., "verification", "this field is required"),
        (ORG, "claims", ..., "claims", "this field is required"),
        (ORG, "claims", [], "claims", "give an object"),
        (ORG, "more", 1, "verified_claims", "no other field"),
        (ORG, "verification.trust_framework", ..., "verification.trust_framework", "this field is required"),
        (ORG, "verification.trust_framework", "", "verification.trust_framework", "give at least 1"),
        (ORG, "verification.time", ..., "verification.time", "this field is required"),
        (ORG, "verification.time", "2026-03-01T09:30:00", "verification.time", "give date, time and offset"),
        (ORG, "verification.time", "2026-02-30T09:30:00Z", "verification.time", "give date, time and offset"),
        (ORG, "verification.evidence.0.type", "selfie", "verification.evidence.0.type", "give 'document'"),
        (
            ORG,
            "verification.evidence.0.attachments",
            [{"content_type": "image/png", "content": "AA=="}],
            "verification.evidence.0.attachments",
            "url and digest",
        ),
        (ORG, "claims.legal_name", ..., "claims.legal_name", "this field is required"),
        (ORG, "claims.uscc", ..., "claims", "give one of uscc, lei and vat"),
        (ORG, "claims.uscc", "91350100M000100Y44", "claims.uscc", "the check character does not fit"),
        (ORG, "claims.lei", "213800KUD8LAJWSQ9D16", "claims.lei", "the check digits do not fit"),
        (ORG, "claims.vat", 7, "claims.vat", "give a string"),
        (ORG, "claims.representative", ..., "claims.representative", "this field is required"),
        (ORG, "claims.representative.resident_id", "1", "claims.representative.resident_id", "give all 18"),
        (ORG, "claims.proof_of_authority", ..., "claims.proof_of_authority", "this field is required"),
        (ORG, "claims.proof_of_authority.valid_until", "soon", "claims.proof_of_authority.valid_until", "date"),
        (ORG, "claims.given_name", "X", "claims.given_name", "there is no such field"),
        (MAN, "claims.family_name", ..., "claims", "give name, or given_name and family_name"),
        (MAN, "claims.legal_name", "X", "claims.legal_name", "there is no such field"),
        (MAN, "claims.nationalities", ["german"], "claims.nationalities.0", "must match"),
        (MAN, "claims.resident_id", "110105194912310029", "claims.resident_id", "the check digits do not fit"),
    ],
)
def test_a_problem_names_the_field_and_the_remedy(
    kind: RegistrantKind, path: str, value: object, field: str, remedy: str
) -> None:
    found = dict(problems(kind, changed(kind, path, value)))
    assert list(found) == [field]
    assert remedy in found[field]


@pytest.mark.parametrize("value", [None, [], "x", 7])
def test_what_is_no_object_is_refused(value: object) -> None:
    assert problems(ORG, value) == [("verified_claims", "give one object")]


def test_every_problem_is_told_at_once() -> None:
    broken = changed(ORG, "verification.time", "yesterday")
    broken["claims"]["uscc"] = "1"
    assert [field for field, _ in problems(ORG, broken)] == ["verification.time", "claims.uscc"]


VALUES = st.sampled_from([CANARY, f"{CANARY} 91350100M000100Y43", 7, None, [CANARY], {"name": CANARY}])
PATHS = {
    kind: [f"{part}.{name}" for part in ("verification", "claims") for name in whole[part]]
    for kind, whole in KINDS.items()
}


@given(st.sampled_from([(kind, path) for kind, paths in PATHS.items() for path in paths]), VALUES)
def test_no_error_and_no_repr_has_a_value(place: tuple[RegistrantKind, str], value: object) -> None:
    kind, path = place
    shown: VerifiedClaims | str
    try:
        shown = read_claims(changed(kind, path, value), kind)
        text = f"{shown!r} {shown} {shown.claims!r} {shown.verification!r} {shown.verification.evidence!r}"
    except ClaimsError as error:
        text = "".join(traceback.format_exception(error)) + repr(error.problems)
    assert "Canary" not in text
    assert "Quetzal" not in text
