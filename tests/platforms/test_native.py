"""The native publish API: the message in a request body, and what each field must be."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Media, Repost
from gateway.platforms.native import BadBody, read

GOOD = {"account_id": "acc-1", "text": "hello"}
PNG = {"content_type": "image/png", "url": "https://one.example/a.png"}


def body(**fields: Any) -> bytes:
    """A good body with some fields set."""
    return json.dumps({**GOOD, **fields}).encode()


def problems(data: bytes) -> list[str]:
    """The fields that are bad."""
    with pytest.raises(BadBody) as caught:
        read(data, "t1")
    for field, message in caught.value.problems:
        assert f"{field}: {message}" in str(caught.value)
    return [field for field, _ in caught.value.problems]


def test_every_field_has_its_place() -> None:
    data = body(
        title="Title",
        target="room",
        media=[PNG, {"content_type": "image/gif", "data": base64.b64encode(b"gif").decode()}],
        repost_of={"url": "https://two.example/1", "publisher": "P", "author": "A", "title": "T"},
        metadata={"topic": "news", "tags": ["x", {"deep": "y"}], "count": 3},
    )
    message = read(data, "t1")
    assert (message.tenant_id, message.account_id, message.platform) == ("t1", "acc-1", "native")
    said = ("Title", "hello", "T", "P", "A", "https://two.example/1")
    tagged = ("topic", "news", "tags", "x", "deep", "y", "count", "3")
    assert message.texts == (*said, *tagged, PNG["url"], "room")
    assert message.content_hash == hashlib.sha256(data).hexdigest()
    assert message.media == (
        Media("image/png", "https://one.example/a.png"),
        Media("image/gif", sha256=hashlib.sha256(b"gif").hexdigest()),
    )
    assert message.repost_of == Repost("https://two.example/1", "P", "A", "T")
    assert (message.target, message.declared_topic) == ("room", "news")


@given(st.integers(0, 3), st.integers(0, 3))
def test_the_hash_is_that_of_the_very_bytes(before: int, after: int) -> None:
    data = b" " * before + body() + b"\n" * after
    assert read(data, "t1").content_hash == hashlib.sha256(data).hexdigest()


texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1)
values = st.recursive(
    st.none() | st.booleans() | st.integers(0, 9) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=10,
)


def strings(value: Any) -> list[str]:
    """Every string and whole number in a JSON value."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    if isinstance(value, list):
        return [text for item in value for text in strings(item)]
    if isinstance(value, dict):
        return [text for pair in value.items() for item in pair for text in strings(item)]
    return []


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("13800138000", "13800138000"),
        ("110105199003070038", "110105199003070038"),
        ("13800138000.0", "13800138000"),
        ("1.3800138e10", "13800138000"),
        ("-7", "-7"),
        ("0.25", "0.25"),
        ("18446744073709551615", "18446744073709551615"),
    ],
)
def test_a_number_is_judged_as_its_digits(number: str, text: str) -> None:
    data = b'{"account_id": "acc-1", "text": "call", "metadata": {"n": [%b]}}' % number.encode()
    assert read(data, "t1").texts == ("call", "n", text)


@pytest.mark.parametrize("number", ["51010519900307003800", "1e16", "-1e300", "99999999999999999999"])
def test_a_number_that_parsers_read_differently_is_refused(number: str) -> None:
    data = b'{"account_id": "acc-1", "text": "call", "metadata": {"n": %b}}' % number.encode()
    with pytest.raises(BadBody, match="send it as a string"):
        read(data, "t1")


@given(st.dictionaries(texts, values, max_size=4))
def test_every_string_of_the_metadata_is_judged(metadata: dict[str, Any]) -> None:
    message = read(body(metadata=metadata), "t1")
    written = ["hello", *strings(metadata)]
    assert sorted(message.texts[: len(written)]) == sorted(written)


@pytest.mark.parametrize(
    "text",
    [
        "I will <b>k</b>ill <i>you</i>",
        "I will **k**ill __you__",
        "<!-- hi -->I will k&#105;ll you",
        "I will [kill](https://a.example) [you](https://b.example)",
        "I will k~~~~ill you",
    ],
)
def test_what_an_app_may_render_is_judged_rendered(text: str) -> None:
    """The app that shows it may read HTML or markdown: the native API does not say."""
    assert {text, "I will kill you"} <= set(read(body(text=text), "t1").texts)
    assert "I will kill you" in read(body(title=text, repost_of={"url": "https://two.example"}), "t1").texts


@given(st.fixed_dictionaries({}, optional=dict.fromkeys(("publisher", "author", "title"), texts)))
def test_every_string_of_a_source_is_judged(source: dict[str, str]) -> None:
    message = read(body(repost_of=source), "t1")
    written = ["hello", *source.values()]
    assert sorted(message.texts[: len(written)]) == sorted(written)


@pytest.mark.parametrize(
    ("fields", "bad"),
    [
        ({"account_id": "a" * 255}, None),
        ({"account_id": "a" * 256}, "account_id"),
        ({"account_id": ""}, "account_id"),
        ({"account_id": None}, "account_id"),
        ({"account_id": 1}, "account_id"),
        ({"title": "t" * 1000}, None),
        ({"title": "t" * 1001}, "title"),
        ({"title": ["t"]}, "title"),
        ({"text": "t" * 100_000}, None),
        ({"text": "t" * 100_001}, "text"),
        ({"text": True}, "text"),
        ({"target": "t" * 500}, None),
        ({"target": "t" * 501}, "target"),
        ({"target": 1}, "target"),
        ({"media": [PNG] * 20}, None),
        ({"media": [PNG] * 21}, "media"),
        ({"media": PNG}, "media"),
        ({"media": ["image"]}, "media.0"),
        ({"media": [PNG, {"content_type": "image/png"}]}, "media.1"),
        ({"media": [{**PNG, "data": ""}]}, "media.0"),
        ({"media": [{**PNG, "alt": "text"}]}, "media.0.alt"),
        ({"media": [{"url": "https://one.example"}]}, "media.0.content_type"),
        ({"media": [{**PNG, "content_type": "png"}]}, "media.0.content_type"),
        ({"media": [{**PNG, "content_type": "image/PNG"}]}, "media.0.content_type"),
        ({"media": [{**PNG, "content_type": "image/png\n"}]}, "media.0.content_type"),
        ({"media": [{**PNG, "content_type": "image/" + "p" * 95}]}, "media.0.content_type"),
        ({"media": [{**PNG, "url": "file:///etc/passwd"}]}, "media.0.url"),
        ({"media": [{**PNG, "url": "https://" + "u" * 1993}]}, "media.0.url"),
        ({"media": [{"content_type": "image/png", "data": "not base64!"}]}, "media.0.data"),
        ({"media": [{"content_type": "image/png", "data": "YQ"}]}, "media.0.data"),
        ({"media": [{"content_type": "image/png", "data": "é"}]}, "media.0.data"),
        ({"media": [{"content_type": "image/png", "data": "YQ==\n"}]}, "media.0.data"),
        ({"repost_of": {"url": "https://" + "u" * 1992}}, None),
        ({"repost_of": {"url": "https://" + "u" * 1993}}, "repost_of.url"),
        ({"repost_of": {"url": "news.example"}}, "repost_of.url"),
        ({"repost_of": {"publisher": "p" * 500, "author": "a" * 500, "title": "t" * 1000}}, None),
        ({"repost_of": {"publisher": "p" * 501}}, "repost_of.publisher"),
        ({"repost_of": {"author": "a" * 501}}, "repost_of.author"),
        ({"repost_of": {"title": "t" * 1001}}, "repost_of.title"),
        ({"repost_of": {"caption": "c"}}, "repost_of.caption"),
        ({"repost_of": "https://news.example"}, "repost_of"),
        ({"metadata": []}, "metadata"),
        ({"metadata": None}, "metadata"),
        ({"html": "<p>unjudged</p>"}, "html"),
    ],
)
def test_each_field_has_its_limits(fields: dict[str, Any], bad: str | None) -> None:
    if bad is None:
        assert read(body(**fields), "t1").account_id
    else:
        assert problems(body(**fields)) == [bad]


@pytest.mark.parametrize("fields", [{}, {"title": ""}, {"text": ""}, {"media": []}, {"metadata": {"only": "this"}}])
def test_a_message_needs_something_to_publish(fields: dict[str, Any]) -> None:
    assert problems(json.dumps({"account_id": "acc-1", **fields}).encode()) == ["body"]


@pytest.mark.parametrize("fields", [{"title": "t"}, {"text": "t"}, {"media": [PNG]}])
def test_one_thing_to_publish_is_enough(fields: dict[str, Any]) -> None:
    assert read(json.dumps({"account_id": "acc-1", **fields}).encode(), "t1").account_id == "acc-1"


@pytest.mark.parametrize("topic", [1, None, ["news"], {"news": True}])
def test_a_topic_that_is_no_text_declares_nothing(topic: object) -> None:
    assert read(body(metadata={"topic": topic}), "t1").declared_topic is None


@pytest.mark.parametrize("data", [b"1", b"null", b"[]", b'"text"'])
def test_a_body_that_is_no_object(data: bytes) -> None:
    assert problems(data) == ["body"]


def test_texts_are_counted_in_characters() -> None:
    assert read(body(title="\U0001f600" * 1000), "t1").texts[0] == "\U0001f600" * 1000


def test_the_tenant_is_the_caller_and_not_what_the_body_says() -> None:
    assert problems(body(tenant_id="t2")) == ["tenant_id"]
