"""Watches how forwards end, so that log and health report say which upstreams fail, and since when."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Final

from gateway.core.records import SEALED, Request, Tenant, UpstreamAnswer
from gateway.core.shown import written
from gateway.ports import Clock, Upstream, UpstreamNotReached, UpstreamUnknown

log = logging.getLogger(__name__)

_QUIET_MS: Final = 60_000
"""After a warning there is no other of the same upstream for this long: one that fails every other time would else
fill the log."""


@dataclass(slots=True)
class _Failing:
    why: str
    since_ms: int
    newest_ms: int
    warned: bool = False


class WatchedUpstream:
    """`gateway.ports.Upstream`, watched. An upstream is the tenant's own, or the platforms that it listens for: one of
    them may work while the other does not."""

    def __init__(self, upstream: Upstream, clock: Clock) -> None:
        self._upstream = upstream
        self._clock = clock
        self._failing: dict[str, _Failing] = {}
        self._warned_ms: dict[str, int] = {}

    @property
    def failing(self) -> dict[str, str]:
        """The upstreams whose newest forward failed on their side: how, and since when."""
        return {
            name: f"{each.why} (since {written(each.since_ms)}, last at {written(each.newest_ms)})"
            for name, each in self._failing.items()
        }

    async def forward(self, tenant: Tenant, message_id: str, request: Request, content_hash: str) -> UpstreamAnswer:
        """See `gateway.ports.Upstream`."""
        name = f"{tenant.tenant_id} (platforms)" if request.content_type == SEALED else tenant.tenant_id
        try:
            answer = await self._upstream.forward(tenant, message_id, request, content_hash)
        except (UpstreamNotReached, UpstreamUnknown) as fault:
            self._failed(name, str(fault))
            raise
        if answer.status >= 500:
            self._failed(name, f"the upstream answered {answer.status}")
        elif name in self._failing:
            self._answered(name)
        return answer

    def _failed(self, name: str, why: str) -> None:
        now_ms = self._clock.now_ms()
        state = self._failing.setdefault(name, _Failing(why, now_ms, now_ms))
        state.why, state.newest_ms = why, now_ms
        if not state.warned and now_ms - self._warned_ms.get(name, -_QUIET_MS) >= _QUIET_MS:
            state.warned, self._warned_ms[name] = True, now_ms
            log.warning("upstream fails", {"upstream": name, "fault": why, "since": written(state.since_ms)})

    def _answered(self, name: str) -> None:
        state = self._failing.pop(name)
        if state.warned:
            log.info("upstream works again", {"upstream": name, "failed_since": written(state.since_ms)})
