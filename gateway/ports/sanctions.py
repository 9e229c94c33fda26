"""Sanctions, as people work with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.ladder import Strike
from gateway.core.ladder_rules import Step
from gateway.core.model import Degree
from gateway.core.registration import By
from gateway.core.sanction_records import Order, Phase, SanctionRecord, SanctionRefused, SanctionState, Waits


@dataclass(frozen=True, slots=True)
class Incident:
    """A violation that was held against an account; ``removed_ms`` is when it turned out to be none (unix ms)."""

    strike: Strike
    removed_ms: int | None


@dataclass(frozen=True, slots=True)
class Rung:
    """Where an account is on the ladder: how many points it has, and the step that they are; and the step that another
    incident of weight 1 would be."""

    points: int
    step: Step | None
    next: Step | None


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What one more violation would bring an account: a step, when it would end (unix ms; None for never), and why a
    person would have to agree to it, if one would."""

    step: Step
    ends_ms: int | None
    waits: Waits | None


class Sanctions(Protocol):
    """The sanctions of all accounts. Each act is one transaction with its change number and its audit row; what is
    refused leaves nothing behind. What is imposed or lifted is so on the hot path of every process within a second of
    the commit. All raise `StoreUnavailable`."""

    async def page(
        self,
        tenant_id: str,
        after: str,
        limit: int,
        now_ms: int,
        state: SanctionState | None = None,
        account_id: str | None = None,
    ) -> list[SanctionRecord]:
        """Sanctions of a tenant, oldest first, beginning behind the id ``after``: all of them, or those in a state at
        this moment, or an account's."""

    async def listed(
        self,
        tenant_id: str | None,
        behind: tuple[str, str] | None,
        limit: int,
        now_ms: int,
        phase: Phase | None = None,
        account_id: str | None = None,
    ) -> list[SanctionRecord]:
        """Sanctions of a tenant, or of all, for people to look through, beginning behind such a pair of a sanction's
        and its tenant's id: those in a phase at this moment, or an account's. What is proposed is oldest first, and
        all else newest first."""

    async def sanction(self, tenant_id: str, sanction_id: str, now_ms: int) -> SanctionRecord | None:
        """One sanction, as it is at a moment."""

    async def incidents(self, tenant_id: str, account_id: str, after: str, limit: int) -> list[Incident]:
        """What was held against an account, oldest first, beginning behind the id ``after``."""

    async def latest_incidents(
        self, tenant_id: str, account_id: str, behind: tuple[int, str] | None, limit: int
    ) -> list[Incident]:
        """The same, newest first, beginning behind such a pair of ``at_ms`` and id."""

    async def rung(self, tenant_id: str, account_id: str, now_ms: int) -> Rung:
        """Where an account is on the ladder of the policy in force."""

    async def foresee(self, strike: Strike, categories: Sequence[str], now_ms: int) -> dict[str, Foreseen | None]:
        """What would come of a violation at this moment, by each category that it may be held against the account for;
        None for nothing. Writes nothing."""

    async def impose(self, tenant_id: str, order: Order, by: By, now_ms: int) -> SanctionRecord | SanctionRefused:
        """Impose a sanction in a person's name; where its degree takes more people, propose it, and agree to it. The
        same once more, while it stands, is the same sanction."""

    async def agree(self, tenant_id: str, sanction_id: str, by: By, now_ms: int) -> SanctionRecord | SanctionRefused:
        """Agree to a proposal; it is in force once enough people did, each of them another. The second who agrees to a
        closing closes the account and bars its registrant, with the same write."""

    async def decline(self, tenant_id: str, sanction_id: str, by: By, now_ms: int) -> SanctionRecord | SanctionRefused:
        """Decline a proposal."""

    async def lift(
        self, tenant_id: str, sanction_id: str, by: By, now_ms: int, *, mistaken: bool = False
    ) -> SanctionRecord | SanctionRefused:
        """Lift a sanction that is in force; lifting a closing gives the account back the state that it had. What it
        came of counts on, unless it was ``mistaken``: then the incident is removed, and with it what else comes of it.
        """

    async def waiting(self, tenant_id: str | None = None) -> int:
        """How many proposals wait for people, of a tenant or of all."""

    async def stopped(self, now_ms: int) -> int:
        """How many tenants have used up their quota of automatic sanctions."""

    async def stopped_tenants(self, tenant_id: str | None, now_ms: int, limit: int) -> list[str]:
        """Which tenants have; or this one, if it has."""


class SanctionHistory(Protocol):
    """What happened from a moment on, of one tenant, as a ladder is tried on it. All raise `StoreUnavailable`."""

    async def incidents(self, limit: int) -> list[Strike]:
        """What is held against accounts, without what was taken back; account by account, each account's in order of
        time."""

    async def given(self, since_ms: int) -> dict[Degree, int]:
        """How many sanctions of each degree were really given or proposed since a moment, without what took the place
        of others."""

    async def strictest_given(self, tenant_id: str, account_id: str, since_ms: int) -> Degree | None:
        """The strictest degree that an account was really given, or that was proposed, since a moment."""
