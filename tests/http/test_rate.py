"""How often strangers may ask: each address, and all together, in bounded memory."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.http.rate import Rate, client_of


def spent(rate: Rate, client: str, now_ms: int) -> bool:
    """Whether this client may, and does."""
    return not rate.take(client, now_ms)


def test_each_client_has_its_own_number_and_gets_it_back_steadily() -> None:
    rate = Rate(3, 60.0, 100, 10)
    assert [spent(rate, "a", 0) for _ in range(4)] == [True, True, True, False]
    assert spent(rate, "b", 0)
    wait_ms = rate.wait_ms("a", 0)
    assert not spent(rate, "a", wait_ms - 2)
    assert spent(rate, "a", wait_ms)
    assert not spent(rate, "a", wait_ms)
    assert [spent(rate, "a", 10_000_000) for _ in range(4)] == [True, True, True, False]


def test_all_together_have_a_number_too() -> None:
    rate = Rate(3, 60.0, 5, 100)
    assert sum(spent(rate, f"client-{n}", 0) for n in range(20)) == 5
    assert sum(spent(rate, f"client-{n}", 60_000) for n in range(20)) == 5


def test_what_is_given_back_is_there_again_and_no_more() -> None:
    rate = Rate(2, 60.0, 3, 100)
    assert [spent(rate, "a", 0) for _ in range(3)] == [True, True, False]
    rate.give("a", 0)
    assert [spent(rate, "a", 0) for _ in range(2)] == [True, False]
    for _ in range(5):
        rate.give("b", 0)
    assert [spent(rate, "b", 0) for _ in range(3)] == [True, True, False]
    assert [spent(rate, name, 0) for name in "cd"] == [True, False]  # all together had three


def test_a_clock_that_goes_back_gives_nothing() -> None:
    rate = Rate(1, 60.0, 5, 100)
    assert spent(rate, "a", 100_000)
    assert not spent(rate, "a", 0)
    assert not spent(rate, "a", 100_000)


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 30_000)), max_size=200))
def test_memory_is_bounded_and_no_more_is_let_in_than_there_is(asked: list[tuple[int, int]]) -> None:
    rate, now_ms, let_in = Rate(2, 60.0, 10, 5), 0, 0
    for client, later in asked:
        now_ms += later
        let_in += spent(rate, str(client), now_ms)
        assert len(rate) <= 5
    assert let_in <= 10 + now_ms * 10 / 60_000


@pytest.mark.parametrize(
    ("peer", "said", "expected"),
    [
        ("203.0.113.7", None, "203.0.113.7"),
        ("203.0.113.7", "198.51.100.1", "203.0.113.7"),  # nobody believes a stranger
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "6.6.6.6, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
        ("10.0.0.1", None, "10.0.0.1"),
        ("10.0.0.1", "unknown", "10.0.0.1"),
        ("10.0.0.1", "10.0.0.3", "10.0.0.3"),
        ("::ffff:203.0.113.7", None, "203.0.113.7"),
        ("2001:db8:1:2:3::4", None, "2001:db8:1:2::"),
        ("2001:db8:1:2:ffff::9", None, "2001:db8:1:2::"),
        ("2001:db8:1:3::1", None, "2001:db8:1:3::"),
        ("fe80::1%eth0", None, "fe80::"),
        ("/run/socket", None, ""),
        (None, None, ""),
    ],
)
def test_who_asks(peer: str | None, said: str | None, expected: str) -> None:
    headers = [(b"x-forwarded-for", said.encode())] if said else []
    scope: dict[str, Any] = {"client": (peer, 1) if peer else None, "headers": headers}
    assert client_of(scope, (ip_network("10.0.0.0/8"),)) == expected
