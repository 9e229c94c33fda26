"""Looking for rows of the audit chains: in order over all chains, each once, however little is looked at at a time."""

from __future__ import annotations

import random

import pytest
from msgspec.structs import replace

from gateway.adapters.sql.audit_search import SqlAuditSearch
from gateway.core.audit import subject
from gateway.core.audit_search import AuditQuery
from gateway.core.records import AuditRow
from tests.asked import asked
from tests.contract.newsroom import Office
from tests.contract.samples import entry, owner_of

WHOLE = AuditQuery()


@pytest.fixture
async def filled(office: Office) -> Office:
    """Messages in two chains, whose times are mixed, and acts of administrators between them."""
    dice = random.Random(7)  # noqa: S311
    first, second = await owner_of(office.store, "one"), await owner_of(office.store, "two")
    for number in range(60):
        new = entry()
        message = replace(new.message, account_id=f"acc-{number % 3 + 1}")
        owner = first if dice.random() < 0.3 else second
        at_ms = 1000 + 10 * (number // 2)
        await office.store.commit(owner, replace(new, at_ms=at_ms, message=message))
        if number % 20 == 0:
            await office.store.append_audit("key", '{"actor":"Ann","dropped":"x"}', at_ms)
    return office


async def all_pages(search: SqlAuditSearch, query: AuditQuery, limit: int) -> list[AuditRow]:
    """The rows of all pages."""
    found: list[AuditRow] = []
    page = await search.search(query, None, limit)
    found += page.rows
    pages = 1
    while page.place is not None:
        page = await search.search(query, page.place, limit)
        assert len(page.rows) <= limit
        found += page.rows
        pages += 1
        assert pages < 500
    return found


async def newest(office: Office, query: AuditQuery) -> list[AuditRow]:
    """What should be found, by reading everything."""
    rows = [
        row
        async for row in office.store.audit()
        if all(fragment in row.body for fragment in query.fragments())
        and query.kind in (None, row.kind)
        and (query.since_ms is None or row.at_ms >= query.since_ms)
        and (query.until_ms is None or row.at_ms < query.until_ms)
    ]
    return sorted(rows, key=lambda row: (row.at_ms, row.chain, row.seq), reverse=True)


@pytest.mark.parametrize("limit", [1, 7, 1000])
@pytest.mark.parametrize(
    "query",
    [
        WHOLE,
        AuditQuery(account_id="acc-2"),
        AuditQuery(actor="Ann"),
        AuditQuery(kind="decision", tenant_id="t1"),
        AuditQuery(since_ms=1050, until_ms=1201),
        AuditQuery(account_id="nobody"),
    ],
    ids=str,
)
async def test_every_row_is_found_once_in_order_of_time(filled: Office, query: AuditQuery, limit: int) -> None:
    search = SqlAuditSearch(filled.store.database, stretch=60, least=4)
    assert await all_pages(search, query, limit) == await newest(filled, query)


async def test_nothing_of_another_tenant_is_found_whatever_a_row_quotes(filled: Office) -> None:
    await filled.store.append_audit("key", '{"actor":"x","given":{"tenant_id":"t1"},"tenant_id":"t2"}', 5000)
    search = SqlAuditSearch(filled.store.database)
    found = await all_pages(search, AuditQuery(tenant_id="t1"), 1000)
    assert found
    assert {row.at_ms for row in found} & {5000} == set()


async def test_a_message_is_found_by_its_index_and_where_acts_name_it(filled: Office) -> None:
    [row] = [row async for row in filled.store.audit() if row.kind == "decision"][:1]
    act = f'{{"act":"TakeDown","actor":"Ann","message_id":"{row.message_id}","tenant_id":"t1"}}'
    await filled.store.append_audit("takedown", act, 9000)
    search = SqlAuditSearch(filled.store.database)
    found = await all_pages(search, AuditQuery(message_id=row.message_id), 1000)
    assert [each.kind for each in found] == ["takedown", "decision"]
    assert await all_pages(search, AuditQuery(message_id=row.message_id, tenant_id="t2"), 1000) == []


async def test_a_page_looks_at_a_bounded_number_of_rows(filled: Office) -> None:
    search = SqlAuditSearch(filled.store.database, stretch=30, least=4)
    page = await search.search(AuditQuery(account_id="nobody"), None, 10)
    assert page.rows == []
    assert page.place is not None
    assert page.reached_ms is not None


async def test_a_place_with_chains_that_are_not_there_costs_nothing_more(filled: Office) -> None:
    search = SqlAuditSearch(filled.store.database, stretch=30, least=4)
    with asked(filled.store.database) as statements:
        made_up = await search.search(WHOLE, dict.fromkeys(range(100, 2000), 2**62), 10)
        some = await search.search(WHOLE, {0: 2**62, **dict.fromkeys(range(100, 2000), 7)}, 10)
    assert (made_up.rows, made_up.place) == ([], None)
    assert [row.chain for row in some.rows] == [0] * 10
    assert len(statements) < 10


async def test_the_history_of_a_subject_is_newest_first(office: Office) -> None:
    search = SqlAuditSearch(office.store.database)
    oldest_first = await office.registrar.history("t1", subject("account", "acc-1"), 0, 100)
    first = await search.about("t1", subject("account", "acc-1"), None, 1)
    rest = await search.about("t1", subject("account", "acc-1"), first[-1].seq, 100)
    assert [*first, *rest] == oldest_first[::-1]
    assert await search.about("t2", subject("account", "acc-9"), None, 100) == []
