"""How soon reports by the public are decided, how long they are kept, and when a reporter is not heard for a time
(Regulation (EU) 2022/2065, the Digital Services Act, articles 16(6), 20, 22 and 23(2)).

A deadline may count business hours only: those of each day of the week, on the clock of one time zone, holidays left
out. Hours are elapsed time, so a night in which the clock is moved is as long as it was.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Final, Literal, Self, get_args
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from classifiers.contract import CATEGORIES
from gateway.core.policy_part import Part

OTHER: Final = "other"
"""The category of a report that fits none of the gateway's."""
REPORTED: Final = (*sorted(CATEGORIES), OTHER)
"""What can be reported: every category of the classifiers, ``news`` by accounts that may not publish it among them."""
WAIVED: Final = "sexual_minors"
"""The category that is reported without name and e-mail address (article 16(2)(c)), even by who is muted."""

_HOUR_MS: Final = 3_600_000
_WHOLE: Final = ("00:00-24:00",)
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WINDOW: Final = r"^([01]\d|2[0-3]):[0-5]\d-(([01]\d|2[0-3]):[0-5]\d|24:00)$"
_LEAST_WEEK: Final = 300
"""Minutes of business that a week must have: with fewer a deadline would be years away."""

Day = Literal["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"]
_DAYS: Final[tuple[Day, ...]] = get_args(Day)
Window = Annotated[str, Field(pattern=_WINDOW)]
Hours = Annotated[float, Field(gt=0, le=24 * 366, strict=False)]


class Urgency(StrEnum):
    """How soon somebody must decide."""

    IMMINENT = "imminent"
    """A life or somebody's safety may be in danger (article 18)."""
    URGENT = "urgent"
    NORMAL = "normal"


class Business(Part):
    """When people work: on each day of the week from ``HH:MM`` to ``HH:MM`` (``24:00`` is the day's end) on the clock
    of ``zone``, an IANA time zone, but on no day of ``holidays``."""

    zone: str = "UTC"
    hours: dict[Day, Annotated[tuple[Window, ...], Field(strict=False)]] = Field(dict.fromkeys(_DAYS[:5], _WHOLE))
    holidays: Annotated[tuple[Annotated[date, Field(strict=False)], ...], Field(strict=False, max_length=1000)] = ()

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (KeyError, ValueError, OSError) as error:
            raise ValueError("give a time zone of the IANA database, such as Europe/Berlin") from error
        return zone

    @field_validator("hours")
    @classmethod
    def _in_order(cls, hours: dict[Day, tuple[str, ...]]) -> dict[Day, tuple[str, ...]]:
        total = 0
        for day, windows in hours.items():
            last = 0
            for start, end in map(_minutes, windows):
                if not last <= start < end:
                    raise ValueError(f"{day}: give hours in order, none within another")
                last = end
                total += end - start
        if total < _LEAST_WEEK:
            raise ValueError(f"give at least {_LEAST_WEEK // 60} hours a week")
        return hours

    def of(self, day: date) -> Iterator[tuple[int, int]]:
        """The hours of this day as unix milliseconds, from and to. Where the clock shows a time twice, or never, they
        are the longer ones."""
        if day in self.holidays:
            return
        zone = ZoneInfo(self.zone)
        for start, end in map(_minutes, self.hours.get(_DAYS[day.weekday()], ())):
            yield min(_moments(day, start, zone)), max(_moments(day, end, zone))


class Reports(Part):
    """Reports by the public: how soon each is decided, and what becomes of who reports without ground.

    ``hours`` by urgency, ``urgency`` by category (one not named is `Urgency.NORMAL`); those in ``business_only`` count
    business hours. A trusted flagger's report is decided within ``trusted_hours`` at the latest, a complaint against an
    outcome within ``appeal_hours``. Who has a report before them keeps it from others for ``claim_minutes``.

    A reporter of whose reports ``warn_after`` were manifestly unfounded within ``within_days`` is warned; one that goes
    on, with ``mute_after`` more of them made after the warning, is not heard for ``mute_days`` (article 23(2)).
    What was reported, by whom and why is erased ``keep_days`` after its outcome; until then the outcome can be
    complained of (article 20(1): six months at least).
    """

    hours: dict[Annotated[Urgency, Field(strict=False)], Hours] = Field(
        {Urgency.IMMINENT: 1.0, Urgency.URGENT: 24.0, Urgency.NORMAL: 72.0}
    )
    urgency: dict[str, Annotated[Urgency, Field(strict=False)]] = Field(
        {"sexual_minors": Urgency.IMMINENT, "self_harm": Urgency.IMMINENT, "terrorism": Urgency.IMMINENT}
        | {"violence": Urgency.URGENT, "hate": Urgency.URGENT, "harassment": Urgency.URGENT}
    )
    business: Business = Business()
    business_only: Annotated[tuple[Annotated[Urgency, Field(strict=False)], ...], Field(strict=False)] = (
        Urgency.NORMAL,
    )
    trusted_hours: Hours = 24.0
    appeal_hours: Hours = 168.0
    claim_minutes: int = Field(30, ge=1, le=24 * 60)
    warn_after: int = Field(3, ge=1, le=1000)
    mute_after: int = Field(3, ge=1, le=1000)
    within_days: int = Field(90, ge=1, le=3660)
    mute_days: int = Field(30, ge=1, le=3660)
    keep_days: int = Field(184, ge=1, le=36_600)

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if missing := sorted(set(Urgency) - set(self.hours)):
            raise ValueError(f"hours: no number for: {', '.join(missing)}")
        if unknown := sorted(set(self.urgency) - set(REPORTED)):
            raise ValueError(f"urgency: unknown categories: {', '.join(unknown)}")
        if Urgency.IMMINENT in self.business_only:
            raise ValueError("business_only: what is imminent waits for no business hours")
        return self

    def urgency_of(self, category: str) -> Urgency:
        """How urgent a report of this category is."""
        return self.urgency.get(category, Urgency.NORMAL)

    def more_urgent(self, one: str, other: str) -> str:
        """Of two categories the one that must be decided sooner; the first where there is no difference."""
        order = list(Urgency)
        return other if order.index(self.urgency_of(other)) < order.index(self.urgency_of(one)) else one


def due(created_ms: int, category: str, rules: Reports, *, trusted: bool = False) -> int:
    """Until when a report that came at ``created_ms`` should be decided (both unix milliseconds).

    Never earlier than the hours that its urgency has, and never earlier than that of a report that came before it with
    the same category. A trusted flagger's comes first: no later than anybody's else, nor than ``trusted_hours``.
    """
    urgency = rules.urgency_of(category)
    length = round(rules.hours[urgency] * _HOUR_MS)
    at = created_ms + length
    if urgency in rules.business_only:
        at = _in_business(created_ms, length, rules.business)
    return min(at, created_ms + round(rules.trusted_hours * _HOUR_MS)) if trusted else at


def _in_business(from_ms: int, length: int, business: Business) -> int:
    """The moment by which so much business time has passed."""
    at, left = from_ms, length
    # From the day before: none of its hours is over as long as the clock's changes may bring them back.
    day = (_EPOCH + timedelta(milliseconds=from_ms)).astimezone(ZoneInfo(business.zone)).date() - timedelta(days=1)
    while True:
        for start, end in business.of(day):
            begin = max(start, at)  # what was counted before is not counted again
            if end - begin >= left:
                return begin + left
            if end > begin:
                left -= end - begin
                at = end
        day += timedelta(days=1)


def _moments(day: date, minutes: int, zone: ZoneInfo) -> tuple[int, int]:
    """What the clock of a zone shows as so many minutes of a day, in unix milliseconds: the first time and the last."""
    past = minutes == 24 * 60
    clock = time(0) if past else time(minutes // 60, minutes % 60)
    local = datetime.combine(day + timedelta(days=past), clock, tzinfo=zone)
    first, last = [(local.replace(fold=fold) - _EPOCH) // timedelta(milliseconds=1) for fold in (0, 1)]
    return first, last


def _minutes(window: str) -> tuple[int, int]:
    start, end = [int(text[:2]) * 60 + int(text[3:]) for text in window.split("-")]
    return start, end
