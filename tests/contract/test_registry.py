"""The promises of `gateway.ports.Registry` and `Register`, kept in memory, in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from msgspec.structs import replace

from gateway.core.audit import ADMINISTRATORS, breaks
from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    NewsAuthorisation,
    NewsKind,
    RegistrantKind,
    Sanction,
    VerificationState,
)
from gateway.core.model import Registrant as Person
from gateway.core.records import Tenant
from gateway.ports import EVERYTHING, Register, RegistrantErased, RegistrantShared, Store, StoreUnavailable
from tests.contract.places import Place
from tests.contract.samples import ACCOUNT, OTHER, TENANT

RICH = Account(
    "acc-2",
    AccountState.SUSPENDED,
    Person("reg-2", RegistrantKind.PERSON, VerificationState.REVIEW),
    (
        NewsAuthorisation("b", NewsKind.REPUBLISH, 5, 10, active=False),
        NewsAuthorisation("a", NewsKind.HOST, 1, 2**53),
    ),
    (Sanction(Degree.SUSPEND, 10), Sanction(Degree.WARN, 1, 2), Sanction(Degree.WARN, 1, 2)),
)
BARE = Account("acc-3", AccountState.ACTIVE)


async def test_a_tenant_is_found_by_each_of_its_keys(register: Register) -> None:
    assert await register.tenant_by_key("h1") is None
    assert await register.tenant("t1") is None
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(TENANT, "h2", "Ann", 0)
    await register.put_tenant(OTHER, "h3", "Ann", 0)
    assert [await register.tenant_by_key(key) for key in ("h1", "h2", "h3")] == [TENANT, TENANT, OTHER]
    assert await register.tenant("t2") == OTHER


async def test_a_tenant_put_without_a_key_keeps_its_keys(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(replace(TENANT, name="New name"), None, "Ann", 1)
    assert await register.keys("t1") == ["h1"]
    assert await register.tenant_by_key("h1") == replace(TENANT, name="New name")
    assert await register.changes(1) == (2, [("t1", "")])


async def test_the_newest_tenant_stands(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    changed = Tenant("t1", "New name", "https://new.example", upstream_idempotent=False, upstream_token_env="TOKEN")
    await register.put_tenant(changed, "h1", "Ann", 1)
    assert await register.tenant_by_key("h1") == changed
    await register.put_tenant(OTHER, "h1", "Ann", 2)
    assert await register.tenant_by_key("h1") == OTHER


@pytest.mark.parametrize("account", [ACCOUNT, RICH, BARE])
async def test_an_account_reads_back_whole(register: Register, account: Account) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    assert await register.account("t1", account.account_id) is None
    await register.put_account("t1", account, "Ann", 0)
    assert await register.account("t1", account.account_id) == account


async def test_the_newest_account_stands(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    for account in (replace(RICH, account_id="acc-1"), ACCOUNT, replace(BARE, account_id="acc-1"), ACCOUNT):
        await register.put_account("t1", account, "Ann", 0)
        assert await register.account("t1", "acc-1") == account


async def test_an_account_needs_its_tenant(register: Register) -> None:
    with pytest.raises(StoreUnavailable):
        await register.put_account("t1", ACCOUNT, "Ann", 0)
    assert await register.account("t1", "acc-1") is None
    assert await register.changes(0) == (0, [])


async def test_accounts_belong_to_their_tenant(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(OTHER, "h2", "Ann", 0)
    theirs = replace(RICH, account_id="acc-1")
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    await register.put_account("t2", theirs, "Ann", 0)
    await register.put_account("t2", RICH, "Ann", 0)
    assert await register.account("t1", "acc-1") == ACCOUNT
    assert await register.account("t2", "acc-1") == theirs
    assert await register.account("t1", "acc-2") is None


async def test_accounts_are_listed_by_id_in_pages(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(OTHER, "h2", "Ann", 0)
    names = ["a", "B", "b", "é", "aa"]
    for name in names:
        await register.put_account("t1", replace(RICH, account_id=name), "Ann", 0)
    await register.put_account("t2", replace(RICH, account_id="c"), "Ann", 0)
    first = await register.accounts("t1", "", 3)
    rest = await register.accounts("t1", first[-1].account_id, 3)
    assert [account.account_id for account in first + rest] == sorted(names)
    assert first[0] == replace(RICH, account_id="B")


async def test_changes_are_numbered_and_told_since_a_number(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    assert await register.changes(0) == (2, [("t1", ""), ("t1", "acc-1")])
    assert await register.changes(1) == (2, [("t1", "acc-1")])
    assert await register.changes(2) == (2, [])
    await register.put_account("t1", RICH, "Ann", 0)
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    assert await register.changes(1) == (4, [("t1", "acc-1"), ("t1", "acc-2"), ("t1", "")])
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    assert await register.changes(4) == (5, [("t1", "acc-1")])


async def test_few_changes_are_named_and_many_are_not(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("memory.registry", "sql.registry"):
        monkeypatch.setattr(f"gateway.adapters.{module}.CHANGES", 3)
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    for name in ("a", "b"):
        await register.put_account("t1", replace(BARE, account_id=name), "Ann", 0)
    assert await register.changes(0) == (3, [("t1", ""), ("t1", "a"), ("t1", "b")])
    await register.put_account("t1", replace(BARE, account_id="c"), "Ann", 0)
    assert await register.changes(0) == (4, [EVERYTHING])
    assert await register.changes(1) == (4, [("t1", "a"), ("t1", "b"), ("t1", "c")])


async def test_a_registrant_changes_for_all_accounts_and_no_other_tenant(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(OTHER, "h2", "Ann", 0)
    twin = replace(BARE, registrant=ACCOUNT.registrant)
    for tenant_id, account in (("t1", twin), ("t1", RICH), ("t2", ACCOUNT), ("t1", ACCOUNT)):
        await register.put_account(tenant_id, account, "Ann", 0)
    before, _ = await register.changes(0)
    assert ACCOUNT.registrant is not None
    declined = replace(ACCOUNT.registrant, state=VerificationState.DECLINED, framework=None)
    with pytest.raises(RegistrantShared, match=r"'reg-1' stands behind account 'acc-3' too"):
        await register.put_account("t1", replace(ACCOUNT, registrant=declined), "Ann", 0)
    assert (await register.changes(0))[0] == before
    assert await register.account("t1", "acc-3") == twin
    assert await register.put_registrant("t1", declined, "Ann", 0) == ["acc-1", "acc-3"]
    now, changed = await register.changes(before)
    assert now == before + 1
    assert sorted(changed) == [("t1", "acc-1"), ("t1", "acc-3")]
    assert await register.account("t1", "acc-3") == replace(twin, registrant=declined)
    assert await register.account("t2", "acc-1") == ACCOUNT
    assert await register.account("t1", "acc-2") == RICH


async def test_a_registrant_of_one_account_is_changed_with_it(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    assert ACCOUNT.registrant is not None
    declined = replace(ACCOUNT.registrant, state=VerificationState.DECLINED)
    changed = replace(ACCOUNT, registrant=declined)
    await register.put_account("t1", changed, "Ann", 0)
    assert await register.account("t1", "acc-1") == changed
    with pytest.raises(RegistrantShared):
        await register.put_account("t1", replace(BARE, registrant=ACCOUNT.registrant), "Ann", 0)
    assert await register.account("t1", "acc-3") is None


async def test_a_registrant_that_is_not_there_is_not_changed(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    assert ACCOUNT.registrant is not None
    with pytest.raises(StoreUnavailable, match="no registrant"):
        await register.put_registrant("t1", ACCOUNT.registrant, "Ann", 0)
    assert await register.changes(0) == (1, [("t1", "")])


async def test_tenants_and_their_keys_are_listed(register: Register) -> None:
    assert await register.tenants() == []
    await register.put_tenant(OTHER, "h3", "Ann", 0)
    await register.put_tenant(TENANT, "h2", "Ann", 0)
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    assert await register.tenants() == [TENANT, OTHER]
    assert [await register.keys(name) for name in ("t1", "t2", "t3")] == [["h1", "h2"], ["h3"], []]


async def test_a_revoked_key_calls_for_nobody_and_is_told_as_a_change(store: Store, register: Register) -> None:
    for key in ("a" * 64, "b" * 64):
        await register.put_tenant(TENANT, key, "Ann", 0)
    before, _ = await register.changes(0)
    assert await register.revoke_key("t2", "a" * 64, "Ann", 1) is False
    assert await register.revoke_key("t1", "a" * 64, "Ann", 1) is True
    assert await register.revoke_key("t1", "a" * 64, "Ann", 1) is False
    assert await register.tenant_by_key("a" * 64) is None
    assert await register.tenant_by_key("b" * 64) == TENANT
    assert await register.changes(before) == (before + 1, [("t1", "")])
    *_, last = [row async for row in store.audit()]
    assert orjson.loads(last.body) == {
        "actor": "Ann",
        "change": before + 1,
        "tenant_id": "t1",
        "revoked_key": "a" * 12,
    }


async def test_a_registrant_s_change_is_audited_without_its_id(store: Store, register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    assert ACCOUNT.registrant is not None
    await register.put_registrant("t1", ACCOUNT.registrant, "Bob", 9)
    *_, last = [row async for row in store.audit()]
    body = orjson.loads(last.body)
    assert (last.at_ms, body["actor"], body["accounts"]) == (9, "Bob", ["acc-1"])
    assert body["registrant"]["state"] == "verified"
    assert "reg-1" not in last.body


async def test_every_write_is_audited_without_the_person(store: Store, register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 7)
    await register.put_account("t1", ACCOUNT, "Bob", 8)
    rows = [row async for row in store.audit()]
    assert [(row.chain, row.seq, row.at_ms, row.kind, row.message_id) for row in rows] == [
        (ADMINISTRATORS, 1, 7, "registry", ""),
        (ADMINISTRATORS, 2, 8, "registry", ""),
    ]
    first, then = [orjson.loads(row.body) for row in rows]
    assert (first["actor"], first["tenant_id"], first["upstream_url"]) == ("Ann", "t1", TENANT.upstream_url)
    assert (then["actor"], then["account_id"], then["account"]["state"]) == ("Bob", "acc-1", "active")
    assert "h1" not in rows[0].body
    assert "reg-1" not in rows[1].body
    assert list(breaks(rows, await store.heads())) == []


async def test_writers_at_once_take_numbers_one_by_one(
    store: Store, register: Register, second: tuple[Store, Register]
) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    registers = (register, second[1])
    await asyncio.gather(
        *[registers[n % 2].put_account("t1", replace(ACCOUNT, account_id=f"acc-{n % 5}"), "Ann", n) for n in range(20)]
    )
    newest, changed = await register.changes(0)
    assert newest == 21
    assert {account_id for _, account_id in changed} == {"", *[f"acc-{n}" for n in range(5)]}
    assert (await store.heads())[ADMINISTRATORS][0] == 21


async def test_the_registry_is_there_after_opening_again(place: Place) -> None:
    async with place.open() as (_, register):
        await register.put_tenant(TENANT, "h1", "Ann", 0)
        await register.put_account("t1", RICH, "Ann", 0)
    async with place.open() as (_, register):
        assert await register.tenant_by_key("h1") == TENANT
        assert await register.account("t1", "acc-2") == RICH
        assert (await register.changes(0))[0] == 2


async def test_an_erased_registrant_does_not_come_back(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    gone = Person("reg-9", RegistrantKind.PERSON, VerificationState.REDACTED)
    back = replace(gone, state=VerificationState.VERIFIED, framework="eidas", level="high")
    await register.put_account("t1", Account("acc-9", AccountState.CLOSED, gone), "Ann", 0)
    before, _ = await register.changes(0)

    with pytest.raises(RegistrantErased):
        await register.put_registrant("t1", back, "Ann", 0)
    with pytest.raises(RegistrantErased):
        await register.put_account("t1", Account("acc-9", AccountState.ACTIVE, back), "Ann", 0)

    assert await register.account("t1", "acc-9") == Account("acc-9", AccountState.CLOSED, gone)
    assert await register.changes(before) == (before, [])
    await register.put_account("t1", Account("acc-9", AccountState.CLOSED, gone, private=True), "Ann", 0)


async def test_many_look_ups_at_once_are_each_answered_their_own(register: Register) -> None:
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    await register.put_tenant(OTHER, "h2", "Ann", 0)
    for account in (ACCOUNT, RICH, BARE):
        await register.put_account("t1", account, "Ann", 0)
    await register.put_account("t2", BARE, "Ann", 0)
    wanted = [
        ("t1", "acc-1"),
        ("t2", "acc-1"),
        ("t1", "acc-2"),
        ("t1", "nobody"),
        ("t2", "acc-3"),
        ("t1", "acc-3"),
    ] * 150
    found = await asyncio.gather(*[register.account(*whose) for whose in wanted])
    assert found == [ACCOUNT, None, RICH, None, BARE, BARE] * 150
