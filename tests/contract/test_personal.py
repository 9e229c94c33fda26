"""Registrants' personal data: kept, told, found and erased, the same in SQLite and PostgreSQL."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from msgspec.structs import replace
from sqlalchemy import insert, select, update

from gateway.adapters.key_file import LOOK_SECONDS, add_key, drop_key, new_keys, read
from gateway.adapters.keys import mark_of
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import SqlStore, upgrade
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.adapters.sql.tables_register import bars, personal, personal_index, verifications
from gateway.core.audit import breaks, subject
from gateway.core.model import AccountState, Degree, RegistrantKind, Sanction, VerificationState
from gateway.core.personal_acts import Erased, Kept, Unkept
from gateway.core.policy import Registration
from gateway.core.registration import By, CloseAccount, CreateAccount, Refused
from gateway.ports import Fault, OtherIndexKey, Personal, Rewrapped, Unopened
from tests.contract.places import empty
from tests.contract.samples import OTHER, TENANT

NOW = 1_800_000_000_000
RULES = Registration()
BY = By("alice", "ticket 7")
PERSON = {"legal_name": "Canary Zaqxsw", "id_number": "11010519491231002X", "address": "1 Example Street"}
NAMESAKE = {name: value for name, value in PERSON.items() if name != "id_number"}


@dataclass
class Site:
    """A database with two tenants and the registrants r1 and r2, and the key file."""

    store: SqlStore
    personal: Personal
    registrar: SqlRegistrar
    keys: PersonalKeys
    file: Path
    seconds: list[float]

    async def account(self, account_id: str, registrant_id: str = "r1") -> None:
        """An active account."""
        act = CreateAccount(account_id, registrant_id, name=f"Account {account_id}")
        assert not isinstance(await self.registrar.carry_out("t1", act, BY, RULES, NOW), Refused)

    async def verified(self, verification_id: str = "v1", registrant_id: str = "r1") -> None:
        """A verification that stands."""
        row = {
            "tenant_id": "t1",
            "verification_id": verification_id,
            "registrant_id": registrant_id,
            "provider": "manual",
            "reference": f"ref-{verification_id}",
            "state": "verified",
            "framework": "eidas",
            "level": "high",
            "created_ms": NOW,
            "event_ms": NOW,
            "verdicts": "[]",
        }
        async with self.store.database.writing("test") as connection:
            await connection.execute(insert(verifications), row)
        registrant = await self.registrar.registrant("t1", registrant_id)
        assert registrant is not None
        proven = replace(registrant, state=VerificationState.VERIFIED, framework="eidas", level="high")
        await self.store.register.put_registrant("t1", proven, "test", NOW)

    async def states(self) -> list[tuple[str, str | None]]:
        """State and reference of every verification."""
        wanted = select(verifications.c.state, verifications.c.reference).order_by(verifications.c.verification_id)
        async with self.store.database.reading("test") as connection:
            return [(row[0], row[1]) for row in await connection.execute(wanted)]

    async def row(self, registrant_id: str = "r1") -> tuple[bytes, bytes]:
        """What is kept of a registrant."""
        wanted = select(personal.c.wrapped, personal.c.fields).where(personal.c.registrant_id == registrant_id)
        async with self.store.database.reading("test") as connection:
            [row] = (await connection.execute(wanted)).all()
        return row[0], row[1]

    async def acts(self, registrant_id: str = "r1") -> list[dict[str, object]]:
        """The bodies of a registrant's history."""
        rows = await self.registrar.history("t1", subject("registrant", registrant_id), 0, 100)
        return [json.loads(row.body) for row in rows]


@pytest.fixture(params=["sqlite", "postgres"])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    """Each kind of database."""
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    if request.param == "postgres":
        url = request.getfixturevalue("contract_database")
    await upgrade(url)
    if request.param == "postgres":
        await empty(url)
    new_keys(tmp_path / "keys.json")
    seconds = [0.0]
    keys = PersonalKeys(FileMasterKey(tmp_path / "keys.json", lambda: seconds[0]))
    async with SqlStore.open(url) as store:
        await store.register.put_tenant(TENANT, "hash", "test", NOW)
        await store.register.put_tenant(OTHER, "other", "test", NOW)
        registrar = SqlRegistrar(store.database)
        for registrant_id in ("r1", "r2"):
            await registrar.create_registrant("t1", registrant_id, RegistrantKind.PERSON, BY, NOW)
        yield Site(store, SqlPersonal(store.database, keys), registrar, keys, tmp_path / "keys.json", seconds)
        assert list(breaks([row async for row in store.audit()], await store.heads())) == []


async def test_what_was_put_is_told_for_a_reason_and_on_record(site: Site) -> None:
    assert await site.personal.put("t1", "r1", PERSON, BY, NOW) == Kept(restarted=False)

    assert await site.personal.held("t1", "r1") == ["address", "id_number", "legal_name"]
    assert await site.personal.reveal("t1", "r1", None, BY, NOW) == PERSON
    assert await site.personal.reveal("t1", "r1", ["address", "email"], BY, NOW) == {"address": PERSON["address"]}
    acts = await site.acts()
    assert [(act["act"], act.get("fields")) for act in acts[1:]] == [
        ("PutPersonal", ["address", "id_number", "legal_name"]),
        ("RevealPersonal", ["address", "id_number", "legal_name"]),
        ("RevealPersonal", ["address"]),
    ]
    assert {(act["actor"], act["reason"]) for act in acts} == {("alice", "ticket 7")}


async def test_what_is_put_replaces_all_that_was_kept(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    before = await site.row()
    await site.personal.put("t1", "r1", {"legal_name": "Example"}, BY, NOW)

    assert await site.personal.reveal("t1", "r1", None, BY, NOW) == {"legal_name": "Example"}
    assert await site.personal.find("t1", "id_number", PERSON["id_number"], BY, NOW) == []
    assert (await site.row())[0] != before[0], "a new key"


@pytest.mark.parametrize("reason", ["", "  "])
async def test_without_a_reason_nothing_is_told(site: Site, reason: str) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)

    for answer in (
        await site.personal.reveal("t1", "r1", None, By("alice", reason), NOW),
        await site.personal.find("t1", "legal_name", PERSON["legal_name"], By("alice", reason), NOW),
        await site.personal.erase("t1", "r1", RULES, By("alice", reason), NOW, close=True),
    ):
        assert answer is Unkept.REASON_MISSING


@pytest.mark.parametrize("reason", ["asks canary-ZAQXSW", "no. 110105 19491231 002x", "lives at 1 example street"])
async def test_a_reason_with_personal_data_in_it_is_refused(site: Site, reason: str) -> None:
    assert await site.personal.put("t1", "r1", PERSON, By("alice", reason), NOW) is Unkept.REASON_QUOTES
    await site.personal.put("t1", "r1", PERSON, BY, NOW)

    assert await site.personal.reveal("t1", "r1", ["address"], By("alice", reason), NOW) is Unkept.REASON_QUOTES
    erased = await site.personal.erase("t1", "r1", RULES, By("alice", reason), NOW, close=True)
    assert erased is Unkept.REASON_QUOTES
    assert await site.personal.held("t1", "r1") != []
    found = await site.personal.find("t1", "legal_name", reason, By("alice", reason), NOW)
    assert found is Unkept.REASON_QUOTES


async def test_what_is_not_there_cannot_be_told(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)

    assert await site.personal.reveal("t1", "r2", None, BY, NOW) is Unkept.NOTHING_KEPT
    assert await site.personal.reveal("t2", "r1", None, BY, NOW) is Unkept.NOTHING_KEPT
    assert await site.personal.held("t2", "r1") == []
    assert await site.personal.put("t1", "r3", PERSON, BY, NOW) is Unkept.REGISTRANT_UNKNOWN
    assert await site.personal.put("t2", "r1", PERSON, BY, NOW) is Unkept.REGISTRANT_UNKNOWN
    assert await site.personal.erase("t2", "r1", RULES, BY, NOW, close=True) is Unkept.REGISTRANT_UNKNOWN


async def test_registrants_are_found_however_it_is_spelt_by_their_own_tenant(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.put("t1", "r2", {"legal_name": "canary zaqxsw"}, BY, NOW)

    assert await site.personal.find("t1", "legal_name", " CANARY-Zaqxsw.", BY, NOW) == ["r1", "r2"]
    assert await site.personal.find("t1", "legal_name", "Canary Zaqxsw", BY, NOW, limit=1) == ["r1"]
    assert await site.personal.find("t1", "id_number", "11010519491231002x", BY, NOW) == ["r1"]
    assert await site.personal.find("t1", "legal_name", "Canary", BY, NOW) == []
    assert await site.personal.find("t2", "legal_name", "Canary Zaqxsw", BY, NOW) == []
    assert [act["act"] for act in await site.acts("r2")][-1] == "FindRegistrant"


async def test_nothing_in_the_clear_is_written(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.find("t1", "legal_name", PERSON["legal_name"], BY, NOW)
    await site.personal.reveal("t1", "r1", None, BY, NOW)
    async with site.store.database.reading("test") as connection:
        rows = [
            str(tuple(row))
            for table in (personal, personal_index, bars)
            for row in (await connection.execute(select(table))).all()
        ]
    rows += [row.body async for row in site.store.audit()]

    assert len(rows) > 5
    for value in PERSON.values():
        assert not any(value.lower() in row.lower() for row in rows)


async def test_a_change_of_what_is_proven_starts_verification_again(site: Site) -> None:
    await site.account("a1")
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.verified()
    before, _ = await site.store.register.changes(0)

    assert await site.personal.put("t1", "r1", {**PERSON, "address": "2"}, BY, NOW) == Kept(restarted=False)
    assert await site.personal.put("t1", "r1", {**PERSON, "legal_name": "CANARY zaqxsw"}, BY, NOW) == Kept(
        restarted=False
    )
    assert await site.states() == [("verified", "ref-v1")]
    assert await site.personal.put("t1", "r1", {**PERSON, "legal_name": "Example"}, BY, NOW) == Kept(restarted=True)

    assert await site.states() == [("canceled", "ref-v1")]
    registrant = await site.registrar.registrant("t1", "r1")
    assert registrant is not None
    assert (registrant.state, registrant.framework, registrant.level) == (VerificationState.CANCELED, None, None)
    assert ("t1", "a1") in (await site.store.register.changes(before))[1], "every cache drops its accounts"


async def test_claims_are_kept_beside_the_rest_and_restart_nothing(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.verified()

    assert await site.personal.put_claims("t1", "r1", '{"claims": {}}', BY, NOW) == Kept(restarted=False)
    assert await site.personal.put_claims("t1", "r2", '{"claims": {}}', BY, NOW) == Kept(restarted=False)

    assert await site.personal.reveal("t1", "r1", None, BY, NOW) == {**PERSON, "claims": '{"claims": {}}'}
    assert await site.personal.find("t1", "id_number", PERSON["id_number"], BY, NOW) == ["r1"]
    assert await site.states() == [("verified", "ref-v1")]


async def test_erasing_leaves_nothing_that_opens(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.put("t1", "r2", NAMESAKE, BY, NOW)
    await site.verified()
    _, fields = await site.row()
    other, _ = await site.row("r2")

    assert await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False) == Erased((), None)

    assert await site.personal.held("t1", "r1") == []
    assert await site.personal.reveal("t1", "r1", None, BY, NOW) is Unkept.NOTHING_KEPT
    assert await site.personal.find("t1", "id_number", PERSON["id_number"], BY, NOW) == []
    assert await site.personal.find("t1", "legal_name", PERSON["legal_name"], BY, NOW) == ["r2"]
    assert await site.states() == [("redacted", None)]
    registrant = await site.registrar.registrant("t1", "r1")
    assert registrant is not None
    assert registrant.state is VerificationState.REDACTED
    with pytest.raises(Fault):  # the sealed fields, the master key, and every other registrant's key in hand
        await site.keys.open("t1", "r1", other, fields)
    with pytest.raises(Fault):
        await site.keys.open("t1", "r2", other, fields)
    assert await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False) is Unkept.REGISTRANT_ERASED
    assert await site.personal.put("t1", "r1", PERSON, BY, NOW) is Unkept.REGISTRANT_ERASED
    assert not await site.registrar.create_registrant("t1", "r1", RegistrantKind.PERSON, BY, NOW)
    assert (await site.acts())[-1]["act"] == "EraseRegistrant"


async def test_a_copy_from_before_the_erasure_does_not_open_once_its_master_key_is_gone(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.put("t1", "r2", NAMESAKE, BY, NOW)
    copy = await site.row()
    [first] = read(site.file).seal
    await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False)
    assert await site.keys.open("t1", "r1", *copy) == PERSON

    add_key(site.file)
    site.seconds[0] += LOOK_SECONDS
    assert await site.personal.wrapped_under(mark_of(first))
    assert await site.personal.rewrap(("", ""), 10) == Rewrapped(1, None)
    assert not await site.personal.wrapped_under(mark_of(first))
    drop_key(site.file, first)
    site.seconds[0] += LOOK_SECONDS

    assert await site.personal.reveal("t1", "r2", None, BY, NOW) == NAMESAKE
    with pytest.raises(Fault, match=first):
        await site.keys.open("t1", "r1", *copy)


async def test_a_registrant_with_open_accounts_is_erased_only_with_them(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.account("a1")
    await site.account("a2")
    await site.registrar.carry_out("t1", CloseAccount("a2"), BY, RULES, NOW)

    assert await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False) is Unkept.ACCOUNTS_OPEN
    assert await site.personal.held("t1", "r1") != []
    before, _ = await site.store.register.changes(0)
    erased = await site.personal.erase("t1", "r1", RULES, BY, NOW, close=True)

    until = NOW + RULES.erased_days * 86_400_000
    assert erased == Erased(("a1",), until)
    account = await site.store.register.account("t1", "a1")
    assert account is not None
    assert account.state is AccountState.CLOSED
    assert set((await site.store.register.changes(before))[1]) >= {("t1", "a1"), ("t1", "a2")}
    taken = await site.registrar.carry_out("t1", CreateAccount("a3", "r2", name="ACCOUNT a1"), BY, RULES, NOW)
    assert taken is Refused.NAME_BARRED


@pytest.mark.parametrize(
    ("held_against", "marked"), [("nothing", False), ("closed", True), ("suspended", True), ("sanction", True)]
)
async def test_what_is_held_against_a_registrant_outlives_its_erasure(
    site: Site, held_against: str, marked: bool
) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.account("a1")
    account = await site.store.register.account("t1", "a1")
    assert account is not None
    match held_against:
        case "closed":
            account = replace(account, state=AccountState.CLOSED)
        case "suspended":
            account = replace(account, state=AccountState.SUSPENDED)
        case "sanction":
            account = replace(account, sanctions=(Sanction(Degree.RESTRICT, NOW - 1, NOW + 1),))
    await site.store.register.put_account("t1", account, "test", NOW)

    erased = await site.personal.erase("t1", "r1", RULES, BY, NOW, close=True)

    assert isinstance(erased, Erased)
    until = erased.barred_until_ms
    assert (until is not None) is marked
    again = {"legal_name": "Somebody Else", "id_number": "110105 19491231 002x"}
    if until is None:
        assert await site.personal.put("t1", "r2", again, BY, NOW) == Kept(restarted=False)
        return
    assert await site.personal.put("t1", "r2", again, BY, until - 1) is Unkept.REGISTRANT_BARRED
    assert await site.personal.held("t1", "r2") == []
    assert await site.personal.put("t1", "r2", again, BY, until) == Kept(restarted=False)


async def test_a_barred_registrant_may_still_change_its_address(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.account("a1")
    await site.registrar.carry_out("t1", CloseAccount("a1", violation=True), BY, RULES, NOW)

    assert await site.personal.put("t1", "r1", {**PERSON, "address": "2"}, BY, NOW) == Kept(restarted=False)
    assert await site.personal.put("t1", "r2", PERSON, BY, NOW) is Unkept.REGISTRANT_BARRED


async def test_one_identifier_is_one_registrants_in_a_tenant(site: Site) -> None:
    await site.registrar.create_registrant("t2", "p1", RegistrantKind.PERSON, BY, NOW)
    await site.personal.put("t1", "r1", PERSON, BY, NOW)

    assert await site.personal.put("t1", "r2", {**PERSON, "legal_name": "Else"}, BY, NOW) is Unkept.IDENTIFIER_TAKEN
    assert await site.personal.held("t1", "r2") == []
    assert await site.personal.put("t2", "p1", PERSON, BY, NOW) == Kept(restarted=False)
    assert await site.personal.put("t1", "r1", NAMESAKE, BY, NOW) == Kept(restarted=True)
    assert await site.personal.put("t1", "r2", PERSON, BY, NOW) == Kept(restarted=False)


async def test_rewrapping_goes_in_pages_and_may_begin_again(site: Site) -> None:
    for number in range(5):
        await site.registrar.create_registrant("t2", f"p{number}", RegistrantKind.PERSON, BY, NOW)
        await site.personal.put("t2", f"p{number}", NAMESAKE, BY, NOW)
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    add_key(site.file)
    site.seconds[0] += LOOK_SECONDS

    assert await site.personal.rewrap(("", ""), 4) == Rewrapped(4, ("t2", "p2"))
    assert await site.personal.rewrap(("", ""), 4) == Rewrapped(0, ("t2", "p2"))
    assert await site.personal.rewrap(("t2", "p2"), 4) == Rewrapped(2, None)
    assert await site.personal.rewrap(("", ""), 100) == Rewrapped(0, None)
    assert await site.personal.reveal("t2", "p4", None, BY, NOW) == NAMESAKE


async def test_a_row_that_no_key_opens_stops_no_other(site: Site) -> None:
    for registrant_id in ("r1", "r2"):
        await site.personal.put("t1", registrant_id, NAMESAKE, BY, NOW)
    foreign = site.file.with_name("foreign.json")
    new_keys(foreign)
    [sealed] = await PersonalKeys(FileMasterKey(foreign)).seal("t1", [("r1", NAMESAKE)])
    mine = personal.c.registrant_id == "r1"
    async with site.store.database.writing("test") as connection:
        await connection.execute(update(personal).where(mine).values(wrapped=sealed.wrapped))
    add_key(site.file)
    site.seconds[0] += LOOK_SECONDS

    assert await site.personal.rewrap(("", ""), 10) == Rewrapped(1, None, (("t1", "r1"),))
    assert (await site.row())[0] == sealed.wrapped
    with pytest.raises(Unopened, match="no key here opens what is kept of 'r1'"):
        await site.personal.reveal("t1", "r1", None, BY, NOW)
    assert await site.personal.reveal("t1", "r2", None, BY, NOW) == NAMESAKE


async def test_personal_data_is_kept_and_sought_under_one_index_key(site: Site) -> None:
    other = site.file.with_name("other.json")
    new_keys(other)
    wrong = SqlPersonal(site.store.database, PersonalKeys(FileMasterKey(other)))
    assert await wrong.find("t1", "legal_name", "Nobody", BY, NOW) == [], "nothing is kept yet"
    assert await wrong.put("t1", "r3", PERSON, BY, NOW) is Unkept.REGISTRANT_UNKNOWN, "which keeps nothing"
    await site.personal.put("t1", "r1", PERSON, BY, NOW)

    async def refused(again: SqlPersonal) -> None:
        for act in (
            again.put("t1", "r2", PERSON, BY, NOW),
            again.put("t1", "r1", PERSON, BY, NOW),
            again.register("t1", "r3", RegistrantKind.PERSON, PERSON, BY, NOW),
            again.put_claims("t1", "r2", "{}", BY, NOW),
            again.find("t1", "legal_name", PERSON["legal_name"], BY, NOW),
            again.reveal("t1", "r1", None, BY, NOW),
            again.rewrap(("", ""), 10),
        ):
            with pytest.raises(OtherIndexKey, match="GATEWAY_KEYS_FILE, or GATEWAY_KMS__URL"):
                await act

    acts = await site.acts()
    await refused(wrong)
    await refused(SqlPersonal(site.store.database, PersonalKeys(FileMasterKey(other))))
    assert await site.acts() == acts
    assert await site.personal.held("t1", "r2") == []
    assert await SqlPersonal(site.store.database, site.keys).reveal("t1", "r1", None, BY, NOW) == PERSON
    assert await wrong.erase("t1", "r1", RULES, BY, NOW, close=False) == Erased((), None)


async def test_another_index_key_may_begin_once_no_digest_is_left(site: Site) -> None:
    other = site.file.with_name("other.json")
    new_keys(other)
    lost = SqlPersonal(site.store.database, PersonalKeys(FileMasterKey(other)))
    await site.registrar.create_registrant("t2", "p1", RegistrantKind.PERSON, BY, NOW)
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False)

    assert await lost.put("t1", "r2", PERSON, BY, NOW) == Kept(restarted=False)
    with pytest.raises(OtherIndexKey):
        await site.personal.put("t2", "p1", PERSON, BY, NOW)

    await site.account("a1", "r2")
    await site.registrar.carry_out("t1", CloseAccount("a1"), BY, RULES, NOW)
    await lost.erase("t1", "r2", RULES, BY, NOW, close=False)
    with pytest.raises(OtherIndexKey):  # it would not meet the bar
        await site.personal.put("t2", "p1", PERSON, BY, NOW)


@pytest.mark.parametrize("site", ["sqlite"], indirect=True)
async def test_a_sqlite_file_has_nothing_left_of_the_erased(site: Site) -> None:
    await site.personal.put("t1", "r1", PERSON, BY, NOW)
    await site.personal.put("t1", "r2", PERSON, BY, NOW)
    wrapped, fields = await site.row()
    assert any(wrapped in file.read_bytes() for file in site.file.parent.glob("gateway.db*"))

    await site.personal.erase("t1", "r1", RULES, BY, NOW, close=False)

    for file in site.file.parent.glob("gateway.db*"):
        assert wrapped not in file.read_bytes()
        assert fields not in file.read_bytes()
