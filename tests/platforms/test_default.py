"""What a route map does not list is not trusted: it is judged by every string in it, held, or refused."""

from __future__ import annotations

import contextlib
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms import mapping
from gateway.platforms.mapping import Ambiguous, BadRequest, Platform
from gateway.platforms.routemap import RouteMapError, load
from gateway.platforms.shipped import load_shipped, shipped
from tests.platforms.calls import FORM, JSON, call, passes, read, recognised
from tests.platforms.test_routemap import GOOD

PLATFORMS = [load_shipped(name) for name in shipped()]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
SENTENCE = "come and see what is sold here"
WORDS = sorted({word for p in PLATFORMS for r in (*p.routes, *p.passes) for t in r.path for word in t.anchors()})
SEGMENT = st.sampled_from(WORDS) | st.text("abv1._-%2F;:/", min_size=1, max_size=8) | st.sampled_from(["", ".", ".."])


def mine(more: str, old: str = "", new: str = "") -> Platform:
    """The map of the tests with more fields at its top, and something replaced."""
    return load(f"{GOOD.replace(old, new) if old else GOOD}{more}\n")


def is_listed(platform: Platform, method: str, path: str) -> bool:
    """Whether a map lists a request as one that passes, found by trying every template on the path as it is written."""
    parts, fold = path[1:].split("/"), platform.case == "ignore"
    for route in (*platform.routes, *platform.passes):
        asked = method in route.methods or (method == "HEAD" and "GET" in route.methods)
        if route.kind == "pass" and asked and any(t.match(parts, fold=fold) is not None for t in route.path):
            return True
    return any(template.match(parts) is not None for template in platform.websocket_paths)


@given(st.sampled_from(shipped()), st.sampled_from(METHODS), st.lists(SEGMENT, min_size=1, max_size=7))
def test_what_passes_is_listed(name: str, method: str, segments: list[str]) -> None:
    platform = load_shipped(name)
    path = "/" + "/".join(segments)
    with contextlib.suppress(Ambiguous, BadRequest):
        if passes(platform, method, path):
            assert method == "OPTIONS" or is_listed(platform, method, path)
            assert method == "OPTIONS" or not {"", ".", ".."} & set(segments[:-1])


@given(
    st.sampled_from(shipped()), st.sampled_from(METHODS[2:6]), st.lists(st.sampled_from(WORDS), min_size=1, max_size=5)
)
def test_an_unlisted_request_is_judged_by_every_string(name: str, method: str, segments: list[str]) -> None:
    platform = load_shipped(name)
    body = {"a": [{"b": SENTENCE}], f"{SENTENCE} as a key": 1}
    request = call(method, "/" + "/".join([*segments, "anything"]), "q=" + SENTENCE.replace(" ", "+") + "+asked", body)
    request = replace(request, headers=(*request.headers, LENGTH))
    with contextlib.suppress(Ambiguous, BadRequest):
        match = mapping.recognise(platform, method, request.raw_path, request.query, request.headers)
        if match.route is platform.unlisted:
            texts = mapping.read(platform, match, request, tenant_id="t1", account_id="a1").texts
            assert {SENTENCE, f"{SENTENCE} as a key", f"{SENTENCE} asked"} <= set(texts)


LENGTH = (b"content-length", b"9")


@pytest.mark.parametrize(
    ("content_type", "body", "texts", "media"),
    [
        (JSON, {"deep": {"est": "k**i**ll"}}, ("k**i**ll", "kill"), ()),
        (FORM, {"a": SENTENCE}, (SENTENCE,), ()),
        ("text/plain", SENTENCE.encode(), (SENTENCE,), ()),
        ("text/plain", json.dumps({"a": SENTENCE}).encode(), (SENTENCE,), ()),
        ("application/xml", f"<m><to>u1</to><c x='y z'>{SENTENCE}</c></m>".encode(), ("y z", SENTENCE), ()),
        (
            "text/xml",
            f'<?xml version="1.0" encoding="utf-8"?><m>a<!-- b --> <c/>{SENTENCE}</m>'.encode(),
            (f"a {SENTENCE}", " b "),
            (),
        ),
        ("text/xml; charset=utf-8", f"<m><![CDATA[{SENTENCE}]]></m>".encode(), (SENTENCE,), ()),
        ("image/png", b"\x89PNG", (), ("image/png",)),
        ("application/octet-stream", SENTENCE.encode(), (), ("application/octet-stream",)),
        (None, SENTENCE.encode(), (), ("application/octet-stream",)),
    ],
)
def test_every_format_is_read_or_is_a_file(
    content_type: str | None, body: Any, texts: tuple[str, ...], media: tuple[str, ...]
) -> None:
    message = read(mine(""), call("POST", "/anything", body=body, content_type=content_type))
    assert set(texts) <= set(message.texts)
    assert tuple(item.content_type for item in message.media) == media


@pytest.mark.parametrize(
    ("path", "texts"),
    [
        ("/say/i-will-kill-you-tonight", ("i will kill you tonight",)),
        ("/say/I%20will%20kill%20you", ("say/I will kill you",)),
        ("/hook/bZ7-aQ_k3", ()),
        ("/hook/eyJhbGciOi-JIUzI1NiIsIn-R5cCI6IkpXVCJ9", ()),
    ],
)
def test_a_path_is_judged_but_no_credential_in_it(path: str, texts: tuple[str, ...]) -> None:
    assert read(mine(""), call("POST", path, content_type=None)).texts == texts


@pytest.mark.parametrize(
    "body",
    [
        b"<m><c>a</c>",
        b"<!DOCTYPE m [<!ENTITY a 'b'>]><m>&a;</m>",
        b"<m>&unknown;</m>",
        b"<m>\xff</m>",
        b'<?xml version="1.0" encoding="UTF-7"?><m>+AGsAaQBsAGw-</m>',
        b'<?xml version="1.0" encoding="IBM037"?><m>a</m>',
        b"<a>" * 40 + b"</a>" * 40,
        b"<m>" + b"<a/>" * 10_001 + b"</m>",
        b"",
    ],
)
def test_xml_that_can_be_read_in_two_ways_is_refused(body: bytes) -> None:
    with pytest.raises(BadRequest):
        read(mine(""), call("POST", "/anything", body=body or b" ", content_type="application/xml"))


def test_the_default_may_hold_or_refuse() -> None:
    assert read(mine("default: hold"), call("POST", "/any", body={"a": "b"})).doubts == ("unreadable_part",)
    with pytest.raises(Ambiguous, match="does not list"):
        recognised(mine("default: refuse"), call("POST", "/any", body={"a": "b"}))


def test_a_site_below_a_path_of_its_own_is_named() -> None:
    with pytest.raises(Ambiguous, match=r"post below /mattermost.*base_path"):
        mapping.recognise(load_shipped("mattermost"), "POST", b"/mattermost/api/v4/posts", b"")


CHOICE = """
  - id: ping
    kind: pass
    methods: [POST]
    path: /rpc
    when: [{where: "json:method", equals: [ping, pong]}]
  - id: say
    methods: [POST]
    path: /rpc
    when: [{where: "json:method", equals: say}]
    text: [json:params.text, json:**]
    ignore: [json:method]
"""


@pytest.mark.parametrize(
    ("body", "route"),
    [
        ({"method": "ping"}, "ping"),
        ({"method": "pong", "params": 1}, "ping"),
        ({"method": "say", "params": {"text": "hi"}}, "say"),
        ({"method": "other"}, "unlisted"),
        ({"method": ["ping"]}, "unlisted"),
        ([{"method": "ping"}, {"method": "say"}], "unlisted"),
        ({}, "unlisted"),
    ],
)
def test_a_route_is_chosen_by_a_value_of_the_body(body: Any, route: str) -> None:
    platform = mine("", "routes:\n", f"routes:{CHOICE}")
    request = call("POST", "/rpc", body=body)
    match = mapping.recognise(platform, "POST", b"/rpc", b"", request.headers)
    assert mapping.choose(platform, match, request).route.id == route


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ("passes: ['get /a']", "passes.0.methods.0"),
        ("passes: ['GET a']", "passes.0.path.0"),
        ("passes: ['GET /{a']", "passes.0.path.0"),
        ("default: pass", "default"),
        ("websocket_paths: /a", "websockets"),
    ],
)
def test_a_list_that_cannot_be_used_names_its_line(more: str, field: str) -> None:
    with pytest.raises(RouteMapError) as caught:
        mine(more)
    assert field in [problem.field for problem in caught.value.problems]
