"""Tables as CSV (RFC 4180, UTF-8), safe to open in a spreadsheet."""

from __future__ import annotations

import csv
import io
from typing import Final

from gateway.core.yearly_tables import Entry, Hours, Share, Table

_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r", "\n")
"""A spreadsheet takes text that begins so for something to compute, which may reach outside of it."""


def csv_of(table: Table) -> bytes:
    """A table with its columns' codes as header. Shares are 0 to 1, times are in hours; what is not known is empty."""
    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow([cell(column) for column in table.columns])
    writer.writerows([[cell(entry) for entry in row] for row in table.rows])
    return text.getvalue().encode()


def cell(entry: Entry) -> str:
    """One cell. Text that a spreadsheet would compute begins with an apostrophe."""
    match entry:
        case str():
            return f"'{entry}" if entry.startswith(_FORMULA) else entry
        case int():
            return str(entry)
        case Share(value) | Hours(value):
            return "" if value is None else f"{value:.4f}"
