"""`Figures`: the acts on reports and appeals, of one tenant and one time, however far apart they lie in the chain."""

from __future__ import annotations

import pytest

from gateway.adapters.sql.history import record
from gateway.adapters.sql.transparency import SqlFigures
from gateway.core.audit import APPEAL, REGISTRY, REPORT, SANCTION, act_body
from gateway.core.happened import Act
from gateway.core.registration import By
from tests.contract.newsroom import Office

BY = By("Ann", "ticket 7")


async def put(office: Office, kind: str, act: str, at_ms: int, tenant_id: str = "t1", **fields: object) -> None:
    async with office.store.database.writing("test") as connection:
        await record(connection, tenant_id, act_body(BY, 0, tenant_id, act, **fields), at_ms, kind=kind)


async def found(office: Office, stretch: int, from_ms: int = 0, to_ms: int = 1000) -> list[Act]:
    return [act async for act in SqlFigures(office.store.database, stretch).acts("t1", from_ms, to_ms)]


@pytest.mark.parametrize("stretch", [1, 2, 3, 1000])
async def test_acts_of_the_kinds_in_the_order_of_the_chain(office: Office, stretch: int) -> None:
    await put(office, REPORT, "MakeReport", 10, report_id="r1", category="hate", trusted=True)
    await put(office, SANCTION, "ImposeSanction", 11, sanction_id="s1")
    await put(office, REGISTRY, "Put", 12)
    await put(office, REPORT, "MakeReport", 13, "t2", report_id="r2")
    await put(office, APPEAL, "MakeAppeal", 15, appeal_id="a1", sanction_id="s1")
    await put(office, REPORT, "DecideReport", 14, report_id="r1", state="actioned")  # by another process's clock
    acts = await found(office, stretch)
    assert [(each.at_ms, each.kind, each.act) for each in acts] == [
        (10, REPORT, "MakeReport"),
        (15, APPEAL, "MakeAppeal"),
        (14, REPORT, "DecideReport"),
    ]
    assert (acts[0].actor, acts[0].tenant_id, acts[0].body["trusted"]) == ("Ann", "t1", True)


async def test_the_interval_has_its_beginning_and_not_its_end(office: Office) -> None:
    for at_ms in (99, 100, 199, 200):
        await put(office, REPORT, "MakeReport", at_ms, report_id=str(at_ms))
    assert [each.at_ms for each in await found(office, 1000, 100, 200)] == [100, 199]


async def test_nothing_happened(office: Office) -> None:
    assert await found(office, 1000) == []
