"""Uploads, and the rarer writes that readers see: what is read in them."""

from __future__ import annotations

import hashlib
import json

import pytest

from gateway.core.model import Media
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, MULTIPART, Row, check, multipart

PNG = b"\x89PNG\r\n"
FILE = (Media("image/png", sha256=hashlib.sha256(PNG).hexdigest()),)
FORM_FILE = multipart(("file", "a.png", PNG))
BEARER = (("authorization", "Bearer tok"),)
REASON = ("x-audit-log-reason", "k**i**ll")


def upload(
    url: str, method: str = "POST", body: bytes = PNG, route: str = "upload", *texts: str, **more: object
) -> Row:
    """A picture that is uploaded as the whole body, unless ``body`` is a form of files."""
    given = {
        "credential": "tok",
        "headers": BEARER,
        "media": FILE,
        "content_type": "image/png" if body == PNG else MULTIPART,
        **more,
    }
    return Row(method, url, body, route, texts, **given)  # type: ignore[arg-type]


def write(method: str, url: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A request with JSON."""
    return Row(method, url, body, route, texts, **{"credential": "tok", "headers": BEARER, **more})  # type: ignore[arg-type]


LARK = "/open-apis"
ROWS: dict[str, list[Row]] = {
    "discord": [
        Row(
            "DELETE",
            "/api/v10/channels/5/messages/6",
            b"",
            "reason",
            ("k**i**ll", "kill"),
            credential="Bot tok",
            headers=(("authorization", "Bot tok"), REASON),
            content_type=None,
        )
    ],
    "generic": [upload("/api/files", "POST", FORM_FILE, "upload", "a.png")],
    "lark": [
        upload(f"{LARK}/im/v1/images", "POST", FORM_FILE, "upload", "a.png"),
        upload(
            f"{LARK}/drive/v1/files/upload_part", "POST", FORM_FILE, "upload_part", "a.png", doubts=("unreadable_part",)
        ),
        write(
            "POST",
            f"{LARK}/approval/v4/tasks/reject",
            {"task_id": "1", "comment": "k**i**ll"},
            "approval",
            "k**i**ll",
            "kill",
        ),
        write(
            "POST",
            f"{LARK}/helpdesk/v1/faqs",
            {"faq": {"question": "why?", "answer": "so it is"}},
            "helpdesk_faq",
            "why?",
            "so it is",
        ),
        write(
            "POST",
            f"{LARK}/helpdesk/v1/notifications",
            {"job_name": "spring", "push_content": json.dumps({"t": "deep"})},
            "helpdesk_notification",
            "spring",
            "deep",
        ),
        write(
            "POST",
            f"{LARK}/helpdesk/v1/notifications/7/execute_send",
            {"send_at": "later on"},
            "helpdesk_send",
            "later on",
            references=("notification 7",),
        ),
        write(
            "PUT", f"{LARK}/sheets/v2/spreadsheets/s1/values", {"valueRange": {"values": [["deep"]]}}, "sheet", "deep"
        ),
    ],
    "line": [upload("/v2/bot/richmenu/m1/content", "POST", PNG, "menu_picture", target="m1")],
    "matrix": [
        upload("/_matrix/media/v3/upload?filename=a%20cat.png", "POST", PNG, "upload", "a cat.png"),
        write("PUT", "/_matrix/client/v3/devices/D", {"display_name": "k**i**ll"}, "device", "k**i**ll", "kill"),
        write(
            "PUT",
            "/_matrix/client/v3/user/@a:home/account_data/im.ponies.user_emotes",
            {"images": {"x": {"url": "mxc://home/1", "body": "deep"}}},
            "account_data",
            "deep",
            media=(Media("application/octet-stream", "matrix:mxc://home/1"),),
        ),
    ],
    "mattermost": [
        upload("/api/v4/files", "POST", FORM_FILE, "upload", "a.png"),
        upload("/api/v4/emoji", "POST", PNG, "upload"),
        upload("/api/v4/uploads/u1", "POST", PNG, "upload_data"),
        write("POST", "/api/v4/posts/p1/restore/v1", {}, "again", references=("p1",)),
    ],
    "slack": [
        write(
            "POST",
            "/api/calls.add",
            {"title": "k_i_ll", "join_url": "https://one.example"},
            "calls",
            "k_i_ll",
            "kill",
            "https://one.example",
        ),
        Row(
            "POST",
            "/triggers/T1/2/key",
            {"greeting": "k_i_ll"},
            "workflow",
            ("k_i_ll", "kill"),
            credential="webhook T1 key",
        ),
    ],
    "telegram": [
        Row(
            "POST",
            "/bot12:AA-b/approveSuggestedPost",
            {"chat_id": "5", "message_id": "7"},
            "approve_post",
            (),
            target="5",
            credential="12:AA-b",
            references=("5 7",),
            content_type=FORM,
        ),
        Row("POST", "/bot12:AA-b/setWebhook", {"url": ""}, "webhook_away", (), credential="12:AA-b", content_type=FORM),
    ],
    "wechat": [
        Row(
            "POST",
            "/cgi-bin/media/upload?access_token=tok&type=image",
            FORM_FILE,
            "upload",
            ("a.png",),
            credential="tok",
            media=FILE,
            content_type=MULTIPART,
        ),
        Row(
            "POST",
            "/merchant/common/upload_img?access_token=tok&filename=a.png",
            PNG,
            "upload_raw",
            ("a.png",),
            credential="tok",
            media=FILE,
            content_type="image/png",
        ),
    ],
    "zulip": [
        upload(
            "/api/v1/user_uploads",
            "POST",
            FORM_FILE,
            "upload",
            "a.png",
            credential="u@one.example:k",
            headers=(("authorization", "Basic dUBvbmUuZXhhbXBsZTpr"),),
        ),
        upload(
            "/api/v1/tus",
            "POST",
            PNG,
            "upload_tus",
            credential="u@one.example:k",
            headers=(("authorization", "Basic dUBvbmUuZXhhbXBsZTpr"),),
        ),
    ],
}


@pytest.mark.parametrize(("name", "row"), [(name, row) for name, rows in ROWS.items() for row in rows], ids=str)
def test_what_is_read_in_uploads(name: str, row: Row) -> None:
    check(load_shipped(name), row)
