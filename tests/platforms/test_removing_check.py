"""A route map's way to remove what was published is checked: each problem with its field."""

from __future__ import annotations

import pytest

from gateway.platforms.routemap import RouteMapError, load
from gateway.platforms.shipped import text_of

GOOD = """
takedown:
  headers: {authorization: "Bearer {credential}"}
  ways:
    - id: delete
      routes: [message]
      of_request: {channel: path:channel}
      of_answer: {message: json:id}
      method: DELETE
      path: /api/{channel}/{message}
  gone: [{where: json:error, equals: "no {message}"}]
"""


def problems(section: str) -> list[str]:
    """The problems of the template with this section."""
    base = text_of("generic").partition("\n# How what was published is removed")[0]
    try:
        load(base + section)
    except RouteMapError as error:
        return [f"{problem.field}: {problem.message}" for problem in error.problems]
    return []


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("", "", None),
        ("routes: [message]", "routes: [other]", "takedown.ways.0.routes: there is no route other that publishes"),
        ("path:channel", "path:room", "of_request: path:room: no path of route message has a variable room"),
        ("path:channel", "form:channel", "of_request: form:channel: the body of route message is not form"),
        ("json:id", "header:id", "of_answer: header:id: an answer is read by json: or json-in-json:"),
        ("{message: json:id}", "{channel: json:id}", "of_answer: named twice: channel"),
        ("{message: json:id}", "{reason: json:id}", "these names mean something else: reason"),
        ("/api/{channel}/{message}", "/api/{room}", "path: {room} is unknown"),
        ("/api/{channel}", "api/{channel}", "path: a path starts with /"),
        ("/api/{channel}", "/api?a={channel}", "path: a path starts with /, and is visible ASCII without ? and #"),
        ('"Bearer {credential}"', '"Bearer me"', "say where the credential goes"),
        ('"Bearer {credential}"', '"{credential} {channel}"', "headers.authorization: {channel} is unknown"),
        ("no {message}", "no {room}", "gone.0.equals: {room} is unknown"),
        ("json:error", "query:error", "gone.0.where: query:error: an answer is read by"),
        ("DELETE", "GET", "takedown.ways.0.method"),
        ("id: delete", "id: Delete", "takedown.ways.0.id"),
        ("  gone:", "  gon:", "takedown.gon"),
    ],
)
def test_a_map_is_checked(old: str, new: str, problem: str | None) -> None:
    found = problems(GOOD.replace(old, new, 1) if old else GOOD)
    if problem is None:
        assert found == []
    else:
        assert any(problem in each for each in found), found


def test_a_way_needs_names_and_an_id_of_its_own() -> None:
    without = GOOD.replace("      of_request: {channel: path:channel}\n      of_answer: {message: json:id}\n", "")
    bare = without.replace("/api/{channel}/{message}", "/api/x").replace("no {message}", "no")
    assert any("say in of_request and of_answer" in each for each in problems(bare))
    way = GOOD[GOOD.index("    - id") : GOOD.index("  gone")]
    assert any("delete is given twice" in each for each in problems(GOOD.replace("  gone", way + "  gone")))
