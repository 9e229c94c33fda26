"""What is asked of a report, what it is about, and how a reporter stands."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.report_rules import REPORTED, Reports
from gateway.core.reports import (
    UNDECIDED_WORDING,
    Draft,
    Redress,
    Standing,
    State,
    Strike,
    Undecided,
    Verdict,
    Why,
    Wrong,
    candidates,
    category_of,
    redress_of,
    standing,
    subject_of,
    together,
    wrong,
)

GOOD = Draft("t1", "It sells pills.", "illegal_goods", ("https://chat.example/m/1",), (), "Ann", "ann@a.example", True)
DAY_MS = 86_400_000
RULES = Reports(warn_after=3, mute_after=2, within_days=10, mute_days=5)


@pytest.mark.parametrize(
    ("state", "complained", "erased", "redress"),
    [
        *[(state, False, False, None) for state in (State.RECEIVED, State.UNDER_REVIEW, State.DUPLICATE)],
        (State.NOT_ACTIONED, False, False, Redress.COMPLAIN),
        (State.NOT_ACTIONED, False, True, Redress.OVER),
        (State.NOT_ACTIONED, True, False, Redress.COMPLAINED),
        (State.APPEAL_OPEN, True, False, Redress.COMPLAINED),
        *[(State.ACTIONED, *each, Redress.ACTIONED) for each in ((False, False), (True, False), (False, True))],
    ],
)
def test_what_a_reporter_can_do_about_an_outcome(
    state: State, complained: bool, erased: bool, redress: Redress | None
) -> None:
    assert redress_of(state, complained, erased) is redress


def test_a_complete_report_is_taken() -> None:
    assert wrong(GOOD) == ()
    assert wrong(replace(GOOD, urls=(), message_ids=("m-1",))) == ()


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"explanation": "  \n "}, Wrong("explanation", Why.MISSING)),
        ({"explanation": "x" * 5001}, Wrong("explanation", Why.TOO_LONG, 5000)),
        ({"explanation": "a\x00b"}, Wrong("explanation", Why.CHARACTERS)),
        ({"explanation": "half \ud800"}, Wrong("explanation", Why.CHARACTERS)),
        ({"category": ""}, Wrong("category", Why.NO_CATEGORY)),
        ({"category": "opinion"}, Wrong("category", Why.NO_CATEGORY)),
        ({"urls": ()}, Wrong("urls", Why.NO_CONTENT)),
        ({"urls": ("  ",)}, Wrong("urls", Why.NO_CONTENT)),
        ({"urls": ("chat.example/1",)}, Wrong("urls", Why.NO_ADDRESS)),
        ({"urls": ("javascript:alert(1)",)}, Wrong("urls", Why.NO_ADDRESS)),
        ({"urls": ("https://",)}, Wrong("urls", Why.NO_ADDRESS)),
        ({"urls": ("https://[::1",)}, Wrong("urls", Why.NO_ADDRESS)),
        ({"urls": ("https://a.example/ b",)}, Wrong("urls", Why.NO_ADDRESS)),
        ({"urls": ("https://a.example/" + "x" * 2000,)}, Wrong("urls", Why.TOO_LONG, 2000)),
        ({"urls": tuple(f"https://a.example/{n}" for n in range(21))}, Wrong("urls", Why.TOO_MANY, 20)),
        ({"message_ids": ("",)}, Wrong("message_ids", Why.NO_CONTENT)),
        ({"message_ids": ("x" * 256,)}, Wrong("message_ids", Why.TOO_LONG, 255)),
        ({"message_ids": ("a\nb",)}, Wrong("message_ids", Why.CHARACTERS)),
        ({"name": ""}, Wrong("name", Why.MISSING)),
        ({"name": "x" * 201}, Wrong("name", Why.TOO_LONG, 200)),
        ({"name": "A\nB"}, Wrong("name", Why.CHARACTERS)),
        ({"email": ""}, Wrong("email", Why.MISSING)),
        ({"email": "ann"}, Wrong("email", Why.NO_EMAIL)),
        ({"email": "a@b, c@d"}, Wrong("email", Why.NO_EMAIL)),
        ({"bona_fide": False}, Wrong("bona_fide", Why.NOT_CONFIRMED)),
    ],
)
def test_each_field_that_cannot_be_is_named_with_the_reason(fields: dict[str, Any], expected: Wrong) -> None:
    assert wrong(replace(GOOD, **fields)) == (expected,)


def test_name_and_address_are_waived_for_child_abuse_and_for_who_is_known() -> None:
    nameless = replace(GOOD, name="", email="")
    assert {each.field for each in wrong(nameless)} == {"name", "email"}
    assert wrong(replace(nameless, category="sexual_minors")) == ()
    assert wrong(nameless, known=True) == ()
    assert wrong(replace(nameless, category="sexual_minors", email="nobody"))[0].why is Why.NO_EMAIL


def test_all_that_is_wrong_is_told_at_once() -> None:
    assert [each.field for each in wrong(Draft("t1", "", ""))] == [
        "urls", "category", "explanation", "name", "email", "bona_fide",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        ("m-1", ("m-1",)),
        ("https://chat.example/a/m-1", ("https://chat.example/a/m-1", "m-1", "a")),
        ("https://chat.example/?id=m-1&x=2", ("https://chat.example/?id=m-1&x=2", "m-1", "2")),
        ("https://to.example/#/!room:s/%24event", ("https://to.example/#/!room:s/%24event", "$event", "!room:s")),
    ],
)
def test_what_an_address_may_stand_for(reference: str, expected: tuple[str, ...]) -> None:
    assert candidates(reference) == expected


@given(st.text(max_size=300).map(lambda text: f"https://a.example/{text}") | st.text(max_size=300))
def test_no_address_makes_many_questions(reference: str) -> None:
    found = candidates(reference)
    assert len(found) <= 16
    assert all(0 < len(each) <= 255 for each in found)


def test_the_same_content_has_one_subject() -> None:
    assert subject_of("https://A.example/M") == subject_of("HTTPS://a.example/M") != subject_of("https://a.example/m")
    assert subject_of("https://a.example/M", "m-1") == subject_of("other", "m-1") == "message:m-1"
    assert subject_of("m-1") != subject_of("m-1", "m-1")


def strikes(*days: float, made: float | None = None) -> list[Strike]:
    """Strikes decided on these days, each made the moment before."""
    return [Strike(int((day if made is None else made) * DAY_MS) - 1, int(day * DAY_MS)) for day in days]


@pytest.mark.parametrize(
    ("had", "day", "expected"),
    [
        ([], 10, Standing()),
        (strikes(1, 2), 2, Standing()),
        (strikes(1, 2, 3), 3, Standing(warned=True)),
        (strikes(1, 2, 3), 12.9, Standing(warned=True)),
        (strikes(1, 2, 3), 13, Standing()),  # forgotten
        (strikes(1, 2, 12), 12, Standing()),  # too far apart
        (strikes(1, 2, 3, 4), 4, Standing(warned=True)),
        (strikes(1, 2, 3, 4, 5), 5, Standing(warned=True, muted_until_ms=10 * DAY_MS)),
        (strikes(1, 2, 3, 4, 5), 10, Standing(warned=True)),  # heard again
        (strikes(1, 2, 3, 4, 5, 11), 11, Standing(warned=True, muted_until_ms=16 * DAY_MS)),  # and goes on
        (strikes(1, 2, 3) + strikes(4, 5, 6, made=2.5), 6, Standing(warned=True)),  # made before the warning
        (strikes(1, 2, 3, 4, 5), 4.5, Standing(warned=True)),  # what is decided later counts later
    ],
)
def test_who_is_warned_and_who_is_not_heard(had: list[Strike], day: float, expected: Standing) -> None:
    assert standing(had, int(day * DAY_MS), RULES) == expected


@given(
    st.lists(st.tuples(st.integers(0, 60 * DAY_MS), st.integers(0, 20 * DAY_MS)), max_size=30),
    st.integers(0, 90 * DAY_MS),
)
def test_nobody_is_muted_without_a_warning_that_could_be_heeded(made: list[tuple[int, int]], now_ms: int) -> None:
    had = [Strike(at_ms, at_ms + took) for at_ms, took in made]
    found = standing(had, now_ms, RULES)
    if found.muted_until_ms is not None:
        assert now_ms < found.muted_until_ms <= now_ms + RULES.mute_days * DAY_MS
        told = sorted(each.at_ms for each in had if each.at_ms <= now_ms)
        after = [each for each in had if each.at_ms <= now_ms and each.made_ms > told[RULES.warn_after - 1]]
        assert len(after) >= RULES.mute_after
    assert found == standing(list(reversed(had)), now_ms, RULES)


@pytest.mark.parametrize(
    ("verdict", "reported", "expected"),
    [
        (Verdict(True), "spam", "spam"),
        (Verdict(True, category="hate"), "spam", "hate"),
        (Verdict(True), "other", Undecided.CATEGORY),
        (Verdict(True, category="fraud"), "other", "fraud"),
        (Verdict(False), "other", "other"),
        (Verdict(False, category="opinion"), "spam", Undecided.CATEGORY),
        (Verdict(False, unfounded=True), "spam", "spam"),
        (Verdict(True, unfounded=True), "spam", Undecided.CONTRADICTION),
    ],
)
def test_what_is_acted_on_has_a_category(verdict: Verdict, reported: str, expected: str | Undecided) -> None:
    assert category_of(verdict, reported) == expected


@pytest.mark.parametrize(
    ("states", "expected"),
    [
        ([State.RECEIVED], State.RECEIVED),
        ([State.ACTIONED, State.RECEIVED], State.RECEIVED),
        ([State.NOT_ACTIONED, State.DUPLICATE], State.DUPLICATE),
        ([State.NOT_ACTIONED, State.ACTIONED], State.ACTIONED),
        ([State.NOT_ACTIONED, State.NOT_ACTIONED], State.NOT_ACTIONED),
        ([State.ACTIONED, State.APPEAL_OPEN], State.APPEAL_OPEN),
    ],
)
def test_a_receipt_for_several_contents_is_open_while_one_is(states: list[State], expected: State) -> None:
    assert together(states) is expected


def test_every_refusal_names_a_field() -> None:
    assert set(UNDECIDED_WORDING) == set(Undecided)
    assert all(": " in text for text in UNDECIDED_WORDING.values())
    assert "news" in REPORTED
