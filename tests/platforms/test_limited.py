"""How an account is told that its publishing is limited: no client waits and sends again by itself for ever."""

from __future__ import annotations

import json

import pytest

from gateway.platforms import mapping
from gateway.platforms.mapping import AnswerKind
from gateway.platforms.shipped import load_shipped

VALUES = {"message": "Publishing by this account is restricted.", "retry_after": "3600"}


@pytest.mark.parametrize(
    ("platform", "status", "field", "code"),
    [
        ("discord", 400, "code", 40062),
        ("matrix", 403, "errcode", "M_USER_SUSPENDED"),
        ("slack", 200, "error", "ratelimited"),
        ("telegram", 429, "error_code", 429),
        ("wechat", 200, "errcode", 45009),
        ("qq", 429, "code", 1100100),
        ("line", 429, "message", VALUES["message"]),
        ("mattermost", 429, "id", "moderation.limited"),
    ],
)
def test_the_platform_s_own_code_says_so(platform: str, status: int, field: str, code: object) -> None:
    answer = mapping.answer(load_shipped(platform), AnswerKind.LIMITED, VALUES)
    assert answer.status == status
    assert json.loads(answer.body)[field] == code


@pytest.mark.parametrize("platform", ["line", "mattermost", "qq", "telegram"])
def test_a_429_says_after_how_many_seconds_to_try_again(platform: str) -> None:
    answer = mapping.answer(load_shipped(platform), AnswerKind.LIMITED, VALUES)
    assert dict(answer.headers)[b"retry-after"] == b"3600"
