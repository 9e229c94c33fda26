"""A chat app to try the gateway with: takes publish requests, keeps them in a file, and lists them on a page."""

from __future__ import annotations

import asyncio
import html
import os
from pathlib import Path
from typing import Any

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.responses import HTMLResponse

from gateway.demo_bots import bot_api

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark }
li { border: 1px solid #8888; border-radius: 8px; padding: .6rem 1rem; margin: .6rem 0; list-style: none }
ol { padding: 0 } small { opacity: .7 } p { margin: .2rem 0; overflow-wrap: anywhere }
"""


class Published:
    """What was published, in order; one line of JSON each in ``file``. A key that was seen before adds nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.rows: list[dict[str, Any]] = []
        if file.exists():
            self.rows = [orjson.loads(line) for line in file.read_bytes().splitlines()]
        self._keys = {row["key"] for row in self.rows}

    def add(self, key: str, body: dict[str, Any]) -> None:
        """Publish, durably."""
        if key in self._keys:
            return
        row = {"key": key, "body": body}
        with self._file.open("ab") as file:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        self._keys.add(key)
        self.rows.append(row)


def create_demo_upstream(file: Path) -> FastAPI:
    """The chat app. It honours ``Idempotency-Key``, so a forward may be repeated."""
    app = FastAPI(title="Demo chat app")
    published = Published(file)
    writing = asyncio.Lock()

    @app.post("/publish")
    async def publish(request: Request) -> Response:
        """Publish one message."""
        key = request.headers["idempotency-key"]
        body = orjson.loads(await request.body())
        async with writing:
            await asyncio.to_thread(published.add, key, body)
        return Response(orjson.dumps({"published": key}), 201, media_type="application/json")

    async def publish_numbered(body: dict[str, Any]) -> int:
        async with writing:
            number = len(published.rows) + 1
            await asyncio.to_thread(published.add, f"bot-{number}", body)
        return number

    app.include_router(bot_api(publish_numbered))

    @app.get("/published")
    async def rows() -> Response:
        """Everything published, oldest first, as JSON."""
        return Response(orjson.dumps(published.rows), media_type="application/json")

    @app.get("/")
    async def page() -> HTMLResponse:
        """Everything published, newest first, for people."""
        items = "\n".join(_item(row["body"]) for row in reversed(published.rows)) or "<li>Nothing yet.</li>"
        return HTMLResponse(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Demo chat app</title><style>{_STYLE}</style><h1>What was really published</h1>"
            f"<p>{_count(len(published.rows))}, newest first.</p><ol>{items}</ol></html>",
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    return app


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


def _item(body: dict[str, Any]) -> str:
    title, text, account = (html.escape(str(body.get(name) or "")) for name in ("title", "text", "account_id"))
    return f"<li><small>{account}</small><p><strong>{title}</strong></p><p>{text}</p></li>"
