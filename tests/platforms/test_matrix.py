"""The Matrix map: what nio, element and Synapse take for publishing."""

from __future__ import annotations

import pytest

from gateway.core.model import Media
from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import Row, call, check, passes, recognised

MATRIX = load_shipped("matrix")
ROOM = "/_matrix/client/v3/rooms/%21r%3Ahome"
AUTH = (("authorization", "Bearer syt_1"),)
TEXT = {"msgtype": "m.text", "body": "hello"}
FORMATTED = {
    **TEXT,
    "format": "org.matrix.custom.html",
    "formatted_body": 'h<b>el</b>lo <a href="https://one.example" title="tip">link</a><!-- aside -->',
}
EDIT = {
    "msgtype": "m.text",
    "body": "* new",
    "m.new_content": {"msgtype": "m.text", "body": "new"},
    "m.relates_to": {"rel_type": "m.replace", "event_id": "$1"},
}
IMAGE = {"msgtype": "m.image", "body": "cat.png", "url": "mxc://home/1", "info": {"mimetype": "image/png", "size": 7}}
SECRET = {"msgtype": "m.image", "body": "cat.png", "file": {"url": "mxc://home/2", "v": "v2"}}


def row(method: str, path: str, body: object, route: str, *texts: str, **more: object) -> Row:
    """A row with Matrix's usual credential."""
    return Row(method, path, body, route, texts, **{"credential": "syt_1", "headers": AUTH, **more})  # type: ignore[arg-type]


SENT = {"target": "!r:home", "repeatable": True}
ROWS = [
    row("PUT", f"{ROOM}/send/m.room.message/1", TEXT, "send", "hello", **SENT),
    row("PUT", f"{ROOM}/send/m%2Eroom.message/1", TEXT, "send", "hello", **SENT),
    row(
        "PUT",
        f"{ROOM}/send/m.room.message/1",
        FORMATTED,
        "send",
        "hello",
        "hello link",
        "https://one.example",
        "tip",
        " aside ",
        **SENT,
    ),
    row("PUT", f"{ROOM}/send/m.room.message/1", EDIT, "send", "* new", "new", **SENT),
    row(
        "PUT",
        f"{ROOM}/send/m.room.message/1",
        IMAGE,
        "send",
        "cat.png",
        media=(Media("application/octet-stream", "matrix:mxc://home/1"),),
        **SENT,
    ),
    row(
        "PUT",
        f"{ROOM}/send/m.room.message/1",
        SECRET,
        "send",
        "cat.png",
        "mxc://home/2",
        "v2",
        doubts=("encrypted",),
        **SENT,
    ),
    row(
        "PUT",
        f"{ROOM}/send/m.room.encrypted/1",
        {"algorithm": "m.megolm", "ciphertext": "AwgA"},
        "send",
        "m.megolm",
        "AwgA",
        doubts=("encrypted",),
        **SENT,
    ),
    row(
        "PUT",
        f"{ROOM}/send/org.custom/1",
        {"odd key!": 5, "a": ["x", {"b": "y"}]},
        "send",
        "odd key!",
        "5",
        "x",
        "y",
        **SENT,
    ),
    row("PUT", f"{ROOM}/send/m.room.message/1?access_token=syt_1", TEXT, "send", "hello", headers=(), **SENT),
    row(
        "PUT",
        f"{ROOM}/send/m.room.message/1?user_id=%40a%3Ahome",
        TEXT,
        "send",
        "hello",
        credential="syt_1 @a:home",
        target="!r:home",
        repeatable=True,
    ),
    row("PUT", f"{ROOM}/send/m.room.message/1", TEXT, "send", "hello", content_type=None, **SENT),
    row("PUT", f"{ROOM}/send/m.room.message/1", TEXT, "send", "hello", content_type="text/plain", **SENT),
    row("PUT", "/_matrix/client/r0/rooms/!r:home/send/m.room.message/1", TEXT, "send", "hello", **SENT),
    row("PUT", "/_matrix/client/api/v1/rooms/!r:home/send/m.room.message/1", TEXT, "send", "hello", **SENT),
    row("PUT", "/_matrix/client/unstable/rooms/!r:home/send/m.room.message/1", TEXT, "send", "hello", **SENT),
    row("PUT", "/_matrix/client/unstable/org.one/rooms/!r:home/send/m.room.message/1", TEXT, "send", "hello", **SENT),
    row("POST", f"{ROOM}/send/m.room.message", TEXT, "send_without_txn", "hello", target="!r:home"),
    row("PUT", f"{ROOM}/state/m.room.topic", {"topic": "tea"}, "state", "tea", target="!r:home"),
    row("PUT", f"{ROOM}/state/m.room.topic/", {"topic": "tea"}, "state", "tea", target="!r:home"),
    row("PUT", f"{ROOM}/state/m.room.name/key", {"name": "The room"}, "state", "The room", target="!r:home"),
    row("PUT", f"{ROOM}/state/x/come%20and%20see", {"a": "b"}, "state", "b", "come and see", target="!r:home"),
    row("PUT", f"{ROOM}/state/come%20and%20see/k", {"a": "b"}, "state", "b", "come and see", target="!r:home"),
    row("PUT", f"{ROOM}/state/m.room.pinned_events", {"pinned": ["$1"]}, "state", "$1", target="!r:home"),
    row(
        "POST",
        "/_matrix/client/v3/createRoom",
        {
            "name": "N",
            "topic": "T",
            "preset": "public_chat",
            "initial_state": [{"type": "m.room.topic", "content": {"topic": "U"}}],
        },
        "create_room",
        "N",
        "T",
        "U",
    ),
    row(
        "POST",
        "/_matrix/client/v3/createRoom",
        {"initial_state": [{"type": "m.room.encrypted", "content": {}}]},
        "create_room",
        doubts=("encrypted",),
    ),
    row("POST", f"{ROOM}/invite", {"user_id": "@b:home", "reason": "come"}, "membership", "come", target="!r:home"),
    row("PUT", f"{ROOM}/redact/$1/2", {"reason": "was wrong"}, "redact", "was wrong", **SENT),
    row("POST", f"{ROOM}/redact/$1", {"reason": "was wrong"}, "redact", "was wrong", target="!r:home"),
    row("POST", f"{ROOM}/kick", {"user_id": "@b:home", "reason": "go"}, "membership", "go", target="!r:home"),
    row("POST", "/_matrix/client/v3/join/%23r%3Ahome", {"reason": "hi"}, "membership", "hi", target="#r:home"),
    row(
        "PUT",
        "/_matrix/client/v3/profile/@a:home/displayname",
        {"displayname": "Me"},
        "profile",
        "Me",
        target="@a:home",
    ),
    row(
        "PUT",
        "/_matrix/client/v3/profile/@a:home/avatar_url",
        {"avatar_url": "mxc://home/3"},
        "profile",
        target="@a:home",
        media=(Media("application/octet-stream", "matrix:mxc://home/3"),),
    ),
    row(
        "PUT",
        "/_matrix/client/unstable/uk.tcpip.msc4133/profile/@a:home/bio",
        {"bio": "I"},
        "profile",
        "I",
        target="@a:home",
    ),
    row(
        "PUT",
        "/_matrix/client/v3/presence/@a:home/status",
        {"presence": "online", "status_msg": "at tea"},
        "presence",
        "at tea",
        target="@a:home",
    ),
    row("PUT", "/_matrix/client/v3/directory/room/%23fun%3Ahome", {"room_id": "!r:home"}, "alias", "#fun:home"),
    row(
        "PUT",
        f"{ROOM}/state/m.room.topic",
        {"topic": "tea", "m.topic": {"m.text": [{"mimetype": "text/html", "body": "k<b>i</b>ll"}]}},
        "state",
        "tea",
        "text/html",
        "k<b>i</b>ll",
        "kill",
        target="!r:home",
    ),
    row(
        "PUT",
        f"{ROOM}/send/m.message/1",
        {"org.matrix.msc1767.message": [{"body": "k<b>i</b>ll", "mimetype": "text/html"}]},
        "send",
        "k<b>i</b>ll",
        "kill",
        "text/html",
        **SENT,
    ),
    row("PUT", f"{ROOM}/send/org.custom/1", {"a": "k**i**ll"}, "send", "k**i**ll", "kill", **SENT),
    row("POST", f"{ROOM}/kick", {"reason": "k**i**ll"}, "membership", "k**i**ll", "kill", target="!r:home"),
    row(
        "POST",
        "/_matrix/client/v3/register",
        {
            "username": "come_here",
            "password": "p",
            "auth": {"type": "m.login.dummy"},
            "initial_device_display_name": "my d",
        },
        "username",
        "come_here",
        "my d",
        headers=(),
        credential=None,
    ),
    row(
        "PUT",
        "/_synapse/admin/v2/users/@b:home",
        {"displayname": "come here", "password": "p", "avatar_url": "mxc://home/3"},
        "admin",
        "come here",
        target="@b:home",
        media=(Media("application/octet-stream", "matrix:mxc://home/3"),),
    ),
    row(
        "PUT",
        f"{ROOM}/send/m.image/1",
        {"m.file": {"url": "mxc://home/4"}},
        "send",
        media=(Media("application/octet-stream", "matrix:mxc://home/4"),),
        **SENT,
    ),
    row(
        "POST",
        "/_synapse/admin/v1/send_server_notice",
        {"user_id": "@b:home", "content": TEXT},
        "server_notice",
        "hello",
        "m.text",
        target="@b:home",
    ),
    row(
        "POST",
        "/_matrix/client/unstable/org.matrix.msc2716/rooms/!r:home/batch_send",
        {"events": [{"type": "m.x", "content": {"body": "old"}}]},
        "batch_send",
        "m.x",
        "old",
        target="!r:home",
    ),
]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.method} {row.url}")
def test_what_is_read(row: Row) -> None:
    check(MATRIX, row)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/_matrix/client/v3/sync"),
        ("GET", f"{ROOM}/state/m.room.topic"),
        ("GET", f"{ROOM}/messages"),
        ("PUT", f"{ROOM}/typing/@a:home"),
        ("POST", f"{ROOM}/receipt/m.read/$1"),
        ("GET", "/_matrix/media/v3/download/home/1"),
        ("POST", "/_matrix/client/v3/keys/upload"),
        ("PUT", "/_matrix/client/v3/sendToDevice/m.room_key/1"),
        ("GET", "/_matrix/client/v3/profile/@a:home/displayname"),
        ("OPTIONS", f"{ROOM}/send/m.room.message/1"),
    ],
)
def test_what_passes(method: str, path: str) -> None:
    assert passes(MATRIX, method, path)


@pytest.mark.parametrize(
    "path",
    ["v1/send/1", "v2/send_join/!r:home/$1", "v2/invite/!r:home/$1", "v1/exchange_third_party_invite/!r:home"],
)
def test_what_servers_send_to_one_another_goes_nowhere(path: str) -> None:
    with pytest.raises(Ambiguous):
        mapping.recognise(MATRIX, "PUT", f"/_matrix/federation/{path}".encode(), b"", ())


def test_a_login_tells_whose_a_token_is() -> None:
    request = call("POST", "/_matrix/client/v3/login", body={"type": "m.login.password"})
    match = recognised(MATRIX, request)
    assert match.route.kind == "watch"
    answer = b'{"user_id": "@a:home", "access_token": "syt_2"}'
    assert mapping.learned(MATRIX, match, request, 200, "application/json", answer) == ("syt_2", "@a:home", None)
    assert mapping.learned(MATRIX, match, request, 200, "application/json", b'{"errcode": "M_FORBIDDEN"}') is None


def test_an_application_service_is_asked_for_the_user_it_acts_for() -> None:
    ask = mapping.whoami_request(MATRIX, "as_1\x1f@a:home")
    assert ask is not None
    assert ask.target == b"/_matrix/client/v3/account/whoami?user_id=%40a%3Ahome"
    assert ask.headers == ((b"authorization", b"Bearer as_1"),)
    plain = mapping.whoami_request(MATRIX, "syt_1")
    assert plain is not None
    assert plain.target == b"/_matrix/client/v3/account/whoami"
    assert mapping.whoami_account(MATRIX, 200, b'{"user_id": "@a:home"}') == "@a:home"
    assert mapping.whoami_account(MATRIX, 401, b'{"user_id": "@a:home"}') is None


def test_a_transaction_is_one_of_its_room_and_type() -> None:
    def key(path: str) -> str | None:
        request = call("PUT", path, body=TEXT)
        return mapping.idempotency(MATRIX, recognised(MATRIX, request), request)

    first = key(f"{ROOM}/send/m.room.message/1")
    assert first == key("/_matrix/client/r0/rooms/!r:home/send/m.room.message/1")
    others = [
        f"{ROOM}/send/m.room.message/2",
        f"{ROOM}/send/m.reaction/1",
        "/_matrix/client/v3/rooms/!s/send/m.room.message/1",
    ]
    assert len({first, *map(key, others)}) == 4
