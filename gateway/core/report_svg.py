"""Bar charts as SVG, to stand within a page: no script, no font and nothing else from elsewhere."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Final

_WIDTH: Final = 720
_LABELS: Final = 230
_VALUES: Final = 90
_ROW: Final = 30
_BAR: Final = 18


def bars(ident: str, title: str, told: str, rows: Sequence[tuple[str, float, str]]) -> str:
    """A chart with a bar for each row of label, length and value as it is written. ``ident`` is unique in the page;
    ``title`` and ``told`` are what is read to who does not see it."""
    longest = max([length for _, length, _ in rows], default=0.0)
    height = _ROW * len(rows) + 8
    names = f"{ident}-title {ident}-told"
    parts = [
        f'<svg viewBox="0 0 {_WIDTH} {height}" role="img" aria-labelledby="{names}">',
        f'<title id="{ident}-title">{escape(title)}</title><desc id="{ident}-told">{escape(told)}</desc>',
        f'<line class="axis" x1="{_LABELS}" y1="0" x2="{_LABELS}" y2="{height}"/>',
    ]
    for number, (label, length, value) in enumerate(rows):
        top = 4 + number * _ROW + (_ROW - _BAR) // 2
        middle = top + _BAR / 2
        wide = (_WIDTH - _LABELS - _VALUES) * length / longest if longest else 0.0
        parts.append(
            f'<text class="label" x="{_LABELS - 10}" y="{middle:.1f}">{escape(label)}</text>'
            f'<rect class="bar" x="{_LABELS}" y="{top}" width="{wide:.1f}" height="{_BAR}" rx="2"/>'
            f'<text class="value" x="{_LABELS + wide + 8:.1f}" y="{middle:.1f}">{escape(value)}</text>'
        )
    return "\n".join([*parts, "</svg>"])
