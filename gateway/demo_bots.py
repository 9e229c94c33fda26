"""The demo chat app's bot API, in the form of Telegram's: what an unmodified bot SDK talks to through the gateway."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response

from gateway.platforms.multiparts import File, boundary, read_parts

BOT_ID = 4001
TOKEN = f"{BOT_ID}:demo"

Publish = Callable[[dict[str, Any]], Awaitable[int]]
"""Publishes a body and returns its number."""


Delete = Callable[[int], Awaitable[bool]]
"""Takes what has this number away; False if there is none."""


def bot_api(publish: Publish, delete: Delete) -> APIRouter:
    """``getMe``, ``sendMessage``, ``sendPhoto`` and ``deleteMessage`` for the one bot there is."""
    router = APIRouter()

    @router.api_route("/bot{token}/{method}", methods=["GET", "POST"])
    async def call(token: str, method: str, request: Request) -> Response:
        """Call a method."""
        if token != TOKEN:
            return _answer(401, {"ok": False, "error_code": 401, "description": "Unauthorized"})
        match method.lower():
            case "getme":
                return _answer(200, {"ok": True, "result": {"id": BOT_ID, "is_bot": True, "first_name": "Demo bot"}})
            case "sendmessage":
                given = await _parameters(request)
                return await _sent(publish, given, {"text": str(given.get("text", ""))}, {})
            case "sendphoto":
                given = await _parameters(request)
                photo, caption = given.get("photo", ""), str(given.get("caption", ""))
                media = [{"sha256": photo.sha256} if isinstance(photo, File) else {"url": photo}]
                sizes = [{"file_id": "demo", "file_unique_id": "demo", "width": 0, "height": 0}]
                return await _sent(publish, given, {"caption": caption, "photo": sizes}, {"media": media})
            case "deletemessage":
                number_given = str((await _parameters(request)).get("message_id", ""))
                if number_given.isdecimal() and await delete(int(number_given)):
                    return _answer(200, {"ok": True, "result": True})
                gone = "Bad Request: message to delete not found"
                return _answer(400, {"ok": False, "error_code": 400, "description": gone})
        return _answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})

    return router


async def _sent(publish: Publish, given: dict[str, Any], said: dict[str, Any], beside: dict[str, Any]) -> Response:
    text = said.get("text", said.get("caption"))
    number = await publish({"account_id": f"bot {BOT_ID}", "text": text, **beside})
    chat = {"id": given.get("chat_id"), "type": "channel", "title": "Demo"}
    return _answer(200, {"ok": True, "result": {"message_id": number, "date": int(time.time()), "chat": chat, **said}})


async def _parameters(request: Request) -> dict[str, Any]:
    body, content_type = await request.body(), request.headers.get("content-type", "")
    if content_type.startswith("application/json"):
        return {**request.query_params, **orjson.loads(body)}
    if content_type.startswith("multipart/form-data"):
        parts = read_parts(body, boundary(content_type))
        return {**request.query_params, **parts.fields, **{file.name: file for file in parts.files}}
    return {**request.query_params, **dict(parse_qsl(body.decode()))}


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
