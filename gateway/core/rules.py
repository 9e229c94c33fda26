"""The rules of decisions that come from no reason of the policy's, but from what happened to the message."""

from __future__ import annotations

from typing import Final

PERSON: Final = "person"
"""A person decided."""
REVIEWED: Final = "reviewed"
"""The code of the reason of a person who names none."""
EXPIRED: Final = "hold_expired"
"""Nobody decided in time."""
APPEAL: Final = "appeal"
"""An appeal was granted."""
