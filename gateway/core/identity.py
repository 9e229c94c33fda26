"""Is there a verified registrant behind the account, verified well enough for this policy?"""

from __future__ import annotations

from typing import assert_never

from gateway.core.model import Facts, Outcome, Reason, Registrant, VerificationState
from gateway.core.policy import Identity

SOURCE = "identity"


def judge_identity(facts: Facts, policy: Identity) -> Reason | None:
    """The reason why this registrant is not enough; None when it is. An unknown account is not judged here."""
    if facts.account is None:
        return None
    registrant = facts.account.registrant
    if registrant is None:
        return _reason("registrant_missing", policy.missing, "Nobody is registered as the holder of this account.")
    match registrant.state:
        case VerificationState.VERIFIED:
            return _verified(registrant, facts.at_ms, policy)
        case VerificationState.EXPIRED:
            return _expired(policy)
        case VerificationState.PENDING | VerificationState.PROCESSING | VerificationState.REVIEW:
            return _reason(
                "registrant_under_review", policy.under_review, "The registrant's identity is still being reviewed."
            )
        case (
            VerificationState.CREATED
            | VerificationState.NEEDS_INPUT
            | VerificationState.DECLINED
            | VerificationState.CANCELED
            | VerificationState.REDACTED
        ):
            return _reason("registrant_unverified", policy.unverified, "The registrant's identity is not verified.")
        case _:
            assert_never(registrant.state)


def _verified(registrant: Registrant, at_ms: int, policy: Identity) -> Reason | None:
    if registrant.expires_at is not None and registrant.expires_at <= at_ms:
        return _expired(policy)
    for assurance in policy.accept:
        if assurance.framework == registrant.framework and registrant.level in assurance.levels:
            return None
    return _reason(
        "registrant_assurance_insufficient",
        policy.insufficient,
        f"A verification under {registrant.framework} at level {registrant.level} is not enough here.",
    )


def _expired(policy: Identity) -> Reason:
    return _reason("registrant_expired", policy.expired, "The registrant's verification has expired; renew it.")


def _reason(code: str, outcome: Outcome, message: str) -> Reason:
    return Reason(code, outcome, message, SOURCE)
