"""What clients may cost: strangers before anybody knows who they are, and a tenant by what waits of it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class StrangersSettings(BaseModel):
    """How often one client of a listener may have the platform asked in vain, and leave a hold that is nobody's. Each
    process counts for itself; an IPv6 client is its network of 64 bits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    asks: int = Field(60, ge=1)
    """Credentials that the platform does not know, of one client of a listener in ``seconds``."""
    holds: int = Field(60, ge=1)
    """Requests of one client of a listener in ``seconds`` whose credential nobody could be asked about."""
    seconds: float = Field(600.0, gt=0)
    together: int = Field(20, ge=1)
    """How many times as much all clients of all listeners may in ``seconds``."""
    clients: int = Field(10_000, ge=1)
    """Clients that are told apart at once."""


class HoldsSettings(BaseModel):
    """How much of a tenant may be held at once, see `gateway.core.quota`; what is beyond is answered 429."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    number: int = Field(100_000, ge=1)
    """Messages of one tenant that wait."""
    bytes: int = Field(2 * 1024 * 1024 * 1024, ge=1024)
    """Bytes of their requests."""
