"""The QQ bot API: channels, groups and users."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from tests.sdk.upstreams.server import Platform, Received, Reply

_CHANNEL = re.compile(r"/channels/(\d+)/messages")
_OPEN = re.compile(r"/v2/(?:groups|users)/\w+/messages")


class QQ(Platform):
    """Knows the own user, and messages to a channel, a group and a user."""

    GOOD = ("qq-good", "8000000000000000001")
    RESTRICTED = ("qq-restricted", "8000000000000000002")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)

    def publishes(self, request: Received) -> bool:
        return request.method == "POST" and bool(_CHANNEL.fullmatch(request.path) or _OPEN.fullmatch(request.path))

    def answer(self, request: Received) -> Reply:
        account = self.accounts.get(request.header("authorization").removeprefix("QQBot "))
        if account is None:
            return Reply({"code": 11_244, "message": "token not exist or expire"}, 401)
        if request.path == "/users/@me":
            return Reply({"id": account, "username": "news", "avatar": "", "bot": True})
        number, moment = f"ROBOT1.0_{next(self._ids)}", "2026-01-01T09:00:00+08:00"
        if (found := _CHANNEL.fullmatch(request.path)) is not None:
            author: dict[str, Any] = {"id": account, "username": "news", "bot": True}
            where = {"channel_id": found[1], "guild_id": "1", "author": author}
            return Reply({"id": number, **where, "content": request.json().get("content"), "timestamp": moment})
        if _OPEN.fullmatch(request.path):
            return Reply({"id": number, "timestamp": moment})
        return Reply({"code": 11_261, "message": "url not found"}, 404)
