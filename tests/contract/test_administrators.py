"""What is done outside of a gateway process is written in the administrators' chain, which nobody leases."""

from __future__ import annotations

import pytest

from gateway.core.audit import ADMINISTRATORS
from gateway.core.model import MessageState, Outcome
from gateway.core.records import Transition
from gateway.ports import Register, Store
from gateway.review import ADMINISTRATORS as NOBODY
from gateway.review import PERSON, resolve_by_person
from tests.contract.samples import ACCOUNT, TENANT, entry, owner_of
from tests.fakes import FakeClock
from tests.policies import policy


@pytest.fixture(autouse=True)
async def tenant(register: Register) -> None:
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    await register.put_account(TENANT.tenant_id, ACCOUNT, "test", 0)


@pytest.mark.parametrize(
    ("outcome", "forwards", "state"),
    [
        (Outcome.ALLOW, True, MessageState.QUEUED),
        (Outcome.ALLOW, False, MessageState.RELEASED),
        (Outcome.BLOCK, True, MessageState.REJECTED),
    ],
)
async def test_a_person_resolves_a_hold_without_a_lease(
    store: Store, register: Register, outcome: Outcome, forwards: bool, state: MessageState
) -> None:
    held = entry(MessageState.HELD, forwards=forwards)
    await store.commit(await owner_of(store), held)
    stored = await store.message(held.message_id)
    assert stored is not None

    assert await resolve_by_person(store, register, FakeClock(), policy(), stored, outcome, "Ann", "looked at it")

    after = await store.message(held.message_id)
    assert after is not None
    assert after.state is state
    assert (await store.history(held.message_id))[-1].chain == ADMINISTRATORS
    assert [case.decision.rule for _, case in await store.cases(held.message_id)] == ["code", PERSON]


async def test_a_hold_is_resolved_by_one_person_only(store: Store, register: Register) -> None:
    held = entry(MessageState.HELD)
    await store.commit(await owner_of(store), held)
    stored = await store.message(held.message_id)
    assert stored is not None
    clock = FakeClock()

    first = await resolve_by_person(store, register, clock, policy(), stored, Outcome.BLOCK, "Ann", "no")
    second = await resolve_by_person(store, register, clock, policy(), stored, Outcome.ALLOW, "Bob", "yes")

    assert (first, second) == (True, False)
    assert len(await store.history(held.message_id)) == 2


async def test_nobody_takes_a_message_from_the_process_that_forwards_it(store: Store) -> None:
    forwarding = entry(MessageState.FORWARDING)
    await store.commit(await owner_of(store), forwarding)
    change = Transition(forwarding.message_id, MessageState.FORWARDING, MessageState.PUBLISHED, "Ann", "seen", 5)
    assert not await store.move(NOBODY, change)
