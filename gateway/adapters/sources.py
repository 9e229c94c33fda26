"""What the hot path is told about the source of a repost: from the whitelist in force, and the source's text."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from typing import Final

from gateway.core.addresses import bare, page_key
from gateway.core.model import Likeness, Repost, SourceFact
from gateway.core.news import Article, title_key
from gateway.core.reposts import compare
from gateway.core.whitelists import Whitelist, in_force, name_key
from gateway.ports import Clock, NewsReader

_TENANTS: Final = 10_000
_LISTED: Final = 200_000
"""How many sources all cached versions may have together; one version is kept in any case."""
_AT_ONCE: Final = 10_000
"""A longer text is compared in a thread, so that the event loop goes on meanwhile; characters of both texts."""


class CachedSources:
    """See `gateway.ports.Sources`. Which versions of a whitelist there are is remembered as long as it is known not to
    have changed: not longer than ``trust_ms`` after the last successful `refresh`. After that the database is asked."""

    def __init__(self, news: NewsReader, clock: Clock, trust_ms: int) -> None:
        self._news = news
        self._clock = clock
        self._trust_ms = trust_ms
        self._change = 0
        self._fresh_ms: int | None = None
        self._versions: OrderedDict[str, list[tuple[int, int]]] = OrderedDict()
        self._whitelists: OrderedDict[tuple[str, int], Whitelist] = OrderedDict()
        self._loading = asyncio.Lock()

    async def refresh(self) -> None:
        """Read the change feed and drop what changed. Raises `StoreUnavailable`; what is remembered then ages."""
        now_ms = self._clock.now_ms()
        change, changed = await self._news.changes(self._change)
        if self._fresh_ms is None:
            self._versions.clear()
        for tenant_id in changed:
            self._versions.pop(tenant_id, None)
        self._change = change
        self._fresh_ms = now_ms

    async def source(self, tenant_id: str, repost: Repost, texts: Sequence[str], at_ms: int) -> SourceFact:
        """See `gateway.ports.Sources`."""
        version = in_force(await self._known_versions(tenant_id), at_ms)
        whitelist = await self._whitelist(tenant_id, version) if version is not None else None
        if whitelist is None:
            return SourceFact(False)
        publisher = whitelist.source(repost)
        if publisher is not None:
            article = await self._article(tenant_id, repost, publisher)
        else:
            article = await siteless_article(self._news, tenant_id, whitelist, repost.url, repost.publisher)
            publisher = whitelist.siteless(article.publisher) if article is not None else None
        if publisher is None:
            return SourceFact(False, version)
        likeness = await self._likeness(repost, article, texts) if article is not None else None
        return SourceFact(True, version, publisher, likeness)

    async def _article(self, tenant_id: str, repost: Repost, publisher: str) -> Article | None:
        page = page_key(repost.url) if repost.url else None
        title = title_key(publisher, repost.title) if repost.title else None
        article = await self._news.article(tenant_id, page, title)
        return article if article is not None and name_key(article.publisher) == name_key(publisher) else None

    async def _likeness(self, repost: Repost, article: Article, texts: Sequence[str]) -> Likeness:
        source = f"{article.title}\n\n{article.text}"
        credit = _credit(repost, article)
        if len(source) + sum(map(len, texts)) <= _AT_ONCE:
            return compare(texts, source, credit)[0]
        return (await asyncio.to_thread(compare, texts, source, credit))[0]

    async def _known_versions(self, tenant_id: str) -> list[tuple[int, int]]:
        # A clock that was set back makes nothing fresh.
        trusted = self._fresh_ms is not None and 0 <= self._clock.now_ms() - self._fresh_ms <= self._trust_ms
        if trusted and tenant_id in self._versions:
            self._versions.move_to_end(tenant_id)
            return self._versions[tenant_id]
        change = self._change
        versions = [(each.version, each.valid_from) for each in await self._news.versions(tenant_id)]
        if change == self._change:  # else something changed while they were read: what was said may be old
            self._versions[tenant_id] = versions
            if len(self._versions) > _TENANTS:
                self._versions.popitem(last=False)
        return versions

    async def _whitelist(self, tenant_id: str, version: int) -> Whitelist | None:
        """A version, which never changes once it is there. Those who need the same one wait for one reading."""
        key = (tenant_id, version)
        if (found := self._whitelists.get(key)) is not None:
            self._whitelists.move_to_end(key)
            return found
        async with self._loading:
            if (found := self._whitelists.get(key)) is None:
                found = await self._news.whitelist(tenant_id, version)
                if found is not None:
                    self._whitelists[key] = found
                    self._drop()
        return found

    def _drop(self) -> None:
        while len(self._whitelists) > 1 and sum([len(each.sources) for each in self._whitelists.values()]) > _LISTED:
            self._whitelists.popitem(last=False)


async def siteless_article(
    news: NewsReader, tenant_id: str, whitelist: Whitelist, url: str | None, publisher: str | None
) -> Article | None:
    """The article imported for a page that makes it the page of a publisher listed without a site: one of that very
    publisher. It is found by the address only: a title can be anybody's. Without ``publisher`` any such one will do."""
    page = page_key(url) if url and whitelist.has_siteless else None
    if page is None or (publisher and whitelist.siteless(publisher) is None):
        return None
    article = await news.article(tenant_id, page, None)
    if article is None or whitelist.siteless(article.publisher) is None:
        return None
    return article if not publisher or name_key(article.publisher) == name_key(publisher) else None


def _credit(repost: Repost, article: Article) -> list[str]:
    """What the message may say of the source beside its text: what is known to be true. The publisher's name was found
    to be the listed one. The address counts where it is the article's, and no more of it than leads there: the path of
    another, or a fragment, can say anything."""
    given = [repost.publisher, article.publisher, article.author, article.title]
    if repost.url and page_key(repost.url) == article.page:
        given.append(bare(repost.url))
    return [each for each in given if each]
