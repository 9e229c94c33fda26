"""Incidents and sanctions on each database: what the follower makes of what happens, and of what is taken back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.adapters.sql import SqlFollower, SqlSanctions
from gateway.core.audit import TAKEDOWN
from gateway.core.ladder import DAY_MS, Strike
from gateway.core.ladder_rules import Happening, Ladder
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
    Facts,
    MessageState,
    Outcome,
    Reason,
)
from gateway.core.policy import Registration
from gateway.core.sanction_records import Order, SanctionRecord, SanctionState, Waits, Why
from gateway.ports import StoreUnavailable
from tests.contract.keeping import ON_DATABASES, database_of
from tests.contract.punishing import ANN, BEN, NOW_MS, Court, blocked, open_court
from tests.contract.samples import Opened, assert_chains_whole, change, entry, owner_of

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


# -- what would follow


async def foreseen(court: Court, *categories: str, happening: Happening = Happening.REJECTED) -> dict[str, object]:
    """What a violation of these categories would bring ``acc-1``: degree, end, and why it would wait."""
    strike = Strike("", "t1", "acc-1", court.now_ms, happening, "", "m-new", "hash-new")
    found = await court.sanctions.foresee(strike, categories, court.now_ms)
    return {
        category: one and (one.step.degree, one.ends_ms and (one.ends_ms - court.now_ms) // DAY_MS, one.waits)
        for category, one in found.items()
    }


async def test_what_is_foreseen_is_what_comes(court: Court) -> None:
    nothing = {"self_harm": None}
    for expected in ((WARN, 90, None), (RESTRICT, 3, None), (RESTRICT, 7, None), (SUSPEND, 30, None)):
        assert await foreseen(court, "spam", "self_harm") == {"spam": expected, **nothing}
        await court.block()
        assert (await court.seen())[-1][0] in (expected[0], RENEWAL)
        assert await foreseen(court, "spam") == {"spam": None}  # it is the same incident still
        court.now_ms += DAY_MS
    assert await foreseen(court, "spam", "self_harm") == {"spam": (CLOSE, None, Waits.DEGREE), **nothing}
    await court.block()
    court.now_ms += DAY_MS
    assert await foreseen(court, "spam") == {"spam": None}  # the closing is proposed


async def test_a_cry_for_help_is_held_against_nobody(court: Court) -> None:
    for _ in range(6):
        await court.block(category="self_harm")
        court.now_ms += DAY_MS
    assert (await court.seen(), await court.sanctions.incidents("t1", "acc-1", "", 10)) == ([], [])
    court.ladder = Ladder(weights={"self_harm": 1})  # a policy that says otherwise
    assert await foreseen(court, "self_harm") == {"self_harm": (WARN, 90, None)}
    await court.block(category="self_harm")
    assert await court.degrees() == [WARN]


async def test_what_is_no_strike_brings_nothing(court: Court) -> None:
    court.ladder = Ladder(strikes=(Happening.BLOCKED,))
    assert await foreseen(court, "spam") == {"spam": None}
    assert await foreseen(court, "spam", happening=Happening.BLOCKED) == {"spam": (WARN, 90, None)}


# -- what follows from what happens


async def test_violations_go_up_the_ladder_and_the_hot_path_sees_each_step(court: Court) -> None:
    day = DAY_MS
    await court.block()
    assert await court.seen() == [(WARN, NOW_MS, NOW_MS + 90 * day)]
    court.now_ms += day
    await court.block()
    assert (await court.seen())[1:] == [(RESTRICT, NOW_MS + day, NOW_MS + 4 * day)]
    court.now_ms += day
    await court.block()
    court.now_ms += day
    await court.block()
    assert (await court.seen())[-2:] == [
        (SUSPEND, NOW_MS + 3 * day, NOW_MS + 33 * day),
        (RENEWAL, NOW_MS + 3 * day, NOW_MS + 33 * day),
    ]
    court.now_ms += day
    await court.block()
    assert await court.degrees("acc-2") == []
    assert await court.state() is AccountState.ACTIVE, "closing is never automatic"
    records = await court.all()
    assert [(each.degree, each.state, each.automatic) for each in records] == [
        (WARN, SanctionState.IN_FORCE, True),
        (RESTRICT, SanctionState.ENDED, True),
        (RESTRICT, SanctionState.IN_FORCE, True),
        (SUSPEND, SanctionState.IN_FORCE, True),
        (CLOSE, SanctionState.PROPOSED, False),
    ]
    assert [each.waits for each in records] == [None] * 4 + [Waits.DEGREE]
    await assert_chains_whole(court.store)


async def test_each_act_leaves_a_row_that_names_no_person(court: Court) -> None:
    message_id = await court.block()
    [incident] = await court.sanctions.incidents("t1", "acc-1", "", 10)
    [record] = await court.all()
    [body] = await court.acts()
    assert body == {
        "act": "ImposeSanction",
        "actor": "gateway",
        "reason": "",
        "change": (await court.register.changes(0))[0],
        "tenant_id": "t1",
        "account_id": "acc-1",
        "sanction_id": record.sanction_id,
        "degree": "warn",
        "also": [],
        "days": None,
        "starts_ms": NOW_MS,
        "ends_ms": NOW_MS + 90 * DAY_MS,
        "category": "spam",
        "incident_id": incident.strike.incident_id,
        "message_id": message_id,
        "automatic": True,
        "why": "ladder",
        "waits": None,
        "policy_version": court.policy().version,
    }
    history = await court.registrar.history("t1", "account:acc-1", 0, 10)
    assert [row.kind for row in history] == ["registry", "sanction"]


async def test_what_is_no_violation_is_held_against_nobody(court: Court) -> None:
    reasons = blocked("spam").decision.reasons
    nobody = Facts(NOW_MS, None)
    mine = Facts(NOW_MS, Account("acc-1", AccountState.ACTIVE))

    def decided(rule: str, outcome: Outcome, facts: Facts = mine, reasons: tuple[Reason, ...] = reasons) -> Case:
        return Case(facts, (), Decision(outcome, rule, reasons, "v" * 64))

    no_category = (Reason("reviewed", Outcome.BLOCK, "no", "Ann"),)
    for state, case in (
        (MessageState.BLOCKED, decided("registrant_missing", Outcome.BLOCK)),
        (MessageState.BLOCKED, decided("sanction_suspend", Outcome.BLOCK)),
        (MessageState.BLOCKED, decided("news_unauthorised", Outcome.BLOCK)),
        (MessageState.BLOCKED, decided("content_violation", Outcome.BLOCK, nobody)),
        (MessageState.HELD, decided("content_suspected", Outcome.HOLD)),
        (MessageState.HELD, decided("classifier_timeout", Outcome.HOLD)),
        (MessageState.REJECTED, decided("hold_expired", Outcome.BLOCK)),
        (MessageState.REJECTED, decided("person", Outcome.BLOCK, reasons=no_category)),
    ):
        await court.happen("acc-1", state, case)
        court.now_ms += DAY_MS
    await court.happen("nobody", MessageState.BLOCKED, blocked("spam"))
    await court.act(TAKEDOWN, "TakenDown", account_id="acc-1", message_id="m", category="spam")
    await court.act(TAKEDOWN, "TakeDown", account_id="acc-1", message_id="m", category=None)
    await court.act(TAKEDOWN, "TakeDown", message_id=7)
    assert (await court.all(), await court.sanctions.incidents("t1", "acc-1", "", 10)) == ([], [])


async def test_a_persons_rejection_with_a_category_and_a_late_opinion_are_violations(court: Court) -> None:
    for number, (rule, category, actor) in enumerate(
        [("person", "news", "Ann"), ("content_violation", "spam", "gateway")]
    ):
        held = entry(MessageState.HELD, court.now_ms, message_id=f"m-held-{number}", decision_id=f"d-held-{number}")
        held = replace(held, message=replace(held.message, content_hash=f"held-{number}"))
        assert await court.store.commit(court.owner, held) is None
        code = "reviewed" if rule == "person" else rule
        decision = Decision(Outcome.BLOCK, rule, (Reason(code, Outcome.BLOCK, "no", actor, category),), "v" * 64)
        case = Case(Facts(NOW_MS, Account("acc-1", AccountState.ACTIVE)), (), decision)
        moved = change(
            held,
            MessageState.HELD,
            MessageState.REJECTED,
            court.now_ms,
            actor=actor,
            decision_id=f"d-rejected-{number}",
            case=case,
        )
        assert await court.store.move(court.owner, moved)
        await court.follow()
        court.now_ms += DAY_MS
    found = [each.strike for each in await court.sanctions.incidents("t1", "acc-1", "", 10)]
    assert [(each.happening, each.category) for each in found] == [("rejected", "news"), ("blocked", "spam")]
    assert await court.degrees() == [WARN, RESTRICT]


async def test_the_gravest_category_of_a_message_counts(court: Court) -> None:
    await court.happen("acc-1", MessageState.BLOCKED, blocked("spam", "terrorism", "hate"))
    assert await court.degrees() == [SUSPEND, RENEWAL]


async def test_a_takedown_is_a_violation_once_and_its_content_is_found_by_its_message(court: Court) -> None:
    published = await court.happen("acc-1", MessageState.PUBLISHED, blocked("spam", rule="none"), content="same")
    await court.take_down("acc-1", published, "spam")
    court.now_ms += DAY_MS
    await court.block(content="same")
    await court.take_down("acc-1", published, "spam", content_hash="same")
    assert [each.strike.content_hash for each in await court.sanctions.incidents("t1", "acc-1", "", 10)] == ["same"]
    assert await court.degrees() == [WARN]
    await court.take_down("acc-1", published, "terrorism", content_hash="same")
    assert await court.degrees() == [WARN, SUSPEND, RENEWAL], "it turned out to be graver"


async def test_a_burst_is_one_incident_and_does_not_fill_the_table(court: Court) -> None:
    for _ in range(40):
        await court.block(follow=False)
        court.now_ms += 1000
    await court.follow()
    assert await court.degrees() == [WARN]
    assert len(await court.sanctions.incidents("t1", "acc-1", "", 100)) == 20


async def test_what_has_decayed_is_forgotten_and_the_same_content_counts_anew(court: Court) -> None:
    await court.block(content="same")
    court.now_ms += 90 * DAY_MS
    assert (await court.sanctions.rung("t1", "acc-1", court.now_ms)).points == 0
    await court.block(content="same")
    assert await court.degrees() == [WARN]
    assert [each.state for each in await court.all()] == [SanctionState.ENDED, SanctionState.IN_FORCE]
    account = await court.register.account("t1", "acc-1")
    assert account is not None
    assert len(account.sanctions) == 1, "what is over is not carried along"


async def test_a_ladder_without_strikes_is_none(court: Court) -> None:
    court.ladder = Ladder(strikes=())
    await court.block()
    assert await court.all() == []


async def test_of_two_processes_that_follow_at_once_each_knows_the_others_violation(
    court: Court, second: Opened
) -> None:
    store, _ = second
    other = await owner_of(store, "three")
    theirs = SqlFollower(database_of(store).database, [SqlSanctions(database_of(store).database, court.policy)])
    await court.block(follow=False)
    court.now_ms += DAY_MS
    new = entry(MessageState.BLOCKED, court.now_ms, message_id="m-there", decision_id="d-there", case=blocked("spam"))
    assert await store.commit(other, new) is None
    await court.at_once(court.follower.follow(court.owner.slot, court.now_ms), theirs.follow(other.slot, court.now_ms))
    assert sorted(await court.degrees()) == [RESTRICT, WARN]


async def test_a_transaction_that_fails_leaves_nothing_and_is_done_again_once(court: Court) -> None:
    class Failing:
        failures = 1

        async def write(self, *_given: object) -> None:
            if self.failures:
                self.failures -= 1
                raise StoreUnavailable("as asked")

    follower = SqlFollower(court.store.database, [court.sanctions, Failing()])
    await court.block(follow=False)
    with pytest.raises(StoreUnavailable):
        await follower.follow(court.owner.slot, court.now_ms)
    assert (await court.all(), await court.degrees()) == ([], [])
    for _ in range(3):
        await follower.follow(court.owner.slot, court.now_ms)
    assert await court.degrees() == [WARN]
    assert len(await court.acts()) == 1


# -- the breaker


async def test_beyond_the_daily_quota_sanctions_are_only_proposed(court: Court) -> None:
    court.ladder = Ladder(daily_quota=2)
    for account_id, stopped in (("acc-1", 0), ("acc-2", 0), ("acc-3", 1)):
        assert await court.sanctions.stopped(court.now_ms) == stopped
        await court.block(account_id)
    assert await court.degrees("acc-3") == []
    [proposed] = await court.all("acc-3")
    assert (proposed.state, proposed.waits) == (SanctionState.PROPOSED, Waits.QUOTA)
    assert (await court.sanctions.stopped(court.now_ms), await court.sanctions.waiting()) == (1, 1)
    agreed = await court.sanctions.agree("t1", proposed.sanction_id, ANN, court.now_ms)
    assert isinstance(agreed, SanctionRecord)
    assert (await court.degrees("acc-3"), agreed.automatic) == ([WARN], False)
    court.now_ms += DAY_MS
    assert await court.sanctions.stopped(court.now_ms) == 0
    await court.block("acc-3")
    assert await court.degrees("acc-3") == [WARN, RESTRICT]


async def test_with_a_quota_of_nothing_everything_is_proposed_and_no_breaker_is_open(court: Court) -> None:
    court.ladder = Ladder(daily_quota=0)
    await court.block()
    assert [each.state for each in await court.all()] == [SanctionState.PROPOSED]
    assert await court.sanctions.stopped(court.now_ms) == 0


# -- what is taken back


async def test_a_reversal_restores_the_state_before(court: Court) -> None:
    await court.block()
    court.now_ms += DAY_MS
    before = await court.seen()
    wrong = await court.block()
    court.now_ms += DAY_MS
    assert await court.degrees() == [WARN, RESTRICT]
    await court.reverse(message_id=wrong)
    assert await court.seen() == before
    await court.reverse(message_id=wrong)
    assert await court.seen() == before
    [lifted] = [body for body in await court.acts() if body["act"] == "LiftSanction"]
    assert (lifted["actor"], lifted["why"], lifted["message_id"]) == ("Rita", "appeal", wrong)
    assert [each.removed_ms for each in await court.sanctions.incidents("t1", "acc-1", "", 9)] == [None, court.now_ms]
    court.now_ms += DAY_MS
    await court.block()
    assert (await court.degrees())[-1] is RESTRICT
    assert (await court.seen())[-1][2] == court.now_ms + 3 * DAY_MS, "as the second, not the third"


async def test_an_appeal_against_a_sanction_takes_back_what_it_came_of(court: Court) -> None:
    await court.daily("spam", "spam")
    records = await court.all()
    await court.reverse(sanction_id=records[1].sanction_id)
    assert await court.degrees() == [WARN]
    assert (await court.sanctions.rung("t1", "acc-1", court.now_ms)).points == 1


async def test_later_sanctions_become_what_they_would_have_been(court: Court) -> None:
    first, *_ = await court.daily("spam", "spam", "spam")
    await court.reverse(message_id=first)
    assert await court.seen() == [
        (WARN, NOW_MS + DAY_MS, NOW_MS + 91 * DAY_MS),
        (RESTRICT, NOW_MS + 2 * DAY_MS, NOW_MS + 5 * DAY_MS),
    ]
    assert {each.why for each in await court.all() if each.state is SanctionState.IN_FORCE} == {Why.APPEAL}
    assert len([each for each in await court.all() if each.automatic]) == 3, "the quota counts what was imposed"


async def test_the_rest_of_a_burst_still_counts_when_its_first_message_was_none(court: Court) -> None:
    first = await court.block()
    court.now_ms += 1000
    await court.block()
    await court.reverse(message_id=first)
    assert await court.seen() == [(WARN, NOW_MS + 1000, NOW_MS + 1000 + 90 * DAY_MS)]


async def test_content_that_was_found_harmless_is_not_held_against_the_account_again(court: Court) -> None:
    wrong = await court.block(content="same")
    court.now_ms += DAY_MS
    await court.reverse(message_id=wrong)
    await court.block(content="same")
    assert (await court.degrees(), await court.sanctions.waiting()) == ([], 0)
    await court.block("acc-2", content="same")
    assert await court.degrees("acc-2") == [WARN], "what another account meant by it is another matter"


async def test_a_reversal_withdraws_a_proposal_and_reopens_a_closed_account(court: Court) -> None:
    *_, last = await court.daily(*["spam"] * 5)
    await court.reverse(message_id=last)
    assert await court.sanctions.waiting() == 0
    last = await court.block()
    [proposed] = await court.sanctions.page("t1", "", 10, court.now_ms, SanctionState.PROPOSED)
    for by in (ANN, BEN):
        assert isinstance(await court.sanctions.agree("t1", proposed.sanction_id, by, court.now_ms), SanctionRecord)
    assert await court.state() is AccountState.CLOSED
    await court.reverse(message_id=last)
    assert await court.state() is AccountState.ACTIVE
    assert CLOSE not in await court.degrees()
    assert await court.registrar.barred_until("t1", "person-1", court.now_ms) is None


async def test_what_a_person_imposed_is_lifted_by_an_appeal_against_it_and_by_no_other(court: Court) -> None:
    message_id = await court.block()
    mine = await court.sanctions.impose("t1", Order("acc-1", SUSPEND, 9), ANN, court.now_ms)
    assert isinstance(mine, SanctionRecord)
    await court.reverse(message_id=message_id)
    assert await court.degrees() == [SUSPEND]
    await court.reverse("acc-2", sanction_id=mine.sanction_id)
    assert await court.degrees() == [SUSPEND], "the appeal names another account"
    await court.reverse(sanction_id=mine.sanction_id)
    assert await court.degrees() == []


async def test_what_is_restored_was_no_violation_and_an_appeal_upheld_changes_nothing(court: Court) -> None:
    published = await court.happen("acc-1", MessageState.PUBLISHED, blocked("spam", rule="none"))
    await court.take_down("acc-1", published, "hate")
    await court.act("appeal", "DecideAppeal", account_id="acc-1", message_id=published, outcome="upheld")
    assert await court.degrees() == [WARN]
    await court.act(TAKEDOWN, "Restore", account_id="acc-1", message_id=published)
    assert await court.degrees() == []


async def test_lifting_leaves_the_incident_unless_it_was_a_mistake(court: Court) -> None:
    await court.daily("spam", "spam")
    one, two = await court.all()
    await court.sanctions.lift("t1", one.sanction_id, ANN, court.now_ms)
    assert (await court.degrees(), (await court.sanctions.rung("t1", "acc-1", court.now_ms)).points) == ([RESTRICT], 2)
    await court.sanctions.lift("t1", two.sanction_id, ANN, court.now_ms, mistaken=True)
    assert (await court.degrees(), (await court.sanctions.rung("t1", "acc-1", court.now_ms)).points) == ([], 1)
