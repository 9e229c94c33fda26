"""Taking down what was published, on each database: as people ask, as acts are followed, as it is carried out."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
import pytest

from gateway.adapters.sql import SqlFollower, SqlOrders, SqlRegistrar, SqlStore, SqlTakedowns, TakedownPart
from gateway.adapters.sql.history import record
from gateway.core.audit import ADMINISTRATORS, APPEAL, TAKEDOWN, act_body, subject
from gateway.core.model import MessageState
from gateway.core.records import SEALED, Owner, Request, Tenant, UpstreamAnswer
from gateway.core.registration import By
from gateway.core.takedown_problems import Obstacle, TakedownProblem
from gateway.core.takedowns import Takedown, TakedownRefused, TakedownState
from gateway.ports import Order
from tests.contract.keeping import ON_DATABASES, database_of
from tests.contract.samples import FORWARDING, PUBLISHED, Opened, assert_chains_whole, change, entry, owner_of

pytestmark = ON_DATABASES

BY = By("mo", "ticket 7")
UNABLE = TakedownProblem(Obstacle.APP_ANSWERED, {"status": "404"})
LEASE_MS = 60_000
S = TakedownState


class Office:
    """One process: what people ask for, what follows, what is carried out."""

    def __init__(self, store: SqlStore, owner: Owner) -> None:
        database = store.database
        self.store = store
        self.owner = owner
        self.takedowns = SqlTakedowns(database)
        self.orders = SqlOrders(database)
        self.registrar = SqlRegistrar(database)
        self._follower = SqlFollower(database, [TakedownPart(database)])

    async def publish(self, tenant_id: str = "t1", upstream: UpstreamAnswer | None = None) -> str:
        """A published message."""
        new = entry(FORWARDING, tenant_id=tenant_id, request=Request(b"{}", "application/json"))
        await self.store.commit(self.owner, new)
        assert await self.store.move(self.owner, change(new, FORWARDING, PUBLISHED, upstream=upstream))
        return new.message_id

    async def write(self, kind: str, act: str, at_ms: int, message_id: str, **fields: Any) -> None:
        """Somebody else's act."""
        async with self.store.database.writing("test") as connection:
            body = act_body(BY, 0, fields.pop("tenant_id", "t1"), act, message_id=message_id, **fields)
            await record(connection, "t1", body, at_ms, kind=kind)

    async def take_down(self, message_id: str, at_ms: int = 3000, **fields: Any) -> None:
        """A decision on a report, and what follows from it."""
        report: dict[str, Any] = {"account_id": "acc-1", "content_hash": "c" * 64, "category": "fraud"}
        report |= {"source": "report", "report_id": "r-1", "automatic": False}
        await self.write(TAKEDOWN, "TakeDown", at_ms, message_id, **{**report, **fields})
        await self.follow(at_ms)

    async def reverse(self, message_id: str, at_ms: int = 4000, outcome: str = "reversed") -> None:
        """A decision on an appeal, and what follows from it."""
        await self.write(APPEAL, "DecideAppeal", at_ms, message_id, account_id="acc-1", outcome=outcome)
        await self.follow(at_ms)

    async def follow(self, now_ms: int = 5000) -> None:
        while await self._follower.follow(ADMINISTRATORS, now_ms):
            pass

    async def claim(self, now_ms: int) -> list[Order]:
        return await self.orders.claim(now_ms, LEASE_MS, 10)

    async def one(self, now_ms: int) -> Takedown:
        """Take the one that is due."""
        [order] = await self.claim(now_ms)
        return order.takedown

    async def state(self, message_id: str, tenant_id: str = "t1") -> TakedownState | None:
        found = await self.takedowns.of_message(tenant_id, message_id)
        return None if found is None else found.state

    async def acts(self) -> list[str]:
        """The names of all acts about takedowns, oldest first; the chains must be whole."""
        await assert_chains_whole(self.store)
        return [orjson.loads(row.body)["act"] async for row in self.store.audit() if row.kind == TAKEDOWN]


@pytest.fixture
async def office(opened: Opened) -> Office:
    store, register = opened
    await register.put_tenant(
        Tenant("t1", "One", "https://one.example", False, "TOKEN", takedown_url="https://one.example/takedowns"),
        "h1",
        "test",
        0,
    )
    await register.put_tenant(Tenant("t2", "Two", "https://two.example"), "h2", "test", 0)
    return Office(database_of(store), await owner_of(store))


@pytest.fixture
async def other(second: Opened) -> Office:
    """Another process on the same database."""
    store, _ = second
    return Office(database_of(store), await owner_of(store, "two"))


async def test_a_decision_on_a_report_is_carried_out_and_told(office: Office) -> None:
    message_id = await office.publish(upstream=UpstreamAnswer(201, b'{"id": 7}', "application/json", handle='{"h": 1}'))
    await office.take_down(message_id)
    assert await office.state(message_id) is S.DUE
    [order] = await office.claim(3000)
    assert order == Order(
        Takedown(message_id, "t1", "acc-1", "c" * 64, S.DUE, "fraud", "report", "fraud", 1, 3000, 3000),
        listened=False,
        url="https://one.example/takedowns",
        token_env="TOKEN",
        upstream=UpstreamAnswer(201, b'{"id": 7}', "application/json"),
        handle='{"h": 1}',
    )
    await office.orders.done(order.takedown, 3500)
    found = await office.takedowns.of_message("t1", message_id)
    assert found is not None
    assert (found.state, found.at_ms, found.attempts, found.problem) == (S.DONE, 3500, 1, None)
    assert await office.acts() == ["TakeDown", "TakenDown"]
    told = [orjson.loads(row.body) async for row in office.store.audit() if row.kind == TAKEDOWN][-1]
    assert (told["message_id"], told["account_id"], told["attempts"]) == (message_id, "acc-1", 1)
    assert "text" not in orjson.dumps(told).decode()
    assert await office.claim(10_000_000) == []
    history = await office.registrar.history("t1", subject("account", "acc-1"), 0, 10)
    assert orjson.loads(history[-1].body)["act"] == "TakenDown"


@pytest.mark.parametrize("at_hand", [True, False])
async def test_what_removes_it_is_kept_however_the_answer_is_written(office: Office, at_hand: bool) -> None:
    """The batch that knows its rows beforehand is one statement of PostgreSQL; another one finds them out."""
    new = entry(FORWARDING, request=Request(b"sealed", SEALED))
    await office.store.commit(office.owner, new)
    answer = UpstreamAnswer(200, b"", "application/json", handle='{"way":"\u4e00"}')
    message = new.message if at_hand else None
    assert await office.store.move(office.owner, change(new, FORWARDING, PUBLISHED, upstream=answer, message=message))
    await office.take_down(new.message_id)
    [order] = await office.claim(3000)
    assert (order.listened, order.handle) == (True, '{"way":"\u4e00"}')


async def test_one_that_is_due_is_taken_by_one_of_two_processes(office: Office, other: Office) -> None:
    ids = [await office.publish() for _ in range(6)]
    for message_id in ids:
        await office.take_down(message_id)
    claims = await asyncio.gather(*[each.orders.claim(3000, LEASE_MS, 3) for each in (office, other) for _ in range(3)])
    taken = [order.takedown.message_id for claim in claims for order in claim]
    assert len(taken) == len(set(taken))
    rest = [order.takedown.message_id for order in await other.claim(3000)]
    assert sorted(taken + rest) == ids


async def test_one_whose_process_died_before_it_was_recorded_is_sent_again_and_then_never(
    office: Office, other: Office
) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    first = await office.one(3000)  # it is sent, and the process dies
    assert await other.claim(3000 + LEASE_MS - 1) == []
    again = await other.one(3000 + LEASE_MS)
    assert again.attempts == 2
    await other.orders.done(again, 70_000)
    await office.orders.done(first, 70_001)  # not dead, only slow
    assert await other.claim(10_000_000) == []
    assert await office.acts() == ["TakeDown", "TakenDown"]


async def test_an_attempt_that_lasted_too_long_says_nothing_about_the_one_after_it(
    office: Office, other: Office
) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    slow = await office.one(3000)
    again = await other.one(3000 + LEASE_MS)
    await office.orders.put_off(slow, 63_001, UNABLE)
    assert await office.claim(63_001) == []  # the other is still at it
    await office.orders.given_up(slow, UNABLE, 63_002)
    assert await office.state(message_id) is S.DUE
    await other.orders.done(again, 63_003)
    assert await office.acts() == ["TakeDown", "TakenDown"]


async def test_what_is_put_off_is_tried_from_then_on_and_says_why(office: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    await office.orders.put_off(await office.one(3000), 9000, UNABLE)
    assert await office.claim(8999) == []
    second = await office.one(9000)
    assert (second.attempts, second.problem) == (2, UNABLE)
    await office.orders.done(second, 9100)
    found = await office.takedowns.of_message("t1", message_id)
    assert found is not None
    assert found.problem is None


async def test_what_is_given_up_waits_for_a_person_who_may_have_it_tried_again(office: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    await office.orders.given_up(await office.one(3000), UNABLE, 3100)
    [found] = await office.takedowns.takedowns("t1", "", 10, failed=True)
    assert (found.state, found.problem) == (S.FAILED, UNABLE)
    assert await office.orders.waiting() == (0, None)
    again = await office.takedowns.take_down("t1", message_id, "fraud", BY, 5000)
    assert isinstance(again, Takedown)
    assert (again.state, again.attempts, again.problem) == (S.DUE, 0, None)
    await office.follow()
    assert await office.orders.waiting() == (1, 5000)
    await office.orders.done(await office.one(5000), 5100)
    assert await office.acts() == ["TakeDown", "TakedownFailed", "TakeDown", "TakenDown"]


async def test_a_person_asks_directly_and_once(office: Office) -> None:
    message_id = await office.publish()
    asked = [await office.takedowns.take_down("t1", message_id, "hate", BY, 3000) for _ in range(2)]
    assert asked[0] == asked[1]
    await office.follow()
    assert await office.acts() == ["TakeDown"]
    [told] = [orjson.loads(row.body) async for row in office.store.audit() if row.kind == TAKEDOWN]
    assert (told["actor"], told["reason"], told["source"], told["category"]) == ("mo", "ticket 7", "own", "hate")
    assert (told["report_id"], told["automatic"]) == (None, False)
    # It is tried at once, and fails before the act is followed: the act does not begin it anew.
    other_id = await office.publish()
    await office.takedowns.take_down("t1", other_id, "hate", BY, 3000)
    for order in await office.claim(3000):
        await office.orders.given_up(order.takedown, UNABLE, 3000)
    await office.follow()
    assert await office.state(other_id) is S.FAILED
    assert await office.claim(10_000_000) == []


@pytest.mark.parametrize("state", [each for each in MessageState if each.value in ("held", "blocked")])
async def test_what_is_not_public_cannot_be_taken_down(office: Office, state: MessageState) -> None:
    new = entry(state)
    await office.store.commit(office.owner, new)
    refused = await office.takedowns.take_down("t1", new.message_id, "hate", BY, 3000)
    assert refused is TakedownRefused.NOT_PUBLIC
    assert await office.acts() == []
    await office.take_down(new.message_id)  # who decided on a report must learn of it
    found = await office.takedowns.of_message("t1", new.message_id)
    assert found is not None
    assert found.state is S.FAILED
    assert found.problem == TakedownProblem(Obstacle.NOT_PUBLISHED)
    assert await office.acts() == ["TakeDown", "TakedownFailed"]
    assert await office.takedowns.restore("t1", new.message_id, BY, 4000) is TakedownRefused.NOT_TAKEN_DOWN
    await office.reverse(new.message_id)  # nobody is told to put back what readers never saw
    assert await office.state(new.message_id) is S.FAILED
    assert await office.claim(10_000_000) == []


async def test_what_is_about_to_be_published_is_taken_down_once_it_is(office: Office) -> None:
    new = entry(FORWARDING)
    await office.store.commit(office.owner, new)
    await office.take_down(new.message_id)
    assert await office.state(new.message_id) is S.DUE
    assert await office.claim(3000) == []  # there is nothing yet, and the app would say so
    assert await office.store.move(office.owner, change(new, FORWARDING, PUBLISHED))
    assert (await office.one(3000)).message_id == new.message_id
    assert await office.acts() == ["TakeDown"]


async def test_an_appeal_while_it_is_being_published_cancels_it(office: Office) -> None:
    new = entry(FORWARDING)
    await office.store.commit(office.owner, new)
    await office.take_down(new.message_id)
    await office.reverse(new.message_id)
    assert await office.state(new.message_id) is S.CANCELLED
    assert await office.store.move(office.owner, change(new, FORWARDING, PUBLISHED))
    assert await office.claim(10_000_000) == []


async def test_what_may_be_public_can_be_taken_down(office: Office) -> None:
    unknown, decided = entry(FORWARDING), entry(MessageState.DECIDED)
    for new in (unknown, decided):
        await office.store.commit(office.owner, new)
    assert await office.store.move(office.owner, change(unknown, FORWARDING, MessageState.UNKNOWN))
    for new in (unknown, decided):
        assert isinstance(await office.takedowns.take_down("t1", new.message_id, "hate", BY, 3000), Takedown)
    orders = await office.claim(3000)
    assert [order.upstream for order in orders] == [None, None]


async def test_nothing_crosses_tenants(office: Office) -> None:
    theirs = await office.publish("t2")
    assert await office.takedowns.take_down("t1", theirs, "hate", BY, 3000) is TakedownRefused.MESSAGE_UNKNOWN
    assert await office.takedowns.restore("t1", theirs, BY, 3000) is TakedownRefused.MESSAGE_UNKNOWN
    await office.take_down(theirs)  # an act of another tenant
    assert await office.state(theirs, "t2") is None
    assert await office.acts() == ["TakeDown", "TakedownFailed"]
    assert isinstance(await office.takedowns.take_down("t2", theirs, "hate", BY, 6000), Takedown)
    assert await office.state(theirs, "t1") is None
    assert await office.takedowns.takedowns("t1", "", 10) == []
    assert [each.message_id for each in await office.takedowns.takedowns(None, "", 10)] == [theirs]
    await office.reverse(theirs, 7000)
    assert await office.state(theirs, "t2") is S.DUE


async def test_a_message_that_there_is_not_is_told_and_stops_nothing(office: Office) -> None:
    await office.take_down("nowhere")
    await office.take_down("", category=None, source=None)
    message_id = await office.publish()
    await office.take_down(message_id, 3001)
    assert await office.state(message_id) is S.DUE
    assert await office.acts() == ["TakeDown", "TakedownFailed", "TakeDown", "TakedownFailed", "TakeDown"]


async def test_an_appeal_puts_back_what_was_taken_down(office: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    await office.orders.done(await office.one(3000), 3100)
    await office.reverse(message_id, outcome="upheld")
    assert await office.state(message_id) is S.DONE
    await office.reverse(message_id, 4500)
    order = await office.one(4500)
    assert (order.state, order.reason, order.source, order.category) == (S.RESTORE_DUE, "appeal", "appeal", "fraud")
    await office.orders.done(order, 4600)
    assert await office.state(message_id) is S.RESTORED
    assert await office.acts() == ["TakeDown", "TakenDown", "Restored"]


async def test_an_appeal_before_anybody_was_told_cancels_it(office: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    await office.reverse(message_id)
    assert await office.state(message_id) is S.CANCELLED
    assert await office.claim(10_000_000) == []
    assert await office.acts() == ["TakeDown", "Restored"]


async def test_an_appeal_during_an_attempt_is_carried_out_after_it(office: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    sending = await office.one(3000)
    await office.reverse(message_id)
    assert await office.claim(4000) == []  # else the two might overtake one another
    await office.orders.done(sending, 5000)
    back = await office.one(5000)
    assert (back.state, back.attempts) == (S.RESTORE_DUE, 1)
    await office.orders.done(back, 5100)
    assert await office.state(message_id) is S.RESTORED
    assert await office.acts() == ["TakeDown", "Restored"]


async def test_an_appeal_during_an_attempt_that_never_ends_waits_for_its_lease(office: Office, other: Office) -> None:
    message_id = await office.publish()
    await office.take_down(message_id)
    await office.one(3000)
    await other.reverse(message_id)
    assert await other.claim(3000 + LEASE_MS - 1) == []
    assert (await other.one(3000 + LEASE_MS)).state is S.RESTORE_DUE


async def test_an_appeal_about_something_else_changes_nothing(office: Office) -> None:
    message_id = await office.publish()
    await office.reverse(message_id)
    assert await office.state(message_id) is None
    assert await office.acts() == []


async def test_a_person_puts_back_and_takes_down_again(office: Office) -> None:
    message_id = await office.publish()
    assert await office.takedowns.restore("t1", message_id, BY, 3000) is TakedownRefused.NOT_TAKEN_DOWN
    await office.takedowns.take_down("t1", message_id, "hate", BY, 3000)
    await office.orders.done(await office.one(3000), 3000)
    for _ in range(2):  # the second time it changes nothing
        asked = await office.takedowns.restore("t1", message_id, BY, 3000)
        assert isinstance(asked, Takedown)
        assert asked.state is S.RESTORE_DUE
    await office.orders.done(await office.one(3001), 3001)
    await office.follow()  # every act is older than what stands now
    assert await office.state(message_id) is S.RESTORED
    await office.takedowns.take_down("t1", message_id, "hate", BY, 3000)
    await office.follow()
    assert await office.state(message_id) is S.DUE
    assert await office.acts() == ["TakeDown", "TakenDown", "Restore", "Restored", "TakeDown"]


async def test_what_could_not_be_put_back_waits_for_a_person(office: Office) -> None:
    message_id = await office.publish()
    await office.takedowns.take_down("t1", message_id, "hate", BY, 3000)
    await office.orders.done(await office.one(3000), 3000)
    await office.reverse(message_id)
    await office.orders.given_up(await office.one(4000), TakedownProblem(Obstacle.NOT_RESTORABLE), 4100)
    [found] = await office.takedowns.takedowns("t1", "", 10, failed=True)
    assert found.state is S.RESTORE_FAILED
    assert (await office.acts())[-1] == "RestoreFailed"


async def test_what_is_not_done_is_listed_and_counted_oldest_wish_first(office: Office) -> None:
    ids = [await office.publish() for _ in range(4)]
    theirs = await office.publish("t2")
    for number, message_id in enumerate(reversed(ids)):
        await office.takedowns.take_down("t1", message_id, "hate", BY, 3000 + number)
    await office.orders.given_up(await office.one(3000), UNABLE, 3000)
    await office.orders.done(await office.one(3001), 3001)
    await office.takedowns.take_down("t2", theirs, "hate", BY, 3500)

    async def listed(tenant_id: str | None, failed: bool | None = None, limit: int = 10) -> list[str]:
        found = await office.takedowns.unfinished(tenant_id, (0, ""), limit, failed)
        return [each.message_id for each in found]

    assert await listed("t1") == [ids[3], ids[1], ids[0]]
    assert await listed(None) == [ids[3], ids[1], ids[0], theirs]
    assert (await listed(None, True), await listed(None, False)) == ([ids[3]], [ids[1], ids[0], theirs])
    assert await listed("t1", limit=2) == [ids[3], ids[1]]
    rest = await office.takedowns.unfinished("t1", (3002, ids[1]), 10)
    assert [each.message_id for each in rest] == [ids[0]]
    assert [await office.takedowns.count(tenant) for tenant in (None, "t1", "t2", "t3")] == [
        (3, 1),
        (2, 1),
        (1, 0),
        (0, 0),
    ]


async def test_lists_come_in_pages(office: Office) -> None:
    ids = [await office.publish() for _ in range(3)]
    for message_id in reversed(ids):
        await office.take_down(message_id)
    first = await office.takedowns.takedowns("t1", "", 2)
    assert [each.message_id for each in first] == ids[:2]
    rest = await office.takedowns.takedowns("t1", first[-1].message_id, 2)
    assert [each.message_id for each in rest] == ids[2:]
    assert await office.takedowns.takedowns("t1", "", 10, failed=True) == []


async def test_people_and_followers_at_once_do_not_block_one_another(office: Office, other: Office) -> None:
    ids = [await office.publish() for _ in range(4)]
    for message_id in ids:
        report = {"account_id": "acc-1", "content_hash": "c" * 64, "category": "fraud", "source": "report"}
        await office.write(TAKEDOWN, "TakeDown", 3000, message_id, **report, report_id="r", automatic=False)
    asked = [other.takedowns.take_down("t1", message_id, "hate", BY, 3500) for message_id in reversed(ids)]
    await asyncio.gather(office.follow(), other.follow(), *asked)
    assert [await office.state(message_id) for message_id in ids] == [S.DUE] * 4
    await assert_chains_whole(office.store)
