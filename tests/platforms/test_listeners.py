"""The listeners' file: what it says, and every problem with its line and field."""

from __future__ import annotations

import pytest

from gateway.platforms.listeners import Listener, ListenersError, parse_listeners
from gateway.platforms.schema import Platform
from gateway.platforms.shipped import load_shipped

GOOD = """\
listeners:
  - name: bots
    platform: telegram
    tenant: acme
    port: 8443
    upstream: https://api.telegram.org
"""


def platform(name: str) -> Platform:
    """A shipped route map."""
    if name != "telegram":
        raise ValueError("there is no such platform")
    return load_shipped("telegram")


def problems(text: str) -> list[str]:
    """What is wrong with a file."""
    with pytest.raises(ListenersError) as refused:
        parse_listeners(text, platform)
    return [str(problem) for problem in refused.value.problems]


def test_a_listener_has_its_route_map_and_defaults() -> None:
    (listener,) = parse_listeners(GOOD, platform)

    assert listener.map is load_shipped("telegram")
    assert (listener.unknown_accounts, listener.host, listener.trusted_peers) == ("hold", "upstream", ())


def test_a_host_name_stands_instead_of_a_port() -> None:
    (listener,) = parse_listeners(GOOD.replace("port: 8443", "hostname: bots.example"), platform)

    assert (listener.port, listener.hostname) == (None, "bots.example")


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("port: 8443", "prot: 8443", "line 5: listeners.0.prot"),
        ("port: 8443", "port: 0", "line 5: listeners.0.port"),
        ("port: 8443", "port: '8443'", "line 5: listeners.0.port"),
        ("    port: 8443\n", "", "line 2: listeners.0: give either port or hostname"),
        ("port: 8443", "port: 8443\n    hostname: a.example", "line 2: listeners.0: give either port or hostname"),
        ("name: bots", "name: Bots", "line 2: listeners.0.name"),
        ("platform: telegram", "platform: pager", "line 3: listeners.0.platform: there is no such platform"),
        ("https://api.telegram.org", "https://api.telegram.org/bot", "line 2: listeners.0: upstream: give an origin"),
        ("https://api.telegram.org", "ftp://api.telegram.org", "line 2: listeners.0: upstream: give an origin"),
        ("port: 8443", "port: 8443\n    unknown_accounts: allow", "line 6: listeners.0.unknown_accounts"),
        ("port: 8443", "port: 8443\n    trusted_peers: [10.0.0.300]", "line 2: listeners.0"),
        ("port: 8443", "port: 8443\n    port: 8444", "line 6: listeners.0.port: given twice"),
        ("port: 8443", "port: 8443\n    takedown_token_env: a b", "line 6: listeners.0.takedown_token_env"),
        (
            "port: 8443",
            "port: 8443\n    takedown_token_env: A\n    takedown_token_file: a",
            "line 2: listeners.0: give either takedown_token_env or takedown_token_file",
        ),
        ("listeners:", "listener:", "line 1: listener"),
    ],
)
def test_a_problem_is_named_with_its_line_and_field(old: str, new: str, problem: str) -> None:
    assert GOOD.count(old) == 1
    assert any(found.startswith(problem) for found in problems(GOOD.replace(old, new)))


@pytest.mark.parametrize("field", ["name", "port"])
def test_two_listeners_share_neither_name_nor_port(field: str) -> None:
    second = GOOD.removeprefix("listeners:\n").replace("bots", "others").replace("8443", "8444")
    same = second.replace("others", "bots") if field == "name" else second.replace("8444", "8443")

    assert len(parse_listeners(GOOD + second, platform)) == 2
    assert any(f"listeners.1.{field}: given twice" in found for found in problems(GOOD + same))


@pytest.mark.parametrize("text", ["", "- a", "listeners: []", "{", "listeners: 7"])
def test_what_is_no_such_file_is_refused(text: str) -> None:
    assert problems(text)


@pytest.mark.parametrize(
    ("peer", "trusted"),
    [("10.1.2.3", True), ("11.1.2.3", False), ("2001:db8::1", True), ("unix", False), ("", False)],
)
def test_a_peer_is_trusted_by_its_network(peer: str, trusted: bool) -> None:
    (listener,) = parse_listeners(GOOD + '    trusted_peers: [10.0.0.0/8, "2001:db8::/32"]\n', platform)

    assert listener.trusts(peer) is trusted


def test_a_listener_without_its_map_says_so() -> None:
    bare = Listener(name="bots", platform="telegram", tenant="acme", port=1, upstream="http://up.example")

    with pytest.raises(RuntimeError, match="was not loaded"):
        _ = bare.map
