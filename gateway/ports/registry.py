"""Tenants and accounts, as the hot path reads them and as administrators write them."""

from __future__ import annotations

from typing import Final, Protocol

from gateway.core.model import Account, Registrant
from gateway.core.records import Tenant

EVERYTHING: Final = ("", "")
"""What `Registry.changes` says when it would take too long to name all that changed."""

CHANGES: Final = 5000
"""How many changes are named at most."""


class Registry(Protocol):
    """Tenants and accounts, as the hot path reads them."""

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        """The tenant whose application key has this SHA-256 (hex)."""

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """A tenant by its id."""

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        """An account of this tenant; None where it has none of that id, whatever other tenants have."""

    async def changes(self, after: int) -> tuple[int, list[tuple[str, str]]]:
        """The newest change number, and the (tenant_id, account_id) changed since ``after``. An empty account_id
        stands for the tenant itself. When they are more than `CHANGES`, `EVERYTHING` is all that is said."""


class Register(Registry, Protocol):
    """The registry, as administrators write it. Every write takes the next change number, is audited in the
    administrators' chain with ``actor``, and is committed on return. Writing what is there already is no error:
    the new value stands."""

    async def put_tenant(self, tenant: Tenant, key_hash: str | None, actor: str, now_ms: int) -> None:
        """Add or change a tenant, and let this application key call for it; without one its keys stay as they are."""

    async def put_account(self, tenant_id: str, account: Account, actor: str, now_ms: int) -> None:
        """Add or replace an account with its registrant, news authorisations and sanctions.

        Raises `RegistrantShared` when the registrant stands behind another account too and is not as given here: what
        holds for many accounts is changed by `put_registrant`. Raises `RegistrantErased` for one that was erased,
        unless it is given so.
        """

    async def put_registrant(self, tenant_id: str, registrant: Registrant, actor: str, now_ms: int) -> list[str]:
        """Change a registrant for all accounts that it stands behind, and return their ids in order. Raises
        `StoreUnavailable` when the tenant has no such registrant, `RegistrantErased` when it was erased."""

    async def revoke_key(self, tenant_id: str, key_hash: str, actor: str, now_ms: int) -> bool:
        """Let an application key call for nobody any more; False if it is not one of this tenant's."""

    async def tenants(self) -> list[Tenant]:
        """Every tenant, ordered by id: they are few."""

    async def keys(self, tenant_id: str) -> list[str]:
        """The SHA-256 (hex) of each of a tenant's application keys, in order."""

    async def accounts(self, tenant_id: str, after: str, limit: int) -> list[Account]:
        """A tenant's accounts ordered by id, beginning behind ``after``."""
