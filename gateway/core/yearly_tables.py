"""The tables of the yearly report, the same for people and for machines: names are codes, numbers are numbers."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from classifiers.contract import Value
from gateway.core.medians import Median
from gateway.core.statement import Automation, Lifted, Restriction, Source
from gateway.core.yearly import CATEGORY, DUPLICATE, OUTCOMES, REPORTED, SUBJECTS, Cell, Year

_HOUR_MS: Final = 3_600_000

SANCTIONS: Final = tuple([each for each in Restriction if each not in ("hold", "block", "takedown")])
"""Restrictions of accounts, from the mildest degree to the strictest."""


class Share(Value, frozen=True):
    """A part of a whole, 0 to 1; None where there is no whole."""

    value: float | None


class Hours(Value, frozen=True):
    """A time in hours; None where there is none."""

    value: float | None


Entry = str | int | Share | Hours
"""A string is a code."""


class Table(Value, frozen=True):
    """A table: its columns' codes, and rows whose first entry names them. ``drawn`` is the column of the chart."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Entry, ...], ...]
    drawn: int | None = 1


def tables(year: Year) -> list[Table]:
    """All tables of a year, in the order in which they are read.

    But for the table of restrictions by kind, a hold that became a block is counted as that block alone.
    """
    return [
        _summary(year),
        _restrictions(year),
        _months(year),
        _categories(year),
        _sources(year),
        _automation(year),
        _sanctions(year),
        _reports(year),
        _appeals(year),
        _classifiers(year),
    ]


def cube(year: Year) -> Table:
    """All restrictions of a year by all that is counted of them, for whoever wants other tables."""
    rows = [
        (cell.month, *map(str, cell[1:4]), "yes" if cell.detected else "no", str(cell.automation), cell.ended, count)
        for cell, count in sorted(year.cells.items())
    ]
    columns = ("month", "restriction", "category", "source", "detected", "automation", "ended", "count")
    return Table("restrictions_all", columns, tuple(rows), None)


def _count(year: Year, which: Callable[[Cell], bool]) -> int:
    return sum([count for cell, count in year.cells.items() if which(cell)])


def _stands(cell: Cell) -> bool:
    """Whether it is no hold that another restriction took the place of."""
    return cell.ended != Lifted.SUPERSEDED


def _reversed(cell: Cell) -> bool:
    return cell.ended == Lifted.REVERSED


def _automated(cell: Cell) -> bool:
    return _stands(cell) and cell.automation is Automation.FULLY


def _share(part: int, whole: int) -> Share:
    return Share(part / whole if whole else None)


def _hours(median: Median) -> Hours:
    value = median.value()
    return Hours(None if value is None else value / _HOUR_MS)


def _summary(year: Year) -> Table:
    every = _count(year, _stands)
    automated = _count(year, _automated)
    wrong = _count(year, lambda cell: _automated(cell) and _reversed(cell))
    decided, turned = sum(year.appeals.values()), sum([n for (_, how), n in year.appeals.items() if how == "reversed"])
    rows: list[tuple[Entry, ...]] = [
        ("restrictions", every),
        ("automated", automated),
        ("automated_share", _share(automated, every)),
        ("automated_reversed", wrong),
        ("error_share", _share(wrong, automated)),
        ("hold_hours", _hours(year.hold_time)),
        ("reports_received", year.received.total()),
        ("reports_trusted", year.trusted.total()),
        ("reports_joined", year.duplicates.total()),
        ("reports_decided", year.outcomes.total()),
        ("reports_actioned", sum([n for (_, how), n in year.outcomes.items() if how == "actioned"])),
        ("report_hours", _hours(year.report_times)),
        ("appeals_made", year.made.total()),
        ("appeals_decided", decided),
        ("appeals_reversed", turned),
        ("reversed_share", _share(turned, decided)),
        ("appeal_hours", _hours(year.appeal_times)),
        ("untimed", year.untimed),
    ]
    return Table("summary", ("figure", "value"), tuple(rows), None)


def _restrictions(year: Year) -> Table:
    columns = ("restriction", "count", "released", "superseded", "reversed")
    endings = (Lifted.RELEASED, Lifted.SUPERSEDED, Lifted.REVERSED)

    def row(restriction: Restriction) -> tuple[Entry, ...]:
        of = [(cell, count) for cell, count in year.cells.items() if cell.restriction is restriction]
        ended = [sum([count for cell, count in of if cell.ended == how]) for how in endings]
        return restriction.value, sum([count for _, count in of]), *ended

    return Table("restrictions", columns, tuple(map(row, Restriction)))


def _by(year: Year, name: str, column: str, keys: Iterable[str], key: Callable[[Cell], object]) -> Table:
    def row(each: str) -> tuple[Entry, ...]:
        every = _count(year, lambda cell: _stands(cell) and key(cell) == each)
        return each, every, _count(year, lambda cell: _reversed(cell) and key(cell) == each)

    return Table(name, (column, "count", "reversed"), tuple(map(row, keys)))


def _months(year: Year) -> Table:
    months = [f"{year.year}-{month:02d}" for month in range(1, 13)]
    return _by(year, "months", "month", months, lambda cell: f"{year.year}-{cell.month:02d}")


def _categories(year: Year) -> Table:
    return _by(year, "categories", "category", CATEGORY, lambda cell: cell.category)


def _sources(year: Year) -> Table:
    return _by(year, "sources", "source", [each.value for each in Source], lambda cell: cell.source)


def _automation(year: Year) -> Table:
    def row(how: Automation) -> tuple[Entry, ...]:
        def of(cell: Cell) -> bool:
            return _stands(cell) and cell.automation is how

        every, wrong = _count(year, of), _count(year, lambda cell: of(cell) and _reversed(cell))
        detected = _count(year, lambda cell: of(cell) and cell.detected)
        return how.value, every, detected, wrong, _share(wrong, every)

    columns = ("automation", "count", "detected", "reversed", "reversed_share")
    return Table("automation", columns, tuple(map(row, Automation)))


def _sanctions(year: Year) -> Table:
    return _by(year, "sanctions", "degree", [each.value for each in SANCTIONS], lambda cell: cell.restriction)


def _reports(year: Year) -> Table:
    rows: list[tuple[Entry, ...]] = [
        (
            category,
            year.received[category],
            year.trusted[category],
            year.duplicates[category],
            *[year.outcomes[category, outcome] for outcome in OUTCOMES],
            _hours(year.report_time[category]),
        )
        for category in REPORTED
    ]
    return Table("reports", ("category", "received", "trusted", DUPLICATE, *OUTCOMES, "median_hours"), tuple(rows))


def _appeals(year: Year) -> Table:
    def row(subject: str) -> tuple[Entry, ...]:
        upheld, turned = year.appeals[subject, "upheld"], year.appeals[subject, "reversed"]
        share, hours = _share(turned, upheld + turned), _hours(year.appeal_time[subject])
        return subject, year.made[subject], upheld, turned, share, hours

    columns = ("subject", "made", "upheld", "reversed", "reversed_share", "median_hours")
    return Table("appeals", columns, tuple(map(row, SUBJECTS)))


def _classifiers(year: Year) -> Table:
    """How often people found otherwise than the automation had: of holds, those released; of all else, reversals."""

    def row(category: str) -> tuple[Entry, ...]:
        def held(cell: Cell) -> bool:
            return cell.category == category and cell.automation is Automation.FULLY and cell.restriction == "hold"

        def acted(cell: Cell) -> bool:
            return cell.category == category and _automated(cell) and cell.restriction != "hold"

        holds, released = _count(year, held), _count(year, lambda cell: held(cell) and cell.ended == Lifted.RELEASED)
        acts, wrong = _count(year, acted), _count(year, lambda cell: acted(cell) and _reversed(cell))
        return category, holds, released, _share(released, holds), acts, wrong, _share(wrong, acts)

    columns = ("category", "holds", "released", "released_share", "acts", "reversed", "error_share")
    return Table("classifiers", columns, tuple(map(row, CATEGORY)))
