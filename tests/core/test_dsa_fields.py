"""The database's field rules: each is broken once, and named."""

from __future__ import annotations

import msgspec
import pytest

from gateway.core.dsa_batch import encoded, puids, wrong
from gateway.core.dsa_fields import CATEGORIES, EEA, EU, KEYWORDS, problems

RECORD = {
    # After the example of the database's documentation, in the values of its second version.
    "decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"],
    "decision_monetary": "DECISION_MONETARY_TERMINATION",
    "end_date_monetary_restriction": "2025-08-08",
    "decision_provision": "DECISION_PROVISION_TOTAL_SUSPENSION",
    "decision_account": "DECISION_ACCOUNT_SUSPENDED",
    "account_type": "ACCOUNT_TYPE_BUSINESS",
    "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
    "decision_ground_reference_url": "https://terms.example/4",
    "content_type": ["CONTENT_TYPE_VIDEO", "CONTENT_TYPE_AUDIO", "CONTENT_TYPE_SYNTHETIC_MEDIA"],
    "category": "STATEMENT_CATEGORY_CYBER_VIOLENCE",
    "category_specification": ["KEYWORD_CYBER_STALKING"],
    "incompatible_content_ground": "Section 4",
    "incompatible_content_explanation": "Stalking is not permitted.",
    "incompatible_content_illegal": "Yes",
    "content_id": {"EAN-13": "4006381333931"},
    "territorial_scope": ["PT", "ES", "DE"],
    "content_language": "EN",
    "content_date": "2025-08-08",
    "application_date": "2025-08-08",
    "decision_facts": "facts",
    "source_type": "SOURCE_TRUSTED_FLAGGER",
    "source_identity": "An organisation",
    "automated_detection": "No",
    "automated_decision": "AUTOMATED_DECISION_PARTIALLY",
    "puid": "TK421",
}
NO_GROUND = dict.fromkeys(
    ["incompatible_content_ground", "incompatible_content_explanation", "incompatible_content_illegal"]
)
ILLEGAL = {
    **NO_GROUND,
    "decision_ground": "DECISION_GROUND_ILLEGAL_CONTENT",
    "illegal_content_legal_ground": "Law 7",
    "illegal_content_explanation": "It is a threat.",
}
RESTRICTIONS = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")


def test_the_documented_record_has_no_problems() -> None:
    assert problems(RECORD) == []
    assert problems({**RECORD, **ILLEGAL}) == []


@pytest.mark.parametrize("kept", RESTRICTIONS)
def test_one_restriction_is_enough(kept: str) -> None:
    assert problems({name: value for name, value in RECORD.items() if name == kept or name not in RESTRICTIONS}) == []


def test_the_vocabularies_have_the_documented_size() -> None:
    assert (len(CATEGORIES), len(EU), len(EEA)) == (16, 27, 30)
    assert "KEYWORD_OTHER" in KEYWORDS
    assert "STATEMENT_CATEGORY_PORNOGRAPHY_OR_SEXUALIZED_CONTENT" not in CATEGORIES  # of the first version


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (dict.fromkeys(RESTRICTIONS), "decision_visibility: give at least one of"),
        ({"decision_visibility": []}, "decision_visibility: give at least 1"),
        ({"decision_visibility": "DECISION_VISIBILITY_CONTENT_DISABLED"}, "decision_visibility: give a list"),
        ({"decision_visibility": ["DECISION_VISIBILITY_HIDDEN"]}, "decision_visibility: there is no such value"),
        (
            {"decision_visibility": ["DECISION_VISIBILITY_CONTENT_DISABLED"] * 2},
            "decision_visibility: give each value once",
        ),
        (
            {"decision_visibility": ["DECISION_VISIBILITY_OTHER"]},
            "decision_visibility_other: this field is required with",
        ),
        ({"decision_visibility_other": "a"}, "decision_visibility_other: give it with DECISION_VISIBILITY_OTHER only"),
        ({"decision_monetary": "DECISION_MONETARY_OTHER"}, "decision_monetary_other: this field is required with"),
        ({"decision_monetary_other": "a"}, "decision_monetary_other: give it with"),
        ({"decision_monetary": "DECISION_MONETARY_FINE"}, "decision_monetary: give one of"),
        ({"decision_provision": "PARTIAL"}, "decision_provision: give one of"),
        ({"decision_account": ["DECISION_ACCOUNT_SUSPENDED"]}, "decision_account: give one of"),
        ({"account_type": "ACCOUNT_TYPE_PUBLIC"}, "account_type: give one of"),
        ({**NO_GROUND, "decision_ground": None}, "decision_ground: this field is required"),
        ({"decision_ground_reference_url": "terms"}, "decision_ground_reference_url: give an http or https address"),
        (
            {"decision_ground_reference_url": "https://[a"},
            "decision_ground_reference_url: give an http or https address",
        ),
        ({"decision_ground_reference_url": "https://a.example/" + "a" * 500}, "give at most 500 characters"),
        ({"incompatible_content_ground": None}, "incompatible_content_ground: this field is required with"),
        ({"incompatible_content_ground": "a" * 501}, "incompatible_content_ground: give at most 500"),
        ({"incompatible_content_explanation": "a" * 2001}, "incompatible_content_explanation: give at most 2000"),
        ({"incompatible_content_explanation": "  "}, "incompatible_content_explanation: give at least 1 character"),
        ({"incompatible_content_illegal": True}, "incompatible_content_illegal: give one of No, Yes"),
        ({"illegal_content_legal_ground": "Law"}, "illegal_content_legal_ground: give it with"),
        (
            {**ILLEGAL, "illegal_content_legal_ground": None},
            "illegal_content_legal_ground: this field is required with",
        ),
        ({**ILLEGAL, "illegal_content_explanation": None}, "illegal_content_explanation: this field is required with"),
        ({**ILLEGAL, "illegal_content_legal_ground": "a" * 501}, "illegal_content_legal_ground: give at most 500"),
        ({**ILLEGAL, "illegal_content_explanation": "a" * 2001}, "illegal_content_explanation: give at most 2000"),
        ({**ILLEGAL, "incompatible_content_illegal": "No"}, "incompatible_content_illegal: give it with"),
        ({"content_type": None}, "content_type: this field is required"),
        ({"content_type": ["CONTENT_TYPE_SMELL"]}, "content_type: there is no such value"),
        ({"content_type": ["CONTENT_TYPE_OTHER"]}, "content_type_other: this field is required with"),
        ({"content_type_other": "a"}, "content_type_other: give it with"),
        ({"category": "STATEMENT_CATEGORY_SCOPE_OF_PLATFORM_SERVICE"}, "category: there is no such value"),
        ({"category": None}, "category: this field is required"),
        ({"category_addition": ["STATEMENT_CATEGORY_ODD"]}, "category_addition: there is no such value"),
        ({"category_specification": ["KEYWORD_ODD"]}, "category_specification: there is no such value"),
        ({"category_specification_other": "a"}, "category_specification_other: give it with KEYWORD_OTHER only"),
        ({"content_id": {"EAN-13": "123"}}, "content_id: give 13 digits"),
        ({"content_id": {"ISBN": "1"}}, "content_id: give an object with EAN-13 alone"),
        ({"territorial_scope": None}, "territorial_scope: this field is required"),
        ({"territorial_scope": ["US"]}, "territorial_scope: there is no such value"),
        ({"territorial_scope": []}, "territorial_scope: give at least 1"),
        ({"content_language": "en"}, "content_language: there is no such value"),
        ({"content_date": "1999-12-31"}, "content_date: give a date from 2000-01-01"),
        ({"content_date": None}, "content_date: this field is required"),
        ({"application_date": "2019-12-31"}, "application_date: give a date from 2020-01-01"),
        (
            {"application_date": "2038-01-02", "end_date_monetary_restriction": None},
            "application_date: give a date from",
        ),
        ({"application_date": "2025-8-8"}, "application_date: give a date as YYYY-MM-DD"),
        ({"application_date": "2025-02-30"}, "application_date: give a date as YYYY-MM-DD"),
        ({"application_date": "2025-08-08T10"}, "application_date: give a date as YYYY-MM-DD"),
        ({"end_date_account_restriction": "2025-08-07"}, "end_date_account_restriction: give a date not before"),
        ({"end_date_service_restriction": "2025-08-07"}, "end_date_service_restriction: give a date not before"),
        ({"end_date_visibility_restriction": "2025-08-07"}, "end_date_visibility_restriction: give a date not before"),
        ({"end_date_monetary_restriction": "2038-01-02"}, "end_date_monetary_restriction: give a date from"),
        ({"decision_facts": None}, "decision_facts: this field is required"),
        ({"decision_facts": "a" * 5001}, "decision_facts: give at most 5000"),
        ({"decision_facts": "\ud800"}, "decision_facts: give text that UTF-8 can carry"),
        ({"decision_facts": 7}, "decision_facts: give a string"),
        ({"source_type": "SOURCE_NEIGHBOUR"}, "source_type: give one of"),
        ({"source_type": None}, "source_type: this field is required"),
        ({"source_identity": "a" * 501}, "source_identity: give at most 500"),
        ({"automated_detection": "yes"}, "automated_detection: give one of No, Yes"),
        ({"automated_detection": None}, "automated_detection: this field is required"),
        ({"automated_decision": "Yes"}, "automated_decision: give one of"),
        ({"automated_decision": None}, "automated_decision: this field is required"),
        ({"puid": None}, "puid: this field is required"),
        ({"puid": "a b"}, "puid: give 1 to 500 of the characters"),
        ({"puid": "a\n"}, "puid: give 1 to 500 of the characters"),
        ({"puid": "a" * 501}, "puid: give 1 to 500 of the characters"),
        ({"account": "acc-1"}, "account: there is no such field"),
    ],
)
def test_a_broken_rule_is_named(changes: dict[str, object], problem: str) -> None:
    [found] = problems({**RECORD, **changes})
    assert problem in found


@pytest.mark.parametrize("record", [None, [], "a", 7])
def test_what_is_no_object(record: object) -> None:
    assert problems(record) == ["record: give an object"]


def batch(*records: object) -> bytes:
    return msgspec.json.encode({"statements": records})


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        (b"\xff", "file: give JSON in UTF-8"),
        (b"[]", "file: give an object with the list statements alone"),
        (b'{"statements": {}}', "file: give an object with the list statements alone"),
        (b'{"statements": [], "more": 1}', "file: give an object with the list statements alone"),
        (b'{"statements": []}', "statements: give 1 to 100 records, not 0"),
        (batch(7), "statement_0: record: give an object"),
        (batch(RECORD, {**RECORD, "puid": "b", "category": "x"}), "statement_1 (b): category: there is no such value"),
        (batch(RECORD, RECORD), "statement_1 (TK421): puid: it was given to another record already"),
        (batch(*[{**RECORD, "puid": str(n)} for n in range(101)]), "statements: give 1 to 100 records, not 101"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(body: bytes, problem: str) -> None:
    assert list(wrong(body, set())) == [problem]


def test_a_puid_is_used_once_in_all_files() -> None:
    seen: set[str] = set()
    assert list(wrong(encoded([RECORD]), seen)) == []
    assert list(wrong(encoded([RECORD]), seen)) != []


@pytest.mark.parametrize(
    "body", [b"", b"[]", b'{"statements": 7}', b'{"statements": [7]}', b'{"statements": [{}]}', batch({"puid": 7})]
)
def test_a_file_that_names_no_statements(body: bytes) -> None:
    assert puids(body) is None
