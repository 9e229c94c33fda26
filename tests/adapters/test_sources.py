"""What the hot path is told about a repost's source."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.adapters.sources import CachedSources
from gateway.adapters.sql import open_store
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.news import SqlNews
from gateway.core.addresses import page_key
from gateway.core.model import Likeness, Repost, SourceFact
from gateway.core.news import Article
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.whitelists import Source, Whitelist
from gateway.ports import StoreUnavailable, Version
from tests.fakes import FakeClock

BY = By("Keeper")
TRUST_MS = 1_000
TEXT = "The bridge will close on 3 May for repairs. Drivers should use the tunnel until 10 June."
REPOST = Repost("https://news.example/1", "the news", "A. Writer", "Bridge closes")
POST = ("Bridge closes", TEXT, "Bridge closes", "the news", "A. Writer")
"""As the native API makes it: title and text, then what names the source but its address."""


class CountedNews(SqlNews):
    """The register in SQLite, which counts what is read and can be out of reach."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.read: list[str] = []
        self.gone = False

    def _note(self, what: str) -> None:
        if self.gone:
            raise StoreUnavailable("told to be gone")
        self.read.append(what)

    async def changes(self, after: int) -> tuple[int, list[str]]:
        self._note("changes")
        return await super().changes(after)

    async def versions(self, tenant_id: str) -> list[Version]:
        self._note("versions")
        return await super().versions(tenant_id)

    async def whitelist(self, tenant_id: str, version: int) -> Whitelist | None:
        self._note(f"whitelist {version}")
        return await super().whitelist(tenant_id, version)

    async def article(self, tenant_id: str, page: str | None, title: str | None) -> Article | None:
        self._note("article")
        return await super().article(tenant_id, page, title)


@pytest.fixture
async def news(tmp_path: Path) -> AsyncIterator[CountedNews]:
    """A register with a tenant and nothing else."""
    async with open_store(f"sqlite+aiosqlite:///{tmp_path}/gateway.db") as (store, register):
        await register.put_tenant(Tenant("t1", "One", "https://one.example"), "h1", "test", 0)
        yield CountedNews(store.database)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def sources(news: CountedNews, clock: FakeClock) -> CachedSources:
    return CachedSources(news, clock, TRUST_MS)


async def put_list(news: SqlNews, valid_from: int, *sources: Source) -> None:
    """Import a version of the whitelist."""
    await news.put_whitelist("t1", "units", valid_from, sources, f"{valid_from:064x}", BY, 0)


async def put_article(news: SqlNews, text: str = TEXT, author: str | None = "A. Writer", **changes: str) -> None:
    """Import an article."""
    page = page_key(changes.get("url", "https://news.example/1"))
    assert page is not None
    publisher = changes.get("publisher", "The News")
    await news.put_articles("t1", [Article(page, publisher, "Bridge closes", text, 0, author)], BY, 0)


LISTED = Source("The News", "news.example")


async def test_without_a_whitelist_nothing_is_listed(sources: CachedSources) -> None:
    assert await sources.source("t1", REPOST, POST, 5) == SourceFact(False)


async def test_a_source_is_listed_in_the_version_in_force(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 100, Source("Other", "other.example"))
    await put_list(news, 200, LISTED)
    await put_list(news, 300, Source("Other", "other.example"))
    found = [await sources.source("t1", REPOST, POST, at_ms) for at_ms in (99, 100, 200, 299, 300)]
    assert found == [
        SourceFact(False),
        SourceFact(False, 1),
        SourceFact(True, 2, "The News"),
        SourceFact(True, 2, "The News"),
        SourceFact(False, 3),
    ]
    assert await sources.source("t2", REPOST, POST, 200) == SourceFact(False)


@pytest.mark.parametrize(
    ("texts", "likeness"),
    [
        (POST, Likeness.EXACT),
        ((TEXT,), Likeness.EXACT),
        ((f"{TEXT}\n\nSource: https://news.example/1",), Likeness.EXACT),
        (("Bridge closes", "Drivers should use the tunnel until 10 June."), Likeness.TRIMMED),
        (("Bridge collapses", *POST[1:]), Likeness.ALTERED),
        ((*POST, "angry"), Likeness.ALTERED),
        (("Something else happened in the town on the same day.",), Likeness.UNSOURCED),
        ((), Likeness.UNSOURCED),
    ],
)
async def test_the_text_is_compared_with_the_article(
    sources: CachedSources, news: CountedNews, texts: tuple[str, ...], likeness: Likeness
) -> None:
    await put_list(news, 0, LISTED)
    await put_article(news)
    assert await sources.source("t1", REPOST, texts, 5) == SourceFact(True, 1, "The News", likeness)


async def test_credit_that_nobody_knows_to_be_true_is_text(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, LISTED)
    await put_article(news, author=None)
    liar = Repost(REPOST.url, REPOST.publisher, "he is guilty of all of it", "Bridge closes")
    texts = (*POST[:2], "he is guilty of all of it")
    assert (await sources.source("t1", liar, texts, 5)).likeness is Likeness.ALTERED


@pytest.mark.parametrize(
    "url",
    [
        "https://news.example/1#the-mayor-was-arrested",
        "https://news.example/1?utm_source=the-mayor-was-arrested",
        "https://news.example/1?utm_市长被捕",
        "https://news.example/the-mayor-was-arrested",
    ],
)
async def test_an_address_says_nothing_that_is_not_the_source_s(
    sources: CachedSources, news: CountedNews, url: str
) -> None:
    await put_list(news, 0, LISTED)
    await put_article(news)
    repost = Repost(url, REPOST.publisher, REPOST.author, REPOST.title)
    found = [(await sources.source("t1", repost, texts, 5)).likeness for texts in (POST, (*POST, url))]
    assert found == [Likeness.EXACT, Likeness.ALTERED]


async def test_an_article_is_also_found_by_publisher_and_title(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, LISTED)
    await put_article(news, url="https://news.example/other/address")
    assert (await sources.source("t1", REPOST, POST, 5)).likeness is Likeness.EXACT
    untitled = Repost(REPOST.url, REPOST.publisher)
    assert (await sources.source("t1", untitled, POST, 5)).likeness is None


async def test_an_article_of_another_publisher_is_not_the_source(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, LISTED)
    await put_article(news, publisher="Somebody Else")
    assert await sources.source("t1", REPOST, POST, 5) == SourceFact(True, 1, "The News")


async def test_a_long_text_is_compared_as_well(sources: CachedSources, news: CountedNews) -> None:
    long = " ".join([f"Line {number} of the report is about the harbour." for number in range(1_000)])
    await put_list(news, 0, LISTED)
    await put_article(news, long)
    assert (await sources.source("t1", REPOST, (long,), 5)).likeness is Likeness.EXACT
    assert (await sources.source("t1", REPOST, (long.replace("999", "998"),), 5)).likeness is Likeness.ALTERED


async def test_what_is_known_not_to_have_changed_is_not_read_again(
    sources: CachedSources, news: CountedNews, clock: FakeClock
) -> None:
    await put_list(news, 0, LISTED)
    await sources.refresh()
    for _ in range(3):
        await sources.source("t1", REPOST, POST, 5)
    assert news.read == ["changes", "versions", "whitelist 1", "article", "article", "article"]
    clock.now += TRUST_MS
    await sources.source("t1", REPOST, POST, 5)
    assert news.read[-1:] == ["article"]
    clock.now += 1  # the feed has been silent for too long
    await sources.source("t1", REPOST, POST, 5)
    assert news.read[-2:] == ["versions", "article"]


async def test_a_clock_that_was_set_back_makes_nothing_fresh(
    sources: CachedSources, news: CountedNews, clock: FakeClock
) -> None:
    await sources.refresh()
    await sources.source("t1", REPOST, POST, 5)
    clock.now -= 1
    await sources.source("t1", REPOST, POST, 5)
    assert news.read == ["changes", "versions", "versions"]


async def test_a_new_version_counts_after_the_next_refresh(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, Source("Other", "other.example"))
    await sources.refresh()
    assert not (await sources.source("t1", REPOST, POST, 5)).listed
    await put_list(news, 1, LISTED)
    await sources.refresh()
    assert (await sources.source("t1", REPOST, POST, 5)).listed


async def test_what_is_not_known_is_a_fault_and_not_unlisted(
    sources: CachedSources, news: CountedNews, clock: FakeClock
) -> None:
    await put_list(news, 0, LISTED)
    await sources.refresh()
    await sources.source("t1", REPOST, POST, 5)
    news.gone = True
    with pytest.raises(StoreUnavailable):
        await sources.refresh()
    with pytest.raises(StoreUnavailable):  # its article
        await sources.source("t1", REPOST, POST, 5)
    unlisted = Repost("https://evil.test/1", "The News")
    assert not (await sources.source("t1", unlisted, POST, 5)).listed
    clock.now += TRUST_MS + 1
    with pytest.raises(StoreUnavailable):
        await sources.source("t1", unlisted, POST, 5)


async def test_those_who_need_a_version_wait_for_one_reading(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, LISTED)
    await sources.refresh()
    await asyncio.gather(*[sources.source("t1", REPOST, POST, 5) for _ in range(5)])
    assert news.read.count("whitelist 1") == 1


ELSEWHERE = "https://someone.test/wire/1"
"""A page that is on no listed site."""


@pytest.mark.parametrize(
    ("url", "publisher", "listed"),
    [
        (ELSEWHERE, "paper only", True),
        ("http://www.someone.test/wire/1?utm_source=x#y", "Paper Only", True),
        (ELSEWHERE, None, True),
        (ELSEWHERE, "The News", False),
        (ELSEWHERE, "Nobody", False),
        ("https://someone.test/wire/2", "Paper Only", False),  # has its title, but is another page
        ("https://someone.test@evil.test/wire/1", "Paper Only", False),
        ("https://someone.test/others", "Paper Only", False),
        ("https://someone.test/others", None, False),
    ],
)
async def test_a_publisher_without_a_site_is_listed_for_the_pages_of_its_articles(
    sources: CachedSources, news: CountedNews, url: str, publisher: str | None, listed: bool
) -> None:
    await put_list(news, 0, LISTED, Source("Paper Only"))
    await put_article(news, url=ELSEWHERE, publisher="Paper Only")
    await put_article(news, url="https://someone.test/others", publisher="Nobody")
    found = await sources.source("t1", Repost(url, publisher, None, "Bridge closes"), POST[:2], 5)
    assert found == (SourceFact(True, 1, "Paper Only", Likeness.EXACT) if listed else SourceFact(False, 1))


async def test_a_publisher_with_a_site_is_listed_for_that_site_only(sources: CachedSources, news: CountedNews) -> None:
    await put_list(news, 0, LISTED, Source("The News"))
    await put_article(news, url=ELSEWHERE)
    assert await sources.source("t1", Repost(ELSEWHERE, "The News"), POST, 5) == SourceFact(False, 1)
