"""Statements of reasons for tests: every kind of them, a year of them, and a reader over a list."""

from __future__ import annotations

import random
from collections.abc import Sequence

from hypothesis import strategies as st
from msgspec.structs import replace

from classifiers.contract import CATEGORIES
from gateway.core.statement import Automation, Lifted, Restriction, Source, Statement
from gateway.core.yearly import bounds

HOUR_MS = 3_600_000
DAY_MS = 24 * HOUR_MS
TYPES = ("text", "image", "video", "audio", "other")
AT_MS = bounds(2025)[0] + 40 * DAY_MS
"""The tenth of February 2025."""

_texts = st.text(max_size=40)
_times = st.integers(-(2**53), 2**53)
statements = st.builds(
    Statement,
    statement_id=st.text(min_size=1, max_size=600) | st.from_regex(r"\A[0-9a-f]{32}\Z"),
    tenant_id=_texts,
    account_id=_texts,
    restriction=st.sampled_from(Restriction),
    category=st.none() | st.sampled_from(sorted(CATEGORIES)) | _texts,
    codes=st.lists(_texts | st.from_regex(r"\A[a-z_]{1,70}\Z"), max_size=20).map(tuple),
    source=st.sampled_from(Source),
    automated_detection=st.booleans(),
    automation=st.sampled_from(Automation),
    starts_ms=_times,
    policy_version=_texts,
    message_id=st.none() | _texts,
    sanction_id=st.none() | _texts,
    content_types=st.lists(st.sampled_from(TYPES) | _texts, max_size=8).map(tuple),
    content_ms=st.none() | _times,
    ends_ms=st.none() | _times,
    lifted_ms=st.none() | _times,
    lifted=st.none() | st.sampled_from(Lifted),
)
"""Whatever a statement may be."""


def statement(**changes: object) -> Statement:
    """A message of an account, blocked for hate by the gateway alone."""
    return replace(
        Statement(
            statement_id="0" * 32,
            tenant_id="t1",
            account_id="acc-1",
            restriction=Restriction.BLOCK,
            category="hate",
            codes=("content_violation",),
            source=Source.OWN,
            automated_detection=True,
            automation=Automation.FULLY,
            starts_ms=AT_MS,
            policy_version="1",
            message_id="m1",
            content_types=("text",),
            content_ms=AT_MS,
        ),
        **changes,
    )


def year_of(year: int, count: int, seed: int = 1) -> list[Statement]:
    """Statements of a year, by id, of all restrictions, categories and sources; the same for the same seed."""
    rng = random.Random(seed)  # noqa: S311
    first, last = bounds(year)
    return [_any(rng, number, rng.randrange(first, last)) for number in range(count)]


def _any(rng: random.Random, number: int, at_ms: int) -> Statement:
    restriction = list(Restriction)[number % len(Restriction)]
    of_content = restriction in (Restriction.HOLD, Restriction.BLOCK, Restriction.TAKEDOWN)
    lifted = rng.choice([None, None, None, *Lifted])
    return statement(
        statement_id=f"{number:012x}{rng.getrandbits(80):020x}",
        account_id=f"acc-{rng.randrange(50)}",
        restriction=restriction,
        category=rng.choice([None, *sorted(CATEGORIES - {"news"})]),
        codes=tuple(rng.sample(["content_violation", "content_suspected", "classifier_timeout", "account_closed"], 2)),
        source=rng.choice(list(Source)),
        automated_detection=rng.random() < 0.7,
        automation=rng.choice(list(Automation)),
        starts_ms=at_ms,
        message_id=f"m{number}" if of_content else None,
        sanction_id=None if of_content else f"s{number}",
        content_types=tuple(rng.sample(TYPES, rng.randint(1, 3))) if of_content else (),
        content_ms=at_ms - rng.randrange(DAY_MS) if of_content else None,
        ends_ms=at_ms + rng.randrange(30 * DAY_MS) if restriction in ("restrict", "suspend") else None,
        lifted_ms=None if lifted is None else at_ms + rng.randrange(3 * HOUR_MS),
        lifted=lifted,
    )


class ListReader:
    """A `gateway.ports.statements.StatementReader` over these statements."""

    def __init__(self, kept: Sequence[Statement]) -> None:
        self._kept = sorted(kept, key=lambda each: each.statement_id)
        self.largest = 0

    async def between(self, tenant_id: str | None, from_ms: int, to_ms: int, after: str, limit: int) -> list[Statement]:
        """See `gateway.ports.statements.StatementReader`."""
        self.largest = max(self.largest, limit)
        found = [
            each
            for each in self._kept
            if each.statement_id > after
            and from_ms <= each.starts_ms < to_ms
            and (tenant_id is None or each.tenant_id == tenant_id)
        ]
        return found[:limit]
