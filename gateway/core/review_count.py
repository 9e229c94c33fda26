"""How many people it takes to verify somebody by hand: one for a person, two for an organisation; one to refuse."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

from gateway.core.model import RegistrantKind
from gateway.core.verification import Verdict, VerificationEvent

NEEDED: Final = {RegistrantKind.PERSON: 1, RegistrantKind.ORGANISATION: 2}
"""Different reviewers who must approve."""


class Uncounted(StrEnum):
    """Why a verdict does not count."""

    NOBODY = "nobody"
    """It does not say whose it is."""
    TWICE = "twice"
    """This reviewer has approved already, and counts once."""


def outcome(kind: RegistrantKind, verdicts: Sequence[Verdict], new: Verdict) -> VerificationEvent | Uncounted | None:
    """What happens to a verification when ``new`` joins the ``verdicts`` on it; None when it waits for one more.

    Reviewers are compared without regard to case and spaces around their names.
    """
    reviewer = _folded(new.reviewer)
    if not reviewer:
        return Uncounted.NOBODY
    if not new.approve:
        return VerificationEvent.DECLINE
    approved = {_folded(verdict.reviewer) for verdict in verdicts if verdict.approve}
    if reviewer in approved:
        return Uncounted.TWICE
    return VerificationEvent.APPROVE if len(approved) + 1 >= NEEDED[kind] else None


def _folded(name: str) -> str:
    return name.strip().casefold()
