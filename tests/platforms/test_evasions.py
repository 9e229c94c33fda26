"""Requests that one server reads as one thing and another as something else: refused, or judged as both."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import aiohttp
import httpx
import pytest
import requests

from gateway.core.records import Verdict
from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest, Platform
from gateway.platforms.routemap import load
from gateway.platforms.scalars import MAX_CHARACTERS
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import BOUNDARY, FORM, JSON, MULTIPART, call, multipart, read, recognised
from tests.platforms.test_routemap import GOOD

MATRIX, TELEGRAM, WECHAT, SLACK = [load_shipped(name) for name in ("matrix", "telegram", "wechat", "slack")]
SEND = "/_matrix/client/v3/rooms/!r:home/send/m.room.message/1"
EVENT = b'{"msgtype": "m.text", "body": "hello"}'
BAD = "I am going to kill you"
ESCAPED = "".join([f"\\u{ord(char):04x}" for char in BAD])
BOT = "/bot1:A/sendMessage"


def mine(old: str = "", new: str = "", **flags: str) -> Platform:
    """The shortest map, changed."""
    assert old in GOOD
    return load(GOOD.replace(old, new, 1) + "".join([f"{name}: {value}\n" for name, value in flags.items()]))


def api(body: Any, *headers: tuple[str, str], query: str = "") -> mapping.Call:
    """A request to the shortest map."""
    return call("POST", "/api/r1/messages", query, body, headers=(("authorization", "Bearer t"), *headers))


# The head


COOKIES = mine("account: bearer", "account: [bearer, 'cookie:TOKEN']")


@pytest.mark.parametrize(
    ("cookies", "expected"),
    [
        ("TOKEN=abc", "abc"),
        ('a=b; TOKEN="abc"; c=TOKEN=d', "abc"),
        ("token=abc", None),
        ("TOKEN=", None),
        ("XTOKEN=abc", None),
    ],
)
def test_a_cookie_is_a_credential(cookies: str, expected: str | None) -> None:
    request = call("POST", "/api/r1/messages", body={"text": "hi"}, headers=(("cookie", cookies),))
    match = recognised(COOKIES, request)
    assert mapping.credential_in_head(COOKIES, match)
    assert mapping.credential(COOKIES, request, match) == expected
    assert mapping.credential(COOKIES, request, None) == expected


@pytest.mark.parametrize(
    "headers",
    [
        (("cookie", "TOKEN=a; TOKEN=b"),),
        (("cookie", "TOKEN=a; TOKEN=a"),),
        (("cookie", "TOKEN=a"), ("cookie", "TOKEN=b")),
        (("cookie", "TOKEN=a"), ("authorization", "Bearer b")),
    ],
)
def test_two_cookies_that_may_differ_are_refused(headers: tuple[tuple[str, str], ...]) -> None:
    request = call("POST", "/api/r1/messages", body={"text": "hi"}, headers=headers)
    with pytest.raises(BadRequest):
        mapping.credential(COOKIES, request, recognised(COOKIES, request))


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/json; application/x-www-form-urlencoded", json.dumps({"a": f"&chat_id=1&text={BAD}&b="})),
        ("application/x-www-form-urlencoded; application/json", '{"a":"=","text":"' + ESCAPED + '"}'),
        ("application/x-www-form-urlencoded; multipart/form-data; boundary=x", "a=b"),
        ("application/json, multipart/form-data", '{"text": "hi"}'),
        ("application/json; charset=utf-8; charset=utf-8", '{"text": "hi"}'),
        ("application/json; version=1", '{"text": "hi"}'),
        ("application/json;", '{"text": "hi"}'),
        ("application/json\xa0", '{"text": "hi"}'),
        ("json", '{"text": "hi"}'),
        ("", '{"text": "hi"}'),
        (f"{MULTIPART}; boundary*=utf-8''y", multipart(("text", "a"))),
        (f"multipart/form-data; boundaryx=y; boundary={BOUNDARY}", multipart(("text", "a"))),
        (f"multipart/form-data; boundary={BOUNDARY}; boundary=y", multipart(("text", "a"))),
        (f"{MULTIPART}; charset=utf-8", multipart(("text", "a"))),
        (f'multipart/form-data; boundary="{BOUNDARY}', multipart(("text", "a"))),
        (f"multipart/form-data; boundary='{BOUNDARY}'", multipart(("text", "a"))),
        (f"multipart/form-data, boundary={BOUNDARY}", multipart(("text", "a"))),
        (f"multipart/mixed; boundary={BOUNDARY}", multipart(("text", "a"))),
    ],
)
def test_a_content_type_in_which_servers_find_two(content_type: str, body: str | bytes) -> None:
    request = mapping.Call(
        "POST",
        BOT.encode(),
        b"",
        ((b"content-type", content_type.encode("latin-1")),),
        body if isinstance(body, bytes) else body.encode(),
    )
    with pytest.raises(BadRequest):
        read(TELEGRAM, request)


@pytest.mark.parametrize(
    ("content_type", "good"),
    [
        ("text/plain", True),
        ("application/x-www-form-urlencoded", True),
        ("text/plain; charset=UTF-8", True),
        (None, True),
        ("text/plain; application/json", False),
        ("text/plain; a=b", False),
        ("multipart/form-data; boundary=x", False),
    ],
)
def test_a_content_type_that_is_not_heeded_is_one_all_the_same(content_type: str | None, good: bool) -> None:
    request = call("PUT", SEND, body=EVENT, content_type=content_type)
    if good:
        assert read(MATRIX, request).texts == ("hello",)
    else:
        with pytest.raises(BadRequest):
            read(MATRIX, request)


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ('APPLICATION/json ; Charset="UTF-8"', b'{"text": "a"}'),
        ("application/x-www-form-urlencoded;charset=utf8", b"text=a"),
        (f'multipart/form-data; boundary="{BOUNDARY}"', multipart(("text", "a"))),
        (f"Multipart/Form-Data;Boundary={BOUNDARY}", multipart(("text", "a"))),
    ],
)
def test_usual_content_types_are_read(content_type: str, body: bytes) -> None:
    assert read(TELEGRAM, call("POST", BOT, body=body, content_type=content_type)).texts == ("a",)


def _of_httpx(**body: Any) -> tuple[str, bytes]:
    request = httpx.Request("POST", "http://x", **body)
    return request.headers["content-type"], request.read()


def _of_requests(**body: Any) -> tuple[str, bytes]:
    request = requests.Request("POST", "http://x", **body).prepare()
    content = request.body or b""
    return str(request.headers["content-type"]), content if isinstance(content, bytes) else str(content).encode()


CLIENTS = [
    ("httpx form", *_of_httpx(data={"text": "a b"})),
    ("httpx json", *_of_httpx(json={"text": "a b"})),
    ("httpx multipart", *_of_httpx(data={"text": "a b"}, files={"f": ("n", b"x", "image/png")})),
    ("requests form", *_of_requests(data={"text": "a b"})),
    ("requests json", *_of_requests(json={"text": "a b"})),
    ("requests multipart", *_of_requests(data={"text": "a b"}, files={"f": ("n", b"x", "image/png")})),
]


@pytest.mark.parametrize(("name", "content_type", "body"), CLIENTS, ids=[name for name, *_ in CLIENTS])
def test_what_clients_send_is_read(name: str, content_type: str, body: bytes) -> None:
    assert "a b" in read(TELEGRAM, call("POST", BOT, body=body, content_type=content_type)).texts


class _Written(list[bytes]):
    async def write(self, data: bytes) -> None:
        self.append(bytes(data))


async def test_what_aiohttp_sends_is_read() -> None:
    form = aiohttp.FormData({"chat_id": "1"}, default_to_multipart=True)
    form.add_field("text", "a b")
    form.add_field("photo", b"abc", filename="p.png", content_type="image/png")
    payload, written = form(), _Written()
    await payload.write(written)  # type: ignore[arg-type]
    request = call("POST", BOT, body=b"".join(written), content_type=payload.headers["content-type"])
    assert "a b" in read(TELEGRAM, request).texts


# Multipart


@pytest.mark.parametrize(
    ("line", "good"),
    [
        ("Content-Type: text/plain", True),
        ('Content-Type: text/plain; charset="UTF-8"', True),
        ("Content-Type: application/json", True),
        ("Content-Transfer-Encoding: 8bit", True),
        ("Content-Type: application/x-www-form-urlencoded", False),
        ("Content-Type: application/octet-stream", False),
        ("Content-Type: text/html", False),
        ("Content-Type: text/plain; charset=utf-7", False),
        ("Content-Type: text/plain; application/x-www-form-urlencoded", False),
        ("Content-Type: text/plain; x=multipart/mixed", False),
        ("Content-Transfer-Encoding: base64", False),
        ("Content-Transfer-Encoding: quoted-printable", False),
    ],
)
def test_a_field_is_a_text(line: str, good: bool) -> None:
    body = multipart(("text", "a")).replace(b"\r\n\r\n", f"\r\n{line}\r\n\r\n".encode(), 1)
    request = call("POST", BOT, body=body, content_type=MULTIPART)
    if good:
        assert read(TELEGRAM, request).texts == ("a",)
    else:
        with pytest.raises(BadRequest):
            read(TELEGRAM, request)


# JSON


FOLD = mine("    target: path:room", "    target: json:Chat\n    media: [{where: 'json:File_Ids.*'}]", json_keys="fold")


def test_keys_in_any_case() -> None:
    message = read(FOLD, api({"TEXT": "hi", "file_ids": ["f1"], "cHAT": "c1", "Buy Now!": 1}))
    assert message.texts == ("hi", "Buy Now!", "1")
    assert (message.target, [media.url for media in message.media]) == ("c1", ["mine:f1"])
    assert read(FOLD, api({"text": "hi", "FILE_ID\u017f": ["f1"]})).media[0].url == "mine:f1"
    exact = mine("    target: path:room", "    media: [{where: 'json:file_ids.*'}]")
    assert read(exact, api({"text": "hi", "FILE_IDS": ["f1"]})).media == ()


@pytest.mark.parametrize("body", [{"text": "a", "Text": "b"}, {"a": [{"b": 1, "B": 2}]}, {"\u017fx": 1, "SX": 2}])
def test_two_keys_that_differ_in_case(body: Any) -> None:
    with pytest.raises(BadRequest):
        read(FOLD, api(body))
    assert read(mine(), api(body)).texts


def test_keys_in_any_case_in_json_in_a_text() -> None:
    platform = mine("json:text, json:**", "'json-in-json:content:text', json:**", json_keys="fold")
    assert read(platform, api({"Content": '{"TEXT": "h\\u0069"}'})).texts[0] == "hi"
    with pytest.raises(BadRequest):
        read(platform, api({"content": '{"text": "hi", "TEXT": "x"}'}))


def test_all_that_may_be_shown() -> None:
    platform = mine("json:text, json:**", "shown:json:**")
    texts = read(platform, api({"a": {"b": "k<b>i</b>ll k**i**ll"}})).texts
    assert texts == ("k<b>i</b>ll k**i**ll", "kill k**i**ll", "k<b>i</b>ll kill", "kill kill")
    assert read(platform, api({"a": "plain"})).texts == ("plain",)
    anywhere = mine("json:text, json:**", "'shown:param:**'")
    assert read(anywhere, api({"a": "k&#105;ll"}, query="q=k__i__ll")).texts == (
        "k__i__ll",
        "kill",
        "k&#105;ll",
        "k__i__ll\nk&#105;ll",
        "k__i__ll\nkill",
        "kill\nkill",
    )


@pytest.mark.parametrize(
    "text",
    [
        r'{"text":"I am going to \u006bill\u0020\u0079ou", "n": 01}',
        '[[{"text":"' + ESCAPED + '","callback_data":"1","z":+1}]]',
        "{'text': '" + ESCAPED + "'}",
        '[{"text":"' + ESCAPED + '",}]',
        '[{"text":"' + ESCAPED + '"}] x',
        '{"text":"' + BAD.replace("k", "\\k").replace("g", "\\g") + '", "n": 01}',
        '{"text":"' + "".join([f"\\x{ord(char):02x}" for char in BAD]) + '", "n": 01}',
    ],
)
def test_json_that_only_lenient_servers_read(text: str) -> None:
    request = call("POST", BOT, body={"text": "hi", "reply_markup": text}, content_type=FORM)
    try:
        texts = read(TELEGRAM, request).texts
    except BadRequest:
        return
    assert any(BAD in judged for judged in texts)
    other = call("POST", BOT, body={"text": "hi", "other": text}, content_type=FORM)
    assert any(BAD in judged for judged in read(TELEGRAM, other).texts)


def test_an_escape_outside_of_unicode_is_no_failure() -> None:
    for text in (r"[\ud800 x", r"[\u{FFFFFF} x", "[\\", r"[\ud83d\ude00"):
        for judged in read(TELEGRAM, call("POST", BOT, body={"text": text})).texts:
            judged.encode()
    assert "[\U0001f600" in read(TELEGRAM, call("POST", BOT, body={"text": r"[\ud83d\ude00"})).texts


# Methods


@pytest.mark.parametrize(
    ("platform", "method", "path", "expected"),
    [
        (TELEGRAM, "HEAD", BOT, "publish"),
        (TELEGRAM, "PUT", BOT, "refused"),
        (TELEGRAM, "DELETE", BOT, "refused"),
        (TELEGRAM, "OPTIONS", BOT.upper().replace("/BOT", "/bot"), "refused"),
        (TELEGRAM, "PUT", "/bot1:A/getMe", "unlisted"),
        (SLACK, "HEAD", "/api/chat.postMessage", "message"),
        (SLACK, "PATCH", "/api/chat.postMessage", "refused"),
        (SLACK, "HEAD", "/api//chat.postMessage", "refused"),
        (WECHAT, "HEAD", "/cgi-bin/token", "token"),
        (MATRIX, "HEAD", SEND, "passes"),
        (MATRIX, "GET", SEND, "passes"),
        (load_shipped("discord"), "GET", "/api/v10/channels/1/messages", "passes"),
    ],
)
def test_methods_that_servers_take_for_others(platform: Platform, method: str, path: str, expected: str) -> None:
    try:
        match = mapping.recognise(platform, method, path.encode(), b"text=a", ())
    except Ambiguous:
        assert expected == "refused"
    else:
        assert ("passes" if match.passes else match.route.id) == expected


def test_a_message_sent_by_head_is_judged() -> None:
    assert read(TELEGRAM, call("HEAD", BOT, urlencode({"text": BAD}), content_type=None)).texts == (BAD,)


# Sizes


def test_the_characters_of_all_texts_are_bounded() -> None:
    half = "x " * (MAX_CHARACTERS // 4)
    assert half in read(TELEGRAM, call("POST", BOT, body={"text": half, "caption": half})).texts
    with pytest.raises(BadRequest) as caught:
        read(TELEGRAM, call("POST", BOT, body={"text": half, "caption": half + "x"}))
    [(field, message)] = caught.value.problems
    assert field in ("text", "caption")
    assert f"{MAX_CHARACTERS} characters" in message
    assert "send it in several" in message


@pytest.mark.parametrize("body", [{"text": "<b>a</b>" * 2**19}, {"a": ["<b>a</b>"] * 9_000 + ["<b>a</b>" * 20_000]}])
def test_long_html_is_refused(body: Any) -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", BOT, body=body, content_type=JSON))
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", BOT, body={"text": str(body)}, content_type=FORM))


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b"1," * 10_001 + b"1]",
        b'{"a": [' + b"{}," * 10_001 + b"{}]}",
        b'{"a": "' + b"x" * 1024 * 1024 + b'"}',
        b'"' + rb"\"" * 500_000 + b"," * 20_000,
    ],
)
def test_large_json_is_refused_before_it_is_built(body: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    def build(_body: bytes) -> Any:
        raise AssertionError("it is built")

    if not body.startswith(b'"'):
        monkeypatch.setattr("gateway.platforms.strict_json.orjson.loads", build, raising=False)
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", BOT, body=body))


def test_a_large_form_is_refused_before_it_is_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    def decode(_data: bytes) -> Any:
        raise AssertionError("it is decoded")

    monkeypatch.setattr("gateway.platforms.forms.unquote_to_bytes", decode)
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", BOT, body=b"text=" + b"%41" * 1024 * 1024, content_type=FORM))


def test_commas_in_a_text_are_no_values() -> None:
    text = ", " * 20_000 + "."
    assert read(TELEGRAM, call("POST", BOT, body={"text": text})).texts == (text,)


# Credentials and identifiers


@pytest.mark.parametrize("token", ["xoxbSECRET ", " xoxbSECRET", "xoxb\tSECRET", "xoxb SECRET", ["x"], {"a": "b"}, {}])
def test_a_credential_is_never_a_text(token: Any) -> None:
    request = call("POST", "/api/chat.postMessage", body={"token": token, "channel": "C", "text": "Good morning"})
    with pytest.raises(BadRequest):
        read(SLACK, request)


def test_a_long_credential_is_no_text() -> None:
    request = call("POST", "/cgi-bin/message/custom/send", f"access_token={'t' * 512}", {"text": {"content": "hi"}})
    assert read(WECHAT, request).texts == ("hi",)


@pytest.mark.parametrize("evil", ["a\x00b", "a\x1fb", "\udc80"])
@pytest.mark.parametrize("where", ["credential", "target", "refs", "idempotency"])
def test_what_no_store_keeps_is_no_identifier(evil: str, where: str) -> None:
    platform = mine(
        "    target: path:room",
        "    target: path:room\n    account: [query:key, bearer]\n    refs: [path:room]\n    idempotency: path:room",
    )
    encoded = "".join([f"%{byte:02x}" for byte in evil.encode("utf-8", "surrogateescape")])
    path = "/api/r1/messages" if where == "credential" else f"/api/{encoded}/messages"
    query = f"key={encoded}" if where == "credential" else ""
    request = call("POST", path, query, {"text": "hi"}, headers=(("authorization", "Bearer t"),))
    match = recognised(platform, request)
    ask: dict[str, Callable[[], object]] = {
        "credential": lambda: mapping.credential(platform, request, match),
        "target": lambda: read(platform, request),
        "refs": lambda: mapping.references(platform, match, request),
        "idempotency": lambda: mapping.idempotency(platform, match, request),
    }
    with pytest.raises(BadRequest):
        ask[where]()


def test_a_path_without_utf8_is_judged_as_far_as_it_goes() -> None:
    platform = mine("    target: path:room\n", "")
    request = call("POST", "/api/%ff%20you/messages", body={"text": "hi"})
    for text in read(platform, request).texts:
        text.encode()


@pytest.mark.parametrize(
    ("content_type", "body", "query", "expected"),
    [
        (JSON, b'{"text": "a", "nonce": "5"}', "", True),
        (MULTIPART, multipart(("payload_json", '{"text": "a", "nonce": "5"}')), "", True),
        (JSON, b'{"text": "a"}', "nonce=5", False),
        (MULTIPART, multipart(("nonce", "5"), ("payload_json", '{"text": "a"}')), "", False),
    ],
)
def test_a_key_may_stand_in_one_of_two_places(content_type: str, body: bytes, query: str, expected: bool) -> None:
    platform = mine(
        "    target: path:room",
        "    body: [json, multipart]\n    idempotency: [[json:nonce], ['part-json:payload_json:nonce']]",
    )
    request = call("POST", "/api/r1/messages", query, body, content_type)
    assert (mapping.idempotency(platform, recognised(platform, request), request) is not None) == expected


def test_a_list_of_selectors_is_one_key() -> None:
    platform = mine("    target: path:room", "    idempotency: [json:a, json:b]")
    for body, expected in (({"a": "1"}, False), ({"a": "1", "b": "2"}, True), ({"a": ["1", "2"], "b": "2"}, False)):
        request = api(body)
        assert (mapping.idempotency(platform, recognised(platform, request), request) is not None) == expected


# What is answered


VERDICTS = mine(
    verdicts="{field: 'json:code', good: 0, error: 'json:err', expired: 1, repeated: [7, dup], repeated_statuses: 409, "
    "later: [45009], later_statuses: [429, 420]}"
)


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (200, {"code": 0}, Verdict.ACCEPTED),
        (200, {"code": 5}, Verdict.REFUSED),
        (200, {"code": 7}, Verdict.ACCEPTED),
        (400, {"err": "dup"}, Verdict.ACCEPTED),
        (409, {"code": 5}, Verdict.ACCEPTED),
        (409, None, Verdict.ACCEPTED),
        (409, {"code": 1}, Verdict.EXPIRED),
        (200, {"code": 45009}, Verdict.LATER),
        (420, None, Verdict.LATER),
        (429, {"code": 0}, Verdict.LATER),
        (503, None, Verdict.UNSURE),
    ],
)
def test_repeated_and_later(status: int, body: Any, expected: Verdict) -> None:
    assert mapping.verdict(VERDICTS, status, JSON, b"" if body is None else json.dumps(body).encode()) is expected


@pytest.mark.parametrize("platform", [MATRIX, TELEGRAM, SLACK, WECHAT])
def test_too_many_requests_are_refused_for_now_only(platform: Platform) -> None:
    assert mapping.verdict(platform, 429, "", b"") is Verdict.LATER
