"""What the demo knows of news: a listed source with an article, and an account that may only re-publish."""

from __future__ import annotations

import json
from typing import Final

from gateway.core.addresses import page_key
from gateway.core.news import Article
from gateway.core.registration import By
from gateway.core.whitelists import Source
from gateway.ports import NewsRegister

ACCOUNT: Final = "demo-republisher"
PUBLISHER: Final = "Demo Daily"
URL: Final = "http://daily.example/bridge"
TITLE: Final = "The bridge opens on Monday"
TEXT: Final = (
    "The new bridge opens on Monday at noon. The city expects 9,000 cars a day. "
    "Buses will not use it before the spring. Pedestrians may walk on both sides."
)

_BY: Final = By("demo", "something to try")


async def seed(news: NewsRegister, tenant_id: str, now_ms: int) -> None:
    """Add the whitelist and the article; nothing changes when they are there."""
    source = [Source(PUBLISHER, "daily.example")]
    await news.put_whitelist(tenant_id, "demo", 0, source, "", _BY, now_ms)
    article = Article(page_key(URL) or "", PUBLISHER, TITLE, TEXT, 0)
    await news.put_articles(tenant_id, [article], _BY, now_ms)


def tries(gateway_url: str, app_key: str) -> str:
    """The commands to try."""
    lines = ["# an account that may only re-publish news: as its source has it it is allowed, changed it is held"]
    for text in (TEXT.partition(" Buses")[0], TEXT.replace("9,000", "90,000")):
        repost = {"url": URL, "publisher": PUBLISHER}
        body = json.dumps({"account_id": ACCOUNT, "text": text, "repost_of": repost}, ensure_ascii=False)
        lines.append(
            f"curl -i {gateway_url}/v1/messages -H 'Authorization: Bearer {app_key}' "
            f"-H 'Content-Type: application/json' -d '{body}'"
        )
    return "\n".join(lines) + "\n"
