"""A ladder tried on history says what it would have given: for the ladder that was in force, what it really gave."""

from __future__ import annotations

import random

import pytest
from sqlalchemy import text

from gateway.adapters.sql import sanction_trial
from gateway.adapters.sql.sanction_trial import SqlTrial
from gateway.core.ladder import DAY_MS
from gateway.core.ladder_rules import Ladder
from gateway.core.ladder_trial import Trial, Tried
from gateway.core.model import Degree, MessageState
from gateway.core.sanction_records import SanctionState
from tests.contract.keeping import ON_DATABASES
from tests.contract.punishing import NOW_MS, Court, blocked, open_court
from tests.contract.samples import Opened

pytestmark = ON_DATABASES


@pytest.fixture
async def court(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> Court:
    monkeypatch.setattr(sanction_trial, "_PAGE", 7)
    return await open_court(opened)


async def tried(court: Court, rules: Ladder, since_ms: int = 0, tenant_id: str | None = None) -> Trial:
    """A ladder tried on all that happened."""
    trial = Trial(rules, since_ms)
    async for strike in SqlTrial(court.store.database, tenant_id, 0).strikes(rules):
        trial.take(strike)
    trial.end_account()
    return trial


async def live(court: Court, seed: int) -> None:
    """Three accounts that do this and that for some weeks."""
    chance = random.Random(seed)  # noqa: S311
    for _ in range(30):
        court.now_ms += chance.choice([1000, 40 * 60_000, 5 * DAY_MS])
        account_id = chance.choice(["acc-1", "acc-2", "acc-3"])
        match chance.randrange(4):
            case 0:
                await court.happen(account_id, MessageState.PUBLISHED, blocked("spam", rule="none"))
            case 1:
                await court.block(account_id, content=f"same-{chance.randrange(3)}")
            case 2:
                published = await court.happen(account_id, MessageState.PUBLISHED, blocked("spam", rule="none"))
                await court.take_down(account_id, published, "hate", content_hash=published)
            case _:
                await court.block(account_id, chance.choice(["spam", "hate", "terrorism"]))


@pytest.mark.parametrize("seed", range(3))
async def test_the_ladder_in_force_would_have_given_what_it_gave(court: Court, seed: int) -> None:
    await live(court, seed)
    before = await court.written()
    trial = await tried(court, court.ladder)
    records = await court.all()
    assert sum(trial.automatic.values()) == len([each for each in records if each.automatic])
    assert sum(trial.proposed.values()) == len([each for each in records if not each.automatic])
    found = {degree: trial.automatic[degree] + trial.proposed[degree] for degree in Degree}
    history = SqlTrial(court.store.database, "t1", 0)
    given = await history.given(0)
    assert {degree: number for degree, number in found.items() if number} == given
    for one in trial.strictest():
        assert await history.strictest_given("t1", one.account_id, 0) is one.degree
    assert await court.written() == before, "it writes nothing"


async def test_another_ladder_on_the_same_history(court: Court) -> None:
    await court.daily(*["spam"] * 5)
    await court.daily("spam", account_id="acc-2")
    lenient = await tried(court, Ladder(weights={"spam": 0}))
    assert (lenient.violations, lenient.accounts, lenient.strictest()) == (6, 0, [])
    shown = await tried(court, court.ladder)
    assert shown.strictest() == [
        Tried("t1", "acc-1", Degree.CLOSE, 5),
        Tried("t1", "acc-2", Degree.WARN, 1),
    ]
    assert (await tried(court, Ladder(strikes=()))).violations == 0
    assert (await tried(court, court.ladder, tenant_id="t2")).violations == 0


async def test_what_came_before_counts_but_is_not_counted(court: Court) -> None:
    await court.daily("spam", "spam", "spam")
    trial = await tried(court, court.ladder, since_ms=NOW_MS + 2 * DAY_MS)
    assert (trial.violations, trial.automatic) == (1, {Degree.RESTRICT: 1})


async def test_what_was_taken_back_is_left_out(court: Court) -> None:
    first, second, _third = await court.daily("spam", "spam", "spam")
    await court.reverse(message_id=first)
    records = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.IN_FORCE)
    [of_second] = [each for each in records if each.message_id == second]
    await court.reverse(sanction_id=of_second.sanction_id)
    trial = await tried(court, court.ladder)
    assert (trial.violations, trial.automatic) == (1, {Degree.WARN: 1})


async def test_the_quota_would_have_been_used_up(court: Court) -> None:
    for account_id in ("acc-1", "acc-2", "acc-3"):
        await court.block(account_id)
    trial = await tried(court, Ladder(daily_quota=1))
    assert trial.stopped() == (1, 2)


async def test_no_page_is_read_twice_and_none_left_out(court: Court) -> None:
    for _ in range(20):
        court.now_ms += 2 * 3_600_000
        await court.block(follow=False)
    assert (await tried(court, court.ladder)).violations == 20
    async with court.store.database.writing("test") as connection:
        await connection.execute(
            text("UPDATE decisions SET at_ms = 5 WHERE message_id = (SELECT min(id) FROM messages)")
        )
    trial = Trial(court.ladder, 0)
    async for strike in SqlTrial(court.store.database, None, 6).strikes(court.ladder):
        trial.take(strike)
    assert trial.violations == 19
