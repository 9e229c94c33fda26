"""The promises of `gateway.ports.Imports`, kept in SQLite and in PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from pathlib import Path

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy import text

from gateway.adapters.keys import new_keys
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import SqlImports, SqlStore
from gateway.adapters.sql.imports_kept import imports_of
from gateway.adapters.sql.news import SqlNews
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.core.admission import Allowed
from gateway.core.audit import breaks, subject
from gateway.core.model import (
    Account,
    AccountState,
    NewsAuthorisation,
    NewsKind,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.news import Licence
from gateway.core.policy import Registration
from gateway.core.register_rows import AccountRow, Problem, RegistrantRow
from gateway.core.registration import By, CloseAccount, CreateAccount, Refused
from gateway.ports import Chunk, OtherIndexKey, Progress, Register, SealedPerson, Store, StoreUnavailable
from tests.contract.places import InDatabase, InMemory, Place
from tests.contract.samples import ACCOUNT, TENANT

RULES = Registration(max_accounts={RegistrantKind.PERSON: 2, RegistrantKind.ORGANISATION: 90})
ALLOWED = Allowed(RULES, ("standard", "desk"), move=True)
BY = By("Ann", "moving house")
ID = "f" * 64
START = Progress(ID, "t1", "accounts")


def account(line: int, account_id: str, registrant_id: str | None = None, **given: object) -> AccountRow:
    values = {**dict.fromkeys(AccountRow._fields), "line": line, "account_id": account_id, **given}
    return AccountRow(**{**values, "registrant_id": registrant_id})  # type: ignore[arg-type]


def registrant(line: int, registrant_id: str, **given: object) -> RegistrantRow:
    values = {**dict.fromkeys(RegistrantRow._fields), "line": line, "fields": {}, "kind": "person", **given}
    return RegistrantRow(**{**values, "registrant_id": registrant_id})  # type: ignore[arg-type]


class Rejects:
    """What was rejected, in order; each takes ten bytes."""

    def __init__(self) -> None:
        self.kept: list[Problem] = []

    def __call__(self, problems: Sequence[Problem]) -> int:
        self.kept += problems
        return 10 * len(self.kept)

    @property
    def lines(self) -> list[tuple[int, str]]:
        return [(problem.line, problem.field) for problem in self.kept]


@pytest.fixture
def rejects() -> Rejects:
    return Rejects()


@pytest.fixture
async def imports(place: Place, register: Register) -> AsyncIterator[SqlImports]:
    if isinstance(place, InMemory):
        pytest.fail("imports have no form in memory")
    assert isinstance(place, InDatabase)
    await register.put_tenant(TENANT, "h1", "Ann", 0)
    async with SqlImports.open(place.url) as imports:
        yield imports


@pytest.fixture
def keys(tmp_path_factory: pytest.TempPathFactory) -> PersonalKeys:
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    new_keys(file)
    return PersonalKeys(FileMasterKey(file))


in_databases = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)


def chunk(lines: int, *problems: Problem, last: bool = False) -> Chunk:
    return Chunk(lines, problems, last)


@in_databases
async def test_accounts_are_there_whole_with_their_registrants(
    imports: SqlImports, register: Register, rejects: Rejects
) -> None:
    rows = [
        account(2, "a", "p", name="One", kind="person", verification="verified", framework="eidas", level="high"),
        account(3, "b", "p", state="suspended", account_class="desk", term_ends_at=9, expires_at=7),
        account(5, "c"),
        account(6, "d", "nobody"),
    ]
    bad = Problem(4, "", "is not UTF-8")
    done = await imports.accounts(START, chunk(6, bad, last=True), rows, ALLOWED, BY, rejects, 5)
    assert done == Progress(ID, "t1", "accounts", 6, 3, 2, 20, 5, added=3)
    assert rejects.lines == [(4, ""), (6, "registrant_id")]
    person = Registrant("p", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high", 7)
    assert await register.account("t1", "a") == Account("a", AccountState.ACTIVE, person)
    assert await register.account("t1", "b") == Account(
        "b", AccountState.SUSPENDED, person, account_class="desk", term_ends_at=9
    )
    assert await register.account("t1", "c") == Account("c", AccountState.ACTIVE)
    assert await register.account("t1", "d") is None


@in_databases
async def test_parts_of_an_account_stay_and_what_is_not_said(
    imports: SqlImports, register: Register, rejects: Rejects
) -> None:
    await register.put_account("t1", ACCOUNT, "Ann", 0)
    rows = [account(2, ACCOUNT.account_id, account_class="desk")]
    await imports.accounts(START, chunk(2), rows, ALLOWED, BY, rejects, 5)
    assert await register.account("t1", ACCOUNT.account_id) == replace(ACCOUNT, account_class="desk")


@in_databases
async def test_a_file_makes_no_account_private_but_keeps_one_so_and_may_make_it_public(
    imports: SqlImports, register: Register, rejects: Rejects
) -> None:
    for number in (1, 2, 3):
        hidden = Account(f"a-{number}", AccountState.ACTIVE, private=number > 1)
        await register.put_account("t1", hidden, "Ann", 0)
    rows = [
        account(2, "a-1", private=True),
        account(3, "a-2", private=True, account_class="desk"),
        account(4, "a-3", private=False),
        account(5, "new", private=True),
    ]
    await imports.accounts(START, chunk(5), rows, ALLOWED, BY, rejects, 5)
    assert rejects.lines == [(2, "private"), (5, "private")]
    found = [await register.account("t1", name) for name in ("a-1", "a-2", "a-3", "new")]
    assert [each and each.private for each in found] == [False, True, False, None]


@in_databases
async def test_how_far_it_is_is_kept_and_begun_again(imports: SqlImports, rejects: Rejects) -> None:
    assert await imports.progress(ID, "t1", "accounts") == START
    first = await imports.accounts(START, chunk(3, Problem(3, "", "bad")), [account(2, "a")], ALLOWED, BY, rejects, 5)
    assert first == Progress(ID, "t1", "accounts", 3, 1, 1, 10, added=1)
    assert await imports.progress(ID, "t1", "accounts") == first
    second = await imports.accounts(first, chunk(4, last=True), [account(4, "b")], ALLOWED, BY, rejects, 6)
    end = Progress(ID, "t1", "accounts", 4, 2, 1, 10, 6, added=2)
    assert await imports.progress(ID, "t1", "accounts") == second == end
    assert await imports.progress(ID, "t1", "accounts", again=True) == START


@in_databases
async def test_two_at_once_do_not_mix(imports: SqlImports, rejects: Rejects) -> None:
    await imports.accounts(START, chunk(2), [account(2, "a")], ALLOWED, BY, rejects, 5)
    with pytest.raises(StoreUnavailable, match="another command"):
        await imports.accounts(START, chunk(2), [account(2, "a")], ALLOWED, BY, rejects, 5)


@in_databases
async def test_a_tenant_that_is_not_there(imports: SqlImports) -> None:
    with pytest.raises(StoreUnavailable, match="no tenant 'x'"):
        await imports.progress(ID, "x", "accounts")


@in_databases
async def test_a_chunk_that_fails_leaves_nothing(
    imports: SqlImports, register: Register, store: Store, rejects: Rejects
) -> None:
    def full(_problems: Sequence[Problem]) -> int:
        raise OSError("no space left")

    before, heads = await register.changes(0), await store.heads()
    rows, bad = [account(n, f"a{n}", "p", kind="organisation") for n in range(90)], Problem(3, "", "bad")
    with pytest.raises(OSError, match="no space"):
        await imports.accounts(START, chunk(3, bad), rows, ALLOWED, BY, full, 5)
    assert await imports.progress(ID, "t1", "accounts") == START
    assert await register.accounts("t1", "", 1) == []
    assert (await register.changes(0), await store.heads()) == (before, heads)
    done = await imports.accounts(START, chunk(3, bad), rows, ALLOWED, BY, rejects, 5)
    assert (done.taken, done.rejected) == (90, 1)


@in_databases
async def test_a_chunk_is_one_change_and_one_audit_row(
    imports: SqlImports, register: Register, store: Store, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    before, _ = await register.changes(0)
    rows = [account(number, f"a{number}", "p", kind="person", name="Canary Name") for number in (2, 3, 4)]
    await imports.accounts(START, chunk(4), rows, ALLOWED, BY, rejects, 5)
    assert await register.changes(before) == (before + 1, [("t1", "a2"), ("t1", "a3")])
    [row] = await SqlRegistrar(store.database).history("t1", subject("import", ID), 0, 9)
    body = orjson.loads(row.body)
    assert body == {
        "actor": "Ann",
        "reason": "moving house",
        "change": before + 1,
        "tenant_id": "t1",
        "act": "Import",
        "kind": "accounts",
        "file": ID,
        "lines": [1, 4],
        "taken": 2,
        "rejected": 1,
        "new": 2,
        "changed": 0,
        "moved": 0,
    }
    assert list(breaks([each async for each in store.audit()], await store.heads())) == []


@in_databases
async def test_the_same_again_changes_nothing(imports: SqlImports, register: Register, rejects: Rejects) -> None:
    rows = [account(2, "a", "p", kind="person", name="One", term_ends_at=5)]
    first = await imports.accounts(START, chunk(2), rows, ALLOWED, BY, rejects, 5)
    before, _ = await register.changes(0)
    await imports.accounts(first, chunk(3), rows, ALLOWED, BY, rejects, 5)
    assert (await register.changes(before))[1] == []


@in_databases
async def test_facts_are_told_as_a_change_of_all_accounts(
    imports: SqlImports, register: Register, rejects: Rejects
) -> None:
    rows = [account(2, "a", "p", kind="person"), account(3, "b", "p")]
    first = await imports.accounts(START, chunk(3), rows, ALLOWED, BY, rejects, 5)
    before, _ = await register.changes(0)
    await imports.accounts(first, chunk(4), [account(4, "b", "p", verification="declined")], ALLOWED, BY, rejects, 5)
    assert sorted((await register.changes(before))[1]) == [("t1", "a"), ("t1", "b")]


@in_databases
async def test_caps_and_bars_meet_what_single_acts_left_and_the_other_way_round(
    imports: SqlImports, register: Register, store: Store, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    registrar = SqlRegistrar(store.database)
    first = await imports.accounts(
        START, chunk(2), [account(2, "a", "p", kind="person", name="One")], ALLOWED, BY, rejects, 5
    )
    assert not isinstance(await registrar.carry_out("t1", CreateAccount("b", "p", "Two"), BY, RULES, 6), Refused)
    assert not isinstance(await registrar.carry_out("t1", CloseAccount("b", violation=True), BY, RULES, 6), Refused)
    rows = [
        account(3, "c", "p"),
        account(4, "d", name="ｔｗｏ"),
        account(5, "b", state="active"),
        account(6, "a", state="closed"),
    ]
    await imports.accounts(first, chunk(6), rows, ALLOWED, BY, rejects, 7)
    assert rejects.lines == [(3, "registrant_id"), (4, "name"), (5, "account_id")]
    act = CreateAccount("e", "p", "ONE")
    assert await registrar.carry_out("t1", act, BY, RULES, 8) is Refused.REGISTRANT_BARRED
    await registrar.create_registrant("t1", "q", RegistrantKind.PERSON, BY, 8)
    assert await registrar.carry_out("t1", CreateAccount("e", "q", "ONE"), BY, RULES, 8) is Refused.NAME_BARRED


@in_databases
async def test_many_rows_in_any_order(imports: SqlImports, register: Register, rejects: Rejects) -> None:
    """More than go into one statement, in an order of their own, twice."""
    rows = [account(n + 2, f"a{(n * 7919) % 9001}", f"o{n % 4500}", kind="organisation") for n in range(9001)]
    first = await imports.accounts(START, chunk(9002), rows, ALLOWED, BY, rejects, 5)
    again = [row._replace(name=f"Name {row.line} \\ \t"[:-1]) for row in rows]
    await imports.accounts(first, chunk(18004), again, ALLOWED, BY, rejects, 5)
    assert rejects.lines == []
    assert len({each.account_id for each in await register.accounts("t1", "", 10_000)}) == 9001


@pytest.mark.parametrize("place", ["postgres"], indirect=True)
async def test_accounts_are_listed_though_the_tables_were_analysed_in_the_middle_of_an_import(
    imports: SqlImports, register: Register, store: Store, rejects: Rejects
) -> None:
    """`ANALYZE`, which PostgreSQL runs by itself, sees nothing of an open transaction: full tables count as empty."""
    assert isinstance(store, SqlStore)
    rows = [account(n + 2, f"a{n:05}", f"o{n % 4500}", kind="organisation") for n in range(9000)]
    await imports.accounts(START, chunk(9001), rows, ALLOWED, BY, rejects, 5)
    async with store.database.writing("test") as connection:
        stale = "UPDATE pg_class SET reltuples = 0, relpages = 1 WHERE relname IN ('accounts', 'registrants')"
        await connection.execute(text(stale))
    found = await register.accounts("t1", "a00000", 8000)
    assert [each.account_id for each in found] == [f"a{n:05}" for n in range(1, 8001)]


async def sealed(keys: PersonalKeys, people: Mapping[int, tuple[str, dict[str, str]]]) -> dict[int, SealedPerson]:
    return dict(zip(people, await keys.seal("t1", list(people.values())), strict=True))


@in_databases
async def test_registrants_with_personal_data(
    imports: SqlImports, store: Store, keys: PersonalKeys, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    personal, registrar = SqlPersonal(store.database, keys), SqlRegistrar(store.database)
    start = Progress(ID, "t1", "registrants")
    fields = {"legal_name": "Example Holder", "vat": "DE123", "phone": "+44 20 7946 0000"}
    rows = [registrant(2, "p", verification="verified", fields=fields), registrant(3, "q", fields={"vat": "de 123"})]
    people = await sealed(keys, {2: ("p", fields), 3: ("q", {"vat": "de 123"})})
    first = await imports.registrants(start, chunk(3), rows, people, BY, rejects, 5)
    assert rejects.lines == [(3, "vat")]
    assert await registrar.registrant("t1", "p") == Registrant("p", RegistrantKind.PERSON, VerificationState.VERIFIED)
    assert await registrar.registrant("t1", "q") is None
    assert await personal.reveal("t1", "p", None, BY, 6) == fields
    assert await personal.find("t1", "legal_name", "EXAMPLE  holder", BY, 6) == ["p"]

    other = {"legal_name": "Another Holder"}
    people = await sealed(keys, {4: ("p", other)})
    await imports.registrants(first, chunk(4), [registrant(4, "p", fields=other)], people, BY, rejects, 7)
    assert await registrar.registrant("t1", "p") == Registrant("p", RegistrantKind.PERSON, VerificationState.CREATED)
    assert await personal.reveal("t1", "p", None, BY, 8) == other
    assert await personal.find("t1", "vat", "DE123", BY, 8) == []


@in_databases
async def test_personal_data_under_another_index_key_is_refused(
    imports: SqlImports, store: Store, place: Place, keys: PersonalKeys, rejects: Rejects, tmp_path: Path
) -> None:
    assert isinstance(store, SqlStore)
    assert isinstance(place, InDatabase)
    new_keys(tmp_path / "other.json")
    other = PersonalKeys(FileMasterKey(tmp_path / "other.json"))
    start, fields = Progress(ID, "t1", "registrants"), {"vat": "DE123"}
    rows, nothing = [registrant(2, "p", fields=fields)], [registrant(3, "q")]
    people = await sealed(keys, {2: ("p", fields)})
    first = await imports.registrants(start, chunk(2), rows, people, BY, rejects, 5)

    wrong = await sealed(other, {3: ("q", fields)})
    with pytest.raises(OtherIndexKey):
        await imports.registrants(first, chunk(3), [registrant(3, "q", fields=fields)], wrong, BY, rejects, 6)
    with pytest.raises(OtherIndexKey):
        await SqlPersonal(store.database, other).find("t1", "vat", "DE123", BY, 6)
    second = await imports.registrants(first, chunk(3), nothing, {}, BY, rejects, 6)
    again = await sealed(keys, {4: ("p", fields)})
    done = await imports.registrants(second, chunk(4), [registrant(4, "p", fields=fields)], again, BY, rejects, 7)
    assert (done.taken, rejects.lines) == (3, [])

    await SqlPersonal(store.database, other).erase("t1", "p", RULES, BY, 8, close=False)
    async with SqlImports.open(place.url) as later:
        people = await sealed(other, {5: ("q", fields)})
        rows = [registrant(5, "q", fields=fields)]
        await later.registrants(done, chunk(5), rows, people, BY, rejects, 9)
    assert await SqlPersonal(store.database, other).find("t1", "vat", "DE123", BY, 9) == ["q"]


@in_databases
async def test_who_was_erased_stays_erased(
    imports: SqlImports, store: Store, keys: PersonalKeys, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    personal = SqlPersonal(store.database, keys)
    start = Progress(ID, "t1", "registrants")
    fields = {"legal_name": "Example Holder"}
    people = await sealed(keys, {2: ("p", fields)})
    first = await imports.registrants(start, chunk(2), [registrant(2, "p", fields=fields)], people, BY, rejects, 5)
    await personal.erase("t1", "p", RULES, BY, 6, close=True)
    people = await sealed(keys, {3: ("p", fields)})
    await imports.registrants(first, chunk(3), [registrant(3, "p", fields=fields)], people, BY, rejects, 7)
    assert rejects.lines == [(3, "registrant_id")]
    assert await personal.held("t1", "p") == []


@in_databases
async def test_an_account_that_another_registrant_has_leaves_the_licences_of_the_first(
    imports: SqlImports, register: Register, store: Store, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    rows = [account(2, "a", "p", kind="organisation"), account(3, "b", "p")]
    first = await imports.accounts(START, chunk(3), rows, ALLOWED, BY, rejects, 5)
    licence = Licence("l", "p", "manual", NewsKind.ORIGINATE, 0, 2**53, accounts=("a", "b"))
    await SqlNews(store.database).put_licence("t1", licence, BY, 6)
    rows = [account(4, "a", "q", kind="organisation"), account(5, "b", name="Other")]
    await imports.accounts(first, chunk(5), rows, ALLOWED, BY, rejects, 7)
    moved, kept = await register.accounts("t1", "", 2)
    assert moved.news == ()
    assert [news.licence_id for news in kept.news] == ["l"]


@in_databases
async def test_what_an_account_was_given_without_a_licence_is_not_its_next_registrant_s(
    imports: SqlImports, register: Register, rejects: Rejects
) -> None:
    news = (NewsAuthorisation("manual", NewsKind.ORIGINATE, 0, 2**53),)
    person = Registrant("p", RegistrantKind.PERSON, VerificationState.VERIFIED)
    for given in (Account("a", AccountState.ACTIVE, person, news), Account("b", AccountState.ACTIVE, news=news)):
        await register.put_account("t1", given, "Ann", 0)
    rows = [account(2, "a", "q", kind="organisation"), account(3, "b", "q")]
    await imports.accounts(START, chunk(3), rows, ALLOWED, BY, rejects, 5)
    moved, kept = await register.accounts("t1", "", 2)
    assert moved.news == ()
    assert kept.news == news


@in_databases
async def test_what_it_came_to_is_kept_and_in_the_history_of_what_moved(
    imports: SqlImports, store: Store, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    rows = [account(2, "a", "p", kind="organisation"), account(3, "b", "p")]
    first = await imports.accounts(START, chunk(3), rows, ALLOWED, BY, rejects, 5)
    rows = [account(4, "a", "q", kind="organisation"), account(5, "b", name="Other"), account(6, "b")]
    stays = await imports.accounts(first, chunk(4), rows[:1], Allowed(RULES), BY, rejects, 6)
    assert rejects.lines == [(4, "registrant_id")]
    done = await imports.accounts(stays, chunk(6, last=True), rows, ALLOWED, BY, rejects, 7)
    assert (done.added, done.changed, done.moved, done.unchanged, done.rejected) == (2, 1, 1, 1, 1)
    assert await imports.progress(ID, "t1", "accounts") == done
    registrar = SqlRegistrar(store.database)
    [row] = await registrar.history("t1", subject("account", "a"), 0, 9)
    assert {name: orjson.loads(row.body)[name] for name in ("act", "file", "moved")} == {
        "act": "Import",
        "file": ID,
        "moved": 1,
    }
    assert await registrar.history("t1", subject("account", "b"), 0, 9) == []


@in_databases
async def test_a_tenant_s_imports_are_found_by_the_beginning_of_their_ids(
    imports: SqlImports, store: Store, register: Register, rejects: Rejects
) -> None:
    assert isinstance(store, SqlStore)
    await register.put_tenant(replace(TENANT, tenant_id="t2"), "h2", "Ann", 0)
    found = {}
    for number, (tenant_id, import_id, last) in enumerate(
        [("t1", "ab1", True), ("t1", "ab2", False), ("t1", "b_", True), ("t1", "bx", True), ("t2", "ab4", True)]
    ):
        start = Progress(import_id, tenant_id, "accounts")
        rows = [account(2, "a")]
        found[import_id] = await imports.accounts(start, chunk(2, last=last), rows, ALLOWED, BY, rejects, number)
    database = store.database
    assert await imports_of(database, "t1") == [found[name] for name in ("ab2", "bx", "b_", "ab1")]
    assert await imports_of(database, "t1", "ab") == [found["ab2"], found["ab1"]]
    assert await imports_of(database, "t1", "b_") == [found["b_"]]
    assert await imports_of(database, "t1", "", 1) == [found["ab2"]]
    assert await imports_of(database, "t1", "c") == []
