"""The register as its keepers work with it: acts with a reason, and the history of what was done."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from gateway.core.model import Account, Registrant, RegistrantKind
from gateway.core.policy import Registration
from gateway.core.records import AuditRow
from gateway.core.registration import Act, By, PrivateProposal, Refused


@dataclass(frozen=True, slots=True)
class Registered:
    """An account with the name that readers see, and the proposal that it become private, if one waits."""

    account: Account
    name: str | None
    proposal: PrivateProposal | None = None


class Registrar(Protocol):
    """Acts on accounts and registrants. Each is one transaction with its change number and its audit row, in the
    histories of all that it is about; what is refused leaves nothing behind. All raise `StoreUnavailable`."""

    async def carry_out(
        self, tenant_id: str, act: Act, by: By, rules: Registration, now_ms: int
    ) -> Registered | Refused:
        """Carry out an act on an account, see `gateway.core.registration`. One that leaves everything as it is writes
        nothing."""

    async def create_registrant(
        self, tenant_id: str, registrant_id: str, kind: RegistrantKind, by: By, now_ms: int
    ) -> bool:
        """Add a registrant of whom nothing is verified; False when there is one of that id, or it was erased."""

    async def registered(self, tenant_id: str, account_id: str) -> Registered | None:
        """An account."""

    async def registrant(self, tenant_id: str, registrant_id: str) -> Registrant | None:
        """A registrant, without personal data."""

    async def accounts_of(self, tenant_id: str, registrant_id: str, after: str, limit: int) -> list[Registered]:
        """The accounts that a registrant stands behind, by id, beginning behind ``after``."""

    async def accounts_from(self, tenant_id: str, prefix: str, after: str, limit: int) -> list[Registered]:
        """A tenant's accounts whose ids begin with ``prefix``, by id, beginning behind ``after``."""

    async def barred_until(self, tenant_id: str, registrant_id: str, now_ms: int) -> int | None:
        """Until when (unix ms) a registrant may not register accounts, None when it may."""

    async def history(self, tenant_id: str, subject: str, after: int, limit: int) -> list[AuditRow]:
        """What was done about a ``subject``, oldest first, beginning behind row ``after`` of the administrators' chain:
        see `gateway.core.audit.subject`."""
