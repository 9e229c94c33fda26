"""What is judged is what is forwarded: no word of a request gets past, and every byte counts."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms import mapping
from gateway.platforms.mapping import BadRequest, Call, Platform
from gateway.platforms.shipped import load_shipped
from tests.platforms.calls import FORM, JSON, MULTIPART, Row, call, multipart, read, recognised
from tests.platforms.test_maps import ROWS

SENTENCE = "come and see what is sold here"
Path = tuple[str | int, ...]
TELEGRAM, SLACK, WECHAT = load_shipped("telegram"), load_shipped("slack"), load_shipped("wechat")
BODIES = [
    (load_shipped(name), row)
    for name, rows in ROWS.items()
    for row in rows
    if isinstance(row.body, dict | list) and row.content_type != FORM
]


def places(value: Any, path: Path = ()) -> Iterator[Path]:
    """The way to every text in a JSON value."""
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, key))


def put(value: Any, path: Path, new: Any) -> Any:
    """The value with something else in one place."""
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = put(value[path[0]], path[1:], new)
    return copy


CHANGES = [(platform, row, path) for platform, row in BODIES for path in places(row.body)]


@pytest.mark.parametrize(("platform", "row", "path"), CHANGES)
def test_a_sentence_in_any_place_of_a_body_is_judged(platform: Platform, row: Row, path: Path) -> None:
    try:
        message = read(platform, replace(row, body=put(row.body, path, SENTENCE)).call)
    except BadRequest:
        return  # JSON in a text was due there: it goes nowhere
    assert SENTENCE in message.texts


@given(st.sampled_from(CHANGES), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_any_change_of_a_text_changes_the_hash(change: tuple[Platform, Row, Path], text: str) -> None:
    _, row, path = change
    request, other = row.call, replace(row, body=put(row.body, path, text)).call
    assert (mapping.content_hash(request) == mapping.content_hash(other)) == (request.body == other.body)


@given(st.sampled_from(BODIES), st.sampled_from(["method", "raw_path", "query", "body"]), st.data())
def test_every_byte_counts(item: tuple[Platform, Row], field: str, data: st.DataObject) -> None:
    request = item[1].call
    value = getattr(request, field)
    raw = value.encode() if isinstance(value, str) else value
    at = data.draw(st.integers(0, len(raw)))
    changed = raw[:at] + data.draw(st.binary(min_size=1, max_size=3)) + raw[at:]
    change: dict[str, Any] = {field: changed.decode("latin-1") if isinstance(value, str) else changed}
    other = replace(request, **change)
    assert mapping.content_hash(other) != mapping.content_hash(request)


@given(st.lists(st.binary(max_size=3), min_size=4, max_size=4), st.lists(st.binary(max_size=3), min_size=4, max_size=4))
def test_no_two_requests_have_the_same_hash(one: list[bytes], two: list[bytes]) -> None:
    first, second = [Call(p[0].hex(), p[1], p[2], (), p[3]) for p in (one, two)]
    assert (mapping.content_hash(first) == mapping.content_hash(second)) == (one == two)


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(lambda text: not text.isspace())


@given(texts, st.sampled_from(["json", "form", "multipart", "query"]))
def test_a_text_is_the_same_wherever_it_stands(text: str, where: str) -> None:
    if where == "query":
        request = call("GET", "/api/chat.postMessage", urlencode({"text": text}), content_type=None)
    elif where == "multipart":
        request = call("POST", "/api/chat.postMessage", body=multipart(("text", text)), content_type=MULTIPART)
    else:
        content_type = {"json": JSON, "form": FORM}[where]
        request = call("POST", "/api/chat.postMessage", body={"text": text}, content_type=content_type)
    assert read(SLACK, request).texts[0] == text


@given(
    st.recursive(
        texts | st.integers(-(2**63), 2**64 - 1),
        lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
        max_leaves=8,
    )
)
def test_every_text_and_number_of_rich_content_is_judged(value: Any) -> None:
    def wanted(item: Any) -> Iterator[str]:
        if isinstance(item, dict | list):
            for inner in item.values() if isinstance(item, dict) else item:
                yield from wanted(inner)
        else:
            yield str(item)

    judged = read(SLACK, call("POST", "/api/chat.postMessage", body={"blocks": [value]})).texts
    nested = read(
        SLACK, call("POST", "/api/chat.postMessage", body={"blocks": json.dumps([value])}, content_type=FORM)
    ).texts
    for text in wanted(value):
        assert text in judged
        assert text in nested


def test_of_a_key_given_twice_in_a_text_both_are_judged() -> None:
    body = {"text": "x", "blocks": '[{"text": "good", "text": "bad"}]'}
    request = call("POST", "/api/chat.command", body=body, content_type=FORM)
    with pytest.raises(BadRequest):  # where the map looks for pictures in it
        read(SLACK, request)
    body = {"text": "x", "other": '[{"text": "good", "text": "b\\u0061d"}]'}
    judged = read(SLACK, call("POST", "/api/chat.command", body=body, content_type=FORM)).texts
    assert {"good", "bad"} <= set(judged)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 5000 + "]" * 5000,
        json.dumps(json.dumps([json.dumps([json.dumps([json.dumps([json.dumps([json.dumps([json.dumps([1])])])])])])])),
    ],
)
def test_json_nested_without_end_in_a_text_is_refused(text: str) -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body={"text": json.loads(text) if text[0] == '"' else text}))


@pytest.mark.parametrize("number", [2**64, -(2**64) - 1, 10**40, 1e30])
def test_a_number_whose_digits_are_lost_is_refused(number: float) -> None:
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body={"text": number}))
    body = {"text": json.dumps([number])}
    assert json.dumps(number) in read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body=body)).texts


def test_a_text_without_utf8_is_judged_as_far_as_it_goes() -> None:
    judged = read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body={"text": '["\\ud800 x"]'})).texts
    assert "? x" in judged
    for text in judged:
        text.encode()


def test_too_many_texts_are_refused() -> None:
    body = {f"p{index}": json.dumps([*map(str, range(index * 100, index * 100 + 100))]) for index in range(120)}
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", "/bot1:A/sendMessage", body=body, content_type=FORM))


def test_too_many_references_are_refused() -> None:
    body = {"chat_id": 1, "from_chat_id": 2, "message_ids": list(range(101))}
    with pytest.raises(BadRequest):
        read(TELEGRAM, call("POST", "/bot1:A/copyMessages", body=body))


def test_credentials_are_never_judged() -> None:
    request = call("POST", "/api/chat.postMessage", "token=xoxb-secret", {"text": "hi", "token": "xoxb-secret"})
    assert read(SLACK, request).texts == ("hi",)


def test_files_are_media_and_their_names_texts() -> None:
    request = call(
        "POST", "/bot1:A/sendDocument", body=multipart(("document", "buy now.txt", b"abc")), content_type=MULTIPART
    )
    message = read(TELEGRAM, request)
    assert message.texts == ("buy now.txt",)
    assert [media.sha256 for media in message.media] == [hashlib.sha256(b"abc").hexdigest()]
    renamed = multipart(("document", "a.txt", b"abc")).replace(b'filename="a.txt"', b"filename*=utf-8''b%20c.txt")
    assert read(TELEGRAM, call("POST", "/bot1:A/sendDocument", body=renamed, content_type=MULTIPART)).texts == (
        "utf-8''b%20c.txt",
    )


def test_what_is_referenced_is_judged_with_its_doubts() -> None:
    known = read(WECHAT, call("POST", "/cgi-bin/draft/add", body={"articles": [{"title": "T"}]}))
    doubtful = type(known)(
        **{name: getattr(known, name) for name in known.__struct_fields__} | {"doubts": ("encrypted",)}
    )
    submit = call("POST", "/cgi-bin/freepublish/submit", body={"media_id": "d1"})
    assert read(WECHAT, submit, doubtful).doubts == ("encrypted",)
    assert read(WECHAT, submit).doubts == ("unknown_reference",)


def test_without_a_match_the_head_still_tells_who_it_is() -> None:
    request = call("GET", "/cgi-bin/user/info", "access_token=tok", content_type=None)
    assert mapping.credential(WECHAT, request, None) == "tok"
    assert mapping.credential(TELEGRAM, request, None) is None


def test_a_repeat_has_the_same_key_and_another_target_another() -> None:
    def key(**fields: Any) -> str | None:
        request = call("POST", "/cgi-bin/message/mass/send", body={"text": {"content": "hi"}, **fields})
        return mapping.idempotency(WECHAT, recognised(WECHAT, request), request)

    assert key(touser=["o1"], clientmsgid="k") == key(clientmsgid="k", touser=["o1"]) is not None
    assert (
        len(
            {
                key(touser=["o1"], clientmsgid="k"),
                key(touser=["o2"], clientmsgid="k"),
                key(touser=["o1"], clientmsgid="l"),
            }
        )
        == 3
    )
    assert key(touser=["o1"]) is None
