"""How long the request of a message is kept: until it has ended, or until nobody can appeal against its block any
more."""

from __future__ import annotations

import pytest

from gateway.core.model import APPEALABLE, TERMINAL, MessageState
from gateway.core.records import Entry
from gateway.ports import Store
from tests.contract.samples import FORWARDING, HELD, QUEUED, UNKNOWN, assert_chains_whole, change, entry, owner_of

BLOCKED, REJECTED = MessageState.BLOCKED, MessageState.REJECTED


async def kept(store: Store, of: Entry) -> bytes:
    """The body of a message's request, as it is kept."""
    stored = await store.message(of.message_id)
    assert stored is not None
    assert stored.message == of.message
    return stored.request.body


@pytest.mark.parametrize("state", sorted(TERMINAL - APPEALABLE))
async def test_the_request_of_a_message_that_has_ended_is_erased(store: Store, state: MessageState) -> None:
    owner = await owner_of(store)
    new = entry()
    await store.commit(owner, new)
    assert await kept(store, new) == new.request.body

    assert await store.move(owner, change(new, FORWARDING, state))

    assert await kept(store, new) == b""


async def test_a_message_that_ends_as_it_begins_keeps_no_request(store: Store) -> None:
    new = entry(MessageState.DECIDED)
    await store.commit(await owner_of(store), new)
    assert await kept(store, new) == b""


@pytest.mark.parametrize("state", [QUEUED, UNKNOWN])
async def test_the_request_of_a_message_that_may_still_be_sent_is_kept(store: Store, state: MessageState) -> None:
    owner = await owner_of(store)
    new = entry()
    await store.commit(owner, new)
    assert await store.move(owner, change(new, FORWARDING, state))
    assert await kept(store, new) == new.request.body


@pytest.mark.parametrize("state", sorted(APPEALABLE))
@pytest.mark.parametrize("before", [None, HELD, FORWARDING])
async def test_the_request_of_a_blocked_message_is_kept_for_an_appeal(
    store: Store, before: MessageState | None, state: MessageState
) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry())  # a store may write a batch in another way once it knows the end of its chain
    new = entry(before or state)
    await store.commit(owner, new)
    if before is not None:
        assert await store.move(owner, change(new, before, state))
    assert await kept(store, new) == new.request.body


@pytest.mark.parametrize("before", [None, HELD, FORWARDING])
async def test_an_app_that_forwards_by_itself_has_its_own(store: Store, before: MessageState | None) -> None:
    owner = await owner_of(store)
    await store.commit(owner, entry())
    new = entry(before or BLOCKED, forwards=False)
    await store.commit(owner, new)
    if before is not None:
        assert await kept(store, new) == new.request.body
        assert await store.move(owner, change(new, before, REJECTED))
    assert await kept(store, new) == b""


async def test_requests_are_forgotten_oldest_first_when_their_time_is_over(store: Store) -> None:
    owner = await owner_of(store)
    blocked = [entry(BLOCKED, at_ms) for at_ms in (30, 10, 20)]
    held, late = entry(HELD, 5), entry(HELD, 1)
    for new in (*blocked, held, late):
        await store.commit(owner, new)
    assert await store.move(owner, change(late, HELD, REJECTED, 40))  # its time begins when it was rejected

    assert await store.forget_requests(9, 100) == 0
    assert await store.forget_requests(30, 2) == 2
    assert [await kept(store, new) == b"" for new in (*blocked, held, late)] == [False, True, True, False, False]
    assert await store.forget_requests(30, 2) == 1
    assert await store.forget_requests(39, 2) == 0
    assert await store.forget_requests(40, 2) == 1
    assert await store.forget_requests(1_000, 2) == 0
    assert await kept(store, held) == held.request.body
    await assert_chains_whole(store)
