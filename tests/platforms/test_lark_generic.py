"""The Lark map, whose content is JSON in a text, and the template for apps without a public API."""

from __future__ import annotations

import json

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import JSON, Row, call, check, passes, recognised

LARK, GENERIC = load_shipped("lark"), load_shipped("generic")
AUTH = (("authorization", "Bearer t-1"),)


def row(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row of a Lark app."""
    return Row(method, path, body, route, texts, **{"credential": "t-1", "headers": AUTH, **more})  # type: ignore[arg-type]


def message(content: object, **more: object) -> dict[str, object]:
    """A message to a chat."""
    return {"receive_id": "oc_1", "msg_type": "x", "content": json.dumps(content), **more}


IM = "/open-apis/im/v1/messages"
CARD = {
    "header": {"title": {"tag": "plain_text", "content": "T"}},
    "elements": [{"tag": "div", "text": {"content": "deep"}}],
}
LARK_ROWS = [
    row("POST", f"{IM}?receive_id_type=chat_id", message({"text": "hi"}), "message", "hi", target="oc_1"),
    row("POST", IM, message({"text": "hi"}, uuid="k1"), "message", "hi", target="oc_1", repeatable=True),
    row(
        "POST",
        IM,
        message({"zh_cn": {"title": "T", "content": [[{"tag": "text", "text": "deep"}]]}}),
        "message",
        "T",
        "deep",
        target="oc_1",
    ),
    row(
        "POST", IM, message({"image_key": "img_1"}), "message", target="oc_1", media=(Media("image/png", "lark:img_1"),)
    ),
    row("POST", IM, message(CARD), "message", "T", "deep", target="oc_1"),
    row(
        "POST",
        IM,
        message({"type": "template", "data": {"template_id": "AA", "template_variable": {"v": "deep"}}}),
        "message",
        "template",
        "AA",
        "deep",
        target="oc_1",
        doubts=("unknown_reference",),
    ),
    row(
        "POST",
        IM,
        message({"type": "card", "data": {"card_id": "7"}}),
        "message",
        "card",
        target="oc_1",
        references=("7",),
    ),
    row("POST", f"{IM}/om_1/reply", message({"text": "hi"}), "message", "hi", target="oc_1"),
    row("PUT", f"{IM}/om_1", message({"text": "new"}), "edit", "new", "oc_1", "oc1", target="om_1"),
    row(
        "PATCH",
        f"{IM}/om_1",
        {"content": json.dumps(CARD)},
        "edit",
        "T",
        "deep",
        target="om_1",
    ),
    row("POST", f"{IM}/om_1/forward", {"receive_id": "oc_1"}, "forward", target="oc_1", references=("om_1",)),
    row(
        "POST",
        f"{IM}/merge_forward",
        {"receive_id": "oc_1", "message_id_list": ["om_1", "om_2"]},
        "merge_forward",
        target="oc_1",
        references=("om_1", "om_2"),
    ),
    row(
        "POST",
        "/open-apis/message/v4/batch_send/",
        {"department_ids": ["d1"], "msg_type": "text", "content": {"text": "hi"}},
        "batch",
        "hi",
        "d1",
    ),
    row(
        "POST",
        "/open-apis/ephemeral/v1/send",
        {"chat_id": "oc_1", "card": CARD},
        "batch",
        "T",
        "deep",
        target="oc_1",
    ),
    row(
        "POST",
        "/open-apis/cardkit/v1/cards",
        {"type": "card_json", "data": '{"body": "h\\u0069"}'},
        "card",
        "hi",
    ),
    row("PUT", "/open-apis/cardkit/v1/cards/7/elements/e/content", {"content": "more", "sequence": 2}, "card", "more"),
    row("POST", "/open-apis/im/v2/app_feed_card", {"app_feed_card": {"title": "T", "preview": "P"}}, "feed", "T", "P"),
    row(
        "POST",
        IM,
        message({"zh_cn": {"content": [[{"image_key": "img_2"}, {"file_key": "file_2"}]]}}),
        "message",
        target="oc_1",
        media=(Media("image/png", "lark:img_2"), Media("application/octet-stream", "lark:file_2")),
    ),
    row(
        "POST",
        IM,
        message({"elements": [{"columns": [{"elements": [{"img_key": "img_3"}]}]}]}),
        "message",
        target="oc_1",
        media=(Media("image/png", "lark:img_3"),),
    ),
    row("POST", IM, message({"text": "k**i**ll"}), "message", "k**i**ll", "kill", target="oc_1"),
    row(
        "POST",
        IM,
        message({"elements": [{"content": "k**i**ll <at id=all></at>"}]}),
        "message",
        "k**i**ll <at id=all></at>",
        "k**i**ll",
        "kill <at id=all></at>",
        "kill",
        target="oc_1",
    ),
    row(
        "POST",
        IM,
        {"Receive_ID": "oc_1", "Content": '{"Text": "k**i**ll"}'},
        "message",
        "k**i**ll",
        "kill",
        target="oc_1",
    ),
    row(
        "POST", "/open-apis/im/v1/chats/oc_1/chat_tabs", {"chat_tabs": [{"tab_name": "come here"}]}, "chat", "come here"
    ),
    row(
        "PATCH",
        "/open-apis/im/v1/chats/oc_1/menu_items/7",
        {"chat_menu_item": {"name": "come here"}},
        "chat",
        "come here",
    ),
    row(
        "POST",
        "/open-apis/mail/v1/user_mailboxes/me/messages/send",
        {"subject": "S", "body_html": "<p>k<b>i</b>ll</p>"},
        "mail",
        "S",
        "<p>k<b>i</b>ll</p>",
        "kill",
    ),
    row(
        "POST",
        "/open-apis/mail/v1/user_mailboxes/me/messages/send",
        {"raw": "QQ=="},
        "mail",
        "QQ==",
        doubts=("unreadable_part",),
    ),
    row("POST", "/open-apis/mail/v1/user_mailboxes/me/drafts/d1/send", {}, "mail_draft", references=("draft me d1",)),
    row(
        "POST",
        "/open-apis/drive/v1/files/f1/comments",
        {"reply_list": {"replies": [{"content": {"elements": [{"text_run": {"text": "come here"}}]}}]}},
        "document",
        "come here",
    ),
    row(
        "POST",
        "/open-apis/docx/v1/documents/d1/blocks/b1/children",
        {"children": [{"text": {"elements": [{"text_run": {"content": "come here"}}]}}]},
        "document",
        "come here",
    ),
    row("PATCH", "/open-apis/calendar/v4/calendars/c1/events/e1", {"summary": "come here"}, "document", "come here"),
    row("PUT", "/open-apis/im/v1/chats/oc_1", {"name": "N", "description": "D"}, "chat", "N", "D"),
    row(
        "POST",
        "/open-apis/bot/v2/hook/h1",
        {"msg_type": "text", "content": {"text": "hi"}},
        "webhook",
        "hi",
        headers=(),
        credential="webhook h1",
    ),
]
GENERIC_ROWS = [
    row(
        "POST",
        "/api/messages",
        {"title": "T", "text": "hi", "to": "c1", "client_id": "k1", "images": ["https://one.example/a"]},
        "message",
        "T",
        "hi",
        "https://one.example/a",
        target="c1",
        repeatable=True,
        media=(Media("image/jpeg", "https://one.example/a"),),
    ),
    row("POST", "/api/channels/c1/messages", {"footer": "k**i**ll"}, "message", "k**i**ll", "kill"),
    row("POST", "/api/channels/c1/messages", {"html": "<p>h<b>i</b></p>"}, "message", "hi"),
    row("PUT", "/api/messages/m1", {"text": "new"}, "edit", "new", target="m1"),
    row("POST", "/api/messages/m1/forward", {"to": "c2"}, "forward", target="c2", references=("m1",)),
]


@pytest.mark.parametrize("row", LARK_ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read_on_lark(row: Row) -> None:
    check(LARK, row)


@pytest.mark.parametrize("row", GENERIC_ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read_by_the_template(row: Row) -> None:
    check(GENERIC, row)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", IM),
        ("DELETE", f"{IM}/om_1"),
        ("POST", f"{IM}/om_1/reactions"),
        ("POST", "/open-apis/calendar/v4/calendars/search"),
        ("POST", "/open-apis/calendar/v4/calendars/primary"),
    ],
)
def test_what_passes_on_lark(method: str, path: str) -> None:
    assert passes(LARK, method, path)


def test_a_token_that_is_handed_out_tells_whose_it_is() -> None:
    request = call(
        "POST", "/open-apis/auth/v3/tenant_access_token/internal", body={"app_id": "cli_1", "app_secret": "s"}
    )
    answer = b'{"code": 0, "tenant_access_token": "t-1", "expire": 7140}'
    assert mapping.learned(LARK, recognised(LARK, request), request, 200, JSON, answer) == ("t-1", "cli_1", 7140.0)
