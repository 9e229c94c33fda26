"""`make bench`: the gateway against its floors, in alternating rounds of one run; see RESULTS.md for how to read it."""

from __future__ import annotations

import argparse
import asyncio
import json
import platform
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version

import psutil
import uvloop

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.processes import free_port
from deploy.local.stack import APP_KEY, Stack
from loadtest import client, holds, kafka_echo, lexicons, passing, stages
from loadtest.client import request_bytes
from loadtest.passing import Ports
from loadtest.report import PASSING_TARGETS, TARGETS, Row, passing_table, table, write_results
from loadtest.rounds import Probe, run_rounds, say
from loadtest.writes import judged_per_second, writes_per_second

TEXT = (
    "The municipal library opens at nine today. Everyone is welcome to the reading room, and the children's corner "
    "has new picture books. Please bring your card along."
)
BODY = json.dumps({"account_id": "demo-verified", "text": TEXT}).encode()


@contextmanager
def bench_stack(bootstrap: str, database_url: str) -> Iterator[tuple[Stack, int, dict[str, int], Ports]]:
    """One gateway process, one worker with the constant classifier, the fast upstream, the two floors, and what the
    listeners' rows need.

    Yields the stack, the port of the echo endpoint, the processes by name, and the ports of the listeners' rows.
    """
    with Stack(database_url, bootstrap) as stack:
        stack.seed(idempotent=False)
        upstream = stack.start_load_upstream(log=False)
        ports = passing.new_ports(stack.upstream_port)
        gateway = stack.start_gateway(1, passing.listeners(stack.directory, ports))
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
        yield stack, port, processes, ports


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
    rows = await run_rounds(probes, processes, rounds, warm=2)  # the broker's compiler warms up
    await trips.stop()
    return rows


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
        with bench_stack(kafka.bootstrap, url) as (stack, port, processes, ports):
            rows = uvloop.run(measure(stack, port, processes, options.rounds, options.seconds))
            others = {**processes, **passing.start_others(stack, ports)}
            probes = passing.probes(ports, options.seconds)
            passed = uvloop.run(run_rounds(probes, others, options.rounds, warm=1))
        say("durable writes, grouped and single")
        writes_url = postgres.create_database("moderation_bench_writes")
        opened.callback(postgres.drop_database, "moderation_bench_writes")
        with tempfile.TemporaryDirectory() as directory:
            sqlite = f"sqlite+aiosqlite:///{directory}/bench.db"
            writes = {
                "postgresql": writes_per_second(writes_url, options.rounds),
                "sqlite": writes_per_second(sqlite, options.rounds),
            }
        say("reviewers, with few holds and with many")
        reviewing = uvloop.run(holds.measure(postgres, options.rounds))
    judged = judged_per_second(TEXT)
    say("the classifiers, stage by stage")
    judging = stages.measure(options.rounds)
    say("the lexicon's engine")
    lexicon = lexicons.measure(options.rounds)
    text = "\n\n".join(
        [
            table(rows, writes, judged, machine(), options.rounds, options.seconds),
            passing_table(passed),
            holds.holds_table(reviewing),
            stages.stage_table(judging),
            lexicons.lexicon_table(lexicon),
        ]
    )
    print(text)  # noqa: T201
    if not options.no_save:
        write_results(
            text, rows + passed, writes, judged, machine(), TARGETS + PASSING_TARGETS, lexicon, judging, reviewing
        )
    say(f"{time.time() - started:.0f} s")


if __name__ == "__main__":
    main()
