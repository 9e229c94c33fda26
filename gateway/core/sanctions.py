"""What the account's state and its sanctions in force mean for a publish request."""

from __future__ import annotations

from gateway.core.model import AccountState, Degree, Facts, Outcome, Reason, Suspension
from gateway.core.policy import Standing

SOURCE = "standing"

_MESSAGES = {
    Degree.WARN: "The account has been warned.",
    Degree.RESTRICT: "Publishing by this account is restricted.",
    Degree.SUSPEND_RENEWAL: "The account cannot be renewed.",
    Suspension.UPDATES: "The account cannot publish anything new for now: its updates are suspended.",
    Degree.SUSPEND: "The account is suspended.",
    Degree.CLOSE: "The account is closed.",
}


def judge_standing(facts: Facts, policy: Standing) -> list[Reason]:
    """The reasons that the account's standing gives, one for its state and one for each sanction in force."""
    account = facts.account
    if account is None:
        message = "The account is not registered with this gateway."
        return [Reason("account_unknown", facts.unknown or policy.unknown_account, message, SOURCE)]
    reasons: list[Reason] = []
    if account.state is AccountState.CLOSED:
        reasons.append(Reason("account_closed", policy.closed, "The account is closed.", SOURCE))
    elif account.state is AccountState.SUSPENDED:
        reasons.append(Reason("account_suspended", policy.suspended, "The account is suspended.", SOURCE))
    if account.term_ends_at is not None and account.term_ends_at <= facts.at_ms:
        message = "The account's term has ended; renew it to publish again."
        reasons.append(Reason("account_term_ended", policy.term_ended, message, SOURCE))
    for sanction in account.sanctions:
        in_force = sanction.starts_at <= facts.at_ms and (sanction.ends_at is None or facts.at_ms < sanction.ends_at)
        outcome = policy.sanctions[sanction.degree]
        if in_force and outcome is not Outcome.ALLOW:
            updates = policy.suspend_renewal_means is Suspension.UPDATES and sanction.degree is Degree.SUSPEND_RENEWAL
            code = "sanction_suspend_updates" if updates else f"sanction_{sanction.degree.value}"
            message = _MESSAGES[Suspension.UPDATES if updates else sanction.degree]
            reasons.append(Reason(code, outcome, message, SOURCE))
    return reasons
