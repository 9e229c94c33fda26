"""The whole gateway on a database in a file: licences, a whitelist and an article decide what a re-publisher may do."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest

from classifiers.contract import Opinion, Question, Reply, Score
from gateway.adapters.clock import SystemClock
from gateway.adapters.sql import open_store
from gateway.adapters.sql.news import SqlNews
from gateway.app import create_app
from gateway.core.addresses import page_key
from gateway.core.model import Account, AccountState, NewsKind, Registrant, RegistrantKind, VerificationState
from gateway.core.news import Article, Licence
from gateway.core.records import Tenant
from gateway.core.registration import By
from gateway.core.whitelists import Source
from gateway.http.requests import hash_key
from gateway.settings import NotifySettings, Settings
from tests.http.documented import Documented
from tests.http.recorder import Answer, Got, recorder

KEY = "key-news"
BY = By("Keeper", "letter 7")
HOLDER = Registrant("reg-1", RegistrantKind.ORGANISATION, VerificationState.VERIFIED, "eidas", "high")
TITLE = "Harbour bridge closes"
TEXT = "The harbour bridge will close on 3 May for repairs. Drivers should use the tunnel until 10 June."
ELSEWHERE = "https://someone.test/wire/1"
DAY_MS = 86_400_000

Publish = Callable[..., Awaitable[dict[str, Any]]]


def judge(question: Question) -> Reply:
    """Classifiers for whom a text with "bridge" in it is news."""
    sure = 0.95 if any("bridge" in text for text in question.texts) else 0.1
    answers = [Opinion(name, "1", (Score("news", sure),) if name == "news" else ()) for name in question.ask]
    return Reply(question.correlation, question.message_id, question.tenant_id, tuple(answers))


class Receiver:
    """Where the tenant wants notices."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.told = asyncio.Event()

    def __call__(self, got: Got) -> Answer:
        self.bodies.append(got.body)
        self.told.set()
        return Answer()


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
async def publish(tmp_path: Path, receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Publish]:
    """Ask what becomes of a message by one of three accounts: acc-own originates, acc-re re-publishes, acc-none does
    neither."""
    monkeypatch.setenv("NOTIFY_SECRET", f"whsec_{base64.b64encode(b's' * 24).decode()}")
    async with recorder(receiver) as opened, running(tmp_path, opened.netloc) as send:
        yield send


@asynccontextmanager
async def running(tmp_path: Path, netloc: str) -> AsyncIterator[Publish]:
    """A gateway on a database with licences, a whitelist and an article."""
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    now_ms = SystemClock().now_ms()
    tenant = Tenant(
        "t1",
        "One",
        f"http://{netloc}/publish",
        notify_url=f"http://{netloc}/notices",
        notify_secret_env="NOTIFY_SECRET",
    )
    async with open_store(url) as (store, register):
        await register.put_tenant(tenant, hash_key(KEY), "test", now_ms)
        for name in ("acc-own", "acc-re", "acc-none"):
            await register.put_account("t1", Account(name, AccountState.ACTIVE, HOLDER), "test", now_ms)
        news = SqlNews(store.database)
        for name, kind, days in (("own", NewsKind.ORIGINATE, 10), ("re", NewsKind.REPUBLISH, 1_000)):
            ends = now_ms + days * DAY_MS
            licence = Licence(f"lic-{name}", "reg-1", "manual", kind, now_ms - 1, ends, (f"acc-{name}",))
            assert await news.put_licence("t1", licence, BY, now_ms) is None
        await news.put_whitelist(
            "t1", "units", 0, [Source("The News", "news.example"), Source("Paper Only")], "a" * 64, BY, now_ms
        )
        for address, publisher in (("https://news.example/1", "The News"), (ELSEWHERE, "Paper Only")):
            page = page_key(address)
            assert page is not None
            await news.put_articles("t1", [Article(page, publisher, TITLE, TEXT, 0)], BY, now_ms)

    app = create_app(Settings(database_url=url, notify=NotifySettings(private_hosts=netloc)), judge)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(
            transport=httpx.ASGITransport(app),
            base_url="http://gateway",
            headers={"Authorization": f"Bearer {KEY}"},
            event_hooks={"response": [Documented().check]},
        ) as client,
    ):

        async def send(account: str, text: str, title: str = TITLE, **body: Any) -> dict[str, Any]:
            answer = await client.post(
                "/v1/decisions", json={"account_id": account, "title": title, "text": text, **body}
            )
            found: dict[str, Any] = answer.json()
            return found

        yield send


NAMED = {"url": "https://www.news.example/1?utm_source=app", "publisher": "the news", "title": TITLE}


def outcome(answer: dict[str, Any]) -> tuple[str, list[str]]:
    """What was decided, and the codes of the reasons."""
    return answer["decision"], [reason["code"] for reason in answer["reasons"]]


@pytest.mark.parametrize(
    ("account", "text", "body", "expected"),
    [
        ("acc-own", TEXT, {}, ("allow", [])),
        ("acc-none", TEXT, {}, ("hold", ["news_not_authorised"])),
        (
            "acc-none",
            "Good morning",
            {"title": "Hello", "metadata": {"topic": "news"}},
            ("hold", ["news_not_authorised"]),
        ),
        ("acc-none", "Good morning", {"title": "Hello"}, ("allow", [])),
        ("acc-re", TEXT, {}, ("hold", ["news_source_missing"])),
        ("acc-re", TEXT, {"repost_of": NAMED}, ("allow", [])),
        ("acc-re", TEXT, {"repost_of": NAMED, "metadata": {"topic": "news"}, "target": "#town"}, ("allow", [])),
        ("acc-re", TEXT.split(". ")[0] + ".", {"repost_of": NAMED}, ("allow", [])),
        ("acc-re", TEXT.replace("3 May", "4 May"), {"repost_of": NAMED}, ("hold", ["news_altered"])),
        ("acc-re", TEXT, {"repost_of": NAMED, "metadata": {"mood": "a lie"}}, ("hold", ["news_altered"])),
        ("acc-re", TEXT, {"repost_of": NAMED, "title": "Bridge falls"}, ("hold", ["news_altered"])),
        (
            "acc-re",
            TEXT,
            {"repost_of": NAMED, "title": "Bridge falls", "metadata": {"topic": "Bridge falls"}},
            ("hold", ["news_altered"]),
        ),
        (
            "acc-re",
            TEXT,
            {"repost_of": NAMED, "title": "Bridge falls", "target": "Bridge falls"},
            ("hold", ["news_altered"]),
        ),
        ("acc-re", TEXT, {"repost_of": NAMED, "metadata": {"topic": "a lie"}}, ("hold", ["news_altered"])),
        (
            "acc-re",
            f"{TEXT}\n\n{NAMED['url']}#the-mayor-resigns",
            {"repost_of": {**NAMED, "url": f"{NAMED['url']}#the-mayor-resigns"}},
            ("hold", ["news_altered"]),
        ),
        ("acc-re", "All about my bridge", {"repost_of": NAMED}, ("hold", ["news_unsourced"])),
        (
            "acc-re",
            TEXT,
            {"repost_of": {"url": "https://news.example/2", "publisher": "The News"}},
            ("hold", ["news_source_unseen"]),
        ),
        (
            "acc-re",
            TEXT,
            {"repost_of": {**NAMED, "url": "https://news.example@evil.test/1"}},
            ("hold", ["news_source_unlisted"]),
        ),
        ("acc-re", TEXT, {"repost_of": {"url": ELSEWHERE, "publisher": "paper only"}}, ("allow", [])),
        (
            "acc-re",
            TEXT,
            {"repost_of": {"url": f"{ELSEWHERE}0", "publisher": "Paper Only"}},
            ("hold", ["news_source_unlisted"]),
        ),
    ],
)
async def test_who_may_publish_what(
    publish: Publish, account: str, text: str, body: dict[str, Any], expected: tuple[str, list[str]]
) -> None:
    assert outcome(await publish(account, text, **body)) == expected


async def test_the_tenant_is_told_that_a_licence_will_end(publish: Publish, receiver: Receiver) -> None:
    del publish  # it has the gateway running
    async with asyncio.timeout(20):
        await receiver.told.wait()
    [notice] = [orjson.loads(body) for body in receiver.bodies]
    assert (notice["type"], notice["data"]["licence_id"]) == ("licence.ending", "lic-own")
