"""Who has signed in to the console: sessions, passwords, tries."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from sqlalchemy import select

from gateway.adapters.sql import SqlOperators
from gateway.adapters.sql.sessions import SqlSessions
from gateway.adapters.sql.tables_console import passwords, sessions, tries
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.core.sessions import Lifetimes, Session, Tries
from gateway.ports import SignedIn
from tests.contract.newsroom import Office

BY = By("Zoe", "as asked")
ANN, BEN = Operator("Ann", Role.ADMIN), Operator("Ben", Role.REVIEWER, "t1")
LIFETIMES = Lifetimes(idle_ms=100, absolute_ms=1000)
NOW_MS = 1_800_000_000_000


@pytest.fixture
async def kept(office: Office) -> SqlSessions:
    operators = SqlOperators(office.store.database)
    for operator, key in ((ANN, "a" * 64), (BEN, "b" * 64)):
        assert await operators.add(operator, key, BY, NOW_MS)
    return SqlSessions(office.store.database)


async def acts(office: Office, act: str) -> list[tuple[str, str, str]]:
    """What the administrators' chain says of this act: who, why, of which tenant."""
    bodies = [orjson.loads(row.body) for row in await office.rows()]
    return [(each["actor"], each["reason"], each["tenant_id"]) for each in bodies if each.get("act") == act]


async def test_a_session_is_found_by_its_hash_with_its_operator_as_it_is_now(kept: SqlSessions, office: Office) -> None:
    assert await kept.begin("Ben", "h1", "password", NOW_MS)
    assert await kept.find("h1") == SignedIn(Session("Ben", NOW_MS, NOW_MS), BEN)
    assert await kept.find("h2") is None
    await kept.touch("h1", NOW_MS + 5)
    await kept.touch("h1", NOW_MS + 3)  # the slower of two requests
    assert await kept.find("h1") == SignedIn(Session("Ben", NOW_MS, NOW_MS + 5), BEN)
    assert await acts(office, "SignIn") == [("Ben", "password", "t1")]
    await kept.end("h1")
    assert await kept.find("h1") is None


async def test_nobody_signs_in_who_is_no_operator(kept: SqlSessions, office: Office) -> None:
    assert not await kept.begin("Cy", "h1", "oidc", NOW_MS)
    assert not await kept.set_password("Cy", "hash", BY, NOW_MS)
    assert (await kept.operator("Cy"), await kept.password("Cy")) == (None, None)
    assert await acts(office, "SignIn") + await acts(office, "SetPassword") == []


async def test_a_revoked_operator_leaves_nothing_to_the_next_of_that_name(kept: SqlSessions, office: Office) -> None:
    operators = SqlOperators(office.store.database)
    await kept.begin("Ann", "h1", "password", NOW_MS)
    await kept.set_password("Ann", "hash", BY, NOW_MS, keep="h1")
    assert await operators.revoke("Ann", BY, NOW_MS)
    assert await kept.find("h1") is None
    assert await operators.add(ANN, "c" * 64, BY, NOW_MS)
    assert await kept.find("h1") is None
    assert await kept.password("Ann") is None


async def test_signing_in_and_being_revoked_at_once_leaves_no_session(kept: SqlSessions, office: Office) -> None:
    operators = SqlOperators(office.store.database)
    for number in range(10):
        await asyncio.gather(kept.begin("Ann", f"h{number}", "oidc", NOW_MS), operators.revoke("Ann", BY, NOW_MS))
        assert await operators.add(ANN, f"{number}" * 64, BY, NOW_MS)
        assert await kept.find(f"h{number}") is None


async def test_a_new_password_ends_all_sessions_but_the_one_it_was_given_in(kept: SqlSessions, office: Office) -> None:
    for token in ("h1", "h2", "h3"):
        await kept.begin("Ann", token, "password", NOW_MS)
    await kept.begin("Ben", "h4", "password", NOW_MS)
    assert await kept.set_password("Ann", "hash-1", BY, NOW_MS, keep="h2")
    assert [await kept.find(each) is not None for each in ("h1", "h2", "h3", "h4")] == [False, True, False, True]
    assert await kept.set_password("Ann", "hash-2", By("Ann", "changed"), NOW_MS + 1)
    assert (await kept.password("Ann"), await kept.password("Ben")) == ("hash-2", None)
    assert await kept.find("h2") is None
    assert await acts(office, "SetPassword") == [("Zoe", "as asked", ""), ("Ann", "changed", "")]


async def test_no_row_of_the_audit_chain_has_a_hash_of_a_password_or_a_token(kept: SqlSessions, office: Office) -> None:
    await kept.set_password("Ann", "$argon2id$canary", BY, NOW_MS)
    await kept.begin("Ann", "canary-token", "password", NOW_MS)
    assert not [row for row in await office.rows() if "canary" in row.body]


async def test_other_sessions_end_where_they_are_to(kept: SqlSessions) -> None:
    for token in ("h1", "h2", "h3"):
        await kept.begin("Ann", token, "password", NOW_MS)
    await kept.begin("Ben", "h4", "password", NOW_MS)
    assert await kept.end_others("Ann", "h1") == 2
    assert [await kept.find(each) is not None for each in ("h1", "h2", "h3", "h4")] == [True, False, False, True]


async def test_what_has_ended_is_swept(kept: SqlSessions, office: Office) -> None:
    await kept.begin("Ann", "idle", "password", NOW_MS)
    await kept.begin("Ann", "used", "password", NOW_MS)
    await kept.touch("used", NOW_MS + 60)
    await kept.count([("old", 5)], 50, NOW_MS)
    await kept.count([("new", 5)], 50, NOW_MS + 51)
    await kept.sweep(LIFETIMES, Tries(window_ms=50), NOW_MS + 100)
    async with office.store.database.reading("test") as connection:
        left = [row.token_hash for row in await connection.execute(select(sessions.c.token_hash))]
        counted = [row.what for row in await connection.execute(select(tries.c.what))]
    assert (left, counted) == (["used"], ["new"])
    await kept.touch("used", NOW_MS + 990)
    await kept.sweep(LIFETIMES, Tries(window_ms=50), NOW_MS + 1000)
    assert await kept.find("used") is None


async def test_tries_are_counted_before_they_end_and_for_all_that_they_count_for(kept: SqlSessions) -> None:
    pair = [("address", 5), ("name", 3)]
    allowed = await asyncio.gather(*[kept.count(pair, 100, NOW_MS) for _ in range(8)])
    assert sorted(allowed) == [False] * 5 + [True] * 3
    assert not await kept.count([("address", 5), ("other", 3)], 100, NOW_MS + 99)
    await kept.forgive("name")
    assert await kept.count([("name", 3)], 100, NOW_MS + 99)
    assert await kept.count([("address", 5)], 100, NOW_MS + 100)  # another window


async def test_an_address_that_may_not_try_any_more_locks_no_names(kept: SqlSessions, office: Office) -> None:
    for number in range(9):
        await kept.count([("address", 2), (f"name-{number}", 1)], 100, NOW_MS)
    assert await kept.count([("elsewhere", 2), ("name-8", 1)], 100, NOW_MS)
    async with office.store.database.reading("test") as connection:
        assert set(await connection.scalars(select(tries.c.what))) == {
            *("address", "elsewhere"),
            *("name-0", "name-1", "name-8"),
        }


async def test_what_is_tried_without_end_grows_without_none(kept: SqlSessions, office: Office) -> None:
    for _ in range(10):
        await kept.count([("name", 2)], 100, NOW_MS)
    async with office.store.database.reading("test") as connection:
        assert await connection.scalar(select(tries.c.tried)) == 3


async def test_passwords_are_kept_as_they_are_given(kept: SqlSessions, office: Office) -> None:
    await kept.set_password("Ann", "$argon2id$one", BY, NOW_MS)
    async with office.store.database.reading("test") as connection:
        rows = [tuple(row) for row in await connection.execute(select(passwords))]
    assert rows == [("Ann", "$argon2id$one", NOW_MS)]
