"""The Slack Web API: ``/api/<method>`` or ``/<method>``, always status 200, ``{"ok": true, ...}``."""

from __future__ import annotations

from itertools import count
from urllib.parse import parse_qsl

from tests.sdk.upstreams.server import Platform, Received, Reply

_WRITES = ("chat.postMessage", "chat.update", "chat.postEphemeral", "chat.scheduleMessage", "chat.meMessage")


class Slack(Platform):
    """Knows auth.test, chat.postMessage, chat.update and conversations.list."""

    GOOD = ("xoxb-good", "T1:U001")
    RESTRICTED = ("xoxb-restricted", "T1:U002")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)

    def publishes(self, request: Received) -> bool:
        return request.path.rsplit("/", 1)[1] in _WRITES

    def answer(self, request: Received) -> Reply:
        account = self.accounts.get(request.header("authorization").removeprefix("Bearer "))
        if account is None:
            return Reply({"ok": False, "error": "invalid_auth"})
        team, user = account.split(":")
        bot = f"B{user}"
        match request.path.removeprefix("/api").removeprefix("/"):
            case "auth.test":
                who = {"url": "https://news.slack.test/", "team": "News", "team_id": team, "user": "news"}
                return Reply({"ok": True, **who, "user_id": user, "bot_id": bot})
            case "conversations.list":
                channels = [{"id": "C1", "name": "news", "is_channel": True}]
                return Reply({"ok": True, "channels": channels, "response_metadata": {"next_cursor": ""}})
            case "chat.postMessage" | "chat.update" as method:
                fields = _fields(request)
                ts = f"1700000000.{next(self._ids):06}" if method == "chat.postMessage" else fields["ts"]
                message = {"type": "message", "bot_id": bot, "text": fields["text"], "ts": ts}
                return Reply({"ok": True, "channel": fields["channel"], "ts": ts, "message": message})
        return Reply({"ok": False, "error": "unknown_method"})


def _fields(request: Received) -> dict[str, str]:
    if request.header("content-type").startswith("application/json"):
        return dict(request.json())
    return dict(parse_qsl(request.body.decode()))
