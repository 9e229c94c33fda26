"""The figures of `make bench-register` as a table in REGISTER.md, and as JSON beside it."""

from __future__ import annotations

import json
import statistics
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_FOLDER = Path(__file__).parent
_BEGIN, _END = "<!-- table: written by make bench-register -->", "<!-- end of table -->"

_IMPORTS = {
    "accounts, postgresql": 30_000,
    "accounts, sqlite": 50_000,
    "registrants, postgresql": 5_000,
    "registrants, sqlite": 5_000,
}
_RATIO = 0.9
_RSS_MIB = 400
_EFFECT_MS = 1000


def table(data: dict[str, Any]) -> str:
    """The figures as Markdown."""
    many, people = f"{data['accounts']:,}", f"{data['registrants']:,}"
    lines = [
        f"Measured {datetime.now(UTC):%Y-%m-%d} on " + ", ".join(f"{k} {v}" for k, v in data["machine"].items()) + ".",
        f"{many} accounts; the whole run took {data['seconds']:.0f} s.",
        "",
        "| | measured | to reach | |",
        "|---|---|---|---|",
    ]
    for name, bound in _IMPORTS.items():
        count, rate = many if name.startswith("accounts") else people, data["imports"][name]
        lines.append(f"| import of {count} {name} | {rate:,.0f} rows/s | >= {bound:,} | {_met(rate >= bound)} |")
    ratio, ratios, effect = data["ratio"], data["ratios"], sorted(data["effect_ms"])
    cache = data["cache"]
    lines += [
        f"| publish rate, {many} over 1,000 accounts | {ratio:.2f} ({min(ratios):.2f}-{max(ratios):.2f}) "
        f"| >= {_RATIO} | {_met(ratio >= _RATIO)} |",
        f"| memory of the gateway process, {cache['entries']:,} accounts in its cache | {cache['rss_mib']:.0f} MiB "
        f"| < {_RSS_MIB} | {_met(cache['rss_mib'] < _RSS_MIB)} |",
        f"| from a closing's commit to the answers of two processes, {len(effect)} times: the longest "
        f"| {effect[-1]:.0f} ms | <= {_EFFECT_MS} | {_met(effect[-1] <= _EFFECT_MS)} |",
        "",
        f"Closing to effect: median {statistics.median(effect):.0f} ms, shortest {effect[0]:.0f} ms. "
        f"An entry of the cache takes {data['lookups'].get('bytes_each', float('nan')):.0f} bytes.",
        "",
        "| publishing | requests/s | p50 ms | p99 ms | memory MiB |",
        "|---|---|---|---|---|",
    ]
    for name, count in (("few", "1,000"), ("many", many)):
        row = data["publishing"][name]
        rates = row["rates"]
        lines.append(
            f"| {count} accounts | {statistics.median(rates):.0f} ({min(rates):.0f}-{max(rates):.0f}) "
            f"| {row['p50_ms']:.1f} | {row['p99_ms']:.1f} | {row['rss_mib']:.0f} |"
        )
    lines += ["", "| look-up | p50 us | p99 us | processor time us |", "|---|---|---|---|"]
    for name, row in data["lookups"].items():
        if isinstance(row, dict):
            shown = name.replace("few", "1,000 accounts").replace("many", f"{many} accounts")
            lines.append(f"| {shown} | {row['p50_us']:.0f} | {row['p99_us']:.0f} | {row['cpu_us']:.1f} |")
    return "\n".join(lines)


def write_report(data: dict[str, Any], *, save: bool) -> str:
    """The table; with ``save`` it goes into REGISTER.md, leaving its prose, and everything into register.json."""
    text = table(data)
    if save:
        page = _FOLDER / "REGISTER.md"
        head, _, rest = page.read_text(encoding="utf-8").partition(_BEGIN)
        _, _, tail = rest.partition(_END)
        page.write_text(f"{head}{_BEGIN}\n{text}\n{_END}{tail}", encoding="utf-8")
        (_FOLDER / "register.json").write_text(json.dumps(data, indent=1) + "\n", encoding="utf-8")
    return text + "\n"


def _met(reached: bool) -> str:
    return "met" if reached else "not met"
