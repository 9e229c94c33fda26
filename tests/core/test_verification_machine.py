"""The state machine of a verification under any sequence of events."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from gateway.core.model import RegistrantKind
from gateway.core.model import VerificationState as State
from gateway.core.review_count import NEEDED, Uncounted, outcome
from gateway.core.verification import OPEN, TABLE, Verdict, Verification, after, proof
from gateway.core.verification import VerificationEvent as Event

ENDS = {State.DECLINED, State.EXPIRED, State.CANCELED}
reviewers = st.sampled_from(["ann", "Ann ", "bob", "cy", "", "  "])


class OneVerification(RuleBasedStateMachine):
    """One verification, to which anything may happen, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.state = State.CREATED
        self.approved = False
        """Whether a match or an approval was among what happened."""
        self.seen = [State.CREATED]
        self.verdicts: list[Verdict] = []
        self.kind = RegistrantKind.ORGANISATION

    @rule(event=st.sampled_from([event for event in Event if event is not Event.APPROVE]))
    def anything_else(self, event: Event) -> None:
        self._happen(event)

    @rule()
    def match(self) -> None:
        if self._happen(Event.APPROVE):
            self.approved = True

    @rule(reviewer=reviewers, approve=st.booleans(), kind=st.sampled_from(RegistrantKind))
    def verdict(self, reviewer: str, approve: bool, kind: RegistrantKind) -> None:
        if self.state is not State.REVIEW:
            return
        self.kind = kind if not self.verdicts else self.kind
        new = Verdict(reviewer, approve, 1)
        event = outcome(self.kind, self.verdicts, new)
        if isinstance(event, Uncounted):
            return
        self.verdicts.append(new)
        if event is Event.APPROVE:
            people = {each.reviewer.strip().casefold() for each in self.verdicts if each.approve}
            assert len(people) == NEEDED[self.kind]
            assert all(each.approve for each in self.verdicts)
            self.approved = True
        if event is not None:
            assert self._happen(event)

    def _happen(self, event: Event) -> bool:
        state = after(self.state, event)
        if state is None:
            return False
        self.state = state
        self.seen.append(state)
        return True

    @invariant()
    def verified_only_by_a_match_or_an_approval(self) -> None:
        assert self.approved or State.VERIFIED not in self.seen

    @invariant()
    def what_has_ended_stays_so_but_for_erasure(self) -> None:
        for before, then in zip(self.seen, self.seen[1:], strict=False):
            assert before is not State.REDACTED
            assert before not in ENDS or then is State.REDACTED
            assert before is not State.VERIFIED or then in {State.EXPIRED, State.CANCELED, State.REDACTED}

    @invariant()
    def a_proof_is_no_more_than_its_verification(self) -> None:
        one = Verification("v", "r", "p", self.state, 0, 0, framework="f", level="l", expires_at=10)
        assert (proof([one], 9).state is State.VERIFIED) == (self.state is State.VERIFIED)
        assert proof([one], 10).state is not State.VERIFIED


TestOneVerification = OneVerification.TestCase


def test_every_open_state_can_end() -> None:
    for state in OPEN:
        assert after(state, Event.CANCEL) is State.CANCELED
        assert after(state, Event.EXPIRE) is State.EXPIRED


def test_approval_needs_somebody_who_had_the_particulars() -> None:
    assert {state for state, event in TABLE if event is Event.APPROVE} == OPEN - {State.CREATED}
