"""The QQ bot map: channels, groups, users, and the platform's own "being looked at"."""

from __future__ import annotations

import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import AnswerKind, BadRequest, Verdict
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import JSON, MULTIPART, Row, call, check, multipart, passes, read

QQ = load_shipped("qq")
AUTH = (("authorization", "QQBot tok"),)


def row(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row of a bot."""
    return Row(method, path, body, route, texts, **{"credential": "QQBot tok", "headers": AUTH, **more})  # type: ignore[arg-type]


ROWS = [
    row("POST", "/channels/c1/messages", {"content": "hi", "msg_id": "m1"}, "message", "hi", target="c1"),
    row(
        "POST",
        "/channels/c1/messages",
        {"image": "https://one.example/a.png"},
        "message",
        "https://one.example/a.png",
        target="c1",
        media=(Media("image/png", "https://one.example/a.png"),),
    ),
    row(
        "POST",
        "/channels/c1/messages",
        multipart(("content", "hi")),
        "message",
        "hi",
        target="c1",
        content_type=MULTIPART,
    ),
    row("POST", "/channels/c1/messages", {"markdown": {"content": "k*i*ll"}}, "message", "k*i*ll", "kill", target="c1"),
    row(
        "POST",
        "/channels/c1/messages",
        {"ark": {"kv": [{"key": "#DESC#", "value": "ark"}]}},
        "message",
        "ark",
        target="c1",
    ),
    row("POST", "/dms/g1/messages", {"content": "hi"}, "message", "hi", target="g1"),
    row("POST", "/v2/groups/o1/messages", {"content": "hi", "msg_type": 0, "msg_seq": 1}, "message", "hi", target="o1"),
    row(
        "POST",
        "/v2/users/o1/messages",
        {"msg_type": 7, "media": {"file_info": "f=1"}},
        "message",
        target="o1",
        media=(Media("application/octet-stream", "qq:f=1"),),
    ),
    row("PATCH", "/channels/c1/messages/m1", {"content": "new"}, "edit", "new", target="c1"),
    row(
        "POST",
        "/v2/groups/o1/files",
        {"file_type": 1, "url": "https://one.example/a.png", "srv_send_msg": True},
        "file",
        "https://one.example/a.png",
        target="o1",
        media=(Media("application/octet-stream", "https://one.example/a.png"),),
    ),
    row(
        "POST",
        "/v2/users/o1/files",
        {"file_type": 1, "file_data": "AAAA"},
        "file",
        "AAAA",
        target="o1",
        doubts=("unreadable_part",),
    ),
    row(
        "PUT",
        "/channels/c1/threads",
        {"title": "T", "content": "<p>p<b>o</b>st</p>", "format": 2},
        "guild",
        "T",
        "<p>p<b>o</b>st</p>",
        "post",
        target="c1",
    ),
    row(
        "POST",
        "/guilds/g1/announces",
        {"channel_id": "c1", "message_id": "m1"},
        "announce",
        target="g1",
        references=("m1",),
    ),
    row("POST", "/channels/c1/messages", {"Content": "k*i*ll"}, "message", "k*i*ll", "kill", target="c1"),
    row("POST", "/channels/c1/messages", {"MarkDown": {"CONTENT": "k*i*ll"}}, "message", "k*i*ll", "kill", target="c1"),
    row(
        "POST",
        "/v2/users/o1/messages",
        {"keyboard": {"content": {"rows": [{"buttons": [{"render_data": {"label": "k*i*ll"}}]}]}}},
        "message",
        "k*i*ll",
        "kill",
        target="o1",
    ),
    row(
        "POST",
        "/channels/c1/messages",
        {"embed": {"title": "T", "thumbnail": {"url": "https://one.example/t.png"}}},
        "message",
        "T",
        "https://one.example/t.png",
        target="c1",
        media=(Media("image/png", "https://one.example/t.png"),),
    ),
    row("PATCH", "/channels/c1", {"name": "k*i*ll"}, "guild", "k*i*ll", "kill", target="c1"),
    row(
        "POST",
        "/guilds/g1/api_permission/demand",
        {"channel_id": "c1", "api_identify": {"path": "/guilds/{guild_id}", "method": "GET"}, "desc": "come here"},
        "demand",
        "come here",
        target="g1",
    ),
    row("PUT", "/interactions/i1", {"code": 0}, "interaction"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(QQ, row)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/gateway/bot"),
        ("GET", "/users/@me"),
        ("DELETE", "/channels/c1/messages/m1"),
        ("PUT", "/channels/c1/messages/m1/reactions/1/4"),
        ("POST", "/users/@me/dms"),
    ],
)
def test_what_passes(method: str, path: str) -> None:
    assert passes(QQ, method, path)


def test_one_key_in_two_cases_is_given_twice() -> None:
    with pytest.raises(BadRequest):
        read(QQ, call("POST", "/channels/c1/messages", body={"content": "a", "Content": "b"}))


def test_held_is_what_the_platform_answers_while_it_looks() -> None:
    answer = mapping.answer(QQ, AnswerKind.HELD, {"message": "wait", "message_id": "m-1"})
    body = json.loads(answer.body)
    assert (answer.status, body["code"], body["data"]["message_audit"]["audit_id"]) == (202, 304023, "m-1")
    assert mapping.verdict(QQ, 202, JSON, answer.body) is Verdict.ACCEPTED
    assert mapping.verdict(QQ, 400, JSON, b'{"code": 11244, "message": "token not exist or expire"}') is Verdict.EXPIRED


def test_a_bot_is_asked_who_it_is_with_its_own_header() -> None:
    ask = mapping.whoami_request(QQ, "QQBot tok")
    assert ask is not None
    assert (ask.target, ask.headers) == (b"/users/@me", ((b"authorization", b"QQBot tok"),))
