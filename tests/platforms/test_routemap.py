"""Route maps: each problem with its line and field, and nothing unknown taken."""

from __future__ import annotations

import pytest

from gateway.platforms.render import fill
from gateway.platforms.routemap import RouteMapError, load
from gateway.platforms.selectors import BadSelector, parse_selector
from gateway.platforms.templates import BadTemplate, parse_template

GOOD = """\
platform: mine
account: bearer
learn_account:
  path: /me
  headers: {authorization: "Bearer {credential}"}
  account: json:id
routes:
  - id: message
    methods: POST
    path: /api/{room}/messages
    text: [json:text, json:**]
    target: path:room
answers:
  blocked: {status: 403, body: {error: "{message}"}}
  held: {status: 403, body: {error: "{message}"}}
  limited: {status: 429, body: {error: "{message}"}}
  unavailable: {status: 503, body: {error: "{message}"}}
  malformed: {status: 400, body: {error: "{message}"}}
"""


def problems(text: str) -> list[tuple[int, str]]:
    """The line and field of every problem."""
    with pytest.raises(RouteMapError) as caught:
        load(text)
    for problem in caught.value.problems:
        assert f"line {problem.line}: {problem.field}: " in str(caught.value)
    return [(problem.line, problem.field) for problem in caught.value.problems]


def test_the_shortest_map() -> None:
    platform = load(GOOD)
    assert (platform.name, platform.websockets, platform.case) == ("mine", "refuse", "exact")
    [route] = platform.routes
    assert (route.body, route.methods, route.untyped) == (("json",), ("POST",), None)
    assert platform.route("message") is route
    with pytest.raises(KeyError):
        platform.route("other")


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("platform: mine", "platform: Mine!", 1, "platform"),
        ("account: bearer", "account: []", 2, "account"),
        ("account: bearer", "account: berer", 2, "account.0"),
        ("account: bearer", "account: ['query:']", 2, "account.0"),
        ("account: bearer", "account: [[bearer, 5]]", 2, "account.0.1"),
        ("account: bearer", "account: bearer\nupstream: x", 3, "upstream"),
        ("  path: /me", "  path: 'x{oops}'", 3, "learn_account"),
        ("  path: /me", "  path: 'x{credential:rot13}'", 4, "learn_account.path"),
        ("    methods: POST", "    methods: post", 9, "routes.0.methods.0"),
        ("    methods: POST", "    methods: []", 9, "routes.0.methods"),
        ("    path: /api/{room}/messages", "    path: api", 10, "routes.0.path.0"),
        ("    path: /api/{room}/messages", "    path: ['/a/{room}', '/a/{x']", 10, "routes.0.path.1"),
        ("json:text", "json:a..b", 11, "routes.0.text.0"),
        ("json:text", "form:text", 11, "routes.0.text"),
        ("json:text", "path:other", 11, "routes.0.text"),
        ("    text: [json:text, json:**]", "    txt: json:text", 11, "routes.0.txt"),
        ("    text: [json:text, json:**]\n", "", 8, "routes.0.kind"),
        ("    text: [json:text, json:**]", "    kind: pass\n    text: json:text", 11, "routes.0.kind"),
        ("    text: [json:text, json:**]", "    kind: watch", 11, "routes.0.kind"),
        ("    target: path:room", "    content_type: ignored", 12, "routes.0.content_type"),
        ("    target: path:room", "    untyped: form", 12, "routes.0.untyped"),
        ("    target: path:room", "    doubts: [{code: odd, when: 'json:a'}]", 12, "routes.0.doubts.0.code"),
        ("    target: path:room", "    answers: {held: {status: 429, body: {}}}", 12, "routes.0.answers.held.status"),
        ("    target: path:room", "  - {id: message, methods: PUT, path: /x, text: 'json:a'}", 12, "routes.1.id"),
        ("  held: {status: 403", "  held: {status: 429", 15, "answers.held.status"),
        ("  held: {status: 403", "  held: {status: 4030", 15, "answers.held.status"),
        ('  held: {status: 403, body: {error: "{message}"}}', "  held: {status: 403}", 15, "answers.held"),
        (
            '  held: {status: 403, body: {error: "{message}"}}',
            "  held: {status: 403, body: '{user}'}",
            15,
            "answers.held",
        ),
        ('  held: {status: 403, body: {error: "{message}"}}\n', "", 13, "answers"),
        ("  blocked: {status: 403, body", "  blocked: {status: 200, text", 14, "answers.blocked.status"),
        ("platform: mine", "platform: mine\nplatform: mine", 2, "platform"),
        ("platform: mine", "{", 3, "file"),
        (GOOD, "- 1", 1, "file"),
    ],
)
def test_a_problem_is_told_with_its_line_and_field(old: str, new: str, line: int, field: str) -> None:
    assert old in GOOD
    assert (line, field) in problems(GOOD.replace(old, new, 1))


def test_all_problems_are_told_at_once() -> None:
    text = GOOD.replace("bearer", "berer").replace("json:text", "json:.").replace("status: 503", "status: 5")
    assert {line for line, _ in problems(text)} == {2, 11, 17}


@pytest.mark.parametrize(
    "source",
    [
        "",
        "json",
        "json:",
        "json:a.**.b",
        "json:a\\",
        "header:**",
        "prefix:x",
        "prefix::bearer",
        "only:x",
        "bearer:x",
        "basic.name",
        "part-json:a",
        "json-in-json:a:",
        "html:",
        "cookie:",
        "cookie:**",
        "shown",
        "shown:",
    ],
)
def test_selectors_that_are_none(source: str) -> None:
    with pytest.raises(BadSelector):
        parse_selector(source)


def test_a_dot_in_a_key() -> None:
    assert parse_selector(r"json:m\.new_content.body").path == ("m.new_content", "body")


@pytest.mark.parametrize(
    "source",
    [
        "a",
        "/a//b",
        "/{a}/{a}",
        "/{a*}/{b*}",
        "/x{a*}",
        "/{A}",
        "/{}",
        "/{a",
        "/a}",
        "/{a}{b}",
        "/{a:}",
        "/{a:x|}",
        "/a%2F",
        "/a b",
        "/..",
        "/a;b",
        "/a?b",
        "/{{a}}",
    ],
)
def test_templates_that_are_none(source: str) -> None:
    with pytest.raises(BadTemplate):
        parse_template(source)


@pytest.mark.parametrize(
    ("source", "path", "variables"),
    [
        ("/a/{b}", "a/x", {"b": "x"}),
        ("/a/{b}", "a/", None),
        ("/a/{b}", "a", None),
        ("/a/{b}", "A/x", None),
        ("/bot{t}/{m:x|y}", "bot1:A/y", {"t": "1:A", "m": "y"}),
        ("/bot{t}/{m:x|y}", "bot/y", None),
        ("/bot{t}/{m:x|y}", "bot1/z", None),
        ("/p{a}s/x", "ps/x", None),
        ("/{a*}/end", "1/2/3/end", {"a": "1/2/3"}),
        ("/{a*}/end", "end", None),
        ("/x/{a*}", "x//y", None),
        ("/x/", "x/", {}),
        ("/x/", "x", None),
    ],
)
def test_what_a_template_fits(source: str, path: str, variables: dict[str, str] | None) -> None:
    assert parse_template(source).match(path.split("/")) == variables


def test_places_are_filled_in() -> None:
    filled = fill(
        {
            "a": "{message} {code}",
            "n": "{retry_after:int}",
            "ms": ["{retry_after:milliseconds}"],
            "b": "{message:base64}",
            "t": True,
        }
    )
    values = {"message": "no {code}", "retry_after": "1.6"}
    assert filled.render(values) == {"a": "no {code} ", "n": 2, "ms": [2000], "b": "bm8ge2NvZGV9", "t": True}
    assert filled.names == {"message", "code", "retry_after"}
