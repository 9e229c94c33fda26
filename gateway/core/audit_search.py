"""What is looked for in the audit chains, and where a search goes on."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from classifiers.contract import Value


class AuditQuery(Value, frozen=True):
    """What rows are wanted: all that is given must hold. Times are unix ms, the end exclusive.

    With ``tenant_id`` only rows about this tenant; those about none are not among them. A row is about a message or an
    account where it names it.
    """

    tenant_id: str | None = None
    account_id: str | None = None
    message_id: str | None = None
    kind: str | None = None
    actor: str | None = None
    since_ms: int | None = None
    until_ms: int | None = None

    def fragments(self) -> list[str]:
        """What must stand in a row's body. Bodies are canonical JSON, so a member has one spelling, and cannot stand
        inside of a text, where its quotation marks would be escaped."""
        named = {"tenant_id": self.tenant_id, "account_id": self.account_id, "actor": self.actor}
        return [member(name, value) for name, value in named.items() if value is not None]


def member(name: str, value: str) -> str:
    """A member of a JSON object as bodies spell it. Raises `ValueError` for text that JSON cannot carry."""
    return f'"{name}":{msgspec.json.encode(value).decode()}'


def encode_place(place: Mapping[int, int]) -> str:
    """Where a search goes on: the row of each chain before which it has not looked."""
    return ".".join([f"{chain}_{seq}" for chain, seq in sorted(place.items())])


def decode_place(text: str) -> dict[int, int]:
    """The inverse of `encode_place`. Raises `ValueError` for what is none."""
    place: dict[int, int] = {}
    for part in text.split(".") if text else ():
        chain, _, seq = part.partition("_")
        place[int(chain)] = int(seq)
        if not 0 <= place[int(chain)] < 2**63 or not -(2**31) <= int(chain) < 2**31:
            raise ValueError("no place in the audit chains")
    return place
