"""The demo chat app's bot API, in the form of Telegram's: what an unmodified bot SDK talks to through the gateway."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qsl

import orjson
from fastapi import APIRouter, Request, Response

BOT_ID = 4001
TOKEN = f"{BOT_ID}:demo"

Publish = Callable[[dict[str, Any]], Awaitable[int]]
"""Publishes a body and returns its number."""


Delete = Callable[[int], Awaitable[bool]]
"""Takes what has this number away; False if there is none."""


def bot_api(publish: Publish, delete: Delete) -> APIRouter:
    """``getMe``, ``sendMessage`` and ``deleteMessage`` for the one bot there is."""
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
                text = str(given.get("text", ""))
                number = await publish({"account_id": f"bot {BOT_ID}", "text": text})
                chat = {"id": given.get("chat_id"), "type": "channel", "title": "Demo"}
                sent = {"message_id": number, "date": int(time.time()), "chat": chat, "text": text}
                return _answer(200, {"ok": True, "result": sent})
            case "deletemessage":
                number_given = str((await _parameters(request)).get("message_id", ""))
                if number_given.isdecimal() and await delete(int(number_given)):
                    return _answer(200, {"ok": True, "result": True})
                gone = "Bad Request: message to delete not found"
                return _answer(400, {"ok": False, "error_code": 400, "description": gone})
        return _answer(404, {"ok": False, "error_code": 404, "description": "Not Found"})

    return router


async def _parameters(request: Request) -> dict[str, Any]:
    body = await request.body()
    if request.headers.get("content-type", "").startswith("application/json"):
        return {**request.query_params, **orjson.loads(body)}
    return {**request.query_params, **dict(parse_qsl(body.decode()))}


def _answer(status: int, body: dict[str, Any]) -> Response:
    return Response(orjson.dumps(body), status, media_type="application/json")
