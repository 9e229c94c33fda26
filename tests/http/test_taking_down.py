"""The whole gateway with the demo chat app behind it: what was published disappears from its page, and comes back."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from PIL import Image

from classifiers.contract import Opinion, Question, Reply
from gateway.adapters.clock import SystemClock
from gateway.adapters.key_file import new_keys
from gateway.adapters.sql import SqlOperators, SqlStore, open_store
from gateway.adapters.sql.history import record
from gateway.adapters.sql.news import SqlNews
from gateway.app import create_app
from gateway.core.audit import APPEAL, TAKEDOWN, act_body
from gateway.core.model import MessageState
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.demo import APP_KEY, TENANT, seed
from gateway.demo_bots import TOKEN
from gateway.demo_upstream import create_demo_upstream
from gateway.http.requests import hash_key
from gateway.settings import Settings
from tests.e2e.support import until
from tests.http.compatible import listening

BY = By("mo", "ticket 7")
TEXT = "Good morning! The library opens at nine today."
REVIEWER = "key-of-a-reviewer"


def judge(question: Question) -> Reply:
    """Classifiers that find nothing."""
    answers = tuple([Opinion(name, "1", ()) for name in question.ask])
    return Reply(question.correlation, question.message_id, question.tenant_id, answers)


class Site:
    """The gateway, and what readers of the chat app see."""

    def __init__(self, gateway: httpx.AsyncClient, bots: httpx.AsyncClient, upstream: str, store: SqlStore) -> None:
        self.gateway = gateway
        self.bots = bots
        self.store = store
        self._app = httpx.AsyncClient(base_url=upstream, trust_env=False)

    async def close(self) -> None:
        await self._app.aclose()

    async def publish(self) -> str:
        """Publish a message; its id."""
        answer = await self.gateway.post("/v1/messages", json={"account_id": "demo-verified", "text": TEXT})
        assert answer.status_code == 200, answer.text
        message_id: str = answer.json()["message_id"]
        return message_id

    async def reviewer(self, path: str, **body: Any) -> Any:
        """One request by a reviewer that must succeed; its answer."""
        answer = await self.gateway.post(
            f"/v1/admin/tenants/{TENANT}{path}", json=body, headers={"Authorization": f"Bearer {REVIEWER}"}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def reaches(self, message_id: str, state: str) -> None:
        """Wait until a message's takedown is in a state."""

        async def there() -> bool:
            found = (await self.gateway.get(f"/v1/messages/{message_id}")).json()
            return bool(found.get("takedown", {}).get("state") == state)

        await until(there, 20.0, f"{message_id} is {state}")

    async def write(self, kind: str, act: str, message_id: str, **fields: Any) -> None:
        """An act of those who decide on reports and appeals."""
        body = act_body(BY, 0, TENANT, act, account_id="demo-verified", message_id=message_id, **fields)
        async with self.store.database.writing("test") as connection:
            await record(connection, TENANT, body, SystemClock().now_ms(), kind=kind)

    async def page(self) -> str:
        """What readers see."""
        return (await self._app.get("/")).text

    async def kept(self) -> list[tuple[str, bool]]:
        """The keys of all that was published, and whether it was taken down."""
        return [(row["key"], row["taken_down"]) for row in (await self._app.get("/published")).json()]


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    url = f"sqlite+aiosqlite:///{tmp_path}/gateway.db"
    new_keys(tmp_path / "keys.json")
    (tmp_path / "bot").write_text(f"{TOKEN}\n")
    async with AsyncExitStack() as stack:
        upstream = await stack.enter_async_context(listening(create_demo_upstream(tmp_path / "published.ndjson")))
        (tmp_path / "listeners.yaml").write_text(
            f"listeners: [{{name: bots, platform: telegram, tenant: {TENANT}, hostname: bots.test, "
            f'upstream: "{upstream}", takedown_token_file: bot}}]\n'
        )
        async with open_store(url) as (store, register):
            await seed(register, SqlNews(store.database), SystemClock(), upstream)
            operator = Operator("mo", Role.REVIEWER)
            await SqlOperators(store.database).add(operator, hash_key(REVIEWER), BY, 0)
        app = create_app(
            Settings(database_url=url, keys_file=tmp_path / "keys.json", listeners_file=tmp_path / "listeners.yaml"),
            judge,
        )
        await stack.enter_async_context(app.router.lifespan_context(app))
        transport, key = httpx.ASGITransport(app), {"Authorization": f"Bearer {APP_KEY}"}
        gateway = await stack.enter_async_context(
            httpx.AsyncClient(transport=transport, base_url="http://gateway", headers=key)
        )
        bots = await stack.enter_async_context(httpx.AsyncClient(transport=transport, base_url="http://bots.test"))
        made = Site(gateway, bots, upstream, app.state.store)
        yield made
        await made.close()


async def test_what_a_reviewer_takes_down_is_gone_from_the_page_and_comes_back(site: Site) -> None:
    message_id = await site.publish()
    assert "opens at nine" in await site.page()
    assert (await site.reviewer(f"/messages/{message_id}:take_down", category="fraud", reason="7"))["state"] == "due"
    await site.reaches(message_id, "done")
    assert "opens at nine" not in await site.page()
    assert await site.kept() == [(message_id, True)]
    await site.reviewer(f"/messages/{message_id}:restore", reason="it was a mistake")
    await site.reaches(message_id, "restored")
    assert "opens at nine" in await site.page()
    assert await site.kept() == [(message_id, False)]


async def test_what_was_decided_on_a_report_and_on_an_appeal_follows(site: Site) -> None:
    first, second = await site.publish(), await site.publish()
    report: dict[str, Any] = {"category": "fraud", "source": "report", "report_id": "r-1", "automatic": False}
    await site.write(TAKEDOWN, "TakeDown", first, content_hash="c" * 64, **report)
    await site.reaches(first, "done")
    assert await site.kept() == [(first, True), (second, False)]
    await site.write(APPEAL, "DecideAppeal", first, appeal_id="a-1", outcome="reversed")
    await site.reaches(first, "restored")
    assert await site.kept() == [(first, False), (second, False)]
    rows = [orjson.loads(row.body)["act"] async for row in site.store.audit() if row.kind == TAKEDOWN]
    assert rows == ["TakeDown", "TakenDown", "Restored"]


async def test_what_a_bot_published_is_removed_by_its_platforms_own_request(site: Site) -> None:
    sent = await site.bots.post(f"/bot{TOKEN}/sendMessage", data={"chat_id": "1", "text": TEXT})
    assert sent.json()["ok"], sent.text
    assert "opens at nine" in await site.page()
    [stored] = await site.store.in_state(MessageState.PUBLISHED, 10)
    await site.reviewer(f"/messages/{stored.message_id}:take_down", category="spam", reason="7")
    await site.reaches(stored.message_id, "done")
    assert "opens at nine" not in await site.page()
    await site.reviewer(f"/messages/{stored.message_id}:restore", reason="8")
    await site.reaches(stored.message_id, "restore_failed")
    listed = await site.gateway.get(
        f"/v1/admin/tenants/{TENANT}/takedowns?failed=true", headers={"Authorization": f"Bearer {REVIEWER}"}
    )
    [failed] = listed.json()["takedowns"]
    assert failed["problem"] == "cannot be restored by the platform; the author may publish it again"
    assert TOKEN.partition(":")[2] not in listed.text


async def test_a_bots_picture_is_published_with_its_caption(site: Site) -> None:
    picture = io.BytesIO()
    Image.new("RGB", (40, 30), "navy").save(picture, "PNG")
    given, file = {"chat_id": "1", "caption": TEXT}, {"photo": ("shop.png", picture.getvalue(), "image/png")}
    sent = (await site.bots.post(f"/bot{TOKEN}/sendPhoto", data=given, files=file)).json()
    assert (sent["ok"], sent["result"]["caption"]) == (True, TEXT)
    assert "opens at nine" in (page := await site.page())
    assert "(with a picture)" in page
