"""The published rules of each field of a record for the DSA Transparency Database, in the form that its API takes since
1 July 2025: which values there are, which lengths, and which field needs which other.

Source: the database's "API documentation" (version 2) and "Additional explanation for statement attributes", at
transparency.dsa.ec.europa.eu. What makes our records is not used here, so that an error there does not hide itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any, Final
from urllib.parse import urlsplit

AT_ONCE: Final = 100
"""How many statements the batch route takes in one request."""


def _named(prefix: str, names: str) -> frozenset[str]:
    return frozenset([prefix + name for name in names.split()])


EU: Final = tuple(
    sorted(_named("", "AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK"))
)
"""Countries of the European Union, as the field ``territorial_scope`` names them."""
EEA: Final = tuple(sorted((*EU, "IS", "LI", "NO")))
"""Countries of the European Economic Area: all values of ``territorial_scope``."""

VISIBILITY_OTHER: Final = "DECISION_VISIBILITY_OTHER"
MONETARY_OTHER: Final = "DECISION_MONETARY_OTHER"
ILLEGAL: Final = "DECISION_GROUND_ILLEGAL_CONTENT"
INCOMPATIBLE: Final = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
TYPE_OTHER: Final = "CONTENT_TYPE_OTHER"
KEYWORD_OTHER: Final = "KEYWORD_OTHER"


CATEGORIES: Final = _named(
    "STATEMENT_CATEGORY_",
    "ANIMAL_WELFARE CONSUMER_INFORMATION CYBER_VIOLENCE CYBER_VIOLENCE_AGAINST_WOMEN "
    "DATA_PROTECTION_AND_PRIVACY_VIOLATIONS ILLEGAL_OR_HARMFUL_SPEECH INTELLECTUAL_PROPERTY_INFRINGEMENTS "
    "NEGATIVE_EFFECTS_ON_CIVIC_DISCOURSE_OR_ELECTIONS NOT_SPECIFIED_NOTICE OTHER_VIOLATION_TC PROTECTION_OF_MINORS "
    "RISK_FOR_PUBLIC_SECURITY SCAMS_AND_FRAUD SELF_HARM UNSAFE_AND_PROHIBITED_PRODUCTS VIOLENCE",
)
KEYWORDS: Final = _named(
    "KEYWORD_",
    "ADULT_SEXUAL_MATERIAL AGE_SPECIFIC_RESTRICTIONS AGE_SPECIFIC_RESTRICTIONS_MINORS ANIMAL_HARM "
    "BIOMETRIC_DATA_BREACH BULLYING_AGAINST_GIRLS CHILD_SEXUAL_ABUSE_MATERIAL CHILD_SEXUAL_ABUSE_MATERIAL_DEEPFAKE "
    "CONTENT_PROMOTING_EATING_DISORDERS COORDINATED_HARM COPYRIGHT_INFRINGEMENT CYBER_BULLYING_INTIMIDATION "
    "CYBER_HARASSMENT CYBER_HARASSMENT_AGAINST_WOMEN CYBER_INCITEMENT CYBER_STALKING CYBER_STALKING_AGAINST_WOMEN "
    "DATA_FALSIFICATION DEFAMATION DESIGN_INFRINGEMENT DISCRIMINATION FEMALE_GENDERED_DISINFORMATION "
    "GEOGRAPHICAL_REQUIREMENTS GEOGRAPHIC_INDICATIONS_INFRINGEMENT GOODS_SERVICES_NOT_PERMITTED "
    "GROOMING_SEXUAL_ENTICEMENT_MINORS HATE_SPEECH HIDDEN_ADVERTISEMENT HUMAN_EXPLOITATION HUMAN_TRAFFICKING "
    "ILLEGAL_ORGANIZATIONS IMPERSONATION_ACCOUNT_HIJACKING INAUTHENTIC_ACCOUNTS INAUTHENTIC_LISTINGS "
    "INAUTHENTIC_USER_REVIEWS INCITEMENT_AGAINST_WOMEN INCITEMENT_VIOLENCE_HATRED INSUFFICIENT_INFORMATION_ON_TRADERS "
    "LANGUAGE_REQUIREMENTS MISINFORMATION_DISINFORMATION MISLEADING_INFO_CONSUMER_RIGHTS "
    "MISLEADING_INFO_GOODS_SERVICES MISSING_PROCESSING_GROUND NONCOMPLIANCE_PRICING NON_CONSENSUAL_IMAGE_SHARING "
    "NON_CONSENSUAL_IMAGE_SHARING_AGAINST_WOMEN NON_CONSENSUAL_MATERIAL_DEEPFAKE "
    "NON_CONSENSUAL_MATERIAL_DEEPFAKE_AGAINST_WOMEN NUDITY OTHER PATENT_INFRINGEMENT PHISHING PROHIBITED_PRODUCTS "
    "PYRAMID_SCHEMES RIGHT_TO_BE_FORGOTTEN RISK_ENVIRONMENTAL_DAMAGE RISK_PUBLIC_HEALTH SELF_MUTILATION STALKING "
    "SUICIDE TERRORIST_CONTENT TRADEMARK_INFRINGEMENT TRADE_SECRET_INFRINGEMENT TRAFFICKING_WOMEN_GIRLS "
    "UNLAWFUL_SALE_ANIMALS UNSAFE_CHALLENGES UNSAFE_PRODUCTS VIOLATION_EU_LAW VIOLATION_NATIONAL_LAW",
)
_VISIBILITIES: Final = _named(
    "DECISION_VISIBILITY_",
    "CONTENT_REMOVED CONTENT_DISABLED CONTENT_DEMOTED CONTENT_AGE_RESTRICTED CONTENT_INTERACTION_RESTRICTED "
    "CONTENT_LABELLED OTHER",
)
_PROVISIONS: Final = _named(
    "DECISION_PROVISION_", "PARTIAL_SUSPENSION TOTAL_SUSPENSION PARTIAL_TERMINATION TOTAL_TERMINATION"
)
_CONTENT_TYPES: Final = _named("CONTENT_TYPE_", "APP AUDIO IMAGE PRODUCT SYNTHETIC_MEDIA TEXT VIDEO OTHER")
_SOURCES: Final = _named("SOURCE_", "ARTICLE_16 TRUSTED_FLAGGER TYPE_OTHER_NOTIFICATION VOLUNTARY")
_DECISIONS: Final = _named("AUTOMATED_DECISION_", "FULLY PARTIALLY NOT_AUTOMATED")
_YES_NO: Final = frozenset({"Yes", "No"})
_LANGUAGES: Final = _named(  # ISO 639-1
    "",
    "AA AB AE AF AK AM AN AR AS AV AY AZ BA BE BG BI BM BN BO BR BS CA CE CH CO CR CS CU CV CY DA DE DV DZ EE EL "
    "EN EO ES ET EU FA FF FI FJ FO FR FY GA GD GL GN GU GV HA HE HI HO HR HT HU HY HZ IA ID IE IG II IK IO IS IT "
    "IU JA JV KA KG KI KJ KK KL KM KN KO KR KS KU KV KW KY LA LB LG LI LN LO LT LU LV MG MH MI MK ML MN MR MS MT "
    "MY NA NB ND NE NG NL NN NO NR NV NY OC OJ OM OR OS PA PI PL PS PT QU RM RN RO RU RW SA SC SD SE SG SI SK SL "
    "SM SN SO SQ SR SS ST SU SV SW TA TE TG TH TI TK TL TN TO TR TS TT TW TY UG UK UR UZ VE VI VO WA WO XH YI YO "
    "ZA ZH ZU",
)
_DATE: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_PUID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")
_EAN: Final = re.compile(r"[0-9]{13}")
_LAST: Final = date(2038, 1, 1)

Rule = Callable[[Any], Iterator[str]]


def problems(record: object) -> list[str]:
    """What is wrong with a record, each as ``field: rule``; nothing for one that the database takes.

    That a ``puid`` is unique within the platform is no rule of one record: see `gateway.core.dsa_batch`.
    """
    if not isinstance(record, Mapping):
        return ["record: give an object"]
    found = [f"{field}: there is no such field" for field in record if field not in _RULES]
    given = {field: value for field, value in record.items() if value is not None}
    for field, rule in _RULES.items():
        if field in given:
            found += [f"{field}: {wrong}" for wrong in rule(given[field])]
        elif field in _REQUIRED:
            found.append(f"{field}: this field is required")
    found += _together(given)
    return found


def _one_of(values: frozenset[str]) -> Rule:
    def rule(value: Any) -> Iterator[str]:
        if not isinstance(value, str) or value not in values:
            yield f"give one of {', '.join(sorted(values))}" if len(values) < 9 else "there is no such value"

    return rule


def _some_of(values: frozenset[str], least: int = 1) -> Rule:
    def rule(value: Any) -> Iterator[str]:
        if not isinstance(value, list):
            yield "give a list"
        elif len(value) < least:
            yield f"give at least {least}"
        elif not all(isinstance(each, str) and each in values for each in value):
            yield "there is no such value"
        elif len(set(value)) < len(value):
            yield "give each value once"

    return rule


def _text(limit: int) -> Rule:
    def rule(value: Any) -> Iterator[str]:
        if not isinstance(value, str):
            yield "give a string"
        elif not value.strip():
            yield "give at least 1 character"
        elif len(value) > limit:
            yield f"give at most {limit} characters"
        elif any("\ud800" <= sign <= "\udfff" for sign in value):
            yield "give text that UTF-8 can carry"

    return rule


def _day(first: date) -> Rule:
    def rule(value: Any) -> Iterator[str]:
        day = _parsed(value)
        if day is None:
            yield "give a date as YYYY-MM-DD"
        elif not first <= day <= _LAST:
            yield f"give a date from {first} to {_LAST}"

    return rule


def _url(value: Any) -> Iterator[str]:
    yield from (wrong := list(_text(500)(value)))
    if not wrong:
        try:
            parts = urlsplit(value)
            good = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            good = False
        if not good or not value.isprintable() or " " in value:
            yield "give an http or https address"


def _puid(value: Any) -> Iterator[str]:
    if not isinstance(value, str) or not _PUID.fullmatch(value):
        yield "give 1 to 500 of the characters a-z, A-Z, 0-9, - and _"


def _content_id(value: Any) -> Iterator[str]:
    if not isinstance(value, Mapping) or list(value) != ["EAN-13"]:
        yield "give an object with EAN-13 alone"
    elif not isinstance(value["EAN-13"], str) or not _EAN.fullmatch(value["EAN-13"]):
        yield "give 13 digits as EAN-13"


def _parsed(value: object) -> date | None:
    if not isinstance(value, str) or not _DATE.fullmatch(value):
        return None
    try:
        return date.fromisoformat(value)
    except ValueError:
        return None


_RULES: Final[Mapping[str, Rule]] = {
    "decision_visibility": _some_of(_VISIBILITIES),
    "decision_visibility_other": _text(500),
    "decision_monetary": _one_of(_named("DECISION_MONETARY_", "SUSPENSION TERMINATION OTHER")),
    "decision_monetary_other": _text(500),
    "decision_provision": _one_of(_PROVISIONS),
    "decision_account": _one_of(_named("DECISION_ACCOUNT_", "SUSPENDED TERMINATED")),
    "account_type": _one_of(_named("ACCOUNT_TYPE_", "BUSINESS PRIVATE")),
    "decision_ground": _one_of(frozenset({ILLEGAL, INCOMPATIBLE})),
    "decision_ground_reference_url": _url,
    "illegal_content_legal_ground": _text(500),
    "illegal_content_explanation": _text(2000),
    "incompatible_content_ground": _text(500),
    "incompatible_content_explanation": _text(2000),
    "incompatible_content_illegal": _one_of(_YES_NO),
    "content_type": _some_of(_CONTENT_TYPES),
    "content_type_other": _text(500),
    "category": _one_of(CATEGORIES),
    "category_addition": _some_of(CATEGORIES, 0),
    "category_specification": _some_of(KEYWORDS, 0),
    "category_specification_other": _text(500),
    "content_id": _content_id,
    "territorial_scope": _some_of(frozenset(EEA)),
    "content_language": _one_of(_LANGUAGES),
    "content_date": _day(date(2000, 1, 1)),
    "application_date": _day(date(2020, 1, 1)),
    "end_date_visibility_restriction": _day(date(2020, 1, 1)),
    "end_date_monetary_restriction": _day(date(2020, 1, 1)),
    "end_date_service_restriction": _day(date(2020, 1, 1)),
    "end_date_account_restriction": _day(date(2020, 1, 1)),
    "decision_facts": _text(5000),
    "source_type": _one_of(_SOURCES),
    "source_identity": _text(500),
    "automated_detection": _one_of(_YES_NO),
    "automated_decision": _one_of(_DECISIONS),
    "puid": _puid,
}
_REQUIRED: Final = frozenset(
    {
        "decision_ground",
        "content_type",
        "category",
        "territorial_scope",
        "content_date",
        "application_date",
        "decision_facts",
        "source_type",
        "automated_detection",
        "automated_decision",
        "puid",
    }
)
_RESTRICTIONS: Final = ("decision_visibility", "decision_monetary", "decision_provision", "decision_account")
_ONLY_WITH: Final = (
    # A field, the field and value that it goes with, and whether that needs it.
    ("decision_visibility_other", "decision_visibility", VISIBILITY_OTHER, True),
    ("decision_monetary_other", "decision_monetary", MONETARY_OTHER, True),
    ("content_type_other", "content_type", TYPE_OTHER, True),
    ("category_specification_other", "category_specification", KEYWORD_OTHER, False),
    ("illegal_content_legal_ground", "decision_ground", ILLEGAL, True),
    ("illegal_content_explanation", "decision_ground", ILLEGAL, True),
    ("incompatible_content_ground", "decision_ground", INCOMPATIBLE, True),
    ("incompatible_content_explanation", "decision_ground", INCOMPATIBLE, True),
    ("incompatible_content_illegal", "decision_ground", INCOMPATIBLE, False),
)


def _together(given: Mapping[str, Any]) -> Iterator[str]:
    if not any(field in given for field in _RESTRICTIONS):
        yield f"decision_visibility: give at least one of {', '.join(_RESTRICTIONS)}"
    for field, other, value, needed in _ONLY_WITH:
        said = given.get(other)
        there = value in said if isinstance(said, list) else said == value
        if there and needed and field not in given:
            yield f"{field}: this field is required with {value}"
        elif field in given and not there:
            yield f"{field}: give it with {value} only"
    begins = _parsed(given.get("application_date"))
    for field in [field for field in given if field.startswith("end_date_") and field in _RULES]:
        ends = _parsed(given[field])
        if begins is not None and ends is not None and ends < begins:
            yield f"{field}: give a date not before application_date"
