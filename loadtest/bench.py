"""`make bench`: the gateway against its floors, in alternating rounds of one run; see RESULTS.md for how to read it."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from importlib.metadata import version

import psutil
import uvloop

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port
from deploy.local.stack import APP_KEY, Stack
from loadtest import client, kafka_echo
from loadtest.client import Result, request_bytes
from loadtest.report import TARGETS, Row, table, write_results
from loadtest.writes import judged_per_second, writes_per_second

TEXT = (
    "The municipal library opens at nine today. Everyone is welcome to the reading room, and the children's corner "
    "has new picture books. Please bring your card along."
)
BODY = json.dumps({"account_id": "demo-verified", "text": TEXT}).encode()


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is measured: a row of the table at so many clients."""

    row: str
    clients: int
    run: Callable[[], Awaitable[Result]]


@contextmanager
def bench_stack(bootstrap: str, database_url: str) -> Iterator[tuple[Stack, int, dict[str, int]]]:
    """One gateway process, one worker with the constant classifier, the fast upstream, and the two floors.

    Yields the stack, the port of the echo endpoint, and the processes by name.
    """
    with Stack(database_url, bootstrap) as stack:
        stack.seed(idempotent=False)
        upstream = stack.start_load_upstream(log=False)
        gateway = stack.start_gateway(1)
        worker = stack.start_worker("constant")
        asyncio.run(kafka_echo.create_topics(bootstrap))
        port = free_port()
        echo = stack.start("echo", ["-m", "loadtest.echo", "--port", str(port)], f"http://127.0.0.1:{port}/docs")
        answering = stack.start("kafka-echo", ["-m", "loadtest.kafka_echo", "--bootstrap", bootstrap])
        processes = {
            "gateway": gateway.pid,
            "worker": worker.pid,
            "upstream": upstream.pid,
            "echo": echo.pid,
            "kafka-echo": answering.pid,
        }
        yield stack, port, processes


async def measure(stack: Stack, echo_port: int, processes: dict[str, int], rounds: int, seconds: float) -> list[Row]:
    """All rows, each in every round; medians over the rounds."""
    trips = kafka_echo.RoundTrips(stack.bootstrap)
    await trips.start()
    echo = request_bytes("/echo", BODY, APP_KEY)
    decisions = request_bytes("/v1/decisions", BODY, APP_KEY)
    messages = request_bytes("/v1/messages", BODY, APP_KEY)
    probes = [
        Probe("a", 64, lambda: client.run(echo_port, lambda: echo, 64, seconds)),
        Probe("c", 64, lambda: client.run(stack.port, lambda: decisions, 64, seconds)),
        Probe("d", 64, lambda: client.run(stack.port, lambda: messages, 64, seconds)),
        Probe("b", 16, lambda: trips.run(BODY, 16, seconds)),
        Probe("d", 16, lambda: client.run(stack.port, lambda: messages, 16, seconds)),
        Probe("c", 16, lambda: client.run(stack.port, lambda: decisions, 16, seconds)),
    ]
    for probe in probes * 2:
        await probe.run()  # rounds that do not count: the broker's compiler warms up
    found: dict[tuple[str, int], list[tuple[Result, dict[str, float]]]] = {}
    for number in range(rounds):
        for probe in probes:
            before = _cpu(processes)
            result = await probe.run()
            used = {name: (spent - before[name]) / result.elapsed for name, spent in _cpu(processes).items()}
            if set(result.statuses) - {200} or result.broken:
                raise RuntimeError(f"row {probe.row}: not every request was answered 200: {result.statuses}")
            found.setdefault((probe.row, probe.clients), []).append((result, used))
            _say(f"round {number + 1} row {probe.row}{probe.clients}: {result.rate:.0f}/s")
    await trips.stop()
    return [_row(name, clients, results) for (name, clients), results in found.items()]


def _row(name: str, clients: int, results: list[tuple[Result, dict[str, float]]]) -> Row:
    rates = [result.rate for result, _ in results]
    return Row(
        name=name,
        clients=clients,
        rate=statistics.median(rates),
        low=min(rates),
        high=max(rates),
        p50_ms=statistics.median(result.percentile(0.50) * 1000 for result, _ in results),
        p99_ms=statistics.median(result.percentile(0.99) * 1000 for result, _ in results),
        cores={key: round(statistics.median(used[key] for _, used in results), 2) for key in results[0][1]},
    )


def _cpu(processes: dict[str, int]) -> dict[str, float]:
    """Seconds of processor time so far: the named processes, Kafka, PostgreSQL, and the whole machine."""
    spent = {name: _seconds(psutil.Process(pid)) for name, pid in processes.items()}
    spent["bench"] = _seconds(psutil.Process(), children=False)
    for name, program in (("kafka", "java"), ("postgres", "postgres")):
        spent[name] = sum(_seconds(p, children=False) for p in psutil.process_iter() if _runs(p, program))
    times = psutil.cpu_times()
    spent["machine"] = sum(times) - times.idle - times.iowait
    return spent


def _runs(process: psutil.Process, program: str) -> bool:
    try:
        return process.name() == program
    except psutil.NoSuchProcess:
        return False


def _seconds(process: psutil.Process, *, children: bool = True) -> float:
    total = 0.0
    for one in [process, *(process.children(recursive=True) if children else [])]:
        try:
            times = one.cpu_times()
        except psutil.NoSuchProcess:
            continue
        total += times.user + times.system
    return total


def machine() -> dict[str, str]:
    """What the figures were measured on."""
    names = ("fastapi", "uvicorn", "uvloop", "aiokafka", "asyncpg", "sqlalchemy", "orjson")
    return {
        "cores": str(psutil.cpu_count()),
        "memory_gib": str(round(psutil.virtual_memory().total / 2**30)),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)  # noqa: T201


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=4.0, help="for each row and round")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args()
    started = time.time()
    with ExitStack() as opened:
        kafka, postgres = opened.enter_context(Kafka()), opened.enter_context(Postgres())
        url = postgres.create_database("moderation_bench")
        opened.callback(postgres.drop_database, "moderation_bench")
        with bench_stack(kafka.bootstrap, url) as (stack, port, processes):
            rows = uvloop.run(measure(stack, port, processes, options.rounds, options.seconds))
        _say("durable writes, grouped and single")
        writes_url = postgres.create_database("moderation_bench_writes")
        opened.callback(postgres.drop_database, "moderation_bench_writes")
        with tempfile.TemporaryDirectory() as directory:
            sqlite = f"sqlite+aiosqlite:///{directory}/bench.db"
            writes = {
                "postgresql": writes_per_second(writes_url, options.rounds),
                "sqlite": writes_per_second(sqlite, options.rounds),
            }
    judged = judged_per_second(TEXT)
    text = table(rows, writes, judged, machine(), options.rounds, options.seconds)
    print(text)  # noqa: T201
    if not options.no_save:
        write_results(text, rows, writes, judged, machine(), TARGETS)
    _say(f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
