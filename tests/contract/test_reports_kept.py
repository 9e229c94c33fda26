"""What is kept of reports: sealed, for as long as it is needed; and what others' decisions mean to them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import func, select

from gateway.adapters.key_file import add_key, new_keys, read
from gateway.adapters.keys import FileSealer, mark_of
from gateway.adapters.sql import SqlFollower
from gateway.adapters.sql.history import record
from gateway.adapters.sql.report_appeals import ReportAppeals
from gateway.adapters.sql.report_erasing import reports_under, reseal
from gateway.adapters.sql.reports import PURPOSE
from gateway.adapters.sql.tables import metadata
from gateway.adapters.sql.tables_reports import report_items, report_receipts, report_strikes, reports
from gateway.core.audit import ADMINISTRATORS, APPEAL, act_body
from gateway.core.registration import By
from gateway.core.reports import State, hash_token
from gateway.ports import Register, Store, Unopened
from tests.canary import appearances, needles
from tests.contract.keeping import ON_DATABASES, database_of
from tests.contract.reporting import (
    ANN,
    BASELESS,
    BEN,
    CANARY,
    DAY_MS,
    DRAFT,
    HOUR_MS,
    MAIL,
    NO,
    NOW_MS,
    OFF,
    RULES,
    Desk,
    open_desk,
    reports_on,
)

pytestmark = ON_DATABASES

KEEP_MS = RULES.keep_days * DAY_MS


@pytest.fixture
async def desk(store: Store, register: Register, tmp_path: Path) -> Desk:
    return await open_desk(store, register, tmp_path)


async def everything(desk: Desk) -> bytes:
    """All that the database holds."""
    found = []
    async with database_of(desk.store).database.reading("test") as connection:
        for table in metadata.sorted_tables:
            for row in await connection.execute(select(table)):
                found += [each if isinstance(each, bytes) else str(each).encode() for each in row]
    return b"\x00".join(found)


async def number(desk: Desk, table: Any) -> int:
    """The rows of a table."""
    async with database_of(desk.store).database.reading("test") as connection:
        return (await connection.execute(select(func.count()).select_from(table))).scalar_one()


async def test_nothing_that_a_reporter_says_is_in_the_open(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.reports.claim("t1", taken.reports[0], "Ann", NOW_MS + 1, NOW_MS)
    await desk.reports.reveal("t1", taken.reports[0], By("Zoe", "letter 7"), NOW_MS)
    await desk.decide(taken, BASELESS, ANN)
    await desk.reports.complain(taken.receipt_id, hash_token(taken.token), RULES, NOW_MS)
    wanted = needles([CANARY, MAIL, DRAFT.explanation])
    assert appearances("database", await everything(desk), wanted) == []
    # The digest by which an address is counted is of a key, and of this tenant.
    theirs = await desk.taken("m-1", tenant_id="t2")
    async with database_of(desk.store).database.reading("test") as connection:
        digests = (await connection.execute(select(report_receipts.c.reporter))).scalars().all()
    assert (len(set(digests)), theirs.new) == (2, True)


async def test_what_is_over_is_erased_and_the_chain_stays_whole(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.decide(taken, BASELESS)
    assert await desk.reports.erase(NOW_MS + KEEP_MS - 1, RULES, 10) == 0
    assert (await desk.told(taken)).items[0].may_complain
    assert await desk.reports.erase(NOW_MS + KEEP_MS, RULES, 10) == 1
    assert await desk.reports.erase(NOW_MS + KEEP_MS, RULES, 10) == 0
    assert [await number(desk, table) for table in (report_receipts, report_items, report_strikes)] == [0, 0, 0]
    key = (taken.receipt_id, hash_token(taken.token))
    assert await desk.reports.told(*key) is None
    assert await desk.reports.complain(*key, RULES, NOW_MS) is None
    # What was decided stays, without what was said.
    report = await desk.report(taken)
    assert (report.state, report.note, report.references) == (State.NOT_ACTIONED, "", ())
    assert await desk.names() == ["MakeReport", "DecideReport"]


async def test_what_is_not_decided_is_never_erased(desk: Desk) -> None:
    taken = await desk.taken("m-1", "m-2")
    await desk.decide(taken, NO)
    assert await desk.reports.erase(NOW_MS + 2 * KEEP_MS, RULES, 10) == 1
    told = await desk.told(taken)  # until the other one is
    assert [each.state for each in told.items] == [State.NOT_ACTIONED, State.RECEIVED]
    assert not told.items[0].may_complain
    done = await desk.reports.decide("t1", taken.reports[1], NO, ANN, NOW_MS + 2 * KEEP_MS)
    assert not isinstance(done, str)
    assert await desk.reports.erase(NOW_MS + 3 * KEEP_MS, RULES, 10) == 1
    assert await desk.reports.told(taken.receipt_id, hash_token(taken.token)) is None
    assert await number(desk, report_items) == 0


async def test_strikes_are_forgotten_when_they_count_no_more(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.decide(taken, BASELESS)
    after = (RULES.within_days + RULES.mute_days) * DAY_MS
    await desk.reports.erase(NOW_MS + after - 1, RULES, 10)
    assert await number(desk, report_strikes) == 1
    await desk.reports.erase(NOW_MS + after, RULES, 10)
    assert (await number(desk, report_strikes), await number(desk, report_receipts)) == (0, 1)


async def test_erasing_goes_on_in_steps(desk: Desk) -> None:
    for each in range(5):
        await desk.decide(await desk.taken(f"m-{each}"), NO)
    steps = [await desk.reports.erase(NOW_MS + KEEP_MS, RULES, 2) for _ in range(4)]
    assert (steps, await number(desk, report_receipts)) == ([2, 2, 1, 0], 0)


async def test_overdue_ones_are_counted(desk: Desk) -> None:
    assert await desk.reports.overdue(NOW_MS) == (0, 0, None)
    taken = await desk.taken("m-1", category="self_harm")
    await desk.taken("m-2", category="hate", at_ms=NOW_MS + 1)
    assert await desk.reports.overdue(NOW_MS + HOUR_MS) == (2, 0, NOW_MS)
    assert await desk.reports.overdue(NOW_MS + HOUR_MS + 1) == (2, 1, NOW_MS)
    await desk.decide(taken, NO)
    assert await desk.reports.overdue(NOW_MS + HOUR_MS + 1) == (1, 0, NOW_MS + 1)


async def test_a_key_is_replaced(desk: Desk, store: Store) -> None:
    taken = await desk.taken("m-1")
    old = next(iter(read(desk.keys).seal))
    new = add_key(desk.keys)
    sealer = FileSealer(desk.keys, PURPOSE)
    database = database_of(store).database
    assert (await reports_under(database, mark_of(old)), await reports_under(database, mark_of(new))) == (1, 0)
    assert await reseal(database, sealer, sealer.mark()) == (2, 0)
    assert (await reports_under(database, mark_of(old)), await reports_under(database, mark_of(new))) == (0, 1)
    assert await reseal(database, sealer, sealer.mark()) == (0, 0)
    found = await reports_on(store, desk.keys).reveal("t1", taken.reports[0], ANN, NOW_MS)
    assert [(each.name, each.email) for each in found if not isinstance(each, str)] == [(CANARY, MAIL)]


async def test_what_no_key_opens_keeps_nobody_from_deciding(desk: Desk, store: Store, tmp_path: Path) -> None:
    taken = await desk.taken("m-1")
    new_keys(tmp_path / "others.json")
    other = reports_on(store, tmp_path / "others.json")
    [said] = await other.said("t1", taken.reports[0])
    assert said.explanation is None
    with pytest.raises(Unopened):
        await other.reveal("t1", taken.reports[0], ANN, NOW_MS)
    assert "RevealReporters" not in await desk.names()
    bare = reports_on(store, None)
    [said] = await bare.said("t1", taken.reports[0])
    assert said.explanation is None
    decided = await other.decide("t1", taken.reports[0], NO, ANN, NOW_MS)
    assert not isinstance(decided, str)


# -- what follows from an author's appeal


async def appeal(desk: Desk, act: str, message_id: str | None, tenant_id: str = "t1", **fields: Any) -> None:
    """Somebody's act about an appeal, and what follows from it."""
    database = database_of(desk.store).database
    body = act_body(BEN, 0, tenant_id, act, account_id="acc-1", appeal_id="a-1", message_id=message_id, **fields)
    async with database.writing("test") as connection:
        await record(connection, tenant_id, body, NOW_MS + DAY_MS, kind=APPEAL)
    await SqlFollower(database, [ReportAppeals()]).follow(ADMINISTRATORS, NOW_MS + DAY_MS)


@pytest.mark.parametrize(("outcome", "state"), [("upheld", State.ACTIONED), ("reversed", State.NOT_ACTIONED)])
async def test_reporters_are_told_of_the_authors_appeal(desk: Desk, outcome: str, state: State) -> None:
    message_id = await desk.message()
    taken, other = await desk.taken(message_id), await desk.taken(await desk.message())
    await desk.decide(taken, OFF)
    await desk.decide(other, OFF)
    await appeal(desk, "MakeAppeal", message_id, "t2")
    await appeal(desk, "MakeAppeal", None)
    assert (await desk.told(taken)).items[0].state is State.ACTIONED
    await appeal(desk, "MakeAppeal", message_id)
    assert (await desk.told(taken)).items[0].state is State.APPEAL_OPEN
    assert await desk.reports.queue("t1", (0, ""), 10) == []  # others decide it
    assert await desk.reports.erase(NOW_MS + 10 * KEEP_MS, RULES, 10) == 1  # the other one
    await appeal(desk, "DecideAppeal", message_id, outcome=outcome)
    [item] = (await desk.told(taken)).items
    assert (item.state, item.may_complain) == (state, False)
    # It is kept for as long as after any outcome.
    assert await desk.reports.erase(NOW_MS + DAY_MS + KEEP_MS - 1, RULES, 10) == 0
    assert await desk.reports.erase(NOW_MS + DAY_MS + KEEP_MS, RULES, 10) == 1


async def test_an_open_report_waits_for_no_appeal(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id)
    await appeal(desk, "MakeAppeal", message_id)
    await appeal(desk, "DecideAppeal", message_id, outcome="reversed")
    assert (await desk.report(taken)).state is State.RECEIVED
    async with database_of(desk.store).database.reading("test") as connection:
        assert (await connection.execute(select(reports.c.complaint))).scalar_one() == ""
