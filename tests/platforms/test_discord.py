"""The Discord map: with and without a version, JSON and multipart, webhooks in three dialects."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import JSON, MULTIPART, Row, call, check, multipart, passes, read, recognised

DISCORD = load_shipped("discord")
AUTH = (("authorization", "Bot abc"),)
PNG = b"\x89PNG"
FILE = Media("image/png", sha256=hashlib.sha256(PNG).hexdigest())
EMBED = {"title": "T", "fields": [{"name": "N", "value": "V"}], "image": {"url": "https://one.example/a.png"}}
FORWARD = {"type": 1, "channel_id": "8", "message_id": "9"}
REPLY = {"type": 0, "channel_id": "8", "message_id": "9"}


def row(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row of a bot."""
    given = {"credential": "Bot abc", "headers": AUTH, **more}
    return Row(method, f"/api/v10{path}", body, route, texts, **given)  # type: ignore[arg-type]


HOOK = {"credential": "webhook 7 key", "target": "7", "headers": ()}
ROWS = [
    row("POST", "/channels/5/messages", {"content": "hi", "tts": False}, "message", "hi", target="5"),
    row("POST", "/channels/5/messages", {"content": "k**i**ll"}, "message", "k**i**ll", "kill", target="5"),
    row(
        "POST",
        "/channels/5/messages",
        {"content": "hi", "nonce": "n1", "enforce_nonce": True},
        "message",
        "hi",
        target="5",
        repeatable=True,
    ),
    row(
        "POST",
        "/channels/5/messages",
        {"content": "hi", "nonce": "n1", "enforce_nonce": False},
        "message",
        "hi",
        target="5",
    ),
    row(
        "POST",
        "/channels/5/messages",
        {"embeds": [EMBED]},
        "message",
        "T",
        "N",
        "V",
        "https://one.example/a.png",
        target="5",
        media=(Media("image/png", "https://one.example/a.png"),),
    ),
    row(
        "POST",
        "/channels/5/messages",
        {"poll": {"question": {"text": "Q"}, "answers": [{"poll_media": {"text": "A"}}]}},
        "message",
        "Q",
        "A",
        target="5",
    ),
    row(
        "POST",
        "/channels/5/messages",
        {"components": [{"type": 1, "components": [{"label": "L"}]}]},
        "message",
        "L",
        target="5",
    ),
    row("POST", "/channels/5/messages", {"content": "hi", "message_reference": REPLY}, "message", "hi", target="5"),
    row("POST", "/channels/5/messages", {"message_reference": FORWARD}, "message", target="5", references=("1 8 9",)),
    row(
        "POST",
        "/channels/5/messages",
        multipart(("payload_json", json.dumps({"content": "hi", "embeds": [EMBED]})), ("files[0]", "a.png", PNG)),
        "message",
        "a.png",
        "hi",
        "T",
        "N",
        "V",
        "https://one.example/a.png",
        target="5",
        media=(Media("image/png", "https://one.example/a.png"), FILE),
        content_type=MULTIPART,
    ),
    row(
        "POST",
        "/channels/5/messages",
        multipart(("content", "hi"), ("file", "a.png", PNG)),
        "message",
        "a.png",
        "hi",
        target="5",
        media=(FILE,),
        content_type=MULTIPART,
    ),
    row("POST", "/lobbies/5/messages", {"content": "k**i**ll"}, "message", "k**i**ll", "kill", target="5"),
    row("POST", "/channels/5/messages", {"embeds": [{"title": "k**i**ll"}]}, "message", "k**i**ll", "kill", target="5"),
    row(
        "POST",
        "/channels/5/messages",
        {"components": [{"components": [{"items": [{"media": {"url": "https://one.example/d.png"}}]}]}]},
        "message",
        "https://one.example/d.png",
        target="5",
        media=(Media("image/png", "https://one.example/d.png"),),
    ),
    row(
        "POST",
        "/channels/5/messages",
        {"content": "hi", "attachments": [{"filename": "a.png", "uploaded_filename": "u-1/a.png"}]},
        "message",
        "hi",
        "a.png",
        target="5",
        media=(Media("application/octet-stream", "discord:u-1/a.png"),),
    ),
    row("POST", "/channels/5/messages?nonce=n1&enforce_nonce=true", {"content": "hi"}, "message", "hi", target="5"),
    row(
        "POST",
        "/channels/5/messages",
        multipart(("payload_json", '{"content": "hi", "nonce": "n1", "enforce_nonce": true}')),
        "message",
        "hi",
        target="5",
        content_type=MULTIPART,
        repeatable=True,
    ),
    row(
        "POST",
        "/guilds/3/auto-moderation/rules",
        {"name": "N", "actions": [{"metadata": {"custom_message": "come here"}}]},
        "surroundings",
        "N",
        "come here",
    ),
    row(
        "PUT",
        "/applications/3/role-connections/metadata",
        [{"name": "N", "description": "come here"}],
        "surroundings",
        "N",
        "come here",
    ),
    row(
        "PUT", "/users/@me/applications/3/role-connection", {"platform_name": "come here"}, "surroundings", "come here"
    ),
    row(
        "POST",
        "/interactions/7/key/callback",
        {"type": 9, "data": {"title": "k**i**ll", "components": [{"media": {"url": "https://one.example/m.png"}}]}},
        "interaction",
        "k**i**ll",
        "kill",
        "https://one.example/m.png",
        credential="webhook 7 key",
        headers=(),
        media=(Media("image/png", "https://one.example/m.png"),),
    ),
    Row("POST", "/api/channels/5/messages", {"content": "hi"}, "message", ("hi",), "5", "Bot abc", AUTH),
    row("PATCH", "/channels/5/messages/6", {"content": "new"}, "edit", "new", target="5"),
    row("POST", "/channels/5/messages/6/crosspost", b"", "crosspost", target="5", references=("1 5 6",)),
    row(
        "POST", "/channels/5/threads", {"name": "N", "message": {"content": "post"}}, "thread", "N", "post", target="5"
    ),
    row("POST", "/channels/5/messages/6/threads", {"name": "N"}, "thread", "N", target="5"),
    row("POST", "/webhooks/7/key", {"content": "hi", "username": "Me"}, "webhook", "hi", "Me", **HOOK),
    row("POST", "/webhooks/7/key?wait=true", {"content": "hi"}, "webhook", "hi", "true", **HOOK),
    row("POST", "/webhooks/7/key/slack", {"text": "hi"}, "webhook", "hi", **HOOK),
    row("POST", "/webhooks/7/key/github", {"head_commit": {"message": "fix"}}, "webhook", "fix", **HOOK),
    row("PATCH", "/webhooks/7/key/messages/@original", {"content": "new"}, "webhook", "new", **HOOK),
    row(
        "POST",
        "/interactions/7/key/callback",
        {"type": 4, "data": {"content": "hi"}},
        "interaction",
        "hi",
        credential="webhook 7 key",
        headers=(),
    ),
    *[
        row(
            method,
            f"/webhooks/7/aW50ZXJhY3Rpb246OTpr{path}",
            {"content": "hi"},
            "followup",
            "hi",
            credential="webhook 7 6OTpr",
            target="7",
            headers=(),
        )
        for method, path in (("POST", ""), ("PATCH", "/messages/@original"))
    ],
    row("PATCH", "/channels/5", {"topic": "tea", "name": "n"}, "surroundings", "n", "tea"),
    row(
        "PATCH",
        "/users/@me",
        {"username": "u", "avatar": "data:image/png;base64,AA"},
        "surroundings",
        "u",
        "data:image/png;base64,AA",
        doubts=("unreadable_part",),
    ),
    row("POST", "/guilds/3/scheduled-events", {"name": "party", "description": "d"}, "surroundings", "party", "d"),
    row("PATCH", "/guilds/3/members/@me", {"nick": "n"}, "surroundings", "n"),
    row("PUT", "/applications/3/commands", [{"name": "c", "description": "d"}], "surroundings", "c", "d"),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(DISCORD, row)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/channels/5/messages"),
        ("POST", "/channels/5/typing"),
        ("PUT", "/channels/5/messages/6/reactions/x/@me"),
        ("GET", "/gateway/bot"),
        ("POST", "/users/@me/channels"),
        ("DELETE", "/channels/5/messages/6"),
    ],
)
def test_what_passes(method: str, path: str) -> None:
    assert passes(DISCORD, method, f"/api/v10{path}")


@pytest.mark.parametrize("kind", [1, 1.0, "1", "01", "+1", " 1", "1.0", True, 2])
def test_whatever_is_no_reply_is_a_forward(kind: object) -> None:
    body = {"message_reference": {**FORWARD, "type": kind}}
    assert read(DISCORD, call("POST", "/api/v10/channels/5/messages", body=body)).doubts == ("unknown_reference",)
    form = multipart(("payload_json", json.dumps(body)))
    request = call("POST", "/api/v10/channels/5/messages", body=form, content_type=MULTIPART)
    assert read(DISCORD, request).doubts == ("unknown_reference",)


@pytest.mark.parametrize("kind", [0, "0", None])
def test_a_reply_is_no_forward(kind: object) -> None:
    body = {"content": "hi", "message_reference": {**FORWARD, "type": kind}}
    assert read(DISCORD, call("POST", "/api/v10/channels/5/messages", body=body)).doubts == ()


def test_what_was_sent_may_be_forwarded() -> None:
    sent = read(DISCORD, call("POST", "/api/v10/channels/8/messages", body={"content": "known"}))
    known = mapping.remembered(DISCORD, "message", JSON, b'{"id": "9", "channel_id": "8", "content": "known"}')
    forward = call("POST", "/api/v10/channels/5/messages", body={"message_reference": FORWARD})
    assert mapping.references(DISCORD, recognised(DISCORD, forward), forward) == known
    assert (read(DISCORD, forward, sent).texts, read(DISCORD, forward, sent).doubts) == (("known",), ())
    crosspost = call("POST", "/api/v10/channels/8/messages/9/crosspost")
    assert mapping.references(DISCORD, recognised(DISCORD, crosspost), crosspost) == known
