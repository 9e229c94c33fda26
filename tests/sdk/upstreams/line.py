"""The LINE Messaging API."""

from __future__ import annotations

from itertools import count

from tests.sdk.upstreams.server import Platform, Received, Reply

_REQUEST_ID = {"X-Line-Request-Id": "123e4567-e89b-12d3-a456-426655440001"}


class Line(Platform):
    """Knows bot info, push and broadcast."""

    GOOD = ("line-good", "U0000000000000000000000000000good")
    RESTRICTED = ("line-restricted", "U000000000000000000000restricted")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(461_230_966_842_064_897)

    def publishes(self, request: Received) -> bool:
        return request.method == "POST" and request.path.startswith("/v2/bot/message/")

    def answer(self, request: Received) -> Reply:
        account = self.accounts.get(request.header("authorization").removeprefix("Bearer "))
        if account is None:
            message = "Authentication failed. Confirm that the access token in the authorization header is valid."
            return Reply({"message": message}, 401, headers=_REQUEST_ID)
        match request.path:
            case "/v2/bot/info":
                info = {"userId": account, "basicId": "@216ru", "displayName": "News"}
                return Reply({**info, "chatMode": "chat", "markAsReadMode": "manual"}, headers=_REQUEST_ID)
            case "/v2/bot/message/push":
                sent = [{"id": str(next(self._ids)), "quoteToken": "IStG5h1Tz7b"} for _ in request.json()["messages"]]
                return Reply({"sentMessages": sent}, headers=_REQUEST_ID)
            case "/v2/bot/message/broadcast":
                return Reply({}, headers=_REQUEST_ID)
        return Reply({"message": "Not found"}, 404, headers=_REQUEST_ID)
