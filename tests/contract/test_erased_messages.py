"""What an erasure leaves of a registrant's messages, the same in SQLite and PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.sql import SqlStore, erased_messages, upgrade
from gateway.adapters.sql.erasure import erase
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.core.audit import breaks
from gateway.core.audit_compare import differences
from gateway.core.erasing import ERASED
from gateway.core.erasing import erased_messages as erased_in
from gateway.core.model import Media, Message, MessageState, RegistrantKind, Repost
from gateway.core.personal_acts import Erased, Unkept
from gateway.core.policy import Registration
from gateway.core.records import Entry, Owner, UpstreamAnswer
from gateway.core.registration import By, CreateAccount, Refused
from tests.contract.places import empty
from tests.contract.samples import TENANT, change, entry, owner_of

NOW = 1_800_000_000_000
RULES = Registration()
BY = By("alice", "ticket 7")
CANARY = "canary-zaqxsw"


@pytest.fixture(params=["sqlite", "postgres"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[SqlStore]:
    """Each kind of database, with an account of the registrant r1 and one of r2, and chains that stay whole."""
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    if request.param == "postgres":
        url = request.getfixturevalue("contract_database")
    await upgrade(url)
    if request.param == "postgres":
        await empty(url)
    async with SqlStore.open(url) as store:
        await store.register.put_tenant(TENANT, "hash", "test", NOW)
        registrar = SqlRegistrar(store.database)
        for number in (1, 2):
            await registrar.create_registrant("t1", f"r{number}", RegistrantKind.PERSON, BY, NOW)
            act = CreateAccount(f"acc-{number}", f"r{number}")
            assert not isinstance(await registrar.carry_out("t1", act, BY, RULES, NOW), Refused)
        yield store
        rows = [row async for row in store.audit()]
        assert list(breaks(rows, await store.heads())) == []
        for one in await store.written(limit=100):
            assert list(differences(one, await store.history(one.message_id))) == []
            assert one.is_erased is (one.message_id in erased_in(rows))


def message(account_id: str = "acc-1") -> Message:
    return Message(
        "t1",
        account_id,
        "native",
        (f"{CANARY} title", f"{CANARY} text"),
        "c" * 64,
        media=(Media("image/png", f"https://{CANARY}.example/1.png"), Media("video/mp4", None, "d" * 64)),
        target=f"{CANARY}-room",
        repost_of=Repost(f"https://{CANARY}.example/", CANARY, CANARY, CANARY),
        declared_topic=CANARY,
    )


async def commit(store: SqlStore, owner: Owner, state: MessageState, account_id: str = "acc-1") -> Entry:
    new = entry(state, message=message(account_id))
    assert await store.commit(owner, new) is None
    return new


async def test_nothing_that_was_said_is_left_and_all_that_was_decided_is(
    store: SqlStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(erased_messages, "_SCAN", 3)
    monkeypatch.setattr(erased_messages, "_AT_ONCE", 2)
    owner = await owner_of(store)
    blocked = [await commit(store, owner, MessageState.BLOCKED) for _ in range(7)]
    sent = await commit(store, owner, MessageState.FORWARDING)
    answer = UpstreamAnswer(200, CANARY.encode(), "text/plain")
    assert await store.move(owner, change(sent, MessageState.FORWARDING, MessageState.PUBLISHED, upstream=answer))
    other = await commit(store, owner, MessageState.BLOCKED, "acc-2")
    before = {each.message_id: await store.cases(each.message_id) for each in [*blocked, sent]}

    assert await erase(store.database, "t1", "r1", RULES, BY, NOW, close=True) == Erased(("acc-1",), None, 8)

    for new in [*blocked, sent]:
        left = await store.message(new.message_id)
        assert left is not None
        assert left.message.texts == ("",)
        assert left.message.media == (Media("image/png"), Media("video/mp4"))
        assert (left.message.target, left.message.repost_of, left.message.doubts) == (None, None, (ERASED,))
        assert (left.request.body, left.message.content_hash) == (b"", "c" * 64)
        assert CANARY not in repr(left)
        assert await store.cases(new.message_id) == before[new.message_id]
    theirs = await store.message(other.message_id)
    assert theirs is not None
    assert (theirs.message, theirs.request) == (other.message, other.request)
    assert await erase(store.database, "t1", "r1", RULES, BY, NOW, close=True) is Unkept.REGISTRANT_ERASED


@pytest.mark.parametrize(
    "state", [MessageState.HELD, MessageState.QUEUED, MessageState.FORWARDING, MessageState.UNKNOWN]
)
async def test_messages_that_have_not_ended_keep_a_registrant_from_being_erased(
    store: SqlStore, state: MessageState
) -> None:
    owner = await owner_of(store)
    ended = await commit(store, owner, MessageState.BLOCKED)
    waiting = await commit(store, owner, state)
    await commit(store, owner, state, "acc-2")

    assert await erase(store.database, "t1", "r1", RULES, BY, NOW, close=True) is Unkept.MESSAGES_WAIT

    for new in (ended, waiting):
        left = await store.message(new.message_id)
        assert left is not None
        assert left.message == new.message
    account = await store.register.account("t1", "acc-1")
    assert account is not None
    assert account.state == "active"


async def test_what_came_late_or_was_left_by_an_interruption_is_erased_by_erasing_again(store: SqlStore) -> None:
    owner = await owner_of(store)
    assert await erase(store.database, "t1", "r1", RULES, BY, NOW, close=True) == Erased(("acc-1",), None)
    late = await commit(store, owner, MessageState.BLOCKED)
    assert await erase(store.database, "t1", "r1", RULES, BY, NOW, close=False) == Erased((), None, 1)
    left = await store.message(late.message_id)
    assert left is not None
    assert CANARY not in repr(left)
