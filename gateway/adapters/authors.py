"""Names for accounts that classifiers may tell apart and nobody may read."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from typing import Final

from gateway.core.model import Message

_DIGITS: Final = 16
"""Hexadecimal: 64 bits, so that two of a million accounts share one with a probability of about 3e-8."""


class Authors:
    """The opaque name of whoever wrote a message: the same for the same account of the same tenant.

    ``index`` is `gateway.ports.Sealer.index`, which is HMAC-SHA-256 under a key of the installation: without the key
    nobody can tell whose a name is, even with a list of all accounts. An installation without keys has plain SHA-256,
    which hides an account only from who does not know its id.
    """

    def __init__(self, index: Callable[[str], str] | None = None) -> None:
        self._index = index or _hash

    def __call__(self, message: Message) -> str:
        """16 hexadecimal digits; nothing for a message of no account."""
        if not message.account_id:
            return ""
        return self._index(f"{message.tenant_id}\0{message.account_id}")[:_DIGITS]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
