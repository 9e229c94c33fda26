"""The Discord HTTP API, version 10."""

from __future__ import annotations

import re
from itertools import count
from typing import Any

from tests.sdk.upstreams.server import Platform, Received, Reply

_MESSAGES = re.compile(r"/api/v10/channels/(\d+)/messages(?:/(\d+))?")
_PAYLOAD = re.compile(rb'name="payload_json"(?:\r\n[^\r]+)*\r\n\r\n(.*?)\r\n--', re.DOTALL)


class Discord(Platform):
    """Knows the own user, a channel, and creating and editing messages (JSON and multipart)."""

    GOOD = ("discord-good", "900000000000000001")
    RESTRICTED = ("discord-restricted", "900000000000000002")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1_100_000_000_000_000_000)

    def publishes(self, request: Received) -> bool:
        return request.method in ("POST", "PATCH") and bool(_MESSAGES.fullmatch(request.path))

    def answer(self, request: Received) -> Reply:
        account = self.accounts.get(request.header("authorization").removeprefix("Bot "))
        if account is None:
            return Reply({"message": "401: Unauthorized", "code": 0}, 401)
        if request.path == "/api/v10/users/@me":
            return Reply(_user(account))
        if request.path == "/api/v10/oauth2/applications/@me":
            about = {"icon": None, "description": "", "verify_key": "", "team": None, "owner": _user("41")}
            return Reply({"id": account, "name": "News", "bot_public": True, "bot_require_code_grant": False, **about})
        if (found := _MESSAGES.fullmatch(request.path)) is not None:
            return Reply(self._message(account, found[1], found[2] or str(next(self._ids)), _content(request)))
        if (channel := re.fullmatch(r"/api/v10/channels/(\d+)", request.path)) is not None:
            return Reply({"id": channel[1], "type": 1, "last_message_id": None, "recipients": [_user("42")]})
        return Reply({"message": "404: Not Found", "code": 0}, 404)

    def _message(self, account: str, channel: str, number: str, content: str) -> dict[str, Any]:
        empty: dict[str, Any] = {"mentions": [], "mention_roles": [], "attachments": [], "embeds": [], "components": []}
        return {
            "id": number,
            "channel_id": channel,
            "author": _user(account),
            "content": content,
            "timestamp": "2026-01-01T09:00:00.000000+00:00",
            "edited_timestamp": None,
            "tts": False,
            "mention_everyone": False,
            "pinned": False,
            "type": 0,
            "flags": 0,
            **empty,
        }


def _user(number: str) -> dict[str, Any]:
    return {"id": number, "username": "news", "discriminator": "0", "global_name": "News", "avatar": None, "bot": True}


def _content(request: Received) -> str:
    if request.header("content-type").startswith("multipart/"):
        found = _PAYLOAD.search(request.body)
        request = Received("POST", "", (), found[1] if found else b"{}")
    return str(request.json().get("content", ""))
