"""Deadlines of reports: never too early, in order, on the clock of one's own town."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from gateway.core.report_rules import REPORTED, Business, Reports, Urgency, due

HOUR_MS = 3_600_000
WEEK = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
NINE_TO_FIVE = dict.fromkeys(WEEK[:5], ("09:00-12:00", "13:00-18:00"))
ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Asia/Shanghai", "Australia/Lord_Howe", "America/Sao_Paulo")
# Fifteen years with changes of the clock at 2 h, at midnight, and of half an hour.
MOMENTS = st.integers(1_400_000_000_000, 1_880_000_000_000)


def at(zone: str, *parts: int) -> int:
    """A moment on a town's clock, in unix milliseconds."""
    year, month, day, hour, minute = parts
    return int(datetime(year, month, day, hour, minute, tzinfo=ZoneInfo(zone)).timestamp() * 1000)


def rules(zone: str = "UTC", hours: float = 8, holidays: tuple[date, ...] = (), **days: Any) -> Reports:
    """Rules under which normal reports have so many hours of business."""
    return Reports(
        hours={Urgency.IMMINENT: 1, Urgency.URGENT: 24, Urgency.NORMAL: hours},
        business=Business(zone=zone, hours=days or NINE_TO_FIVE, holidays=holidays),  # type: ignore[arg-type]
    )


@st.composite
def a_week(draw: st.DrawFn) -> dict[str, Any]:
    """Hours of business, each day's in order; and some on one day at least."""
    week: dict[str, Any] = {}
    for day in draw(st.lists(st.sampled_from(WEEK), unique=True)):
        edges = sorted(draw(st.lists(st.integers(0, 96), min_size=2, max_size=6, unique=True)))
        pairs = zip(edges[::2], edges[1::2], strict=False)
        week[day] = tuple([f"{_clock(start)}-{_clock(end)}" for start, end in pairs])
    return week | {"monday": ("08:00-20:00",)}


def _clock(quarters: int) -> str:
    return f"{quarters // 4:02}:{quarters % 4 * 15:02}"


@pytest.mark.parametrize("category", REPORTED)
def test_what_a_category_means(category: str) -> None:
    # A Wednesday: two days of business are left of the week.
    asked = at("UTC", 2026, 11, 25, 12, 0)
    imminent = {"sexual_minors", "self_harm", "terrorism"}
    urgent = {"violence", "hate", "harassment"}
    hours = 1 if category in imminent else 24 if category in urgent else 72 + 48
    assert due(asked, category, Reports()) == asked + hours * HOUR_MS


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ((2026, 11, 25, 9, 0), (2026, 11, 25, 18, 0)),  # a working day
        ((2026, 11, 25, 17, 0), (2026, 11, 26, 17, 0)),  # one hour of it
        ((2026, 11, 25, 12, 30), (2026, 11, 26, 12, 0)),  # in the break
        ((2026, 11, 27, 20, 0), (2026, 11, 30, 18, 0)),  # on Friday night: all of Monday
        ((2026, 11, 28, 10, 0), (2026, 11, 30, 18, 0)),  # on Saturday
        ((2026, 12, 24, 9, 0), (2026, 12, 29, 18, 0)),  # over holidays and a weekend
    ],
)
@pytest.mark.parametrize("zone", ["Europe/Berlin", "Asia/Shanghai"])
def test_business_hours(zone: str, asked: tuple[int, ...], expected: tuple[int, ...]) -> None:
    holidays = (date(2026, 12, 24), date(2026, 12, 25), date(2026, 12, 28))
    assert due(at(zone, *asked), "spam", rules(zone, holidays=holidays)) == at(zone, *expected)


@pytest.mark.parametrize(
    ("day", "expected"),
    [
        (date(2026, 3, 29), (2026, 3, 29, 5, 0)),  # of 23 hours: there is no time from 2 to 3
        (date(2026, 10, 25), (2026, 10, 25, 3, 0)),  # of 25 hours: from 2 to 3 comes twice
        (date(2026, 6, 7), (2026, 6, 7, 4, 0)),
    ],
)
def test_hours_are_elapsed_time_when_the_clock_is_moved(day: date, expected: tuple[int, ...]) -> None:
    asked = at("Europe/Berlin", day.year, day.month, day.day, 0, 0)
    all_day = rules("Europe/Berlin", hours=4, sunday=("00:00-24:00",))
    assert due(asked, "spam", all_day) == at("Europe/Berlin", *expected) == asked + 4 * HOUR_MS


def test_a_night_that_comes_twice_is_open_all_the_while() -> None:
    night = rules("Europe/Berlin", hours=2, sunday=("02:00-03:00",), monday=("08:00-20:00",))
    first = at("Europe/Berlin", 2026, 10, 25, 2, 0)
    assert due(first, "spam", night) == first + 2 * HOUR_MS


@given(MOMENTS, st.sampled_from(REPORTED), st.sampled_from(ZONES), a_week(), st.floats(0.25, 200), st.booleans())
def test_never_sooner_than_its_hours(
    asked: int, category: str, zone: str, week: dict[str, Any], hours: float, trusted: bool
) -> None:
    made = rules(zone, hours, **week)
    own = made.hours[made.urgency_of(category)]
    least = min(own, made.trusted_hours) if trusted else own
    assert due(asked, category, made, trusted=trusted) >= asked + round(least * HOUR_MS)


@given(
    MOMENTS, st.integers(0, 10 * 24 * HOUR_MS), st.sampled_from(REPORTED), st.sampled_from(ZONES), a_week(),
    st.floats(0.25, 100), st.booleans(),
)  # fmt: skip
def test_who_comes_later_is_not_due_sooner(
    asked: int,
    later: int,
    category: str,
    zone: str,
    week: dict[str, Any],
    hours: float,
    trusted: bool,
) -> None:
    made = rules(zone, hours, **week)
    assert due(asked, category, made, trusted=trusted) <= due(asked + later, category, made, trusted=trusted)


@given(MOMENTS, st.sampled_from(REPORTED), st.sampled_from(ZONES), a_week(), st.floats(0.25, 200))
def test_a_trusted_flagger_is_never_behind(
    asked: int, category: str, zone: str, week: dict[str, Any], hours: float
) -> None:
    made = rules(zone, hours, **week)
    trusted = due(asked, category, made, trusted=True)
    assert trusted <= due(asked, category, made)
    assert trusted <= asked + 24 * HOUR_MS


@given(MOMENTS, st.sampled_from(ZONES))
def test_a_deadline_in_business_hours_falls_into_them(asked: int, zone: str) -> None:
    found = datetime.fromtimestamp(due(asked, "spam", rules(zone)) / 1000, UTC).astimezone(ZoneInfo(zone))
    assert found.weekday() < 5
    assert 9 <= found.hour <= 18


@given(MOMENTS, st.sampled_from(REPORTED))
def test_what_is_urgent_waits_for_no_weekend(asked: int, category: str) -> None:
    made = rules("Europe/Berlin")
    if made.urgency_of(category) is not Urgency.NORMAL:
        assert due(asked, category, made) == asked + made.hours[made.urgency_of(category)] * HOUR_MS


def test_the_more_urgent_of_two_categories() -> None:
    made = Reports()
    assert made.more_urgent("spam", "hate") == "hate"
    assert made.more_urgent("terrorism", "hate") == "terrorism"
    assert made.more_urgent("fraud", "spam") == "fraud"


@pytest.mark.parametrize(
    ("given_", "told"),
    [
        ({"hours": {"imminent": 1, "urgent": 24}}, "no number for: normal"),
        ({"hours": {"imminent": 0, "urgent": 24, "normal": 72}}, "greater than 0"),
        ({"urgency": {"opinion": "urgent"}}, "unknown categories: opinion"),
        ({"business_only": ["imminent"]}, "waits for no business hours"),
        ({"business": {"zone": "Mars/Olympus"}}, "time zone of the IANA database"),
        ({"business": {"zone": "../../etc/passwd"}}, "time zone of the IANA database"),
        ({"business": {"hours": {"monday": ["9-17"]}}}, "match pattern"),
        ({"business": {"hours": {"monday": ["09:00-24:30"]}}}, "match pattern"),
        ({"business": {"hours": {"monday": ["12:00-18:00", "09:00-12:00"]}}}, "in order"),
        ({"business": {"hours": {"monday": ["09:00-13:00", "12:00-18:00"]}}}, "in order"),
        ({"business": {"hours": {"monday": ["18:00-09:00"]}}}, "in order"),
        ({"business": {"hours": {"monday": ["09:00-10:00"]}}}, "at least 5 hours"),
        ({"business": {"hours": {"someday": ["09:00-18:00"]}}}, "monday"),
    ],
)
def test_rules_that_cannot_be(given_: dict[str, object], told: str) -> None:
    with pytest.raises(ValidationError, match=told):
        Reports.model_validate(given_)
