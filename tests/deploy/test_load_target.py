"""What the load profiles publish is read from a file, and a bad one is told in words."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from loadtest.target import DEFAULT, BadTarget, Target, read_target

EXAMPLE = DEFAULT.with_name("telegram.example.yaml")
PLAIN: dict[str, Any] = yaml.safe_load(DEFAULT.read_text())


def test_the_default_is_the_demo() -> None:
    target = read_target()
    [sender] = target.accounts
    call = target.call(sender, "Good morning", "m-1")
    assert (call.method, call.path) == ("POST", "/v1/messages")
    assert call.headers == {"Content-Type": "application/json", "Authorization": "Bearer demo-key"}
    assert orjson.loads(call.body) == {"account_id": "demo-verified", "text": "Good morning"}
    assert target.call(sender, "a", "m-1", retry=True).headers["Idempotency-Key"] == "m-1"
    assert (target.answers.allowed, target.answers.held, target.answers.blocked) == (200, 202, 403)
    assert target.can_retry


def test_the_example_takes_its_key_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STAGING_BOT", raising=False)
    with pytest.raises(BadTarget, match="key_env: STAGING_BOT is not set in the environment"):
        read_target(EXAMPLE)
    monkeypatch.setenv("STAGING_BOT", "123:abc/d")
    target = read_target(EXAMPLE)
    call = target.call(target.accounts[0], "hello", "m-1")
    assert call.path == "/bot123:abc%2Fd/sendMessage"
    assert orjson.loads(call.body) == {"chat_id": "@news", "text": "hello"}
    assert not target.can_retry


def test_a_form_and_json_files_are_read(tmp_path: Path) -> None:
    file = tmp_path / "target.json"
    form = {"method": "PUT", "path": "/send/{id}", "form": {"to": "{account}", "content": "{text}"}}
    file.write_text(json.dumps({**PLAIN, "request": form}))
    target = read_target(file)
    call = target.call(target.accounts[0], "a & b", "m-1")
    assert (call.method, call.path) == ("PUT", "/send/m-1")
    assert call.headers["Content-Type"] == "application/x-www-form-urlencoded"
    assert call.body == b"to=demo-verified&content=a+%26+b"


@given(text=st.text(), account=st.text(min_size=1))
def test_what_is_put_in_is_never_taken_for_a_placeholder(text: str, account: str) -> None:
    target = Target.model_validate({**PLAIN, "accounts": [{"account": account}]})
    body = orjson.loads(target.call(target.accounts[0], "{key}" + text, "m-1").body)
    assert body == {"account_id": account, "text": "{key}" + text}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"accounts": []}, "accounts: "),
        ({"key": None}, "account 'demo-verified' has no key"),
        ({"kee": "a"}, "kee: "),
        ({"request": {"path": "v1", "json": {"text": "{text}"}}}, "request.path: "),
        ({"request": {"path": "/v1"}}, "request: Value error, give the body as json or as form"),
        ({"request": {"path": "/v1", "json": {"text": "hello"}}}, "request: Value error, the body has no {text}"),
        ({"texts": {"allowed": ["a"], "held": ["b"]}}, "texts.blocked: "),
        ({"answers": {"held": 42}}, "answers.held: "),
    ],
)
def test_what_is_wrong_is_named_by_its_field(tmp_path: Path, change: dict[str, Any], problem: str) -> None:
    file = tmp_path / "target.yaml"
    file.write_text(yaml.safe_dump({**PLAIN, **change}))
    with pytest.raises(BadTarget) as caught:
        read_target(file)
    assert f"{file}: " in str(caught.value)
    assert problem in str(caught.value)


@pytest.mark.parametrize(
    ("content", "problem"), [(None, "cannot be read"), ("{", "neither YAML nor JSON"), ("", "file")]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str | None, problem: str) -> None:
    file = tmp_path / "target.yaml"
    if content is not None:
        file.write_text(content)
    with pytest.raises(BadTarget, match=problem):
        read_target(file)
