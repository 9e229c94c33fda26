"""The sources whose news may be re-published: the whitelist in its versions, and articles to compare reposts with."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import asdict
from typing import Annotated

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, Field

from gateway.core.articles import BadArticle, read_article
from gateway.core.news import LONGEST_ARTICLE, Article
from gateway.core.registration import By
from gateway.core.whitelists import BadWhitelist, in_force, read_csv
from gateway.http.admin.desk import PREFIX, ByRegistrar, ByViewer, Responses, Served, TenantId, answered, body_of
from gateway.http.admin.models import Given, Name, ReasonBody, Time
from gateway.http.problems import bad_fields

router = APIRouter(prefix=PREFIX)


class WhitelistBody(ReasonBody):
    """A version: a CSV text with the columns ``publisher`` and ``domain``. It is in force from ``valid_from`` until the
    next one is."""

    name: Name
    valid_from: Time
    csv: str


class VersionOut(BaseModel):
    """A version of the whitelist; ``sha256`` (hex) is that of its text."""

    version: int
    name: str
    valid_from: int
    imported_ms: int
    sha256: str


class AddedOut(BaseModel):
    """The number of the version, and how many sources it has."""

    version: int
    sources: int


class WhitelistsOut(BaseModel):
    """The number of the version in force at the time that was asked about (null for none), and all, oldest first."""

    in_force: int | None
    versions: list[VersionOut]


class ArticleBody(Given):
    """An article of a listed source, as that has it. ``published_at`` is ISO 8601, in UTC where it names no zone."""

    url: str = Field(max_length=2000)
    publisher: str = Field(max_length=500)
    title: str = Field(max_length=1000)
    text: str = Field(max_length=LONGEST_ARTICLE)
    published_at: str = Field(max_length=50)
    author: str | None = Field(None, max_length=500)


class ArticlesBody(ReasonBody):
    """Articles to add, or to put in place of those at the same addresses."""

    articles: Annotated[list[ArticleBody], Field(min_length=1, max_length=100)]


class ArticlesOut(BaseModel):
    """How many were taken."""

    articles: int


Adding = Annotated[WhitelistBody, Depends(body_of(WhitelistBody, file=True))]
Putting = Annotated[ArticlesBody, Depends(body_of(ArticlesBody, file=True))]
_VALUE: Responses = {422: {"description": "What cannot be used; `errors` names each line or field"}}


@router.post("/whitelists", summary="Add a version of the whitelist", response_model=AddedOut, responses=_VALUE)
async def add(by: ByRegistrar, tenant_id: TenantId, body: Adding, desk: Served) -> Response:
    """One bad line, and nothing is added. The same text for the same time again is the version that is there."""
    try:
        sources = await asyncio.to_thread(read_csv, body.csv)  # seconds, for which nobody else's requests may wait
    except BadWhitelist as error:
        raise bad_fields([("csv", problem) for problem in error.problems], 422, "whitelist") from error
    sha256 = hashlib.sha256(body.csv.encode()).hexdigest()
    reason, now_ms = By(by.name, body.reason), desk.clock.now_ms()
    version = await desk.news.put_whitelist(tenant_id, body.name, body.valid_from, sources, sha256, reason, now_ms)
    return answered(AddedOut(version=version, sources=len(sources)))


@router.get("/whitelists", summary="Versions of the whitelist, and which is in force", response_model=WhitelistsOut)
async def versions(
    by: ByViewer,
    tenant_id: TenantId,
    desk: Served,
    at: Annotated[int | None, Query(ge=0, le=2**53, description="Unix milliseconds; now, without it.")] = None,
) -> Response:
    """At the time ``at``."""
    found = await desk.news.versions(tenant_id)
    at_ms = desk.clock.now_ms() if at is None else at
    current = in_force([(one.version, one.valid_from) for one in found], at_ms)
    return answered(WhitelistsOut(in_force=current, versions=[VersionOut(**asdict(one)) for one in found]))


@router.post("/articles", summary="Add articles of sources", response_model=ArticlesOut, responses=_VALUE)
async def articles(by: ByRegistrar, tenant_id: TenantId, body: Putting, desk: Served) -> Response:
    """All of them, or none."""
    read: list[Article] = []
    problems: list[tuple[str, str]] = []
    for index, article in enumerate(body.articles):
        try:
            read.append(read_article(orjson.dumps(article.model_dump())))
        except BadArticle as error:
            name, _, message = str(error).partition(": ")
            problems.append((f"articles.{index}.{name}", message))
    if problems:
        raise bad_fields(problems, 422, "article")
    await desk.news.put_articles(tenant_id, read, By(by.name, body.reason), desk.clock.now_ms())
    return answered(ArticlesOut(articles=len(read)))
