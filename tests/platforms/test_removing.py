"""Each shipped map's way to remove what was published: what is kept of it, and the request that removes it."""

from __future__ import annotations

import base64
import json
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.records import Verdict
from gateway.platforms import removing
from gateway.platforms.mapping import Call, Handle, NoWay, handle, read_handle
from gateway.platforms.shipped import load_shipped, shipped
from tests.platforms.calls import FORM, call, recognised

BEARER = {"authorization": "Bearer TOKEN"}


class Row(NamedTuple):
    """A publish request, the platform's answer, the way that is kept, and the requests that remove it."""

    platform: str
    request: Call
    answer: Any
    way: str
    removals: tuple[tuple[str, str, Any], ...]
    """Method, target and body (JSON; None for none) of each."""
    headers: dict[str, str] = BEARER


def _post(path: str, body: Any = None, content_type: str = "application/json") -> Call:
    return call("POST", path, "", body if body is not None else {"text": "x"}, content_type)


def _telegram(number: int) -> tuple[str, str, Any]:
    return ("POST", f"/botTOKEN/deleteMessage?chat_id=-100&message_id={number}", None)


SENT = {"message_id": 9, "chat": {"id": -100, "type": "channel"}}
REPLY = {**SENT, "reply_to_message": {"message_id": 3, "chat": {"id": -100}}}
HOOK = "/api/v10/webhooks/1/key"
WX = "access_token=TOKEN"
ROWS = [
    Row(
        "matrix",
        call("PUT", "/_matrix/client/v3/rooms/%21r%3Ax/send/m.room.message/t1", "", {"body": "x"}),
        {"event_id": "$e:x"},
        "redact",
        (("PUT", "/_matrix/client/v3/rooms/%21r%3Ax/redact/%24e%3Ax/m-1", {"reason": "fraud"}),),
    ),
    Row(
        "matrix",
        call("PUT", "/_matrix/client/v3/rooms/!r:x/state/m.room.topic", "", {"topic": "x"}),
        {"event_id": "$s"},
        "redact",
        (("PUT", "/_matrix/client/v3/rooms/%21r%3Ax/redact/%24s/m-1", {"reason": "fraud"}),),
    ),
    Row(
        "telegram",
        _post("/bot1:x/sendMessage", {"chat_id": "@news", "text": "x"}, FORM),
        {"ok": True, "result": REPLY},  # and not the message that it replies to
        "delete",
        (_telegram(9),),
        {},
    ),
    Row(
        "telegram",
        _post("/bot1:x/sendMediaGroup", {"chat_id": "@news", "media": "[]"}, FORM),
        {"ok": True, "result": [SENT, {**SENT, "message_id": 10}]},
        "delete_all",
        (_telegram(9), _telegram(10)),
        {},
    ),
    Row(
        "telegram",
        _post("/bot1:x/copyMessage", {"chat_id": "-100", "from_chat_id": "1", "message_id": "2"}, FORM),
        {"ok": True, "result": {"message_id": 11}},
        "delete_copy",
        (_telegram(11),),
        {},
    ),
    Row(
        "telegram",
        _post("/bot1:x/copyMessages", {"chat_id": "-100", "from_chat_id": "1", "message_ids": "[2,3]"}, FORM),
        {"ok": True, "result": [{"message_id": 12}, {"message_id": 13}]},
        "delete_copies",
        (_telegram(12), _telegram(13)),
        {},
    ),
    Row(
        "slack",
        _post("/api/chat.postMessage", {"channel": "C1", "text": "x"}),
        {"ok": True, "channel": "C1", "ts": "1.5", "message": {"ts": "1.5"}},
        "delete",
        (("POST", "/api/chat.delete", {"channel": "C1", "ts": "1.5"}),),
    ),
    Row(
        "slack",
        _post("/api/chat.scheduleMessage", {"channel": "C1", "text": "x"}),
        {"ok": True, "channel": "C1", "scheduled_message_id": "Q1"},
        "delete_scheduled",
        (("POST", "/api/chat.deleteScheduledMessage", {"channel": "C1", "scheduled_message_id": "Q1"}),),
    ),
    Row(
        "slack",
        _post("/api/files.completeUploadExternal", {"files": "[]", "channel_id": "C1"}, FORM),
        {"ok": True, "files": [{"id": "F1"}, {"id": "F2"}]},
        "delete_files",
        (("POST", "/api/files.delete", {"file": "F1"}), ("POST", "/api/files.delete", {"file": "F2"})),
    ),
    Row(
        "slack",
        _post("/api/files.upload", {"content": "x", "channels": "C1"}, FORM),
        {"ok": True, "file": {"id": "F1"}},
        "delete_file",
        (("POST", "/api/files.delete", {"file": "F1"}),),
    ),
    Row(
        "discord",
        _post("/api/v10/channels/5/messages", {"content": "x"}),
        {"id": "77", "channel_id": "5", "content": "x"},
        "delete",
        (("DELETE", "/api/v10/channels/5/messages/77", None),),
        {"authorization": "Bot TOKEN", "x-audit-log-reason": "fraud"},
    ),
    Row(
        "discord",
        call("POST", HOOK, "wait=true", {"content": "x"}),
        {"id": "77", "channel_id": "5", "webhook_id": "1"},
        "delete",
        (("DELETE", "/api/v10/channels/5/messages/77", None),),
        {"authorization": "Bot TOKEN", "x-audit-log-reason": "fraud"},
    ),
    Row(
        "discord",
        _post("/api/v10/channels/5/threads", {"name": "x", "message": {"content": "x"}}),
        {"id": "88", "parent_id": "5", "message": {"id": "88", "channel_id": "88"}},
        "delete_first",
        (("DELETE", "/api/v10/channels/88/messages/88", None),),
        {"authorization": "Bot TOKEN", "x-audit-log-reason": "fraud"},
    ),
    Row(
        "mattermost",
        _post("/api/v4/posts", {"channel_id": "c", "message": "x"}),
        {"id": "p1", "channel_id": "c", "message": "x"},
        "delete",
        (("DELETE", "/api/v4/posts/p1", None),),
    ),
    Row(
        "mattermost",
        _post("/api/v4/posts/schedule", {"channel_id": "c", "message": "x", "scheduled_at": 5}),
        {"id": "s1", "scheduled_at": 1_800_000_000_000},
        "delete_scheduled",
        (("DELETE", "/api/v4/posts/schedule/s1", None),),
    ),
    Row(
        "rocketchat",
        _post("/api/v1/chat.postMessage", {"roomId": "r", "text": "x"}),
        {"success": True, "channel": "news", "message": {"_id": "m", "rid": "r"}},
        "delete",
        (("POST", "/api/v1/chat.delete", {"roomId": "r", "msgId": "m"}),),
        {"x-user-id": "USER", "x-auth-token": "TOKEN"},
    ),
    Row(
        "rocketchat",
        _post("/api/v1/method.call/sendMessage", {"message": json.dumps({"msg": "method", "params": [{"msg": "x"}]})}),
        {"success": True, "message": json.dumps({"msg": "result", "result": {"_id": "m", "rid": "r"}})},
        "delete_called",
        (("POST", "/api/v1/chat.delete", {"roomId": "r", "msgId": "m"}),),
        {"x-user-id": "USER", "x-auth-token": "TOKEN"},
    ),
    Row(
        "qq",
        _post("/channels/c1/messages", {"content": "x"}),
        {"id": "q1", "channel_id": "c1"},
        "retract",
        (("DELETE", "/channels/c1/messages/q1", None),),
        {"authorization": "QQBot TOKEN"},
    ),
    Row(
        "qq",
        _post("/v2/groups/g1/messages", {"content": "x"}),
        {"id": "q/1", "timestamp": 5},
        "retract_v2",
        (("DELETE", "/v2/groups/g1/messages/q%2F1", None),),
        {"authorization": "QQBot TOKEN"},
    ),
    Row(
        "zulip",
        _post("/api/v1/messages", {"type": "stream", "to": "news", "topic": "t", "content": "x"}, FORM),
        {"id": 42, "msg": "", "result": "success"},
        "delete",
        (("DELETE", "/api/v1/messages/42", None),),
        {"authorization": f"Basic {base64.b64encode(b'USER:TOKEN').decode()}"},
    ),
    Row(
        "lark",
        _post("/open-apis/im/v1/messages", {"receive_id": "oc", "msg_type": "text", "content": '{"text":"x"}'}),
        {"code": 0, "data": {"message_id": "om_1"}},
        "recall",
        (("DELETE", "/open-apis/im/v1/messages/om_1", None),),
    ),
    Row(
        "lark",
        _post("/open-apis/message/v4/batch_send", {"msg_type": "text", "content": {"text": "x"}}),
        {"code": 0, "data": {"message_id": "bm_1"}},
        "recall_batch",
        (("DELETE", "/open-apis/im/v1/batch_messages/bm_1", None),),
    ),
    Row(
        "wechat",
        _post("/cgi-bin/freepublish/submit", {"media_id": "M"}),
        {"errcode": 0, "publish_id": "100000001", "msg_data_id": "2247483655"},
        "delete_article",
        (("POST", f"/cgi-bin/freepublish/delete?{WX}", {"article_id": "A-1"}),),
        {},
    ),
    Row(
        "wechat",
        _post("/cgi-bin/message/mass/sendall", {"filter": {"is_to_all": True}, "mpnews": {"media_id": "M"}}),
        {"errcode": 0, "msg_id": 9_007_199_254_740_993, "msg_data_id": 5},
        "delete_broadcast",
        (("POST", f"/cgi-bin/message/mass/delete?{WX}", {"msg_id": 9_007_199_254_740_993}),),
        {},
    ),
    Row(
        "wechat",
        _post("/cgi-bin/comment/reply/add", {"msg_data_id": 5, "index": 1, "user_comment_id": 6, "content": "x"}),
        {"errcode": 0},
        "delete_reply_of",
        (("POST", f"/cgi-bin/comment/reply/delete?{WX}", {"msg_data_id": 5, "index": 1, "user_comment_id": 6}),),
        {},
    ),
    Row(
        "wechat",
        _post("/cgi-bin/comment/reply/add", {"msg_data_id": 5, "user_comment_id": 6, "content": "x"}),
        {"errcode": 0},
        "delete_reply",
        (("POST", f"/cgi-bin/comment/reply/delete?{WX}", {"msg_data_id": 5, "user_comment_id": 6}),),
        {},
    ),
    Row(
        "generic",
        _post("/api/messages", {"text": "x"}),
        {"id": "g1"},
        "delete",
        (("DELETE", "/api/messages/g1", None),),
    ),
]
GONE = [
    ("matrix", 404, {"errcode": "M_NOT_FOUND"}),
    ("telegram", 400, {"ok": False, "error_code": 400, "description": "Bad Request: message to delete not found"}),
    ("slack", 200, {"ok": False, "error": "message_not_found"}),
    ("discord", 404, {"code": 10008, "message": "Unknown Message"}),
    ("mattermost", 404, {"id": "app.post.get.app_error", "status_code": 404}),
    ("rocketchat", 400, {"success": False, "error": 'No message found with the id of "m".'}),
    ("zulip", 400, {"result": "error", "msg": "Message already deleted", "code": "BAD_REQUEST"}),
    ("lark", 400, {"code": 230011, "msg": "The message is withdrawn."}),
    ("generic", 404, {"error": "not_found"}),
]
GONE_AGAIN = [
    ("zulip", 400, {"result": "error", "msg": "Invalid message(s)", "code": "BAD_REQUEST"}),
    ("qq", 400, {"code": 306002, "message": "msgid error"}),
    ("wechat", 200, {"errcode": 53600, "errmsg": "invalid article"}),
]
DONE = [
    ("matrix", 200, {"event_id": "$r"}),
    ("telegram", 200, {"ok": True, "result": True}),
    ("slack", 200, {"ok": True}),
    ("discord", 204, None),
    ("mattermost", 200, {"status": "OK"}),
    ("rocketchat", 200, {"success": True}),
    ("qq", 204, None),
    ("zulip", 200, {"result": "success", "msg": ""}),
    ("lark", 200, {"code": 0, "msg": "success", "data": {}}),
    ("wechat", 200, {"errcode": 0, "errmsg": "ok"}),
    ("generic", 204, None),
]
FORBIDDEN = [
    ("matrix", 403, {"errcode": "M_FORBIDDEN"}),
    ("telegram", 400, {"ok": False, "error_code": 400, "description": "Bad Request: message can't be deleted"}),
    ("slack", 200, {"ok": False, "error": "cant_delete_message"}),
    ("discord", 403, {"code": 50013, "message": "Missing Permissions"}),
    ("mattermost", 403, {"id": "api.context.permissions.app_error", "status_code": 403}),
    ("rocketchat", 400, {"success": False, "error": "Unauthorized"}),
    ("zulip", 400, {"result": "error", "msg": "Invalid message(s)", "code": "BAD_REQUEST"}),
    ("lark", 400, {"code": 230026, "msg": "No permission."}),
    ("qq", 403, {"code": 306004, "message": "no permission"}),
    ("wechat", 200, {"errcode": 48001, "errmsg": "api unauthorized"}),
]


def kept(row: Row, answer: Any = None) -> str | None:
    """What is kept of a published message."""
    platform = load_shipped(row.platform)
    route_id = recognised(platform, row.request).route.id
    body = json.dumps(row.answer if answer is None else answer).encode()
    return handle(platform, "a-listener", route_id, row.request, body)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.platform}-{row.way}")
def test_what_was_published_is_removed(row: Row) -> None:
    text = kept(row)
    assert text is not None
    found = read_handle(text)
    assert (found.listener, found.way) == ("a-listener", row.way)
    platform = load_shipped(row.platform)
    way = removing.way_of(platform, found)
    credential = "TOKEN" if row.platform not in ("rocketchat", "zulip") else "USER:TOKEN"
    common = {**removing.credential_values(credential), "message_id": "m-1", "reason": "fraud"}
    if way.first is not None:
        common["article"] = "A-1"
    requests = [removing.removal(platform, way, {**common, **names}) for names in found.found]
    assert [(one.method, one.target.decode(), json.loads(one.body) if one.body else None) for one in requests] == list(
        row.removals
    )
    for one in requests:
        headers = {name.decode(): value.decode() for name, value in one.headers}
        assert headers.pop("content-length") == str(len(one.body))
        assert headers.pop("content-type", None) == ("application/json" if one.body else None)
        assert headers == row.headers


def test_a_token_with_a_colon_stands_in_the_path_as_it_is() -> None:
    platform = load_shipped("telegram")
    assert platform.takedown is not None
    values = {**removing.credential_values("12:ab/c"), "chat": "-1", "number": "2"}
    target = removing.removal(platform, platform.takedown.ways[0], values).target.decode()
    assert target.startswith("/bot12:ab%2Fc/deleteMessage?")


@pytest.mark.parametrize("name", shipped())
def test_every_shipped_map_has_a_way_but_the_one_whose_platform_has_none(name: str) -> None:
    assert (load_shipped(name).takedown is None) == (name == "line")
    assert load_shipped(name).takedown is None or name in {row.platform for row in ROWS}


@pytest.mark.parametrize(
    ("platform", "request_", "answer"),
    [
        ("line", _post("/v2/bot/message/push", {"to": "U", "messages": []}), {"sentMessages": [{"id": "1"}]}),
        ("slack", _post("/services/T/B/K"), "ok"),
        ("discord", _post(HOOK, {"content": "x"}), None),
        ("mattermost", _post("/hooks/h"), "ok"),
        ("telegram", _post("/bot1:x/answerInlineQuery", {"results": "[]"}, FORM), {"ok": True, "result": True}),
        ("wechat", _post("/cgi-bin/message/custom/send", {"touser": "o", "text": {"content": "x"}}), {"errcode": 0}),
        ("matrix", _post("/_matrix/client/v3/createRoom", {"name": "x"}), {"room_id": "!r:x"}),
    ],
)
def test_where_the_platform_names_nothing_nothing_is_kept(platform: str, request_: Call, answer: Any) -> None:
    assert kept(Row(platform, request_, answer, "", ())) is None


def test_what_could_be_no_name_is_not_kept() -> None:
    row = ROWS[0]
    odds: tuple[Any, ...] = (
        {"event_id": "two words"},
        {"event_id": ""},
        {"event_id": "$\x1f"},
        {"event_id": {"a": 1}},
        {"event_id": True},
        [],
        {},
    )
    for odd in odds:
        assert kept(row, odd) is None


def test_more_things_than_are_removed_are_not_kept() -> None:
    [album] = [row for row in ROWS if row.way == "delete_all"]
    pictures = [{**SENT, "message_id": number} for number in range(removing.MOST + 1)]
    assert kept(album, {"ok": True, "result": pictures}) is None
    assert kept(album, {"ok": True, "result": pictures[1:]}) is not None


def _says(platform: str, status: int, answer: Any, *, again: bool = False) -> Verdict:
    body = b"" if answer is None else json.dumps(answer).encode()
    return removing.removed(load_shipped(platform), {"message": "m"}, status, "", body, again=again)


@pytest.mark.parametrize(("platform", "status", "answer"), [*DONE, *GONE])
def test_answers_by_which_it_is_not_there(platform: str, status: int, answer: Any) -> None:
    assert _says(platform, status, answer) is Verdict.ACCEPTED


@pytest.mark.parametrize(("platform", "status", "answer"), GONE_AGAIN)
def test_answers_by_which_an_earlier_attempt_worked(platform: str, status: int, answer: Any) -> None:
    assert _says(platform, status, answer) is Verdict.REFUSED
    assert _says(platform, status, answer, again=True) is Verdict.ACCEPTED


@pytest.mark.parametrize(("platform", "status", "answer"), FORBIDDEN)
def test_answers_by_which_it_is_still_there(platform: str, status: int, answer: Any) -> None:
    assert _says(platform, status, answer) is Verdict.REFUSED


def test_answers_that_say_later() -> None:
    assert _says("qq", 400, {"code": 306005}) is Verdict.LATER
    assert _says("telegram", 429, {"ok": False, "error_code": 429}) is Verdict.LATER
    assert _says("slack", 200, {"ok": False, "error": "ratelimited"}) is Verdict.LATER
    assert _says("wechat", 200, {"errcode": 42001}) is Verdict.EXPIRED
    assert _says("matrix", 500, None) is Verdict.UNSURE


def test_a_handle_whose_way_is_gone_says_so() -> None:
    with pytest.raises(NoWay, match="no way older any more"):
        removing.way_of(load_shipped("matrix"), Handle("l", "older", ()))
    with pytest.raises(NoWay, match="no way redact any more"):
        removing.way_of(load_shipped("line"), Handle("l", "redact", ()))


@given(*[st.text(max_size=30)] * 3)
def test_whatever_a_name_is_it_stays_within_its_place(room: str, event: str, credential: str) -> None:
    platform = load_shipped("matrix")
    way = removing.way_of(platform, Handle("l", "redact", ()))
    values = {**removing.credential_values(credential), "room": room, "event": event, "message_id": "m", "reason": "r"}
    try:
        request = removing.removal(platform, way, values)
    except NoWay:
        assert not all(" " <= char <= "~" for char in credential)
        return
    path = request.target.decode("ascii")
    assert not set(path) & set("\r\n ?#")
    _, prefix, _, _, _, room_, _, event_, txn = path.split("/")
    assert (prefix, unquote(room_), unquote(event_), txn) == ("_matrix", room, event, "m")
    assert all(b"\n" not in value and b"\r" not in value for _, value in request.headers)


def test_queries_are_encoded() -> None:
    [row] = [row for row in ROWS if row.way == "delete_broadcast"]
    platform = load_shipped(row.platform)
    found = read_handle(kept(row) or "")
    way = removing.way_of(platform, found)
    target = removing.removal(platform, way, {**removing.credential_values("a&b=c d"), **found.found[0]}).target
    assert parse_qsl(target.decode().partition("?")[2]) == [("access_token", "a&b=c d")]
