"""The benchmark's figures as a table, and as JSON beside it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from loadtest.holds import HoldsRow
from loadtest.lexicons import LexiconFigures
from loadtest.stages import StageRow
from loadtest.writes import Writes

_FOLDER = Path(__file__).parent
_BEGIN, _END = "<!-- table: written by make bench -->", "<!-- end of table -->"

NAMES = {
    "a": "FastAPI echo endpoint",
    "b": "Kafka request and reply, raw",
    "c": "`/v1/decisions`",
    "d": "`/v1/messages`, committed and forwarded",
    "e": "GET, chat app directly",
    "f": "GET, passed through the gateway",
    "g": "GET, through mitmproxy",
    "h": "Matrix send, chat app directly",
    "i": "Matrix send, judged, committed and forwarded by the gateway",
    "j": "Matrix send, through mitmproxy",
    "k": "GET, bare server directly",
    "l": "GET, bare server through the gateway",
}


@dataclass(frozen=True, slots=True)
class Row:
    """Medians over the rounds; ``low`` and ``high`` are the slowest and fastest round. ``cores`` is the processor time
    used in each second, by process."""

    name: str
    clients: int
    rate: float
    low: float
    high: float
    p50_ms: float
    p99_ms: float
    cores: dict[str, float]


@dataclass(frozen=True, slots=True)
class Target:
    """A ratio to reach. ``most`` tells whether it is an upper bound."""

    name: str
    over: tuple[str, int]
    under: tuple[str, int]
    field: str
    bound: float
    most: bool


TARGETS = (
    Target("c / a, requests a second at 64", ("c", 64), ("a", 64), "rate", 0.9, False),
    Target("d / a, requests a second at 64", ("d", 64), ("a", 64), "rate", 0.4, False),
    Target("d / b, p50 at 16", ("d", 16), ("b", 16), "p50_ms", 2.0, True),
    Target("d / b, p99 at 16", ("d", 16), ("b", 16), "p99_ms", 2.5, True),
)
PASSING_TARGETS = (
    Target("f / e, requests a second at 16, passed through", ("f", 16), ("e", 16), "rate", 0.5, False),
    Target("f / g, against mitmproxy", ("f", 16), ("g", 16), "rate", 2.0, False),
)
WRITES_BOUND = 15.0


def ratio(rows: list[Row], target: Target) -> float:
    """The measured ratio."""
    found = {(row.name, row.clients): row for row in rows}
    return float(getattr(found[target.over], target.field) / getattr(found[target.under], target.field))


def table(
    rows: list[Row], writes: dict[str, Writes], judged: float, machine: dict[str, str], rounds: int, seconds: float
) -> str:
    """The figures as Markdown."""
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on " + ", ".join(f"{k} {v}" for k, v in machine.items()) + ".",
        f"Medians of {rounds} alternating rounds of {seconds:g} s; in brackets the slowest and fastest round.",
        "",
        *_rows(sorted(rows, key=lambda r: (r.clients != 64, r.name))),
        *_ratios(rows, TARGETS),
    ]
    for name, found in writes.items():
        reached = "met" if found.ratio >= WRITES_BOUND else "not met"
        lines.append(
            f"| grouped / single durable writes, {name}: {found.grouped:.0f}/s over {found.single:.0f}/s "
            f"| {found.ratio:.1f} ({found.low:.1f}-{found.high:.1f}) | >= {WRITES_BOUND:g} | {reached} |"
        )
    lines += ["", f"The shipped classifiers judge {judged:.0f} messages a second on one core (text, news and lexicon)."]
    return "\n".join(lines)


def passing_table(rows: list[Row]) -> str:
    """The figures of `loadtest.passing` as Markdown. 50 messages take 50 divided by the rate of sends."""
    found = {row.name: row for row in rows}
    fifty = ", ".join(f"{name} {50_000 / found[row].rate:.0f} ms" for row, name in _FIFTY)
    return "\n".join([*_rows(rows), *_ratios(rows, PASSING_TARGETS), "", f"Fifty Matrix sends by 16 clients: {fifty}."])


_FIFTY = (("h", "directly"), ("i", "judged by the gateway"), ("j", "through mitmproxy"))


def _rows(rows: list[Row]) -> list[str]:
    lines = ["| row | clients | requests/s | p50 ms | p99 ms | cores used |", "|---|---|---|---|---|---|"]
    for row in rows:
        cores = ", ".join(f"{name} {used:.2f}" for name, used in row.cores.items() if used >= 0.02)
        lines.append(
            f"| ({row.name}) {NAMES[row.name]} | {row.clients} | {row.rate:.0f} ({row.low:.0f}-{row.high:.0f}) "
            f"| {row.p50_ms:.1f} | {row.p99_ms:.1f} | {cores} |"
        )
    return lines


def _ratios(rows: list[Row], targets: Sequence[Target]) -> list[str]:
    lines = ["", "| ratio | measured | to reach | |", "|---|---|---|---|"]
    for target in targets:
        value = ratio(rows, target)
        met = value <= target.bound if target.most else value >= target.bound
        bound = f"{'<=' if target.most else '>='} {target.bound:g}"
        lines.append(f"| {target.name} | {value:.2f} | {bound} | {'met' if met else 'not met'} |")
    return lines


def write_results(
    text: str,
    rows: list[Row],
    writes: dict[str, Writes],
    judged: float,
    machine: dict[str, str],
    targets: tuple[Target, ...],
    lexicon: LexiconFigures,
    stages: Sequence[StageRow],
    reviewing: Sequence[HoldsRow],
) -> None:
    """Put the table into RESULTS.md, leaving its prose, and everything into results.json."""
    page = _FOLDER / "RESULTS.md"
    head, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
    _, _, tail = rest.partition(_END)
    page.write_text(f"{head}{_BEGIN}\n{text}\n{_END}{tail}", encoding="utf-8")
    data = {
        "machine": machine,
        "rows": [asdict(row) for row in rows],
        "ratios": {target.name: ratio(rows, target) for target in targets},
        "writes": {name: asdict(found) for name, found in writes.items()},
        "judged_per_second": judged,
        "lexicon": asdict(lexicon),
        "stages": [asdict(stage) for stage in stages],
        "reviewing": [asdict(row) for row in reviewing],
    }
    (_FOLDER / "results.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
