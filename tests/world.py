"""A gateway process whose ports are all in memory, and the accounts it knows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from gateway.core.model import (
    Account,
    AccountState,
    Media,
    Message,
    MessageState,
    Outcome,
    Registrant,
    RegistrantKind,
    VerificationState,
)
from gateway.core.policy import PolicyInForce
from gateway.core.quota import HoldQuota
from gateway.core.records import Request, Stored, Tenant
from gateway.http.requests import hash_key
from gateway.lease import LeaseKeeper
from gateway.perform import Perform
from gateway.ports import Pictures
from gateway.publish import Publish, Submission
from gateway.review import Review, resolve_by_person
from tests.fakes import FakeClock, ScriptedClassifiers, ScriptedSources, ScriptedUpstream, WatchedStore
from tests.policies import policy

PERSON = Registrant("reg-1", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "high")
ACCOUNT = Account("acc-1", AccountState.ACTIVE, PERSON)
CLOSED = Account("acc-closed", AccountState.CLOSED, PERSON)
NOBODYS = Account("acc-nobody", AccountState.ACTIVE)
THEIRS = Account("acc-theirs", AccountState.ACTIVE, PERSON)
TENANT = Tenant("t1", "Tenant One", "https://one.example/publish")
OTHER = Tenant("t2", "Tenant Two", "https://two.example/publish")
KEY, OTHER_KEY = "key-one", "key-two"
TTL_MS, MARGIN_MS = 30_000, 10_000


@dataclass
class World:
    """One gateway process. ``policy`` and all fakes may be changed at any time."""

    store: WatchedStore
    clock: FakeClock
    lease: LeaseKeeper
    limit: int
    policy: PolicyInForce = field(default_factory=policy)
    classifiers: ScriptedClassifiers = field(default_factory=ScriptedClassifiers)
    pictures: Pictures | None = None
    quota: HoldQuota = field(default_factory=lambda: HoldQuota(1000, 1 << 20))

    def __post_init__(self) -> None:
        self.upstream = ScriptedUpstream(self.store.journal)
        self.sources = ScriptedSources()
        self.perform = Perform(self.store, self.upstream, self.clock, self.lease, unsettled_limit=2)
        self.publish = Publish(
            registry=self.store,
            classifiers=self.classifiers,
            store=self.store,
            perform=self.perform,
            policy=lambda: self.policy,
            clock=self.clock,
            limit=self.limit,
            sources=self.sources,
            pictures=self.pictures,
            quota=self.quota,
        )
        self.review = Review(
            registry=self.store,
            classifiers=self.classifiers,
            store=self.store,
            perform=self.perform,
            policy=lambda: self.policy,
            clock=self.clock,
            ask_again_ms=2000,
            sources=self.sources,
            pictures=self.pictures,
        )
        self.classifiers.on_late(self.review.late)

    async def stored(self, message_id: str) -> Stored:
        """A message that must be there."""
        found = await self.store.message(message_id)
        assert found is not None
        return found

    async def state(self, message_id: str) -> MessageState:
        """Where a message is."""
        return (await self.stored(message_id)).state

    async def resolve(self, stored: Stored, outcome: Outcome, actor: str, note: str) -> bool:
        """Release or reject a hold as a person does."""
        return await resolve_by_person(self.store, self.store, self.clock, self.policy, stored, outcome, actor, note)

    async def put(self, account: Account) -> None:
        """Add or replace an account of the first tenant."""
        await self.store.put_account(TENANT.tenant_id, account, "test", self.clock.now_ms())


async def open_world(
    store: WatchedStore | None = None,
    limit: int = 8,
    process: int = 0,
    classifiers: ScriptedClassifiers | None = None,
    pictures: Pictures | None = None,
) -> World:
    """A process on a new store with accounts, or another process on a store that is there."""
    clock = FakeClock(process=process)
    if store is None:
        store = WatchedStore()
        await store.put_tenant(TENANT, hash_key(KEY), "test", clock.now_ms())
        await store.put_tenant(OTHER, hash_key(OTHER_KEY), "test", clock.now_ms())
        for account in (ACCOUNT, CLOSED, NOBODYS):
            await store.put_account(TENANT.tenant_id, account, "test", clock.now_ms())
        await store.put_account(OTHER.tenant_id, THEIRS, "test", clock.now_ms())
    asked_ms = clock.steady_ms()
    lease = await store.lease(f"process-{process}", 4, TTL_MS, clock.now_ms())
    assert lease is not None
    keeper = LeaseKeeper(store, clock, lease, TTL_MS, MARGIN_MS, asked_ms=asked_ms)
    return World(store, clock, keeper, limit, classifiers=classifiers or ScriptedClassifiers(), pictures=pictures)


def submission(
    text: str = "hello",
    *,
    account: Account = ACCOUNT,
    tenant: Tenant = TENANT,
    forwards: bool = True,
    key: str | None = None,
    idempotent: bool = False,
    client_retries: bool = False,
    media: tuple[Media, ...] = (),
) -> Submission:
    """A publish request as the hot path hands it over."""
    body = text.encode()
    content_hash = hashlib.sha256(body).hexdigest()
    message = Message(tenant.tenant_id, account.account_id, "native", (text,), content_hash, media)
    return Submission(
        tenant, message, Request(body, "application/json"), forwards, key, content_hash, idempotent, client_retries
    )
