"""wechatpy's client with every address set, that of its access token too: the SDK has no parameter for them."""

from __future__ import annotations

from typing import Any

from wechatpy import WeChatClient


class Client(WeChatClient):  # type: ignore[misc]
    """A client whose every address is ``url``."""

    def __init__(self, url: str, appid: str, secret: str) -> None:
        super().__init__(appid, secret)
        self.API_BASE_URL = f"{url}/cgi-bin/"
        self.wxa.API_BASE_URL = f"{url}/"

    def fetch_access_token(self) -> Any:
        """See `WeChatClient`, which has the address in its code."""
        params = {"grant_type": "client_credential", "appid": self.appid, "secret": self.secret}
        return self._fetch_access_token(f"{self.API_BASE_URL}token", params)
