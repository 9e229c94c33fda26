"""The keepers of the register: known by a key that nobody else keeps, and unknown as soon as they are revoked."""

from __future__ import annotations

import asyncio

import orjson
import pytest
from sqlalchemy import QueuePool, event

from gateway.adapters.sql import SqlOperators
from gateway.core.audit import ADMINISTRATORS
from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.ports import Appointed, Operators, Register, Store, StoreUnavailable
from tests.contract.keeping import BY, NOW_MS, ON_DATABASES, database_of
from tests.contract.samples import TENANT, Opened, assert_chains_whole

pytestmark = ON_DATABASES

ANN = Operator("Ann", Role.ADMIN)
BEN = Operator("Ben", Role.REGISTRAR, TENANT.tenant_id)
KEYS = ("a" * 64, "b" * 64, "c" * 64)


@pytest.fixture
async def operators(store: Store, register: Register) -> Operators:
    await register.put_tenant(TENANT, "k" * 64, "test", 0)
    return SqlOperators(database_of(store).database)


async def acts(store: Store) -> list[tuple[object, ...]]:
    """What the administrators' chain says of operators."""
    bodies = [orjson.loads(row.body) async for row in store.audit() if row.chain == ADMINISTRATORS]
    names = ("act", "actor", "reason", "operator", "role", "tenant_id", "key")
    return [tuple([body[name] for name in names]) for body in bodies if "operator" in body]


async def test_an_operator_is_known_by_the_key(operators: Operators) -> None:
    assert await operators.add(BEN, KEYS[1], BY, NOW_MS + 1)
    assert await operators.add(ANN, KEYS[0], BY, NOW_MS)
    assert await operators.by_key(KEYS[0]) == ANN
    assert await operators.by_key(KEYS[1]) == BEN
    assert await operators.by_key(KEYS[2]) is None
    assert await operators.operators() == [Appointed(ANN, KEYS[0], NOW_MS), Appointed(BEN, KEYS[1], NOW_MS + 1)]


async def test_revocation_holds_at_once_in_every_process(operators: Operators, second: Opened) -> None:
    elsewhere = SqlOperators(database_of(second[0]).database)
    await operators.add(ANN, KEYS[0], BY, NOW_MS)
    assert await elsewhere.by_key(KEYS[0]) == ANN
    assert await operators.revoke("Ann", BY, NOW_MS)
    assert await elsewhere.by_key(KEYS[0]) is None
    assert not await operators.revoke("Ann", BY, NOW_MS)


async def test_a_name_is_one_operators_at_a_time(operators: Operators, store: Store) -> None:
    await operators.add(ANN, KEYS[0], By("Zoe", "first"), NOW_MS)
    assert not await operators.add(Operator("Ann", Role.VIEWER), KEYS[1], BY, NOW_MS)
    assert await operators.by_key(KEYS[1]) is None
    await operators.revoke("Ann", By("Zoe", "lost the key"), NOW_MS)
    assert await operators.add(ANN, KEYS[2], By("Zoe", "another key"), NOW_MS)
    assert await acts(store) == [
        ("AddOperator", "Zoe", "first", "Ann", "admin", "", "a" * 12),
        ("RevokeOperator", "Zoe", "lost the key", "Ann", "admin", "", "a" * 12),
        ("AddOperator", "Zoe", "another key", "Ann", "admin", "", "c" * 12),
    ]
    await assert_chains_whole(store)


async def test_an_operator_of_a_tenant_that_is_not_there(operators: Operators, store: Store) -> None:
    with pytest.raises(StoreUnavailable, match="no tenant 'none'"):
        await operators.add(Operator("Cy", Role.VIEWER, "none"), KEYS[0], BY, NOW_MS)
    assert await operators.operators() == []
    assert await acts(store) == []


async def test_keys_that_are_made_up_leave_a_connection_to_the_process(
    store: Store, register: Register, operators: Operators
) -> None:
    pool = database_of(store).database.engine.sync_engine.pool
    assert isinstance(pool, QueuePool)
    free: list[int] = []

    def taken(*_given: object) -> None:
        free.append(pool.size() - pool.checkedout())

    event.listen(pool, "checkout", taken)
    made_up = [f"{number:064}" for number in range(20)]
    await asyncio.gather(*map(operators.by_key, made_up), *map(register.tenant_by_key, made_up))
    event.remove(pool, "checkout", taken)
    assert min(free) >= 1
