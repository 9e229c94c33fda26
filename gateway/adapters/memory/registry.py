"""Tenants and accounts in memory."""

from __future__ import annotations

from msgspec.structs import replace

from gateway.adapters.memory.chains import Chains
from gateway.core.audit import ADMINISTRATORS, REGISTRY, registry_body
from gateway.core.model import Account, Registrant, VerificationState
from gateway.core.records import Tenant
from gateway.ports import CHANGES, EVERYTHING, RegistrantErased, RegistrantShared, StoreUnavailable, erased, shared


class MemoryRegister:
    """`gateway.ports.Register` in memory. While ``down`` is set, every call raises `StoreUnavailable`."""

    def __init__(self) -> None:
        self.down = False
        self._chains = Chains()
        self._tenants: dict[str, Tenant] = {}
        self._keys: dict[str, str] = {}
        # Without registrants: one registrant may stand behind many accounts.
        self._accounts: dict[tuple[str, str], Account] = {}
        self._behind: dict[tuple[str, str], str] = {}
        self._registrants: dict[tuple[str, str], Registrant] = {}
        self._change = 0
        self._changed: dict[tuple[str, str], int] = {}

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        """See `gateway.ports.Register`, as for every method below."""
        self._check()
        return self._tenants.get(self._keys.get(key_hash, ""))

    async def tenant(self, tenant_id: str) -> Tenant | None:
        self._check()
        return self._tenants.get(tenant_id)

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        self._check()
        account = self._accounts.get((tenant_id, account_id))
        if account is None or (registrant_id := self._behind.get((tenant_id, account_id))) is None:
            return account
        return replace(account, registrant=self._registrants[tenant_id, registrant_id])

    async def accounts(self, tenant_id: str, after: str, limit: int) -> list[Account]:
        self._check()
        ids = sorted(account_id for tenant, account_id in self._accounts if tenant == tenant_id and account_id > after)
        found = [await self.account(tenant_id, account_id) for account_id in ids[:limit]]
        return [account for account in found if account is not None]

    async def changes(self, after: int) -> tuple[int, list[tuple[str, str]]]:
        self._check()
        changed = [(number, whose) for whose, number in self._changed.items() if number > after]
        if len(changed) > CHANGES:
            return self._change, [EVERYTHING]
        return self._change, [whose for _, whose in sorted(changed)]

    async def put_tenant(self, tenant: Tenant, key_hash: str | None, actor: str, now_ms: int) -> None:
        self._check()
        self._change += 1
        self._tenants[tenant.tenant_id] = tenant
        if key_hash is not None:
            self._keys[key_hash] = tenant.tenant_id
        self._changed[tenant.tenant_id, ""] = self._change
        body = registry_body(
            actor,
            self._change,
            tenant.tenant_id,
            upstream_url=tenant.upstream_url,
            takedown_url=tenant.takedown_url,
        )
        self._chains.append(ADMINISTRATORS, now_ms, REGISTRY, "", body)

    async def put_account(self, tenant_id: str, account: Account, actor: str, now_ms: int) -> None:
        self._check()
        if tenant_id not in self._tenants:
            raise StoreUnavailable(f"there is no tenant {tenant_id!r}")
        whose = (tenant_id, account.account_id)
        if (person := account.registrant) is not None and self._registrants.get(
            (tenant_id, person.registrant_id), person
        ) != person:
            others = self._of_registrant(tenant_id, person.registrant_id) - {account.account_id}
            if others:
                raise RegistrantShared(shared(person.registrant_id, min(others)))
        if account.registrant is not None:
            self._check_erased(tenant_id, account.registrant)
        self._change += 1
        self._accounts[whose] = replace(account, registrant=None)
        self._behind.pop(whose, None)
        if (registrant := account.registrant) is not None:
            self._registrants[tenant_id, registrant.registrant_id] = registrant
            self._behind[whose] = registrant.registrant_id
            for other in self._of_registrant(tenant_id, registrant.registrant_id):
                self._changed[tenant_id, other] = self._change
        self._changed[whose] = self._change
        body = registry_body(actor, self._change, tenant_id, account)
        self._chains.append(ADMINISTRATORS, now_ms, REGISTRY, "", body)

    async def put_registrant(self, tenant_id: str, registrant: Registrant, actor: str, now_ms: int) -> list[str]:
        self._check()
        if (tenant_id, registrant.registrant_id) not in self._registrants:
            raise StoreUnavailable(f"tenant {tenant_id!r} has no registrant {registrant.registrant_id!r}")
        self._check_erased(tenant_id, registrant)
        self._change += 1
        self._registrants[tenant_id, registrant.registrant_id] = registrant
        behind = sorted(self._of_registrant(tenant_id, registrant.registrant_id))
        for account_id in behind:
            self._changed[tenant_id, account_id] = self._change
        body = registry_body(actor, self._change, tenant_id, registrant=(registrant, behind))
        self._chains.append(ADMINISTRATORS, now_ms, REGISTRY, "", body)
        return behind

    async def revoke_key(self, tenant_id: str, key_hash: str, actor: str, now_ms: int) -> bool:
        self._check()
        if self._keys.get(key_hash) != tenant_id:
            return False
        del self._keys[key_hash]
        self._change += 1
        self._changed[tenant_id, ""] = self._change
        body = registry_body(actor, self._change, tenant_id, revoked_key=key_hash)
        self._chains.append(ADMINISTRATORS, now_ms, REGISTRY, "", body)
        return True

    async def tenants(self) -> list[Tenant]:
        self._check()
        return [tenant for _, tenant in sorted(self._tenants.items())]

    async def keys(self, tenant_id: str) -> list[str]:
        self._check()
        return sorted(key for key, owner in self._keys.items() if owner == tenant_id)

    def _check_erased(self, tenant_id: str, given: Registrant) -> None:
        known = self._registrants.get((tenant_id, given.registrant_id))
        if known is not None and known.state is VerificationState.REDACTED and known != given:
            raise RegistrantErased(erased(given.registrant_id))

    def _of_registrant(self, tenant_id: str, registrant_id: str) -> set[str]:
        return {
            account
            for (tenant, account), behind in self._behind.items()
            if (tenant, behind) == (tenant_id, registrant_id)
        }

    def _check(self) -> None:
        if self.down:
            raise StoreUnavailable("the store is down")
