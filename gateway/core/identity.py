"""Is there a verified registrant behind the account, verified well enough for this policy?"""

from __future__ import annotations

from typing import assert_never

from gateway.core.model import Account, Facts, Outcome, Reason, Registrant, VerificationState
from gateway.core.policy import Identity

SOURCE = "identity"


def judge_identity(facts: Facts, policy: Identity) -> Reason | None:
    """The reason why this registrant is not enough; None when it is. An unknown account is not judged here."""
    if facts.account is None:
        return None
    registrant = facts.account.registrant
    if registrant is None:
        message = "Nobody is registered as the holder of this account; register the person or organisation behind it."
        return _reason("registrant_missing", policy.missing, message)
    match registrant.state:
        case VerificationState.VERIFIED:
            return _verified(facts.account, registrant, facts.at_ms, policy)
        case VerificationState.EXPIRED:
            return _expired(policy)
        case VerificationState.PENDING | VerificationState.PROCESSING | VerificationState.REVIEW:
            message = "The registrant's identity is still being reviewed; wait for the result."
            return _reason("registrant_under_review", policy.under_review, message)
        case VerificationState.NEEDS_INPUT:
            message = "The review of the registrant's identity needs more; send what the verifier asked for."
            return _reason("registrant_needs_input", policy.unverified, message)
        case VerificationState.DECLINED:
            message = "The registrant's identity was declined; correct the particulars and have them verified again."
            return _reason("registrant_declined", policy.unverified, message)
        case VerificationState.CREATED | VerificationState.CANCELED | VerificationState.REDACTED:
            message = "The registrant's identity is not verified; have it verified."
            return _reason("registrant_unverified", policy.unverified, message)
        case _:
            assert_never(registrant.state)


def _verified(account: Account, registrant: Registrant, at_ms: int, policy: Identity) -> Reason | None:
    if registrant.expires_at is not None and registrant.expires_at <= at_ms:
        return _expired(policy)
    enough = policy.classes.get(account.account_class, policy.accept)
    for assurance in enough:
        if assurance.framework == registrant.framework and registrant.level in assurance.levels:
            return None
    wanted = ", or ".join(f"{assurance.framework} at level {' or '.join(assurance.levels)}" for assurance in enough)
    return _reason(
        "registrant_assurance_insufficient",
        policy.insufficient,
        f"A verification under {registrant.framework} at level {registrant.level} is not enough here; "
        f"have the registrant verified under {wanted}.",
    )


def _expired(policy: Identity) -> Reason:
    return _reason("registrant_expired", policy.expired, "The registrant's verification has expired; renew it.")


def _reason(code: str, outcome: Outcome, message: str) -> Reason:
    return Reason(code, outcome, message, SOURCE)
