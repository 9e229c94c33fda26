"""The queue of held messages, and the follower that fills it: on each database."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql import QueuePart, SqlFollower, SqlQueue
from gateway.adapters.sql.history import record
from gateway.core.audit import ADMINISTRATORS, TAKEDOWN, act_body, subject
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.holds import Holds
from gateway.core.model import MessageState, Outcome
from gateway.core.queue import Entry, Resolution, Unresolved
from gateway.core.records import Entry as NewMessage
from gateway.core.records import Owner
from gateway.core.registration import By
from gateway.ports import Store, StoreUnavailable
from tests.contract.keeping import ON_DATABASES, database_of, registrar_of
from tests.contract.samples import (
    FORWARDING,
    HELD,
    PUBLISHED,
    REJECTED,
    Opened,
    assert_chains_whole,
    case,
    change,
    entry,
    owner_of,
)

pytestmark = ON_DATABASES

RULES = Holds(hours={}, other_hours=1, claim_minutes=1)
HOUR_MS, MINUTE_MS = 3_600_000, 60_000
HOLD = case(outcome=Outcome.HOLD)


class Watching:
    """A part that remembers what it was given, and fails as often as it is told to."""

    def __init__(self) -> None:
        self.seen: list[Happened] = []
        self.failures = 0

    async def write(self, _connection: AsyncConnection, happened: Sequence[Happened], _now_ms: int) -> None:
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("as asked")
        self.seen += happened


@dataclass
class Office:
    """A store with one process, its queue and its follower."""

    store: Store
    owner: Owner
    queue: SqlQueue
    follower: SqlFollower
    watching: Watching

    async def hold(self, at_ms: int = 1000, tenant_id: str = "t1") -> str:
        """Hold a message, and let its aftermath be written."""
        new = entry(HELD, at_ms, tenant_id, case=HOLD)
        assert await self.store.commit(self.owner, new) is None
        await self.follow()
        return new.message_id

    async def follow(self) -> None:
        """Write all aftermath that there is."""
        for chain in (self.owner.slot, ADMINISTRATORS):
            while await self.follower.follow(chain, 5000):
                pass

    async def waiting(self, tenant_id: str | None = None) -> list[str]:
        """The ids of the whole queue, in order."""
        return [one.message_id for one in await self.queue.page(tenant_id, None, 100)]


@pytest.fixture
async def office(opened: Opened) -> Office:
    store, _ = opened
    return await _office(store, "one")


async def _office(store: Store, holder: str) -> Office:
    database, watching = database_of(store).database, Watching()
    follower = SqlFollower(database, [QueuePart(database, lambda: RULES), watching])
    return Office(store, await owner_of(store, holder), SqlQueue(database), follower, watching)


def says(actor: str, outcome: Outcome = Outcome.ALLOW, at_ms: int = 2000) -> Resolution:
    return Resolution(actor, outcome, "other", "looked at it", at_ms)


async def test_held_messages_come_in_the_order_in_which_they_are_due_and_in_pages(office: Office) -> None:
    late, soon = await office.hold(2000), await office.hold(1000)
    theirs = await office.hold(1500, "t2")
    assert await office.waiting() == [soon, theirs, late]
    assert await office.waiting("t1") == [soon, late]
    first = (await office.queue.page("t1", None, 1))[0]
    assert first == Entry(soon, "t1", "acc-1", "spam", 1000 + HOUR_MS)
    rest = await office.queue.page("t1", (first.due_ms, first.message_id), 5)
    assert [one.message_id for one in rest] == [late]
    assert await office.queue.count("t1", 1001 + HOUR_MS) == (2, 1, 0)
    assert await office.queue.count("t1", 1001 + HOUR_MS, 2) == (2, 1, 0)
    assert await office.queue.count("t1", 1001 + HOUR_MS, 0) == (1, 1, 0)  # what is due first
    assert await office.queue.page("t1", None, 5, category="hate") == []
    assert len(await office.queue.page("t1", None, 5, category="spam", escalated=False)) == 2


async def test_a_message_that_is_not_held_any_more_leaves_the_queue(office: Office) -> None:
    new = entry(HELD, case=HOLD)
    await office.store.commit(office.owner, new)
    await office.follow()
    assert await office.waiting() == [new.message_id]
    decided = change(new, HELD, REJECTED, decision_id="d-2", case=case(outcome=Outcome.BLOCK))
    assert await office.store.move(office.owner, decided)
    await office.follow()
    assert await office.waiting() == []


async def test_one_that_was_released_in_a_chain_that_is_read_sooner_does_not_come(office: Office) -> None:
    new = entry(HELD, case=HOLD)
    await office.store.commit(office.owner, new)
    decided = change(new, HELD, REJECTED, decision_id="d-3", case=case(outcome=Outcome.BLOCK), message=None)
    assert await office.store.move(Owner(ADMINISTRATORS, 0), decided)
    assert not await office.follower.follow(ADMINISTRATORS, 5000)
    assert not await office.follower.follow(office.owner.slot, 5000)
    assert await office.waiting() == []


async def test_an_entry_that_came_as_its_hold_ended_is_taken_out(office: Office) -> None:
    held = await office.hold()
    late = entry(HELD, 1, case=HOLD)
    await office.store.commit(office.owner, late)
    assert await office.store.move(office.owner, change(late, HELD, REJECTED))
    await office.follow()
    await office.queue.enter(Entry(late.message_id, "t1", "acc-1", "", 1))  # another process began before it ended
    assert await office.waiting() == [late.message_id, held]
    assert [await office.queue.tidy(10), await office.queue.tidy(10)] == [1, 0]
    assert await office.waiting() == [held]


async def test_a_step_without_a_decision_changes_nothing_and_holds_up_nobody(office: Office) -> None:
    message_id = await office.hold()
    database = database_of(office.store).database
    [step] = [each for each in office.watching.seen if isinstance(each, MessageStep)]
    async with database.writing("test") as connection:
        await QueuePart(database, lambda: RULES).write(connection, [replace(step, case=None)], 5000)
    assert await office.waiting() == [message_id]


async def test_what_was_found_anew_keeps_what_people_did(office: Office) -> None:
    new = entry(HELD, case=HOLD)
    await office.store.commit(office.owner, new)
    await office.follow()
    await office.queue.claim(new.message_id, None, "Ann", RULES, 5000)
    again = change(new, HELD, HELD, decision_id="d-4", case=HOLD)
    assert await office.store.move(office.owner, again)
    await office.follow()
    found = await office.queue.entry(new.message_id, "t1")
    assert found is not None
    assert found.claimed_by == "Ann"


async def test_followers_are_told_what_happened_and_not_what_was_allowed(office: Office) -> None:
    allowed, blocked = entry(), entry(MessageState.BLOCKED, case=case(outcome=Outcome.BLOCK))
    for new in (allowed, blocked):
        await office.store.commit(office.owner, new)
    assert await office.store.move(office.owner, change(allowed, FORWARDING, PUBLISHED))
    database = database_of(office.store).database
    body = act_body(By("Ann", "asked"), 0, "t1", "TakeDown", message_id=allowed.message_id)
    async with database.writing("test") as connection:
        await record(connection, "t1", body, 3000, kind=TAKEDOWN)
    await office.store.append_audit("registry", act_body(By("Ann"), 0, "t1", "Other"), 3000)
    await office.follow()
    step, act = office.watching.seen
    assert step == MessageStep(
        1000,
        blocked.message_id,
        None,
        MessageState.BLOCKED,
        "gateway",
        "",
        blocked.message,
        1000,
        blocked.decision_id,
        blocked.case,
    )
    assert act == Act(3000, TAKEDOWN, "TakeDown", "Ann", "t1", orjson.loads(body))


async def test_what_could_not_be_written_is_written_later_and_once(office: Office) -> None:
    office.watching.failures = 1
    new = entry(HELD, case=HOLD)
    await office.store.commit(office.owner, new)
    with pytest.raises(StoreUnavailable):
        await office.follow()
    assert (await office.waiting(), office.watching.seen) == ([], [])
    await office.follow()
    await office.follow()
    assert await office.waiting() == [new.message_id]
    assert len(office.watching.seen) == 1


async def test_two_followers_of_a_chain_tell_each_row_once(opened: Opened, second: Opened) -> None:
    one, two = await _office(opened[0], "one"), await _office(second[0], "two")
    held: list[NewMessage] = [entry(HELD, case=HOLD) for _ in range(30)]
    for new in held:
        await one.store.commit(one.owner, new)
    await asyncio.gather(*[office.follower.follow(one.owner.slot, 5000) for office in (one, two) * 3])
    told = [each.message_id for office in (one, two) for each in office.watching.seen if isinstance(each, MessageStep)]
    assert sorted(told) == sorted(new.message_id for new in held)
    assert len(await one.waiting()) == 30


async def test_more_rows_than_one_transaction_takes_are_told_in_order(office: Office) -> None:
    held = [entry(HELD, case=HOLD) for _ in range(450)]
    await asyncio.gather(*[office.store.commit(office.owner, new) for new in held])
    assert await office.follower.follow(office.owner.slot, 5000)
    await office.follow()
    told = [each.message_id for each in office.watching.seen if isinstance(each, MessageStep)]
    assert sorted(told) == [new.message_id for new in held]
    assert len(set(told)) == 450


async def test_long_messages_are_told_a_few_at_a_time(opened: Opened) -> None:
    one = await _office(opened[0], "one")
    follower = SqlFollower(database_of(one.store).database, [one.watching], characters=1000)
    held: list[NewMessage] = []
    for number, length in enumerate((300, 300, 300, 5000, 10)):
        new = entry(HELD, case=HOLD)
        held.append(replace(new, message=replace(new.message, texts=(str(number) * length,))))
        await one.store.commit(one.owner, held[-1])
    told: list[int] = []
    while True:
        more = await follower.follow(one.owner.slot, 5000)
        told.append(len(one.watching.seen) - sum(told))
        if not more:
            break
    assert told == [2, 1, 1, 1]
    assert [each.message_id for each in one.watching.seen if isinstance(each, MessageStep)] == [
        new.message_id for new in held
    ]


async def test_of_two_who_claim_or_decide_at_once_one_wins(opened: Opened, second: Opened) -> None:
    one = await _office(opened[0], "one")
    there = SqlQueue(database_of(second[0]).database)
    message_id = await one.hold()
    claims = await asyncio.gather(
        one.queue.claim(message_id, "t1", "Ann", RULES, 2000), there.claim(message_id, "t1", "Bob", RULES, 2000)
    )
    assert sorted([isinstance(each, Entry) for each in claims]) == [False, True]
    other = await one.hold()
    decisions = await asyncio.gather(
        one.queue.resolve(other, "t1", says("Ann"), RULES, 0),
        there.resolve(other, "t1", says("Bob", Outcome.BLOCK), RULES, 0),
    )
    assert sorted([each if isinstance(each, Unresolved) else "" for each in decisions]) == ["", Unresolved.DECIDED]


@pytest.mark.parametrize("undo_ms", [0, 500])
async def test_what_is_not_held_any_more_cannot_be_decided_on_and_leaves_the_queue(
    office: Office, undo_ms: int
) -> None:
    other = await office.hold(2000, "t2")
    new = entry(HELD, case=HOLD)
    await office.store.commit(office.owner, new)
    await office.follow()
    decided = change(new, HELD, REJECTED, decision_id=f"d-5-{undo_ms}", case=case(outcome=Outcome.BLOCK))
    assert await office.store.move(office.owner, decided)
    for tenant_id, left in (("t2", [new.message_id, other]), ("t1", [other])):  # the first sees nothing of it
        told = await office.queue.resolve(new.message_id, tenant_id, says("Ann"), RULES, undo_ms)
        assert (told, await office.waiting()) == (Unresolved.NOT_HELD, left)
    rows = await registrar_of(office.store).history("t1", subject("message", new.message_id), 0, 10)
    assert "DecideHold" not in [orjson.loads(row.body).get("act") for row in rows]


async def test_the_next_one_is_nobody_else_s(office: Office) -> None:
    first, then = await office.hold(1000), await office.hold(2000)
    await office.hold(500, "t2")
    mine = await office.queue.claim_next("t1", "Ann", RULES, 3000)
    theirs = await office.queue.claim_next("t1", "Bob", RULES, 3000)
    assert mine is not None
    assert theirs is not None
    assert (mine.message_id, theirs.message_id) == (first, then)
    assert await office.queue.claim_next("t1", "Cem", RULES, 3000) is None
    again = await office.queue.claim_next("t1", "Cem", RULES, 3000 + MINUTE_MS)
    assert again is not None
    assert again.message_id == first


async def test_the_next_one_is_of_the_part_that_is_gone_through(office: Office) -> None:
    first, then, other = [await office.hold(due_ms) for due_ms in (1000, 2000, 3000)]
    for message_id, category in ((first, "spam"), (then, "fraud"), (other, "fraud")):
        await office.queue.drop(message_id)
        await office.queue.enter(Entry(message_id, "t1", "acc-1", category, 1))
    assert isinstance(await office.queue.escalate(other, "t1", "Bob", "hm", 3000), Entry)
    taken = [
        await office.queue.claim_next("t1", "Ann", RULES, 3000, category, escalated)
        for category, escalated in (("hate", None), ("fraud", True), ("fraud", True), ("fraud", False), (None, None))
    ]
    assert [one and one.message_id for one in taken] == [None, other, None, then, first]


async def test_the_next_one_is_not_what_this_person_escalated_or_agreed_to_first(office: Office) -> None:
    escalated, first = await office.hold(1000), await office.hold(2000)
    assert isinstance(await office.queue.escalate(escalated, "t1", "Ann", "hm", 3000), Entry)
    await office.queue.drop(first)
    await office.queue.enter(Entry(first, "t1", "acc-1", "spam", 1, eyes=2))
    assert isinstance(await office.queue.resolve(first, "t1", says("Ann"), RULES, 0), Entry)
    assert await office.queue.claim_next("t1", "Ann", RULES, 3000) is None
    for expected in (first, escalated):
        found = await office.queue.claim_next("t1", "Bob", RULES, 3000)
        assert found is not None
        assert found.message_id == expected


async def test_another_tenant_s_message_is_not_there(office: Office) -> None:
    message_id = await office.hold(1000, "t2")
    assert await office.queue.entry(message_id, "t1") is None
    for result in (
        await office.queue.claim(message_id, "t1", "Ann", RULES, 2000),
        await office.queue.let_go(message_id, "t1", "Ann", 2000),
        await office.queue.escalate(message_id, "t1", "Ann", "hm", 2000),
        await office.queue.resolve(message_id, "t1", says("Ann"), RULES, 0),
        await office.queue.undo(message_id, "t1", "Ann", 2000),
    ):
        assert result is Unresolved.NOT_HELD
    assert await office.queue.claim_next("t1", "Ann", RULES, 2000) is None


async def test_a_decision_is_carried_out_when_its_time_has_come_by_one_process(opened: Opened, second: Opened) -> None:
    one = await _office(opened[0], "one")
    there = SqlQueue(database_of(second[0]).database)
    message_id = await one.hold()
    await one.queue.resolve(message_id, "t1", says("Ann"), RULES, 500)
    assert await one.queue.take_due(2499, 100, 10) == []
    taken = await asyncio.gather(one.queue.take_due(2500, 100, 10), there.take_due(2500, 100, 10))
    assert sorted([len(each) for each in taken]) == [0, 1]
    assert await one.queue.undo(message_id, "t1", "Ann", 2500) is Unresolved.NOT_DECIDED
    assert await there.take_due(2599, 100, 10) == []
    [again] = await there.take_due(2600, 100, 10)  # whoever took it is gone
    await there.could_not(message_id, says("Bob"), "another's")
    await there.could_not(message_id, says("Ann"), "the account is closed")
    found = await one.queue.entry(message_id, "t1")
    assert again.waiting == says("Ann")
    assert found is not None
    assert (found.waiting, found.problem) == (None, "the account is closed")


async def test_what_people_decide_is_in_the_message_s_history(office: Office) -> None:
    message_id = await office.hold()
    await office.queue.claim(message_id, "t1", "Ann", RULES, 2000)
    await office.queue.resolve(message_id, "t1", says("Ann", Outcome.BLOCK), RULES, 500)
    await office.queue.undo(message_id, "t1", "Ann", 2100)
    await office.queue.escalate(message_id, "t1", "Ann", "ask somebody", 2200)
    rows = await registrar_of(office.store).history("t1", subject("message", message_id), 0, 10)
    told = [orjson.loads(row.body) for row in rows]
    assert [(each["act"], each["actor"], each["reason"]) for each in told] == [
        ("DecideHold", "Ann", "looked at it"),
        ("UndoHold", "Ann", ""),
        ("EscalateHold", "Ann", "ask somebody"),
    ]
    assert (told[0]["outcome"], told[0]["code"], told[0]["message_id"]) == ("block", "other", message_id)
    await assert_chains_whole(office.store)
