"""Sanctions on each database: what people do with them, and when the hot path sees it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.adapters.cached import CachedRegistry
from gateway.core.audit import ADMINISTRATORS
from gateway.core.ladder import DAY_MS
from gateway.core.ladder_rules import Ladder, Step
from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    Sanction,
    Suspension,
)
from gateway.core.policy import Registration
from gateway.core.registration import By, CloseAccount, CreateAccount, Refused, RenewAccount, ReopenAccount
from gateway.core.sanction_records import Order, SanctionRecord, SanctionRefused, SanctionState, Waits, Why
from gateway.ports import Registered, StoreUnavailable
from tests.contract.keeping import ON_DATABASES
from tests.contract.punishing import ANN, BEN, EVE, NOW_MS, Court, open_court
from tests.contract.samples import Opened, assert_chains_whole
from tests.fakes import FakeClock

pytestmark = ON_DATABASES

RULES = Registration()
WARN, RESTRICT, SUSPEND, RENEWAL, CLOSE = (
    Degree.WARN,
    Degree.RESTRICT,
    Degree.SUSPEND,
    Degree.SUSPEND_RENEWAL,
    Degree.CLOSE,
)


@pytest.fixture
async def court(opened: Opened) -> Court:
    return await open_court(opened)


# -- people


@pytest.mark.parametrize("degree", [WARN, RESTRICT, RENEWAL, SUSPEND])
@pytest.mark.parametrize("days", [2, None])
async def test_a_person_imposes_any_degree_and_lifts_it_again(court: Court, degree: Degree, days: int | None) -> None:
    order = Order("acc-1", degree, days, "hate")
    imposed = await court.sanctions.impose("t1", order, ANN, court.now_ms)
    assert isinstance(imposed, SanctionRecord)
    ends = NOW_MS + 2 * DAY_MS if days else NOW_MS + 90 * DAY_MS if degree is WARN else None
    assert await court.seen() == [(degree, NOW_MS, ends)]
    assert (imposed.why, imposed.automatic, imposed.agreed, imposed.reason) == (Why.PERSON, False, ("Ann",), "ticket 1")
    assert await court.sanctions.impose("t1", order, ANN, court.now_ms + 5) == imposed, "sent twice, imposed once"
    assert await court.sanctions.sanction("t1", imposed.sanction_id, court.now_ms) == imposed
    lifted = await court.sanctions.lift("t1", imposed.sanction_id, BEN, court.now_ms + 9)
    assert isinstance(lifted, SanctionRecord)
    assert (lifted.state, lifted.decided_by, lifted.decided_ms) == (SanctionState.LIFTED, "Ben", NOW_MS + 9)
    assert await court.seen() == []
    assert await court.sanctions.lift("t1", imposed.sanction_id, BEN, court.now_ms + 10) == lifted
    refused = await court.sanctions.lift("t1", imposed.sanction_id, EVE, court.now_ms)
    assert refused is SanctionRefused.NOT_IN_FORCE
    assert [(body["act"], body["actor"], body["reason"], body["why"]) for body in await court.acts()] == [
        ("ImposeSanction", "Ann", "ticket 1", "person"),
        ("LiftSanction", "Ben", "ticket 2", "person"),
    ]
    again = await court.sanctions.impose("t1", order, ANN, court.now_ms)
    assert isinstance(again, SanctionRecord)
    assert again.sanction_id != imposed.sanction_id


async def test_closing_takes_two_people_and_bars_the_registrant(court: Court) -> None:
    proposed = await court.sanctions.impose("t1", Order("acc-1", CLOSE), ANN, court.now_ms)
    assert isinstance(proposed, SanctionRecord)
    assert (proposed.state, proposed.waits) == (SanctionState.PROPOSED, Waits.PEOPLE)
    assert (await court.state(), await court.degrees()) == (AccountState.ACTIVE, [])
    for by, order in ((ANN, None), (BEN, Order("acc-1", CLOSE))):
        before = await court.written()
        refused = (
            await court.sanctions.agree("t1", proposed.sanction_id, by, court.now_ms)
            if order is None
            else await court.sanctions.impose("t1", order, by, court.now_ms)
        )
        assert refused is (SanctionRefused.SAME_PERSON if order is None else SanctionRefused.CLOSE_WAITS)
        assert await court.written() == before
    closed = await court.sanctions.agree("t1", proposed.sanction_id, BEN, court.now_ms)
    assert isinstance(closed, SanctionRecord)
    assert (closed.state, closed.agreed) == (SanctionState.IN_FORCE, ("Ann", "Ben"))
    assert (await court.state(), await court.degrees()) == (AccountState.CLOSED, [CLOSE])
    assert await court.registrar.barred_until("t1", "person-1", court.now_ms) is not None
    assert await court.sanctions.agree("t1", proposed.sanction_id, BEN, court.now_ms) == closed
    history = await court.registrar.history("t1", "account:acc-1", 0, 10)
    assert [row.kind for row in history] == ["registry", "sanction", "registry", "sanction"]
    await assert_chains_whole(court.store)


async def test_a_closing_is_undone_by_who_lifts_it_and_by_nobody_else(court: Court) -> None:
    proposed = await court.sanctions.impose("t1", Order("acc-1", CLOSE), ANN, court.now_ms)
    assert isinstance(proposed, SanctionRecord)
    await court.sanctions.agree("t1", proposed.sanction_id, BEN, court.now_ms)
    reopened = await court.registrar.carry_out("t1", ReopenAccount("acc-1"), EVE, RULES, court.now_ms)
    assert reopened is Refused.CLOSED_BY_SANCTION
    for order in (Order("acc-1", WARN), Order("acc-1", SUSPEND, 3)):
        assert await court.sanctions.impose("t1", order, ANN, 0) is SanctionRefused.ACCOUNT_CLOSED
    assert isinstance(await court.sanctions.lift("t1", proposed.sanction_id, EVE, court.now_ms), SanctionRecord)
    assert (await court.state(), await court.degrees()) == (AccountState.ACTIVE, [])
    assert await court.registrar.barred_until("t1", "person-1", court.now_ms) is None
    named = CreateAccount("acc-9", "person-1", "Name 1")
    assert isinstance(await court.registrar.carry_out("t1", named, EVE, RULES, court.now_ms), Registered)


async def test_an_account_that_was_closed_before_stays_closed_when_the_sanction_is_lifted(court: Court) -> None:
    await court.registrar.carry_out("t1", CloseAccount("acc-1"), EVE, RULES, court.now_ms)
    proposed = await court.sanctions.impose("t1", Order("acc-1", CLOSE), ANN, court.now_ms)
    assert isinstance(proposed, SanctionRecord)
    await court.sanctions.agree("t1", proposed.sanction_id, BEN, court.now_ms)
    assert await court.registrar.barred_until("t1", "person-1", court.now_ms) is not None
    await court.sanctions.lift("t1", proposed.sanction_id, EVE, court.now_ms)
    assert await court.state() is AccountState.CLOSED
    assert await court.registrar.barred_until("t1", "person-1", court.now_ms) is None
    name_again = CreateAccount("acc-9", "person-1", "Name 1")
    assert await court.registrar.carry_out("t1", name_again, EVE, RULES, court.now_ms) is Refused.NAME_BARRED


async def test_of_two_who_decide_at_once_one_wins(court: Court) -> None:
    court.ladder = Ladder(automatic=())
    for account_id in ("acc-1", "acc-2", "acc-3"):
        await court.block(account_id)
    one, two, three = [each.sanction_id for each in await court.all()]
    sanctions, now = court.sanctions, court.now_ms
    both = await court.at_once(sanctions.agree("t1", one, ANN, now), sanctions.agree("t1", one, BEN, now))
    other = await court.at_once(sanctions.agree("t1", two, ANN, now), sanctions.decline("t1", two, BEN, now))
    same = await court.at_once(sanctions.agree("t1", three, ANN, now), sanctions.agree("t1", three, ANN, now))
    assert sorted(isinstance(each, SanctionRecord) for each in both) == [False, True]
    assert sorted(isinstance(each, SanctionRecord) for each in other) == [False, True]
    assert same[0] == same[1]
    assert SanctionRefused.NOT_PROPOSED in both
    assert len([body for body in await court.acts() if body["act"] != "ProposeSanction"]) == 3


async def test_two_who_agree_at_once_to_a_proposed_closing_close_it_once(court: Court) -> None:
    await court.daily(*["spam"] * 5)
    [proposed] = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.PROPOSED)
    both = await court.at_once(
        court.sanctions.agree("t1", proposed.sanction_id, ANN, court.now_ms),
        court.sanctions.agree("t1", proposed.sanction_id, BEN, court.now_ms),
    )
    states = sorted(each.state for each in both if isinstance(each, SanctionRecord))
    assert states == [SanctionState.IN_FORCE, SanctionState.PROPOSED]
    assert await court.state() is AccountState.CLOSED
    assert [body["act"] for body in await court.acts()][-2:] == ["AgreeSanction", "ImposeSanction"]


async def test_a_declined_proposal_does_not_come_back_but_another_violation_proposes_again(court: Court) -> None:
    await court.daily(*["spam"] * 6)
    [proposed] = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.PROPOSED)
    declined = await court.sanctions.decline("t1", proposed.sanction_id, ANN, court.now_ms)
    assert isinstance(declined, SanctionRecord)
    assert await court.sanctions.agree("t1", proposed.sanction_id, BEN, 0) is SanctionRefused.NOT_PROPOSED
    assert await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.PROPOSED) == []
    await court.block()
    [again] = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.PROPOSED)
    assert again.degree is CLOSE


async def test_what_cannot_be_is_refused_and_leaves_nothing_behind(court: Court) -> None:
    before = await court.written()
    sanctions = court.sanctions
    for refused, expected in (
        (await sanctions.impose("t1", Order("none", WARN), ANN, 0), SanctionRefused.ACCOUNT_UNKNOWN),
        (await sanctions.impose("t2", Order("acc-1", WARN), ANN, 0), SanctionRefused.ACCOUNT_UNKNOWN),
        (await sanctions.impose("t1", Order("acc-1", CLOSE, 3), ANN, 0), SanctionRefused.DAYS_IMPOSSIBLE),
        (await sanctions.agree("t1", "none", ANN, 0), SanctionRefused.SANCTION_UNKNOWN),
        (await sanctions.decline("t1", "none", ANN, 0), SanctionRefused.SANCTION_UNKNOWN),
        (await sanctions.lift("t1", "none", ANN, 0), SanctionRefused.SANCTION_UNKNOWN),
    ):
        assert refused is expected
    with pytest.raises(StoreUnavailable):
        await sanctions.impose("t1", Order("acc-1", WARN), By("Ann", "\x00"), 0)
    assert await court.written() == before


async def test_a_sanction_names_a_message_of_its_account_or_none(court: Court) -> None:
    own, others = await court.block("acc-1"), await court.block("acc-2")
    imposed = await court.sanctions.impose("t1", Order("acc-1", SUSPEND, 3, message_id=own), ANN, court.now_ms)
    assert isinstance(imposed, SanctionRecord)
    await court.register.put_account("t2", Account("acc-1", AccountState.ACTIVE), "test", 0)
    before = await court.written()
    for tenant_id, wrong in (("t1", others), ("t1", "none"), ("t1", ""), ("t2", own)):
        order = Order("acc-1", SUSPEND, 3, message_id=wrong)
        refused = await court.sanctions.impose(tenant_id, order, BEN, court.now_ms)
        assert refused is SanctionRefused.MESSAGE_UNKNOWN
    assert await court.written() == before


async def test_a_proposal_for_an_account_that_was_closed_meanwhile_is_refused(court: Court) -> None:
    court.ladder = Ladder(automatic=())
    await court.block()
    [proposed] = await court.all()
    await court.registrar.carry_out("t1", CloseAccount("acc-1"), EVE, RULES, court.now_ms)
    refused = await court.sanctions.agree("t1", proposed.sanction_id, ANN, court.now_ms)
    assert refused is SanctionRefused.ACCOUNT_CLOSED


async def test_another_tenant_sees_nothing(court: Court) -> None:
    await court.block()
    [record] = await court.all()
    assert await court.sanctions.page("t2", "", 10, court.now_ms) == []
    assert await court.sanctions.sanction("t2", record.sanction_id, court.now_ms) is None
    assert await court.sanctions.lift("t2", record.sanction_id, ANN, 0) is SanctionRefused.SANCTION_UNKNOWN
    assert await court.sanctions.incidents("t2", "acc-1", "", 10) == []


async def test_lists_come_in_pages_by_state_and_by_account(court: Court) -> None:
    for account_id in ("acc-1", "acc-2", "acc-1"):
        await court.block(account_id)
        court.now_ms += DAY_MS
    whole = await court.all()
    assert await court.sanctions.page("t1", whole[0].sanction_id, 1, court.now_ms) == [whole[1]]
    assert await court.all("acc-2") == [whole[1]]
    court.now_ms += 3 * DAY_MS
    ended = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.ENDED)
    assert [(each.account_id, each.degree) for each in ended] == [("acc-1", RESTRICT)]
    in_force = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.IN_FORCE)
    assert [each.degree for each in in_force] == [WARN, WARN]
    first, second = await court.sanctions.incidents("t1", "acc-1", "", 10)
    assert await court.sanctions.incidents("t1", "acc-1", first.strike.incident_id, 1) == [second]
    rung = await court.sanctions.rung("t1", "acc-1", court.now_ms)
    assert (rung.points, rung.step, rung.next) == (2, court.ladder.steps[1], court.ladder.steps[2])


async def test_a_suspension_stops_renewal_for_its_time(court: Court) -> None:
    await court.block(category="terrorism")
    renew = RenewAccount("acc-1", NOW_MS + 2000 * DAY_MS)
    assert await court.registrar.carry_out("t1", renew, EVE, RULES, court.now_ms) is Refused.RENEWAL_SUSPENDED
    after = court.now_ms + 30 * DAY_MS
    assert isinstance(await court.registrar.carry_out("t1", renew, EVE, RULES, after), Registered)


async def test_what_a_suspended_renewal_meant_stands_in_its_audit_rows(court: Court) -> None:
    renew = RenewAccount("acc-1", NOW_MS + 2000 * DAY_MS)
    await court.sanctions.impose("t1", Order("acc-1", RENEWAL, 3), ANN, court.now_ms)
    court.suspension = Suspension.UPDATES
    await court.sanctions.impose("t1", Order("acc-2", RENEWAL, 3), ANN, court.now_ms)
    await court.sanctions.impose("t1", Order("acc-2", RESTRICT, 3), ANN, court.now_ms)
    assert [each.get("suspends") for each in await court.acts()] == [None, "updates", None]
    rules = court.policy().policy.registering()
    assert isinstance(await court.registrar.carry_out("t1", renew, EVE, rules, court.now_ms), Registered)


# -- the hot path


async def test_another_process_sees_it_with_its_next_look_at_the_changes(court: Court, second: Opened) -> None:
    _, register = second
    cache = CachedRegistry(register, FakeClock(court.now_ms), 100, 1000)
    await cache.refresh()
    assert (await cache.account("t1", "acc-1")) == (await court.register.account("t1", "acc-1"))
    other = await cache.account("t1", "acc-2")
    await court.block()
    await cache.refresh()
    account = await cache.account("t1", "acc-1")
    assert account is not None
    assert [each.degree for each in account.sanctions] == [WARN]
    assert await cache.account("t1", "acc-2") is other, "nobody else's entry was dropped"
    [record] = await court.all()
    await court.sanctions.lift("t1", record.sanction_id, ANN, court.now_ms)
    await cache.refresh()
    account = await cache.account("t1", "acc-1")
    assert account is not None
    assert account.sanctions == ()


async def test_what_was_imposed_outlives_what_a_chat_apps_records_say(court: Court) -> None:
    await court.block()
    [record] = await court.all()
    mine = Sanction(WARN, NOW_MS, NOW_MS + 90 * DAY_MS, record.sanction_id)
    account = await court.register.account("t1", "acc-1")
    assert account is not None
    assert account.sanctions == (mine,)
    theirs = Sanction(RESTRICT, 1, None)
    for given in ((), (theirs,), (theirs, mine), (mine,)):
        await court.register.put_account("t1", replace(account, sanctions=given), "test", 0)
        found = await court.register.account("t1", "acc-1")
        assert found is not None
        own = tuple([each for each in given if each is theirs])
        assert found.sanctions == (*own, mine)
        assert (await court.register.accounts("t1", "", 1))[0] == found
    await court.sanctions.impose("t1", Order("acc-1", SUSPEND, 1), ANN, court.now_ms)
    assert await court.degrees() == [WARN, SUSPEND]


async def test_a_step_that_a_policy_makes_of_several_degrees_imposes_all(court: Court) -> None:
    court.ladder = Ladder(steps=(Step(degree=RESTRICT, days=2, also=(RENEWAL,)),))
    await court.block()
    assert await court.degrees() == [RESTRICT, RENEWAL]
    [record] = await court.all()
    await court.sanctions.lift("t1", record.sanction_id, ANN, court.now_ms)
    assert await court.degrees() == []


async def test_the_administrators_chain_is_followed_for_its_own_acts_without_end(court: Court) -> None:
    await court.block()
    heads = await court.store.heads()
    for _ in range(3):
        await court.follow()
    assert await court.store.heads() == heads
    assert not await court.follower.follow(ADMINISTRATORS, court.now_ms)
