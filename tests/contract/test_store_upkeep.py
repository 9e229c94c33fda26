"""The promises of `gateway.ports.Store` on leases, recovery, claims, audit and events, on each kind of store."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from typing import Any

import orjson
import pytest

from classifiers.contract import Silence, Unanswered
from gateway.adapters.sql.engine import create_engine
from gateway.adapters.sql.reads import unannounced
from gateway.core.audit import ADMINISTRATORS, GENESIS
from gateway.core.model import MessageState, Outcome
from gateway.core.policy import parse_policy
from gateway.core.records import Owner
from gateway.ports import Fault, LeaseLost, Register, Store, StoreUnavailable
from tests.contract.newsroom import Office
from tests.contract.places import Place
from tests.contract.plans import plan_of
from tests.contract.samples import (
    CLEAR,
    FORWARDING,
    HELD,
    OTHER,
    POLICY,
    PUBLISHED,
    QUEUED,
    REJECTED,
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

# -- leases


async def test_slots_are_leased_one_by_one_and_again_when_they_end(store: Store) -> None:
    one = await store.lease("one", 2, 100, 1000)
    two = await store.lease("two", 2, 100, 1000)
    assert one is not None
    assert two is not None
    assert {one.owner.slot, two.owner.slot} == {0, 1}
    assert (one.expires_ms, two.expires_ms) == (1100, 1100)
    await store.end_expired(1099, 100)
    assert await store.lease("three", 2, 100, 1099) is None
    assert await store.holders() == sorted([(one.owner, "one"), (two.owner, "two")], key=lambda pair: pair[0].slot)
    assert await store.renew(two.owner, 100, 1050) is not None
    assert await store.lease("three", 2, 100, 1100) is None, "nobody ended it yet: its owner may be late only"
    await store.end_expired(1100, 100)
    three = await store.lease("three", 2, 100, 1100)
    assert three is not None
    assert three.owner.slot == one.owner.slot
    assert three.owner.epoch > one.owner.epoch
    assert await store.renew(one.owner, 100, 1101) is None
    await store.end_expired(1150, 100)
    assert await store.holders() == [(three.owner, "three")]
    await store.release(three.owner)
    assert await store.holders() == []
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


async def test_a_lease_whose_time_is_over_goes_on_under_its_epoch_unless_somebody_ended_it(store: Store) -> None:
    late = await store.lease("late", 2, 100, 1000)
    assert late is not None
    new = entry()
    assert await store.commit(late.owner, new) is None
    renewed = await store.renew(late.owner, 100, 9000)
    assert renewed is not None
    assert (renewed.owner, renewed.expires_ms) == (late.owner, 9100)
    await store.end_expired(9099, 100)
    assert await store.move(late.owner, change(new, FORWARDING, PUBLISHED))


async def test_a_lease_far_ahead_is_cut_to_the_longest_there_may_be(store: Store) -> None:
    ahead = await store.lease("ahead", 2, 100, 10**12)
    assert ahead is not None
    await store.end_expired(1000, 400)
    assert await store.holders() == [(ahead.owner, "ahead")]
    await store.end_expired(1399, 400)
    assert await store.holders() == [(ahead.owner, "ahead")]
    await store.end_expired(1400, 400)
    assert await store.holders() == []


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
            await store.break_lease(lost)
            assert await store.lease("three", lost.slot + 1, 1, 100_000) is not None
        case "expired":
            assert await store.renew(other, 100_000, 50_000) is not None
            await store.end_expired(100_000, 10**6)
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
    known: dict[str, Any] = {"key": "k", "fingerprint": "f"}
    again, lost = entry(tenant_id="t1", **known), entry(tenant_id="t2", **known)
    stranger, running, held = entry(tenant_id="gone"), entry(tenant_id="t1"), entry(HELD)
    for new in (again, lost, stranger, held):
        await store.commit(dead, new)
    await store.commit(alive, running)
    await store.end_expired(99_999, 10**6)
    assert await store.recover(99_999) == (0, 0)
    assert await store.renew(alive, 100_000, 50_000) is not None
    assert await store.recover(100_000) == (0, 0), "nobody ended its lease yet"
    await store.end_expired(100_000, 10**6)
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


async def test_what_a_client_may_have_been_told_503_about_is_not_sent_again(store: Store, register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    dead = await owner_of(store, "dead")
    keyed, nameless, held = entry(key="k", fingerprint="f"), entry(), entry(HELD)
    for new in (keyed, nameless, held):
        await store.commit(dead, new)
    assert await store.move(dead, change(held, HELD, FORWARDING))
    await store.break_lease(dead)
    assert await store.recover(1) == (2, 1)
    found = [await store.message(new.message_id) for new in (keyed, nameless, held)]
    assert [stored.state for stored in found if stored] == [QUEUED, UNKNOWN, QUEUED]


async def test_a_restarted_process_does_not_own_what_it_forwarded_before(store: Store) -> None:
    before = await owner_of(store, "one")
    new = entry(idempotent=False)
    await store.commit(before, new)
    after = await owner_of(store, "one")
    assert await store.move(after, change(new, FORWARDING, PUBLISHED)) is False
    assert await store.recover(1) == (0, 1)


async def test_orphans_are_settled_once_by_many_at_once(store: Store, second: Opened) -> None:
    dead = await owner_of(store, "dead")
    await asyncio.gather(*[store.commit(dead, entry(idempotent=False)) for _ in range(40)])
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
    [(silence, silence is not Silence.UNSUPPORTED) for silence in Silence],
)
async def test_a_hold_waits_for_some_silences(store: Store, silence: Silence, waits: bool) -> None:
    owner = await owner_of(store)
    assert await store.has_silent_holds() is False
    await store.commit(owner, entry(HELD, case=silent(silence)))
    await store.commit(owner, entry(HELD))
    await store.commit(owner, entry(MessageState.BLOCKED, case=silent(silence)))
    assert await store.has_silent_holds() is bool(waits)
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


async def test_holds_that_were_put_off_are_due_again_together(store: Store) -> None:
    owner = await owner_of(store)
    silent_ones = [entry(HELD, at_ms=n, case=silent(Silence.TIMEOUT)) for n in range(3)]
    failed = entry(HELD, at_ms=5, case=silent(Silence.FAILED))
    for new in (*silent_ones, failed):
        await store.commit(owner, new)
    for _ in range(4):
        assert len(await store.claim_silent_holds(1000, 10_000, 10, early=True)) == 4
    await store.wake_silent_holds(3000)
    assert await store.claim_silent_holds(2999, 10_000, 10) == []
    due = await store.claim_silent_holds(3000, 10_000, 2)
    assert [found.created_ms for found in due] == [0, 1]
    await store.wake_silent_holds(5000)
    due = await store.claim_silent_holds(5000, 10_000, 10)
    assert [found.created_ms for found in due] == [0, 1, 2], "what fails of itself is put off all the same"


async def test_the_hold_that_is_due_soonest_can_be_taken_early(store: Store) -> None:
    owner = await owner_of(store)
    for number in range(3):
        await store.commit(owner, entry(HELD, at_ms=number, case=silent(Silence.TIMEOUT)))
    assert len(await store.claim_silent_holds(1000, 10_000, 3)) == 3
    taken = [await store.claim_silent_holds(1000 + turn, 10_000, 1, early=True) for turn in range(3)]
    assert [[found.created_ms for found in each] for each in taken] == [[0], [1], [2]]


@pytest.mark.parametrize("silence", [Silence.FAILED, Silence.INCOMPLETE])
async def test_what_fails_or_cannot_be_fetched_is_tried_again_five_times(store: Store, silence: Silence) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry(HELD, case=silent(silence)))
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
    assert await store.newest_policy() == policy.text
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


async def test_events_are_read_from_where_announcing_has_got_to(office_url: str, office: Office) -> None:
    """A chain is looked through several times a second, for years."""
    engine = create_engine(office_url, 10.0, pool_size=0)
    async with engine.begin() as connection:
        plan = await plan_of(connection, unannounced(0, 5))
    await engine.dispose()
    assert re.search(r"\bseq ?>", plan.partition("Filter")[0]), plan


async def test_a_row_is_announced_after_the_earlier_ones_about_its_message_in_whatever_chain(store: Store) -> None:
    dead, alive = await owner_of(store, "dead"), await owner_of(store, "alive")
    first, lost = entry(), entry(idempotent=False)
    await store.append_audit("login", "{}", 1)
    await store.commit(dead, first)
    await store.commit(dead, lost)
    await store.break_lease(dead)
    assert await store.recover(2) == (0, 2)
    await store.append_audit("login", "{}", 3)
    again = entry(QUEUED)
    await store.commit(alive, again)

    async def waiting(chain: int, limit: int = 10) -> list[int]:
        return [row.seq for row in await store.events(chain, limit)]

    assert await waiting(ADMINISTRATORS) == [1]
    assert await waiting(ADMINISTRATORS, 1) == [1]
    assert await waiting(alive.slot) == [1]
    assert await waiting(dead.slot) == [1, 2]
    await store.announced(dead.slot, 1)
    recovered = [row.message_id for row in await store.events(ADMINISTRATORS, 10) if row.message_id]
    assert lost.message_id not in recovered
    await store.announced(dead.slot, 2)
    assert await waiting(ADMINISTRATORS) == [1, 2, 3, 4]
    await store.announced(ADMINISTRATORS, 4)
    assert await waiting(ADMINISTRATORS) == []


async def test_a_message_that_goes_from_chain_to_chain_and_back_is_announced_in_order(store: Store) -> None:
    one, two = await owner_of(store, "one"), await owner_of(store, "two")
    new = entry(HELD)
    await store.commit(one, new)
    for owner in (two, one, two):
        assert await store.move(owner, change(new, HELD, HELD))
    order: list[tuple[int, int]] = []
    while len(order) < 4:
        for chain in (two.slot, one.slot):
            rows = await store.events(chain, 10)
            order += [(row.chain, row.seq) for row in rows]
            if rows:
                await store.announced(chain, rows[-1].seq)
    assert order == [(one.slot, 1), (two.slot, 1), (one.slot, 2), (two.slot, 2)]


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
