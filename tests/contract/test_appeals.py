"""Appeals in a database: made once, decided once by somebody else, and the message published once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy import select, text

from gateway.adapters.key_file import new_keys
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql import open_store
from gateway.adapters.sql.appeals import decided_page
from gateway.adapters.sql.engine import create_engine
from gateway.adapters.sql.history import record
from gateway.adapters.sql.sealed import appeals_under, forget_under, kept_under
from gateway.adapters.sql.tables_statements import appeals
from gateway.core.appeals import DAY_MS, Appeal, AppealState, Restored, Unappealable, Undecidable
from gateway.core.audit import APPEAL, REVIEW, SANCTION, TAKEDOWN, act_body, subject
from gateway.core.model import MessageState, Outcome
from gateway.core.records import SEALED, Entry, Request
from gateway.core.registration import By
from gateway.core.statement import Lifted
from gateway.ports import Judged, LeaseLost, Stale
from tests.contract.complaints import BLOCKED, HELD, QUEUED, REJECTED, RULES, Complaints, found
from tests.contract.newsroom import TENANT
from tests.contract.plans import plan_of
from tests.contract.samples import (
    ACCOUNT,
    FORWARDING,
    PUBLISHED,
    RELEASED,
    assert_chains_whole,
    change,
    owner_of,
)

REVERSED, UPHELD = AppealState.REVERSED, AppealState.UPHELD
BOB = By("Bob", "looked at it")


@pytest.fixture(params=[True, False], ids=["sealed", "plain"])
async def place(request: pytest.FixtureRequest, office_url: str, tmp_path: Path) -> AsyncIterator[Complaints]:
    sealer = None
    if request.param:
        new_keys(tmp_path / "keys.json")
        sealer = FileSealer(tmp_path / "keys.json", "appeals")
    async with open_store(office_url, server_time=False) as (store, register):  # the tests say what time it is
        await register.put_tenant(TENANT, "h1", "test", 0)
        await register.put_account("t1", ACCOUNT, "test", 0)
        yield Complaints(store, register, await owner_of(store, now_ms=1_000_000), sealer)


async def appealed(place: Complaints, new: Entry, words: str = "It was a joke: 玩笑") -> Appeal:
    """An appeal against the newest statement about a message."""
    await place.follow()
    made = await place.appealing.make(await place.one(new), words, "zh")
    assert isinstance(made, Appeal), made
    return made


async def rejected(place: Complaints, **fields: object) -> Entry:
    """A message that Ann rejected after a hold."""
    new = await place.commit(HELD, **fields)
    place.clock.now += 1
    await place.move(new, HELD, REJECTED, found(Outcome.BLOCK, rule="person", by="Ann"), "Ann")
    return new


async def decide(
    place: Complaints, appeal: Appeal, outcome: AppealState = REVERSED, by: By = BOB
) -> Appeal | Undecidable:
    return await place.appealing.decide("t1", appeal.appeal_id, outcome, by, "We were wrong.")


async def acts(place: Complaints) -> list[dict[str, object]]:
    rows = [row async for row in place.store.audit() if row.kind == APPEAL]
    return [orjson.loads(row.body) for row in rows]


async def test_an_appeal_is_kept_and_read_back(place: Complaints, office_url: str) -> None:
    new = await place.commit(BLOCKED)
    made = await appealed(place, new)
    assert (made.due_ms, made.message_id, made.sanction_id) == (1_000_000 + 7 * DAY_MS, new.message_id, None)
    kept = await place.appeals.appeal("t1", made.appeal_id)
    assert kept is not None
    assert kept == replace(made, sealed=kept.sealed)
    assert await place.appeals.appeal("t2", made.appeal_id) is None
    assert await place.appeals.against([made.statement_id, "none"]) == {made.statement_id: kept}
    assert await place.appeals.against([]) == {}
    [act] = await acts(place)
    assert (act["act"], act["actor"], act["account_id"]) == ("MakeAppeal", "author", "acc-1")
    assert "joke" not in orjson.dumps(act).decode()
    async with place.store.database.reading("test") as connection:
        [row] = (await connection.execute(select(appeals.c.text, appeals.c.sealed))).all()
    assert (b"joke" in bytes(row.text)) is not row.sealed


async def test_one_appeal_a_statement(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    await appealed(place, new)
    statement = await place.one(new)
    assert await place.appealing.make(statement, "again", "en") is Unappealable.EXISTS
    both = await asyncio.gather(*[place.appealing.make(statement, "at once", "en") for _ in range(2)])
    assert both == [Unappealable.EXISTS] * 2
    assert len(await acts(place)) == 1


async def test_of_two_appeals_at_once_one_is_made(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    await place.follow()
    statement = await place.one(new)
    both = await asyncio.gather(*[place.appealing.make(statement, "at once", "en") for _ in range(2)])
    assert [isinstance(each, Appeal) for each in both].count(True) == 1
    assert Unappealable.EXISTS in both


async def test_what_was_lifted_or_is_long_ago_is_not_appealed_against(place: Complaints) -> None:
    held, old = await place.commit(HELD), await place.commit(BLOCKED)
    await place.move(held, HELD, QUEUED, found(Outcome.ALLOW))
    await place.follow()
    assert await place.appealing.make(await place.one(held), "no", "en") is Unappealable.LIFTED
    place.clock.now += RULES.days * DAY_MS
    assert await place.appealing.make(await place.one(old), "no", "en") is Unappealable.TOO_LATE


@pytest.mark.parametrize("before", [BLOCKED, REJECTED, HELD])
async def test_a_granted_appeal_publishes_the_message_once(place: Complaints, before: MessageState) -> None:
    new = await rejected(place) if before is REJECTED else await place.commit(before)
    appeal = await appealed(place, new)
    place.clock.now += 10

    decided = await decide(place, appeal)

    assert isinstance(decided, Appeal)
    assert (decided.state, decided.restored, decided.decided_by) == (REVERSED, Restored.QUEUED, "Bob")
    assert (decided.note, decided.decided_ms) == ("We were wrong.", place.clock.now)
    assert await place.state(new) is QUEUED
    _, newest = (await place.store.cases(new.message_id))[-1]
    assert (newest.decision.outcome, newest.decision.rule) == (Outcome.ALLOW, "appeal")
    await place.follow()
    assert {each.lifted for each in await place.of(new)} <= {Lifted.REVERSED, Lifted.SUPERSEDED}
    assert (await place.one(new)).lifted is Lifted.REVERSED

    taken = await place.store.claim_queued(place.owner, place.clock.now_ms(), 10)
    assert [(each.message_id, each.request) for each in taken] == [(new.message_id, new.request)]
    assert await place.store.claim_queued(place.owner, place.clock.now_ms(), 10) == []
    assert await decide(place, appeal) is Undecidable.DECIDED
    assert await place.state(new) is FORWARDING
    await place.move(new, FORWARDING, PUBLISHED)
    assert await place.store.claim_queued(place.owner, place.clock.now_ms(), 10) == []
    await assert_chains_whole(place.store)


async def test_a_process_that_dies_after_the_decision_leaves_the_message_to_another(place: Complaints) -> None:
    """Nothing is between decision and state: both are one transaction, and the next process takes it up."""
    new = await place.commit(BLOCKED, idempotent=True)
    await decide(place, await appealed(place, new))
    other = await owner_of(place.store, "two", place.clock.now_ms())
    [taken] = await place.store.claim_queued(place.owner, place.clock.now_ms(), 10)  # and then nothing more
    place.clock.now += 100_000
    await place.store.renew(other, 100_000, place.clock.now_ms())
    await place.store.end_expired(place.clock.now_ms(), 10**9)
    assert await place.store.recover(place.clock.now_ms()) == (1, 0)
    [again] = await place.store.claim_queued(other, place.clock.now_ms(), 10)
    assert (again.message_id, again.request) == (taken.message_id, taken.request)
    with pytest.raises(LeaseLost):  # whatever the first one still has to say of it is not taken
        await place.store.move(place.owner, change(new, FORWARDING, PUBLISHED))
    assert await place.store.move(other, change(new, FORWARDING, PUBLISHED))


async def test_an_app_that_forwards_by_itself_is_told_that_it_may(place: Complaints) -> None:
    new = await place.commit(BLOCKED, forwards=False)
    decided = await decide(place, await appealed(place, new))
    assert isinstance(decided, Appeal)
    assert decided.restored is Restored.RELEASED
    assert await place.state(new) is RELEASED


async def test_without_its_request_a_message_is_not_published_and_the_block_is_lifted(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    appeal = await appealed(place, new)
    async with place.store.database.writing("test") as connection:
        empty = "''::bytea" if not place.store.database.sqlite else "x''"
        await connection.execute(text(f"UPDATE messages SET body = {empty}"))  # noqa: S608
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert decided.restored is Restored.GONE
    assert await place.state(new) is BLOCKED
    place.clock.now += 1
    await place.follow()
    assert (await place.one(new)).lifted is Lifted.REVERSED


async def test_an_upheld_appeal_changes_nothing(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    decided = await decide(place, await appealed(place, new), UPHELD)
    assert isinstance(decided, Appeal)
    assert (decided.state, decided.restored) == (UPHELD, Restored.NOTHING)
    assert await place.state(new) is BLOCKED
    await place.follow()
    assert (await place.one(new)).lifted is None
    assert (await acts(place))[-1]["outcome"] == "upheld"


async def test_a_hold_rejected_meanwhile_is_published_all_the_same(place: Complaints) -> None:
    new = await place.commit(HELD)
    appeal = await appealed(place, new)
    place.clock.now += 1
    await place.move(new, HELD, REJECTED, found(Outcome.BLOCK))
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert (decided.restored, await place.state(new)) == (Restored.QUEUED, QUEUED)
    await place.follow()
    assert [each.lifted for each in await place.of(new)] == [Lifted.SUPERSEDED, Lifted.REVERSED]


async def test_a_message_published_meanwhile_is_not_published_again(place: Complaints) -> None:
    new = await place.commit(HELD)
    appeal = await appealed(place, new)
    await place.move(new, HELD, FORWARDING, found(Outcome.ALLOW))
    await place.move(new, FORWARDING, PUBLISHED)
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert (decided.restored, await place.state(new)) == (Restored.NOTHING, PUBLISHED)


async def test_an_appeal_is_no_way_round_the_second_person(place: Complaints) -> None:
    held = await place.commit(HELD, case=found(Outcome.HOLD, "terrorism"))
    appeal = await appealed(place, held)
    refused = await place.appealing.decide("t1", appeal.appeal_id, REVERSED, BOB)
    assert (refused, await place.state(held)) == (Undecidable.TWO_PEOPLE, HELD)
    upheld = await place.appealing.decide("t1", appeal.appeal_id, UPHELD, BOB)
    assert isinstance(upheld, Appeal)


async def test_of_two_decisions_at_once_one_is_taken(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    appeal = await appealed(place, new)
    both = await asyncio.gather(decide(place, appeal), decide(place, appeal, UPHELD, By("Eve", "looked too")))
    assert both.count(Undecidable.DECIDED) == 1
    [won] = [each for each in both if isinstance(each, Appeal)]
    assert await place.state(new) is (QUEUED if won.state is REVERSED else BLOCKED)
    assert len([act for act in await acts(place) if act["act"] == "DecideAppeal"]) == 1


async def test_a_message_written_meanwhile_is_looked_at_again(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    appeal = await appealed(place, new)
    stale = replace(change(new, BLOCKED, QUEUED), case=found(Outcome.ALLOW), decision_id="d-stale", step=7)
    judged = Judged(REVERSED, BOB, 1_000_000, None, Restored.QUEUED, stale)
    with pytest.raises(Stale):
        await place.appeals.decide(appeal, judged)
    kept = await place.appeals.appeal("t1", appeal.appeal_id)
    assert kept is not None
    assert kept.state is AppealState.OPEN  # nothing was written
    assert len(await acts(place)) == 1


async def test_who_reviewed_the_message_does_not_decide(place: Complaints) -> None:
    new = await rejected(place)
    appeal = await appealed(place, new)
    assert await place.appeals.involved(appeal) == {"Ann"}
    assert await decide(place, appeal, by=By("ann", "no")) is Undecidable.INVOLVED
    assert await decide(place, appeal, by=By("gateway", "no")) is Undecidable.MACHINE
    assert await place.state(new) is REJECTED
    assert isinstance(await decide(place, appeal), Appeal)


async def test_who_had_a_part_in_the_review_does_not_decide(place: Complaints) -> None:
    new = await rejected(place)
    async with place.store.database.writing("test") as connection:
        body = act_body(By("Eve", "unsure"), 0, "t1", "EscalateHold", message_id=new.message_id)
        await record(connection, "t1", body, 1, (subject("message", new.message_id),), REVIEW)
    assert await place.appeals.involved(await appealed(place, new)) == {"Ann", "Eve"}


async def test_who_took_it_down_does_not_decide_and_others_restore_it(place: Complaints) -> None:
    new = await place.commit(FORWARDING)
    await place.move(new, FORWARDING, PUBLISHED)
    await place.act(TAKEDOWN, "TakeDown", "Eve", message_id=new.message_id, category="hate", source="report")
    appeal = await appealed(place, new)
    assert await place.appeals.involved(appeal) == {"Eve"}
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert (decided.restored, await place.state(new)) == (Restored.NOTHING, PUBLISHED)
    assert (await acts(place))[-1]["message_id"] == new.message_id
    await place.follow()
    assert (await place.one(new)).lifted is Lifted.REVERSED


async def test_who_agreed_to_a_sanction_does_not_decide(place: Complaints) -> None:
    new = await rejected(place)
    sanction = {"sanction_id": "x-1", "degree": "close", "starts_ms": 1, "ends_ms": None, "message_id": new.message_id}
    await place.act(SANCTION, "ProposeSanction", "Eve", **sanction)
    await place.act(SANCTION, "ImposeSanction", "Zoe", **sanction, category="fraud", why="person", automatic=False)
    await place.act(SANCTION, "ImposeSanction", "gateway", sanction_id="x-2", degree="warn", automatic=True)
    await place.follow()
    [stated] = [s for s in await place.statements.of_account("t1", "acc-1", "", 9) if s.sanction_id == "x-1"]
    appeal = await place.appealing.make(stated, "why?", "en")
    assert isinstance(appeal, Appeal)
    assert (appeal.message_id, appeal.sanction_id) == (None, "x-1")
    assert await place.appeals.involved(appeal) == {"Eve", "Zoe"}
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert await place.state(new) is REJECTED  # what the message was blocked for is another matter
    told = (await acts(place))[-1]
    assert (told["sanction_id"], told["message_id"], told["outcome"]) == ("x-1", None, "reversed")


async def test_open_appeals_come_in_the_order_of_their_deadlines(place: Complaints) -> None:
    made = []
    for _ in range(4):
        made.append(await appealed(place, await place.commit(BLOCKED)))
        place.clock.now += 10
    await decide(place, made[1])
    page = await place.appeals.open("t1", (-1, ""), 2)
    assert [each.appeal_id for each in page] == [made[0].appeal_id, made[2].appeal_id]
    assert [each.text for each in page] == [None, None]
    page = await place.appeals.open(None, (page[-1].due_ms, page[-1].appeal_id), 2)
    assert [each.appeal_id for each in page] == [made[3].appeal_id]
    assert await place.appeals.open("t2", (-1, ""), 2) == []
    assert await place.appeals.count_open(made[2].due_ms + 1) == (3, 2)
    assert await place.appeals.count_open(made[2].due_ms + 1, "t1") == (3, 2)
    assert await place.appeals.count_open(made[2].due_ms + 1, "t2") == (0, 0)


async def test_decided_appeals_come_newest_first_and_page_by_page(place: Complaints) -> None:
    made = []
    for _ in range(5):
        made.append(await appealed(place, await place.commit(BLOCKED)))
    for appeal, outcome in ((made[2], UPHELD), (made[0], REVERSED), (made[3], UPHELD)):
        place.clock.now += 10
        await decide(place, appeal, outcome)
    await decide(place, made[1], UPHELD)  # in the same millisecond as the one before: by id
    last = sorted([made[1].appeal_id, made[3].appeal_id], reverse=True)
    page = await place.appeals.decided("t1", None, 3)
    assert [each.appeal_id for each in page] == [*last, made[0].appeal_id]
    assert [each.text for each in page] == [None] * 3
    assert (page[2].state, page[2].decided_by, page[2].decided_ms) == (REVERSED, "Bob", place.clock.now - 10)
    for start in (1, 2, 3):
        before = page[start - 1]
        assert before.decided_ms is not None
        onward = await place.appeals.decided(None, (before.decided_ms, before.appeal_id), 9)
        assert [each.appeal_id for each in onward] == [*last, made[0].appeal_id, made[2].appeal_id][start:]
    assert await place.appeals.decided("t2", None, 9) == []


async def test_requests_and_texts_are_forgotten_when_their_time_is_over(place: Complaints) -> None:
    blocked, contested = await place.commit(BLOCKED), await place.commit(BLOCKED)
    appeal = await appealed(place, contested)
    place.clock.now += RULES.days * DAY_MS
    await place.appealing.forget()

    async def kept(new: Entry) -> bool:
        stored = await place.store.message(new.message_id)
        assert stored is not None
        return bool(stored.request.body)

    assert (await kept(blocked), await kept(contested)) == (False, True)  # its appeal is open
    decided = await decide(place, appeal)
    assert isinstance(decided, Appeal)
    assert decided.restored is Restored.QUEUED
    assert decided.text is not None
    place.clock.now += RULES.text_days * DAY_MS
    await place.appealing.forget()
    over = await place.appeals.appeal("t1", appeal.appeal_id)
    assert over is not None
    assert (over.text, over.note, over.state) == (None, None, REVERSED)


async def test_a_key_that_sealed_something_is_found(place: Complaints) -> None:
    mark = b"\x01\x08deadbeef"
    waiting = Request(mark + b"sealed", SEALED)
    new = await place.commit(BLOCKED, request=waiting)
    await place.commit(BLOCKED, request=Request(b"\x01\x08cafecafe", SEALED))
    assert await kept_under(place.store.database, mark) == 1
    assert await kept_under(place.store.database, b"\x01\x08x") == 0
    appeal = await appealed(place, new)
    if (sealer := place.appeals._sealer) is not None:
        assert isinstance(sealer, FileSealer)
        assert await appeals_under(place.store.database, sealer.mark()) == 1
        await decide(place, appeal, UPHELD)
        assert await appeals_under(place.store.database, sealer.mark()) == 0
    assert await forget_under(place.store.database, mark) == 1
    assert await kept_under(place.store.database, mark) == 0


@pytest.mark.parametrize(
    ("tenant_id", "index"), [(None, "appeals_decided"), ("t1", "appeals_decided_by_tenant")], ids=["all", "one"]
)
@pytest.mark.parametrize("before", [None, (7, "a")], ids=["first", "onward"])
async def test_decided_appeals_are_read_by_an_index_in_their_order(
    place: Complaints, tenant_id: str | None, index: str, before: tuple[int, str] | None
) -> None:
    async with place.store.database.reading("test") as connection:
        plan = await plan_of(connection, decided_page(tenant_id, before, 5))
    assert re.search(rf"\b{index}\b", plan), plan
    assert ("Sort" in plan, "B-TREE" in plan) == (False, False), plan


async def test_forgetting_reads_what_is_due_and_nothing_else(place: Complaints, office_url: str) -> None:
    """The sweep over a table of millions goes by the index of what is kept, not through what is erased."""
    where = "state IN ('blocked', 'rejected') AND length(body) > 0 AND updated_ms <= 7"
    engine = create_engine(office_url, 10.0, pool_size=0)
    async with engine.begin() as connection:
        query = f"SELECT id FROM messages WHERE {where} ORDER BY updated_ms, id LIMIT 5"  # noqa: S608
        plan = await plan_of(connection, query)
    await engine.dispose()
    assert "messages_kept" in plan
