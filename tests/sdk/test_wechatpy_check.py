"""wechatpy's text check, with ``wxa.API_BASE_URL`` set to the gateway: for apps that ask before they send.

The access token is the application key.
"""

from __future__ import annotations

from typing import Any

import pytest
from wechatpy import WeChatClient
from wechatpy.exceptions import WeChatClientException

from tests.e2e.support import TEXTS
from tests.sdk.gateway import APP_KEY, GatewayProcess

RISKY = 87014


@pytest.fixture
def client(gateway: GatewayProcess) -> Any:
    client = WeChatClient("app", "secret", access_token=APP_KEY)
    client.wxa.API_BASE_URL = f"{gateway.url}/"
    return client


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_text_is_ok(client: Any, text: str) -> None:
    assert client.wxa.check_text_security(text)["errcode"] == 0


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
def test_what_is_not_allowed_raises_the_ordinary_error(client: Any, text: str) -> None:
    with pytest.raises(WeChatClientException) as raised:
        client.wxa.check_text_security(text)
    assert raised.value.errcode == RISKY


@pytest.mark.parametrize(("outcome", "suggestion"), [("allow", "pass"), ("hold", "review"), ("block", "risky")])
def test_version_2_makes_a_suggestion(gateway: GatewayProcess, client: Any, outcome: str, suggestion: str) -> None:
    for text in TEXTS[outcome]:
        question = {"version": 2, "scene": 2, "openid": "reader", "content": text}
        answer = client.post(f"{gateway.url}/wxa/msg_sec_check", data=question)
        assert answer["result"]["suggest"] == suggestion
