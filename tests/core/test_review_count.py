"""How many reviewers it takes, and that nobody counts twice."""

from __future__ import annotations

import pytest

from gateway.core.model import RegistrantKind
from gateway.core.review_count import Uncounted, outcome
from gateway.core.verification import Verdict, VerificationEvent

PERSON, FIRM = RegistrantKind.PERSON, RegistrantKind.ORGANISATION
APPROVE, DECLINE = VerificationEvent.APPROVE, VerificationEvent.DECLINE


@pytest.mark.parametrize(
    ("kind", "before", "new", "approve", "expected"),
    [
        (PERSON, [], "ann", True, APPROVE),
        (PERSON, [], "ann", False, DECLINE),
        (PERSON, [], "", True, Uncounted.NOBODY),
        (PERSON, [], " \t", False, Uncounted.NOBODY),
        (FIRM, [], "ann", True, None),
        (FIRM, ["ann"], "bob", True, APPROVE),
        (FIRM, ["ann"], "ann", True, Uncounted.TWICE),
        (FIRM, ["ann"], " ANN", True, Uncounted.TWICE),
        (FIRM, ["Straße"], "STRASSE", True, Uncounted.TWICE),
        (FIRM, ["ann"], "ann", False, DECLINE),
        (FIRM, [], "ann", False, DECLINE),
        (FIRM, ["ann"], "", True, Uncounted.NOBODY),
    ],
)
def test_what_a_verdict_leads_to(
    kind: RegistrantKind, before: list[str], new: str, approve: bool, expected: object
) -> None:
    verdicts = [Verdict(name, True, 1) for name in before]
    assert outcome(kind, verdicts, Verdict(new, approve, 2)) is expected
