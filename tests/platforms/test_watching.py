"""For which account a request asks for a credential: the one that every server reads in it, or it goes nowhere."""

from __future__ import annotations

import pytest

from gateway.platforms import mapping
from gateway.platforms.mapping import BadRequest
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, JSON, MULTIPART, call, multipart, recognised

MATRIX, WECHAT = load_shipped("matrix"), load_shipped("wechat")
STABLE, TOKEN = "/cgi-bin/stable_token", "/cgi-bin/token"


@pytest.mark.parametrize(
    ("method", "path", "query", "body", "content_type", "account"),
    [
        ("GET", TOKEN, "grant_type=c&appid=wx1&secret=s", b"", None, "wx1"),
        ("HEAD", TOKEN, "grant_type=c&appid=wx1&secret=s", b"", None, "wx1"),
        ("POST", TOKEN, "", b"appid=wx1&secret=s", "text/plain", "wx1"),
        ("POST", TOKEN, "", b'{"appid": "wx1"}', FORM, "wx1"),
        ("POST", TOKEN, "appid=wx1", b'{"appid": "wx1"}', JSON, "wx1"),
        ("POST", TOKEN, "", multipart(("appid", "wx1")), MULTIPART, "wx1"),
        ("POST", STABLE, "", b'{"appid": "wx1"}', "text/plain; x=y", "wx1"),
        ("POST", STABLE, "", b'{"AppId": "wx1"}', JSON, "wx1"),
        ("GET", TOKEN, "grant_type=c", b"", None, None),
        ("GET", TOKEN, "appid=wx1&appid=wx2", b"", None, None),
        ("GET", TOKEN, "appid=wx1&APPID=wx2", b"", None, None),
        ("GET", TOKEN, "appid=wx1&a=b&a=c", b"", None, None),
        ("GET", TOKEN, "appid=wx%201", b"", None, None),
        ("GET", TOKEN, "appid=", b"", None, None),
        ("POST", TOKEN, "appid=wx1", b"appid=wx2", FORM, None),
        ("POST", TOKEN, "appid=wx1", b"AppID=wx2", FORM, None),
        ("POST", TOKEN, "", b"appid=wx1&appid=wx1", FORM, None),
        ("POST", TOKEN, "appid=wx1", b'{"appid": "wx2"}', JSON, None),
        ("POST", TOKEN, "appid=wx1", b'{"appid": "wx2"}', FORM, None),
        ("POST", TOKEN, "appid=wx1", b'{"appid": "wx2"', "text/plain", None),
        ("POST", TOKEN, "", b'{"appid": "wx1", "x": "&appid=wx2&"}', JSON, None),
        ("POST", TOKEN, "appid=wx1", multipart(("appid", "wx2")), FORM, None),
        ("POST", STABLE, "", b'{"appid": "wx1", "appid": "wx2"}', JSON, None),
        ("POST", STABLE, "", b'{"appid": "wx1", "APPID": "wx2"}', JSON, None),
        ("POST", STABLE, "appid=wx2", b'{"appid": "wx1"}', JSON, None),
        ("POST", STABLE, "", b'{"appid": ["wx1", "wx2"]}', JSON, None),
        ("POST", STABLE, "", b'{"appid": true}', JSON, None),
        ("POST", STABLE, "", b"appid=wx1", FORM, None),
        ("POST", STABLE, "", b"", JSON, None),
        ("POST", STABLE, "", multipart(("appid", "wx1")), MULTIPART, None),
    ],
)
def test_for_which_account_a_credential_is(
    method: str, path: str, query: str, body: bytes, content_type: str | None, account: str | None
) -> None:
    request = call(method, path, query, body, content_type)
    match = recognised(WECHAT, request)
    answer = b'{"access_token": "tok", "expires_in": 7200}'
    if account is None:
        with pytest.raises(BadRequest):
            mapping.check_watch(WECHAT, match, request)
    else:
        mapping.check_watch(WECHAT, match, request)
        assert mapping.learned(WECHAT, match, request, 200, JSON, answer) == ("tok", account, 7200.0)
        assert mapping.learned(WECHAT, match, request, 403, JSON, answer) is None


def test_a_watched_body_is_not_encoded() -> None:
    request = call("POST", STABLE, body=b'{"appid": "wx1"}', headers=(("content-encoding", "gzip"),))
    with pytest.raises(BadRequest):
        mapping.check_watch(WECHAT, recognised(WECHAT, request), request)


def test_where_the_answer_names_the_account_the_request_need_not() -> None:
    request = call("POST", "/_matrix/client/v3/login", body=b"anything", content_type="text/plain; x=y")
    mapping.check_watch(MATRIX, recognised(MATRIX, request), request)
