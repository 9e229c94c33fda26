"""Taking down what was published: as people ask for it, as it is carried out, and whom it is asked of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.core.records import UpstreamAnswer
from gateway.core.registration import By
from gateway.core.takedown_problems import TakedownProblem
from gateway.core.takedowns import Takedown, TakedownRefused


class Takedowns(Protocol):
    """What people ask for, and see. All raise `StoreUnavailable`."""

    async def take_down(
        self, tenant_id: str, message_id: str, category: str, by: By, now_ms: int
    ) -> Takedown | TakedownRefused:
        """Have a message removed that was published, or may have been, with its audit row (`TakeDown`). One that is
        being removed, or is gone, stays as it is, without a row; what failed is tried anew."""

    async def restore(self, tenant_id: str, message_id: str, by: By, now_ms: int) -> Takedown | TakedownRefused:
        """Have a message put back that was taken down, with its audit row (`Restore`). One that nobody was told to
        remove yet is left where it is; what is being put back, or is back, stays as it is, without a row."""

    async def of_message(self, tenant_id: str, message_id: str) -> Takedown | None:
        """How far a message's has come; None when it was never asked for."""

    async def takedowns(self, tenant_id: str | None, after: str, limit: int, failed: bool = False) -> list[Takedown]:
        """A tenant's, or all tenants', by message id, beginning behind ``after``; with ``failed`` those that wait for a
        person."""

    async def unfinished(
        self, tenant_id: str | None, after: tuple[int, str], limit: int, failed: bool | None = None
    ) -> list[Takedown]:
        """What is still to be done of a tenant's, or of all, the oldest wish first, behind this time (unix ms) and
        message id: what the gateway is at, what it has ``failed`` at and a person has to do, or both."""

    async def count(self, tenant_id: str | None) -> tuple[int, int]:
        """How many of a tenant's, or of all, the gateway has still to do, and how many a person has to."""


@dataclass(frozen=True, slots=True)
class Order:
    """One that a process has taken for some time. ``listened``: the message came through a listener, so the platform
    is told by its route map; else the app is, at ``url``, with the token in the environment variable ``token_env``.
    ``upstream`` is what was answered when the message was published, with its ``handle``; None if nothing was."""

    takedown: Takedown
    listened: bool
    url: str | None
    token_env: str | None
    upstream: UpstreamAnswer | None
    handle: str | None


class Orders(Protocol):
    """Those that wait to be carried out. All raise `StoreUnavailable`."""

    async def claim(self, now_ms: int, lease_ms: int, limit: int) -> list[Order]:
        """Take some that are due; nobody else gets one of them for ``lease_ms``. Each counts one attempt more."""

    async def done(self, takedown: Takedown, now_ms: int) -> None:
        """It was carried out; an audit row says so (`TakenDown`, `Restored`). If the wish has changed meanwhile, the
        new one may be carried out at once."""

    async def put_off(self, takedown: Takedown, due_ms: int, problem: TakedownProblem) -> None:
        """It was not carried out, or may not have been; try again from ``due_ms`` on."""

    async def given_up(self, takedown: Takedown, problem: TakedownProblem, now_ms: int) -> None:
        """It will not be tried again; an audit row says so (`TakedownFailed`, `RestoreFailed`)."""

    async def waiting(self) -> tuple[int, int | None]:
        """How many wait, and since when the oldest does (unix ms)."""


class Remover(Protocol):
    """The platforms and apps that are told."""

    async def carry_out(self, order: Order) -> None:
        """Have it removed, or put back; what is so already is well. May be called again for the same.

        Raises `TakedownImpossible` when trying again would not help, another `Fault` when it may.
        """
