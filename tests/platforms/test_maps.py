"""What holds for every route map that comes with the gateway."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms import mapping
from gateway.platforms.mapping import AnswerKind, Platform, Route, Verdict
from gateway.platforms.routemap import load
from gateway.platforms.shipped import load_shipped, shipped, text_of
from tests.platforms import (
    test_discord,
    test_lark_generic,
    test_line_zulip,
    test_matrix,
    test_mattermost_rocketchat,
    test_qq,
    test_slack,
    test_telegram,
    test_uploads,
    test_wechat,
)
from tests.platforms.calls import Row

PLATFORMS = [load_shipped(name) for name in shipped()]
ROUTES = [(platform, route) for platform in PLATFORMS for route in platform.routes]
ROWS: dict[str, list[Row]] = {
    "discord": test_discord.ROWS,
    "generic": test_lark_generic.GENERIC_ROWS,
    "lark": test_lark_generic.LARK_ROWS,
    "line": test_line_zulip.LINE_ROWS,
    "matrix": test_matrix.ROWS,
    "mattermost": test_mattermost_rocketchat.MATTERMOST_ROWS,
    "qq": test_qq.ROWS,
    "rocketchat": test_mattermost_rocketchat.ROCKETCHAT_ROWS,
    "slack": test_slack.ROWS,
    "telegram": test_telegram.ROWS,
    "wechat": test_wechat.ROWS,
    "zulip": test_line_zulip.ZULIP_ROWS,
}
ROWS = {name: [*rows, *test_uploads.ROWS.get(name, ())] for name, rows in ROWS.items()}
FIELDS: dict[str, dict[str, type]] = {
    "discord": {"code": int, "message": str},
    "generic": {"error": str, "message": str},
    "lark": {"code": int, "msg": str},
    "line": {"message": str},
    "matrix": {"errcode": str, "error": str},
    "mattermost": {"id": str, "message": str, "status_code": int},
    "qq": {"code": int, "message": str},
    "rocketchat": {"success": bool, "error": str, "errorType": str},
    "slack": {"ok": bool, "error": str},
    "telegram": {"ok": bool, "error_code": int, "description": str},
    "wechat": {"errcode": int, "errmsg": str},
    "zulip": {"result": str, "msg": str, "code": str},
}
"""What an error of each platform has, so that its SDKs read it."""


def named(item: Any) -> str:
    """The id of a parameter."""
    return item.name if isinstance(item, Platform) else item.id if isinstance(item, Route) else str(item)


@pytest.mark.parametrize("name", shipped())
def test_it_is_valid_and_named_as_its_file(name: str) -> None:
    assert load(text_of(name)).name == name


@pytest.mark.parametrize("platform", PLATFORMS, ids=named)
def test_every_route_that_publishes_has_a_row_in_the_tables(platform: Platform) -> None:
    assert {row.route for row in ROWS[platform.name]} == {
        route.id for route in platform.routes if route.kind == "publish"
    }


@pytest.mark.parametrize(("platform", "route"), ROUTES, ids=named)
def test_every_path_and_method_of_a_route_leads_to_it(platform: Platform, route: Route) -> None:
    for template in route.path:
        for method in route.methods:
            path = template.example().encode()
            if route.kind in ("publish", "watch"):
                match = mapping.recognise(platform, method, path, b"a=b", ())
                assert route.id in (match.route.id, *[other.route.id for other in match.others]), path
            elif route.kind == "refuse":
                with pytest.raises(mapping.Ambiguous):
                    mapping.recognise(platform, method, path, b"", ())
            elif route.kind == "bypass":
                match = mapping.recognise(platform, method, path, b"", ())
                assert route.id in (match.route.id, *[other.route.id for other in match.others]), path
            else:
                assert mapping.recognise(platform, method, path, b"", ()).passes


@pytest.mark.parametrize(("platform", "route"), [item for item in ROUTES if item[1].kind == "publish"], ids=named)
def test_nothing_in_a_body_is_left_unjudged(platform: Platform, route: Route) -> None:
    everything = "param:**" if route.body != ("json",) else "json:**"
    if route.body != ("file",):  # a file is judged as a whole
        sources = {selector.source.removeprefix("shown:") for selector in route.text if selector.kind != "header"}
        assert sources & {everything, "param:**"}


@pytest.mark.parametrize("platform", PLATFORMS, ids=named)
def test_websockets_on_which_messages_are_sent_are_refused(platform: Platform) -> None:
    assert platform.websockets == ("pass" if platform.name in ("discord", "mattermost", "qq") else "refuse")


VALUES = st.fixed_dictionaries(
    {},
    optional={
        "message": st.text(),
        "message_id": st.text(max_size=40),
        "decision_id": st.text(max_size=40),
        "code": st.text(max_size=20),
        "retry_after": st.floats(0, 1e4).map(str) | st.just("") | st.just("soon"),
    },
)


@given(st.sampled_from(PLATFORMS), st.sampled_from(AnswerKind), VALUES)
def test_every_answer_is_one_of_the_platform(platform: Platform, kind: AnswerKind, values: dict[str, str]) -> None:
    answer = mapping.answer(platform, kind, values)
    headers = dict(answer.headers)
    assert headers[b"content-type"] == b"application/json"
    assert headers[b"content-length"] == str(len(answer.body)).encode()
    for name, value in answer.headers:
        assert name == name.lower()
        assert all(32 <= byte < 127 for byte in value)
    body = json.loads(answer.body)
    if (platform.name, kind) == ("rocketchat", AnswerKind.UNAUTHORIZED):
        assert body == {"status": "error", "message": "You must be logged in to do this."}
        return
    for field, kind_of_field in FIELDS[platform.name].items():
        assert type(body[field]) is kind_of_field
    if kind is AnswerKind.HELD:
        assert answer.status != 429
    if platform.name == "wechat":
        assert answer.status == 200
        assert body["errcode"] not in (0, 40001, 40014, 42001)
    elif platform.name == "slack":
        assert body["ok"] is False
    elif (platform.name, kind) != ("qq", AnswerKind.HELD):
        assert answer.status >= 400


@given(st.sampled_from(PLATFORMS), st.sampled_from(AnswerKind), VALUES)
def test_no_answer_of_the_gateway_passes_for_a_success(
    platform: Platform, kind: AnswerKind, values: dict[str, str]
) -> None:
    answer = mapping.answer(platform, kind, values)
    verdict = mapping.verdict(platform, answer.status, "application/json", answer.body)
    assert (verdict is Verdict.EXPIRED) == (kind is AnswerKind.UNAUTHORIZED)
    assert (verdict is Verdict.ACCEPTED) == (platform.name == "qq" and kind is AnswerKind.HELD)


@pytest.mark.parametrize("platform", PLATFORMS, ids=named)
def test_every_shipped_map_says_unauthorised_in_its_own_way(platform: Platform) -> None:
    assert AnswerKind.UNAUTHORIZED in platform.answers


@pytest.mark.parametrize("platform", PLATFORMS, ids=named)
def test_a_map_without_an_answer_for_it_says_401_in_the_form_of_the_malformed(platform: Platform) -> None:
    others = {kind: answer for kind, answer in platform.answers.items() if kind is not AnswerKind.UNAUTHORIZED}
    old = platform.model_copy(update={"answers": others})
    values = {"message": "no key", "code": "unauthorized"}
    answer = mapping.answer(old, AnswerKind.UNAUTHORIZED, values)
    assert (answer.status, answer.body) == (401, mapping.answer(old, AnswerKind.MALFORMED, values).body)
    assert dict(answer.headers)[b"x-moderation"] == b"unauthorized"


@pytest.mark.parametrize("platform", PLATFORMS, ids=named)
def test_a_broken_answer_leaves_it_open_or_says_no(platform: Platform) -> None:
    assert mapping.verdict(platform, 502, "text/html", b"<html>") is Verdict.UNSURE
    assert mapping.verdict(platform, 408, "", b"") is Verdict.UNSURE
    assert mapping.verdict(platform, 404, "text/html", b"") is Verdict.REFUSED
    assert mapping.verdict(platform, 401, "", b"{}") is Verdict.EXPIRED


@pytest.mark.parametrize(
    ("name", "status", "body", "verdict"),
    [
        ("matrix", 200, {"event_id": "$1"}, Verdict.ACCEPTED),
        ("matrix", 403, {"errcode": "M_FORBIDDEN"}, Verdict.REFUSED),
        ("matrix", 403, {"errcode": "M_UNKNOWN_TOKEN"}, Verdict.EXPIRED),
        ("wechat", 200, {"errcode": 0, "errmsg": "ok"}, Verdict.ACCEPTED),
        ("wechat", 200, {"media_id": "m"}, Verdict.ACCEPTED),
        ("wechat", 200, {"errcode": 45009}, Verdict.LATER),
        ("wechat", 200, {"errcode": 45011}, Verdict.LATER),
        ("wechat", 200, {"errcode": -1}, Verdict.LATER),
        ("wechat", 200, {"errcode": 45065}, Verdict.ACCEPTED),
        ("wechat", 200, {"errcode": 45028}, Verdict.REFUSED),
        ("line", 409, {"message": "The retry key is already accepted"}, Verdict.ACCEPTED),
        ("line", 429, {"message": "slow"}, Verdict.LATER),
        ("wechat", 200, {"errcode": 42001}, Verdict.EXPIRED),
        ("wechat", 200, {"errcode": False}, Verdict.REFUSED),
        ("telegram", 200, {"ok": True}, Verdict.ACCEPTED),
        ("telegram", 400, {"ok": False, "error_code": 400}, Verdict.REFUSED),
        ("slack", 200, {"ok": True}, Verdict.ACCEPTED),
        ("slack", 200, {"ok": False, "error": "channel_not_found"}, Verdict.REFUSED),
        ("slack", 200, {"ok": False, "error": "token_revoked"}, Verdict.EXPIRED),
        ("slack", 200, {"ok": False, "error": "ratelimited"}, Verdict.LATER),
        ("slack", 429, {"ok": False, "error": "ratelimited"}, Verdict.LATER),
        ("lark", 200, {"code": 0}, Verdict.ACCEPTED),
        ("telegram", 200, {"ok": False, "error_code": 429}, Verdict.LATER),
        ("zulip", 200, {"result": "error", "code": "RATE_LIMIT_HIT"}, Verdict.LATER),
        ("matrix", 400, {"errcode": "M_LIMIT_EXCEEDED"}, Verdict.LATER),
        ("rocketchat", 400, {"success": False, "errorType": "error-too-many-requests"}, Verdict.LATER),
        ("lark", 200, {"code": 99991400}, Verdict.LATER),
        ("qq", 400, {"code": 22009}, Verdict.LATER),
        ("lark", 200, {"code": 99991663}, Verdict.EXPIRED),
        ("zulip", 200, {"result": "success"}, Verdict.ACCEPTED),
        ("zulip", 200, {"result": "error"}, Verdict.REFUSED),
        ("discord", 200, {"id": "1"}, Verdict.ACCEPTED),
        ("rocketchat", 200, {"success": False}, Verdict.REFUSED),
    ],
)
def test_what_an_upstream_says(name: str, status: int, body: object, verdict: Verdict) -> None:
    assert mapping.verdict(load_shipped(name), status, "application/json", json.dumps(body).encode()) is verdict


def test_an_answer_that_is_not_json_leaves_it_open_where_json_is_due() -> None:
    assert mapping.verdict(load_shipped("telegram"), 200, "text/html", b"ok") is Verdict.UNSURE
    assert mapping.verdict(load_shipped("matrix"), 200, "text/html", b"ok") is Verdict.ACCEPTED
    assert mapping.remembered(load_shipped("telegram"), "publish", "text/html", b"ok") == ()
