"""What a year of restrictions, reports and appeals came to (Regulation (EU) 2022/2065, articles 15, 23 and 24).

It counts, and holds no id: what is kept does not grow with the year, but for durations and for reports and appeals that
are not decided yet, which have bounds of their own.
"""

from __future__ import annotations

import hashlib
from collections import Counter, OrderedDict
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from classifiers.contract import CATEGORIES
from gateway.core.audit import APPEAL, REPORT
from gateway.core.happened import Act
from gateway.core.medians import Median
from gateway.core.statement import Automation, Lifted, Restriction, Source, Statement

OTHER: Final = "other"
"""A restriction or a report that names no category, or none that is known."""
CATEGORY: Final = (*sorted(CATEGORIES - {"news"}), OTHER)
"""Categories of restrictions."""
REPORTED: Final = (*CATEGORY[:-1], "news", OTHER)
"""Categories of reports: news by who may not publish it is reported, too."""
OUTCOMES: Final = ("actioned", "not_actioned")
"""States in which a report is decided."""
DUPLICATE: Final = "duplicate"
SUBJECTS: Final = ("message", "account")
"""What an appeal is about."""

_OPEN: Final = 500_000
"""How many reports, and appeals, may wait for their decision here. Of those before, decisions are counted without a
time."""


class Cell(NamedTuple):
    """All restrictions that are alike. ``month`` is 1 to 12, in which they began; ``ended`` why they ended before
    their time, empty for those that did not."""

    month: int
    restriction: Restriction
    category: str
    source: Source
    detected: bool
    automation: Automation
    ended: str


def bounds(year: int) -> tuple[int, int]:
    """Where a year begins and ends (UTC), in unix milliseconds."""
    first, last = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    return int(first.timestamp() * 1000), int(last.timestamp() * 1000)


class _Waiting:
    """When reports, or appeals, were first made that are not decided yet, and whether a trusted flagger made one."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._made: OrderedDict[bytes, tuple[int, bool]] = (
            OrderedDict()
        )  # a dict would look for its first entry ever longer

    def made(self, which: str, at_ms: int, trusted: bool = False) -> tuple[bool, bool]:
        """Whether it is new, and whether it is new that a trusted flagger made it: who reports the same content as
        others before joins their report."""
        key = _short(which)
        before = self._made.get(key)
        if before is None and len(self._made) >= self._limit:
            self._made.popitem(last=False)
        first_ms, was_trusted = before or (at_ms, False)
        self._made[key] = first_ms, trusted or was_trusted
        return before is None, trusted and not was_trusted

    def decided(self, which: str, at_ms: int) -> int | None:
        """How long it waited (ms); None where it is not known."""
        made = self._made.pop(_short(which), None)
        return None if made is None else at_ms - made[0]


class Year:
    """Takes the statements of a year, and the acts of that year and of some time before, and tells what they came to.

    Statements may come in any order, acts must come in that of the audit chain.
    """

    def __init__(self, year: int, waiting: int = _OPEN, exact: int | None = None) -> None:
        self.year = year
        self._from_ms, self._to_ms = bounds(year)
        self._exact = exact
        self._reports, self._appeals = _Waiting(waiting), _Waiting(waiting)
        self.cells: Counter[Cell] = Counter()
        self.hold_time = self._median()
        """How long holds waited that were released or rejected."""
        self.received: Counter[str] = Counter()
        """Reports by category."""
        self.trusted: Counter[str] = Counter()
        """Those of them that a trusted flagger made, or joined."""
        self.duplicates: Counter[str] = Counter()
        """Those of them that joined another on the same content, which is decided for both."""
        self.outcomes: Counter[tuple[str, str]] = Counter()
        """Decisions on reports, by category and outcome."""
        self.report_time = {category: self._median() for category in REPORTED}
        self.report_times = self._median()
        """From the first report on the same content to the decision: by category, and all."""
        self.made: Counter[str] = Counter()
        """Appeals by subject."""
        self.appeals: Counter[tuple[str, str]] = Counter()
        """Decisions on appeals, by subject and outcome: ``upheld`` or ``reversed``."""
        self.appeal_time = {subject: self._median() for subject in SUBJECTS}
        self.appeal_times = self._median()
        """From appeal to decision: by subject, and all."""
        self.untimed = 0
        """Decisions on reports and appeals that were made too long before, so that their time is not known."""

    def statement(self, statement: Statement) -> None:
        """Count a restriction; one that did not begin in the year is passed over."""
        if not self._from_ms <= statement.starts_ms < self._to_ms:
            return
        cell = Cell(
            datetime.fromtimestamp(statement.starts_ms // 1000, UTC).month,
            statement.restriction,
            _category(statement.category),
            statement.source,
            statement.automated_detection,
            statement.automation,
            statement.lifted.value if statement.lifted is not None else "",
        )
        self.cells[cell] += 1
        ended = statement.lifted in (Lifted.RELEASED, Lifted.SUPERSEDED)
        if statement.restriction is Restriction.HOLD and ended and statement.lifted_ms is not None:
            self.hold_time.add(statement.lifted_ms - statement.starts_ms)

    def act(self, act: Act) -> None:
        """Count an act on a report or an appeal; others are passed over."""
        match act.kind, act.act:
            case (kind, "MakeReport") if kind == REPORT:
                self._make_report(act)
            case (kind, "DecideReport") if kind == REPORT:
                self._decide_report(act)
            case (kind, "MakeAppeal") if kind == APPEAL:
                self._make_appeal(act)
            case (kind, "DecideAppeal") if kind == APPEAL:
                self._decide_appeal(act)
            case _:
                pass

    def _make_report(self, act: Act) -> None:
        trusted = act.body.get("trusted") is True
        new, newly_trusted = self._reports.made(str(act.body.get("report_id")), act.at_ms, trusted)
        if self._within(act):
            category = _category(act.body.get("category"), REPORTED)
            self.received[category] += 1
            self.trusted[category] += newly_trusted
            self.duplicates[category] += not new

    def _decide_report(self, act: Act) -> None:
        outcome, category = act.body.get("state"), _category(act.body.get("category"), REPORTED)
        if outcome == DUPLICATE:
            self.duplicates[category] += self._within(act)
        if outcome not in OUTCOMES:
            return
        waited = self._reports.decided(str(act.body.get("report_id")), act.at_ms)
        if self._within(act):
            self.outcomes[category, outcome] += 1
            self._time(waited, self.report_time[category], self.report_times)

    def _make_appeal(self, act: Act) -> None:
        self._appeals.made(str(act.body.get("appeal_id")), act.at_ms)
        if self._within(act):
            self.made[_subject(act)] += 1

    def _decide_appeal(self, act: Act) -> None:
        waited = self._appeals.decided(str(act.body.get("appeal_id")), act.at_ms)
        outcome = act.body.get("outcome")
        if self._within(act) and outcome in ("upheld", "reversed"):
            self.appeals[_subject(act), outcome] += 1
            self._time(waited, self.appeal_time[_subject(act)], self.appeal_times)

    def _time(self, waited: int | None, *medians: Median) -> None:
        if waited is None:
            self.untimed += 1
            return
        for median in medians:
            median.add(waited)

    def _within(self, act: Act) -> bool:
        return self._from_ms <= act.at_ms < self._to_ms

    def _median(self) -> Median:
        return Median() if self._exact is None else Median(self._exact)


def _subject(act: Act) -> str:
    return "account" if act.body.get("sanction_id") is not None else "message"


def _category(category: Any, known: tuple[str, ...] = CATEGORY) -> str:
    return category if isinstance(category, str) and category in known else OTHER


def _short(which: str) -> bytes:
    """A digest in place of an id: as long for every id."""
    return hashlib.blake2b(which.encode(errors="surrogatepass"), digest_size=12).digest()
