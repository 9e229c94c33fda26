"""The promises of `gateway.ports.Store`, kept in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio
from collections import Counter

import orjson
import pytest
from msgspec.structs import replace

from classifiers.contract import Silence, Unanswered
from gateway.core.audit import ADMINISTRATORS, GENESIS, breaks
from gateway.core.model import MessageState, Outcome
from gateway.core.policy import parse_policy
from gateway.core.records import Owner, Request, Stored, UpstreamAnswer
from gateway.ports import Fault, KeyTaken, LeaseLost, Register, Store, StoreUnavailable
from tests.contract.places import Place
from tests.contract.samples import CLEAR, OTHER, POLICY, TENANT, case, change, entry, owner_of, silent

QUEUED, FORWARDING, PUBLISHED = MessageState.QUEUED, MessageState.FORWARDING, MessageState.PUBLISHED
HELD, UNKNOWN, REJECTED, RELEASED = (
    MessageState.HELD,
    MessageState.UNKNOWN,
    MessageState.REJECTED,
    MessageState.RELEASED,
)

Opened = tuple[Store, Register]


async def assert_chains_whole(store: Store) -> None:
    rows = [row async for row in store.audit()]
    assert rows == sorted(rows, key=lambda row: (row.chain, row.seq))
    assert list(breaks(rows, await store.heads())) == []


# -- commit


async def test_a_committed_message_reads_back_whole(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD, key="k", fingerprint="f", case=silent(Silence.TIMEOUT), forwards=False)
    assert await store.commit(owner, new) is None
    expected = Stored(
        new.message_id, new.decision_id, new.message, new.request, HELD, False, new.case, 1000, 1000, "f", None
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
    text = "\u0000\x1f\x7f\u2028 \U0001f600 'quoted\" \\ %s {rows} :name $1"
    new = entry(request=Request(bytes(range(256)) * 4096, "text/x; a=\u00e9"), key="\u00e9'\"\\")
    new = replace(new, message=replace(new.message, texts=(text, "")))
    await store.commit(owner, new)
    found = await store.message(new.message_id)
    assert found is not None
    assert (found.message, found.request) == (new.message, new.request)
    assert await store.by_key("t1", "\u00e9'\"\\") == found


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
    new = entry(at_ms=8)
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


# -- leases


async def test_slots_are_leased_one_by_one_and_again_when_they_end(store: Store) -> None:
    one = await store.lease("one", 2, 100, 1000)
    two = await store.lease("two", 2, 100, 1000)
    assert one is not None
    assert two is not None
    assert {one.owner.slot, two.owner.slot} == {0, 1}
    assert (one.expires_ms, two.expires_ms) == (1100, 1100)
    assert await store.lease("three", 2, 100, 1099) is None
    assert await store.holders(1099) == sorted([(one.owner, "one"), (two.owner, "two")], key=lambda pair: pair[0].slot)
    assert await store.renew(two.owner, 100, 1050) is not None
    three = await store.lease("three", 2, 100, 1100)
    assert three is not None
    assert three.owner.slot == one.owner.slot
    assert three.owner.epoch > one.owner.epoch
    assert await store.renew(one.owner, 100, 1101) is None
    assert await store.holders(1150) == [(three.owner, "three")]
    await store.release(three.owner)
    assert await store.holders(1149) == [(two.owner, "two")]
    four = await store.lease("four", 2, 100, 1101)
    assert four is not None
    assert four.owner.epoch > three.owner.epoch


async def test_a_process_that_comes_back_takes_its_own_slot_with_a_new_epoch(store: Store) -> None:
    await owner_of(store, "one")
    before = await owner_of(store, "two")
    again = await owner_of(store, "two")
    assert again.slot == before.slot
    assert again.epoch > before.epoch
    with pytest.raises(LeaseLost):
        await store.commit(before, entry())
    assert await store.commit(again, entry()) is None


async def test_of_many_that_race_for_slots_each_gets_its_own(store: Store, second: Opened) -> None:
    leases = await asyncio.gather(*[(store, second[0])[n % 2].lease(f"p{n}", 4, 1000, 0) for n in range(8)])
    owners = [lease.owner for lease in leases if lease is not None]
    assert sorted(owner.slot for owner in owners) == [0, 1, 2, 3]


async def test_no_two_leases_are_alike(store: Store, second: Opened) -> None:
    await owner_of(store, "one")
    leases = await asyncio.gather(*[(store, second[0])[n % 2].lease("one", 1, 1000, 0) for n in range(8)])
    owners = [lease.owner for lease in leases if lease is not None]
    assert owners
    assert len(set(owners)) == len(owners)


async def test_an_ending_that_comes_late_does_not_touch_the_successor(store: Store) -> None:
    before = await owner_of(store, "one")
    after = await owner_of(store, "one")
    await store.release(before)
    await store.break_lease(before)
    assert await store.commit(after, entry()) is None


@pytest.mark.parametrize("end", ["released", "broken", "taken", "expired", "unknown"])
async def test_whoever_lost_the_slot_writes_nothing(store: Store, end: str) -> None:
    lost, other = await owner_of(store, "one"), await owner_of(store, "two")
    held, queued = entry(HELD), entry(QUEUED)
    await store.commit(lost, held)
    await store.commit(lost, queued)
    match end:
        case "released":
            await store.release(lost)
        case "broken":
            await store.break_lease(lost)
        case "taken":
            assert await store.lease("three", lost.slot + 1, 1, 100_000) is not None
        case "expired":
            assert await store.renew(other, 100_000, 50_000) is not None
            assert await store.recover(100_000) == (0, 0)
        case "unknown":
            lost = Owner(7, 1)
    for write in (store.commit(lost, entry()), store.move(lost, change(held, HELD, REJECTED))):
        with pytest.raises(LeaseLost):
            await write
    mine, theirs = entry(key="k"), entry(key="k")
    results = await asyncio.gather(
        store.commit(lost, mine),
        store.move(lost, change(held, HELD, REJECTED)),
        store.claim_queued(lost, 2000, 10),
        store.commit(other, theirs),
        return_exceptions=True,
    )
    assert [type(result) for result in results] == [LeaseLost, LeaseLost, LeaseLost, type(None)]
    assert await store.message(mine.message_id) is None
    assert len(await store.history(held.message_id)) == 1
    found = await store.by_key("t1", "k")
    assert found is not None
    assert found.message_id == theirs.message_id
    await assert_chains_whole(store)


# -- recovery and claims


async def test_what_a_dead_process_was_forwarding_is_settled_by_its_tenant_s_kind(
    store: Store, register: Register
) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(OTHER, "h2", "Ann", 0)
    dead, alive = await owner_of(store, "dead"), await owner_of(store, "alive")
    again, lost = entry(tenant_id="t1"), entry(tenant_id="t2")
    stranger, running, held = entry(tenant_id="gone"), entry(tenant_id="t1"), entry(HELD)
    for new in (again, lost, stranger, held):
        await store.commit(dead, new)
    await store.commit(alive, running)
    assert await store.recover(99_999) == (0, 0)
    assert await store.renew(alive, 100_000, 50_000) is not None
    assert await store.recover(100_000) == (1, 2)
    assert await store.recover(100_001) == (0, 0)
    states = {new.message_id: await store.message(new.message_id) for new in (again, lost, stranger, running, held)}
    assert [found.state for found in states.values() if found] == [QUEUED, UNKNOWN, UNKNOWN, FORWARDING, HELD]
    row = (await store.history(again.message_id))[-1]
    assert (row.chain, row.kind, row.at_ms, orjson.loads(row.body)["actor"]) == (
        ADMINISTRATORS,
        "transition",
        100_000,
        "recovery",
    )
    with pytest.raises(LeaseLost):
        await store.move(dead, change(again, FORWARDING, PUBLISHED))
    await assert_chains_whole(store)


async def test_a_restarted_process_does_not_own_what_it_forwarded_before(store: Store) -> None:
    before = await owner_of(store, "one")
    new = entry()
    await store.commit(before, new)
    after = await owner_of(store, "one")
    assert await store.move(after, change(new, FORWARDING, PUBLISHED)) is False
    assert await store.recover(1) == (0, 1)


async def test_orphans_are_settled_once_by_many_at_once(store: Store, second: Opened) -> None:
    dead = await owner_of(store, "dead")
    await asyncio.gather(*[store.commit(dead, entry()) for _ in range(40)])
    await store.break_lease(dead)
    results = await asyncio.gather(*[(store, second[0])[n % 2].recover(1) for n in range(4)])
    assert sum(unknown for _, unknown in results) == 40
    assert len([row async for row in store.audit()]) == 80
    await assert_chains_whole(store)


async def test_a_queued_message_goes_to_one_process(store: Store, second: Opened) -> None:
    one, two = await owner_of(store, "one"), await owner_of(second[0], "two")
    queued = [entry(QUEUED, at_ms=n) for n in range(40)]
    await asyncio.gather(*[store.commit(one, new) for new in queued])
    first = await store.claim_queued(one, 5000, 5)
    assert [found.created_ms for found in first] == [0, 1, 2, 3, 4]
    assert {(found.state, found.updated_ms) for found in first} == {(FORWARDING, 5000)}
    rounds = await asyncio.gather(
        *[(second[0].claim_queued(two, 5000, 7) if n % 2 else store.claim_queued(one, 5000, 7)) for n in range(12)]
    )
    claimed = Counter(found.message_id for taken in [first, *rounds] for found in taken)
    assert set(claimed.values()) == {1}
    while rest := await store.claim_queued(one, 5000, 7):
        claimed.update(found.message_id for found in rest)
    assert claimed == Counter(new.message_id for new in queued)
    row = (await store.history(first[0].message_id))[-1]
    assert (row.chain, row.kind) == (one.slot, "transition")
    assert await store.move(two, change(queued[0], FORWARDING, PUBLISHED)) is False
    assert await store.move(one, change(queued[0], FORWARDING, PUBLISHED)) is True
    await assert_chains_whole(store)


async def test_claims_and_commits_share_a_chain_at_once(store: Store) -> None:
    owner = await owner_of(store)
    await asyncio.gather(*[store.commit(owner, entry(QUEUED)) for _ in range(30)])
    await asyncio.gather(
        *[store.claim_queued(owner, 5, 5) for _ in range(6)],
        *[store.commit(owner, entry()) for _ in range(30)],
        *[store.append_audit("other", "{}", 5) for _ in range(6)],
    )
    assert (await store.heads())[owner.slot][0] == 90
    await assert_chains_whole(store)


@pytest.mark.parametrize(
    ("silence", "waits"),
    [(Silence.TIMEOUT, True), (Silence.UNAVAILABLE, True), (Silence.FAILED, True), (Silence.UNSUPPORTED, False)],
)
async def test_a_hold_waits_for_some_silences(store: Store, silence: Silence, waits: bool) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry(HELD, case=silent(silence)))
    await store.commit(owner, entry(HELD))
    await store.commit(owner, entry(MessageState.BLOCKED, case=silent(silence)))
    assert len(await store.claim_silent_holds(1000, 10, 10)) == waits


async def test_a_claimed_hold_is_put_off_twice_as_long_each_time(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD, at_ms=1000, case=silent(Silence.TIMEOUT))
    await store.commit(owner, new)
    assert await store.claim_silent_holds(999, 10, 10) == []
    now = 1000
    for factor in (1, 2, 4, 8, 16, 32, 64, 64, 64):
        [claimed] = await store.claim_silent_holds(now, 10, 10)
        assert claimed == await store.message(new.message_id)
        assert await store.claim_silent_holds(now + factor * 10 - 1, 10, 10) == []
        now += factor * 10


async def test_a_classifier_that_fails_is_asked_again_five_times(store: Store) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry(HELD, case=silent(Silence.FAILED)))
    claims = [len(await store.claim_silent_holds(10**6 * n, 10, 10)) for n in range(1, 9)]
    assert claims == [1, 1, 1, 1, 1, 0, 0, 0]


async def test_a_failing_and_a_silent_classifier_together_are_asked_for_ever(store: Store) -> None:
    owner = await owner_of(store)
    both = case(Unanswered("a", Silence.FAILED), Unanswered("b", Silence.TIMEOUT), outcome=Outcome.HOLD)
    await store.commit(owner, entry(HELD, case=both))
    claims = [len(await store.claim_silent_holds(10**6 * n, 10, 10)) for n in range(1, 9)]
    assert claims == [1] * 8


async def test_the_newest_case_says_whether_a_hold_waits(store: Store) -> None:
    owner = await owner_of(store)
    answered, silenced, ended = [entry(HELD, case=silent(Silence.TIMEOUT)) for _ in range(3)]
    settled = entry(HELD)
    for new in (answered, silenced, ended, settled):
        await store.commit(owner, new)
    hold = case(CLEAR, outcome=Outcome.HOLD)
    assert await store.move(owner, change(answered, HELD, HELD, decision_id="a", case=hold))
    still = silent(Silence.UNAVAILABLE)
    assert await store.move(owner, change(silenced, HELD, HELD, decision_id="b", case=still))
    assert await store.move(owner, change(settled, HELD, HELD, decision_id="c", case=still))
    assert await store.move(owner, change(ended, HELD, REJECTED))
    claimed = await store.claim_silent_holds(5000, 10, 10)
    assert [found.message_id for found in claimed] == [silenced.message_id, settled.message_id]


async def test_a_new_case_does_not_shorten_the_wait(store: Store) -> None:
    owner = await owner_of(store)
    new = entry(HELD, case=silent(Silence.TIMEOUT))
    await store.commit(owner, new)
    assert len(await store.claim_silent_holds(1000, 100, 10)) == 1
    again = silent(Silence.TIMEOUT)
    assert await store.move(owner, change(new, HELD, HELD, at_ms=1001, decision_id="a", case=again))
    assert await store.claim_silent_holds(1099, 100, 10) == []
    assert len(await store.claim_silent_holds(1100, 100, 10)) == 1


async def test_a_hold_is_claimed_by_one_process_oldest_first(store: Store, second: Opened) -> None:
    owner = await owner_of(store)
    held = [entry(HELD, at_ms=n, case=silent(Silence.TIMEOUT)) for n in range(30)]
    await asyncio.gather(*[store.commit(owner, new) for new in reversed(held)])
    first = await store.claim_silent_holds(1000, 10_000, 5)
    assert [found.created_ms for found in first] == [0, 1, 2, 3, 4]
    rounds = await asyncio.gather(*[(store, second[0])[n % 2].claim_silent_holds(1000, 10_000, 7) for n in range(8)])
    claimed = Counter(found.message_id for taken in [first, *rounds] for found in taken)
    while rest := await store.claim_silent_holds(1000, 10_000, 7):
        claimed.update(found.message_id for found in rest)
    assert claimed == Counter(new.message_id for new in held)


# -- policies, audit, events


async def test_a_policy_is_remembered_by_its_version(store: Store) -> None:
    policy = parse_policy(POLICY)
    await store.keep_policy(policy, 1)
    await store.keep_policy(policy, 2)
    assert await store.policy(policy.version) == POLICY


async def test_administrators_have_their_own_chain(store: Store) -> None:
    await store.append_audit("login", '{"actor":"Ann"}', 5)
    await store.append_audit("login", '{"actor":"Bob"}', 6)
    rows = [row async for row in store.audit()]
    assert [(row.chain, row.seq, row.at_ms, row.kind, row.message_id, row.body) for row in rows] == [
        (ADMINISTRATORS, 1, 5, "login", "", '{"actor":"Ann"}'),
        (ADMINISTRATORS, 2, 6, "login", "", '{"actor":"Bob"}'),
    ]
    assert (rows[0].prev_hash, rows[1].prev_hash) == (GENESIS, rows[0].hash)
    assert await store.heads() == {ADMINISTRATORS: (2, rows[1].hash)}


async def test_many_processes_append_to_one_chain(store: Store, second: Opened) -> None:
    await asyncio.gather(*[(store, second[0])[n % 2].append_audit("x", f'"{n}"', n) for n in range(20)])
    assert (await store.heads())[ADMINISTRATORS][0] == 20
    await assert_chains_whole(store)


async def test_events_are_what_was_not_announced_yet(store: Store) -> None:
    one, two = await owner_of(store, "one"), await owner_of(store, "two")
    for _ in range(3):
        await store.commit(one, entry())
    await store.commit(two, entry())
    assert [row.seq for row in await store.events(one.slot, 10)] == [1, 2, 3]
    assert [row.seq for row in await store.events(one.slot, 2)] == [1, 2]
    await store.announced(one.slot, 2)
    await store.announced(one.slot, 1)
    assert [row.seq for row in await store.events(one.slot, 10)] == [3]
    assert [row.chain for row in await store.events(two.slot, 10)] == [two.slot]
    assert await store.events(ADMINISTRATORS, 10) == []


# -- life


async def test_what_was_acknowledged_is_there_after_opening_again(place: Place) -> None:
    async with place.open() as (store, _):
        owner = await owner_of(store)
        entries = [entry(key=f"k{n}") for n in range(10)]
        await asyncio.gather(*[store.commit(owner, new) for new in entries])
        await store.move(owner, change(entries[0], FORWARDING, PUBLISHED))
        await store.announced(owner.slot, 4)
        before = [await store.message(new.message_id) for new in entries]
    async with place.open() as (store, _):
        assert [await store.message(new.message_id) for new in entries] == before
        assert [row.seq for row in await store.events(owner.slot, 1)] == [5]
        assert await store.commit(owner, entry(key="k0")) is not None
        assert await store.commit(owner, entry()) is None
        await assert_chains_whole(store)


async def test_a_store_that_takes_writes_says_so(store: Store) -> None:
    await asyncio.gather(*[store.ping() for _ in range(10)])
    assert await store.heads() == {}


def test_a_lost_lease_is_a_store_that_is_not_available() -> None:
    assert issubclass(LeaseLost, StoreUnavailable)
    assert issubclass(StoreUnavailable, Fault)
