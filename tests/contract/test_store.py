"""The promises of `gateway.ports.Store`, kept in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from msgspec.structs import replace

from classifiers.contract import Silence
from gateway.core.audit import ADMINISTRATORS
from gateway.core.audit_compare import differences
from gateway.core.model import MessageState, Outcome
from gateway.core.records import Request, Stored, UpstreamAnswer, Written
from gateway.ports import KeyTaken, Register, Store, StoreUnavailable
from tests.contract.samples import (
    CLEAR,
    FORWARDING,
    HELD,
    PUBLISHED,
    QUEUED,
    REJECTED,
    RELEASED,
    TENANT,
    UNKNOWN,
    Opened,
    assert_chains_whole,
    case,
    change,
    entry,
    owner_of,
    silent,
)

# -- commit


async def test_a_committed_message_reads_back_whole(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD, key="k", fingerprint="f", case=silent(Silence.TIMEOUT), forwards=False)
    assert await store.commit(owner, new) is None
    expected = Stored(
        new.message_id, new.decision_id, new.message, new.request, HELD, False, new.case, 1000, 1000, "f", None, 1
    )
    assert await store.message(new.message_id) == expected
    assert await store.by_key("t1", "k") == expected
    assert await store.message_of_decision(new.decision_id) == expected
    assert await store.cases(new.message_id) == [(new.decision_id, new.case)]
    [row] = await store.history(new.message_id)
    assert (row.chain, row.kind, row.at_ms, row.message_id) == (owner.slot, "decision", 1000, new.message_id)
    assert orjson.loads(row.body)["decision_id"] == new.decision_id
    await assert_chains_whole(store)


async def test_what_is_not_there_is_none(store: Store) -> None:
    assert await store.message("no") is None
    assert await store.by_key("t1", "no") is None
    assert await store.message_of_decision("no") is None
    assert await store.cases("no") == []
    assert await store.history("no") == []
    assert await store.policy("no") is None
    assert await store.count(HELD) == (0, None)


async def test_what_is_written_is_what_the_audit_rows_commit_to(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD)
    await store.commit(owner, new)
    later = case(CLEAR, outcome=Outcome.BLOCK)
    await store.move(owner, change(new, HELD, REJECTED, decision_id="later", case=later))
    rows = await store.history(new.message_id)
    first, then = [orjson.loads(row.body) for row in rows]
    [written] = await store.written(only=new.message_id)
    assert written == Written(
        new.message_id,
        REJECTED,
        first["content_hash"],
        first["message_hash"],
        (
            (new.decision_id, first["case_hash"], new.case.decision.outcome),
            ("later", then["decision"]["case_hash"], Outcome.BLOCK),
        ),
    )
    assert list(differences(written, rows)) == []
    assert await store.written("", 5) == [written]
    assert await store.written(new.message_id, 5) == []
    assert await store.written(only="none") == []


async def test_a_taken_key_gives_what_was_done_under_it_and_writes_nothing(store: Store) -> None:
    owner = await owner_of(store)
    first, again = entry(key="k", fingerprint="f1"), entry(key="k", fingerprint="f2")
    assert await store.commit(owner, first) is None
    taken = await store.commit(owner, again)
    assert taken == KeyTaken(await store.message(first.message_id))  # type: ignore[arg-type]
    assert taken.stored.fingerprint == "f1"
    assert await store.message(again.message_id) is None
    assert await store.cases(again.message_id) == []
    assert await store.history(again.message_id) == []


async def test_a_key_belongs_to_its_tenant(store: Store) -> None:
    owner = await owner_of(store)
    assert await store.commit(owner, entry(key="k", tenant_id="t1")) is None
    assert await store.commit(owner, entry(key="k", tenant_id="t2")) is None
    mine, other = await store.by_key("t1", "k"), await store.by_key("t2", "k")
    assert mine is not None
    assert other is not None
    assert (mine.message.tenant_id, other.message.tenant_id) == ("t1", "t2")


async def test_many_ask_for_keys_at_once_and_each_gets_its_own(store: Store) -> None:
    owner = await owner_of(store)
    entries = [entry(key=f"k{n}", tenant_id=f"t{n % 2}") for n in range(20)]
    await asyncio.gather(*[store.commit(owner, new) for new in entries])
    found = await asyncio.gather(*[store.by_key(f"t{n % 2}", f"k{n}") for n in range(30)])
    assert [stored and stored.message_id for stored in found] == [new.message_id for new in entries] + [None] * 10
    swapped = await asyncio.gather(*[store.by_key(f"t{(n + 1) % 2}", f"k{n}") for n in range(20)])
    assert swapped == [None] * 20


async def test_of_many_that_race_for_a_key_one_wins(store: Store, second: Opened) -> None:
    one, two = await owner_of(store, "one"), await owner_of(second[0], "two")
    entries = [entry(key=f"k{n % 3}") for n in range(30)]
    results = await asyncio.gather(
        *[store.commit(one, new) if n % 2 else second[0].commit(two, new) for n, new in enumerate(entries)]
    )
    winners = {new.key: new.message_id for new, taken in zip(entries, results, strict=True) if taken is None}
    assert len(winners) == 3
    for new, taken in zip(entries, results, strict=True):
        if taken is not None:
            assert taken.stored.message_id == winners[new.key]
            assert await store.message(new.message_id) is None
    assert len([row async for row in store.audit()]) == 3
    await assert_chains_whole(store)


async def test_one_bad_row_does_not_fail_its_neighbours(store: Store) -> None:
    owner = await owner_of(store)
    good = [entry() for _ in range(20)]
    await store.commit(owner, good[0])
    same_id = replace(entry(), message_id=good[0].message_id)
    same_decision = replace(entry(), decision_id=good[0].decision_id)
    results = await asyncio.gather(
        *[store.commit(owner, new) for new in [*good[1:9], same_id, *good[9:], same_decision]],
        return_exceptions=True,
    )
    faults = [result for result in results if result is not None]
    assert len(faults) == 2
    assert all(type(fault) is StoreUnavailable for fault in faults)
    assert await store.message(same_decision.message_id) is None
    for new in good:
        assert await store.cases(new.message_id) == [(new.decision_id, new.case)]
    await assert_chains_whole(store)


async def test_what_no_encoding_carries_is_refused_alone(store: Store) -> None:
    owner = await owner_of(store)
    bad = entry()
    bad_text = replace(bad, message=replace(bad.message, texts=("\ud800",)))
    bad_key, good = entry(key="\ud800"), entry(HELD)
    await store.commit(owner, good)
    bad_note = replace(change(good, HELD, REJECTED), note="\ud800")
    neighbour = entry()
    results = await asyncio.gather(
        store.commit(owner, bad_text),
        store.move(owner, bad_note),
        store.commit(owner, neighbour),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [StoreUnavailable, StoreUnavailable, type(None)]
    with pytest.raises(StoreUnavailable):
        await store.commit(owner, bad_key)
    after = await store.message(good.message_id)
    assert after is not None
    assert after.state is HELD
    await assert_chains_whole(store)


async def test_a_cancelled_caller_leaves_its_message_whole_or_absent(store: Store) -> None:
    owner = await owner_of(store)
    entries = [entry(key=f"k{n}") for n in range(40)]
    tasks = [asyncio.ensure_future(store.commit(owner, new)) for new in entries]
    await asyncio.sleep(0)
    for task in tasks[::2]:
        task.cancel()
    results = await asyncio.gather(*tasks, return_exceptions=True)
    assert results[1::2] == [None] * 20
    await store.commit(owner, entry())
    for new, result in zip(entries, results, strict=True):
        found = await store.message(new.message_id)
        assert (await store.by_key("t1", new.key or "")) == found
        assert len(await store.history(new.message_id)) == (found is not None)
        assert len(await store.cases(new.message_id)) == (found is not None)
        assert found is not None or isinstance(result, asyncio.CancelledError)
    await assert_chains_whole(store)


async def test_large_and_odd_values_come_back_as_they_were(store: Store) -> None:
    owner = await owner_of(store)
    text = "\u0000\x1f\x7f\u2028 \U0001f600 'quoted\" \\ \\u0000 %s {rows} :name $1"
    odd = bytes(range(256)) * 4096
    for number in range(3):  # a store may write a batch in another way once it knows the end of its chain
        new = entry(request=Request(odd, "text/x; a=\u00e9"), key=f"\u00e9'\"\\{number}", fingerprint="\x01\u2029\\n")
        new = replace(new, message=replace(new.message, texts=(text, "")))
        await store.commit(owner, new)
        found = await store.message(new.message_id)
        assert found is not None
        assert (found.message, found.request, found.first) == (new.message, new.request, new.case)
        assert found.fingerprint == new.fingerprint
        assert await store.by_key("t1", f"\u00e9'\"\\{number}") == found
        upstream = UpstreamAnswer(299, odd, "\x7f\\'\U0001f600")
        assert await store.move(owner, change(new, FORWARDING, PUBLISHED, upstream=upstream))
        found = await store.message(new.message_id)
        assert found is not None
        assert found.upstream == upstream
    await assert_chains_whole(store)


async def test_new_messages_and_changes_share_a_batch(store: Store) -> None:
    owner = await owner_of(store)
    first = [entry() for _ in range(4)]
    await asyncio.gather(*[store.commit(owner, new) for new in first])
    second = [entry(HELD), entry(key="k"), entry()]
    results = await asyncio.gather(
        *[store.move(owner, change(of, FORWARDING, PUBLISHED)) for of in first],
        *[store.commit(owner, new) for new in second],
    )
    assert results == [True] * 4 + [None] * 3
    assert [len(await store.history(of.message_id)) for of in first + second] == [2] * 4 + [1] * 3
    assert await store.forwarding(owner) == [await store.message(of.message_id) for of in second[1:]]
    await assert_chains_whole(store)


async def test_a_full_batch_and_more(store: Store) -> None:
    owner = await owner_of(store)
    entries = [entry(at_ms=n) for n in range(1200)]
    await asyncio.gather(*[store.commit(owner, new) for new in entries])
    moved = await asyncio.gather(*[store.move(owner, change(new, FORWARDING, PUBLISHED)) for new in entries])
    assert all(moved)
    assert await store.count(PUBLISHED) == (1200, 0)
    assert await store.count(FORWARDING) == (0, None)
    assert len([row async for row in store.audit()]) == 2400
    await assert_chains_whole(store)


# -- move


async def test_a_move_takes_place_only_from_the_expected_state(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD)
    await store.commit(owner, new)
    later = case(CLEAR, outcome=Outcome.BLOCK)
    right = change(new, HELD, REJECTED, actor="Ann", decision_id="later", case=later)
    assert await store.move(owner, change(new, QUEUED, FORWARDING)) is False
    assert await store.move(owner, right) is True
    assert await store.move(owner, replace(right, decision_id="again")) is False
    assert await store.move(owner, change(entry(), HELD, REJECTED)) is False
    found = await store.message(new.message_id)
    assert found is not None
    assert (found.state, found.first, found.decision_id, found.updated_ms) == (
        REJECTED,
        new.case,
        new.decision_id,
        2000,
    )
    assert await store.cases(new.message_id) == [(new.decision_id, new.case), ("later", later)]
    assert await store.message_of_decision("later") == found
    assert await store.message_of_decision("again") is None
    first, then = await store.history(new.message_id)
    body = orjson.loads(then.body)
    assert (first.kind, then.kind) == ("decision", "transition")
    assert (body["from"], body["to"], body["actor"], body["decision"]["decision_id"]) == (
        "held",
        "rejected",
        "Ann",
        "later",
    )
    await assert_chains_whole(store)


async def test_a_move_made_from_what_was_read_takes_place_only_if_nothing_was_written_since(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD, case=silent(Silence.TIMEOUT))
    await store.commit(owner, new)
    read = await store.message(new.message_id)
    assert read is not None
    first, second = [
        change(new, HELD, HELD, decision_id=name, case=silent(Silence.TIMEOUT), step=read.steps) for name in "ab"
    ]
    assert sorted(await asyncio.gather(store.move(owner, first), store.move(owner, second))) == [False, True]
    assert len(await store.cases(new.message_id)) == 2
    after = await store.message(new.message_id)
    assert after is not None
    assert after.steps == read.steps + 1
    assert await store.move(owner, change(new, HELD, REJECTED, step=read.steps)) is False
    assert await store.move(owner, change(new, HELD, REJECTED, step=after.steps)) is True
    await assert_chains_whole(store)


async def test_a_move_without_a_step_does_not_ask_what_was_written(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD)
    await store.commit(owner, new)
    assert await store.move(owner, change(new, HELD, HELD))
    assert await store.move(owner, change(new, HELD, REJECTED))


async def test_what_waits_is_told_by_tenant_with_the_bytes_of_its_requests(store: Store) -> None:
    assert await store.waiting() == {}
    owner = await owner_of(store)
    body = b"\x00\xff" * 50
    held = entry(HELD)
    for new in (
        held,
        entry(HELD, request=Request(body, "text/plain")),
        entry(HELD, tenant_id="t2", request=Request(body, "text/plain")),
        entry(QUEUED),
    ):
        await store.commit(owner, new)
    assert await store.waiting() == {"t1": (2, len(held.request.body) + 100), "t2": (1, 100)}
    assert await store.move(owner, change(held, HELD, REJECTED))
    assert await store.waiting() == {"t1": (1, 100), "t2": (1, 100)}


async def test_claims_count_as_steps(store: Store) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry(QUEUED))
    [claimed] = await store.claim_queued(owner, 2000, 10)
    assert claimed.steps == 2


async def test_the_upstream_s_answer_is_kept_through_later_moves(store: Store) -> None:
    owner = await owner_of(store)
    new = entry()
    await store.commit(owner, new)
    answer = UpstreamAnswer(502, b"\x00\xff", "text/plain")
    assert await store.move(owner, change(new, FORWARDING, UNKNOWN, upstream=answer))
    assert await store.move(owner, change(new, UNKNOWN, PUBLISHED))
    found = await store.message(new.message_id)
    assert found is not None
    assert found.upstream == answer
    bodies = [orjson.loads(row.body) for row in await store.history(new.message_id)]
    assert [body.get("upstream_status") for body in bodies] == [None, 502, None]


async def test_only_the_owner_moves_a_message_out_of_forwarding(store: Store) -> None:
    one, two = await owner_of(store, "one"), await owner_of(store, "two")
    new, queued = entry(), entry(QUEUED)
    await store.commit(one, new)
    await store.commit(one, queued)
    assert await store.move(two, change(queued, QUEUED, FORWARDING))
    assert await store.move(two, change(new, FORWARDING, PUBLISHED)) is False
    assert await store.move(one, change(queued, FORWARDING, PUBLISHED)) is False
    assert await store.move(two, change(new, FORWARDING, PUBLISHED)) is False
    together = await asyncio.gather(
        store.move(one, change(new, FORWARDING, PUBLISHED)), store.move(two, change(queued, FORWARDING, PUBLISHED))
    )
    assert list(together) == [True, True]
    assert [row.chain for row in await store.history(new.message_id)] == [one.slot, one.slot]
    assert [row.chain for row in await store.history(queued.message_id)] == [one.slot, two.slot, two.slot]
    await assert_chains_whole(store)


async def test_a_change_is_told_alike_with_and_without_the_message_at_hand(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD)
    await store.commit(owner, new)
    for message in (new.message, None, new.message):
        assert await store.move(owner, change(new, HELD, HELD, message=message))
    _, *changes = await store.history(new.message_id)
    assert len({row.body for row in changes}) == 1
    assert len(changes) == 3


async def test_a_hold_ends_once(store: Store, second: Opened) -> None:
    one, two = await owner_of(store, "one"), await owner_of(second[0], "two")
    held = [entry(HELD) for _ in range(20)]
    await asyncio.gather(*[store.commit(one, new) for new in held])
    released = [store.move(one, change(new, HELD, RELEASED)) for new in held]
    rejected = [second[0].move(two, change(new, HELD, REJECTED)) for new in reversed(held)]
    results = await asyncio.gather(*released, *rejected)
    for new, yes, no in zip(held, results[:20], reversed(results[20:]), strict=True):
        assert yes != no
        found = await store.message(new.message_id)
        assert found is not None
        assert found.state is (RELEASED if yes else REJECTED)
        assert len(await store.history(new.message_id)) == 2
    await assert_chains_whole(store)


async def test_what_comes_together_happens_in_the_order_it_came(store: Store) -> None:
    owner = await owner_of(store)
    early, new = entry(), entry(QUEUED)
    results = await asyncio.gather(
        store.move(owner, change(early, FORWARDING, PUBLISHED)),
        store.commit(owner, early),
        store.commit(owner, new),
        store.move(owner, change(new, QUEUED, FORWARDING)),
        store.move(owner, change(new, QUEUED, FORWARDING)),
        store.move(owner, change(new, FORWARDING, PUBLISHED)),
    )
    assert list(results) == [False, None, None, True, False, True]
    rows = await store.history(new.message_id)
    assert [orjson.loads(row.body).get("to") for row in rows] == [None, "forwarding", "published"]
    found = await store.message(early.message_id)
    assert found is not None
    assert found.state is FORWARDING


async def test_history_is_in_order_across_chains_whatever_the_clocks_say(store: Store, register: Register) -> None:
    await register.put_tenant(TENANT, "hash", "Ann", 0)
    one, two = await owner_of(store, "one"), await owner_of(store, "two")
    new = entry(at_ms=8, key="k", fingerprint="f")
    await store.commit(two, new)
    await store.break_lease(two)
    assert await store.recover(7) == (1, 0)
    assert [row.message_id for row in await store.claim_queued(one, 6, 10)] == [new.message_id]
    assert await store.move(one, change(new, FORWARDING, UNKNOWN, at_ms=5))
    rows = await store.history(new.message_id)
    assert [row.chain for row in rows] == [two.slot, ADMINISTRATORS, one.slot, one.slot]
    assert [orjson.loads(row.body).get("to") for row in rows] == [None, "queued", "forwarding", "unknown"]
    await assert_chains_whole(store)


# -- tenants


async def test_a_tenant_sees_nothing_of_another(store: Store) -> None:
    owner = await owner_of(store)
    mine, other = entry(HELD, tenant_id="t1"), entry(HELD, tenant_id="t2")
    await store.commit(owner, mine)
    await store.commit(owner, other)
    assert await store.message(other.message_id, "t1") is None
    assert await store.message(mine.message_id, "t1") == await store.message(mine.message_id)
    assert await store.message_of_decision(other.decision_id, "t1") is None
    assert await store.message_of_decision(other.decision_id, "t2") is not None
    assert [found.message_id for found in await store.in_state(HELD, 10, "t1")] == [mine.message_id]
    assert await store.by_key("t1", "k") is None


async def test_states_are_listed_oldest_first(store: Store) -> None:
    owner = await owner_of(store)
    for state in MessageState:
        for at_ms in (30, 10, 20):
            await store.commit(owner, entry(state, at_ms))
    for state in MessageState:
        assert [found.created_ms for found in await store.in_state(state, 10)] == [10, 20, 30]
        assert [found.created_ms for found in await store.in_state(state, 2)] == [10, 20]
        assert await store.count(state) == (3, 10)
        assert await store.since(state) == (3, 10)


async def test_a_message_is_in_a_state_since_it_came_into_it(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(FORWARDING, 10)
    await store.commit(owner, new)
    assert await store.since(FORWARDING) == (1, 10)
    step = change(new, FORWARDING, PUBLISHED)
    assert await store.move(owner, step)
    assert await store.since(FORWARDING) == (0, None)
    assert await store.since(PUBLISHED) == (1, step.at_ms)


async def test_a_process_finds_what_it_is_forwarding(store: Store) -> None:
    one, two = await owner_of(store, "one"), await owner_of(store, "two")
    mine = [entry(FORWARDING, at_ms) for at_ms in (20, 10)]
    for new in mine:
        await store.commit(one, new)
    other, held = entry(FORWARDING), entry(HELD)
    await store.commit(two, other)
    await store.commit(one, held)
    assert [found.message_id for found in await store.forwarding(one)] == [mine[1].message_id, mine[0].message_id]
    assert [found.message_id for found in await store.forwarding(two)] == [other.message_id]
    await store.move(one, change(mine[0], FORWARDING, PUBLISHED))
    assert [found.message_id for found in await store.forwarding(one)] == [mine[1].message_id]
