"""`make bench-register`: the register with 1,000 and with millions of accounts, in one run; see REGISTER.md."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil
import uvloop

from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack
from gateway.adapters.keys import new_keys
from gateway.demo import TENANT
from loadtest.bench import machine
from loadtest.register_file import write_accounts, write_registrants
from loadtest.register_load import Published, closed_to_effect, fill, publish_rounds
from loadtest.register_lookups import cached, uncached
from loadtest.register_report import write_report
from loadtest.rounds import say

FEW = 1000
_CACHE = 100_000
_CLOSINGS = 20
_SERVER = {"shared_buffers": f"{psutil.virtual_memory().total // 4 // 2**20}MB", "max_wal_size": "4GB"}
"""What a server for millions of rows is given; the defaults are for a small machine. A quarter of the memory is what
PostgreSQL's manual says to begin with."""


def imported(stack: Stack, kind: str, file: Path, rows: int) -> float:
    """Rows a second of the whole command, its start and the hash of the file included."""
    started = time.perf_counter()
    process = stack.start("import", ["-m", "gateway", kind, "import", TENANT, str(file), "--actor", "bench"])
    if process.wait() != 0:
        raise RuntimeError(stack.log("import"))
    rate = rows / (time.perf_counter() - started)
    say(f"{rows} {kind} into {stack.database_url.partition(':')[0]}: {rate:.0f} rows/s")
    return rate


@contextmanager
def stacks(opened: ExitStack, postgres: Postgres, bootstrap: str, directory: Path) -> Iterator[dict[str, Stack]]:
    """Databases with a tenant and its key; each has a directory of its own."""
    keys = directory / "keys.json"
    new_keys(keys)
    made = {}
    for name in ("few", "many", "registrants", "sqlite", "sqlite-few", "sqlite-registrants"):
        place = directory / name
        place.mkdir()
        if name.startswith("sqlite"):
            url = f"sqlite+aiosqlite:///{place}/gateway.db"
        else:
            url = postgres.create_database(f"register_{name}")
            opened.callback(postgres.drop_database, f"register_{name}")
        made[name] = opened.enter_context(Stack(url, bootstrap, place, settings={"GATEWAY_KEYS_FILE": str(keys)}))
        made[name].seed(idempotent=False)
    yield made


async def lookups(made: dict[str, Stack], accounts: int, seconds: float) -> dict[str, Any]:
    """Look-ups on each database."""
    found: dict[str, Any] = {}
    for name, stack, count in (
        ("postgresql, few", made["few"], FEW),
        ("postgresql, many", made["many"], accounts),
        ("sqlite, few", made["sqlite-few"], FEW),
        ("sqlite, many", made["sqlite"], accounts),
    ):
        for callers in (1, 64):
            result = await uncached(stack.database_url, count, callers, seconds)
            found[f"{name}, {callers} at once"] = asdict(result)
            say(f"look-ups, {name}, {callers} at once: p50 {result.p50_us:.0f} us, p99 {result.p99_us:.0f} us")
    for name, stack, count in (("few", made["few"], FEW), ("many", made["many"], accounts)):
        result, each = await cached(stack.database_url, count, _CACHE)
        found[f"cached, {name}"] = asdict(result)
        if count >= _CACHE:
            found["bytes_each"] = each
    return found


def published(made: dict[str, Stack], accounts: int, rounds: int, seconds: float) -> tuple[list[Published], int]:
    """Publishing with few and with many accounts; and how many entries the cache was given before."""
    sizes = []
    for name, count in (("few", FEW), ("many", accounts)):
        made[name].start_load_upstream(log=False)
        gateway = made[name].start_gateway(1, {"GATEWAY_CACHE_SIZE": str(_CACHE)})
        made[name].start_worker("constant")
        sizes.append((made[name], count, gateway))
    entries = uvloop.run(fill(made["many"], accounts, min(_CACHE, accounts), 120.0))
    with_pids = [(stack, count, gateway.pid) for stack, count, gateway in sizes]
    found = uvloop.run(publish_rounds(with_pids, rounds, seconds, say))
    for stack, _, gateway in sizes:
        stack.end(gateway)
    return found, entries


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=5_800_000)
    parser.add_argument("--registrants", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=8)
    parser.add_argument("--seconds", type=float, default=6.0, help="for each size and round")
    parser.add_argument("--no-save", action="store_true", help="print only")
    options = parser.parse_args()
    started = time.time()
    with ExitStack() as opened:
        kafka, postgres = opened.enter_context(Kafka()), opened.enter_context(Postgres(settings=_SERVER))
        directory = Path(opened.enter_context(tempfile.TemporaryDirectory(prefix="register-")))
        made = opened.enter_context(stacks(opened, postgres, kafka.bootstrap, directory))
        many, few, people = directory / "many.csv", directory / "few.csv", directory / "people.csv"
        write_accounts(many, options.accounts)
        write_accounts(few, FEW)
        write_registrants(people, options.registrants)
        imports = {
            "accounts, postgresql": imported(made["many"], "accounts", many, options.accounts),
            "accounts, sqlite": imported(made["sqlite"], "accounts", many, options.accounts),
            "registrants, postgresql": imported(made["registrants"], "registrants", people, options.registrants),
            "registrants, sqlite": imported(made["sqlite-registrants"], "registrants", people, options.registrants),
        }
        for name in ("few", "sqlite-few"):
            imported(made[name], "accounts", few, FEW)
        looked_up = asyncio.run(lookups(made, options.accounts, options.seconds / 2))
        publishing, entries = published(made, options.accounts, options.rounds, options.seconds)
        made["many"].start_gateway(2)
        effect = uvloop.run(closed_to_effect(made["many"], options.accounts, _CLOSINGS, 32))
    data = {
        "accounts": options.accounts,
        "registrants": options.registrants,
        "machine": machine(),
        "imports": imports,
        "lookups": looked_up,
        "publishing": {"few": asdict(publishing[0]), "many": asdict(publishing[1])},
        "ratio": publishing[1].rate / publishing[0].rate,
        "ratios": [many / few for few, many in zip(publishing[0].rates, publishing[1].rates, strict=True)],
        "cache": {"entries": entries, "rss_mib": publishing[1].rss_mib},
        "effect_ms": effect,
        "seconds": time.time() - started,
    }
    sys.stdout.write(write_report(data, save=not options.no_save))


if __name__ == "__main__":
    main()
