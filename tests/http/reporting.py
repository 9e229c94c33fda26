"""Reporters without a key, with their pages and forms."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

import httpx
from prometheus_client import REGISTRY

from tests.http.keeping import Keeping

NAME, MAIL = "Vbnmqwer Canaria", "vbnmqwer@canary.example"
BODY: dict[str, Any] = {
    "tenant": "t1",
    "explanation": "They ask for money.",
    "category": "fraud",
    "urls": ["https://one.example/m/7"],
    "name": NAME,
    "email": MAIL,
    "bona_fide": True,
}
FORM = {**BODY, "urls": BODY["urls"][0], "bona_fide": "yes"}


class Page(HTMLParser):
    """What a page holds: its elements, by name, and its texts."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.status = response.status_code
        assert response.headers["content-type"] == "text/html; charset=utf-8"
        self.feed(response.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """See `HTMLParser`."""
        self.elements.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        """See `HTMLParser`."""
        self.texts.append(data)

    @property
    def text(self) -> str:
        """All that can be read."""
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of all elements of a kind."""
        return [attributes for name, attributes in self.elements if name == tag]

    def by_id(self, wanted: str) -> dict[str, str | None]:
        """The attributes of one element."""
        [found] = [attributes for _, attributes in self.elements if attributes.get("id") == wanted]
        return found


def stranger(desk: Keeping, address: str = "203.0.113.7", **headers: str) -> httpx.AsyncClient:
    """A client without a key, which fails on an answer that the OpenAPI document does not describe."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(desk.app, client=(address, 1)),
        base_url="http://gateway",
        headers={each.replace("_", "-"): text for each, text in headers.items()},
        event_hooks={"response": [desk.documented.check]},
    )


def counted(category: str, channel: str) -> float:
    """The reports taken, by the metric."""
    return REGISTRY.get_sample_value("gateway_reports_total", {"category": category, "channel": channel}) or 0.0
