"""Whose a credential is, and what a platform's ids stand for: the same in memory, SQLite and PostgreSQL."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.core.records import Entry
from gateway.ports import Credentials, Register, Store
from tests.contract.samples import ACCOUNT, OTHER, TENANT, entry, owner_of

NOW = 1_800_000_000_000


def credentials_of(store: Store) -> Credentials:
    """The same object, seen as the other port."""
    assert isinstance(store, Credentials)
    return store


async def test_a_credential_is_whose_it_was_put_for(store: Store) -> None:
    credentials = credentials_of(store)
    await credentials.put_credential("t1", "matrix", "aa", "bot-1", None)

    assert await credentials.account_by_credential("t1", "matrix", "aa", NOW) == "bot-1"


async def test_a_credential_is_known_to_its_tenant_and_platform_only(store: Store) -> None:
    credentials = credentials_of(store)
    await credentials.put_credential("t1", "matrix", "aa", "bot-1", None)

    for tenant_id, platform, index in (("t2", "matrix", "aa"), ("t1", "slack", "aa"), ("t1", "matrix", "ab")):
        assert await credentials.account_by_credential(tenant_id, platform, index, NOW) is None


async def test_a_credential_is_not_believed_from_its_expiry_on(store: Store) -> None:
    credentials = credentials_of(store)
    await credentials.put_credential("t1", "wechat", "aa", "bot-1", NOW)

    assert await credentials.account_by_credential("t1", "wechat", "aa", NOW - 1) == "bot-1"
    assert await credentials.account_by_credential("t1", "wechat", "aa", NOW) is None


async def test_a_credential_put_again_is_whose_it_was_put_for_last(store: Store) -> None:
    credentials = credentials_of(store)
    await credentials.put_credential("t1", "matrix", "aa", "bot-1", NOW)
    await credentials.put_credential("t1", "matrix", "aa", "bot-2", None)

    assert await credentials.account_by_credential("t1", "matrix", "aa", NOW) == "bot-2"


async def test_an_id_stands_for_every_message_remembered_under_it_oldest_first(store: Store) -> None:
    first, second = await two_messages(store)
    await store.remember("t1", "wechat", ["media-1"], second.message_id)
    await store.remember("t1", "wechat", ["media-1", "media-2"], first.message_id)
    await store.remember("t1", "wechat", ["media-1"], first.message_id)

    assert await store.recall("t1", "wechat", "media-1", "acc-1") == [first.message, second.message]
    assert await store.recall("t1", "wechat", "media-2", "acc-1") == [first.message]


async def test_an_id_is_known_to_its_tenant_platform_and_account_only(store: Store) -> None:
    first, _ = await two_messages(store)
    await store.remember("t1", "wechat", ["media-1"], first.message_id)

    assert await store.recall("t2", "wechat", "media-1", "acc-1") == []
    assert await store.recall("t1", "matrix", "media-1", "acc-1") == []
    assert await store.recall("t1", "wechat", "media-1", "acc-2") == []
    assert await store.recall("t1", "wechat", "media-3", "acc-1") == []


async def test_an_account_is_private_when_it_was_put_so(register: Register) -> None:
    await register.put_tenant(TENANT, "hash", "test", NOW)
    await register.put_tenant(OTHER, "other", "test", NOW)
    await register.put_account("t1", replace(ACCOUNT, private=True), "test", NOW)

    found = await register.account("t1", ACCOUNT.account_id)
    assert found is not None
    assert found.private


async def two_messages(store: Store) -> tuple[Entry, Entry]:
    """Two messages in the store, the first one older."""
    owner = await owner_of(store)
    first, second = entry(at_ms=NOW), entry(at_ms=NOW + 1)
    for one in (first, second):
        await store.commit(owner, one)
    return first, second
