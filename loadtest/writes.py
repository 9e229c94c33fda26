"""Rows that need no HTTP: durable writes with and without group commit, and how fast the classifiers judge."""

from __future__ import annotations

import asyncio
import hashlib
import statistics
from dataclasses import dataclass
from time import perf_counter, process_time

from classifiers.catalogue import load
from classifiers.contract import Opinion, Question, Score
from classifiers.judge import judge
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.core.model import Account, AccountState, Case, Decision, Facts, Message, MessageState, Outcome
from gateway.core.records import Entry, Owner, Request, Tenant
from gateway.ports import Store

_BODY = b'{"account_id":"bench","text":"The municipal library opens at nine today."}'
_WRITERS = 256
_SECONDS = 1.5


@dataclass(frozen=True, slots=True)
class Writes:
    """Durable writes a second: many callers sharing transactions, and one caller with a transaction each."""

    grouped: float
    single: float
    ratio: float
    low: float
    high: float


def writes_per_second(url: str, rounds: int) -> Writes:
    """Alternate grouped and single writes on this database; medians, and the spread of the ratio."""

    async def run() -> Writes:
        async with open_store(url) as (store, register):
            clock = SystemClock()
            await register.put_tenant(Tenant("bench", "Bench", "http://upstream/"), "0" * 64, "bench", clock.now_ms())
            lease = await store.lease("bench", 1, 3_600_000, clock.now_ms())
            if lease is None:
                raise RuntimeError("the slot is taken")
            grouped, single = [], []
            for _ in range(rounds):
                grouped.append(await _rate(store, lease.owner, clock, _WRITERS))
                single.append(await _rate(store, lease.owner, clock, 1))
            ratios = [many / one for many, one in zip(grouped, single, strict=True)]
            middle = statistics.median
            return Writes(middle(grouped), middle(single), middle(ratios), min(ratios), max(ratios))

    return asyncio.run(run())


async def _rate(store: Store, owner: Owner, clock: SystemClock, writers: int) -> float:
    started = perf_counter()
    count = 0

    async def writer() -> None:
        nonlocal count
        while perf_counter() < started + _SECONDS:
            await store.commit(owner, _entry(clock))
            count += 1

    await asyncio.gather(*(writer() for _ in range(writers)))
    return count / (perf_counter() - started)


def _entry(clock: SystemClock) -> Entry:
    now_ms = clock.now_ms()
    message = Message("bench", "bench", "native", ("The municipal library opens at nine today.",), _HASH)
    facts = Facts(now_ms, Account("bench", AccountState.ACTIVE))
    opinion = Opinion("text", "bench", (Score("violence", 0.01),))
    case = Case(facts, (opinion,), Decision(Outcome.BLOCK, "bench", (), "0" * 64))
    return Entry(
        clock.new_id(),
        clock.new_id(),
        message,
        Request(_BODY, "application/json"),
        case,
        MessageState.BLOCKED,
        True,
        now_ms,
    )


def judged_per_second(text: str) -> float:
    """Messages a second that the shipped classifiers judge on one core."""
    classifiers = load()
    question = Question("1-1", "1", "bench", tuple(classifiers), (text,), (), 0)
    judge(question, classifiers)
    count, started = 0, process_time()
    while process_time() < started + 2.0:
        judge(question, classifiers)
        count += 1
    return count / (process_time() - started)


_HASH = hashlib.sha256(_BODY).hexdigest()
