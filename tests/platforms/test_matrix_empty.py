"""Matrix requests that say nothing: what is done in a room without a word passes, what can be shown is judged."""

from __future__ import annotations

import pytest

from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import call, read, recognised

MATRIX = load_shipped("matrix")
AUTH = (("authorization", "Bearer syt_1"),)
V3 = "/_matrix/client/v3"
ROOM = f"{V3}/rooms/%21r%3Ahome"


@pytest.mark.parametrize(
    ("method", "path", "body", "passes"),
    [
        ("POST", f"{ROOM}/join", {}, True),
        ("POST", f"{V3}/join/%23r%3Ahome", b"", True),
        ("POST", f"{ROOM}/leave", {}, True),
        ("POST", f"{ROOM}/invite", {"user_id": "@b:home"}, True),
        ("POST", f"{ROOM}/join", {"reason": "hi"}, False),
        ("POST", f"{ROOM}/join", {"unheard of": "hi"}, False),
        ("POST", f"{V3}/createRoom", {"preset": "public_chat", "visibility": "public"}, True),
        ("POST", f"{V3}/createRoom", {"name": "News"}, False),
        ("POST", f"{V3}/createRoom", {"initial_state": [{"type": "m.room.topic", "content": {"topic": "x"}}]}, False),
        ("PUT", f"{V3}/presence/@a:home/status", {"presence": "online"}, True),
        ("PUT", f"{V3}/presence/@a:home/status", {"presence": "online", "status_msg": "at tea"}, False),
        ("PUT", f"{ROOM}/redact/$1/2", {}, True),
        ("PUT", f"{ROOM}/redact/$1/2", {"reason": "was wrong"}, False),
        ("PUT", f"{ROOM}/send/m.room.message/1", {"msgtype": "m.text", "body": ""}, False),
        ("PUT", f"{ROOM}/state/m.room.topic", {}, False),
    ],
)
def test_only_what_says_nothing_passes(method: str, path: str, body: object, passes: bool) -> None:
    request = call(method, path, body=body, headers=AUTH)
    message = read(MATRIX, request)
    empty = not (message.texts or message.media or message.doubts)
    assert (recognised(MATRIX, request).route.if_empty == "pass" and empty) == passes
