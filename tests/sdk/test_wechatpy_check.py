"""wechatpy's text check, with its addresses set to the gateway's own: for apps that ask before they publish.

The appid is an account, and the secret the application key.
"""

from __future__ import annotations

import pytest
from wechatpy.exceptions import WeChatClientException

from tests.e2e.support import TEXTS
from tests.sdk.gateway import APP_KEY, GatewayProcess
from tests.sdk.upstreams.wechat import WeChat
from tests.sdk.wechat import Client

RISKY, INVALID_APPID = 87014, 40013


@pytest.fixture
def client(gateway: GatewayProcess) -> Client:
    return Client(gateway.url, WeChat.GOOD[1], APP_KEY)


@pytest.mark.parametrize("text", TEXTS["allow"])
def test_an_allowed_text_is_ok(client: Client, text: str) -> None:
    assert client.wxa.check_text_security(text)["errcode"] == 0


@pytest.mark.parametrize("text", [*TEXTS["block"], *TEXTS["hold"]])
def test_what_is_not_allowed_raises_the_ordinary_error(client: Client, text: str) -> None:
    with pytest.raises(WeChatClientException) as raised:
        client.wxa.check_text_security(text)
    assert raised.value.errcode == RISKY


def test_a_restricted_account_gets_the_ordinary_error(gateway: GatewayProcess) -> None:
    with pytest.raises(WeChatClientException) as raised:
        Client(gateway.url, WeChat.RESTRICTED[1], APP_KEY).wxa.check_text_security(TEXTS["allow"][0])
    assert raised.value.errcode == RISKY


@pytest.mark.parametrize(("outcome", "suggestion"), [("allow", "pass"), ("hold", "review"), ("block", "risky")])
def test_version_2_makes_a_suggestion(gateway: GatewayProcess, client: Client, outcome: str, suggestion: str) -> None:
    for text in TEXTS[outcome]:
        question = {"version": 2, "scene": 2, "openid": "reader", "content": text}
        answer = client.post(f"{gateway.url}/wxa/msg_sec_check", data=question)
        assert answer["result"]["suggest"] == suggestion


def test_an_account_that_is_not_the_app_s_gets_the_ordinary_error(gateway: GatewayProcess) -> None:
    with pytest.raises(WeChatClientException) as raised:
        Client(gateway.url, "wxnobody", APP_KEY).wxa.check_text_security(TEXTS["allow"][0])
    assert raised.value.errcode == INVALID_APPID
