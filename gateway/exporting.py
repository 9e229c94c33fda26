"""The story of one export to the DSA Transparency Database: statements are read in pages, and written in batches."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from gateway.core.dsa import LeftOut, left_out, record
from gateway.core.dsa_fields import AT_ONCE, problems
from gateway.core.dsa_rules import Transparency
from gateway.core.statement import Statement
from gateway.ports.statements import StatementReader

_PAGE: Final = 500

Keep = Callable[[int, Sequence[Mapping[str, Any]]], bool]
"""Keeps a batch, which is numbered from 1; False where it is kept already. Raises what writing raises."""


class RecordRefused(ValueError):
    """A record would break a rule of the database: the text names the statement, the field and the rule."""


@dataclass
class Exported:
    """What an export came to: records, batches, how many of them are new, and statements that are no records."""

    records: int = 0
    batches: int = 0
    written: int = 0
    left_out: Counter[LeftOut] = field(default_factory=Counter)


async def statements_between(
    reader: StatementReader, tenant_id: str, from_ms: int, to_ms: int
) -> AsyncIterator[Statement]:
    """A tenant's statements in ``[from_ms, to_ms)``, by id, however many. Raises `StoreUnavailable`."""
    after = ""
    while page := await reader.between(tenant_id, from_ms, to_ms, after, _PAGE):
        for statement in page:
            yield statement
        after = page[-1].statement_id


async def export(
    reader: StatementReader, rules: Transparency, tenant_id: str, from_ms: int, to_ms: int, keep: Keep
) -> Exported:
    """Tell of a tenant's restrictions that began in ``[from_ms, to_ms)``. At any time one page and one batch are held.

    Raises `StoreUnavailable`, `RecordRefused`, and what ``keep`` raises; batches that were kept by then stay.
    """
    done = Exported()
    batch: list[Mapping[str, Any]] = []

    def keep_batch() -> None:
        done.batches += 1
        done.written += keep(done.batches, batch)
        done.records += len(batch)
        batch.clear()

    async for statement in statements_between(reader, tenant_id, from_ms, to_ms):
        if (why := left_out(statement, rules)) is not None:
            done.left_out[why] += 1
            continue
        told = record(statement, rules)
        if (wrong := problems(told)) or told is None:
            raise RecordRefused(f"statement {statement.statement_id!r}: {'; '.join(wrong)}")
        batch.append(told)
        if len(batch) == AT_ONCE:
            keep_batch()
    if batch:
        keep_batch()
    return done
