"""What a year came to: medians, counts, and that no more is held than must be."""

from __future__ import annotations

import random
import statistics
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.happened import Act
from gateway.core.medians import Median
from gateway.core.statement import Automation, Lifted, Restriction, Source
from gateway.core.yearly import CATEGORY, Year, bounds
from gateway.core.yearly_tables import Hours, Share, Table, cube, tables
from tests.statements import AT_MS, DAY_MS, HOUR_MS, statement, year_of

durations = st.lists(st.integers(0, 2**53), min_size=1, max_size=60)


@given(durations)
def test_a_median_is_exact(values: list[int]) -> None:
    median = Median()
    for value in values:
        median.add(value)
    assert median.exact
    assert median.value() == statistics.median(values)


@given(durations, st.integers(0, 40))
def test_beyond_its_limit_a_median_is_near(values: list[int], limit: int) -> None:
    median = Median(limit)
    for value in values:
        median.add(value)
    low, high = statistics.median_low(values), statistics.median_high(values)
    assert (median.value() or 0.0) == pytest.approx((low + high) / 2, rel=0.0101, abs=0.01)
    assert median.exact == (len(values) <= limit)


def test_a_median_of_very_many_takes_few_cells() -> None:
    median, rng = Median(10), random.Random(7)  # noqa: S311
    for _ in range(20_000):
        median.add(int(rng.lognormvariate(14, 6)))
    assert len(median._cells) < 2000
    assert not len(median._values)


def test_no_median_of_nothing() -> None:
    assert Median().value() is None


def test_a_negative_duration_is_none() -> None:
    median = Median()
    median.add(-5)
    assert median.value() == 0


def act(kind: str, name: str, at_ms: int, **fields: object) -> Act:
    return Act(at_ms, kind, name, "Ann", "t1", {"act": name, "tenant_id": "t1", **fields})


def report(ident: str, at_ms: int, category: object = "hate", trusted: bool = False) -> Act:
    return act("report", "MakeReport", at_ms, report_id=ident, category=category, trusted=trusted, state="received")


def decided(ident: str, at_ms: int, state: str, category: object = "hate") -> Act:
    return act("report", "DecideReport", at_ms, report_id=ident, category=category, trusted=False, state=state)


def appeal(ident: str, at_ms: int, sanction_id: str | None = None) -> Act:
    return act("appeal", "MakeAppeal", at_ms, appeal_id=ident, sanction_id=sanction_id)


def answered(ident: str, at_ms: int, outcome: str, sanction_id: str | None = None) -> Act:
    return act("appeal", "DecideAppeal", at_ms, appeal_id=ident, sanction_id=sanction_id, outcome=outcome)


def counted(*acts: Act) -> Year:
    year = Year(2025)
    for each in acts:
        year.act(each)
    return year


def test_reports_and_how_long_they_waited() -> None:
    year = counted(
        report("r1", AT_MS),
        report("r1", AT_MS + 1, trusted=True),
        report("r1", AT_MS + 2, trusted=True),  # a third, of anybody: the report has a trusted flagger now
        report("r2", AT_MS),
        report("r3", AT_MS, "fraud"),
        report("r5", AT_MS, "news"),
        report("r4", AT_MS, None),
        decided("r1", AT_MS + 1 * HOUR_MS, "actioned"),
        decided("r2", AT_MS + 2 * HOUR_MS, "under_review"),
        decided("r2", AT_MS + 3 * HOUR_MS, "not_actioned"),
        decided("r3", AT_MS + 8 * HOUR_MS, "duplicate", "fraud"),
    )
    made = {table.name: table for table in tables(year)}
    rows = {row[0]: row[1:] for row in made["reports"].rows}
    assert rows["hate"] == (4, 1, 2, 1, 1, Hours(2.0))
    assert rows["fraud"] == (1, 0, 1, 0, 0, Hours(None))
    assert rows["news"] == rows["other"] == (1, 0, 0, 0, 0, Hours(None))
    figures = {row[0]: row[1] for row in made["summary"].rows}
    names = ("reports_received", "reports_trusted", "reports_decided", "reports_actioned")
    assert [figures[name] for name in names] == [7, 1, 2, 1]
    assert figures["report_hours"] == Hours(2.0)


def test_appeals_and_how_many_reversed() -> None:
    year = counted(
        appeal("a1", AT_MS),
        appeal("a2", AT_MS),
        appeal("a3", AT_MS, "s1"),
        answered("a1", AT_MS + 10 * HOUR_MS, "reversed"),
        answered("a2", AT_MS + 20 * HOUR_MS, "upheld"),
        answered("a3", AT_MS + 90 * HOUR_MS, "upheld", "s1"),
    )
    made = {table.name: table for table in tables(year)}
    rows = {row[0]: row[1:] for row in made["appeals"].rows}
    assert rows["message"] == (2, 1, 1, Share(0.5), Hours(15.0))
    assert rows["account"] == (1, 1, 0, Share(0.0), Hours(90.0))
    figures = {row[0]: row[1] for row in made["summary"].rows}
    assert figures["reversed_share"] == Share(1 / 3)
    assert figures["appeal_hours"] == Hours(20.0)


def test_what_was_made_the_year_before_and_decided_in_it() -> None:
    first, last = bounds(2025)
    year = counted(
        report("r1", first - HOUR_MS),
        decided("r1", first + HOUR_MS, "actioned"),
        report("r2", last - HOUR_MS),
        decided("r2", last, "actioned"),
        decided("r0", AT_MS, "actioned"),
    )
    figures = {row[0]: row[1] for row in next(each for each in tables(year) if each.name == "summary").rows}
    assert [figures[name] for name in ("reports_received", "reports_decided", "untimed")] == [1, 2, 1]
    assert figures["report_hours"] == Hours(2.0)


def test_only_so_many_wait_here_for_their_decision() -> None:
    year = Year(2025, waiting=100)
    for number in range(1000):
        year.act(report(f"r{number}", AT_MS))
    for number in range(1000):
        year.act(decided(f"r{number}", AT_MS + HOUR_MS, "actioned"))
    assert (year.report_times.count, year.untimed, year.outcomes.total()) == (100, 900, 1000)


@given(st.dictionaries(st.text(max_size=9), st.none() | st.text() | st.integers() | st.lists(st.none())))
def test_an_act_of_another_form_harms_nothing(fields: dict[str, object]) -> None:
    for kind, name in (
        ("report", "MakeReport"),
        ("report", "DecideReport"),
        ("appeal", "MakeAppeal"),
        ("appeal", "DecideAppeal"),
        ("sanction", "ImposeSanction"),
    ):
        known = {"category": ["x"], "state": {}, "outcome": 7, "report_id": None}
        counted(Act(AT_MS, kind, name, "", "t1", {**known, **fields}))


def rows_of(year: Year, name: str) -> dict[object, tuple[object, ...]]:
    return {row[0]: row[1:] for row in next(table for table in tables(year) if table.name == name).rows}


def test_a_hold_that_became_a_block_is_one_restriction() -> None:
    year = Year(2025)
    hold = {"restriction": Restriction.HOLD}
    year.statement(statement(**hold, lifted=Lifted.SUPERSEDED, lifted_ms=AT_MS + 2 * HOUR_MS))
    year.statement(statement(automation=Automation.PARTIALLY, lifted=Lifted.REVERSED, lifted_ms=AT_MS + DAY_MS))
    year.statement(statement(**hold, lifted=Lifted.RELEASED, lifted_ms=AT_MS + 4 * HOUR_MS))
    year.statement(statement(**hold))
    assert rows_of(year, "restrictions")["hold"] == (3, 1, 1, 0)
    assert rows_of(year, "restrictions")["block"] == (1, 0, 0, 1)
    assert rows_of(year, "months")["2025-02"] == (3, 1)
    assert rows_of(year, "categories")["hate"] == (3, 1)
    assert rows_of(year, "automation")["fully"] == (2, 2, 0, Share(0.0))
    assert rows_of(year, "automation")["partially"] == (1, 1, 1, Share(1.0))
    assert rows_of(year, "classifiers")["hate"] == (3, 1, Share(1 / 3), 0, 0, Share(None))
    summary = rows_of(year, "summary")
    assert summary["restrictions"] == (3,)
    assert summary["automated_share"] == (Share(2 / 3),)
    assert summary["hold_hours"] == (Hours(3.0),)


def test_the_error_rate_of_automation() -> None:
    year = Year(2025)
    for number in range(8):
        lifted = Lifted.REVERSED if number < 2 else None
        year.statement(statement(lifted=lifted, lifted_ms=AT_MS + 1 if lifted else None))
    year.statement(statement(automation=Automation.NOT, lifted=Lifted.REVERSED, lifted_ms=AT_MS + 1))
    assert rows_of(year, "summary")["error_share"] == (Share(0.25),)
    assert rows_of(year, "classifiers")["hate"] == (0, 0, Share(None), 8, 2, Share(0.25))


def test_another_year_is_not_counted() -> None:
    first, last = bounds(2025)
    year = Year(2025)
    for at_ms in (first - 1, first, last - 1, last):
        year.statement(statement(starts_ms=at_ms))
    assert year.cells.total() == 2


def test_tables_agree_with_counting_one_by_one() -> None:
    kept = year_of(2025, 3000)
    year = Year(2025)
    for each in random.Random(3).sample(kept, len(kept)):  # noqa: S311
        year.statement(each)
    standing = [each for each in kept if each.lifted is not Lifted.SUPERSEDED]
    for source in Source:
        assert rows_of(year, "sources")[source.value][0] == sum(each.source is source for each in standing)
    for category in CATEGORY:
        wanted = [each for each in standing if (each.category or "other") == category]
        found = rows_of(year, "categories")[category]
        assert found == (len(wanted), sum(each.lifted is Lifted.REVERSED for each in wanted))
    for degree in ("warn", "restrict", "suspend_renewal", "suspend", "close"):
        assert rows_of(year, "sanctions")[degree][0] == sum(each.restriction == degree for each in standing)
    assert sum(count for count, _ in _pairs(rows_of(year, "months"))) == len(standing)
    everything = cube(year)
    assert sum(int(str(row[-1])) for row in everything.rows) == len(kept)


def _pairs(rows: dict[object, tuple[object, ...]]) -> Iterator[tuple[int, object]]:
    for count, wrong in rows.values():
        assert isinstance(count, int)
        yield count, wrong


def test_what_is_held_of_a_year_does_not_grow_with_it() -> None:
    """Only cells, which are as many as there are kinds of restrictions, and durations of holds, 8 bytes each."""
    year = Year(2025, exact=100)
    for seed in range(4):
        for each in year_of(2025, 2000, seed):
            year.statement(each)
    kinds = 12 * len(Restriction) * len(CATEGORY) * len(Source) * 2 * len(Automation) * 4
    assert len(year.cells) <= kinds
    assert len(year.hold_time._values) == 0
    assert isinstance(cube(year), Table)
