"""How long a session lasts, what a password may be, and what a try counts for."""

from __future__ import annotations

import pytest

from gateway.core.sessions import Lifetimes, Session, Tries, normal_password, problem_of

LIFETIMES = Lifetimes(idle_ms=100, absolute_ms=1000)


@pytest.mark.parametrize(
    ("created", "seen", "now", "stands", "ends"),
    [
        (0, 0, 0, True, 100),
        (0, 0, 99, True, 100),
        (0, 0, 100, False, 100),
        (0, 950, 999, True, 1000),
        (0, 999, 1000, False, 1000),
    ],
)
def test_a_session_stands_until_it_is_unused_or_old(created: int, seen: int, now: int, stands: bool, ends: int) -> None:
    session = Session("Ann", created, seen)
    assert LIFETIMES.stands(session, now) is stands
    assert LIFETIMES.ends_ms(session) == ends


@pytest.mark.parametrize(
    ("password", "good"),
    [
        ("four words do", True),
        ("eleven char", False),
        ("twelve chars", True),
        ("x" * 200, False),
        ("abcde" * 40, True),
        ("abcde" * 40 + "f", False),
        ("abababababab", False),
        ("密码密码一二三四五六七八", True),
        ("four\twords do", False),
        ("four words \ud800do", False),
    ],
)
def test_what_a_password_may_be(password: str, good: bool) -> None:
    assert (problem_of(password) is None) is good


def test_letters_are_one_however_they_are_composed() -> None:
    assert normal_password("e\u0301") == normal_password("é") == "é"


def key_of(address: str) -> str:
    """What a try from an address counts for."""
    return Tries().of("Ann", address)[0][0]


def test_a_try_counts_for_a_name_that_is_not_kept_and_for_a_network() -> None:
    _, (there, limit), (anywhere, more) = Tries(3, 7, 9).of("Ann", "192.0.2.1")
    assert ("Ann" in there + anywhere, limit, more) == (False, 3, 9)
    assert Tries().of("Ann", "1.1.1.1")[2] == Tries().of("Ann", "2.2.2.2")[2] != Tries().of("ann", "1.1.1.1")[2]
    assert Tries().of("Ann", "1.1.1.1")[1] != Tries().of("Ann", "2.2.2.2")[1] != Tries().of("ann", "2.2.2.2")[1]
    assert Tries().of("Ann", "2001:db8::1")[1] == Tries().of("Ann", "2001:db8::2")[1]
    assert key_of("2001:db8::1") == key_of("2001:db8::2") == key_of("2001:db8::3%eth0") != key_of("2001:db8:0:1::1")
    assert key_of("192.0.2.1") == key_of("::ffff:192.0.2.1") != key_of("192.0.2.2")
    assert key_of("no address") == "address:no address"
    assert len(key_of("x" * 1000)) < 100
    Tries().of("\ud800", "")
