"""What the health report looks at: each check says how one component is, and raises `Fault` when it is not well."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gateway.core.policy import PolicyInForce
from gateway.lease import LeaseKeeper
from gateway.perform import Perform
from gateway.ports import Classifiers, Fault, Store
from gateway.upkeep import Upkeep
from gateway.warming import Warming

_SHOWN = 5
"""Tenants named in one line."""


_SKEW_MS = 1000
"""From here on deadlines, which classifiers judge by their own clocks, and times in the records are wrong."""


@dataclass(frozen=True, slots=True)
class Component:
    """One thing the gateway needs; only those that admission depends on make the process unready."""

    name: str
    admission: bool
    check: Callable[[], Awaitable[str]]


class Answering(Protocol):
    """What is known of how many questions classifiers answer, each by name: answered of asked, in the last minute."""

    def counts(self) -> Mapping[str, tuple[int, int]]: ...

    def ailing(self) -> Mapping[str, str]: ...

    def is_silent(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Checks:
    """The checks of a running gateway. ``registry_trusted`` tells whether the registry cache answers,
    ``policy_problem`` why the policy file is not in force, ``upstreams_failing`` the tenants whose newest forward
    failed, how, and since when, ``off_without_keys`` what is off for want of a key file."""

    store: Store
    lease: LeaseKeeper
    classifiers: Classifiers
    warming: Warming
    answering: Answering
    perform: Perform
    upkeep: Upkeep
    registry_trusted: Callable[[], bool]
    policy: Callable[[], PolicyInForce]
    policy_problem: Callable[[], str | None]
    upstreams_failing: Callable[[], Mapping[str, str]]
    off_without_keys: Sequence[str] = ()

    def components(self) -> list[Component]:
        """All of them, those that admission depends on first."""
        return [
            Component("store", True, self._store),
            Component("lease", True, self._lease),
            Component("clock", False, self._clock),
            Component("replies", True, self._replies),
            Component("warming", True, self._warming),
            Component("bus", False, self._bus),
            Component("answers", False, self._answers),
            Component("registry", False, self._registry),
            Component("policy", False, self._policy),
            Component("upkeep", False, self._upkeep),
            Component("upstreams", False, self._upstreams),
            Component("keys", False, self._keys),
        ]

    async def _store(self) -> str:
        await self.store.ping()
        return f"{self.perform.unsettled} results wait to be written"

    async def _lease(self) -> str:
        owner = self.lease.owner
        return f"slot {owner.slot}, epoch {owner.epoch}"

    async def _clock(self) -> str:
        skew_ms = self.lease.skew_ms
        where = f"{abs(skew_ms)} ms {'behind' if skew_ms < 0 else 'ahead of'} the store's"
        if abs(skew_ms) > _SKEW_MS:
            raise Fault(f"this machine's clock is {where}: is its time synchronised?")
        return where

    async def _replies(self) -> str:
        if not self.classifiers.ready():
            raise Fault("not connected yet; the position in the replies is not known")
        return "position known"

    async def _warming(self) -> str:
        if not self.warming.is_over:
            raise Fault(f"no first answer yet from {', '.join(self.warming.silent)}")
        return "every classifier has answered"

    async def _bus(self) -> str:
        if not self.classifiers.healthy():
            raise Fault("classifiers cannot be asked; messages are held")
        if self.answering.is_silent():
            raise Fault("questions are taken and nobody answers them; messages are held")
        return "classifiers can be asked"

    async def _answers(self) -> str:
        if ailing := self.answering.ailing():
            answered = [f"{name} {share}" for name, share in sorted(ailing.items())]
            raise Fault(f"of the last minute's questions were answered: {', '.join(answered)}; messages are held")
        if silent := self.warming.silent:
            raise Fault(f"no answer since the start from {', '.join(silent)}; messages are held")
        if counts := self.answering.counts():
            return ", ".join([f"{name} {answered} of {asked}" for name, (answered, asked) in counts.items()])
        return "nothing was asked in the last minute"

    async def _registry(self) -> str:
        if not self.registry_trusted():
            raise Fault("the change feed is silent; every look-up goes to the registry")
        return "cache in use"

    async def _policy(self) -> str:
        version = self.policy().version
        if (problem := self.policy_problem()) is not None:
            raise Fault(f"file not in force, {version[:12]} stays in force: {problem}")
        return f"version {version}"

    async def _upkeep(self) -> str:
        if self.upkeep.failing:
            raise Fault("; ".join(f"{name}: {why}" for name, why in self.upkeep.failing.items()))
        return "all work runs"

    async def _upstreams(self) -> str:
        if failing := self.upstreams_failing():
            shown = [f"{tenant}: {why}" for tenant, why in sorted(failing.items())[:_SHOWN]]
            raise Fault(f"the newest forward failed for {len(failing)} tenants: {'; '.join(shown)}")
        return "the newest forward of each tenant was answered"

    async def _keys(self) -> str:
        if self.off_without_keys:
            *first, last = self.off_without_keys
            raise Fault(f"no key file; {', '.join(first)} and {last} are off: set GATEWAY_KEYS_FILE")
        return "the key file is in use"


async def starting() -> str:
    """The check of a process that has not opened its adapters yet."""
    await asyncio.sleep(0)
    raise Fault("starting")


async def report(components: list[Component]) -> dict[str, Any]:
    """The state of each component, for people and programs."""
    found: dict[str, Any] = {}
    for component in components:
        try:
            found[component.name] = {"ok": True, "admission": component.admission, "detail": await component.check()}
        except Fault as fault:
            found[component.name] = {"ok": False, "admission": component.admission, "detail": str(fault)}
    return found


class Reports:
    """The report, made once for all who ask while it is being made: anybody may ask, and the store is asked for it."""

    def __init__(self) -> None:
        self._making: asyncio.Task[dict[str, Any]] | None = None
        self.asking = 0
        """Who waits for it now."""

    async def read(self, components: list[Component]) -> dict[str, Any]:
        """The report of this moment."""
        if self._making is None or self._making.done():
            self._making = asyncio.create_task(report(components))
        self.asking += 1
        try:
            return await asyncio.shield(self._making)
        finally:
            self.asking -= 1


def without_details(found: dict[str, Any]) -> dict[str, Any]:
    """A report for those who may not see what concerns other tenants: which components are well."""
    return {name: {key: value for key, value in part.items() if key != "detail"} for name, part in found.items()}
