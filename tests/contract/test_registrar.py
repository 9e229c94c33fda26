"""The register as its keepers work with it: every act, every refusal, and what each leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy import func, insert, select

from gateway.adapters.sql.tables_register import audit_subjects, bars, personal_index
from gateway.core.audit import ADMINISTRATORS, subject
from gateway.core.model import (
    Account,
    AccountState,
    Degree,
    Registrant,
    RegistrantKind,
    Sanction,
    VerificationState,
)
from gateway.core.registration import (
    Act,
    AgreePrivate,
    By,
    ChangeAccount,
    CloseAccount,
    CreateAccount,
    PrivateProposal,
    Refused,
    RenewAccount,
    ReopenAccount,
    SuspendAccount,
)
from gateway.ports import Register, Registered, Registrar, Store, StoreUnavailable
from tests.contract.keeping import (
    BY,
    DAY_MS,
    NOW_MS,
    ON_DATABASES,
    RULES,
    act,
    database_of,
    done,
    new,
    registrar_of,
)
from tests.contract.samples import OTHER, TENANT, Opened, assert_chains_whole

pytestmark = ON_DATABASES


@pytest.fixture
async def registrar(store: Store, register: Register) -> Registrar:
    """A register with a person and an organisation, and the same person's id at another tenant."""
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    await register.put_tenant(OTHER, "l" * 64, "test", 0)
    registrar: Registrar = registrar_of(store)
    for tenant, registrant_id, kind in (
        ("t1", "person-1", RegistrantKind.PERSON),
        ("t1", "person-2", RegistrantKind.PERSON),
        ("t1", "firm-1", RegistrantKind.ORGANISATION),
        ("t2", "person-1", RegistrantKind.PERSON),
    ):
        assert await registrar.create_registrant(tenant, registrant_id, kind, BY, 0)
    return registrar


async def written(store: Store, register: Register) -> object:
    """All that a write to the register would change: the change number, the chains, the histories, the bars."""
    async with database_of(store).database.reading("test") as connection:
        counts = [await connection.scalar(select(func.count()).select_from(table)) for table in (audit_subjects, bars)]
    return await register.changes(0), await store.heads(), counts


async def test_a_new_account_is_what_was_asked_for(registrar: Registrar, register: Register) -> None:
    asked = CreateAccount("acc-1", "firm-1", "The News", "news_desk", NOW_MS + DAY_MS)
    firm = Registrant("firm-1", RegistrantKind.ORGANISATION, VerificationState.CREATED)
    expected = Account("acc-1", AccountState.ACTIVE, firm, account_class="news_desk", term_ends_at=NOW_MS + DAY_MS)
    assert await act(registrar, asked) == Registered(expected, "The News")
    assert await registrar.registered("t1", "acc-1") == Registered(expected, "The News")
    assert await register.account("t1", "acc-1") == expected


@pytest.mark.parametrize(
    ("what", "expected"),
    [
        (CloseAccount("acc-1"), {"state": AccountState.CLOSED}),
        (SuspendAccount("acc-1"), {"state": AccountState.SUSPENDED}),
        (RenewAccount("acc-1", NOW_MS + 5), {"term_ends_at": NOW_MS + 5}),
        (ChangeAccount("acc-1", account_class="shop"), {"account_class": "shop"}),
        (ChangeAccount("acc-1", name="Other"), {}),
    ],
)
async def test_an_act_changes_what_it_says_and_nothing_else(
    registrar: Registrar, register: Register, what: Act, expected: dict[str, object]
) -> None:
    before = await done(registrar, CreateAccount("acc-1", "person-1", "Name", term_ends_at=NOW_MS + 1))
    newest, _ = await register.changes(0)
    after = await done(registrar, what)
    assert after == replace(before, **expected)
    name = what.name if isinstance(what, ChangeAccount) and what.name else "Name"
    assert await registrar.registered("t1", "acc-1") == Registered(after, name)
    assert await register.changes(newest) == (newest + 1, [("t1", "acc-1")])


async def test_that_an_account_is_not_moderated_takes_two_people(
    store: Store, register: Register, registrar: Registrar
) -> None:
    ann, ben, cat = By("Ann", "a bot for staff"), By("Ben", "seen"), By("Cat", "why?")
    asked = CreateAccount("acc-1", "firm-1", "Bot", private=True)
    proposal = PrivateProposal("Ann", "a bot for staff", NOW_MS)

    async def by(who: By, what: Act, at_ms: int = NOW_MS) -> tuple[bool, PrivateProposal | None] | Refused:
        result = await registrar.carry_out("t1", what, who, RULES, at_ms)
        if isinstance(result, Refused):
            return result
        assert await registrar.registered("t1", "acc-1") == result
        assert await registrar.accounts_of("t1", "firm-1", "", 9) == [result]
        assert await register.account("t1", "acc-1") == result.account
        return result.account.private, result.proposal

    change, agree = ChangeAccount("acc-1", private=True), AgreePrivate("acc-1")
    assert await by(ann, asked) == (False, proposal)
    was = await written(store, register)
    assert await by(cat, change, NOW_MS + 1) == (False, proposal)  # who asks for the same has not agreed
    assert await by(By(" ANN ", "me again"), agree) is Refused.SAME_PERSON
    assert await registrar.carry_out("t2", agree, ben, RULES, NOW_MS) is Refused.ACCOUNT_UNKNOWN
    assert await written(store, register) == was
    assert await by(cat, SuspendAccount("acc-1")) == (False, proposal)
    assert await by(cat, ReopenAccount("acc-1")) == (False, proposal)
    assert await by(cat, ChangeAccount("acc-1", private=False)) == (False, None)
    assert await by(ben, agree) is Refused.NOT_PROPOSED
    assert await by(ann, change) == (False, proposal)
    assert await by(ben, agree) == (True, None)
    assert await by(cat, agree) is Refused.NOT_PROPOSED
    assert await by(cat, ChangeAccount("acc-1", private=False)) == (False, None)
    acts = [orjson.loads(row.body) for row in await registrar.history("t1", subject("account", "acc-1"), 0, 99)]
    assert [
        (each["act"], each["actor"], each.get("privacy"), each["account"].get("private", False)) for each in acts
    ] == [
        ("CreateAccount", "Ann", "proposed", False),
        ("SuspendAccount", "Cat", None, False),
        ("ReopenAccount", "Cat", None, False),
        ("ChangeAccount", "Cat", "withdrawn", False),
        ("ChangeAccount", "Ann", "proposed", False),
        ("AgreePrivate", "Ben", "agreed", True),
        ("ChangeAccount", "Cat", None, False),
    ]


async def test_two_who_propose_and_agree_at_once_do_it_once(registrar: Registrar) -> None:
    await done(registrar, new("acc-1"))
    people = [By(f"{name}") for name in ("Ann", "Ben", "Cat", "Dan")]
    change, agree = ChangeAccount("acc-1", private=True), AgreePrivate("acc-1")
    await asyncio.gather(*[registrar.carry_out("t1", change, each, RULES, NOW_MS) for each in people])
    results = await asyncio.gather(*[registrar.carry_out("t1", agree, each, RULES, NOW_MS) for each in people])
    agreed = [each for each in results if isinstance(each, Registered)]
    assert [(each.account.private, each.proposal) for each in agreed] == [(True, None)]


@pytest.mark.parametrize("end", [SuspendAccount("acc-1"), CloseAccount("acc-1", violation=True)])
async def test_a_reopened_account_is_as_it_was(registrar: Registrar, end: Act) -> None:
    before = await done(registrar, CreateAccount("acc-1", "person-1", "Name", "shop", NOW_MS + 1))
    await done(registrar, end)
    assert await done(registrar, ReopenAccount("acc-1")) == before


CLOSED: list[Act] = [new("acc-1", name="Taken"), CloseAccount("acc-1")]
BANNED: list[Act] = [new("acc-1"), CloseAccount("acc-1", violation=True)]
FULL: list[Act] = [new("acc-1"), new("acc-2")]


@pytest.mark.parametrize(
    ("before", "what", "refused"),
    [
        ([], new("?acc"), Refused.ACCOUNT_ID),
        ([], new(""), Refused.ACCOUNT_ID),
        ([new("acc-1")], new("acc-1"), Refused.ACCOUNT_EXISTS),
        ([], new("acc-1", "nobody"), Refused.REGISTRANT_UNKNOWN),
        (BANNED, new("acc-2"), Refused.REGISTRANT_BARRED),
        (CLOSED, new("acc-2", name="Taken"), Refused.NAME_BARRED),
        (CLOSED, new("acc-2", "firm-1", name=" tAKEN! "), Refused.NAME_BARRED),
        (FULL, new("acc-3"), Refused.TOO_MANY_ACCOUNTS),
        ([*FULL, SuspendAccount("acc-1")], new("acc-3"), Refused.TOO_MANY_ACCOUNTS),
        ([new("acc-0"), CloseAccount("acc-0"), *FULL], ReopenAccount("acc-0"), Refused.TOO_MANY_ACCOUNTS),
        ([new("acc-1")], ReopenAccount("acc-1"), Refused.ACCOUNT_ACTIVE),
        ([new("acc-1")], RenewAccount("acc-1", NOW_MS + 1), Refused.TERM_ENDLESS),
        ([*CLOSED, new("acc-2")], ChangeAccount("acc-2", name="taken"), Refused.NAME_BARRED),
        *[
            (before, what, refused)
            for what in (
                CloseAccount("acc-1"),
                SuspendAccount("acc-1"),
                RenewAccount("acc-1", NOW_MS + 1),
                ChangeAccount("acc-1", name="Other"),
            )
            for before, refused in ((CLOSED, Refused.ACCOUNT_CLOSED), ([], Refused.ACCOUNT_UNKNOWN))
        ],
        ([], ReopenAccount("acc-1"), Refused.ACCOUNT_UNKNOWN),
    ],
)
async def test_what_is_refused_leaves_nothing_behind(
    store: Store, register: Register, registrar: Registrar, before: Sequence[Act], what: Act, refused: Refused
) -> None:
    for earlier in before:
        await done(registrar, earlier)
    account = await registrar.registered("t1", what.account_id)
    was = await written(store, register)
    assert await act(registrar, what) is refused
    assert await written(store, register) == was
    assert await registrar.registered("t1", what.account_id) == account


@pytest.mark.parametrize(
    "what",
    [
        SuspendAccount("acc-1"),
        ChangeAccount("acc-1", name="Other"),
        ChangeAccount("acc-1", account_class="shop", private=True),
        CloseAccount("acc-1", violation=True),
    ],
)
async def test_an_act_that_leaves_everything_as_it_is_writes_nothing(
    store: Store, register: Register, registrar: Registrar, what: Act
) -> None:
    await done(registrar, new("acc-1", name="Name"))
    first = await act(registrar, what)
    was = await written(store, register)
    assert await act(registrar, what, NOW_MS + 1) == first
    assert await written(store, register) == was


async def test_a_violation_may_be_said_of_an_account_that_is_closed(registrar: Registrar) -> None:
    for what in CLOSED:
        await done(registrar, what)
    later = NOW_MS + DAY_MS
    account = await done(registrar, CloseAccount("acc-1", violation=True), later)
    assert account.state is AccountState.CLOSED
    until = later + RULES.registrant_bar_days * DAY_MS
    assert await act(registrar, new("acc-2"), until - 1) is Refused.REGISTRANT_BARRED
    # It is not barred for longer because it is said again, and the name no longer than it was.
    await done(registrar, CloseAccount("acc-1", violation=True), until - 1)
    await done(registrar, new("acc-2", name="Taken"), until)


async def test_a_bar_that_another_account_made_is_no_reason_to_make_none(registrar: Registrar) -> None:
    for what in (*BANNED, ReopenAccount("acc-1"), new("acc-2"), CloseAccount("acc-2"), CloseAccount("acc-1", True)):
        await done(registrar, what)
    await done(registrar, CloseAccount("acc-2", violation=True))
    await done(registrar, ReopenAccount("acc-1"))
    assert await act(registrar, new("acc-3")) is Refused.REGISTRANT_BARRED


async def test_a_closed_account_makes_room_for_another(registrar: Registrar) -> None:
    for what in (*FULL, CloseAccount("acc-1")):
        await done(registrar, what)
    await done(registrar, new("acc-3"))
    assert await act(registrar, new("acc-4")) is Refused.TOO_MANY_ACCOUNTS


async def test_two_processes_at_once_cannot_exceed_the_cap(registrar: Registrar, second: Opened) -> None:
    registrars = (registrar, registrar_of(second[0]))
    results = await asyncio.gather(
        *[act(registrars[number % 2], new(f"acc-{number}", "firm-1")) for number in range(10)]
    )
    refusals = [result for result in results if isinstance(result, Refused)]
    assert refusals == [Refused.TOO_MANY_ACCOUNTS] * 7
    assert len(await registrar.accounts_of("t1", "firm-1", "", 100)) == RULES.max_accounts[RegistrantKind.ORGANISATION]


async def test_two_processes_at_once_cannot_create_one_account_twice(registrar: Registrar, second: Opened) -> None:
    both = (registrar, registrar_of(second[0]))
    results = await asyncio.gather(*[act(one, new("acc-1")) for one in both for _ in range(3)])
    assert sum(isinstance(result, Registered) for result in results) == 1
    assert results.count(Refused.ACCOUNT_EXISTS) == 5


async def test_a_name_is_barred_until_its_very_millisecond(registrar: Registrar) -> None:
    for what in CLOSED:
        await done(registrar, what)
    until = NOW_MS + RULES.name_bar_days * DAY_MS
    again = new("acc-2", "firm-1", "Taken")
    assert await act(registrar, again, until - 1) is Refused.NAME_BARRED
    await done(registrar, again, until)


async def test_a_registrant_is_barred_after_a_violation_only(registrar: Registrar) -> None:
    for what in (new("acc-1"), CloseAccount("acc-1"), new("acc-2"), CloseAccount("acc-2", violation=True)):
        await done(registrar, what)
    until = NOW_MS + RULES.registrant_bar_days * DAY_MS
    assert await act(registrar, new("acc-3"), until - 1) is Refused.REGISTRANT_BARRED
    await done(registrar, new("acc-3"), until)


@pytest.mark.parametrize(("field", "barred"), [("id_number", True), ("uscc", True), ("name", False), ("email", False)])
async def test_who_comes_back_under_another_id_is_known_by_an_identifier(
    store: Store, registrar: Registrar, field: str, barred: bool
) -> None:
    async with database_of(store).database.writing("test") as connection:
        for tenant, registrant in (("t1", "person-1"), ("t1", "person-2"), ("t2", "person-1")):
            row = {"tenant_id": tenant, "field": field, "digest": "d" * 64, "registrant_id": registrant}
            await connection.execute(insert(personal_index).values(**row))
    for what in BANNED:
        await done(registrar, what)
    until = NOW_MS + RULES.registrant_bar_days * DAY_MS
    result = await act(registrar, new("acc-2", "person-2"), until - 1)
    assert (result is Refused.REGISTRANT_BARRED) is barred
    await done(registrar, new("acc-3", "person-2"), until)
    await done(registrar, new("acc-1"), tenant_id="t2")


async def test_reopening_lifts_what_its_closing_barred(registrar: Registrar) -> None:
    await done(registrar, new("acc-1", name="Taken"))
    await done(registrar, CloseAccount("acc-1", violation=True))
    await done(registrar, ReopenAccount("acc-1"))
    await done(registrar, new("acc-2", name="Taken"))


async def test_reopening_one_account_leaves_what_another_barred(registrar: Registrar) -> None:
    for account_id in ("acc-1", "acc-2"):
        await done(registrar, new(account_id, name="Taken"))
    for account_id in ("acc-1", "acc-2"):
        await done(registrar, CloseAccount(account_id, violation=True))
    await done(registrar, ReopenAccount("acc-2"))
    assert await act(registrar, new("acc-3")) is Refused.REGISTRANT_BARRED
    assert await act(registrar, new("acc-3", "person-2", "Taken")) is Refused.NAME_BARRED
    await done(registrar, ReopenAccount("acc-1"))
    await done(registrar, new("acc-3", "person-2", "Taken"))


@pytest.mark.parametrize(
    ("sanction", "refused"),
    [
        (Sanction(Degree.SUSPEND_RENEWAL, 0), Refused.RENEWAL_SUSPENDED),
        (Sanction(Degree.SUSPEND_RENEWAL, 0, NOW_MS + 1), Refused.RENEWAL_SUSPENDED),
        (Sanction(Degree.SUSPEND_RENEWAL, 0, NOW_MS), None),
        (Sanction(Degree.SUSPEND_RENEWAL, NOW_MS + 1), None),
        (Sanction(Degree.RESTRICT, 0), None),
    ],
)
async def test_a_sanction_in_force_suspends_renewal(
    register: Register, registrar: Registrar, sanction: Sanction, refused: Refused | None
) -> None:
    account = await done(registrar, CreateAccount("acc-1", "person-1", term_ends_at=NOW_MS + 1))
    await register.put_account("t1", replace(account, sanctions=(sanction,)), "Ann", NOW_MS)
    result = await act(registrar, RenewAccount("acc-1", NOW_MS + DAY_MS))
    if refused is not None:
        assert result is refused
    else:
        assert isinstance(result, Registered)
        assert (result.account.term_ends_at, result.account.sanctions) == (NOW_MS + DAY_MS, (sanction,))


async def test_a_registrant_is_created_once(store: Store, register: Register, registrar: Registrar) -> None:
    was = await written(store, register)
    assert not await registrar.create_registrant("t1", "person-1", RegistrantKind.ORGANISATION, BY, NOW_MS)
    assert await written(store, register) == was
    created = Registrant("person-1", RegistrantKind.PERSON, VerificationState.CREATED)
    assert await registrar.registrant("t1", "person-1") == created
    assert await registrar.registrant("t1", "nobody") is None
    with pytest.raises(StoreUnavailable, match="no tenant 'none'"):
        await registrar.create_registrant("none", "person-1", RegistrantKind.PERSON, BY, NOW_MS)


async def test_every_act_is_in_the_histories_of_all_that_it_is_about(registrar: Registrar, store: Store) -> None:
    acts: list[Act] = [
        CreateAccount("acc-1", "person-1", "A Name", term_ends_at=NOW_MS + 1),
        RenewAccount("acc-1", NOW_MS + 2),
        ChangeAccount("acc-1", name="Another Name"),
        SuspendAccount("acc-1"),
        ReopenAccount("acc-1"),
        CloseAccount("acc-1", violation=True),
    ]
    for number, what in enumerate(acts):
        result = await registrar.carry_out("t1", what, By(f"actor-{number}", f"why {number}"), RULES, NOW_MS + number)
        assert isinstance(result, Registered)
    of_account = await registrar.history("t1", "account:acc-1", 0, 100)
    of_registrant = await registrar.history("t1", "registrant:person-1", 0, 100)
    assert of_registrant[1:] == of_account
    assert orjson.loads(of_registrant[0].body)["act"] == "CreateRegistrant"
    bodies = [orjson.loads(row.body) for row in of_account]
    assert [(body["act"], body["actor"], body["reason"]) for body in bodies] == [
        (type(what).__name__, f"actor-{number}", f"why {number}") for number, what in enumerate(acts)
    ]
    assert [row.at_ms for row in of_account] == [NOW_MS + number for number in range(len(acts))]
    assert [body["account"]["state"] for body in bodies[3:]] == ["suspended", "active", "closed"]
    whole = "".join([row.body for row in of_registrant])
    assert not [said for said in ("person-1", "A Name", "Another Name") if said in whole]
    assert [body.get("given") for body in bodies] == [
        {"named": True, "term_ends_at": NOW_MS + 1},
        {"term_ends_at": NOW_MS + 2},
        {"named": True},
        None,
        None,
        {"violation": True},
    ]
    assert {row.chain for row in of_registrant} == {ADMINISTRATORS}
    await assert_chains_whole(store)

    page = await registrar.history("t1", "account:acc-1", of_account[1].seq, 2)
    assert page == of_account[2:4]


async def test_accounts_of_a_registrant_come_in_order_and_in_pages(registrar: Registrar) -> None:
    for number in (3, 1, 2):
        await done(registrar, new(f"acc-{number}", "firm-1", f"Name {number}"))
    await done(registrar, new("acc-0"))
    everything = await registrar.accounts_of("t1", "firm-1", "", 100)
    assert [(one.account.account_id, one.name) for one in everything] == [
        (f"acc-{number}", f"Name {number}") for number in (1, 2, 3)
    ]
    assert await registrar.accounts_of("t1", "firm-1", "acc-1", 1) == everything[1:2]
    assert await registrar.accounts_of("t1", "nobody", "", 100) == []


async def test_it_is_known_what_is_barred_until_when(registrar: Registrar, store: Store) -> None:
    bars_by = registrar_of(store).bars_by
    for what in (new("acc-1", name="Taken"), CloseAccount("acc-1"), new("acc-2")):
        await done(registrar, what)
    name_until = NOW_MS + RULES.name_bar_days * DAY_MS
    assert await bars_by("t1", "acc-1", NOW_MS) == [("name", name_until)]
    assert await bars_by("t1", "acc-2", NOW_MS) == []
    assert await registrar.barred_until("t1", "person-1", NOW_MS) is None
    await done(registrar, CloseAccount("acc-2", violation=True))
    until = NOW_MS + RULES.registrant_bar_days * DAY_MS
    assert await bars_by("t1", "acc-2", NOW_MS) == [("registrant", until)]
    assert await registrar.barred_until("t1", "person-1", until - 1) == until
    await done(registrar, CloseAccount("acc-1", violation=True), NOW_MS + 5)
    assert await registrar.barred_until("t1", "person-1", until - 1) == until + 5
    assert await bars_by("t1", "acc-1", name_until) == [("registrant", until + 5)]
    assert await registrar.barred_until("t1", "person-1", until + 5) is None
    assert await registrar.barred_until("t1", "person-2", NOW_MS) is None
    assert await registrar.barred_until("t2", "person-1", NOW_MS) is None


async def test_tenants_know_nothing_of_each_other(registrar: Registrar) -> None:
    await done(registrar, new("acc-1", name="Taken"))
    await done(registrar, CloseAccount("acc-1", violation=True))
    assert await registrar.registered("t2", "acc-1") is None
    assert await registrar.history("t2", "account:acc-1", 0, 100) == []
    assert await registrar.accounts_of("t2", "person-1", "", 100) == []
    assert await registrar.registrant("t2", "firm-1") is None
    assert await act(registrar, ReopenAccount("acc-1"), tenant_id="t2") is Refused.ACCOUNT_UNKNOWN
    assert await act(registrar, new("acc-2", "firm-1"), tenant_id="t2") is Refused.REGISTRANT_UNKNOWN
    # Neither the name nor the registrant of that id is barred here.
    await done(registrar, new("acc-1", name="Taken"), tenant_id="t2")
    assert [row.seq for row in await registrar.history("t2", "account:acc-1", 0, 100)] != [
        row.seq for row in await registrar.history("t1", "account:acc-1", 0, 100)
    ]


@pytest.mark.parametrize(
    "by", [By("Ann\x00", "as asked"), By("Ann", "as\x00asked"), By("Ann", "\ud800")], ids=["actor", "reason", "half"]
)
async def test_text_that_no_database_takes_is_refused_before_it(
    store: Store, register: Register, registrar: Registrar, by: By
) -> None:
    was = await written(store, register)
    with pytest.raises(StoreUnavailable):
        await registrar.carry_out("t1", new("acc-1"), by, RULES, NOW_MS)
    assert await written(store, register) == was


async def test_accounts_are_listed_by_how_their_ids_begin(store: Store, register: Register) -> None:
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    for account_id in ("a", "ab", "ab1", "ab%", "aB2", "ab\U0010fffe", "b", "好1"):
        await register.put_account("t1", Account(account_id, AccountState.ACTIVE), "test", 0)
    registrar = registrar_of(store)

    async def found(prefix: str, after: str = "", limit: int = 10) -> list[str]:
        rows = await registrar.accounts_from("t1", prefix, after, limit)
        return [row.account.account_id for row in rows]

    assert await found("") == ["a", "aB2", "ab", "ab%", "ab1", "ab\U0010fffe", "b", "好1"]
    assert await found("ab") == ["ab", "ab%", "ab1", "ab\U0010fffe"]
    assert await found("ab", after="ab%", limit=1) == ["ab1"]
    assert (await found("%"), await found("好"), await found("c")) == ([], ["好1"], [])
    assert await registrar.accounts_from("t2", "a", "", 10) == []
