"""The story of a verification over SQLite, with a provider that is asked over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from gateway.adapters.aliyun import AliyunChecker
from gateway.adapters.sql import SqlStore, open_store
from gateway.adapters.sql.verifications import SqlVerifications
from gateway.core.model import Account, AccountState, Registrant, RegistrantKind
from gateway.core.model import VerificationState as State
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.review_count import Uncounted
from gateway.core.verification import Verification
from gateway.ports import Applied, Begun, StoreUnavailable
from gateway.providers.config import DAY_MS, parse_providers
from gateway.providers.webhooks import Endpoint
from gateway.verify import Unstarted, Verify
from tests.adapters.test_aliyun import FIELDS, KEY_ID, SECRET, Vendor
from tests.fakes import FakeClock
from tests.http.recorder import Recorder, recorder

BY = By("ops-1", "opening")
PROVIDERS = """\
providers:
  - {name: aliyun, kind: aliyun, secret_env: [S], client_env: I, framework: cn_real_name, level: verified,
     valid_days: 100, tenants: [t1], endpoint: "ADDRESS"}
  - {name: stripe, kind: stripe, secret_env: [S], framework: eidas, level: high, tenants: [t1]}
  - {name: staff, kind: manual, framework: manual, level: seen, valid_days: 10, tenants: [t1]}
"""


@dataclass
class Office:
    """A process that verifies. ``fields`` is what the register has of each registrant; a fault there is raised, and for
    those whose data is ``unreadable``."""

    verify: Verify
    store: SqlStore
    clock: FakeClock
    vendor: Vendor
    fields: Mapping[str, str] | Exception | None = None
    unreadable: frozenset[str] = frozenset()

    async def begin(self, provider: str = "aliyun", reference: str | None = None) -> Verification:
        """A verification of r1 that must begin."""
        begun = await self.verify.start("t1", "r1", provider, reference, BY)
        assert isinstance(begun, Begun)
        assert begun.new
        return begun.verification

    async def registrant(self) -> Registrant:
        """r1 as the hot path finds it."""
        account = await self.store.register.account("t1", "acc-1")
        assert account is not None
        assert account.registrant is not None
        return account.registrant


@pytest.fixture
async def office(tmp_path: Path) -> AsyncIterator[Office]:
    vendor, clock = Vendor(), FakeClock()
    async with recorder(vendor) as server, open_store(f"sqlite+aiosqlite:///{tmp_path}/gateway.db") as (store, _):
        yield await _office(store, clock, vendor, server)


async def _office(store: SqlStore, clock: FakeClock, vendor: Vendor, server: Recorder) -> Office:
    providers = parse_providers(PROVIDERS.replace("ADDRESS", f"http://{server.netloc}"), frozenset({"S", "I"}))
    await store.register.put_tenant(Tenant("t1", "One", "https://one.example/"), "key", "test", 0)
    await store.register.put_tenant(Tenant("t2", "Two", "https://two.example/"), "other", "test", 0)
    registrant = Registrant("r1", RegistrantKind.ORGANISATION, State.CREATED)
    await store.register.put_account("t1", Account("acc-1", AccountState.ACTIVE, registrant), "test", 0)

    async def fields(tenant_id: str, registrant_id: str) -> Mapping[str, str] | None:
        assert tenant_id == "t1"
        if registrant_id in made.unreadable:
            raise StoreUnavailable("sealed under a key that is lost")
        if isinstance(made.fields, Exception):
            raise made.fields
        return made.fields

    verify = Verify(
        kept=SqlVerifications(store.database),
        providers=providers,
        endpoints={"stripe": Endpoint("stripe", (b"s",), 300_000)},
        checkers={"aliyun": AliyunChecker(providers[0], KEY_ID, SECRET.encode(), clock)},
        fields=fields,
        clock=clock,
    )
    made = Office(verify, store, clock, vendor, FIELDS)
    return made


def checks(result: str) -> float:
    """How many questions came to this."""
    labels = {"provider": "aliyun", "result": result}
    return REGISTRY.get_sample_value("gateway_provider_checks_total", labels) or 0.0


@pytest.mark.parametrize(
    ("biz_code", "state"), [("1", State.VERIFIED), ("2", State.DECLINED), ("3", State.NEEDS_INPUT)]
)
async def test_a_provider_that_answers_at_once_is_asked_at_once(office: Office, biz_code: str, state: State) -> None:
    office.vendor.result = {"BizCode": biz_code}

    begun = await office.begin()

    assert begun.state is state
    registrant = await office.registrant()
    assert registrant.state is state
    if state is State.VERIFIED:
        assert (registrant.framework, registrant.level) == ("cn_real_name", "verified")
        assert registrant.expires_at == office.clock.now + 100 * DAY_MS


async def test_not_found_is_asked_again_with_better_particulars(office: Office) -> None:
    office.vendor.result = {"BizCode": "3"}
    begun = await office.begin()
    office.vendor.result = {"BizCode": "1"}
    again = await office.verify.submit_again("t1", begun.verification_id, BY)
    assert isinstance(again, Verification)
    assert (again.state, (await office.registrant()).state) == (State.VERIFIED, State.VERIFIED)
    assert await office.verify.submit_again("t1", begun.verification_id, BY) is Applied.IMPOSSIBLE
    assert await office.verify.submit_again("t1", "nothing", BY) is Applied.UNKNOWN


@pytest.mark.parametrize("fields", [None, {}, {"legal_name": "Example Press"}])
async def test_who_cannot_be_asked_about_needs_input(office: Office, fields: Mapping[str, str] | None) -> None:
    office.fields = fields
    assert (await office.begin()).state is State.NEEDS_INPUT
    assert office.vendor.asked == []


async def test_without_an_answer_the_verification_stays_pending_and_is_asked_again(office: Office) -> None:
    before = checks("unavailable")
    office.vendor.result = {"BizCode": "unheard of"}
    begun = await office.begin()
    assert (begun.state, checks("unavailable") - before) == (State.PENDING, 1)
    asked = len(office.vendor.asked)

    office.clock.now += 20_000  # too soon
    await office.verify.ask_again()
    assert len(office.vendor.asked) == asked
    office.clock.now += 20_000
    await office.verify.ask_again()
    assert (len(office.vendor.asked), (await office.registrant()).state) == (asked + 1, State.PENDING)
    office.clock.now += 40_000  # the pause has doubled
    await office.verify.ask_again()
    assert len(office.vendor.asked) == asked + 1

    office.vendor.result = {"BizCode": "1"}
    office.clock.now += 40_000
    await office.verify.ask_again()
    assert (await office.registrant()).state is State.VERIFIED
    await office.verify.ask_again()
    assert len(office.vendor.asked) == asked + 2


async def test_one_that_is_never_answered_keeps_no_other_from_being_asked(office: Office) -> None:
    office.fields, office.unreadable = StoreUnavailable("away"), frozenset({"r-1", "r-2"})
    begun = []
    for registrant_id in ("r-1", "r-2", "r-3", "r-4"):  # the first ones are asked about first
        registrant = Registrant(registrant_id, RegistrantKind.ORGANISATION, State.CREATED)
        account = Account(f"of-{registrant_id}", AccountState.ACTIVE, registrant)
        await office.store.register.put_account("t1", account, "test", 0)
        office.clock.now += 1
        one = await office.verify.start("t1", registrant_id, "aliyun", None, BY)
        assert isinstance(one, Begun)
        begun.append(one.verification.verification_id)
    office.fields = FIELDS
    for _ in range(4):
        office.clock.now += DAY_MS
        await office.verify.ask_again()
    kept = SqlVerifications(office.store.database)
    states = [found.state for each in begun if (found := await kept.verification("t1", each)) is not None]
    assert states == [State.PENDING, State.PENDING, State.VERIFIED, State.VERIFIED]


async def test_particulars_that_cannot_be_read_now_are_read_later(office: Office) -> None:
    office.fields = StoreUnavailable("away")
    assert (await office.begin()).state is State.PENDING
    office.fields = FIELDS
    office.clock.now += 60_001
    await office.verify.ask_again()
    assert (await office.registrant()).state is State.VERIFIED


@pytest.mark.parametrize(
    ("tenant_id", "registrant_id", "provider", "reference", "why"),
    [
        ("t1", "r1", "nobody", None, Unstarted.PROVIDER_UNKNOWN),
        ("t2", "r1", "staff", None, Unstarted.PROVIDER_UNKNOWN),
        ("t1", "r1", "stripe", None, Unstarted.REFERENCE_NEEDED),
        ("t1", "r1", "stripe", "", Unstarted.REFERENCE_NEEDED),
        ("t1", "r1", "staff", "ref", Unstarted.REFERENCE_NOT_TAKEN),
        ("t1", "r1", "aliyun", "ref", Unstarted.REFERENCE_NOT_TAKEN),
        ("t1", "r9", "staff", None, Unstarted.REGISTRANT_UNKNOWN),
    ],
)
async def test_why_a_verification_does_not_begin(
    office: Office, tenant_id: str, registrant_id: str, provider: str, reference: str | None, why: Unstarted
) -> None:
    assert await office.verify.start(tenant_id, registrant_id, provider, reference, BY) is why
    assert (await office.registrant()).state is State.CREATED


async def test_a_session_belongs_to_one_verification(office: Office) -> None:
    assert (await office.begin("stripe", "vs_1")).state is State.PENDING
    other = Registrant("r2", RegistrantKind.PERSON, State.CREATED)
    await office.store.register.put_account("t1", Account("acc-2", AccountState.ACTIVE, other), "test", 0)
    assert await office.verify.start("t1", "r2", "stripe", "vs_1", BY) is Unstarted.REGISTRANT_UNKNOWN
    assert (await office.begin("stripe", "vs_2")).state is State.PENDING


async def test_what_is_open_with_a_provider_is_not_begun_again(office: Office) -> None:
    office.fields = None
    asked, reviewed = await office.begin(), await office.begin("staff")
    session = await office.begin("stripe", "vs_1")
    office.fields = FIELDS
    for provider, reference, there in (("aliyun", None, asked), ("staff", None, reviewed), ("stripe", "vs_1", session)):
        assert await office.verify.start("t1", "r1", provider, reference, BY) == Begun(there, new=False)
    assert office.vendor.asked == []


async def test_what_is_given_up_can_be_begun_again(office: Office) -> None:
    begun = await office.begin("staff")
    canceled = await office.verify.cancel("t1", begun.verification_id, BY)
    assert isinstance(canceled, Verification)
    assert canceled.state is State.CANCELED
    assert await office.verify.cancel("t1", begun.verification_id, BY) == canceled
    assert await office.verify.judge("t1", begun.verification_id, "ann", True, "") is Applied.IMPOSSIBLE
    assert await office.verify.cancel("t1", "nothing", BY) is Applied.UNKNOWN
    await office.begin("staff")


async def test_what_was_proved_is_not_given_up(office: Office) -> None:
    begun = await office.begin()
    assert await office.verify.cancel("t1", begun.verification_id, BY) is Applied.IMPOSSIBLE
    assert (await office.registrant()).state is State.VERIFIED


async def test_people_are_counted_once(office: Office) -> None:
    begun = await office.begin("staff")
    for reviewer, expected in (("ann", State.REVIEW), (" Ann", Uncounted.TWICE), ("bob", State.VERIFIED)):
        judged = await office.verify.judge("t1", begun.verification_id, reviewer, True, "papers seen")
        assert (judged.state if isinstance(judged, Verification) else judged) is expected
    assert (await office.registrant()).expires_at == office.clock.now + 10 * DAY_MS
    assert await office.verify.judge("t1", "nothing", "ann", True, "") is Applied.UNKNOWN
    assert await office.verify.judge("t2", begun.verification_id, "ann", True, "") is Applied.UNKNOWN


async def test_what_ends_is_due_ahead_of_time_and_expired_at_its_time(office: Office) -> None:
    begun = await office.begin()
    assert begun.expires_at is not None
    assert await office.verify.due("t1", 99, 10) == []
    assert [one.verification_id for one in await office.verify.due("t1", 101, 10)] == [begun.verification_id]
    assert await office.verify.due("t2", 101, 10) == []

    office.clock.now = begun.expires_at - 1
    assert await office.verify.expire() is False
    assert (await office.registrant()).state is State.VERIFIED
    office.clock.now += 1
    await office.verify.expire()
    assert (await office.registrant()).state is State.EXPIRED


async def test_one_that_was_renewed_ahead_of_time_does_not_end_with_the_old(office: Office) -> None:
    first = await office.begin()
    assert first.expires_at is not None
    office.clock.now += 90 * DAY_MS
    await office.begin()
    office.clock.now = first.expires_at
    await office.verify.expire()
    registrant = await office.registrant()
    assert (registrant.state, registrant.expires_at) == (State.VERIFIED, first.expires_at + 90 * DAY_MS)


async def test_another_name_starts_again(office: Office) -> None:
    await office.begin()
    assert await office.verify.restart("t1", "r1", By("ops-1", "another name")) == 1
    assert (await office.registrant()).state is State.CANCELED
    assert (await office.begin()).state is State.VERIFIED
