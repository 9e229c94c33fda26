"""The LINE and Zulip maps."""

from __future__ import annotations

import base64

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import BadRequest
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, Row, call, check, passes, recognised

LINE, ZULIP = load_shipped("line"), load_shipped("zulip")
RETRY = (("authorization", "Bearer tok"), ("x-line-retry-key", "k1"))
BASIC = (("authorization", "Basic " + base64.b64encode(b"bot@one.example:key").decode()),)
FLEX = {
    "type": "bubble",
    "body": {
        "type": "box",
        "contents": [{"type": "box", "contents": [{"type": "image", "url": "https://one.example/deep.png"}]}],
    },
}


def line(path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A POST with a retry key."""
    given = {"credential": "tok", "headers": RETRY, "repeatable": True, **more}
    return Row("POST", path, body, route, texts, **given)  # type: ignore[arg-type]


def zulip(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A form with Basic authentication."""
    given = {"credential": "bot@one.example:key", "headers": BASIC, "content_type": FORM, **more}
    return Row(method, path, body, route, texts, **given)  # type: ignore[arg-type]


LINE_ROWS = [
    line(
        "/v2/bot/message/push", {"to": "U1", "messages": [{"type": "text", "text": "hi"}]}, "message", "hi", target="U1"
    ),
    line(
        "/v2/bot/message/push",
        {"to": "U1", "messages": [{"type": "text", "text": "hi"}]},
        "message",
        "hi",
        target="U1",
        headers=RETRY[:1],
        repeatable=False,
    ),
    line(
        "/v2/bot/message/reply",
        {"replyToken": "r1", "messages": [{"type": "sticker", "packageId": "1", "stickerId": "2"}]},
        "message",
    ),
    line(
        "/v2/bot/message/multicast",
        {"to": ["U1", "U2"], "messages": [{"type": "text", "text": "hi"}]},
        "message",
        "hi",
        target="U1,U2",
    ),
    line(
        "/v2/bot/message/broadcast",
        {"messages": [{"type": "flex", "altText": "alt", "contents": {"body": {"contents": [{"text": "deep"}]}}}]},
        "message",
        "alt",
        "deep",
    ),
    line(
        "/v2/bot/message/narrowcast",
        {
            "messages": [
                {
                    "type": "image",
                    "originalContentUrl": "https://one.example/a",
                    "previewImageUrl": "https://one.example/b",
                }
            ]
        },
        "message",
        "https://one.example/a",
        "https://one.example/b",
        media=(
            Media("application/octet-stream", "https://one.example/a"),
            Media("image/jpeg", "https://one.example/b"),
        ),
    ),
    line(
        "/v2/bot/message/push",
        {"messages": [{"type": "flex", "contents": {"type": "carousel", "contents": [FLEX]}}]},
        "message",
        "https://one.example/deep.png",
        media=(Media("image/jpeg", "https://one.example/deep.png"),),
    ),
    line(
        "/v2/bot/message/push",
        {"messages": [{"type": "template", "template": {"columns": [{"imageUrl": "https://one.example/c.png"}]}}]},
        "message",
        "https://one.example/c.png",
        media=(Media("image/jpeg", "https://one.example/c.png"),),
    ),
    line(
        "/v2/bot/message/push",
        {
            "messages": [
                {"type": "text", "text": "hi", "sender": {"name": "Me", "iconUrl": "https://one.example/i.png"}}
            ]
        },
        "message",
        "hi",
        "Me",
        "https://one.example/i.png",
        media=(Media("image/png", "https://one.example/i.png"),),
    ),
    line(
        "/v2/bot/message/push",
        {"messages": [{"type": "imagemap", "video": {"originalContentUrl": "https://one.example/v.mp4"}}]},
        "message",
        "https://one.example/v.mp4",
        media=(Media("video/mp4", "https://one.example/v.mp4"),),
    ),
    line(
        "/v2/bot/message/pnp/templated/push",
        {"to": "hash", "body": {"a": "come here"}},
        "partner",
        "come here",
        target="hash",
    ),
    line("/bot/pnp/flexible/push", {"to": "hash", "messages": [{"text": "hi"}]}, "partner", "hi", target="hash"),
    line(
        "/message/v3/notifier/send?target=service",
        {
            "templateName": "t_en",
            "params": {"btn1_url": "https://one.example", "name": "come here"},
            "notificationToken": "n",
        },
        "notifier",
        "https://one.example",
        "come here",
        repeatable=False,
    ),
    line("/bot/pnp/push", {"to": "hash", "messages": [{"text": "hi"}]}, "partner", "hi", target="hash"),
    line("/v2/bot/richmenu", {"name": "n", "chatBarText": "tap"}, "menu", "n", "tap", repeatable=False),
]
ZULIP_ROWS = [
    zulip(
        "POST",
        "/api/v1/messages",
        {"type": "stream", "to": "general", "topic": "tea", "content": "k**i**ll"},
        "message",
        "tea",
        "k**i**ll",
        "kill",
        target="general",
    ),
    zulip("POST", "/json/messages", {"type": "direct", "to": "[9]", "content": "hi"}, "message", "hi", target="[9],9"),
    zulip("POST", "/api/v1/scheduled_messages", {"to": "9", "content": "later"}, "message", "later", target="9"),
    zulip("PATCH", "/api/v1/messages/7", {"content": "new", "topic": "t"}, "edit", "t", "new", target="7"),
    zulip("POST", "/api/v1/messages/7", {"method": "PATCH", "content": "new"}, "edit", "new", "PATCH", target="7"),
    zulip(
        "POST",
        "/api/v1/submessage",
        {"message_id": "7", "msg_type": "widget", "content": '{"type":"new_option","option":"x y"}'},
        "submessage",
        "x y",
        target="7",
    ),
    Row(
        "POST",
        "/api/v1/external/github?api_key=k&stream=s",
        {"commits": [{"message": "fix"}]},
        "webhook",
        ("fix",),
        "s",
        "webhook k",
    ),
    zulip("PATCH", "/api/v1/streams/3", {"description": "d"}, "surroundings", "d"),
    zulip("PATCH", "/api/v1/channel_folders/3", {"description": "come here"}, "surroundings", "come here"),
    zulip("POST", "/api/v1/users", {"full_name": "come here", "password": "p"}, "surroundings", "come here"),
    zulip("PATCH", "/api/v1/users/9", {"full_name": "come here"}, "surroundings", "come here"),
    zulip("PATCH", "/api/v1/realm", {"description": "k**i**ll"}, "surroundings", "k**i**ll", "kill"),
    zulip("POST", "/api/v1/reminders", {"note": "come here"}, "surroundings", "come here"),
    zulip(
        "POST",
        "/json/users/me/subscriptions",
        {"subscriptions": '[{"name":"x","description":"come here"}]'},
        "surroundings",
        '[{"name":"x","description":"come here"}]',
        "x",
        "come here",
    ),
    zulip(
        "POST",
        "/json/messages",
        {"type": "stream", "to": "general", "content": "come here"},
        "message",
        "come here",
        target="general",
        headers=(("cookie", "a=b; sessionid=s1"),),
        credential="s1",
    ),
    zulip("POST", "/api/v1/users/me/status", {"status_text": "away"}, "surroundings", "away"),
]


def test_a_cookie_of_another_account_is_not_overlooked() -> None:
    request = call(
        "POST", "/json/messages", body={"to": "9"}, content_type=FORM, headers=(*BASIC, ("cookie", "sessionid=s"))
    )
    with pytest.raises(BadRequest):
        mapping.credential(ZULIP, request, recognised(ZULIP, request))


def test_every_route_is_served_to_browsers_too() -> None:
    for route in ZULIP.routes:
        paths = {template.source for template in route.path}
        for path in paths:
            if path.startswith("/api/v1/") and "external" not in path:
                assert path.replace("/api/v1/", "/json/") in paths


@pytest.mark.parametrize("row", LINE_ROWS, ids=lambda row: row.url)
def test_what_is_read_on_line(row: Row) -> None:
    check(LINE, row)


@pytest.mark.parametrize("row", ZULIP_ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read_on_zulip(row: Row) -> None:
    check(ZULIP, row)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/bot/info"),
        ("POST", "/v2/bot/message/validate/push"),
        ("POST", "/v2/bot/chat/loading/start"),
        ("GET", "/v2/bot/message/quota"),
    ],
)
def test_what_passes_on_line(method: str, path: str) -> None:
    assert passes(LINE, method, path)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/messages"),
        ("POST", "/api/v1/register"),
        ("GET", "/api/v1/events"),
        ("POST", "/api/v1/messages/flags"),
        ("DELETE", "/api/v1/messages/7"),
    ],
)
def test_what_passes_on_zulip(method: str, path: str) -> None:
    assert passes(ZULIP, method, path)


def test_whose_a_credential_is() -> None:
    ask = mapping.whoami_request(ZULIP, "bot@one.example:key")
    assert ask is not None
    assert ask.headers == ((b"authorization", BASIC[0][1].encode()),)
    assert mapping.whoami_account(ZULIP, 200, b'{"result": "success", "user_id": 3}') == "3"
    assert mapping.whoami_account(LINE, 200, b'{"userId": "U9"}') == "U9"
