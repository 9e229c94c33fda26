"""The Slack map: every Web API method that shows something, and webhooks that answer in plain text."""

from __future__ import annotations

import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import AnswerKind, BadRequest, Verdict
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, MULTIPART, Row, call, check, multipart, passes, read, recognised

SLACK = load_shipped("slack")
AUTH = (("authorization", "Bearer xoxb-1"),)
BLOCKS = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "block"}},
    {"type": "image", "image_url": "https://one.example/a.png", "alt_text": "alt"},
]
WORDS = ("block", "https://one.example/a.png", "alt")
PICTURE = (Media("image/png", "https://one.example/a.png"),)


def row(method: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A POST to a method of the Web API."""
    given = {"credential": "xoxb-1", "headers": AUTH, "target": "C1", **more}
    return Row("POST", f"/api/{method}", body, route, texts, **given)  # type: ignore[arg-type]


ROWS = [
    row("chat.postMessage", {"channel": "C1", "text": "hi", "thread_ts": "1.2"}, "message", "hi"),
    row("chat.postMessage", {"channel": "C1", "text": "hi"}, "message", "hi", content_type=FORM),
    row(
        "chat.postMessage",
        {"channel": "C1", "text": "hi", "token": "xoxb-1"},
        "message",
        "hi",
        content_type=FORM,
        headers=(),
    ),
    row("chat.postMessage?token=xoxb-1&channel=C1&text=hi", b"", "message", "hi", content_type=None, headers=()),
    row("chat.postMessage", multipart(("channel", "C1"), ("text", "hi")), "message", "hi", content_type=MULTIPART),
    row("chat.postMessage", {"channel": "C1", "text": "hi", "blocks": BLOCKS}, "message", "hi", *WORDS, media=PICTURE),
    row(
        "chat.postMessage",
        {"channel": "C1", "blocks": json.dumps(BLOCKS)},
        "message",
        *WORDS,
        media=PICTURE,
        content_type=FORM,
    ),
    row(
        "chat.postMessage",
        {"channel": "C1", "attachments": [{"fallback": "f", "fields": [{"title": "t", "value": 3}]}]},
        "message",
        "f",
        "t",
        "3",
    ),
    row("chat.update", {"channel": "C1", "ts": "1.2", "text": "new"}, "message", "new"),
    row("chat.postEphemeral", {"channel": "C1", "user": "U1", "text": "psst"}, "message", "psst"),
    row("chat.scheduleMessage", {"channel": "C1", "post_at": 17, "text": "later"}, "message", "later"),
    row("chat.meMessage", {"channel": "C1", "text": "waves"}, "message", "waves"),
    row(
        "files.completeUploadExternal",
        {"channel_id": "C1", "initial_comment": "see", "files": json.dumps([{"id": "F1", "title": "T"}])},
        "file",
        "see",
        "T",
        media=(Media("application/octet-stream", "slack:F1"),),
        content_type=FORM,
    ),
    row(
        "files.getUploadURLExternal",
        {"filename": "a.txt", "length": "5"},
        "file",
        "a.txt",
        content_type=FORM,
        target=None,
    ),
    row("conversations.setTopic", {"channel": "C1", "topic": "tea"}, "surroundings", "tea"),
    row("conversations.setPurpose", {"channel": "C1", "purpose": "p"}, "surroundings", "p"),
    row(
        "views.publish",
        {"user_id": "U1", "view": {"type": "home", "blocks": []}},
        "surroundings",
        target=None,
    ),
    row(
        "chat.postMessage",
        {"channel": "C1", "blocks": [{"text": {"text": "k*i*ll"}}]},
        "message",
        "k*i*ll",
        "kill",
    ),
    row(
        "chat.postMessage",
        {
            "channel": "C1",
            "attachments": json.dumps([{"pretext": "k_i_ll", "author_icon": "https://one.example/i.png"}]),
        },
        "message",
        "k_i_ll",
        "kill",
        "https://one.example/i.png",
        media=(Media("image/png", "https://one.example/i.png"),),
        content_type=FORM,
    ),
    row(
        "chat.postMessage",
        {"channel": "C1", "blocks": [{"elements": [{"image_url": "https://one.example/e.png"}]}]},
        "message",
        "https://one.example/e.png",
        media=(Media("image/png", "https://one.example/e.png"),),
    ),
    row(
        "conversations.inviteShared",
        {"channel": "C1", "emails": "a@b.example", "custom_message": "come here"},
        "surroundings",
        "a@b.example",
        "come here",
    ),
    row(
        "admin.users.invite",
        {"email": "a@b.example", "custom_message": "come here"},
        "surroundings",
        "a@b.example",
        "come here",
        target=None,
    ),
    row("entity.presentDetails", {"metadata": {"title": "k*i*ll"}}, "surroundings", "k*i*ll", "kill", target=None),
    row("workflows.updateStep", {"step_name": "come here"}, "surroundings", "come here", target=None),
    Row("POST", "/services/T1/B1/key", {"text": "hook", "channel": "C1"}, "webhook", ("hook",), "C1", "webhook T1 key"),
    Row(
        "POST",
        "/services/T1/B1/key",
        {"payload": '{"text": "h\\u006fok"}'},
        "webhook",
        ("hook",),
        None,
        "webhook T1 key",
        content_type=FORM,
    ),
    Row(
        "POST",
        "/actions/T1/B1/key",
        {"text": "late", "response_type": "in_channel"},
        "webhook",
        ("late",),
        None,
        "webhook T1 key",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(SLACK, row)


@pytest.mark.parametrize(
    "name",
    ["conversations.history", "auth.test", "chat.delete", "users.list"],
)
def test_what_passes(name: str) -> None:
    assert passes(SLACK, "POST", f"/api/{name}")


@pytest.mark.parametrize("name", ["blocks", "attachments", "unfurls", "metadata"])
def test_json_in_a_parameter_is_read_in_one_way_or_not_at_all(name: str) -> None:
    with pytest.raises(BadRequest):
        read(
            SLACK, call("POST", "/api/chat.postMessage", body={name: '[{"text": "a", "text": "b"}]'}, content_type=FORM)
        )


@pytest.mark.parametrize("name", ["rtm.connect", "apps.connections.open"])
def test_sockets_on_which_messages_are_sent_are_ways_past_the_gateway(name: str) -> None:
    assert mapping.recognise(SLACK, "POST", f"/api/{name}".encode(), b"", ()).route.kind == "bypass"
    assert not mapping.websocket_passes(SLACK, b"/any")


def test_a_webhook_is_answered_in_plain_text() -> None:
    route = recognised(SLACK, call("POST", "/services/T1/B1/key", body={"text": "x"})).route
    answer = mapping.answer(SLACK, AnswerKind.BLOCKED, {"message": "no"}, route)
    assert (answer.status, answer.body) == (403, b"action_prohibited: no")
    assert dict(answer.headers)[b"content-type"].startswith(b"text/plain")
    assert mapping.verdict(SLACK, 200, "text/html", b"ok") is Verdict.ACCEPTED


def test_whose_a_token_is() -> None:
    assert mapping.whoami_request(SLACK, "webhook\x1fT1\x1fkey") is None
    ask = mapping.whoami_request(SLACK, "xoxb-1")
    assert ask is not None
    assert (ask.method, ask.target) == ("POST", b"/api/auth.test")
    assert mapping.whoami_account(SLACK, 200, b'{"ok": true, "team_id": "T1", "user_id": "U1"}') == "T1:U1"
    assert mapping.whoami_account(SLACK, 200, b'{"ok": false, "error": "invalid_auth"}') is None
