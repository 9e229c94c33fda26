"""The whole gateway with its classifiers inside: the same text twice, a lexicon that changes, and a campaign."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway import metrics
from gateway.adapters.sql import open_store
from gateway.app import create_app
from gateway.core.model import Account, AccountState
from gateway.core.records import Tenant
from gateway.embedded import embedded_judge
from gateway.http.requests import hash_key
from gateway.ports import Store
from gateway.settings import RememberSettings, Settings
from tests.http.conftest import client_of
from tests.world import ACCOUNT, KEY

ACCOUNTS = ("acc-1", "acc-2", "acc-3", "acc-4")
TEXT = "Please come to the quibblefrog meeting in the town hall on Friday evening, there will be tea for everybody."
PATIENCE = 30.0


class Site:
    """A gateway, its terms file, and its store."""

    def __init__(self, client: httpx.AsyncClient, terms: Path, store: Store) -> None:
        self.client = client
        self.terms = terms
        self.store = store

    async def decides(self, text: str, account: str = "acc-1") -> dict[str, Any]:
        answer = await self.client.post("/v1/decisions", json={"account_id": account, "text": text})
        found: dict[str, Any] = answer.json()
        return found

    async def comes_to(self, decision: str) -> None:
        """Sends the text until this is decided."""
        async with asyncio.timeout(PATIENCE):
            while (await self.decides(TEXT))["decision"] != decision:  # noqa: ASYNC110 - a file's change tells nobody
                await asyncio.sleep(0.05)


@pytest.fixture(params=[300.0])
async def site(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Site]:
    terms = tmp_path / "terms.tsv"
    terms.write_text("zzalpha\tspam\t0.4\n", encoding="utf-8")
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    async with open_store(url) as (_, register):
        await register.put_tenant(Tenant("t1", "One", "http://127.0.0.1:1/"), hash_key(KEY), "test", 0)
        for account_id in ACCOUNTS:
            await register.put_account("t1", Account(account_id, AccountState.ACTIVE, ACCOUNT.registrant), "test", 0)
    settings = Settings(database_url=url, remember=RememberSettings(seconds=request.param))
    app = create_app(settings, embedded_judge(lexicon=str(terms)))
    async with app.router.lifespan_context(app), client_of(app) as client:
        yield Site(client, terms, app.state.store)


def counted(result: str) -> float:
    value: float = metrics.REMEMBERED.labels(result)._value.get()
    return value


async def test_the_record_of_a_remembered_answer_is_that_of_a_fresh_one(site: Site) -> None:
    before = counted("part")
    cases = []
    for _ in range(2):
        decided = await site.decides(TEXT)
        [(_, case)] = await site.store.cases(decided["message_id"])
        cases.append(case)
    assert counted("part") == before + 1
    assert cases[0].answers == cases[1].answers
    assert {answer.classifier for answer in cases[1].answers} == {"text", "news", "lexicon", "campaign"}


async def test_a_lexicon_that_changes_changes_what_the_same_text_gets(site: Site) -> None:
    assert [(await site.decides(TEXT))["decision"] for _ in range(2)] == ["allow", "allow"]
    site.terms.write_text("quibblefrog\tfraud\t0.99\n", encoding="utf-8")
    await site.comes_to("block")
    site.terms.write_text("zzalpha\tspam\t0.4\nzzbeta\tspam\t0.4\n", encoding="utf-8")
    await site.comes_to("allow")


async def test_a_campaign_is_seen_although_its_text_is_remembered(site: Site) -> None:
    before = counted("part")
    found = [(await site.decides(TEXT, account))["decision"] for account in ACCOUNTS]
    assert found == ["allow", "allow", "allow", "hold"]
    assert counted("part") == before + 3


@pytest.mark.parametrize("site", [0.0], indirect=True)
async def test_it_can_be_switched_off(site: Site) -> None:
    before = [counted(result) for result in ("whole", "part", "none", "off")]
    for _ in range(2):
        assert (await site.decides(TEXT))["decision"] == "allow"
    assert [counted(result) for result in ("whole", "part", "none", "off")] == before
