"""Alternating rounds: every probe once in each, so that a slow minute of the machine slows all of them."""

from __future__ import annotations

import statistics
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import psutil

from loadtest.client import Result
from loadtest.report import Row


@dataclass(frozen=True, slots=True)
class Probe:
    """One thing that is measured: a row of the table at so many clients."""

    row: str
    clients: int
    run: Callable[[], Awaitable[Result]]


async def run_rounds(probes: list[Probe], processes: dict[str, int], rounds: int, warm: int) -> list[Row]:
    """Medians over the rounds, in the order of the probes; ``warm`` rounds before them do not count. Raises
    `RuntimeError` when something was not answered 200."""
    for probe in probes * warm:
        await probe.run()
    found: dict[tuple[str, int], list[tuple[Result, dict[str, float]]]] = {}
    for number in range(rounds):
        for probe in probes:
            before = _cpu(processes)
            result = await probe.run()
            used = {name: (spent - before[name]) / result.elapsed for name, spent in _cpu(processes).items()}
            if set(result.statuses) - {200, 201} or result.broken:
                raise RuntimeError(f"row {probe.row}: not every request was answered 200: {result.statuses}")
            found.setdefault((probe.row, probe.clients), []).append((result, used))
            say(f"round {number + 1} row {probe.row}{probe.clients}: {result.rate:.0f}/s")
    return [_row(name, clients, results) for (name, clients), results in found.items()]


def say(line: str) -> None:
    """Tell whoever waits."""
    print(line, file=sys.stderr, flush=True)  # noqa: T201


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
