"""The queue's rules: order, claims, one or two people, escalation, undoing."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from classifiers.contract import CATEGORIES
from gateway.core.holds import Holds
from gateway.core.model import Account, AccountState, Case, Decision, Facts, Outcome, Reason
from gateway.core.queue import (
    HOUR_MS,
    MINUTE_MS,
    UNRESOLVED,
    Entry,
    Resolution,
    Step,
    Unresolved,
    claim,
    could_not,
    enter,
    escalate,
    let_go,
    noted,
    resolve,
    step_of,
    undo,
)

RULES = Holds(hours={"violence": 4, "self_harm": 1}, other_hours=24, reach={"news_desk": 0.5}, four_eyes=("violence",))
PLAIN, DOUBLE = Entry("m", "t1", "acc", "spam", 1000), Entry("m", "t1", "acc", "violence", 1000, eyes=2)
NOW = 5_000


def held_for(*categories: str | None, account_class: str = "standard") -> Case:
    reasons = tuple([Reason("content_suspected", Outcome.HOLD, "", "text", each, 0.6) for each in categories])
    account = Account("acc", AccountState.ACTIVE, account_class=account_class)
    return Case(Facts(1, account), (), Decision(Outcome.HOLD, "content_suspected", reasons, "v"))


def entered(case: Case) -> Entry:
    return enter("m", "t1", "acc", case, NOW, RULES)


def says(actor: str, outcome: Outcome = Outcome.ALLOW, at_ms: int = NOW) -> Resolution:
    return Resolution(actor, outcome, "other", f"{actor}'s note", at_ms)


def decided(entry: Entry, *resolutions: Resolution, undo_ms: int = 100) -> Entry:
    for one in resolutions:
        result = resolve(entry, one, RULES, undo_ms)
        assert isinstance(result, Entry), result
        entry = result
    return entry


@pytest.mark.parametrize(
    ("case", "category", "hours", "eyes"),
    [
        (held_for("spam"), "spam", 24, 1),
        (held_for("spam", "self_harm", "violence"), "self_harm", 1, 2),
        (held_for("violence"), "violence", 4, 2),
        (held_for(None), "", 24, 1),
        (held_for(), "", 24, 1),
        (held_for("violence", account_class="news_desk"), "violence", 2, 2),
    ],
)
def test_what_is_more_urgent_or_read_by_more_is_due_sooner(case: Case, category: str, hours: float, eyes: int) -> None:
    entry = entered(case)
    assert (entry.category, entry.due_ms, entry.eyes) == (category, NOW + hours * HOUR_MS, eyes)


@given(st.lists(st.sampled_from(sorted(CATEGORIES)), min_size=1), st.sampled_from(sorted(CATEGORIES)))
def test_another_category_never_makes_it_less_urgent(found: list[str], more: str) -> None:
    fewer, all_of_them = entered(held_for(*found)), entered(held_for(*found, more))
    assert all_of_them.due_ms <= fewer.due_ms
    assert all_of_them.eyes >= fewer.eyes


def test_a_claim_keeps_others_away_until_it_ends() -> None:
    mine = claim(PLAIN, "Ann", RULES, NOW)
    assert isinstance(mine, Entry)
    end_ms = NOW + 10 * MINUTE_MS
    assert (mine.claimed(NOW), mine.claimed(end_ms - 1), mine.claimed(end_ms)) == ("Ann", "Ann", None)
    assert claim(mine, "Bob", RULES, end_ms - 1) is Unresolved.CLAIMED
    assert resolve(mine, says("Bob"), RULES, 0) is Unresolved.CLAIMED
    assert escalate(mine, "Bob", "hm", NOW) is Unresolved.CLAIMED
    assert let_go(mine, "Bob", NOW) is Unresolved.CLAIMED
    assert isinstance(claim(mine, "Bob", RULES, end_ms), Entry)
    assert isinstance(resolve(mine, says("Ann"), RULES, 0), Entry)
    assert let_go(mine, "Ann", NOW) == PLAIN


def test_one_person_decides_and_may_take_it_back() -> None:
    after = decided(PLAIN, says("Ann"))
    assert (after.waiting, after.waiting_ms, step_of(after, says("Ann"))) == (says("Ann"), NOW + 100, Step.DECIDE)
    assert resolve(after, says("Bob"), RULES, 0) is Unresolved.DECIDED
    assert escalate(after, "Bob", "hm", NOW) is Unresolved.DECIDED
    assert undo(after, "Bob") is Unresolved.NOT_DECIDED
    assert undo(after, "Ann") == PLAIN
    otherwise = decided(after, says("Ann", Outcome.BLOCK, NOW + 50))
    assert otherwise.waiting == says("Ann", Outcome.BLOCK, NOW + 50)


def test_what_is_being_carried_out_cannot_be_undone() -> None:
    taken = replace(decided(PLAIN, says("Ann")), taken_ms=NOW + 100)
    assert undo(taken, "Ann") is Unresolved.NOT_DECIDED
    assert resolve(taken, says("Ann", Outcome.BLOCK), RULES, 0) is Unresolved.DECIDED
    assert escalate(taken, "Ann", "hm", NOW) is Unresolved.DECIDED


def test_a_decision_without_time_to_undo_is_the_last_one() -> None:
    final = resolve(PLAIN, says("Ann"), RULES, 0)
    assert isinstance(final, Entry)
    # Sent twice, or by somebody whose clock is behind: what is carried out is the one that was said to be taken.
    for again in (says("Ann"), says("Ann", Outcome.BLOCK), says("Ann", Outcome.BLOCK, NOW - 50)):
        assert resolve(final, again, RULES, 0) is Unresolved.DECIDED
    assert undo(final, "Ann") is Unresolved.NOT_DECIDED
    assert escalate(final, "Ann", "hm", NOW) is Unresolved.DECIDED


def test_what_could_not_be_carried_out_waits_again_and_says_why() -> None:
    taken = replace(decided(PLAIN, says("Ann")), taken_ms=NOW + 100)
    assert could_not(taken, "closed") == replace(PLAIN, problem="closed")
    assert decided(could_not(taken, "closed"), says("Bob")).problem is None


def test_a_release_takes_two_where_the_policy_says_so() -> None:
    first = decided(DOUBLE, says("Ann"))
    assert (first.first, first.waiting, step_of(first, says("Ann"))) == (says("Ann"), None, Step.FIRST)
    assert resolve(first, says("Ann"), RULES, 0) is Unresolved.SAME_PERSON
    assert undo(first, "Ann") == DOUBLE
    both = decided(first, says("Bob"))
    assert (both.waiting, noted(both)) == (says("Bob"), "Bob's note (agreed with Ann: Ann's note)")


def test_a_rejection_takes_one() -> None:
    assert decided(DOUBLE, says("Ann", Outcome.BLOCK)).waiting == says("Ann", Outcome.BLOCK)


def test_two_who_do_not_agree_leave_it_to_a_third() -> None:
    torn = decided(DOUBLE, says("Ann"), says("Bob", Outcome.BLOCK))
    assert (torn.escalated_by, torn.waiting) == ("Bob", None)
    assert step_of(torn, says("Bob", Outcome.BLOCK)) is Step.DISAGREE
    assert resolve(torn, says("Ann"), RULES, 0) is Unresolved.SAME_PERSON
    assert resolve(torn, says("Bob"), RULES, 0) is Unresolved.ESCALATED
    third = decided(torn, says("Cem", Outcome.BLOCK))
    assert noted(third) == "Cem's note (otherwise than Ann: Ann's note)"


def test_whoever_escalates_does_not_decide() -> None:
    up = escalate(PLAIN, "Ann", "ask somebody", NOW)
    assert isinstance(up, Entry)
    assert (up.escalated_by, up.escalated_note) == ("Ann", "ask somebody")
    assert resolve(up, says("Ann"), RULES, 0) is Unresolved.ESCALATED
    assert escalate(up, "Bob", "again", NOW) is Unresolved.ESCALATED
    assert decided(up, says("Bob")).waiting == says("Bob")


def test_a_code_must_be_of_the_policy() -> None:
    wrong: dict[str, Any] = {"outcome": Outcome.ALLOW, "code": "violence"}
    assert resolve(PLAIN, replace(says("Ann"), **wrong), RULES, 0) is Unresolved.CODE
    assert isinstance(resolve(PLAIN, replace(says("Ann", Outcome.BLOCK), code="violence"), RULES, 0), Entry)


def test_every_refusal_says_what_to_do() -> None:
    assert set(UNRESOLVED) == set(Unresolved)
    assert all(text.partition(": ")[0] in ("message_id", "code") for text in UNRESOLVED.values())


ACTS = st.tuples(
    st.sampled_from(["claim", "allow", "block", "escalate", "undo"]), st.sampled_from(["Ann", "Bob", "Cem"])
)


@given(st.lists(ACTS, max_size=12), st.booleans())
def test_a_release_that_takes_two_is_never_one_person_s(acts: list[tuple[str, str]], four_eyes: bool) -> None:
    entry = DOUBLE if four_eyes else PLAIN
    for number, (what, actor) in enumerate(acts):
        now_ms = NOW + number
        match what:
            case "claim":
                result = claim(entry, actor, RULES, now_ms)
            case "allow":
                result = resolve(entry, says(actor, Outcome.ALLOW, now_ms), RULES, 100)
            case "block":
                result = resolve(entry, says(actor, Outcome.BLOCK, now_ms), RULES, 100)
            case "escalate":
                result = escalate(entry, actor, "hm", now_ms)
            case _:
                result = undo(entry, actor)
        entry = result if isinstance(result, Entry) else entry
        if entry.waiting is not None:
            assert entry.waiting.actor != entry.escalated_by
            if four_eyes and entry.waiting.outcome is Outcome.ALLOW:
                assert entry.first is not None
                assert entry.first.actor != entry.waiting.actor
