"""A bounded cache before the registry, emptied by its change feed and not trusted while the feed is silent."""

from __future__ import annotations

from collections import OrderedDict
from typing import TypeVar

from gateway import metrics
from gateway.core.model import Account
from gateway.core.records import Tenant
from gateway.ports import EVERYTHING, Clock, Registry

_K = TypeVar("_K")
_V = TypeVar("_V")


class CachedRegistry:
    """Answers from memory what the registry said, as long as it is known not to have changed.

    ``size`` bounds each of the three caches, in entries. ``trust_ms`` is how long the cache may answer after the
    last successful `refresh`; a closed account is closed here within one refresh, or within ``trust_ms``.
    """

    def __init__(self, registry: Registry, clock: Clock, size: int, trust_ms: int) -> None:
        self._registry = registry
        self._clock = clock
        self._size = size
        self._trust_ms = trust_ms
        self._change = 0
        self._fresh_ms: int | None = None
        self._accounts: OrderedDict[tuple[str, str], Account | None] = OrderedDict()
        self._tenants: OrderedDict[str, Tenant | None] = OrderedDict()
        self._keys: OrderedDict[str, Tenant | None] = OrderedDict()

    async def refresh(self) -> None:
        """Read the change feed and drop what changed. Raises `StoreUnavailable`; the cache then ages."""
        now_ms = self._clock.now_ms()
        change, changed = await self._registry.changes(self._change)
        if self._fresh_ms is None or changed == [EVERYTHING]:
            self._accounts.clear()
            self._tenants.clear()
            self._keys.clear()
        for tenant_id, account_id in changed:
            if account_id:
                self._accounts.pop((tenant_id, account_id), None)
            else:
                self._tenants.clear()
                self._keys.clear()
        self._change = change
        self._fresh_ms = now_ms

    def trusted(self) -> bool:
        """Whether the cache may answer. A clock that was set back makes nothing fresh."""
        return self._fresh_ms is not None and 0 <= self._clock.now_ms() - self._fresh_ms <= self._trust_ms

    async def tenant_by_key(self, key_hash: str) -> Tenant | None:
        """See `Registry`."""
        if self._hit(self._keys, key_hash):
            return self._keys[key_hash]
        change = self._change
        tenant = await self._registry.tenant_by_key(key_hash)
        if tenant is not None:  # unknown keys are not remembered: anybody can make them up
            self._keep(self._keys, key_hash, tenant, change)
        return tenant

    async def tenant(self, tenant_id: str) -> Tenant | None:
        """See `Registry`."""
        if self._hit(self._tenants, tenant_id):
            return self._tenants[tenant_id]
        change = self._change
        tenant = await self._registry.tenant(tenant_id)
        self._keep(self._tenants, tenant_id, tenant, change)
        return tenant

    async def account(self, tenant_id: str, account_id: str) -> Account | None:
        """See `Registry`."""
        key = (tenant_id, account_id)
        if self._hit(self._accounts, key):
            return self._accounts[key]
        change = self._change
        account = await self._registry.account(tenant_id, account_id)
        self._keep(self._accounts, key, account, change)
        return account

    async def changes(self, after: int) -> tuple[int, list[tuple[str, str]]]:
        """See `Registry`."""
        return await self._registry.changes(after)

    def _hit(self, cache: OrderedDict[_K, _V], key: _K) -> bool:
        hit = self.trusted() and key in cache
        if hit:
            cache.move_to_end(key)
        metrics.child(metrics.CACHE, "hit" if hit else "miss").inc()
        return hit

    def _keep(self, cache: OrderedDict[_K, _V], key: _K, value: _V, change: int) -> None:
        if change != self._change:
            return  # something changed while the registry was read: what it said may be old
        cache[key] = value
        if len(cache) > self._size:
            cache.popitem(last=False)
