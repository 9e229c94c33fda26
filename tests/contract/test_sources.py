"""The promises of `gateway.ports.NewsRegister` about whitelists and articles, kept in SQLite and in PostgreSQL."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from gateway.core.addresses import page_key
from gateway.core.news import Article, title_key
from gateway.core.whitelists import Source
from gateway.ports import StoreUnavailable
from tests.contract.newsroom import BY, LICENCE_1, Office

SOURCES = [Source("The News", "news.example"), Source("新华社"), Source("The News", "news.test")]


async def test_a_whitelist_reads_back_whole(office: Office) -> None:
    assert await office.news.versions("t1") == []
    assert await office.news.whitelist("t1", 1) is None
    assert await office.news.put_whitelist("t1", "units 2026", 100, SOURCES, "a" * 64, BY, 5) == 1
    assert await office.news.put_whitelist("t1", "units 2027", 50, SOURCES[:1], "b" * 64, BY, 6) == 2
    first, second = await office.news.versions("t1")
    assert (first.version, first.name, first.valid_from, first.imported_ms, first.sha256) == (
        1,
        "units 2026",
        100,
        5,
        "a" * 64,
    )
    assert (second.version, second.valid_from) == (2, 50)
    whitelist = await office.news.whitelist("t1", 1)
    assert whitelist is not None
    assert (whitelist.version, whitelist.valid_from, whitelist.sources) == (1, 100, tuple(SOURCES))
    assert await office.news.versions("t2") == []
    [act, _] = await office.acts()
    assert (act["act"], act["version"], act["sources"], act["reason"]) == ("PutWhitelist", 1, 3, BY.reason)


async def test_the_same_file_again_is_the_same_version(office: Office) -> None:
    for _ in range(2):
        assert await office.news.put_whitelist("t1", "units", 100, SOURCES, "a" * 64, BY, 5) == 1
    assert await office.news.put_whitelist("t1", "units", 200, SOURCES, "a" * 64, BY, 5) == 2
    assert len(await office.acts()) == 2


async def test_an_earlier_file_brings_back_what_it_says(office: Office) -> None:
    puts = [("a", SOURCES), ("b", SOURCES[:1]), ("a", SOURCES), ("a", SOURCES)]
    numbers = [await office.news.put_whitelist("t1", "units", 100, each, sign * 64, BY, 5) for sign, each in puts]
    assert numbers == [1, 2, 3, 3]


async def test_a_new_version_is_seen_in_the_changes(office: Office) -> None:
    before, tenants = await office.news.changes(0)
    assert sorted(tenants) == ["t1", "t2"]
    assert await office.news.changes(before) == (before, [])
    await office.news.put_licence("t1", LICENCE_1, BY, 5)
    assert await office.news.changes(before) == (before + 1, [])
    await office.news.put_whitelist("t2", "units", 100, SOURCES, "a" * 64, BY, 5)
    assert await office.news.changes(before) == (before + 2, ["t2"])


async def test_versions_put_at_once_get_numbers_of_their_own(office: Office) -> None:
    puts = [office.news.put_whitelist("t1", "units", n, SOURCES, f"{n:064x}", BY, 5) for n in range(4)]
    assert sorted(await asyncio.gather(*puts)) == [1, 2, 3, 4]


def article(url: str = "https://news.example/1", **changes: object) -> Article:
    """An article of a listed source."""
    page = page_key(url)
    assert page is not None
    return replace(Article(page, "The News", "A title", "A text. 文字。", 100, "A. Writer"), **changes)


async def test_an_article_is_found_by_its_page_or_else_by_its_title(office: Office) -> None:
    await office.news.put_articles("t1", [article(), article("https://news.example/2", title="Other")], BY, 5)
    title = title_key("the  news", "a TITLE")
    assert await office.news.article("t1", page_key("http://www.news.example/1#x"), None) == article()
    assert await office.news.article("t1", page_key("https://news.example/3"), title) == article()
    assert await office.news.article("t1", None, title) == article()
    assert await office.news.article("t1", page_key("https://news.example/3"), title_key("Nobody", "A title")) is None
    assert await office.news.article("t1", None, None) is None
    assert await office.news.article("t2", page_key("https://news.example/1"), title) is None


async def test_the_newest_of_two_articles_with_one_title_is_found(office: Office) -> None:
    older = article("https://news.example/2", text="older", published_ms=99)
    await office.news.put_articles("t1", [article(), older], BY, 5)
    found = await office.news.article("t1", None, title_key("The News", "A title"))
    assert found == article()


async def test_an_article_put_again_is_replaced(office: Office) -> None:
    corrected = article(text="Corrected.", title="", author=None)
    await office.news.put_articles("t1", [article()], BY, 5)
    await office.news.put_articles("t1", [corrected], BY, 6)
    await office.news.put_articles("t1", [], BY, 7)
    assert await office.news.article("t1", article().page, None) == corrected
    assert await office.news.article("t1", None, title_key("The News", "A title")) is None
    assert [(act["act"], act["articles"]) for act in await office.acts()] == [("PutArticles", 1), ("PutArticles", 1)]


@pytest.mark.parametrize("text", ["a\x00b", "\ud800"])
async def test_an_article_that_no_database_takes_is_a_fault(office: Office, text: str) -> None:
    with pytest.raises(StoreUnavailable):
        await office.news.put_articles("t1", [article(text=text)], BY, 5)


async def test_a_tenant_must_be_there(office: Office) -> None:
    with pytest.raises(StoreUnavailable):
        await office.news.put_whitelist("t3", "units", 1, SOURCES, "a" * 64, BY, 5)
    with pytest.raises(StoreUnavailable):
        await office.news.put_articles("t3", [article()], BY, 5)
