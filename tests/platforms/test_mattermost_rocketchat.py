"""The Mattermost and Rocket.Chat maps."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, JSON, MULTIPART, Row, call, check, multipart, passes, read, recognised

MATTERMOST, ROCKETCHAT = load_shipped("mattermost"), load_shipped("rocketchat")
BEARER = (("authorization", "Bearer tok"),)
TOKENS = (("x-auth-token", "tok"), ("x-user-id", "u1"))
PNG = b"\x89PNG"
FILE = Media("image/png", sha256=hashlib.sha256(PNG).hexdigest())


def mm(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row of Mattermost."""
    return Row(method, path, body, route, texts, **{"credential": "tok", "headers": BEARER, **more})  # type: ignore[arg-type]


def rc(path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A POST of Rocket.Chat."""
    return Row("POST", path, body, route, texts, **{"credential": "u1 tok", "headers": TOKENS, **more})  # type: ignore[arg-type]


def ddp(method: str, *params: object) -> dict[str, str]:
    """A call of the real-time API over REST."""
    return {"message": json.dumps({"msg": "method", "id": "1", "method": method, "params": params})}


POST = {"channel_id": "c1", "message": "hi"}
HOOK = {"headers": (), "credential": "webhook h1"}
MATTERMOST_ROWS = [
    mm("POST", "/api/v4/posts", POST, "post", "hi", target="c1"),
    mm("POST", "/api/v4/posts", {**POST, "pending_post_id": "p1"}, "post", "hi", target="c1", repeatable=True),
    mm("POST", "/api/v4/posts", POST, "post", "hi", target="c1", headers=(("authorization", "token tok"),)),
    mm("POST", "/api/v4/posts", POST, "post", "hi", target="c1", content_type="text/plain"),
    mm("POST", "/api/v4/posts", {"channel_id": "c1", "Message": "hi"}, "post", "hi", target="c1"),
    mm(
        "POST",
        "/api/v4/posts",
        {**POST, "file_ids": ["f1"], "props": {"attachments": [{"text": "at", "fields": [{"value": 3}]}]}},
        "post",
        "hi",
        "at",
        "3",
        target="c1",
        media=(Media("application/octet-stream", "mattermost:f1"),),
    ),
    mm("POST", "/api/v4/posts/ephemeral", {"user_id": "u1", "post": POST}, "ephemeral", "hi", target="c1"),
    mm(
        "POST",
        "/api/v4/posts/ephemeral",
        {"user_id": "u1", "pending_post_id": "p1", "post": {**POST, "pending_post_id": "p1"}},
        "ephemeral",
        "hi",
        target="c1",
    ),
    mm("POST", "/api/v4/posts", {"Channel_ID": "c1", "MESSAGE": "k**i**ll"}, "post", "k**i**ll", "kill", target="c1"),
    mm(
        "POST",
        "/api/v4/posts",
        {**POST, "Pending_Post_ID": "p1", "Props": {"Attachments": [{"Fields": [{"Value": "k*i*ll"}]}]}},
        "post",
        "hi",
        "k*i*ll",
        "kill",
        target="c1",
        repeatable=True,
    ),
    mm("POST", "/api/v4/posts", POST, "post", "hi", target="c1", headers=(("cookie", "a=b; MMAUTHTOKEN=tok"),)),
    mm(
        "POST",
        "/api/v4/channels/c1/bookmarks",
        {"display_name": "come here", "link_url": "https://one.example", "type": "link", "file_id": "f1"},
        "surroundings",
        "come here",
        "https://one.example",
        media=(Media("application/octet-stream", "mattermost:f1"),),
    ),
    mm("PATCH", "/api/v4/channels/c1/bookmarks/b1", {"display_name": "come here"}, "changes", "come here"),
    mm("PATCH", "/api/v4/users/me/custom_profile_attributes", {"a1": "come here"}, "changes", "come here"),
    mm("PATCH", "/api/v4/custom_profile_attributes/values", {"a1": "come here"}, "changes", "come here"),
    mm(
        "POST",
        "/api/v4/hooks/incoming",
        {"display_name": "N", "description": "come here"},
        "surroundings",
        "N",
        "come here",
    ),
    mm("PUT", "/api/v4/hooks/incoming/h1", {"id": "h1", "username": "come here"}, "surroundings", "come here"),
    mm("POST", "/api/v4/actions/dialogs/submit", {"submission": {"a": "come here"}}, "surroundings", "come here"),
    mm(
        "POST",
        "/api/v4/users",
        {"username": "u", "nickname": "come here", "password": "p"},
        "surroundings",
        "u",
        "come here",
    ),
    mm("POST", "/plugins/any/api/v1/post", {"anything": "k**i**ll"}, "plugin", "k**i**ll", "kill"),
    mm("POST", "/plugins/any/x", {"anything": "come here"}, "plugin", "come here", content_type=FORM),
    mm("PUT", "/api/v4/posts/p1", {"id": "p1", "message": "new"}, "post", "new"),
    mm("PUT", "/api/v4/posts/p1/patch", {"message": "new"}, "post", "new"),
    mm(
        "POST",
        "/api/v4/commands/execute",
        {"channel_id": "c1", "command": "/echo hi"},
        "command",
        "/echo hi",
        target="c1",
    ),
    mm("POST", "/hooks/h1", {"text": "hi", "username": "Me"}, "webhook", "hi", "Me", **HOOK),
    mm("POST", "/hooks/h1", {"text": "hi"}, "webhook", "hi", content_type=None, **HOOK),
    mm(
        "POST",
        "/hooks/h1",
        {"payload": '{"text":"h\\u0069"}'},
        "webhook",
        "hi",
        content_type=FORM,
        **HOOK,
    ),
    mm("PUT", "/api/v4/channels/c1/patch", {"header": "k**i**ll"}, "surroundings", "k**i**ll", "kill"),
    mm("POST", "/api/v4/posts", {"props": {"attachments": [{"pretext": "k_i_ll"}]}}, "post", "k_i_ll", "kill"),
    mm("PUT", "/api/v4/channels/c1/patch", {"header": "H", "purpose": "P"}, "surroundings", "H", "P"),
    mm("PUT", "/api/v4/users/me/status/custom", {"emoji": "tea", "text": "away"}, "surroundings", "tea", "away"),
]
ROCKETCHAT_ROWS = [
    rc(
        "/api/v1/chat.postMessage",
        {"roomId": "r1", "text": "hi", "attachments": [{"title": "T"}]},
        "message",
        "hi",
        "T",
        target="r1",
    ),
    rc("/api/v1/chat.postMessage", {"channel": "#general", "text": "hi"}, "message", "hi", content_type=FORM),
    rc(
        "/api/v1/chat.sendMessage",
        {"message": {"rid": "r1", "msg": "hi", "_id": "k1"}},
        "message",
        "hi",
        repeatable=True,
    ),
    rc(
        "/api/v1/chat.sendMessage",
        {"message": {"rid": "r1", "msg": "xx", "t": "e2e"}},
        "message",
        "xx",
        "e2e",
        doubts=("encrypted",),
    ),
    rc("/api/v1/chat.update", {"roomId": "r1", "msgId": "m1", "text": "new"}, "message", "new", target="r1"),
    rc(
        "/api/v1/rooms.upload/r1",
        multipart(("msg", "see"), ("file", "a.png", PNG)),
        "upload",
        "a.png",
        "see",
        target="r1",
        media=(FILE,),
        content_type=MULTIPART,
    ),
    rc(
        "/api/v1/rooms.media/r1",
        multipart(("file", "a.png", PNG)),
        "upload",
        "a.png",
        target="r1",
        media=(FILE,),
        content_type=MULTIPART,
    ),
    rc(
        "/api/v1/rooms.mediaConfirm/r1/f1",
        {"msg": "see", "description": "d"},
        "upload_confirm",
        "see",
        "d",
        target="r1",
        references=("f1",),
    ),
    rc("/api/v1/method.call/getRooms", ddp("sendMessage", {"rid": "r1", "msg": "hi"}), "method", "hi", target="r1"),
    rc(
        "/api/v1/method.callAnon/x",
        ddp("sendMessage", {"rid": "r1", "msg": "hi", "attachments": [{"text": "at"}]}),
        "method",
        "hi",
        "at",
        target="r1",
    ),
    rc("/hooks/h1/key", {"text": "hi", "alias": "Me"}, "webhook", "hi", "Me", credential="webhook h1 key", headers=()),
    rc(
        "/api/v1/livechat/message",
        {"token": "v1", "rid": "r1", "msg": "help"},
        "livechat",
        "help",
        target="r1",
        credential="webhook v1",
        headers=(),
    ),
    rc(
        "/api/v1/users.create",
        {"name": "come here", "username": "u", "password": "p"},
        "surroundings",
        "come here",
        "u",
    ),
    rc(
        "/api/v1/integrations.create",
        {"type": "webhook-incoming", "alias": "k**i**ll"},
        "surroundings",
        "k**i**ll",
        "kill",
    ),
    rc(
        "/api/v1/video-conference.start",
        {"roomId": "r1", "title": "come here"},
        "surroundings",
        "come here",
        target="r1",
    ),
    rc(
        "/api/v1/channels.setCustomFields",
        {"roomId": "r1", "customFields": {"a": "come here"}},
        "surroundings",
        "come here",
        target="r1",
    ),
    rc(
        "/api/v1/livechat/visitor",
        {"visitor": {"token": "v1", "name": "come here"}},
        "visitor",
        "come here",
        credential="webhook v1",
        headers=(),
    ),
    rc(
        "/api/v1/chat.postMessage",
        {"roomId": "r1", "attachments": [{"text": "k**i**ll", "thumb_url": "https://one.example/t.png"}]},
        "message",
        "k**i**ll",
        "kill",
        "https://one.example/t.png",
        target="r1",
        media=(Media("image/png", "https://one.example/t.png"),),
    ),
    rc(
        "/api/v1/method.call/x",
        ddp("sendMessage", {"rid": "r1", "attachments": [{"text": "k**i**ll"}]}),
        "method",
        "k**i**ll",
        "kill",
        target="r1",
    ),
    rc("/api/v1/channels.setTopic", {"topic": "k**i**ll"}, "surroundings", "k**i**ll", "kill"),
    rc("/api/v1/channels.setTopic", {"roomId": "r1", "topic": "tea"}, "surroundings", "tea", target="r1"),
    rc(
        "/api/v1/commands.run",
        {"command": "me", "params": "waves", "roomId": "r1"},
        "surroundings",
        "me",
        "waves",
        target="r1",
    ),
]


@pytest.mark.parametrize("row", MATTERMOST_ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read_on_mattermost(row: Row) -> None:
    check(MATTERMOST, row)


@pytest.mark.parametrize("row", ROCKETCHAT_ROWS, ids=lambda row: row.url)
def test_what_is_read_on_rocketchat(row: Row) -> None:
    check(ROCKETCHAT, row)


@pytest.mark.parametrize(
    "path",
    [
        "/api/v4/users/login",
        "/api/v4/posts/search",
        "/api/v4/channels/direct",
        "/api/v4/posts/p1/pin",
    ],
)
def test_what_passes_on_mattermost(path: str) -> None:
    assert passes(MATTERMOST, "POST", path)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/logout", "/api/v1/chat.delete", "/api/v1/im.create", "/api/v1/subscriptions.read"],
)
def test_what_passes_on_rocketchat(path: str) -> None:
    assert passes(ROCKETCHAT, "POST", path)


def test_a_cookie_of_another_account_is_not_overlooked() -> None:
    request = call("POST", "/api/v4/posts", body=POST, headers=(*BEARER, ("cookie", "MMAUTHTOKEN=other")))
    with pytest.raises(BadRequest):
        mapping.credential(MATTERMOST, request, recognised(MATTERMOST, request))


def test_one_key_in_two_cases_is_given_twice() -> None:
    with pytest.raises(BadRequest):
        read(MATTERMOST, call("POST", "/api/v4/posts", body={"message": "a", "Message": "b"}))


def test_where_websockets_may_be_opened() -> None:
    assert mapping.websocket_passes(MATTERMOST, b"/api/v4/websocket")
    assert not mapping.websocket_passes(MATTERMOST, b"/other")
    assert not mapping.websocket_passes(ROCKETCHAT, b"/websocket")
    with pytest.raises(Ambiguous):
        mapping.recognise(ROCKETCHAT, "POST", b"/sockjs/123/abc/xhr_send", b"", ())


def test_a_login_tells_whose_a_token_is() -> None:
    request = call("POST", "/api/v1/login", body={"user": "bot", "password": "p"})
    answer = b'{"status": "success", "data": {"authToken": "tok", "userId": "u1"}}'
    match = recognised(ROCKETCHAT, request)
    assert mapping.learned(ROCKETCHAT, match, request, 200, JSON, answer) == ("u1\x1ftok", "u1", None)
    ask = mapping.whoami_request(ROCKETCHAT, "u1\x1ftok")
    assert ask is not None
    assert ask.headers == ((b"x-user-id", b"u1"), (b"x-auth-token", b"tok"))
