"""Every way round the recognition of a publish request: moderated, or refused; never passed."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest, Platform, Route
from gateway.platforms.shipped import load_shipped, shipped
from tests.platforms.calls import FORM, JSON, MULTIPART, call, multipart, read, recognised

MATRIX, TELEGRAM, WECHAT = load_shipped("matrix"), load_shipped("telegram"), load_shipped("wechat")
SEND = "/_matrix/client/v3/rooms/!r:home/send/m.room.message/1"
BODY = b'{"msgtype": "m.text", "body": "hello"}'
Headers = tuple[tuple[bytes, bytes], ...]


def fate(platform: Platform, method: str, path: str, query: str = "", headers: Headers = ()) -> str:
    """What becomes of a request: the id of its route, refused, or passes."""
    try:
        match = mapping.recognise(platform, method, path.encode("utf-8", "surrogateescape"), query.encode(), headers)
    except Ambiguous:
        return "refused"
    return "passes" if match.passes else match.route.id


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (SEND, "send"),
        (SEND.replace("v3", "r0"), "send"),
        (SEND.replace("v3", "unstable"), "send"),
        (SEND.replace("client/v3", "client/api/v1"), "send"),
        (SEND.replace("send", "%73end"), "send"),
        (SEND.replace("m.room", "m%2Eroom"), "send"),
        (SEND.replace("!r:home", "%21r%3Ahome"), "send"),
        (SEND.replace("!r:home", "!r%2Fhome"), "send"),
        (SEND.replace("!r:home", "!r;a=b"), "send"),
        (SEND.replace("send", "%2573end"), "refused"),
        (SEND.replace("send", "%252573end"), "refused"),
        (SEND.replace("send", "SEND"), "refused"),
        (SEND.replace("_matrix", "_Matrix"), "refused"),
        (SEND.replace("/send", "//send"), "refused"),
        (SEND.replace("/send", "/./send"), "refused"),
        (SEND.replace("/send", "/x/../send"), "refused"),
        (SEND.replace("/send", "//../send"), "refused"),
        (SEND.replace("/send", "/%2e/send"), "refused"),
        (SEND.replace("/send", "/x/%2e%2e/send"), "refused"),
        (SEND.replace("/send", "/x%2f..%2fsend"), "refused"),
        (SEND.replace("/send", "/x/..;/send"), "refused"),
        (SEND.replace("/send", "%2Fsend"), "refused"),
        (SEND.replace("/send", "%252Fsend"), "refused"),
        (SEND.replace("/send", "\\send"), "refused"),
        (SEND.replace("/send", "%5csend"), "refused"),
        (SEND.replace("send", "send;v=1"), "refused"),
        (SEND.replace("send", "send%3bv=1"), "refused"),
        (SEND.replace("send", "ſend"), "refused"),
        (SEND.replace("send", "ｓｅｎｄ"), "refused"),
        (SEND.replace("send", "%EF%BD%93end"), "refused"),
        (SEND.replace("send", "send%20"), "refused"),
        (SEND.replace("send", "send%09"), "refused"),
        (SEND.replace("send", "s%E2%80%8Bend"), "refused"),
        (SEND + "/", "refused"),
        (SEND + "//", "refused"),
        (SEND + "%00", "send"),
        (SEND + "/%00/x", "refused"),
        (SEND + "%3fx", "send"),
        (SEND + "%3fx/y", "refused"),
        (SEND + "/%3f/y/z", "refused"),
        (SEND + "/%23", "refused"),
        ("/" + SEND, "refused"),
        ("/." + SEND, "refused"),
        ("/%2e%2e" + SEND, "refused"),
        ("\\" + SEND[1:], "refused"),
        ("http://home" + SEND, "refused"),
        (SEND[1:], "refused"),
        (SEND.replace("/1", "/"), "refused"),
        (SEND.replace("!r:home", ""), "refused"),
    ],
)
def test_forms_of_a_path(path: str, expected: str) -> None:
    assert fate(MATRIX, "PUT", path) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        (SEND, "passes"),
        (SEND.replace("send", "%2573end"), "unlisted"),
        (SEND.replace("/send", "//send"), "unlisted"),
        (SEND + "/..%2f..", "unlisted"),
        ("/_matrix/client/v3/sync", "passes"),
        ("/_matrix/client/v3/sync;a", "unlisted"),
    ],
)
def test_what_only_reads_passes_if_its_path_has_one_reading(path: str, expected: str) -> None:
    assert fate(MATRIX, "GET", path) == expected


@pytest.mark.parametrize(
    ("method", "headers", "expected"),
    [
        ("GET", ((b"content-length", b"0"),), "passes"),
        ("GET", ((b"content-length", b"2"),), "passes"),  # {}
        ("GET", ((b"content-length", b"7"),), "unlisted"),
        ("GET", ((b"transfer-encoding", b"chunked"),), "unlisted"),
        ("OPTIONS", ((b"content-length", b"7"),), "unlisted"),
        ("POST", (), "unlisted"),
        ("GET", ((b"x-http-method-override", b"POST"),), "unlisted"),
        ("GET", ((b"x-http-method-override", b"GET"),), "passes"),
    ],
)
def test_a_listed_read_has_no_body_and_no_other_method(method: str, headers: Headers, expected: str) -> None:
    assert fate(MATRIX, method, "/_matrix/client/v3/joined_rooms", "", headers) == expected


@pytest.mark.parametrize(
    ("method", "query", "headers", "expected"),
    [
        ("put", "", (), "refused"),
        ("Put", "", (), "refused"),
        ("PUT ", "", (), "refused"),
        ("GET", "_method=PUT", (), "refused"),
        ("GET", "_method=put", (), "refused"),
        ("GET", "a=b&%5fmethod=PUT", (), "refused"),
        ("GET", "a=b;_METHOD=PUT", (), "refused"),
        ("GET", "", ((b"x-http-method-override", b"PUT"),), "refused"),
        ("GET", "", ((b"x-method-override", b" put "),), "refused"),
        ("DELETE", "", ((b"x-http-method", b"GET, PUT"),), "refused"),
        ("GET", "", ((b"x-http-method-override", b"DELETE"),), "unlisted"),
        ("PUT", "_method=GET", ((b"x-http-method-override", b"GET"),), "send"),
        ("PUT", "anything=%00&access_token=1", (), "send"),
        ("HEAD", "", (), "passes"),
    ],
)
def test_forms_of_a_method(method: str, query: str, headers: Headers, expected: str) -> None:
    assert fate(MATRIX, method, SEND, query, headers) == expected


def test_a_header_that_names_another_path() -> None:
    for name in (b"x-original-url", b"x-rewrite-url"):
        assert fate(MATRIX, "PUT", "/harmless", "", ((name, SEND.encode() + b"?a=b"),)) == "refused"
        assert fate(MATRIX, "PUT", "/harmless", "", ((name, b"/other"),)) == "refused"
        assert fate(MATRIX, "GET", SEND, "", ((name, SEND.encode() + b"?a=b"),)) == "passes"
        below = mapping.recognise(
            MATRIX, "GET", SEND.encode(), b"", ((name, b"/chat" + SEND.encode()),), b"/chat" + SEND.encode()
        )
        assert below.passes


@pytest.mark.parametrize(
    "path",
    [
        "/bot1:A/sendMessage/",
        "/BOT1:A//sendMessage",
        "/bot1:A/sendChatAction/../sendMessage",
        "/bot1:A%2FsendMessage%23/sendChatAction",
        "/bot1:A/sendMessage%3f/sendChatAction",
        "/bot/sendMessage",
    ],
)
def test_an_exception_is_no_way_round(path: str) -> None:
    assert fate(TELEGRAM, "POST", path) in ("refused", "publish")


def test_what_watches_is_no_way_round() -> None:
    assert fate(WECHAT, "POST", "/cgi-bin/token") == "token"
    assert fate(WECHAT, "POST", "/cgi-bin/token/../message/custom/send") == "refused"
    assert (
        fate(WECHAT, "POST", "/cgi-bin/token", "", ((b"x-original-url", b"/cgi-bin/freepublish/submit"),)) == "refused"
    )


ROUTES = [
    (platform, route)
    for platform in map(load_shipped, shipped())
    for route in platform.routes
    if route.kind == "publish"
]


def _encoded(path: str, data: st.DataObject) -> str:
    at = data.draw(st.integers(1, len(path) - 1))
    return path if path[at] in "/%" else f"{path[:at]}%{ord(path[at]):02x}{path[at + 1 :]}"


def _cased(path: str, data: st.DataObject) -> str:
    at = data.draw(st.integers(1, len(path) - 1))
    return path[:at] + path[at].swapcase() + path[at + 1 :]


def _inserted(path: str, data: st.DataObject) -> str:
    at = data.draw(st.sampled_from([index for index, char in enumerate(path) if char == "/"]))
    return (
        path[:at]
        + data.draw(st.sampled_from(["/", "/.", "/x/..", "//..", "/%2e", "/x/%2E%2E", "/%2F", "\\"]))
        + path[at:]
    )


def _separated(path: str, data: st.DataObject) -> str:
    at = data.draw(st.sampled_from([index for index, char in enumerate(path) if char == "/"][1:] or [0]))
    return (
        path
        if at == 0
        else path[:at] + data.draw(st.sampled_from(["%2f", "\\", "%5C", "%252F", ";a=b/"])) + path[at + 1 :]
    )


def _again(path: str, data: st.DataObject) -> str:
    return path.replace("%", "%25")


def _ended(path: str, data: st.DataObject) -> str:
    return path + data.draw(st.sampled_from(["/", "//", "/.", "/x/..", "/%00", ";a"]))


@given(st.sampled_from(ROUTES), st.data())
def test_no_variation_of_a_path_that_publishes_passes(item: tuple[Platform, Route], data: st.DataObject) -> None:
    platform, route = item
    path = data.draw(st.sampled_from(route.path)).example("Ab1")
    method = data.draw(st.sampled_from(route.methods))
    tricks = data.draw(st.lists(st.sampled_from([_encoded, _cased, _inserted, _separated, _ended]), max_size=5))
    for trick in tricks:
        path = trick(path, data)
    if data.draw(st.booleans()):
        path = _again(path, data)
    assert fate(platform, method, path) != "passes", path


@given(
    st.binary(max_size=40), st.sampled_from(["GET", "POST", "PUT"]), st.sampled_from(["matrix", "telegram", "slack"])
)
def test_any_path_is_read_without_failing(tail: bytes, method: str, name: str) -> None:
    with contextlib.suppress(Ambiguous):
        mapping.recognise(load_shipped(name), method, b"/" + tail, tail, ((b"x-original-url", tail),))


@pytest.mark.parametrize(
    ("body", "headers", "field"),
    [
        (b'{"body": "good", "body": "bad"}', (), "body"),
        (b'{"a": {"b": 1, "b": 2}}', (), "b"),
        (b"[" * 40 + b"]" * 40, (), "body"),
        (b'{"body": "\xff"}', (), "body"),
        (b'\xef\xbb\xbf{"body": "bom"}', (), "body"),
        ('{"body": "wide"}'.encode("utf-16"), (), "body"),
        (b'{"body": "one"}{"body": "two"}', (), "body"),
        (b"body=form", (), "body"),
        (BODY, (("content-encoding", "gzip"),), "header content-encoding"),
        (BODY, (("content-encoding", "identity"), ("content-encoding", "identity")), "header content-encoding"),
        (BODY, (("content-type", "application/json"),), "header content-type"),
        (BODY, (("authorization", "Bearer a"), ("authorization", "Bearer b")), "header authorization"),
    ],
)
def test_bodies_that_can_be_read_in_two_ways(body: bytes, headers: tuple[tuple[str, str], ...], field: str) -> None:
    request = call("PUT", SEND, body=body, headers=headers)
    match = recognised(MATRIX, request)
    with pytest.raises(BadRequest) as caught:
        (mapping.credential(MATRIX, request, match), read(MATRIX, request))
    assert caught.value.problems[0][0] == field


def test_charsets_other_than_utf8() -> None:
    for content_type in ("application/json; charset=utf-7", "application/json; a=b; Charset='latin-1'"):
        with pytest.raises(BadRequest):
            read(MATRIX, call("PUT", SEND, body=BODY, content_type=content_type))
    for content_type in ("application/json; charset=UTF-8", 'application/json;charset="utf8"'):
        assert read(MATRIX, call("PUT", SEND, body=BODY, content_type=content_type)).texts == ("hello",)


def test_two_credentials_that_differ() -> None:
    request = call("PUT", SEND, "access_token=b", BODY, headers=(("authorization", "Bearer a"),))
    with pytest.raises(BadRequest):
        mapping.credential(MATRIX, request, recognised(MATRIX, request))
    same = call("PUT", SEND, "access_token=a&access_token=a", BODY, headers=(("authorization", "Bearer a"),))
    assert mapping.credential(MATRIX, same, recognised(MATRIX, same)) == "a"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"text=a&text=b", FORM),
        (b"text=a;text=b", FORM),
        (b"text=%ff", FORM),
        (b"&".join([b"a%d=b" % index for index in range(1001)]), FORM),
        (b'{"text": "a"}', "text/plain"),
        (b'{"text": "a"}', "application/vnd.api+json"),
        (b'{"text": "a"}', None),
        (multipart(("text", "a"), ("text", "b")), MULTIPART),
        (multipart(("text", "a.txt", b"a")), MULTIPART),
        (multipart(("text", "a")), "multipart/form-data"),
        (multipart(("text", "a")), "multipart/form-data; boundary=other"),
        (multipart(("text", "a")), "multipart/mixed; boundary=7b0c1d"),
        (b"before\r\n" + multipart(("text", "a")), MULTIPART),
        (multipart(("text", "a")) + b"behind", MULTIPART),
        (multipart(("text", "a"))[:-6], MULTIPART),
        (multipart(("_charset_", "latin-1")), MULTIPART),
        (
            multipart(("text", "a")).replace(b"\r\n\r\n", b"\r\nContent-Type: text/plain; charset=utf-7\r\n\r\n", 1),
            MULTIPART,
        ),
        (
            multipart(("text", "a")).replace(b"\r\n\r\n", b"\r\nContent-Type: multipart/mixed; boundary=x\r\n\r\n", 1),
            MULTIPART,
        ),
        (multipart(("text", "a")).replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n", 1), MULTIPART),
        (multipart(("text", "a")).replace(b"\r\n\r\n", b"\r\nX-Other: b\r\n\r\n", 1), MULTIPART),
        (
            multipart(("text", "a")).replace(b"\r\n\r\n", b'\r\nContent-Disposition: form-data; name="b"\r\n\r\n', 1),
            MULTIPART,
        ),
        (multipart(("text", "a")).replace(b'name="text"', b"name*=utf-8''text"), MULTIPART),
        (multipart(("text", "a")).replace(b'name="text"', b'name="text"; name="b"'), MULTIPART),
        (multipart(("text", "a")).replace(b'name="text"', b'name="te\\xt"'), MULTIPART),
        (multipart(("text", "a")).replace(b'name="text"', b'name="te%78t"'), MULTIPART),
        (multipart(("text", "a")).replace(b'; name="text"', b""), MULTIPART),
        (multipart(("text", "a")).replace(b"form-data; n", b"attachment; n"), MULTIPART),
        (multipart(("f", "a.txt", b"a")).replace(b'filename="a.txt"', b'filename=""'), MULTIPART),
        (multipart(("f", "a.txt", b"a")).replace(b'"a.txt"', b"\"a.txt\"; filename*=utf-8''b.txt"), MULTIPART),
        (multipart(("text", "a")).replace(b"\r\n", b"\n"), MULTIPART),
    ],
)
def test_forms_that_can_be_read_in_two_ways(body: bytes, content_type: str | None) -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body=body, content_type=content_type))


def test_a_query_that_can_be_read_in_two_ways() -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("GET", "/bot1:A/sendMessage", "text=a;text=b", content_type=None))


def test_names_that_are_texts_are_judged() -> None:
    request = call("POST", "/bot1:A/sendMessage", body={"text": "a", "buy now!": True}, content_type=JSON)
    assert read(TELEGRAM, request).texts == ("a", "buy now!")
    form = call("POST", "/bot1:A/sendMessage", body={"text": "a", "buy now!": "b"}, content_type=FORM)
    assert read(TELEGRAM, form).texts == ("a", "buy now!", "b", "abuy now!b")


def test_an_identifier_that_is_none_is_judged() -> None:
    spoken = {"touser": "come to my shop", "msgtype": {"say": "this"}, "text": {"content": "hi"}}
    texts = read(WECHAT, call("POST", "/cgi-bin/message/custom/send", body=spoken)).texts
    assert texts == ("hi", "come to my shop", "this")
