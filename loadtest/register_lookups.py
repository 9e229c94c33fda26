"""How long a look-up of an account takes, from the cache and from the database, and what the cache weighs."""

from __future__ import annotations

import asyncio
import gc
import random
from dataclasses import dataclass
from time import perf_counter, process_time

import psutil

from gateway.adapters.cached import CachedRegistry
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.demo import TENANT
from gateway.ports import Registry
from loadtest.register_file import account_id

_CALLERS = 64


@dataclass(frozen=True, slots=True)
class Lookups:
    """Look-ups by so many callers at once: microseconds, and processor time of this process for each."""

    callers: int
    p50_us: float
    p99_us: float
    cpu_us: float


async def uncached(url: str, accounts: int, callers: int, seconds: float) -> Lookups:
    """Any accounts, straight from the database."""
    async with open_store(url) as (_, register):
        await _many(register, accounts, callers, seconds / 4)
        return await _many(register, accounts, callers, seconds)


async def cached(url: str, accounts: int, size: int) -> tuple[Lookups, float]:
    """Accounts that are in the cache; and the bytes of memory that each of ``size`` entries takes."""
    async with open_store(url) as (_, register):
        cache = CachedRegistry(register, SystemClock(), size, trust_ms=3_600_000)
        await cache.refresh()
        held = min(size, accounts)
        gc.collect()
        before = psutil.Process().memory_info().rss
        for start in range(0, held, 512):
            names = [account_id(number) for number in range(start, min(held, start + 512))]
            await asyncio.gather(*[cache.account(TENANT, name) for name in names])
        gc.collect()
        bytes_each = (psutil.Process().memory_info().rss - before) / held
        return await _many(cache, held, 1, 1.0), bytes_each


async def _many(registry: Registry, accounts: int, callers: int, seconds: float) -> Lookups:
    until = perf_counter() + seconds
    spent: list[float] = []
    chance = random.Random(accounts)  # noqa: S311 - a load, no secret

    async def caller() -> None:
        while (started := perf_counter()) < until:
            if await registry.account(TENANT, account_id(chance.randrange(accounts))) is None:
                raise RuntimeError("an account is missing")
            spent.append(perf_counter() - started)

    used = process_time()
    await asyncio.gather(*[caller() for _ in range(callers)])
    used = process_time() - used
    spent.sort()
    middle, last = spent[len(spent) // 2], spent[int(len(spent) * 0.99)]
    return Lookups(callers, middle * 1e6, last * 1e6, used / len(spent) * 1e6)
