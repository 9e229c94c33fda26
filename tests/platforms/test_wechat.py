"""The WeChat Official Account map: JSON whatever the Content-Type, articles, and content known by its media id."""

from __future__ import annotations

import hashlib

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import JSON, MULTIPART, Row, call, check, multipart, passes, read, recognised

WECHAT = load_shipped("wechat")
JPEG = "image/jpeg"
PNG = b"\x89PNG"
FILE = Media("image/png", sha256=hashlib.sha256(PNG).hexdigest())
BASE = {"brand_name": "B", "title": "T", "logo_url": "https://one.example/l.png"}
ARTICLE = {
    "title": "T",
    "author": "A",
    "digest": "D",
    "content": "<p>go<b>o</b>d</p><script>x()</script>",
    "thumb_media_id": "th1",
    "content_source_url": "https://one.example",
}


def row(url: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A POST with a token in the query."""
    given = {"credential": "tok", "content_type": None, **more}
    return Row("POST", f"/cgi-bin/{url}?access_token=tok", body, route, texts, **given)  # type: ignore[arg-type]


ROWS = [
    row(
        "message/custom/send",
        {"touser": "o1", "msgtype": "text", "text": {"content": "hi"}},
        "custom_send",
        "hi",
        target="o1",
    ),
    row(
        "message/custom/send",
        {"touser": "o1", "text": {"content": 'h<a href="https://one.example">i</a>'}},
        "custom_send",
        'h<a href="https://one.example">i</a>',
        "hi",
        "https://one.example",
        target="o1",
        content_type=JSON,
    ),
    row(
        "message/custom/send",
        {"touser": "o1", "image": {"media_id": "m1"}},
        "custom_send",
        target="o1",
        media=(Media(JPEG, "wechat:m1"),),
    ),
    row(
        "message/custom/send",
        {
            "touser": "o1",
            "news": {
                "articles": [
                    {"title": "T", "description": "D", "url": "https://one.example", "picurl": "https://two.example"}
                ]
            },
        },
        "custom_send",
        "T",
        "D",
        "https://one.example",
        "https://two.example",
        target="o1",
        media=(Media(JPEG, "https://two.example"),),
    ),
    row(
        "message/custom/send",
        {"touser": "o1", "mpnews": {"media_id": "d1"}},
        "custom_send",
        target="o1",
        references=("d1",),
    ),
    row(
        "message/custom/send",
        {
            "touser": "o1",
            "msgmenu": {"head_content": "H", "list": [{"id": "1", "content": "yes"}], "tail_content": "Z"},
        },
        "custom_send",
        "H",
        "yes",
        "Z",
        target="o1",
    ),
    row(
        "message/mass/sendall",
        {"filter": {"is_to_all": True}, "text": {"content": "hi"}, "msgtype": "text", "clientmsgid": "k1"},
        "mass_send",
        "hi",
        repeatable=True,
    ),
    row(
        "message/mass/sendall",
        {"filter": {"is_to_all": True}, "mpnews": {"media_id": "d1"}, "msgtype": "mpnews"},
        "mass_send",
        references=("d1",),
    ),
    row(
        "message/mass/send",
        {"touser": ["o1", "o2"], "text": {"content": "hi"}, "msgtype": "text"},
        "mass_send",
        "hi",
        target="o1,o2",
    ),
    row("message/mass/preview", {"touser": "o1", "text": {"content": "hi"}}, "mass_send", "hi", target="o1"),
    row(
        "draft/add",
        {"articles": [ARTICLE]},
        "draft_add",
        "T",
        "A",
        "D",
        "good\nx()",
        "good",
        "https://one.example",
        media=(Media(JPEG, "wechat:th1"),),
    ),
    row(
        "draft/update",
        {"media_id": "d1", "index": 0, "articles": ARTICLE},
        "draft_update",
        "T",
        "A",
        "D",
        "good\nx()",
        "good",
        "https://one.example",
        target="d1",
        media=(Media(JPEG, "wechat:th1"),),
    ),
    row(
        "media/uploadvideo",
        {"media_id": "v1", "title": "T", "description": "D"},
        "upload_video",
        "T",
        "D",
        media=(Media("video/mp4", "wechat:v1"),),
    ),
    row("freepublish/submit", {"media_id": "d1"}, "publish", references=("d1",)),
    row(
        "message/template/send",
        {
            "touser": "o1",
            "template_id": "t1",
            "url": "https://one.example",
            "data": {"first": {"value": "V", "color": "#173177"}},
            "client_msg_id": "k1",
        },
        "template_send",
        "V",
        "https://one.example",
        target="o1",
        repeatable=True,
    ),
    row(
        "message/subscribe/bizsend",
        {"touser": "o1", "template_id": "t1", "data": {"a": {"value": "V"}}},
        "template_send",
        "V",
        target="o1",
    ),
    row(
        "message/wxopen/template/uniform_send",
        {"touser": "o1", "mp_template_msg": {"data": {"a": {"value": "V"}}}},
        "template_send",
        "V",
        target="o1",
    ),
    row(
        "menu/create",
        {"button": [{"name": "B", "sub_button": [{"name": "C", "type": "click"}]}]},
        "menu",
        "B",
        "C",
        "click",
    ),
    row(
        "comment/reply/add",
        {"msg_data_id": 7, "index": 0, "user_comment_id": 1, "content": "thanks"},
        "comment_reply",
        "thanks",
        target="7",
    ),
    Row(
        "POST",
        "/customservice/kfaccount/add?access_token=tok",
        {"kf_account": "a@b", "nickname": "N"},
        "service_account",
        ("N", "a@b"),
        credential="tok",
    ),
    Row(
        "POST",
        "/customservice/kfaccount/uploadheadimg?access_token=tok&kf_account=a@b",
        multipart(("media", "a.png", PNG)),
        "service_picture",
        ("a.png", "a@b"),
        credential="tok",
        media=(FILE,),
        content_type=MULTIPART,
    ),
    Row(
        "POST",
        "/cgi-bin/material/add_material?access_token=tok&type=video",
        multipart(("description", '{"title": "T\\u0031", "introduction": "come here"}'), ("media", "a.mp4", PNG)),
        "material",
        ("a.mp4", "T1", "come here"),
        credential="tok",
        media=(FILE,),
        content_type=MULTIPART,
    ),
    Row(
        "POST",
        "/card/create?access_token=tok",
        {"card": {"card_type": "GROUPON", "groupon": {"base_info": BASE, "deal_detail": "come here"}}},
        "card",
        ("B", "T", "GROUPON", "https://one.example/l.png", "come here"),
        credential="tok",
        media=(Media("image/png", "https://one.example/l.png"),),
    ),
    row(
        "poi/addpoi",
        {"business": {"base_info": {"business_name": "N", "introduction": "come here"}}},
        "shop",
        "N",
        "come here",
    ),
    row("guide/addguideacct", {"guide_account": "a", "guide_nickname": "N"}, "guide", "N", "a"),
    row("guide/addguidewordmaterial", {"type": 0, "word": "come here"}, "guide", "come here", "0"),
    row(
        "comment/markelect",
        {"msg_data_id": 7, "index": 0, "user_comment_id": 1},
        "comment_pick",
        target="7",
        references=("comment 7 1",),
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(WECHAT, row)


@pytest.mark.parametrize(
    "path",
    [
        "user/info",
        "message/custom/typing",
        "message/mass/delete",
        "draft/batchget",
        "menu/get",
        "guide/getguideacct",
        "comment/list",
        "poi/getpoi",
    ],
)
def test_what_passes(path: str) -> None:
    assert passes(WECHAT, "POST", f"/cgi-bin/{path}")


def test_a_draft_is_known_when_it_is_published() -> None:
    draft = read(WECHAT, call("POST", "/cgi-bin/draft/add", body={"articles": [ARTICLE]}))
    known = mapping.remembered(WECHAT, "draft_add", "text/plain", b'{"media_id": "d1"}')
    submit = call("POST", "/cgi-bin/freepublish/submit", body={"media_id": "d1"})
    assert mapping.references(WECHAT, recognised(WECHAT, submit), submit) == known == ("d1",)
    message = read(WECHAT, submit, draft)
    assert (message.texts, message.media, message.doubts) == (draft.texts, draft.media, ())
    assert message.content_hash != draft.content_hash


@pytest.mark.parametrize(
    ("method", "path", "query", "body"),
    [
        ("GET", "/cgi-bin/token", "grant_type=client_credential&appid=wx1&secret=s", b""),
        ("POST", "/cgi-bin/stable_token", "", {"grant_type": "client_credential", "appid": "wx1", "secret": "s"}),
    ],
)
def test_a_token_that_is_handed_out_tells_whose_it_is(method: str, path: str, query: str, body: object) -> None:
    request = call(method, path, query, body)
    match = recognised(WECHAT, request)
    answer = b'{"access_token": "tok", "expires_in": 7200}'
    assert match.route.kind == "watch"
    assert mapping.learned(WECHAT, match, request, 200, JSON, answer) == ("tok", "wx1", 7200.0)
    assert mapping.learned(WECHAT, match, request, 200, JSON, b'{"errcode": 40013}') is None
    assert mapping.whoami_request(WECHAT, "tok") is None
