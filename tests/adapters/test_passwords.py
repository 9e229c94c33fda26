"""Passwords as argon2id hashes."""

from __future__ import annotations

import asyncio

import argon2
import pytest

from gateway.adapters.passwords import Argon2Passwords
from gateway.ports import Fault


async def test_a_hash_is_argon2id_with_what_the_rfc_recommends() -> None:
    passwords = Argon2Passwords()
    made = await passwords.hashed("four words and a stop.")
    assert made.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert await passwords.matches(made, "four words and a stop.")
    assert not await passwords.matches(made, "four words and a stop")
    assert not await passwords.matches(None, "nobody's")
    passwords.close()


@pytest.mark.parametrize("kept", ["", "$argon2id$nonsense", "plain text"])
async def test_what_is_no_hash_matches_nothing(kept: str) -> None:
    passwords = Argon2Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    assert not await passwords.matches(kept, kept)
    passwords.close()


async def test_only_so_many_wait_at_once_and_the_others_are_told_so() -> None:
    passwords = Argon2Passwords(argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    results = await asyncio.gather(*[passwords.matches(None, "x") for _ in range(30)], return_exceptions=True)
    assert [isinstance(each, Fault) for each in results].count(True) == 10
    assert not await passwords.matches(None, "x")
    passwords.close()
