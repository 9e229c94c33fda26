"""What the account's state and its sanctions in force mean."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.policy_file import read_policy
from gateway.core.model import Account, AccountState, Degree, Facts, Outcome, Sanction, Suspension
from gateway.core.policy import PolicyError
from gateway.core.sanctions import judge_standing
from tests.policies import policy

AT_MS = 1000
RULES = policy().policy.standing
SANCTIONS = "{warn: allow, restrict: hold, suspend_renewal: allow, suspend: block, close: block}"


def account(*sanctions: Sanction, state: AccountState = AccountState.ACTIVE) -> Facts:
    """An account in this state with these sanctions."""
    return Facts(AT_MS, Account("acc-1", state, sanctions=sanctions))


def test_an_account_in_good_standing_gives_no_reason() -> None:
    assert judge_standing(account(), RULES) == []


def test_an_unknown_account() -> None:
    [reason] = judge_standing(Facts(AT_MS, None), RULES)
    assert (reason.code, reason.outcome, reason.source) == ("account_unknown", Outcome.HOLD, "standing")


@pytest.mark.parametrize(
    ("state", "field", "code"),
    [
        (AccountState.SUSPENDED, "suspended: block", "account_suspended"),
        (AccountState.CLOSED, "closed: block", "account_closed"),
    ],
)
@pytest.mark.parametrize("outcome", list(Outcome))
def test_the_policy_says_what_a_state_means(state: AccountState, field: str, code: str, outcome: Outcome) -> None:
    rules = policy((f"  {field}", f"  {field.split(':')[0]}: {outcome}")).policy.standing
    assert [(r.code, r.outcome) for r in judge_standing(account(state=state), rules)] == [(code, outcome)]


@pytest.mark.parametrize("outcome", list(Outcome))
@pytest.mark.parametrize("degree", list(Degree))
def test_the_policy_says_what_each_degree_means(degree: Degree, outcome: Outcome) -> None:
    chosen = dict.fromkeys(Degree, Outcome.ALLOW) | {degree: outcome}
    text = "{" + ", ".join(f"{name}: {value}" for name, value in chosen.items()) + "}"
    rules = policy((SANCTIONS, text)).policy.standing
    found = [(r.code, r.outcome) for r in judge_standing(account(Sanction(degree, 0)), rules)]
    assert found == ([] if outcome is Outcome.ALLOW else [(f"sanction_{degree}", outcome)])


@pytest.mark.parametrize("outcome", [Outcome.HOLD, Outcome.BLOCK])
def test_a_suspended_renewal_may_mean_suspended_updates(outcome: Outcome) -> None:
    text = SANCTIONS.replace("suspend_renewal: allow", f"suspend_renewal: {outcome}")
    rules = policy((SANCTIONS, f"{text}\n  suspend_renewal_means: updates")).policy.standing
    facts = account(Sanction(Degree.SUSPEND_RENEWAL, 0, AT_MS + 1), Sanction(Degree.RESTRICT, 0))
    updates, restricted = judge_standing(facts, rules)
    assert (updates.code, updates.outcome) == ("sanction_suspend_updates", outcome)
    assert "cannot publish anything new" in updates.message
    assert restricted.code == "sanction_restrict"
    assert judge_standing(account(Sanction(Degree.SUSPEND_RENEWAL, 0, AT_MS)), rules) == []


def test_updates_that_are_suspended_are_not_allowed() -> None:
    with pytest.raises(PolicyError, match="suspend_renewal_means: updates are not suspended while"):
        policy((SANCTIONS, f"{SANCTIONS}\n  suspend_renewal_means: updates"))
    assert RULES.suspend_renewal_means is Suspension.RENEWAL


@pytest.mark.parametrize("file", ["gateway/policy.yaml", "deploy/kubernetes/policy.yaml"])
def test_the_shipped_policies_mean_what_the_law_means(file: str) -> None:
    standing = read_policy(Path(__file__).parents[2] / file).policy.standing
    assert standing.suspend_renewal_means is Suspension.UPDATES
    assert standing.sanctions[Degree.SUSPEND_RENEWAL] is Outcome.BLOCK


@pytest.mark.parametrize(
    ("starts_at", "ends_at", "in_force"),
    [
        (0, None, True),
        (AT_MS, None, True),
        (AT_MS + 1, None, False),
        (0, AT_MS + 1, True),
        (0, AT_MS, False),
        (AT_MS, AT_MS + 1, True),
        (AT_MS, AT_MS, False),
        (0, 0, False),
    ],
)
def test_a_sanction_holds_from_its_start_until_before_its_end(
    starts_at: int, ends_at: int | None, in_force: bool
) -> None:
    assert bool(judge_standing(account(Sanction(Degree.SUSPEND, starts_at, ends_at)), RULES)) is in_force


def test_every_sanction_in_force_is_a_reason_beside_the_state() -> None:
    facts = account(
        Sanction(Degree.RESTRICT, 0), Sanction(Degree.WARN, 0), Sanction(Degree.CLOSE, 0), state=AccountState.CLOSED
    )
    codes = [reason.code for reason in judge_standing(facts, RULES)]
    assert codes == ["account_closed", "sanction_restrict", "sanction_close"]
