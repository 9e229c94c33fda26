"""How fast reviewers are served with few holds and with many: ``python -m loadtest.holds``.

Two gateways in this process, on a database each, with 100 and 10,000 held messages, asked in turn: a page of the queue,
as data and as the console shows it, and the claim of the message that is due first.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from classifiers.contract import Question, Reply
from deploy.local.postgres import Postgres
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import SqlOperators, SqlStore, open_store
from gateway.app import create_app
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Facts,
    Message,
    MessageState,
    Outcome,
    Reason,
)
from gateway.core.operators import Operator, Role
from gateway.core.records import Entry, Request, Tenant
from gateway.core.registration import By
from gateway.http.console import cookies
from gateway.http.requests import hash_key
from gateway.ports import Queue
from gateway.settings import Settings

FEW: Final = 100
MANY: Final = 10_000
BOUND: Final = 3.0
"""How many times as long it may take with many as with few, at the 95th percentile."""
_KEY: Final = "bench-key"
_ASKED: Final = 60
"""Requests of a kind in each round."""


@dataclass(frozen=True, slots=True)
class HoldsRow:
    """Milliseconds of one kind of request on one database: medians over the rounds of the 50th and the 95th percentile,
    with few holds and with many, and of the ratio of the latter, with its lowest and highest round."""

    database: str
    what: str
    few_p50: float
    few_p95: float
    many_p50: float
    many_p95: float
    ratio: float
    low: float
    high: float


async def measure(postgres: Postgres, rounds: int) -> list[HoldsRow]:
    """All rows."""
    rows: list[HoldsRow] = []
    with tempfile.TemporaryDirectory() as directory:
        for database in ("sqlite", "postgresql"):
            async with AsyncExitStack() as stack:
                clients = []
                for count in (FEW, MANY):
                    url = _url(database, count, postgres, Path(directory))
                    clients.append(await stack.enter_async_context(_gateway(url, count)))
                rows += await _compare(database, clients[0], clients[1], rounds)
            if database == "postgresql":
                for count in (FEW, MANY):
                    postgres.drop_database(f"moderation_bench_holds_{count}")
    return rows


def holds_table(rows: Sequence[HoldsRow]) -> str:
    """The figures as Markdown."""
    lines = [
        f"Reviewers served by one process with {FEW} and with {MANY:,} held messages, in milliseconds.",
        "",
        "| database | request | p50 few | p50 many | p95 few | p95 many | ratio of p95 | to reach | |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        met = "met" if row.ratio <= BOUND else "not met"
        lines.append(
            f"| {row.database} | {row.what} | {row.few_p50:.1f} | {row.many_p50:.1f} | {row.few_p95:.1f} "
            f"| {row.many_p95:.1f} | {row.ratio:.2f} ({row.low:.2f}-{row.high:.2f}) | <= {BOUND:g} | {met} |"
        )
    return "\n".join(lines)


def _url(database: str, count: int, postgres: Postgres, directory: Path) -> str:
    if database == "sqlite":
        return f"sqlite+aiosqlite:///{directory}/{count}.db"
    return postgres.create_database(f"moderation_bench_holds_{count}")


@asynccontextmanager
async def _gateway(url: str, count: int) -> AsyncIterator[httpx.AsyncClient]:
    """A gateway whose queue is filled, and a reviewer's client."""
    async with open_store(url) as (store, register):
        await register.put_tenant(Tenant("t1", "One", "https://one.example"), "k" * 64, "bench", 0)
        key_hash = hash_key(_KEY)
        await SqlOperators(store.database).add(Operator("bench", Role.REVIEWER), key_hash, By("bench"), 0)
        await _hold(store, count)
    app = create_app(Settings(database_url=url), _silent)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {_KEY}"},
        ) as client,
    ):
        await _until_queued(app.state.desk.held.queue, count)
        session = cookies.new_token()
        await app.state.console.sessions.begin("bench", hash_key(session), "password", SystemClock().now_ms())
        client.cookies.set(cookies.SESSION, session)
        yield client


def _silent(question: Question) -> Reply:
    return Reply(question.correlation, question.message_id, question.tenant_id, ())


async def _hold(store: SqlStore, count: int) -> None:
    now_ms = SystemClock().now_ms()
    lease = await store.lease("bench", 8, 600_000, now_ms)
    if lease is None:
        raise RuntimeError("no slot is free")
    account = Account("acc-1", AccountState.ACTIVE)
    categories = ("spam", "fraud", "violence", "hate", "self_harm")
    for start in range(0, count, 500):
        entries = []
        for number in range(start, min(start + 500, count)):
            category = categories[number % len(categories)]
            reason = Reason("content_suspected", Outcome.HOLD, "Looks like it.", "text", category, 0.7)
            case = Case(Facts(now_ms, account), (), Decision(Outcome.HOLD, "content_suspected", (reason,), "v" * 64))
            text = f"Message number {number}: buy now, and tell your friends about it before the evening."
            message = Message("t1", "acc-1", "native", (text,), "c" * 64)
            entries.append(
                Entry(
                    f"m{number:07}",
                    f"d{number:07}",
                    message,
                    Request(b"{}", "application/json"),
                    case,
                    MessageState.HELD,
                    True,
                    now_ms + number,
                )
            )
        await asyncio.gather(*[store.commit(lease.owner, entry) for entry in entries])
    await store.release(lease.owner)


async def _until_queued(queue: Queue, count: int) -> None:
    async with asyncio.timeout(120):
        while (await queue.count(None, 0))[0] < count:  # noqa: ASYNC110 - the database tells nobody
            await asyncio.sleep(0.1)


async def _compare(database: str, few: httpx.AsyncClient, many: httpx.AsyncClient, rounds: int) -> list[HoldsRow]:
    asked: dict[str, Callable[[httpx.AsyncClient], Awaitable[float]]] = {
        "page of 50": _page,
        "the console's page": _console_page,
        "claim": _claim,
    }
    found: dict[str, list[tuple[list[float], list[float]]]] = {what: [] for what in asked}
    for turn in range(rounds + 1):
        for what, ask in asked.items():
            took: tuple[list[float], list[float]] = ([], [])
            for _ in range(_ASKED):
                for times, client in zip(took, (few, many), strict=True):
                    times.append(await ask(client))
            if turn:  # the first round warms up
                found[what].append(took)
    return [_row(database, what, results) for what, results in found.items()]


def _row(database: str, what: str, results: list[tuple[list[float], list[float]]]) -> HoldsRow:
    def middle(size: int, share: float) -> float:
        return statistics.median([_percentile(result[size], share) for result in results])

    ratios = [_percentile(many, 0.95) / _percentile(few, 0.95) for few, many in results]
    return HoldsRow(
        database,
        what,
        middle(0, 0.5),
        middle(0, 0.95),
        middle(1, 0.5),
        middle(1, 0.95),
        statistics.median(ratios),
        min(ratios),
        max(ratios),
    )


def _percentile(times: list[float], share: float) -> float:
    return sorted(times)[min(len(times) - 1, int(len(times) * share))] * 1000


async def _page(client: httpx.AsyncClient) -> float:
    started = time.perf_counter()
    answer = await client.get("/v1/admin/tenants/t1/holds?limit=50")
    took = time.perf_counter() - started
    if answer.status_code != 200 or len(answer.json()["holds"]) != 50:
        raise RuntimeError(f"the queue was answered {answer.status_code}")
    return took


async def _console_page(client: httpx.AsyncClient) -> float:
    started = time.perf_counter()
    answer = await client.get("/console/queue")
    took = time.perf_counter() - started
    if answer.status_code != 200 or answer.text.count("data-item") != 50:
        raise RuntimeError(f"the console's queue was answered {answer.status_code}")
    return took


async def _claim(client: httpx.AsyncClient) -> float:
    """The claim alone is measured; the message is given back."""
    started = time.perf_counter()
    answer = await client.post("/v1/admin/tenants/t1/holds:claim_next")
    took = time.perf_counter() - started
    if answer.status_code != 200:
        raise RuntimeError(f"a claim was answered {answer.status_code}")
    await client.post(f"/v1/admin/tenants/t1/holds/{answer.json()['message_id']}:let_go")
    return took


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with Postgres() as postgres:
        print(holds_table(asyncio.run(measure(postgres, rounds))))  # noqa: T201


if __name__ == "__main__":
    main()
