"""Which reader each kind of provider has."""

from __future__ import annotations

from typing import Final

from gateway.providers import onfido, persona, stripe, veriff
from gateway.providers.webhooks import Reader

READERS: Final[dict[str, Reader]] = {
    "stripe": stripe.read,
    "veriff": veriff.read,
    "persona": persona.read,
    "onfido": onfido.read,
}
"""By the kind of `gateway.providers.config.Provider`."""
