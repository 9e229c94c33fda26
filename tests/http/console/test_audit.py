"""The audit chains, searched on a page: what is asked for, and of one's own tenant only."""

from __future__ import annotations

import re
from html import unescape

import pytest

from gateway.http.console.audit import moment
from tests.fakes import NOW_MS
from tests.http.console.visiting import House, Visitor, text_of

ROW = re.compile(r"<summary>chain (-?\d+), row (\d+)</summary>")


async def rows(visitor: Visitor, path: str = "") -> list[tuple[int, int]]:
    """The rows on all pages of a search."""
    found: list[tuple[int, int]] = []
    onward: str | None = f"/console/audit{path}"
    while onward is not None:
        page = await visitor.client.get(onward)
        assert page.status_code == 200
        found += [(int(chain), int(seq)) for chain, seq in ROW.findall(page.text)]
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        onward = unescape(following[1]) if following else None
    return found


async def kept(house: House, wanted: str = "", kind: str = "") -> list[tuple[int, int]]:
    """What the chains have with these words in it, newest first."""
    found = [row async for row in house.keeping.store.audit() if wanted in row.body and kind in ("", row.kind)]
    found.sort(key=lambda row: (row.at_ms, row.chain, row.seq), reverse=True)
    return [(row.chain, row.seq) for row in found]


@pytest.mark.parametrize(
    ("query", "words", "kind"),
    [
        ("", "", ""),
        ("?tenant=t1", '"tenant_id":"t1"', ""),
        ("?account=acc-2", '"account_id":"acc-2"', ""),
        ("?actor=the+admin", '"actor":"the admin"', ""),
        ("?kind=decision", "", "decision"),
        ("?kind=decision&tenant=t2", '"tenant_id":"t2"', "decision"),
        ("?account=acc", '"account_id":"acc"', ""),
        ("?actor=%25", '"actor":"%"', ""),
    ],
)
async def test_what_is_asked_for_is_found(house: House, admin: Visitor, query: str, words: str, kind: str) -> None:
    assert await rows(admin, query) == await kept(house, words, kind)


async def test_a_message_is_found_with_all_its_steps(house: House, admin: Visitor) -> None:
    message_id = "m-1-t1"
    found = await rows(admin, f"?message={message_id}")
    assert found == await kept(house, f'"message_id":"{message_id}"')
    assert found


async def test_an_operator_of_one_tenant_sees_nothing_of_others(house: House) -> None:
    async with await house.signed_in("our admin") as visitor:
        assert await rows(visitor) == await kept(house, '"tenant_id":"t1"')
        assert await rows(visitor, "?account=acc-1") == [
            each for each in await kept(house, '"account_id":"acc-1"') if each in await kept(house, '"tenant_id":"t1"')
        ]
        assert (await visitor.get("/audit?tenant=t2")).status_code == 404
        theirs = await rows(visitor, "?message=m-1-t2")
        assert theirs == []
        assert not re.search(r"\bt2\b", text_of(await visitor.get("/audit")))


async def test_time_bounds_what_is_found(house: House, admin: Visitor) -> None:
    assert await rows(admin, "?until=2027-01-14") == []
    assert await rows(admin, "?since=2027-01-16") == []
    assert await rows(admin, "?since=2027-01-15T08:00&until=2027-01-15") == await kept(house)
    wrong = await admin.get("/audit?since=yesterday&actor=a%0ab")
    assert wrong.status_code == 422
    assert wrong.text.count('aria-invalid="true"') == 2
    assert (await admin.get("/audit?kind=%01")).status_code == 422


@pytest.mark.parametrize("place", ["x", "1", "1_", "_1", "1_x", "1_-1", f"1_{2**63}", f"{2**31}_1", "1_1.2"])
async def test_a_page_that_cannot_be_is_none(admin: Visitor, place: str) -> None:
    assert (await admin.get(f"/audit?after={place}")).status_code == 404


def test_moments_are_utc_and_an_end_is_when_it_is_over() -> None:
    assert moment("2027-01-15T08:00") == NOW_MS
    assert moment("2027-01-15T08:00Z") == NOW_MS
    assert moment("2027-01-15T08:00", end=True) == NOW_MS + 60_000
    assert moment("2027-01-15") == NOW_MS - 8 * 3_600_000
    assert moment("2027-01-15", end=True) == NOW_MS + 16 * 3_600_000
    assert moment("15.1.2027") is None
