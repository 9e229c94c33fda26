"""Verifications as they are kept: one suite over SQLite and PostgreSQL."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import orjson
import pytest
from msgspec.structs import replace
from sqlalchemy import select

from gateway.adapters.keys import new_keys
from gateway.adapters.master_key import FileMasterKey
from gateway.adapters.personal_keys import PersonalKeys
from gateway.adapters.sql import SqlStore
from gateway.adapters.sql.personal import SqlPersonal
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.adapters.sql.tables_register import provider_events, verifications
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.core.audit import breaks, subject
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind, VerificationState
from gateway.core.personal_acts import Erased
from gateway.core.policy import Registration
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.verification import Verdict, Verification, VerificationEvent
from gateway.ports import Applied, Begun, Register, Store, StoreUnavailable
from gateway.providers.webhooks import ProviderEvent

pytestmark = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)

NOW_MS, DAY_MS = 1_800_000_000_000, 86_400_000
BY = By("ops-1", "opening")
State = VerificationState
Event = VerificationEvent
FIRM, MAN = "canary-firm", "canary-man"
"""Ids of registrants, which may lead to persons."""


@pytest.fixture
async def registrar(store: Store, register: Register) -> SqlRegistrar:
    """The registers of two tenants: a person and an organisation, each behind an account."""
    for tenant_id in ("t1", "t2"):
        await register.put_tenant(Tenant(tenant_id, tenant_id, "https://a.example/"), f"key-{tenant_id}", "test", 0)
    for registrant_id, kind in ((MAN, RegistrantKind.PERSON), (FIRM, RegistrantKind.ORGANISATION)):
        registrant = Registrant(registrant_id, kind, State.CREATED)
        for number in (1, 2):
            account = Account(f"{registrant_id}-{number}", AccountState.ACTIVE, registrant)
            await register.put_account("t1", account, "test", 0)
    assert isinstance(store, SqlStore)
    return SqlRegistrar(store.database)


@pytest.fixture
def kept(registrar: SqlRegistrar, store: Store) -> SqlVerifications:
    """The verifications."""
    assert isinstance(store, SqlStore)
    return SqlVerifications(store.database)


def attempt(verification_id: str = "v1", registrant_id: str = MAN, **changes: Any) -> Verification:
    """A verification that waits for its provider."""
    first = Verification(
        verification_id, registrant_id, "stripe-1", State.PENDING, NOW_MS, 0, f"ref-{verification_id}", "eidas", "high"
    )
    return replace(first, **changes)


def said(event: Event, at_ms: int = NOW_MS, event_id: str = "e1", reference: str = "ref-v1") -> ProviderEvent:
    """What the provider says."""
    return ProviderEvent("stripe-1", event_id, reference, event, at_ms)


async def advance(kept: SqlVerifications, event: ProviderEvent, now_ms: int = NOW_MS + 5) -> Applied:
    """Apply it for tenant t1, to hold ten days."""
    return await kept.advance(event, 10 * DAY_MS, ("t1",), now_ms)


async def registrant(register: Register, registrant_id: str = MAN, account: int = 1) -> Registrant:
    """The registrant as the hot path sees it."""
    found = await register.account("t1", f"{registrant_id}-{account}")
    assert found is not None
    assert found.registrant is not None
    return found.registrant


async def everything(store: Store, kept: SqlVerifications) -> tuple[object, ...]:
    """All that a change would show in."""
    rows = [row async for row in store.audit()]
    return rows, await kept.of_registrant("t1", MAN), await store.heads()


async def test_a_verification_makes_all_accounts_of_the_registrant_verified(
    store: Store, register: Register, kept: SqlVerifications
) -> None:
    assert await kept.begin("t1", attempt(), BY, NOW_MS)
    assert (await registrant(register)).state is State.PENDING
    before, _ = await register.changes(0)

    assert await advance(kept, said(Event.APPROVE, NOW_MS - 100)) is Applied.APPLIED

    expected = Registrant(MAN, RegistrantKind.PERSON, State.VERIFIED, "eidas", "high", NOW_MS - 100 + 10 * DAY_MS)
    assert [await registrant(register, account=number) for number in (1, 2)] == [expected] * 2
    assert (await register.changes(before))[1] == [("t1", f"{MAN}-1"), ("t1", f"{MAN}-2")]
    found = await kept.verification("t1", "v1")
    assert found is not None
    assert (found.state, found.event_ms, found.expires_at) == (State.VERIFIED, NOW_MS - 100, expected.expires_at)
    assert list(breaks([row async for row in store.audit()], await store.heads())) == []


async def test_the_history_of_the_registrant_tells_it_and_the_chain_names_nobody(
    store: Store, registrar: SqlRegistrar, kept: SqlVerifications
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))

    rows = (await registrar.history("t1", subject("registrant", MAN), 0, 10))[-2:]

    told = [orjson.loads(row.body) for row in rows]
    assert [(row["act"], row["actor"], row["from"], row["to"]) for row in told] == [
        ("BeginVerification", "ops-1", None, "pending"),
        ("Verification", "provider:stripe-1", "pending", "verified"),
    ]
    assert told[1]["framework"] == "eidas"
    assert not any(MAN in row.body for row in rows)


@pytest.mark.parametrize(
    ("event", "result"),
    [
        (said(Event.APPROVE, NOW_MS + 10, "first"), Applied.REPLAYED),
        (said(Event.APPROVE, NOW_MS + 9), Applied.REORDERED),
        (said(Event.APPROVE, NOW_MS + 11, reference="another"), Applied.UNKNOWN),
        (said(Event.PROCESS, NOW_MS + 11), Applied.IMPOSSIBLE),
        (replace(said(Event.APPROVE, NOW_MS + 11), provider="stripe-2"), Applied.UNKNOWN),
    ],
)
async def test_what_is_not_applied_changes_nothing(
    store: Store, kept: SqlVerifications, event: ProviderEvent, result: Applied
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    assert await advance(kept, said(Event.PROCESS, NOW_MS + 10, "first")) is Applied.APPLIED
    before = await everything(store, kept)

    assert await advance(kept, event) is result

    assert await everything(store, kept) == before
    assert await advance(kept, said(Event.APPROVE, NOW_MS + 20)) is Applied.APPLIED  # its id was not used up


async def test_a_provider_speaks_for_its_tenants_only(kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    assert await kept.advance(said(Event.APPROVE), None, ("t2",), NOW_MS) is Applied.UNKNOWN


async def test_two_processes_apply_one_event_once(
    place: Any, kept: SqlVerifications, second: tuple[Store, Register]
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    assert isinstance(second[0], SqlStore)
    other = SqlVerifications(second[0].database)

    results = await asyncio.gather(*[advance(each, said(Event.APPROVE)) for each in (kept, other) * 3])

    assert sorted(results) == [Applied.APPLIED, *[Applied.REPLAYED] * 5]


async def test_a_verification_begins_for_a_registrant_that_is_there(register: Register, kept: SqlVerifications) -> None:
    assert not await kept.begin("t1", attempt(registrant_id="nobody"), BY, NOW_MS)
    assert not await kept.begin("t2", attempt(), BY, NOW_MS)
    assert await kept.begin("t1", attempt(), BY, NOW_MS)
    assert not await kept.begin("t1", attempt("v2", FIRM, reference="ref-v1"), BY, NOW_MS)
    assert await kept.begin("t1", attempt("v4"), BY, NOW_MS)
    erased = replace(await registrant(register, FIRM), state=State.REDACTED)
    await register.put_registrant("t1", erased, "test", NOW_MS)
    assert not await kept.begin("t1", attempt("v3", FIRM), BY, NOW_MS)
    assert (await registrant(register, FIRM)).state is State.REDACTED


async def test_many_verifications_need_no_reference(kept: SqlVerifications) -> None:
    for verification_id, registrant_id in (("v1", MAN), ("v2", FIRM)):
        begun = await kept.begin("t1", attempt(verification_id, registrant_id, reference=None), BY, NOW_MS)
        assert begun is not None
        assert begun.new


async def test_text_that_no_database_takes_is_refused(kept: SqlVerifications) -> None:
    with pytest.raises(StoreUnavailable):
        await kept.begin("t1", attempt(reference="a\x00"), BY, NOW_MS)
    with pytest.raises(StoreUnavailable):
        await advance(kept, said(Event.APPROVE, reference="a\x00"))


async def test_one_that_is_open_or_has_the_same_session_is_not_begun_again(
    store: Store, kept: SqlVerifications
) -> None:
    session, review = attempt(), attempt("v2", provider="staff", reference=None, state=State.REVIEW)
    for one in (session, review):
        assert await kept.begin("t1", one, BY, NOW_MS) == Begun(one, new=True)
    before = await everything(store, kept)

    again = [replace(one, verification_id="v9", created_ms=NOW_MS + 1) for one in (session, review)]
    for there, one in zip((session, review), again, strict=True):
        assert await kept.begin("t1", one, By("ops-2"), NOW_MS + 1) == Begun(there, new=False)

    assert await everything(store, kept) == before
    assert isinstance(await kept.judge("t1", "v2", yes("ann"), None, ""), Verification)
    assert await kept.begin("t1", again[1], BY, NOW_MS + 1) == Begun(again[1], new=True)


async def test_two_that_begin_at_once_make_one(kept: SqlVerifications) -> None:
    review = [attempt(f"v{number}", provider="staff", reference=None, state=State.REVIEW) for number in range(4)]
    begun = await asyncio.gather(*[kept.begin("t1", one, BY, NOW_MS) for one in review])
    assert sorted(each.new for each in begun if each is not None) == [False, False, False, True]
    assert len(await kept.of_registrant("t1", MAN)) == 1


async def test_renewing_ahead_of_time_interrupts_nothing(register: Register, kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    proved = await registrant(register)

    later_ms = NOW_MS + 9 * DAY_MS
    await kept.begin("t1", attempt("v2", created_ms=later_ms), BY, later_ms)
    assert await registrant(register) == proved
    event = said(Event.APPROVE, later_ms, "e2", "ref-v2")
    assert await advance(kept, event, later_ms) is Applied.APPLIED

    assert (await registrant(register)).expires_at == later_ms + 10 * DAY_MS


async def test_one_that_was_verified_elsewhere_stays_so_until_something_is_settled_here(
    register: Register, kept: SqlVerifications
) -> None:
    imported = Registrant(MAN, RegistrantKind.PERSON, State.VERIFIED, "cn_real_name", "verified", NOW_MS + DAY_MS)
    await register.put_registrant("t1", imported, "import", 0)
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.PROCESS))
    assert await registrant(register) == imported

    await advance(kept, said(Event.DECLINE, event_id="e2"))
    assert (await registrant(register)).state is State.DECLINED


async def test_beginning_and_giving_up_leave_what_was_said_after_an_older_proof(
    register: Register, kept: SqlVerifications
) -> None:
    await kept.begin("t1", attempt(framework="manual", level="seen"), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    put = Registrant(MAN, RegistrantKind.PERSON, State.VERIFIED, "eidas", "high")
    await register.put_registrant("t1", put, "ops-1", NOW_MS + 6)
    before, _ = await register.changes(0)

    await kept.begin("t1", attempt("v2", provider="staff", reference=None, state=State.REVIEW), BY, NOW_MS + 7)
    assert await registrant(register) == put
    assert await kept.happen("t1", "v2", Event.CANCEL, None, BY, NOW_MS + 8, open_only=True) is Applied.APPLIED
    assert await kept.happen("t1", "v1", Event.EXPIRE, None, BY, NOW_MS + 10 * DAY_MS) is Applied.APPLIED
    assert await registrant(register) == put
    assert (await register.changes(before))[1] == []


async def test_what_is_left_over_when_another_was_approved_does_not_undo_it(
    register: Register, kept: SqlVerifications
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await kept.begin("t1", attempt("v2", provider="staff", reference=None, state=State.REVIEW), BY, NOW_MS + 1)
    await advance(kept, said(Event.APPROVE, NOW_MS + 2))
    proved = await registrant(register)

    refused = await kept.judge("t1", "v2", Verdict("ann", False, NOW_MS + 3), None, "not needed")

    assert isinstance(refused, Verification)
    assert (refused.state, await registrant(register)) == (State.DECLINED, proved)


async def test_a_renewal_that_is_declined_ends_what_was_proved_before_it(
    register: Register, kept: SqlVerifications
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    await kept.begin("t1", attempt("v2", created_ms=NOW_MS + 6), BY, NOW_MS + 6)
    assert await advance(kept, said(Event.DECLINE, NOW_MS + 9, "e2", "ref-v2")) is Applied.APPLIED
    assert (await registrant(register)).state is State.DECLINED


async def test_what_was_verified_elsewhere_and_has_ended_does_not_stay(
    register: Register, kept: SqlVerifications
) -> None:
    imported = Registrant(MAN, RegistrantKind.PERSON, State.VERIFIED, "cn_real_name", "verified", NOW_MS)
    await register.put_registrant("t1", imported, "import", 0)
    await kept.begin("t1", attempt(), BY, NOW_MS)
    assert (await registrant(register)).state is State.PENDING


async def test_a_change_of_name_starts_again(register: Register, kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    await kept.begin("t1", attempt("v2"), BY, NOW_MS + 10)

    assert await kept.restart("t1", MAN, By("ops-1", "another name"), NOW_MS + 20) == 2

    assert await registrant(register) == Registrant(MAN, RegistrantKind.PERSON, State.CANCELED)
    assert [each.state for each in await kept.of_registrant("t1", MAN)] == [State.CANCELED] * 2
    for number in (1, 2):
        event = said(Event.APPROVE, NOW_MS + 30, f"late-{number}", f"ref-v{number}")
        assert await advance(kept, event) is Applied.IMPOSSIBLE
    assert await kept.restart("t1", MAN, BY, NOW_MS + 40) == 0


async def test_a_change_of_name_ends_what_was_verified_elsewhere(register: Register, kept: SqlVerifications) -> None:
    imported = Registrant(MAN, RegistrantKind.PERSON, State.VERIFIED, "cn_real_name", "verified")
    await register.put_registrant("t1", imported, "import", 0)
    assert await kept.restart("t1", MAN, BY, NOW_MS) == 0
    assert (await registrant(register)).state is State.CREATED


def yes(reviewer: str, at_ms: int = NOW_MS + 7) -> Verdict:
    """An approval."""
    return Verdict(reviewer, True, at_ms)


async def in_review(kept: SqlVerifications, registrant_id: str) -> None:
    """A verification that waits for people."""
    waits = attempt(registrant_id=registrant_id, provider="staff", reference=None, state=State.REVIEW)
    assert await kept.begin("t1", waits, BY, NOW_MS)


async def test_one_reviewer_verifies_a_person(register: Register, kept: SqlVerifications) -> None:
    await in_review(kept, MAN)
    result = await kept.judge("t1", "v1", yes("ann"), DAY_MS, "papers seen")
    assert isinstance(result, Verification)
    assert result.state is State.VERIFIED
    assert (await registrant(register)).expires_at == NOW_MS + 7 + DAY_MS


async def test_two_different_reviewers_verify_an_organisation(register: Register, kept: SqlVerifications) -> None:
    await in_review(kept, FIRM)

    first = await kept.judge("t1", "v1", yes("ann"), DAY_MS, "")
    assert isinstance(first, Verification)
    assert (first.state, first.verdicts) == (State.REVIEW, (yes("ann"),))
    assert (await registrant(register, FIRM)).state is State.REVIEW
    for same in ("ann", " Ann ", "ANN"):
        assert await kept.judge("t1", "v1", yes(same), DAY_MS, "") is Uncounted.TWICE
    assert await kept.judge("t1", "v1", yes(" "), DAY_MS, "") is Uncounted.NOBODY
    assert await kept.verification("t1", "v1") == first

    second = await kept.judge("t1", "v1", yes("bob"), DAY_MS, "")
    assert isinstance(second, Verification)
    assert (second.state, second.verdicts) == (State.VERIFIED, (yes("ann"), yes("bob")))
    assert (await registrant(register, FIRM)).state is State.VERIFIED


async def test_two_reviewers_at_once_make_two(kept: SqlVerifications) -> None:
    await in_review(kept, FIRM)
    results = await asyncio.gather(*[kept.judge("t1", "v1", yes(name), None, "") for name in ("ann", "bob", "ann")])
    assert [result for result in results if isinstance(result, Verification) and result.state is State.VERIFIED]
    found = await kept.verification("t1", "v1")
    assert found is not None
    assert len({verdict.reviewer for verdict in found.verdicts}) == len(found.verdicts) == 2


async def test_an_approval_of_other_particulars_does_not_count(kept: SqlVerifications) -> None:
    assert await kept.begin("t1", attempt(registrant_id=FIRM), BY, NOW_MS)
    assert await advance(kept, said(Event.REVIEW, NOW_MS + 1, "e1")) is Applied.APPLIED
    assert isinstance(await kept.judge("t1", "v1", yes("ann", NOW_MS + 2), None, ""), Verification)
    assert await advance(kept, said(Event.ASK, NOW_MS + 3, "e2")) is Applied.APPLIED
    assert await advance(kept, said(Event.REVIEW, NOW_MS + 4, "e3")) is Applied.APPLIED
    for name, state in (("bob", State.REVIEW), ("ann", State.VERIFIED)):
        result = await kept.judge("t1", "v1", yes(name), None, "")
        assert isinstance(result, Verification)
        assert result.state is state


async def test_one_reviewer_refuses(register: Register, kept: SqlVerifications) -> None:
    await in_review(kept, FIRM)
    await kept.judge("t1", "v1", yes("ann"), None, "")
    result = await kept.judge("t1", "v1", Verdict("ann", False, NOW_MS + 9), None, "the seal is not theirs")
    assert isinstance(result, Verification)
    assert result.state is State.DECLINED
    assert (await registrant(register, FIRM)).state is State.DECLINED
    assert await kept.judge("t1", "v1", yes("bob"), None, "") is Applied.IMPOSSIBLE


async def test_only_what_is_in_review_is_judged(kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    assert await kept.judge("t1", "v1", yes("ann"), None, "") is Applied.IMPOSSIBLE
    assert await kept.judge("t1", "v2", yes("ann"), None, "") is Applied.UNKNOWN
    assert await kept.judge("t2", "v1", yes("ann"), None, "") is Applied.UNKNOWN
    await advance(kept, said(Event.REVIEW))
    assert isinstance(await kept.judge("t1", "v1", yes("ann"), None, ""), Verification)


async def test_what_happens_here_is_applied_once(register: Register, kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    for expected in (Applied.APPLIED, Applied.IMPOSSIBLE):
        assert await kept.happen("t1", "v1", Event.ASK, None, BY, NOW_MS + 1) is expected
    assert (await registrant(register)).state is State.NEEDS_INPUT
    assert await kept.happen("t1", "v1", Event.SUBMIT, None, BY, NOW_MS + 5000) is Applied.APPLIED
    assert await kept.happen("t1", "v9", Event.SUBMIT, None, BY, NOW_MS) is Applied.UNKNOWN
    # The provider's clock is a little behind ours.
    assert await advance(kept, said(Event.APPROVE, NOW_MS + 4000)) is Applied.APPLIED
    assert await kept.happen("t1", "v1", Event.EXPIRE, None, BY, NOW_MS + 10 * DAY_MS) is Applied.APPLIED
    assert (await registrant(register)).state is State.EXPIRED


@pytest.mark.parametrize("event", [Event.EXPIRE, Event.CANCEL])
async def test_a_provider_cannot_end_what_was_proved_as_an_attempt_ends(
    register: Register, kept: SqlVerifications, event: Event
) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    assert await advance(kept, said(event, NOW_MS + 9, "e2")) is Applied.IMPOSSIBLE
    assert (await registrant(register)).state is State.VERIFIED


async def test_canceling_what_stands_ends_it(register: Register, kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.APPROVE))
    await kept.happen("t1", "v1", Event.CANCEL, None, BY, NOW_MS + 10)
    assert (await registrant(register)).state is State.CANCELED


async def test_only_what_is_open_is_given_up(store: Store, register: Register, kept: SqlVerifications) -> None:
    await kept.begin("t1", attempt(), BY, NOW_MS)
    await advance(kept, said(Event.DECLINE))
    await kept.begin("t1", attempt("v2", created_ms=NOW_MS + 6), BY, NOW_MS + 6)
    assert (await registrant(register)).state is State.PENDING

    assert await kept.happen("t1", "v2", Event.CANCEL, None, BY, NOW_MS + 7, open_only=True) is Applied.APPLIED

    assert (await registrant(register)).state is State.DECLINED
    assert await advance(kept, said(Event.APPROVE, NOW_MS + 8, "e2", "ref-v2")) is Applied.IMPOSSIBLE
    await kept.begin("t1", attempt("v3", created_ms=NOW_MS + 9), BY, NOW_MS + 9)
    await advance(kept, said(Event.APPROVE, NOW_MS + 10, "e3", "ref-v3"))
    before = await everything(store, kept)
    for verification_id in ("v1", "v2", "v3"):
        result = await kept.happen("t1", verification_id, Event.CANCEL, None, BY, NOW_MS + 11, open_only=True)
        assert result is Applied.IMPOSSIBLE
    assert await everything(store, kept) == before


async def test_the_history_says_what_a_reviewer_said(registrar: SqlRegistrar, kept: SqlVerifications) -> None:
    await in_review(kept, FIRM)
    await kept.judge("t1", "v1", yes("ann"), None, "papers seen")
    await kept.judge("t1", "v1", Verdict("bob", False, NOW_MS + 9), None, "the seal is not theirs")
    rows = (await registrar.history("t1", subject("registrant", FIRM), 0, 10))[-2:]
    told = [orjson.loads(row.body) for row in rows]
    assert [(row["actor"], row["verdict"], row["to"]) for row in told] == [
        ("ann", "approve", "review"),
        ("bob", "refuse", "declined"),
    ]


async def test_what_waits_and_what_ends_is_listed_first_things_first(kept: SqlVerifications) -> None:
    for number, name in ((3, "c"), (1, "a"), (2, "b")):
        one = attempt(name, provider="aliyun", created_ms=NOW_MS + number)
        await kept.begin("t1", one, BY, NOW_MS)
    await kept.begin("t1", attempt("other"), BY, NOW_MS)
    waiting = await kept.pending("aliyun", NOW_MS + 3, 10)
    assert [(tenant, one.verification_id) for tenant, one in waiting] == [("t1", "a"), ("t1", "b")]
    assert [one.verification_id for _, one in await kept.pending("aliyun", NOW_MS + 9, 1)] == ["a"]

    for name, days in (("a", 3), ("b", 1), ("c", None)):
        valid_ms = None if days is None else days * DAY_MS
        await kept.happen("t1", name, Event.APPROVE, valid_ms, BY, NOW_MS)
    assert [one.verification_id for _, one in await kept.ending(NOW_MS + 5 * DAY_MS, 10)] == ["b", "a"]
    assert [one.verification_id for _, one in await kept.ending(NOW_MS + 2 * DAY_MS, 10)] == ["b"]
    assert await kept.ending(NOW_MS + 5 * DAY_MS, 10, "t2") == []
    assert [one.verification_id for _, one in await kept.ending(NOW_MS + 5 * DAY_MS, 1, "t1")] == ["b"]


async def test_after_an_erasure_nothing_comes_back_and_no_id_of_the_provider_is_left(
    store: Store, register: Register, kept: SqlVerifications, tmp_path: Path
) -> None:
    assert isinstance(store, SqlStore)
    await kept.begin("t1", attempt(reference="canary-session"), BY, NOW_MS)
    review = said(Event.REVIEW, NOW_MS, "canary-event", "canary-session")
    assert await advance(kept, review) is Applied.APPLIED
    new_keys(tmp_path / "keys.json")
    personal = SqlPersonal(store.database, PersonalKeys(FileMasterKey(tmp_path / "keys.json")))
    await personal.put("t1", MAN, {"legal_name": "Example Holder"}, BY, NOW_MS)
    erased = await personal.erase("t1", MAN, Registration(), By("ops-1", "asked to"), NOW_MS + 1, close=True)
    assert isinstance(erased, Erased)

    for event in (review, said(Event.APPROVE, NOW_MS + 9, "canary-event-2", "canary-session")):
        assert await advance(kept, event) is Applied.UNKNOWN
    assert await kept.judge("t1", "v1", yes("ann"), None, "") is Applied.IMPOSSIBLE
    assert await kept.restart("t1", MAN, BY, NOW_MS + 10) == 0
    assert (await registrant(register)).state is State.REDACTED
    async with store.database.reading("dump") as connection:
        for table in (verifications, provider_events):
            assert "canary-session" not in repr((await connection.execute(select(table))).all())
            assert "canary-event" not in repr((await connection.execute(select(table))).all())
