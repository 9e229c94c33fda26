"""The personal data of registrants: encrypted, told for a reason only, and erased for good."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from classifiers.contract import Value
from gateway.core.model import RegistrantKind
from gateway.core.personal_acts import Erased, Kept, Unkept
from gateway.core.policy import Registration
from gateway.core.registration import By


class Rewrapped(Value, frozen=True):
    """What became of a page of registrants' keys: how many were ``wrapped`` anew, where to go on, None at the end, and
    which registrants' (tenant and id) no key opens."""

    wrapped: int
    after: tuple[str, str] | None
    unopened: tuple[tuple[str, str], ...] = ()


class Personal(Protocol):
    """What is kept of registrants, see `gateway.core.personal`. Values come in and go out here, and nowhere else.

    Each act leaves an audit row with its actor, its reason and the names of the fields, without a value, and in the
    history of the registrant. Callers give values that have no `problems`. Every method raises `StoreUnavailable`, and
    `Fault` when the master key cannot be used: `Unopened` where no key opens what is kept, and `OtherIndexKey` where
    the index key is not the one that the first personal data was kept with.
    """

    async def put(
        self, tenant_id: str, registrant_id: str, fields: Mapping[str, str], by: By, now_ms: int
    ) -> Kept | Unkept:
        """Keep these fields in place of all that was kept, under a new key.

        When one that is proven changes (`gateway.core.personal.PROVEN`; the first time is no change), the registrant's
        open and standing verifications are canceled and it has to be verified again. An identifier that is barred is
        refused, unless this registrant had it before.
        """

    async def register(
        self, tenant_id: str, registrant_id: str, kind: RegistrantKind, fields: Mapping[str, str], by: By, now_ms: int
    ) -> Unkept | None:
        """Register a registrant, if there is none of that id, and keep these fields, in one transaction: where they are
        refused it is not registered either. One of another kind, or of whom something is kept, is a refusal."""

    async def put_claims(self, tenant_id: str, registrant_id: str, claims: str, by: By, now_ms: int) -> Kept | Unkept:
        """Keep verified claims (JSON text) beside the other fields, which stay as they are, and so do verifications."""

    async def held(self, tenant_id: str, registrant_id: str) -> list[str]:
        """The names of the fields that are kept, without opening one, so without a row in the audit chain."""

    async def reveal(
        self, tenant_id: str, registrant_id: str, wanted: Sequence[str] | None, by: By, now_ms: int
    ) -> dict[str, str] | Unkept:
        """The fields, or those of them that are ``wanted``. That they were told is on record before they are. A reason
        that quotes one of them is refused."""

    async def find(
        self, tenant_id: str, field: str, value: str, by: By, now_ms: int, limit: int = 100
    ) -> list[str] | Unkept:
        """The ids of registrants with this value in an indexed field, however it is spelt."""

    async def erase(
        self, tenant_id: str, registrant_id: str, rules: Registration, by: By, now_ms: int, *, close: bool
    ) -> Erased | Unkept:
        """Destroy the registrant's key, and with it all that was sealed under it; redact it and its verifications.

        Its open accounts are closed if ``close`` is given, and are a refusal without. Where something was held against
        it (`gateway.core.personal_acts.leaves_mark`), the digests of its identifiers stay for ``rules.erased_days``.
        Needs no master key, but without one it is not seen that the reason quotes what is erased. Erasing again is a
        refusal, unless messages are left.

        What the messages of its accounts say is erased too, with their requests; a refusal while one of them is held or
        under way. Decisions, hashes and the audit chain stay, and the chain names the messages.
        """

    async def rewrap(self, after: tuple[str, str], limit: int) -> Rewrapped:
        """Wrap the next ``limit`` registrants' keys (by tenant and registrant, behind ``after``) under the newest
        master key, those that are not. Those that no key opens are passed over. Any number may do it at once, and
        begin again."""

    async def wrapped_under(self, mark: bytes) -> bool:
        """Whether some registrant's key is wrapped under the master key with this `MasterKey.mark`."""
