"""The Telegram map: any method name in any case, parameters wherever they stand."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import BadRequest
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, JSON, MULTIPART, Row, call, check, multipart, passes, read, recognised

TELEGRAM = load_shipped("telegram")
BOT = "/bot12:AA-b"
PNG = b"\x89PNG"
ALBUM = [{"type": "photo", "media": "attach://one", "caption": "c<b>a</b>t"}, {"type": "photo", "media": "AgAC9"}]
KEYBOARD = {"inline_keyboard": [[{"text": "press", "url": "https://one.example"}]]}


def row(method: str, url: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row with the token of the path."""
    return Row(method, f"{BOT}{url}", body, route, texts, **{"credential": "12:AA-b", "target": "5", **more})  # type: ignore[arg-type]


ROWS = [
    row("POST", "/sendMessage", {"chat_id": 5, "text": "hello"}, "publish", "hello"),
    row("POST", "/SENDMESSAGE", {"chat_id": 5, "text": "hello"}, "publish", "hello"),
    row("POST", "/test/sendMessage", {"chat_id": 5, "text": "hello"}, "publish", "hello"),
    row("GET", "/sendMessage?chat_id=5&text=hello", b"", "publish", "hello", content_type=None),
    row("GET", "/sendMessage?chat_id=5&text=one&text=two", b"", "publish", "one", "two", content_type=None),
    row("POST", "/sendMessage?text=one", {"chat_id": 5, "text": "two"}, "publish", "one", "two"),
    row("POST", "/sendMessage", {"chat_id": "5", "text": "a b+c"}, "publish", "a b+c", content_type=FORM),
    row(
        "POST",
        "/sendMessage",
        multipart(("chat_id", "5"), ("text", "hello")),
        "publish",
        "hello",
        content_type=MULTIPART,
    ),
    row(
        "POST",
        "/sendMessage",
        {"chat_id": 5, "text": "k<b>i</b>ll", "parse_mode": "HTML"},
        "publish",
        "k<b>i</b>ll",
        "kill",
    ),
    row(
        "POST",
        "/sendMessage",
        {"chat_id": 5, "text": "k*i*ll", "parse_mode": "MarkdownV2"},
        "publish",
        "k*i*ll",
        "kill",
    ),
    row(
        "POST",
        "/sendMessage",
        {"chat_id": 5, "text": "x", "reply_markup": KEYBOARD},
        "publish",
        "x",
        "press",
        "https://one.example",
    ),
    row(
        "POST",
        "/sendMessage",
        {"chat_id": "5", "text": "x", "reply_markup": '{"inline_keyboard": [[{"text": "pr\\u0065ss"}]]}'},
        "publish",
        "x",
        "press",
        content_type=FORM,
    ),
    row(
        "POST",
        "/sendPhoto",
        {"chat_id": 5, "photo": "AgAC", "caption": "cat"},
        "publish",
        "cat",
        media=(Media("image/jpeg", "telegram:AgAC"),),
    ),
    row(
        "POST",
        "/sendPhoto",
        {"chat_id": 5, "photo": "https://one.example/a.png"},
        "publish",
        "https://one.example/a.png",
        media=(Media("image/jpeg", "https://one.example/a.png"),),
    ),
    row(
        "POST",
        "/sendPhoto",
        multipart(("chat_id", "5"), ("caption", "cat"), ("photo", "cat.png", PNG)),
        "publish",
        "cat.png",
        "cat",
        media=(Media("image/png", sha256=hashlib.sha256(PNG).hexdigest()),),
        content_type=MULTIPART,
    ),
    row(
        "POST",
        "/sendMediaGroup",
        multipart(("chat_id", "5"), ("media", json.dumps(ALBUM)), ("one", "1.png", PNG)),
        "publish",
        "1.png",
        "c<b>a</b>t",
        "cat",
        "attach://one",
        media=(
            Media("application/octet-stream", "telegram:AgAC9"),
            Media("image/png", sha256=hashlib.sha256(PNG).hexdigest()),
        ),
        content_type=MULTIPART,
    ),
    row(
        "POST",
        "/sendPoll",
        {"chat_id": 5, "question": "why?", "options": ["a1", {"text": "b2"}]},
        "publish",
        "why?",
        "a1",
        "b2",
    ),
    row("POST", "/editMessageText", {"chat_id": 5, "message_id": 7, "text": "new"}, "publish", "new"),
    row("POST", "/editMessageCaption", {"chat_id": 5, "message_id": 7, "caption": "new"}, "publish", "new"),
    row(
        "POST",
        "/answerInlineQuery",
        {"inline_query_id": "1", "results": [{"type": "article", "title": "t"}]},
        "publish",
        "t",
        target=None,
    ),
    row("POST", "/answerCallbackQuery", {"callback_query_id": "1", "text": "done"}, "publish", "done", target=None),
    row("POST", "/createNewStickerSet", {"title": "set"}, "sticker_set", "set", target=None),
    row(
        "POST",
        "/addStickerToSet",
        {"user_id": "5", "name": "n", "sticker": '{"sticker": "CAAC", "keywords": ["k\\u0031"]}'},
        "sticker_set",
        "k1",
        "n",
        target=None,
        media=(Media("image/webp", "telegram:CAAC"),),
        content_type=FORM,
    ),
    row(
        "POST",
        "/sendSticker",
        {"chat_id": 5, "sticker": "CAAC"},
        "publish",
        media=(Media("image/webp", "telegram:CAAC"),),
    ),
    row(
        "POST",
        "/setPassportDataErrors",
        {"user_id": 5, "errors": [{"source": "data", "message": "k<b>i</b>ll"}]},
        "set",
        "data",
        "k<b>i</b>ll",
        "kill",
        "5",
        target=None,
    ),
    row(
        "POST",
        "/answerInlineQuery",
        {
            "inline_query_id": "1",
            "results": json.dumps(
                [
                    {"photo_file_id": "AgAC", "title": "t"},
                    {"input_message_content": {"message_text": "k*i*ll", "parse_mode": "Markdown"}},
                ]
            ),
        },
        "publish",
        "t",
        "k*i*ll",
        "kill",
        target=None,
        media=(Media("image/jpeg", "telegram:AgAC"),),
        content_type=FORM,
    ),
    row(
        "POST",
        "/sendChecklist",
        {"chat_id": 5, "checklist": {"title": "k<b>i</b>ll", "tasks": [{"text": "s_o_on"}]}},
        "publish",
        "k<b>i</b>ll",
        "kill",
        "s_o_on",
        "soon",
    ),
    row(
        "POST",
        "/sendMessage",
        {"chat_id": 5, "text": "x", "reply_parameters": {"message_id": 7, "quote": "k<i>i</i>ll"}},
        "publish",
        "x",
        "k<i>i</i>ll",
        "kill",
    ),
    row("POST", "/sendInvoice", {"chat_id": 5, "description": "k<b>i</b>ll"}, "publish", "k<b>i</b>ll", "kill"),
    row(
        "POST",
        "/postStory",
        {"caption": "c", "content": {"type": "photo", "photo": "attach://p"}},
        "publish",
        "c",
        "attach://p",
        target=None,
    ),
    row("POST", "/setChatTitle", {"chat_id": 5, "title": "T"}, "set", "T"),
    row("POST", "/setmydescription", {"description": "D"}, "set", "D", target=None),
    row(
        "POST",
        "/copyMessage",
        {"chat_id": 5, "from_chat_id": 6, "message_id": 7, "caption": "c"},
        "forward",
        "c",
        references=("6 7",),
    ),
    row(
        "POST",
        "/forwardMessages",
        {"chat_id": "5", "from_chat_id": "6", "message_ids": "[7, 8]"},
        "forward",
        references=("6 7", "6 8"),
        content_type=FORM,
    ),
    row(
        "POST",
        "/forwardMessages",
        {"chat_id": 5, "from_chat_id": 6, "message_ids": [7, 8]},
        "forward",
        references=("6 7", "6 8"),
    ),
    row(
        "POST",
        "/repostStory",
        {"from_chat_id": 6, "from_story_id": 7},
        "repost_story",
        references=("6 7",),
        target=None,
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(TELEGRAM, row)


@pytest.mark.parametrize(
    "path",
    [
        "/getUpdates",
        "/getMe",
        "/sendChatAction",
        "/SendChatAction",
        "/deleteWebhook",
        "/banChatMember",
        "/deleteMessage",
    ],
)
def test_what_passes(path: str) -> None:
    assert passes(TELEGRAM, "POST", (BOT + path))


@pytest.mark.parametrize("body", [{"url": ""}, {}, {"url": "", "drop_pending_updates": "true"}])
def test_a_webhook_that_is_taken_away_says_nothing(body: dict[str, str]) -> None:
    request = call("POST", f"{BOT}/setWebhook", body=body, content_type=FORM)
    match, message = recognised(TELEGRAM, request), read(TELEGRAM, request)
    assert (match.route.if_empty, message.texts, message.media, message.doubts) == ("pass", (), (), ())


def test_a_webhook_that_is_set_is_a_way_past_the_gateway() -> None:
    request = call("POST", f"{BOT}/setWebhook", body={"url": "https://one.example/hook"}, content_type=FORM)
    assert recognised(TELEGRAM, request).route.kind == "bypass"


@pytest.mark.parametrize("name", ["reply_markup", "options", "results", "entities", "caption_entities", "commands"])
@pytest.mark.parametrize("value", ['[{"text": "a", "text": "b"}]', '[{"text": "a"}', "[1] [2]"])
def test_json_in_a_parameter_is_read_in_one_way_or_not_at_all(name: str, value: str) -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", f"{BOT}/sendMessage", body={"text": "x", name: value}, content_type=FORM))


def test_of_an_album_no_ids_are_mixed() -> None:
    sent = [{"message_id": 7, "chat": {"id": 6}}, {"message_id": 8, "chat": {"id": 9}}]
    answer = json.dumps({"ok": True, "result": sent}).encode()
    assert mapping.remembered(TELEGRAM, "publish", JSON, answer) == ()
    reply = {"message_id": 7, "chat": {"id": 6}, "reply_to_message": {"message_id": 1, "chat": {"id": 2}}}
    answer = json.dumps({"ok": True, "result": reply}).encode()
    assert mapping.remembered(TELEGRAM, "publish", JSON, answer) == ("6\x1f7",)


def test_what_was_sent_may_be_forwarded() -> None:
    sent = read(TELEGRAM, call("POST", f"{BOT}/sendMessage", body={"chat_id": 6, "text": "known"}))
    answer = b'{"ok": true, "result": {"message_id": 7, "chat": {"id": 6}}}'
    known = mapping.remembered(TELEGRAM, "publish", JSON, answer)
    forward = call("POST", f"{BOT}/forwardMessage", body={"chat_id": 5, "from_chat_id": 6, "message_id": 7})
    assert mapping.references(TELEGRAM, recognised(TELEGRAM, forward), forward) == known
    message = read(TELEGRAM, forward, sent)
    assert (message.texts, message.doubts) == (("known",), ())


def test_a_bot_is_asked_who_it_is() -> None:
    ask = mapping.whoami_request(TELEGRAM, "12:AA/../b")
    assert ask is not None
    assert (ask.method, ask.target) == ("GET", b"/bot12:AA%2F..%2Fb/getMe")
    assert mapping.whoami_account(TELEGRAM, 200, b'{"ok": true, "result": {"id": 12}}') == "12"
