"""Statements in a database: one for each restriction, whatever order the chains are read in."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from gateway.adapters.sql import open_store
from gateway.adapters.sql.tables_register import notices
from gateway.core.audit import SANCTION, TAKEDOWN
from gateway.core.model import MessageState, Outcome
from gateway.core.records import Tenant
from gateway.core.statement import Automation, Lifted, Restriction
from tests.contract.complaints import BLOCKED, HELD, QUEUED, REJECTED, Complaints, found
from tests.contract.newsroom import QUIET, TENANT
from tests.contract.samples import ACCOUNT, FORWARDING, entry, owner_of


@pytest.fixture
async def place(office_url: str) -> AsyncIterator[Complaints]:
    async with open_store(office_url) as (store, register):
        await register.put_tenant(TENANT, "h1", "test", 0)
        await register.put_tenant(QUIET, "h2", "test", 0)
        await register.put_account("t1", ACCOUNT, "test", 0)
        yield Complaints(store, register, await owner_of(store))


async def told(place: Complaints) -> list[dict[str, object]]:
    """The notices that wait, as they came."""
    async with place.store.database.reading("test") as connection:
        rows = await connection.execute(select(notices.c.body, notices.c.created_ms).order_by(notices.c.created_ms))
        return [orjson.loads(row.body) for row in rows]


async def kinds(place: Complaints) -> list[str]:
    return sorted(str(each["type"]) for each in await told(place))


async def test_a_block_is_stated_and_read_back_whole(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    await place.follow()
    [block] = await place.of(new)
    assert (block.restriction, block.category, block.codes) == (Restriction.BLOCK, "fraud", ("content_violation",))
    assert (block.tenant_id, block.account_id, block.message_id) == ("t1", "acc-1", new.message_id)
    assert (block.content_types, block.content_ms, block.starts_ms) == (("text",), 1_000_000, 1_000_000)
    assert (block.automated_detection, block.automation, block.policy_version) == (True, Automation.FULLY, "v" * 64)
    assert await place.statements.statement(block.statement_id) == block
    assert await place.statements.statement(block.statement_id, "t1") == block
    assert await place.statements.statement(block.statement_id, "t2") is None
    assert await place.statements.of_message(new.message_id, "t2") == []


async def test_allowed_messages_have_no_statement_and_no_notice(place: Complaints) -> None:
    new = await place.commit(FORWARDING)
    await place.move(new, FORWARDING, MessageState.PUBLISHED)
    await place.follow()
    assert await place.of(new) == []
    assert await told(place) == []


@pytest.mark.parametrize("chains", [(0, -1), (-1, 0)])
async def test_a_person_releases_a_hold_whichever_chain_is_read_first(
    place: Complaints, chains: tuple[int, int]
) -> None:
    assert place.owner.slot == 0
    new = await place.commit(HELD)
    place.clock.now += 5
    await place.move(new, HELD, QUEUED, found(Outcome.ALLOW, rule="person", by="Ann"), "Ann")
    await place.follow(*chains)
    [hold] = await place.of(new)
    assert (hold.restriction, hold.lifted, hold.lifted_ms) == (Restriction.HOLD, Lifted.RELEASED, 1_000_005)
    assert await kinds(place) == ["message.released", "statement.made"]


@pytest.mark.parametrize("chains", [(0, -1), (-1, 0)])
async def test_a_person_rejects_a_hold_whichever_chain_is_read_first(
    place: Complaints, chains: tuple[int, int]
) -> None:
    new = await place.commit(HELD)
    place.clock.now += 5
    await place.move(new, HELD, REJECTED, found(Outcome.BLOCK, rule="person", by="Ann"), "Ann")
    await place.follow(*chains)
    hold, block = await place.of(new)
    assert (hold.lifted, block.lifted) == (Lifted.SUPERSEDED, None)
    assert (block.category, block.automation) == ("fraud", Automation.NOT)
    assert block.codes == ("reviewed", "content_suspected")
    assert await kinds(place) == ["message.rejected", "statement.made", "statement.made"]


async def test_followed_again_nothing_is_written_twice(place: Complaints) -> None:
    new = await place.commit(HELD)
    await place.follow()
    before = await place.of(new), await told(place)
    async with place.store.database.writing("test") as connection:
        await connection.exec_driver_sql("UPDATE followed SET seq = 0")  # as if the cursor had been lost
    await place.follow()
    assert (await place.of(new), await told(place)) == before


async def test_a_sanction_is_stated_and_lifted(place: Complaints) -> None:
    sanction: dict[str, Any] = {"sanction_id": "x-1", "degree": "suspend", "starts_ms": 1_000_000, "ends_ms": 2_000_000}
    await place.act(SANCTION, "ImposeSanction", **sanction, category="fraud", why="person", automatic=False)
    await place.follow()
    [made] = await place.statements.of_account("t1", "acc-1", "", 10)
    assert (made.restriction, made.sanction_id, made.ends_ms) == (Restriction.SUSPEND, "x-1", 2_000_000)
    await place.act(SANCTION, "LiftSanction", sanction_id="x-1", why="appeal")
    await place.follow()
    lifted = await place.statements.statement(made.statement_id)
    assert lifted == replace(made, lifted=Lifted.REVERSED, lifted_ms=1_000_000)
    assert await kinds(place) == ["sanction.imposed", "sanction.lifted", "statement.made"]


async def test_a_take_down_says_what_was_taken_down(place: Complaints) -> None:
    new = await place.commit(FORWARDING)
    await place.move(new, FORWARDING, MessageState.PUBLISHED)
    place.clock.now += 5
    down: dict[str, Any] = {
        "message_id": new.message_id,
        "category": "hate",
        "source": "trusted_flagger",
        "automatic": False,
    }
    await place.act(TAKEDOWN, "TakeDown", **down)
    await place.act(TAKEDOWN, "TakenDown", message_id=new.message_id)
    await place.follow()
    [made] = await place.of(new)
    assert (made.restriction, made.content_types, made.content_ms) == (Restriction.TAKEDOWN, ("text",), 1_000_000)
    assert await kinds(place) == ["message.taken_down", "statement.made"]


async def test_pages_and_spans(place: Complaints) -> None:
    blocked = []
    for _ in range(5):
        place.clock.now += 10
        blocked.append(await place.commit(BLOCKED))
    place.clock.now += 10
    other = replace(blocked[0].message, tenant_id="t2")
    theirs = entry(BLOCKED, place.clock.now_ms(), "t2", case=found(Outcome.BLOCK), message=other)
    assert await place.store.commit(place.owner, theirs) is None
    await place.follow()
    ids = [(await place.one(each)).statement_id for each in blocked]
    page = await place.statements.of_account("t1", "acc-1", "", 3)
    assert [each.statement_id for each in page] == ids[:1:-1]
    page = await place.statements.of_account("t1", "acc-1", page[-1].statement_id, 3)
    assert [each.statement_id for each in page] == ids[1::-1]
    several = await place.statements.many([ids[1], ids[3], "none"])
    assert {name: each.message_id for name, each in several.items()} == {
        ids[1]: blocked[1].message_id,
        ids[3]: blocked[3].message_id,
    }
    assert await place.statements.many([]) == {}
    between = place.statements.between
    assert [each.statement_id for each in await between("t1", 0, 2_000_000, "", 3)] == ids[:3]
    assert [each.statement_id for each in await between("t1", 0, 2_000_000, ids[2], 9)] == ids[3:]
    assert [each.starts_ms for each in await between("t1", 1_000_020, 1_000_040, "", 9)] == [1_000_020, 1_000_030]
    assert len(await between(None, 0, 2_000_000, "", 9)) == 6


async def test_a_notice_has_the_words_in_both_languages_and_no_message(place: Complaints) -> None:
    new = await place.commit(BLOCKED)
    await place.follow()
    [notice] = await told(place)
    block = await place.one(new)
    assert (notice["type"], notice["timestamp"]) == ("statement.made", "1970-01-01T00:16:40.000+00:00")
    data = notice["data"]
    assert isinstance(data, dict)
    assert (data["statement_id"], data["message_id"], data["restriction"]) == (
        block.statement_id,
        new.message_id,
        "block",
    )
    assert data["appeal_until_ms"] == 1_000_000 + 184 * 86_400_000
    assert data["words"]["en"]["title"] == "Your message was not published"
    assert data["words"]["zh"]["title"] == "您的消息未获发布"
    assert new.message.texts[1] not in orjson.dumps(notice).decode()


async def test_who_has_no_address_is_told_nothing(place: Complaints) -> None:
    await place.store.register.put_tenant(Tenant("t1", "One", "https://one.example"), "h1", "test", 0)
    await place.commit(BLOCKED)
    await place.follow()
    assert await told(place) == []
