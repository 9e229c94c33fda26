"""The WeChat Official Account API: always status 200, errors as ``errcode``."""

from __future__ import annotations

from itertools import count

from tests.sdk.upstreams.server import Platform, Received, Reply

_WRITES = ("/cgi-bin/message/custom/send", "/cgi-bin/message/mass/", "/cgi-bin/draft/", "/cgi-bin/freepublish/submit")
_OK = {"errcode": 0, "errmsg": "ok"}
SECRET = "wechat-secret"


class WeChat(Platform):
    """Knows tokens, customer service messages, mass messages, drafts and publishing them."""

    GOOD = ("wechat-token-good", "wxgood0000000001")
    RESTRICTED = ("wechat-token-restricted", "wxrestricted0002")

    def __init__(self) -> None:
        super().__init__()
        self._ids = count(1)

    def publishes(self, request: Received) -> bool:
        return request.path.startswith(_WRITES)

    def answer(self, request: Received) -> Reply:
        if request.path == "/cgi-bin/token":
            return self._token(request)
        if request.query.get("access_token") not in self.accounts:
            return Reply({"errcode": 40_001, "errmsg": "invalid credential, access_token is invalid or not latest"})
        match request.path.removeprefix("/cgi-bin/"):
            case "message/custom/send":
                return Reply(_OK)
            case "message/mass/sendall" | "message/mass/send":
                return Reply({**_OK, "msg_id": 34_182 + next(self._ids), "msg_data_id": 206_227_730})
            case "draft/add":
                return Reply({"media_id": f"media-{next(self._ids)}"})
            case "freepublish/submit":
                return Reply({**_OK, "publish_id": str(100_000_000 + next(self._ids))})
            case "getcallbackip":
                return Reply({"ip_list": ["127.0.0.1"]})
        return Reply({"errcode": 40_066, "errmsg": "invalid url"})

    def _token(self, request: Received) -> Reply:
        for token, appid in self.accounts.items():
            if request.query.get("appid") == appid and request.query.get("secret") == SECRET:
                return Reply({"access_token": token, "expires_in": 7200})
        return Reply({"errcode": 40_013, "errmsg": "invalid appid"})
