"""Acts on the register for the contract suites."""

from __future__ import annotations

import pytest

from gateway.adapters.sql import SqlRegistrar, SqlStore
from gateway.core.model import Account, RegistrantKind
from gateway.core.policy import Registration
from gateway.core.registration import Act, By, CreateAccount, Refused
from gateway.ports import Registered, Registrar, Store

ON_DATABASES = pytest.mark.parametrize("place", ["sqlite", "postgres"], indirect=True)
"""For suites of ports that have no form in memory."""

BY = By("Ann", "as asked")
RULES = Registration(
    max_accounts={RegistrantKind.PERSON: 2, RegistrantKind.ORGANISATION: 3},
    name_bar_days=10,
    registrant_bar_days=20,
)
NOW_MS, DAY_MS = 1_800_000_000_000, 86_400_000


def database_of(store: Store) -> SqlStore:
    """A store that is a database."""
    assert isinstance(store, SqlStore)
    return store


def registrar_of(store: Store) -> SqlRegistrar:
    """The register as its keepers work with it, on the database of this store."""
    return SqlRegistrar(database_of(store).database)


async def act(registrar: Registrar, what: Act, at_ms: int = NOW_MS, tenant_id: str = "t1") -> Registered | Refused:
    """Carry out an act."""
    return await registrar.carry_out(tenant_id, what, BY, RULES, at_ms)


async def done(registrar: Registrar, what: Act, at_ms: int = NOW_MS, tenant_id: str = "t1") -> Account:
    """Carry out an act that must not be refused."""
    result = await act(registrar, what, at_ms, tenant_id)
    assert isinstance(result, Registered), result
    return result.account


def new(account_id: str, registrant_id: str = "person-1", name: str | None = None) -> CreateAccount:
    """An account to register."""
    return CreateAccount(account_id, registrant_id, name)
