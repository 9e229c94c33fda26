"""Statements in words: complete in every language, whatever is stated, and alike from language to language."""

from __future__ import annotations

import inspect
import string
from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

import pytest
from msgspec.structs import replace

from classifiers.contract import Silence
from gateway.core import authorise, decide, identity, sanctions
from gateway.core.appeals import Appeal, AppealState
from gateway.core.holds import Holds
from gateway.core.model import Degree
from gateway.core.policy import VIOLATIONS
from gateway.core.statement import IMPOSED, UPDATES, Automation, Lifted, Restriction, Source, Statement
from gateway.core.wordings import DEFAULT, languages, moment, nearest, worded, words

NOW_MS = 1_800_000_000_000
STATEMENT = Statement(
    statement_id="s-1",
    tenant_id="t1",
    account_id="canary-account",
    restriction=Restriction.BLOCK,
    category="fraud",
    codes=("content_violation",),
    source=Source.OWN,
    automated_detection=True,
    automation=Automation.FULLY,
    starts_ms=NOW_MS,
    policy_version="v",
    message_id="canary-message",
)
REGISTRANT_CODES = (
    *("registrant_missing", "registrant_under_review", "registrant_needs_input", "registrant_declined"),
    *("registrant_unverified", "registrant_assurance_insufficient", "registrant_expired"),
)
CODES = (
    *("content_violation", "content_suspected", "reviewed", "hold_expired", "taken_down", "report", "unverifiable"),
    *("account_unknown", "account_closed", "account_suspended", "account_term_ended"),
    *("ladder", "person", "appeal", IMPOSED, UPDATES, "sanction_suspend_updates"),
    *[f"sanction_{degree}" for degree in Degree],
    *REGISTRANT_CODES,
    *authorise._TEXTS,
    *decide._DOUBTS,
    *[f"classifier_{silence}" for silence in Silence],
)
EVERY_LANGUAGE = pytest.mark.parametrize("language", languages())


def leaves(tree: Mapping[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], str]]:
    """Each text of a file of words, by its keys."""
    for name, value in tree.items():
        if isinstance(value, Mapping):
            yield from leaves(value, (*place, name))
        else:
            assert isinstance(value, str), (place, name)
            yield (*place, name), value


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name is not None}


def tell(statement: Statement, language: str, **fields: Any) -> str:
    return worded(statement, language, **{"appeal_until_ms": NOW_MS + 1, "now_ms": NOW_MS, **fields}).text


def test_a_suspended_renewal_is_worded_as_it_was_meant() -> None:
    renewal = replace(STATEMENT, restriction=Restriction.SUSPEND_RENEWAL, codes=("ladder",))
    updates = replace(renewal, codes=("ladder", UPDATES))
    assert "cannot be renewed" in tell(renewal, "en")
    assert "不能续期" in tell(renewal, "zh")
    assert "cannot publish anything new" in tell(updates, "en")
    assert "您的账号被暂停更新" in tell(updates, "zh")
    assert "cannot be renewed" not in tell(updates, "en")
    assert replace(updates, restriction=Restriction.SUSPEND).words == "suspend"


def test_english_and_chinese_are_there() -> None:
    assert languages() == ("en", "zh")


def test_all_languages_have_the_same_keys_and_placeholders() -> None:
    english = dict(leaves(words(DEFAULT)))
    for language in languages():
        others = dict(leaves(words(language)))
        assert others.keys() == english.keys()
        for place, text in others.items():
            assert text.strip(), place
            assert placeholders(text) == placeholders(english[place]), place
            if place[0] == "codes" and place[-1] == "ground":
                assert text == english[place], place


def test_every_category_restriction_and_code_has_words() -> None:
    of = words(DEFAULT)
    assert set(of["categories"]) == set(of["rules"]) == VIOLATIONS
    assert set(of["title"]) == set(of["scope"]) == {*Restriction, UPDATES}
    assert set(of["lifted"]) == set(Lifted)
    assert set(of["automation"]) == {*Automation, "imposed"}
    assert set(CODES) | {"unlisted", "unlisted_account", "news"} == set(of["codes"])
    assert {each["ground"] for each in of["codes"].values()} <= set(of["grounds"])


def test_the_codes_are_those_that_decisions_give() -> None:
    """Of each module that makes reasons, so that a code which is added there is missed here."""
    source = "".join([inspect.getsource(module) for module in (identity, sanctions)])
    for code in (*REGISTRANT_CODES, "account_unknown", "account_closed", "account_suspended", "account_term_ended"):
        assert f'"{code}"' in source
    assert source.count('"registrant_') == len(REGISTRANT_CODES)


@EVERY_LANGUAGE
def test_every_statement_is_told_whole(language: str) -> None:
    every = product(Restriction, (None, *sorted(VIOLATIONS)), (*CODES, *Holds().reject_codes, "never heard of"))
    for restriction, category, code in every:
        statement = replace(STATEMENT, restriction=restriction, category=category, codes=(code,))
        told = worded(statement, language, appeal_until_ms=NOW_MS + 1, now_ms=NOW_MS)
        assert told.title
        assert [each.name for each in told.sections] == ["restriction", "facts", "automation", "ground", "redress"]
        assert all(each.title and each.text for each in told.sections)
        assert "{" not in told.text
        assert "canary" not in told.text  # neither the account nor the message is named
        if category is not None:
            assert words(language)["categories"][category] in told.text


@EVERY_LANGUAGE
def test_how_it_was_found_and_decided_is_told(language: str) -> None:
    of = words(language)
    for source, automated, automation in product(Source, (True, False), Automation):
        told = tell(replace(STATEMENT, source=source, automated_detection=automated, automation=automation), language)
        assert of["automation"][automation] in told
        assert of["detection"]["automatic" if automated else "person"] in told
        means = source.value if source is not Source.OWN else "automatic" if automated else "person"
        assert of["found"][means].format(category=of["categories"]["fraud"]) in told


@EVERY_LANGUAGE
def test_until_when_it_lasts_is_told(language: str) -> None:
    of = words(language)
    ends = replace(STATEMENT, restriction=Restriction.SUSPEND, ends_ms=NOW_MS + 86_400_000)
    assert moment(NOW_MS + 86_400_000, language) in tell(ends, language)
    assert of["duration"]["review"].format(since=moment(NOW_MS, language)) in tell(
        replace(STATEMENT, restriction=Restriction.HOLD), language
    )
    for lifted in Lifted:
        over = replace(STATEMENT, lifted=lifted, lifted_ms=NOW_MS + 60_000)
        told = tell(over, language)
        assert of["lifted"][lifted].format(lifted=moment(NOW_MS + 60_000, language)) in told
        assert of["redress"]["nothing"] in told


@EVERY_LANGUAGE
def test_what_can_be_done_about_it_is_told(language: str) -> None:
    redress = words(language)["redress"]
    until = moment(NOW_MS + 1, language)
    assert redress["appeal"].format(until=until) in tell(STATEMENT, language)
    assert redress["appeal_over"].format(until=until) in tell(STATEMENT, language, now_ms=NOW_MS + 1)
    assert redress["elsewhere"] in tell(STATEMENT, language)
    appeal = Appeal("a-1", "t1", "acc-1", "s-1", AppealState.OPEN, language, NOW_MS, NOW_MS + 60_000)
    made = redress["appeal_made"].format(due=moment(NOW_MS + 60_000, language))
    assert made in tell(STATEMENT, language, appeal=appeal)
    upheld = replace(appeal, state=AppealState.UPHELD, decided_ms=NOW_MS)
    assert redress["appeal_upheld"] in tell(STATEMENT, language, appeal=upheld)
    told = tell(STATEMENT, language, appeal=replace(upheld, state=AppealState.REVERSED))
    assert (redress["nothing"] in told, redress["appeal_upheld"] in told) == (True, False)


def test_an_unknown_language_is_english() -> None:
    assert tell(STATEMENT, "xx") == tell(STATEMENT, "en")
    assert worded(STATEMENT, "xx", appeal_until_ms=0, now_ms=0).language == "en"


def test_a_statement_of_nothing_that_is_known_still_says_something() -> None:
    assert words("en")["codes"]["unlisted"]["fact"] in tell(replace(STATEMENT, category=None, codes=()), "en")


@pytest.mark.parametrize(
    ("wanted", "language"),
    [
        ("zh", "zh"),
        ("zh-Hant-TW", "zh"),
        ("ZH_cn", "zh"),
        ("de, zh;q=0.5, en;q=0.4", "zh"),
        ("en;q=0.3,zh;q=0.9", "zh"),
        ("zh;q=0, en;q=0.1", "en"),
        ("zh;q=nonsense", "en"),
        ("zh;q=2", "en"),
        ("*", "en"),
        ("", "en"),
        ("fr", "en"),
    ],
)
def test_the_nearest_language(wanted: str, language: str) -> None:
    assert nearest(wanted) == language


def test_a_date_that_no_calendar_has_stays_a_number() -> None:
    assert moment(10**18, "en") == str(10**18)
    assert moment(NOW_MS, "zh") == "2027年1月15日 08:00（UTC）"
    assert moment(NOW_MS, "en") == "2027-01-15 08:00 UTC"


@EVERY_LANGUAGE
def test_a_sanction_that_followed_from_a_persons_decision_is_not_told_as_a_machines_alone(language: str) -> None:
    imposed = replace(
        STATEMENT, restriction=Restriction.WARN, automation=Automation.PARTIALLY, codes=("ladder", IMPOSED)
    )
    how = words(language)["automation"]
    told = tell(imposed, language)
    assert how["imposed"] in told
    assert how["partially"] not in told
    assert how["partially"] in tell(replace(imposed, codes=("ladder",)), language)
