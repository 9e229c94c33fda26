"""The yearly report as one page that needs nothing but itself: it can be published as it is, or printed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from html import escape
from typing import Final

from gateway.core.report_svg import bars
from gateway.core.report_words import WORDS
from gateway.core.yearly_tables import Entry, Hours, Share, Table

_STYLE: Final = """
:root { color-scheme: light dark; --ink: #1b1f24; --soft: #57606a; --ground: #ffffff; --line: #d0d7de; --bar: #2f6db5; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e6edf3; --soft: #9aa4af; --ground: #0f1419; --line: #363d46; --bar: #5b9be6; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink); font: 16px/1.55 system-ui, "Noto Sans SC", sans-serif; }
main { max-width: 60rem; margin: 0 auto; padding: 2.5rem 1.25rem 4rem; }
h1 { font-size: 2rem; line-height: 1.2; margin: 0 0 .25rem; }
h2 { font-size: 1.3rem; margin: 3rem 0 .5rem; }
p { max-width: 44rem; margin: .5rem 0; }
.soft { color: var(--soft); }
figure { margin: 1rem 0; overflow-x: auto; }
figcaption { color: var(--soft); font-size: .875rem; }
svg { display: block; width: 100%; min-width: 34rem; height: auto; }
svg text { font: 14px system-ui, "Noto Sans SC", sans-serif; fill: var(--ink); dominant-baseline: central; }
svg .label { text-anchor: end; }
svg .bar { fill: var(--bar); }
svg .axis { stroke: var(--line); }
.wide { overflow-x: auto; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
caption { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
th, td { padding: .4rem .6rem; border-bottom: 1px solid var(--line); text-align: end; }
th { font-weight: 600; }
th:first-child { text-align: start; white-space: nowrap; }
tbody th { font-weight: 400; }
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #333; --ground: #fff; --line: #999; --bar: #444; }
  main { max-width: none; padding: 0; }
  h2 { break-after: avoid; }
  figure, tr { break-inside: avoid; }
  figure, .wide { overflow: visible; }
  svg { min-width: 0; }
}
"""


def page(name: str, year: int, tables: Sequence[Table], lang: str) -> bytes:
    """The report on a chat app's year, in ``en`` or ``zh``. The same tables give the same bytes."""
    words = WORDS[lang]
    title = words["title"].format(year=year)
    return "\n".join(
        [
            "<!doctype html>",
            f'<html lang="{words["lang"]}">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">",
            f"<title>{escape(f'{title}: {name}')}</title>",
            f"<style>{_STYLE}</style>",
            "</head>",
            "<body>",
            "<main>",
            f"<h1>{escape(title)}</h1>",
            f'<p class="soft">{escape(name)}</p>',
            f"<p>{escape(words['lead'].format(year=year))}</p>",
            *[line for table in tables for line in _section(table, words)],
            f"<h2>{escape(words['notes'])}</h2>",
            *[f"<p>{escape(words[note])}</p>" for note in ("note_holds", "note_error", "note_time", "note_personal")],
            "</main>",
            "</body>",
            "</html>",
            "",
        ]
    ).encode()


def _section(table: Table, words: Mapping[str, str]) -> Iterator[str]:
    title = words[f"table.{table.name}"]
    yield f'<section aria-labelledby="{table.name}">'
    yield f'<h2 id="{table.name}">{escape(title)}</h2>'
    if (about := words.get(f"about.{table.name}")) is not None:
        yield f"<p>{escape(about)}</p>"
    if table.drawn is not None:
        drawn = [(_shown(row[0], words), row[table.drawn]) for row in table.rows]
        rows = [(label, _length(entry), _shown(entry, words)) for label, entry in drawn]
        told = words["told"].format(rows="; ".join([f"{label}: {value}" for label, _, value in rows]))
        column = words[f"column.{table.columns[table.drawn]}"]
        yield '<figure tabindex="0">'
        yield bars(f"chart-{table.name}", f"{title}: {column}", told, rows)
        yield f"<figcaption>{escape(column)}</figcaption>"
        yield "</figure>"
    yield f'<div class="wide" tabindex="0" role="group" aria-labelledby="{table.name}">'
    yield "<table>"
    yield f"<caption>{escape(title)}</caption>"
    heads = [f'<th scope="col">{escape(words[f"column.{column}"])}</th>' for column in table.columns]
    yield f"<thead><tr>{''.join(heads)}</tr></thead>"
    yield "<tbody>"
    for row in table.rows:
        cells = "".join([f"<td>{escape(_shown(entry, words))}</td>" for entry in row[1:]])
        yield f'<tr><th scope="row">{escape(_shown(row[0], words))}</th>{cells}</tr>'
    yield "</tbody>"
    yield "</table>"
    yield "</div>"
    yield "</section>"


def _shown(entry: Entry, words: Mapping[str, str]) -> str:
    match entry:
        case str():
            return words.get(entry, entry)  # a month has no other name
        case int():
            return f"{entry:,}"
        case Share(value):
            return words["none"] if value is None else f"{value:.1%}"
        case Hours(value):
            return words["none"] if value is None else words["hours"].format(value=f"{value:,.1f}")


def _length(entry: Entry) -> float:
    match entry:
        case int():
            return float(entry)
        case Share(value) | Hours(value):
            return value or 0.0
        case str():
            return 0.0
