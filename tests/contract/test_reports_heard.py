"""Reports by the public after the decision: complaints, and whose reports are heard."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from gateway.adapters.sql.tables_reports import report_items
from gateway.core.registration import By
from gateway.core.reports import Channel, State, Undecided, hash_token
from gateway.ports import Fault, Register, Store
from gateway.ports.reports import Muted, Taken
from tests.contract.keeping import ON_DATABASES, database_of
from tests.contract.reporting import (
    ANN,
    BASELESS,
    BEN,
    DAY_MS,
    MAIL,
    NO,
    NOW_MS,
    OFF,
    RULES,
    Desk,
    open_desk,
    reports_on,
)
from tests.contract.samples import Opened

pytestmark = ON_DATABASES


@pytest.fixture
async def desk(store: Store, register: Register, tmp_path: Path) -> Desk:
    return await open_desk(store, register, tmp_path)


# -- complaints


async def test_a_complaint_is_decided_by_somebody_else(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id)
    await desk.decide(taken, BASELESS)
    assert (await desk.told(taken)).items[0].may_complain
    told = await desk.reports.complain(taken.receipt_id, hash_token(taken.token), RULES, NOW_MS + DAY_MS)
    assert told is not None
    [item] = told.items
    week = NOW_MS + 8 * DAY_MS
    assert (item.state, item.due_ms, item.decided_ms, item.may_complain) == (State.APPEAL_OPEN, week, None, False)
    [report] = await desk.reports.queue("t1", (0, ""), 10)
    assert (report.complaint, report.due_ms, report.decided_by) == (True, week, "Ann")
    for name in ("Ann", " aNN"):
        by = By(name, "again")
        assert await desk.reports.decide("t1", report.report_id, OFF, by, NOW_MS) is Undecided.SAME_PERSON
    decided = await desk.decide(taken, OFF, BEN, NOW_MS + 2 * DAY_MS)
    assert (decided.takedown, decided.report.state) == (True, State.ACTIONED)
    assert await desk.names() == ["MakeReport", "DecideReport", "AppealReport", "DecideReport", "TakeDown"]
    # What was held against the reporter is not any more.
    assert not (await desk.taken("m-2")).warned


async def test_a_complaint_is_made_once(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.decide(taken, NO)
    key = (taken.receipt_id, hash_token(taken.token), RULES)
    await asyncio.gather(*[desk.reports.complain(*key, NOW_MS) for _ in range(3)])
    await desk.decide(taken, NO, BEN)
    told = await desk.reports.complain(*key, NOW_MS)
    assert told is not None
    assert (told.items[0].state, told.items[0].may_complain) == (State.NOT_ACTIONED, False)
    assert (await desk.names()).count("AppealReport") == 1


async def test_a_complaint_beside_a_new_report_about_the_same(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.decide(taken, NO)
    newer = await desk.taken("m-1", email="x@a.example")
    await desk.reports.complain(taken.receipt_id, hash_token(taken.token), RULES, NOW_MS)
    assert len(await desk.reports.queue("t1", (0, ""), 10)) == 2
    third = await desk.taken("m-1", email="y@a.example")
    assert third.reports == newer.reports
    await desk.decide(taken, NO, BEN)
    await desk.decide(newer, NO)


# -- who is heard


async def test_who_goes_on_without_ground_is_not_heard_for_a_time(desk: Desk) -> None:
    for number in range(2):
        taken = await desk.taken(f"m-{number}")
        assert not taken.warned
        await desk.decide(taken, BASELESS)
    assert (await desk.told(taken)).items[0].unfounded
    warned = await desk.taken("m-2", at_ms=NOW_MS + 1)
    assert warned.warned
    await desk.decide(warned, BASELESS, at_ms=NOW_MS + 2)
    until_ms = NOW_MS + 2 + 5 * DAY_MS
    acts = await desk.names()
    assert await desk.take("m-3", at_ms=NOW_MS + 3) == Muted(until_ms)
    assert await desk.take("m-3", at_ms=until_ms - 1, email=f"  {MAIL.upper()}") == Muted(until_ms)
    assert await desk.names() == acts
    # Of child abuse everybody is heard; so are others, and the same person at another tenant, and later.
    assert isinstance(await desk.take("m-3", at_ms=NOW_MS + 3, category="sexual_minors"), Taken)
    assert isinstance(await desk.take("m-4", at_ms=NOW_MS + 3, email="x@a.example"), Taken)
    assert isinstance(await desk.take("m-5", at_ms=NOW_MS + 3, tenant_id="t2"), Taken)
    assert isinstance(await desk.take("m-6", at_ms=until_ms), Taken)


async def test_who_types_in_another_s_address_mutes_no_user_of_an_app(desk: Desk) -> None:
    for number, at_ms in enumerate((NOW_MS, NOW_MS, NOW_MS + 2)):  # the third after the warning
        taken = await desk.taken(f"m-{number}", at_ms=at_ms, channel=Channel.FORM)
        await desk.decide(taken, BASELESS, at_ms=at_ms + 1)
    assert isinstance(await desk.take("m-8", at_ms=NOW_MS + 9, channel=Channel.FORM), Muted)
    vouched = await desk.taken("m-8", at_ms=NOW_MS + 9, channel=Channel.APP)
    assert not vouched.warned


async def test_flaggers_are_known_by_their_key_until_they_are_revoked(desk: Desk, second: Opened) -> None:
    elsewhere = reports_on(second[0], desk.keys)
    assert await desk.reports.add_flagger("t1", "Watch", "w" * 64, ANN, NOW_MS)
    assert not await desk.reports.add_flagger("t1", "Watch", "v" * 64, ANN, NOW_MS)
    found = await elsewhere.flagger_by_key("w" * 64)
    assert found is not None
    assert (found.tenant_id, found.name, found.revoked_ms) == ("t1", "Watch", None)
    assert await desk.reports.flaggers("t2") == []
    assert not await desk.reports.revoke_flagger("t2", "Watch", ANN, NOW_MS)
    assert await desk.reports.revoke_flagger("t1", "Watch", ANN, NOW_MS + 1)
    assert await elsewhere.flagger_by_key("w" * 64) is None
    assert not await desk.reports.revoke_flagger("t1", "Watch", ANN, NOW_MS + 1)
    assert [(name, body["flagger"], body["key"]) for _, name, body in await desk.acts()] == [
        ("AddFlagger", "Watch", "w" * 12),
        ("RevokeFlagger", "Watch", "w" * 12),
    ]
    with pytest.raises(Fault, match="no tenant 'none'"):
        await desk.reports.add_flagger("none", "Watch", "u" * 64, ANN, NOW_MS)


async def test_flaggers_errors_are_counted_and_stay_with_them(desk: Desk) -> None:
    await desk.reports.add_flagger("t1", "Watch", "w" * 64, ANN, NOW_MS)
    by_flagger: dict[str, Any] = {"channel": Channel.TRUSTED, "flagger": "Watch", "name": "", "email": ""}
    taken = [await desk.taken(f"m-{number}", **by_flagger) for number in range(4)]
    for each, verdict in zip(taken, (OFF, NO, BASELESS, BASELESS), strict=True):
        await desk.decide(each, verdict)
    last = taken[-1]
    await desk.reports.complain(last.receipt_id, hash_token(last.token), RULES, NOW_MS)
    await desk.decide(last, OFF, BEN)  # it was right after all
    await desk.reports.revoke_flagger("t1", "Watch", ANN, NOW_MS)
    await desk.reports.add_flagger("t1", "Watch", "v" * 64, ANN, NOW_MS)
    [found] = await desk.reports.flaggers("t1")
    assert (found.decided, found.actioned, found.errors, found.unfounded) == (4, 2, 2, 1)
    # One is never muted: a person decides whether it stays trusted.
    assert isinstance(await desk.take("m-9", at_ms=NOW_MS + 1, **by_flagger), Taken)


async def test_a_flagger_has_one_receipt_for_one_content(desk: Desk) -> None:
    await desk.reports.add_flagger("t1", "Watch", "w" * 64, ANN, NOW_MS)
    by_flagger: dict[str, Any] = {"channel": Channel.TRUSTED, "flagger": "Watch", "name": "", "email": ""}
    first = await desk.taken("m-1", **by_flagger)
    again = await desk.taken("m-1", explanation="Once more.", **by_flagger)
    assert (again.new, again.receipt_id, again.token) == (False, first.receipt_id, first.token)
    async with database_of(desk.store).database.reading("test") as connection:
        assert len((await connection.execute(select(report_items))).all()) == 1
