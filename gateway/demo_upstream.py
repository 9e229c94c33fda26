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
    """What was published, in order; one line of JSON each in ``file``, and one for each time that something was taken
    down or put back. A key that was seen before adds nothing."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self._rows: dict[str, dict[str, Any]] = {}
        if file.exists():
            for line in file.read_bytes().splitlines():
                self._apply(orjson.loads(line))

    @property
    def rows(self) -> list[dict[str, Any]]:
        """Key, body and whether it was taken down, oldest first."""
        return list(self._rows.values())

    def add(self, key: str, body: dict[str, Any]) -> None:
        """Publish, durably."""
        if key not in self._rows:
            self._write({"key": key, "body": body})

    def show(self, key: str, *, shown: bool) -> bool:
        """Take something down, or put it back, durably; False if there is no such thing."""
        row = self._rows.get(key)
        if row is not None and row["taken_down"] is shown:
            self._write({"key": key, "taken_down": not shown})
        return row is not None

    def _write(self, line: dict[str, Any]) -> None:
        with self._file.open("ab") as file:
            file.write(orjson.dumps(line, option=orjson.OPT_APPEND_NEWLINE))
            file.flush()
            os.fsync(file.fileno())
        self._apply(line)

    def _apply(self, line: dict[str, Any]) -> None:
        if "body" in line:
            self._rows[line["key"]] = {"taken_down": False, **line}
        else:
            self._rows[line["key"]]["taken_down"] = line["taken_down"]


def create_demo_upstream(file: Path) -> FastAPI:
    """The chat app. It honours ``Idempotency-Key``, so a forward may be repeated, and takes down what it is told to."""
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

    async def show(key: str, shown: bool) -> bool:
        async with writing:
            return await asyncio.to_thread(published.show, key, shown=shown)

    @app.post("/takedowns")
    async def take_down(request: Request) -> Response:
        """Take one message down, or put it back; asked for again it stays as it is."""
        body = orjson.loads(await request.body())
        key, action = body["message_id"], body["action"]
        if action not in ("take_down", "restore"):
            return Response(b'{"error": "no such action"}', 400, media_type="application/json")
        known = await show(key, action == "restore")
        return Response(orjson.dumps({action: key}), 200 if known else 410, media_type="application/json")

    async def publish_numbered(body: dict[str, Any]) -> int:
        async with writing:
            number = len(published.rows) + 1
            await asyncio.to_thread(published.add, f"bot-{number}", body)
        return number

    async def delete_numbered(number: int) -> bool:
        return await show(f"bot-{number}", False)

    app.include_router(bot_api(publish_numbered, delete_numbered))

    @app.get("/published")
    async def rows() -> Response:
        """Everything published, oldest first, as JSON; ``taken_down`` says what readers do not see any more."""
        return Response(orjson.dumps(published.rows), media_type="application/json")

    @app.get("/")
    async def page() -> HTMLResponse:
        """Everything that readers see, newest first."""
        shown = [row["body"] for row in reversed(published.rows) if not row["taken_down"]]
        items = "\n".join([_item(body) for body in shown]) or "<li>Nothing yet.</li>"
        return HTMLResponse(
            f'<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">'
            f"<title>Demo chat app</title><style>{_STYLE}</style><h1>What was really published</h1>"
            f"<p>{_count(len(shown))}, newest first.</p><ol>{items}</ol></html>",
            headers={"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"},
        )

    return app


def _count(number: int) -> str:
    return "1 message" if number == 1 else f"{number} messages"


def _item(body: dict[str, Any]) -> str:
    title, text, account = (html.escape(str(body.get(name) or "")) for name in ("title", "text", "account_id"))
    media = "<p>(with a picture)</p>" if body.get("media") else ""
    return f"<li><small>{account}</small><p><strong>{title}</strong></p><p>{text}</p>{media}</li>"
