"""The Telegram Bot API: ``/bot<token>/<method>``, answers ``{"ok": true, "result": ...}``."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import parse_qsl

from tests.sdk.upstreams.server import Platform, Received, Reply

_WRITES = ("send", "edit", "copyMessage", "forwardMessage")
_CHAT = {"id": -1001, "type": "channel", "title": "News"}


class Telegram(Platform):
    """Knows getMe, sendMessage, editMessageText, sendPhoto and getUpdates."""

    GOOD = ("1001:good-token", "1001")
    RESTRICTED = ("1002:restricted-token", "1002")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)

    def publishes(self, request: Received) -> bool:
        return request.path.rsplit("/", 1)[1].startswith(_WRITES)

    def answer(self, request: Received) -> Reply:
        _, bot, method = request.path.split("/", 2)
        account = self.accounts.get(bot.removeprefix("bot"))
        if account is None:
            return Reply({"ok": False, "error_code": 401, "description": "Unauthorized"}, 401)
        match method:
            case "getMe":
                me = {"id": int(account), "is_bot": True, "first_name": "News", "username": f"bot_{account}"}
                return Reply({"ok": True, "result": me})
            case "getUpdates":
                return Reply({"ok": True, "result": []})
            case "sendMessage" | "editMessageText":
                fields = dict(parse_qsl(request.body.decode()))
                return Reply({"ok": True, "result": self._message(text=fields["text"])})
            case "sendPhoto":
                sizes = [{"file_id": "A1", "file_unique_id": "U1", "width": 1, "height": 1}]
                return Reply({"ok": True, "result": self._message(photo=sizes)})
        return Reply({"ok": False, "error_code": 404, "description": "Not Found"}, 404)

    def _message(self, **content: Any) -> dict[str, Any]:
        return {"message_id": next(self._ids), "date": 1_700_000_000, "chat": _CHAT, **content}
