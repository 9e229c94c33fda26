"""What a registrant amounts to after a step of one of its verifications."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from gateway.core.model import VerificationState as State
from gateway.core.verification import OPEN, Proof, Verification, proof, proof_after, repeats, stands

AT_MS = 100
SAID = Proof(State.VERIFIED, "eidas", "high")
"""What an administrator, or an import, said of the registrant."""


def one(verification_id: str, state: State, created_ms: int, event_ms: int, **changes: Any) -> Verification:
    """A verification by people."""
    made = Verification(verification_id, "r", "staff", state, created_ms, event_ms, None, "manual", "reviewed")
    return replace(made, **changes)


OLD = one("old", State.VERIFIED, 1, 2)
OF_OLD = Proof(State.VERIFIED, "manual", "reviewed")
states = st.sampled_from([state for state in State if state is not State.REDACTED])
times = st.integers(0, 99)
ends = st.sampled_from([None, AT_MS, AT_MS + 1])
proofs = st.builds(Proof, states, st.sampled_from(["eidas", "manual"]), st.just("high"), ends)


@st.composite
def attempts(draw: st.DrawFn) -> Verification:
    """Any verification."""
    created_ms = draw(times)
    event_ms = created_ms + draw(times)
    return one(f"v{draw(st.integers(0, 1_000_000))}", draw(states), created_ms, event_ms, expires_at=draw(ends))


@given(held=proofs, was=st.none() | attempts(), now=attempts(), others=st.lists(attempts(), max_size=4))
def test_only_an_approval_raises(
    held: Proof, was: Verification | None, now: Verification, others: list[Verification]
) -> None:
    ended = was is not None and was.state is State.VERIFIED
    after = proof_after(held, was, now, others, AT_MS)
    if stands(held, AT_MS) and now.state not in (State.VERIFIED, State.DECLINED) and not ended:
        assert after == held
    if now.state is not State.VERIFIED and not ended:
        assert after == held or not stands(after, AT_MS)


@pytest.mark.parametrize("state", sorted(OPEN | {State.CANCELED, State.EXPIRED}))
def test_a_step_that_settles_nothing_leaves_what_was_said_elsewhere(state: State) -> None:
    assert proof_after(SAID, None, one("new", state, 50, 60), [OLD], AT_MS) == SAID


def test_an_older_proof_that_ends_leaves_what_was_said_elsewhere() -> None:
    assert proof_after(SAID, OLD, replace(OLD, state=State.EXPIRED), [], AT_MS) == SAID
    assert proof_after(OF_OLD, OLD, replace(OLD, state=State.EXPIRED), [], AT_MS) == Proof(State.EXPIRED)


def test_the_newest_approval_replaces_what_was_proved_otherwise() -> None:
    assert proof_after(SAID, None, one("new", State.VERIFIED, 50, 60), [], AT_MS) == OF_OLD


def test_when_a_proof_ends_an_older_one_that_lasts_longer_stands() -> None:
    new = one("new", State.VERIFIED, 50, 60, framework="eidas", expires_at=AT_MS)
    held = Proof(State.VERIFIED, "eidas", "reviewed", AT_MS)
    assert proof_after(held, new, replace(new, state=State.EXPIRED), [OLD], AT_MS) == OF_OLD


@pytest.mark.parametrize(
    ("created_ms", "state"), [(1, State.VERIFIED), (4, State.VERIFIED), (5, State.DECLINED), (9, State.DECLINED)]
)
def test_a_refusal_counts_where_it_was_begun_after_what_stands_was_proved(created_ms: int, state: State) -> None:
    proved, refused = one("proved", State.VERIFIED, 3, 5), one("refused", State.DECLINED, created_ms, 10)
    assert proof_after(OF_OLD, None, refused, [proved], AT_MS).state is state
    assert proof([proved, refused], AT_MS).state is state


def test_a_refusal_begun_before_an_approval_leaves_what_was_said_after_both() -> None:
    proved, refused = one("proved", State.VERIFIED, 3, 5), one("refused", State.DECLINED, 4, 10)
    assert proof_after(SAID, None, refused, [proved], AT_MS) == SAID


@pytest.mark.parametrize("state", [State.CREATED, State.DECLINED, State.CANCELED])
def test_what_was_taken_back_elsewhere_is_not_raised_by_an_older_proof(state: State) -> None:
    review = one("new", State.REVIEW, 50, 60)
    assert proof_after(Proof(state), None, review, [OLD], AT_MS) == Proof(State.REVIEW)
    canceled = replace(review, state=State.CANCELED)
    assert proof_after(Proof(State.REVIEW), review, canceled, [OLD], AT_MS) == Proof(State.CANCELED)


@pytest.mark.parametrize(
    ("other", "expected"),
    [
        (one("other", State.DECLINED, 3, 4), Proof(State.DECLINED)),
        (one("other", State.REVIEW, 3, 4), Proof(State.REVIEW)),
        (one("other", State.VERIFIED, 3, 4, expires_at=9), Proof(State.EXPIRED, "manual", "reviewed", 9)),
    ],
)
def test_canceling_takes_back_to_what_was_before(other: Verification, expected: Proof) -> None:
    pending = one("new", State.PENDING, 50, 60)
    canceled = replace(pending, state=State.CANCELED)
    assert proof_after(Proof(State.PENDING), pending, canceled, [other], AT_MS) == expected


def test_what_repeats_a_verification() -> None:
    new = one("new", State.REVIEW, 50, 0)
    session = replace(new, provider="stripe", reference="vs_1")
    for state in State:
        assert repeats(new, one("there", state, 1, 2)) is (state in OPEN)
        assert repeats(session, replace(session, verification_id="there", state=state))
    assert not repeats(new, one("there", State.REVIEW, 1, 2, provider="others"))
    assert not repeats(session, replace(session, reference="vs_2"))
