"""How much may wait for a decision at once: so much of each tenant, so that none fills the store and the queue."""

from __future__ import annotations

from collections.abc import Mapping


class HoldQuota:
    """At most ``number`` holds of a tenant, and ``size`` bytes of their requests.

    What waits is measured once in a while, for all processes; what this process adds is counted until then. So with
    several processes a little more may come to wait.
    """

    def __init__(self, number: int, size: int) -> None:
        self._number = number
        self._size = size
        self._waiting: dict[str, tuple[int, int]] = {}

    def measured(self, waiting: Mapping[str, tuple[int, int]]) -> None:
        """Take over what waits, by tenant: how many, and their bytes."""
        self._waiting = dict(waiting)

    def take(self, tenant_id: str, size: int) -> bool:
        """Count one more hold with ``size`` bytes; False, and it is not counted, if that is too much."""
        number, total = self._waiting.get(tenant_id, (0, 0))
        if number >= self._number or total + size > self._size:
            return False
        self._waiting[tenant_id] = (number + 1, total + size)
        return True
