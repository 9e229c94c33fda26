"""Sanctions and incidents as people look through them, on each database."""

from __future__ import annotations

import pytest

from gateway.adapters.sql.sanction_trial import SqlTrial
from gateway.core.ladder import DAY_MS
from gateway.core.ladder_rules import Ladder
from gateway.core.ladder_trial import tried
from gateway.core.model import Account, AccountState, Degree
from gateway.core.sanction_records import Order, Phase, SanctionRecord
from tests.contract.keeping import ON_DATABASES
from tests.contract.punishing import ANN, BEN, Court, open_court
from tests.contract.samples import Opened

pytestmark = ON_DATABASES


@pytest.fixture
async def court(opened: Opened) -> Court:
    return await open_court(opened)


async def imposed(court: Court, tenant_id: str, account_id: str, degree: Degree, days: int | None = None) -> str:
    """A sanction in a person's name; its id."""
    made = await court.sanctions.impose(tenant_id, Order(account_id, degree, days), ANN, court.now_ms)
    assert isinstance(made, SanctionRecord)
    return made.sanction_id


async def listed(
    court: Court, phase: Phase | None, tenant_id: str | None = None, account_id: str | None = None
) -> list[str]:
    """The ids of these sanctions, read two at a time."""
    found: list[str] = []
    behind: tuple[str, str] | None = None
    while True:
        page = await court.sanctions.listed(tenant_id, behind, 2, court.now_ms, phase, account_id)
        found += [each.sanction_id for each in page]
        if len(page) < 2:
            return found
        behind = (page[-1].sanction_id, page[-1].tenant_id)


async def test_sanctions_are_listed_by_phase(court: Court) -> None:
    await court.register.put_account("t2", Account("acc-1", AccountState.ACTIVE), "test", 0)
    closings = [await imposed(court, "t1", f"acc-{number}", Degree.CLOSE) for number in (1, 2, 3)]
    closings.append(await imposed(court, "t2", "acc-1", Degree.CLOSE))
    short = await imposed(court, "t1", "acc-1", Degree.RESTRICT, 3)
    lasting = await imposed(court, "t1", "acc-2", Degree.RESTRICT)
    elsewhere = await imposed(court, "t2", "acc-1", Degree.SUSPEND, 30)
    lifted = await imposed(court, "t1", "acc-1", Degree.SUSPEND)
    assert isinstance(await court.sanctions.lift("t1", lifted, BEN, court.now_ms), SanctionRecord)
    assert isinstance(await court.sanctions.decline("t1", closings[2], BEN, court.now_ms), SanctionRecord)
    assert await listed(court, Phase.PROPOSED) == [closings[0], closings[1], closings[3]], "oldest first"
    assert await listed(court, Phase.PROPOSED, "t2") == [closings[3]]
    assert await listed(court, Phase.IN_FORCE) == [elsewhere, lasting, short], "newest first"
    assert await listed(court, Phase.OVER) == [lifted, closings[2]]
    court.now_ms += 3 * DAY_MS
    assert await listed(court, Phase.IN_FORCE, "t1") == [lasting]
    assert await listed(court, Phase.OVER, "t1") == [lifted, short, closings[2]]
    assert await listed(court, None, "t1", "acc-1") == [lifted, short, closings[0]]
    assert await listed(court, None) == sorted([*closings, short, lasting, elsewhere, lifted], reverse=True)
    assert [await court.sanctions.waiting(tenant) for tenant in (None, "t1", "t2", "t3")] == [3, 2, 1, 0]


async def test_the_latest_incidents_are_in_front(court: Court) -> None:
    violations = await court.daily("spam", "hate", "spam")
    found = await court.sanctions.latest_incidents("t1", "acc-1", None, 2)
    assert [each.strike.message_id for each in found] == [violations[2], violations[1]]
    place = (found[-1].strike.at_ms, found[-1].strike.incident_id)
    rest = await court.sanctions.latest_incidents("t1", "acc-1", place, 2)
    assert [each.strike.message_id for each in rest] == [violations[0]]
    assert await court.sanctions.latest_incidents("t2", "acc-1", None, 2) == []
    await court.reverse(message_id=violations[2])
    [newest] = await court.sanctions.latest_incidents("t1", "acc-1", None, 1)
    assert newest.removed_ms == court.now_ms


async def test_which_tenants_have_used_up_their_quota(court: Court) -> None:
    court.ladder = Ladder(daily_quota=2)
    await court.block("acc-1")
    assert await court.sanctions.stopped_tenants(None, court.now_ms, 10) == []
    await court.block("acc-2")
    assert await court.sanctions.stopped_tenants(None, court.now_ms, 10) == ["t1"]
    assert await court.sanctions.stopped_tenants("t1", court.now_ms, 10) == ["t1"]
    assert await court.sanctions.stopped_tenants("t2", court.now_ms, 10) == []
    court.ladder = Ladder(daily_quota=0)
    assert await court.sanctions.stopped_tenants(None, court.now_ms, 10) == [], "where nothing is automatic"
    court.ladder = Ladder(daily_quota=2)
    court.now_ms += DAY_MS
    assert await court.sanctions.stopped_tenants(None, court.now_ms, 10) == []


async def test_a_ladder_is_tried_on_what_is_held_against_accounts(court: Court) -> None:
    since_ms = court.now_ms
    violations = await court.daily("spam", "hate", "spam")
    await court.daily("terrorism", account_id="acc-2")
    await court.reverse(message_id=violations[1])
    history = SqlTrial(court.store.database, "t1", since_ms)
    incidents = await history.incidents(100)
    assert [(each.account_id, each.category) for each in incidents] == [
        ("acc-1", "spam"),
        ("acc-1", "spam"),
        ("acc-2", "terrorism"),
    ]
    assert await history.incidents(2) == incidents[:2]
    assert len(await SqlTrial(court.store.database, "t1", since_ms + 1).incidents(100)) == 2
    assert await SqlTrial(court.store.database, "t2", since_ms).incidents(100) == []
    trial = tried(Ladder(weights={"spam": 3}), since_ms, incidents)
    assert (trial.violations, trial.accounts, trial.proposed) == (3, 2, {Degree.CLOSE: 1})
    assert trial.automatic == {Degree.RESTRICT: 1, Degree.SUSPEND: 1}


async def test_a_sanction_s_rows_are_found_by_its_id(court: Court) -> None:
    one = await imposed(court, "t1", "acc-1", Degree.CLOSE)
    await imposed(court, "t1", "acc-1", Degree.WARN)
    await court.sanctions.agree("t1", one, BEN, court.now_ms)
    rows = await court.registrar.history("t1", f"sanction:{one}", 0, 10)
    assert [row.kind for row in rows] == ["sanction", "sanction"]
