"""Whitelists and articles in tables."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Final

from sqlalchemy import and_, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from gateway.adapters.sql.dialect import AnyRow, put
from gateway.adapters.sql.engine import Database
from gateway.adapters.sql.history import next_change, record
from gateway.adapters.sql.tables import counters, tenants
from gateway.adapters.sql.tables_register import articles, whitelist_sources, whitelists
from gateway.adapters.sql.writes import check_text
from gateway.core.audit import act_body
from gateway.core.news import Article, title_key
from gateway.core.registration import By
from gateway.core.whitelists import Source, Whitelist
from gateway.ports import StoreUnavailable, Version

_CHUNK: Final = 5_000


class SqlSources:
    """The part of `gateway.ports.NewsRegister` that is about sources."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def changes(self, after: int) -> tuple[int, list[str]]:
        """See `gateway.ports.NewsRegister`, as for every method below."""
        async with self._database.reading("changes") as connection:
            # The number first: what is committed between the two statements is then reported twice, never missed.
            newest = await connection.scalar(select(counters.c.value).where(counters.c.name == "registry"))
            if not newest or newest <= after:
                return newest or 0, []
            changed = await connection.scalars(select(tenants.c.tenant_id).where(tenants.c.change > after))
            return newest, list(changed.all())

    async def versions(self, tenant_id: str) -> list[Version]:
        columns = [whitelists.c[name] for name in Version.__slots__]
        async with self._database.reading("whitelists") as connection:
            found = await connection.execute(
                select(*columns).where(whitelists.c.tenant_id == tenant_id).order_by(whitelists.c.version)
            )
            return [Version(*row) for row in found]

    async def whitelist(self, tenant_id: str, version: int) -> Whitelist | None:
        mine = and_(whitelist_sources.c.tenant_id == tenant_id, whitelist_sources.c.version == version)
        async with self._database.reading("whitelist") as connection:
            valid_from = await connection.scalar(
                select(whitelists.c.valid_from).where(
                    whitelists.c.tenant_id == tenant_id, whitelists.c.version == version
                )
            )
            if valid_from is None:
                return None
            found = await connection.execute(
                select(whitelist_sources.c.publisher, whitelist_sources.c.domain)
                .where(mine)
                .order_by(whitelist_sources.c.position)
            )
            return Whitelist(version, valid_from, [Source(*row) for row in found])

    async def article(self, tenant_id: str, page: str | None, title: str | None) -> Article | None:
        async with self._database.reading("article") as connection:
            for column, key in ((articles.c.url_key, page), (articles.c.title_key, title)):
                if key is None:
                    continue
                newest = articles.c.published_ms.desc()
                found = await connection.execute(
                    select(articles).where(articles.c.tenant_id == tenant_id, column == key).order_by(newest).limit(1)
                )
                if (row := found.first()) is not None:
                    return _article(row)
        return None

    async def put_whitelist(
        self, tenant_id: str, name: str, valid_from: int, sources: Sequence[Source], sha256: str, by: By, now_ms: int
    ) -> int:
        check_text(tenant_id, name, by.actor, by.reason, *[source.publisher for source in sources])
        async with self._database.writing("whitelist") as connection:
            change = await next_change(connection)
            await _check_tenant(connection, tenant_id)
            # An older one is not it: the later of two for one day is in force, and may be what is to be put right.
            last = (
                select(whitelists.c.version, whitelists.c.sha256)
                .where(whitelists.c.tenant_id == tenant_id, whitelists.c.valid_from == valid_from)
                .order_by(whitelists.c.version.desc())
                .limit(1)
            )
            there = (await connection.execute(last)).first()
            if there is not None and there.sha256 == sha256:
                found: int = there.version
                return found
            newest = select(func.max(whitelists.c.version)).where(whitelists.c.tenant_id == tenant_id)
            version: int = (await connection.scalar(newest) or 0) + 1
            values = {
                "tenant_id": tenant_id,
                "version": version,
                "name": name,
                "valid_from": valid_from,
                "imported_ms": now_ms,
                "sha256": sha256,
            }
            await connection.execute(insert(whitelists), [values])
            rows = [
                {"tenant_id": tenant_id, "version": version, "position": position, **source._asdict()}
                for position, source in enumerate(sources)
            ]
            for start in range(0, len(rows), _CHUNK):
                await connection.execute(insert(whitelist_sources), rows[start : start + _CHUNK])
            await connection.execute(update(tenants).where(tenants.c.tenant_id == tenant_id).values(change=change))
            told = {"version": version, "name": name, "valid_from": valid_from, "sha256": sha256, "sources": len(rows)}
            await record(connection, tenant_id, act_body(by, change, tenant_id, "PutWhitelist", **told), now_ms)
            return version

    async def put_articles(self, tenant_id: str, articles_: Sequence[Article], by: By, now_ms: int) -> None:
        if not articles_:
            return
        check_text(tenant_id, by.actor, by.reason)
        rows = [_row(tenant_id, article) for article in articles_]
        async with self._database.writing("articles") as connection:
            await _check_tenant(connection, tenant_id)
            for row in rows:
                await connection.execute(put(self._database, articles, row))
            keys = hashlib.sha256("".join([str(row["url_key"]) for row in rows]).encode()).hexdigest()
            body = act_body(by, 0, tenant_id, "PutArticles", articles=len(rows), keys_hash=keys)
            await record(connection, tenant_id, body, now_ms)


async def _check_tenant(connection: AsyncConnection, tenant_id: str) -> None:
    if await connection.scalar(select(tenants.c.change).where(tenants.c.tenant_id == tenant_id)) is None:
        raise StoreUnavailable(f"there is no tenant {tenant_id!r}")


def _row(tenant_id: str, article: Article) -> dict[str, object]:
    check_text(article.page, article.publisher, article.title, article.text, article.author or "")
    return {
        "tenant_id": tenant_id,
        "url_key": article.page,
        "title_key": title_key(article.publisher, article.title) if article.title else None,
        "publisher": article.publisher,
        "title": article.title,
        "author": article.author,
        "text": article.text,
        "published_ms": article.published_ms,
    }


def _article(row: AnyRow) -> Article:
    return Article(row.url_key, row.publisher, row.title, row.text, row.published_ms, row.author)
