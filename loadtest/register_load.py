"""What the register costs while the gateway works: publishing by many accounts, and a closing that takes effect."""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import statistics
from collections.abc import Callable
from dataclasses import dataclass
from time import perf_counter
from typing import Any

import httpx
import psutil

from deploy.local.stack import APP_KEY, Stack
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.adapters.sql.registration import SqlRegistrar
from gateway.core.policy import Registration
from gateway.core.registration import By, CloseAccount, Refused
from gateway.demo import TENANT
from loadtest import client
from loadtest.client import Result, request_bytes
from loadtest.register_file import account_id

CLIENTS = 64
_TEXT = "The municipal library opens at nine today. Everyone is welcome to the reading room."
_SAMPLES = 200_000
_SPREAD = 2_654_435_761
"""Prime to any number of accounts here: popular accounts lie anywhere in the table."""


@dataclass(frozen=True, slots=True)
class Published:
    """Publish requests a second, by rounds."""

    rates: list[float]
    p50_ms: float
    p99_ms: float
    rss_mib: float

    @property
    def rate(self) -> float:
        """The median of the rounds."""
        return statistics.median(self.rates)


def zipf(accounts: int, seed: int) -> Callable[[], bytes]:
    """Publish requests by accounts of which the n-th most popular writes one n-th as often (Zipf's law, s = 1)."""
    chance = random.Random(seed)  # noqa: S311 - a load, no secret
    numbers = [int(accounts ** chance.random()) * _SPREAD % accounts for _ in range(_SAMPLES)]
    return itertools.cycle([_publish(number) for number in numbers]).__next__


def _publish(number: int, path: str = "/v1/messages") -> bytes:
    body = json.dumps({"account_id": account_id(number), "text": _TEXT}).encode()
    return request_bytes(path, body, APP_KEY)


async def publish_rounds(
    sizes: list[tuple[Stack, int, int]], rounds: int, seconds: float, say: Callable[[str], None]
) -> list[Published]:
    """Alternating rounds of publishing on each stack, given with its number of accounts and its gateway's process."""
    makes = [zipf(accounts, accounts) for _, accounts, _ in sizes]
    results: list[list[Result]] = [[] for _ in sizes]
    for number in range(rounds + 1):
        # Now this one is first, now the other: whatever a round leaves behind meets both.
        for place in sorted(range(len(sizes)), reverse=number % 2 == 1):
            stack, accounts, _ = sizes[place]
            result = await client.run(stack.port, makes[place], CLIENTS, seconds)
            if set(result.statuses) - {200, 201} or result.broken:
                raise RuntimeError(f"not every request was answered 200: {result.statuses}")
            if number:  # the first is for warming up
                results[place].append(result)
                say(f"round {number}, {accounts} accounts: {result.rate:.0f}/s")
    return [
        Published(
            [result.rate for result in found],
            statistics.median(result.percentile(0.5) * 1000 for result in found),
            statistics.median(result.percentile(0.99) * 1000 for result in found),
            rss_mib(pid),
        )
        for (_, _, pid), found in zip(sizes, results, strict=True)
    ]


async def fill(stack: Stack, accounts: int, entries: int, seconds: float) -> int:
    """Let the most popular accounts be in the gateway's cache, as they are after a day, the most popular ones last; how
    many were, when the time was over."""
    ranks = iter(range(min(entries, accounts - 1), 0, -1))

    def make() -> bytes:
        return _publish(next(ranks, 1) * _SPREAD % accounts, "/v1/decisions")

    asked, until = 0, perf_counter() + seconds
    while asked < entries and perf_counter() < until:
        asked += len((await client.run(stack.port, make, CLIENTS, 2.0)).seconds)
    return min(asked, entries)


def rss_mib(pid: int) -> float:
    """The memory of the largest process of a gateway."""
    process = psutil.Process(pid)
    return max(one.memory_info().rss for one in [process, *process.children(recursive=True)]) / 2**20


async def closed_to_effect(stack: Stack, accounts: int, trials: int, clients: int) -> list[float]:
    """Milliseconds from an account's closing being committed to the first answer that knows of it, for each trial and
    each of the stack's gateway processes, while ``clients`` publish."""
    ended = asyncio.Event()
    make = zipf(accounts, 1)

    async def load() -> None:
        while not ended.is_set():
            await client.run(stack.port, make, clients, 1.0)

    loading = asyncio.create_task(load())
    callers = await _a_caller_each(stack)
    found: list[float] = []
    async with open_store(stack.database_url) as (store, _):
        registrar = SqlRegistrar(store.database)
        for trial in range(trials):
            account = account_id(accounts - 1 - trial)
            for caller in callers:  # it is in every process's cache
                if "account_closed" in await _decide(caller, account):
                    raise RuntimeError("the account was closed before")
            watching = [asyncio.create_task(_until_closed(caller, account)) for caller in callers]
            act = CloseAccount(account)
            done = await registrar.carry_out(TENANT, act, By("bench"), Registration(), SystemClock().now_ms())
            committed = perf_counter()
            if isinstance(done, Refused):
                raise RuntimeError(f"not closed: {done}")
            found += [(seen - committed) * 1000 for seen in await asyncio.gather(*watching)]
    ended.set()
    await loading
    for caller in callers:
        await caller.aclose()
    return found


async def _a_caller_each(stack: Stack) -> list[httpx.AsyncClient]:
    """A client for each of two gateway processes, on one connection that this process has taken."""
    found: dict[int, httpx.AsyncClient] = {}
    while len(found) < 2:
        caller = httpx.AsyncClient(base_url=stack.url, limits=httpx.Limits(max_connections=1), timeout=30.0)
        report: dict[str, Any] = (await caller.get("/healthz")).json()
        if report["pid"] in found:
            await caller.aclose()
        else:
            found[report["pid"]] = caller
    return list(found.values())


async def _until_closed(caller: httpx.AsyncClient, account: str) -> float:
    while "account_closed" not in await _decide(caller, account):
        pass
    return perf_counter()


async def _decide(caller: httpx.AsyncClient, account: str) -> str:
    answer = await caller.post(
        "/v1/decisions",
        json={"account_id": account, "text": _TEXT},
        headers={"Authorization": f"Bearer {APP_KEY}"},
    )
    return answer.text
