"""Records of the DSA Transparency Database: every statement gives one that it takes, and that names nobody."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import CATEGORIES
from gateway.core.dsa import LeftOut, left_out, puid, record
from gateway.core.dsa_batch import encoded
from gateway.core.dsa_fields import EEA, problems
from gateway.core.dsa_rules import CATEGORY, FACTS, GROUNDS, OTHER, Ground, Transparency
from gateway.core.policy import PolicyError, parse_policy
from gateway.core.statement import IMPOSED, UPDATES, Automation, Lifted, Restriction, Source, Statement
from tests.canary import CANARIES, ORGANISATION, appearances, needles
from tests.policies import POLICY
from tests.statements import AT_MS, DAY_MS, HOUR_MS, statement, statements, year_of

RULES = Transparency()
_said = st.text(min_size=1, max_size=60).filter(str.strip)
_grounds = st.builds(Ground, illegal=st.booleans(), ground=_said, explanation=_said)
rules = st.builds(
    Transparency,
    territorial_scope=st.lists(st.sampled_from(EEA), min_size=1, unique=True).map(tuple),
    grounds=st.dictionaries(st.sampled_from(sorted(GROUNDS)), _grounds),
    facts=st.dictionaries(st.sampled_from(sorted(FACTS)), _said),
    hold_grace_minutes=st.integers(0, 10_080),
)


def told(**changes: object) -> dict[str, object]:
    """The record of the usual statement with changes."""
    made = record(statement(**changes), RULES)
    assert made is not None
    assert problems(made) == []
    return made


def day(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d")


@given(statements, rules)
def test_every_statement_under_every_policy_gives_a_record_that_the_database_takes(
    any_statement: Statement, any_rules: Transparency
) -> None:
    made = record(any_statement, any_rules)
    if any_statement.restriction is Restriction.WARN:
        assert made is None
        assert left_out(any_statement, any_rules) is LeftOut.WARNING
    else:
        assert made is not None
        assert problems(made) == []
        assert msgspec.json.decode(encoded([made])) == {"statements": [made]}


def test_a_year_of_all_kinds_validates() -> None:
    year = year_of(2025, 4000)
    for kind in (Restriction, Source, Automation):
        assert {value for each in year for value in msgspec.structs.astuple(each) if isinstance(value, kind)} == set(
            kind
        )
    made = [record(each, RULES) for each in year]
    assert [each for each in made if each is not None and problems(each)] == []
    exported = [each for each in made if each is not None]
    assert len({each["puid"] for each in exported}) == len(exported)
    assert {each["category"] for each in exported} == {category for category, _ in CATEGORY.values()}


@pytest.mark.parametrize("restriction", list(Restriction))
def test_no_record_holds_anything_personal(restriction: Restriction) -> None:
    canaries = {**CANARIES, **{f"organisation {name}": value for name, value in ORGANISATION.items()}}
    wanted = needles(canaries.values())
    for value in canaries.values():
        made = record(
            statement(
                restriction=restriction,
                tenant_id=value,
                account_id=value,
                message_id=value,
                sanction_id=value,
                codes=(value, "content_violation"),
                content_types=(value,),
                category=value,
                policy_version=value,
            ),
            RULES,
        )
        assert appearances("record", encoded([made or {}]), wanted) == []


def test_the_usual_record() -> None:
    assert told() == {
        "decision_visibility": ["DECISION_VISIBILITY_CONTENT_REMOVED"],
        "decision_ground": "DECISION_GROUND_INCOMPATIBLE_CONTENT",
        "incompatible_content_ground": GROUNDS["hate"].ground,
        "incompatible_content_explanation": GROUNDS["hate"].explanation,
        "content_type": ["CONTENT_TYPE_TEXT"],
        "category": "STATEMENT_CATEGORY_ILLEGAL_OR_HARMFUL_SPEECH",
        "category_specification": ["KEYWORD_HATE_SPEECH"],
        "territorial_scope": list(EEA),
        "content_date": "2025-02-10",
        "application_date": "2025-02-10",
        "decision_facts": (
            "A message of a public account was not published. It was found by the provider's own examination, which "
            "every message undergoes. Automated means were used to identify it. The decision was taken by automated "
            "means. Reason codes: content_violation."
        ),
        "source_type": "SOURCE_VOLUNTARY",
        "automated_detection": "Yes",
        "automated_decision": "AUTOMATED_DECISION_FULLY",
        "puid": "0" * 32,
    }


def test_suspended_updates_are_told_as_what_they_are() -> None:
    renewal, updates = [told(restriction=Restriction.SUSPEND_RENEWAL, codes=codes) for codes in ((), (UPDATES,))]
    assert str(renewal["decision_facts"]).startswith("A public account can no longer be renewed")
    assert str(updates["decision_facts"]).startswith("A public account cannot publish anything new for a time")
    assert renewal["decision_provision"] == updates["decision_provision"]


@pytest.mark.parametrize(
    ("restriction", "field", "value", "end"),
    [
        ("hold", "decision_visibility", ["DECISION_VISIBILITY_CONTENT_DISABLED"], "end_date_visibility_restriction"),
        ("block", "decision_visibility", ["DECISION_VISIBILITY_CONTENT_REMOVED"], "end_date_visibility_restriction"),
        ("takedown", "decision_visibility", ["DECISION_VISIBILITY_CONTENT_REMOVED"], "end_date_visibility_restriction"),
        ("restrict", "decision_provision", "DECISION_PROVISION_PARTIAL_SUSPENSION", "end_date_service_restriction"),
        (
            "suspend_renewal",
            "decision_provision",
            "DECISION_PROVISION_PARTIAL_SUSPENSION",
            "end_date_service_restriction",
        ),
        ("suspend", "decision_account", "DECISION_ACCOUNT_SUSPENDED", "end_date_account_restriction"),
        ("close", "decision_account", "DECISION_ACCOUNT_TERMINATED", "end_date_account_restriction"),
    ],
)
def test_what_each_restriction_is_told_as(restriction: str, field: str, value: object, end: str) -> None:
    plain = told(restriction=Restriction(restriction))
    decisions = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
    assert {each: plain[each] for each in decisions if each in plain} == {field: value}
    assert not [each for each in plain if each.startswith("end_date")]
    ended = told(restriction=Restriction(restriction), ends_ms=AT_MS + 30 * DAY_MS)
    assert {each: ended[each] for each in ended if each.startswith("end_date")} == {end: day(AT_MS + 30 * DAY_MS)}
    lifted = told(
        restriction=Restriction(restriction),
        ends_ms=AT_MS + 30 * DAY_MS,
        lifted_ms=AT_MS + 2 * DAY_MS,
        lifted=Lifted.REVERSED,
    )
    assert lifted[end] == day(AT_MS + 2 * DAY_MS)
    assert "upon a complaint" in str(lifted["decision_facts"])


def test_a_sanction_that_followed_from_a_report_is_told_so() -> None:
    made = told(
        restriction=Restriction.SUSPEND,
        source=Source.REPORT,
        automated_detection=False,
        automation=Automation.PARTIALLY,
        codes=("ladder", IMPOSED),
    )
    assert (made["source_type"], made["automated_detection"]) == ("SOURCE_ARTICLE_16", "No")
    assert made["automated_decision"] == "AUTOMATED_DECISION_PARTIALLY"
    assert FACTS["imposed"] in str(made["decision_facts"])
    assert FACTS[Automation.PARTIALLY] not in str(made["decision_facts"])


def test_a_hold_is_no_finding() -> None:
    """Whatever it was held for, its ground is that it waits for a person: nobody has found it illegal."""
    held = told(restriction=Restriction.HOLD, category="terrorism")
    assert held["decision_ground"] == "DECISION_GROUND_INCOMPATIBLE_CONTENT"
    assert held["category"] == "STATEMENT_CATEGORY_RISK_FOR_PUBLIC_SECURITY"
    blocked = told(category="terrorism")
    assert blocked["decision_ground"] == "DECISION_GROUND_ILLEGAL_CONTENT"
    assert "2021/784" in str(blocked["illegal_content_legal_ground"])


def test_every_category_has_what_it_is_told_as_and_a_ground() -> None:
    ours = {*(CATEGORIES - {"news"}), OTHER}
    assert set(CATEGORY) == ours
    assert set(GROUNDS) == {*ours, "hold"}
    for category in (None, "news", "of-next-year"):
        assert told(category=category)["category"] == "STATEMENT_CATEGORY_OTHER_VIOLATION_TC"


def test_dates_that_the_database_does_not_take() -> None:
    early = told(starts_ms=-1, content_ms=-1, ends_ms=-5)
    assert (early["application_date"], early["content_date"]) == ("2020-01-01", "2000-01-01")
    assert early["end_date_visibility_restriction"] == "2020-01-01"
    assert "end_date_visibility_restriction" not in told(ends_ms=4_000_000_000_000)
    before = told(ends_ms=AT_MS - 5 * DAY_MS)
    assert before["end_date_visibility_restriction"] == before["application_date"]


def test_an_account_as_a_whole_has_a_content_type() -> None:
    made = told(restriction=Restriction.SUSPEND, content_types=(), content_ms=None)
    assert made["content_type"] == ["CONTENT_TYPE_OTHER"]
    assert made["content_type_other"] == "A public account as a whole"
    assert made["content_date"] == made["application_date"]


@pytest.mark.parametrize("bad", ["a:b", "", "é", "a b", "x" * 501, "a\n"])
def test_an_id_that_the_database_does_not_take_is_told_as_a_digest(bad: str) -> None:
    assert len(puid(bad)) == 64
    assert puid(bad) != puid(bad + "1")


HOLD = {"restriction": Restriction.HOLD, "lifted": Lifted.RELEASED}


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"restriction": Restriction.WARN}, LeftOut.WARNING),
        ({}, None),
        ({**HOLD, "lifted_ms": AT_MS + HOUR_MS}, LeftOut.RELEASED),
        ({**HOLD, "lifted_ms": AT_MS + HOUR_MS + 1}, None),
        ({**HOLD, "lifted": Lifted.SUPERSEDED, "lifted_ms": AT_MS + 9 * HOUR_MS}, LeftOut.SUPERSEDED),
        ({**HOLD, "lifted": Lifted.REVERSED, "lifted_ms": AT_MS + 1}, None),
        ({**HOLD, "lifted": None}, None),
        ({"lifted": Lifted.RELEASED, "lifted_ms": AT_MS + 1}, None),
    ],
)
def test_which_statements_are_told(changes: dict[str, object], why: LeftOut | None) -> None:
    assert left_out(statement(**changes), RULES) is why


def test_the_grace_of_holds_is_policy() -> None:
    short = statement(**{**HOLD, "lifted_ms": AT_MS + 1})
    assert left_out(short, Transparency(hold_grace_minutes=0)) is None
    assert left_out(short, RULES) is LeftOut.RELEASED


def test_the_policy_replaces_words() -> None:
    text = (
        POLICY + "transparency:\n  territorial_scope: [DE, FR]\n  facts: {block: It was blocked.}\n"
        "  grounds: {hate: {illegal: true, ground: Law 7, explanation: It incites., url: 'https://example.org/law'}}\n"
    )
    made = record(statement(), parse_policy(text).policy.transparency)
    assert made is not None
    assert problems(made) == []
    assert made["territorial_scope"] == ["DE", "FR"]
    assert made["illegal_content_legal_ground"] == "Law 7"
    assert made["decision_ground_reference_url"] == "https://example.org/law"
    assert str(made["decision_facts"]).startswith("It was blocked. ")


@pytest.mark.parametrize(
    ("given_text", "field", "message"),
    [
        ("territorial_scope: [DE, US]", "transparency", "territorial_scope: unknown: US"),
        ("territorial_scope: [DE, DE]", "transparency", "give each country once"),
        ("territorial_scope: []", "transparency.territorial_scope", "give at least 1"),
        ("grounds: {news: {ground: a, explanation: b}}", "transparency", "grounds: unknown: news"),
        ("grounds: {hate: {ground: ' ', explanation: b}}", "transparency.grounds.hate.ground", "at least 1 character"),
        ("grounds: {hate: {ground: a}}", "transparency.grounds.hate.explanation", "required"),
        (
            "grounds: {hate: {ground: a, explanation: b, url: 'http://a.example'}}",
            "transparency.grounds.hate.url",
            "https",
        ),
        ("grounds: {hate: {ground: a, explanation: b, url: 'https://[a'}}", "transparency.grounds.hate.url", ""),
        ("facts: {warn: It was warned.}", "transparency", "facts: unknown: warn"),
        ("hold_grace_minutes: -1", "transparency.hold_grace_minutes", "give 0 or more"),
    ],
)
def test_a_bad_policy_is_refused(given_text: str, field: str, message: str) -> None:
    with pytest.raises(PolicyError) as caught:
        parse_policy(f"{POLICY}transparency:\n  {given_text}\n")
    [problem] = caught.value.problems
    assert problem.field == field
    assert message in problem.message
