"""What happened, as statements: each restriction once, and ended when it ends."""

from __future__ import annotations

from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given
from msgspec.structs import replace

from gateway.core.audit import APPEAL, REPORT, SANCTION, TAKEDOWN
from gateway.core.happened import Act, Happened, MessageStep
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Facts,
    Media,
    Message,
    MessageState,
    Outcome,
    Reason,
)
from gateway.core.stated import Content, Stated, content_types, first_id, id_of, stated, statement_id
from gateway.core.statement import IMPOSED, Automation, Lifted, Restriction, Source, Statement

HELD, BLOCKED, QUEUED, REJECTED = MessageState.HELD, MessageState.BLOCKED, MessageState.QUEUED, MessageState.REJECTED
MESSAGE = Message("t1", "acc-1", "native", ("hello",), "c" * 64, (Media("image/png"), Media("application/pdf")))


def case(outcome: Outcome, *reasons: Reason, rule: str = "") -> Case:
    decision = Decision(outcome, rule or (reasons[0].code if reasons else "nothing_found"), reasons, "v1")
    return Case(Facts(0, Account("acc-1", AccountState.ACTIVE)), (), decision)


def found(category: str, score: float, outcome: Outcome = Outcome.HOLD) -> Reason:
    code = "content_violation" if outcome is Outcome.BLOCK else "content_suspected"
    return Reason(code, outcome, "words", "text", category, score)


def step(
    before: MessageState | None,
    after: MessageState,
    what: Case | None = None,
    at_ms: int = 1_000,
    decision_id: str | None = None,
    actor: str = "gateway",
) -> MessageStep:
    named = decision_id or (f"d-{at_ms}" if what is not None else None)
    return MessageStep(at_ms, "m-1", before, after, actor, "", MESSAGE, 900, named, what)


def act(kind: str, name: str, at_ms: int = 2_000, **body: Any) -> Act:
    return Act(at_ms, kind, name, "Ann", "t1", {"account_id": "acc-1", **body})


def after(*happened: Happened) -> list[Statement]:
    """All statements once these happened, oldest first, each step in a transaction of its own; and the same at once."""
    known: dict[str, Statement] = {}
    contents = {"m-1": Content(("text",), 900)}
    steps = [each for each in happened if isinstance(each, MessageStep)]
    acts = [each for each in happened if isinstance(each, Act)]
    so_far: list[MessageStep] = []
    for each in happened:
        so_far += [each] if isinstance(each, MessageStep) else []
        result = stated(known.values(), so_far, [each] if isinstance(each, Act) else (), contents)
        known |= {one.statement_id: one for one in (*result.made, *result.ended)}
    at_once = stated((), steps, acts, contents)
    assert sorted(known.values(), key=lambda one: one.statement_id) == sorted(
        at_once.made, key=lambda one: one.statement_id
    )
    assert at_once.ended == ()
    return sorted(known.values(), key=lambda one: (one.starts_ms, one.statement_id))


HOLD = step(None, HELD, case(Outcome.HOLD, found("spam", 0.6), found("fraud", 0.7)))


def test_a_hold_is_stated_with_the_surest_violation() -> None:
    [hold] = after(HOLD)
    assert hold == Statement(
        statement_id=statement_id(1_000, "hold", "m-1", "d-1000"),
        tenant_id="t1",
        account_id="acc-1",
        restriction=Restriction.HOLD,
        category="fraud",
        codes=("content_suspected",),
        source=Source.OWN,
        automated_detection=True,
        automation=Automation.FULLY,
        starts_ms=1_000,
        policy_version="v1",
        message_id="m-1",
        content_types=("text", "image", "other"),
        content_ms=900,
    )
    assert id_of(HOLD) == hold.statement_id


def test_a_block_rests_on_the_reasons_that_blocked() -> None:
    closed = Reason("account_closed", Outcome.BLOCK, "words", "standing")
    [block] = after(step(None, BLOCKED, case(Outcome.BLOCK, closed, found("fraud", 0.7))))
    assert (block.restriction, block.category, block.codes) == (Restriction.BLOCK, None, ("account_closed",))


def test_news_is_no_violation() -> None:
    [hold] = after(
        step(None, HELD, case(Outcome.HOLD, Reason("news_altered", Outcome.HOLD, "words", "news", "news", 0.9)))
    )
    assert (hold.category, hold.codes) == (None, ("news_altered",))


@pytest.mark.parametrize("state", [QUEUED, MessageState.FORWARDING, MessageState.RELEASED, MessageState.FAILED])
def test_a_hold_that_is_released_is_lifted(state: MessageState) -> None:
    [hold] = after(HOLD, step(HELD, state, case(Outcome.ALLOW), 1_500))
    assert (hold.lifted, hold.lifted_ms) == (Lifted.RELEASED, 1_500)


def test_a_persons_rejection_takes_the_holds_place_and_its_ground() -> None:
    reviewed = Reason("reviewed", Outcome.BLOCK, "a note", "Ann")
    hold, block = after(HOLD, step(HELD, REJECTED, case(Outcome.BLOCK, reviewed, rule="person"), 1_500, actor="Ann"))
    assert (hold.lifted, hold.lifted_ms) == (Lifted.SUPERSEDED, 1_500)
    assert (block.category, block.codes) == ("fraud", ("reviewed", "content_suspected"))
    assert (block.automated_detection, block.automation) == (True, Automation.NOT)
    assert block.lifted is None


def test_a_persons_own_ground_comes_first() -> None:
    chosen = Reason("harassment", Outcome.BLOCK, "a note", "Ann", "harassment")
    _, block = after(HOLD, step(HELD, REJECTED, case(Outcome.BLOCK, chosen, rule="person"), 1_500))
    assert (block.category, block.codes) == ("harassment", ("harassment",))
    other = Reason("other", Outcome.BLOCK, "a note", "Ann")
    _, block = after(HOLD, step(HELD, REJECTED, case(Outcome.BLOCK, other, rule="person"), 1_500))
    assert (block.category, block.codes) == (None, ("other",))


def test_a_hold_that_nobody_decided_on_ends_by_automation() -> None:
    expired = Reason("hold_expired", Outcome.BLOCK, "words", "policy")
    _, block = after(HOLD, step(HELD, REJECTED, case(Outcome.BLOCK, expired), 1_500))
    assert (block.category, block.automation) == ("fraud", Automation.FULLY)


def test_held_again_for_the_same_is_no_new_hold_and_for_another_ground_is() -> None:
    same = step(HELD, HELD, case(Outcome.HOLD, found("fraud", 0.6)), 1_200)
    assert after(HOLD, same) == after(HOLD)
    first, second = after(HOLD, step(HELD, HELD, case(Outcome.HOLD, found("hate", 0.6)), 1_200))
    assert (first.lifted, second.lifted, second.category) == (Lifted.SUPERSEDED, None, "hate")


def test_what_facts_forbid_at_forwarding_is_a_block() -> None:
    closed = case(Outcome.BLOCK, Reason("account_closed", Outcome.BLOCK, "words", "standing"))
    hold, block = after(HOLD, step(HELD, QUEUED, None, 1_100), step(MessageState.FORWARDING, REJECTED, closed, 1_200))
    assert (hold.lifted, block.restriction, block.codes) == (Lifted.RELEASED, Restriction.BLOCK, ("account_closed",))


BLOCK = step(None, BLOCKED, case(Outcome.BLOCK, found("fraud", 0.95, Outcome.BLOCK)))
GRANTED = step(BLOCKED, QUEUED, case(Outcome.ALLOW, rule="appeal"), 3_000)


def test_a_granted_appeal_lifts_the_block_and_a_later_block_is_another() -> None:
    name = after(BLOCK)[0].statement_id
    decided = act(APPEAL, "DecideAppeal", 3_000, outcome="reversed", statement_id=name, message_id="m-1")
    closed = case(Outcome.BLOCK, Reason("account_closed", Outcome.BLOCK, "words", "standing"))
    first, second = after(BLOCK, GRANTED, decided, step(MessageState.FORWARDING, REJECTED, closed, 3_000))
    assert (first.lifted, first.lifted_ms) == (Lifted.REVERSED, 3_000)
    assert second.lifted is None


def test_an_upheld_appeal_lifts_nothing() -> None:
    [block] = after(BLOCK)
    upheld = act(APPEAL, "DecideAppeal", outcome="upheld", statement_id=block.statement_id, message_id="m-1")
    assert after(BLOCK, upheld, act(APPEAL, "MakeAppeal", statement_id=block.statement_id)) == [block]


def test_an_appeal_that_cannot_publish_the_message_lifts_all_the_same() -> None:
    [block] = after(BLOCK)
    gone = act(APPEAL, "DecideAppeal", outcome="reversed", statement_id=block.statement_id, message_id="m-1")
    assert after(BLOCK, gone)[0].lifted is Lifted.REVERSED


def sanction(degree: str = "suspend", at_ms: int = 2_000, **body: Any) -> Act:
    known = {"sanction_id": "x-1", "degree": degree, "starts_ms": 2_000, "ends_ms": 9_000, "category": "fraud"}
    return act(SANCTION, "ImposeSanction", at_ms, **{**known, "message_id": "m-1", "why": "ladder", **body})


@pytest.mark.parametrize("degree", ["warn", "restrict", "suspend_renewal", "suspend", "close"])
def test_a_sanction_is_stated(degree: str) -> None:
    [made] = after(sanction(degree, automatic=True))
    assert (made.restriction.value, made.category, made.codes) == (degree, "fraud", ("ladder",))
    assert (made.starts_ms, made.ends_ms, made.sanction_id, made.content_types) == (2_000, 9_000, "x-1", ())
    assert (made.automated_detection, made.automation) == (True, Automation.FULLY)


@pytest.mark.parametrize(
    ("degree", "suspends", "codes"),
    [
        ("suspend_renewal", "updates", ("ladder", "suspend_updates")),
        ("suspend_renewal", None, ("ladder",)),
        ("suspend", "updates", ("ladder",)),
    ],
)
def test_what_a_suspended_renewal_meant_is_stated(degree: str, suspends: str | None, codes: tuple[str, ...]) -> None:
    more: dict[str, Any] = {} if suspends is None else {"suspends": suspends}
    [made] = after(sanction(degree, automatic=True, **more))
    assert made.codes == codes


@pytest.mark.parametrize(
    ("why", "automation", "detected"), [("ladder", Automation.PARTIALLY, True), ("person", Automation.NOT, False)]
)
def test_who_decided_on_a_sanction_is_stated(why: str, automation: Automation, detected: bool) -> None:
    [made] = after(sanction(why=why, automatic=False))
    assert (made.automation, made.automated_detection) == (automation, detected)


REVIEWED_OUT = step(HELD, REJECTED, case(Outcome.BLOCK, found("fraud", 1.0), rule="person"), 1_500, actor="Ann")


def down(source: str, automatic: bool = False) -> Act:
    return act(TAKEDOWN, "TakeDown", 1_900, message_id="m-1", category="fraud", source=source, automatic=automatic)


@pytest.mark.parametrize(
    ("cause", "source", "detected", "automation"),
    [
        ((BLOCK,), "own", True, "fully"),
        ((HOLD, REVIEWED_OUT), "own", True, "partially"),
        ((down("report"),), "report", False, "partially"),
        ((down("trusted_flagger"),), "trusted_flagger", False, "partially"),
        ((down("own"),), "own", False, "partially"),
        ((down("own", automatic=True),), "own", True, "fully"),
        # What was blocked, and published on appeal, is one thing; that readers reported it then is another.
        ((BLOCK, GRANTED, replace(down("report"), at_ms=3_500)), "report", False, "partially"),
    ],
)
def test_a_sanction_by_the_ladder_says_what_it_came_of(
    cause: tuple[Happened, ...], source: str, detected: bool, automation: str
) -> None:
    made = after(*cause, sanction(at_ms=4_000, starts_ms=4_000, automatic=True))[-1]
    assert made.restriction is Restriction.SUSPEND
    assert (made.source.value, made.automated_detection, made.automation.value) == (source, detected, automation)
    assert made.codes == (("ladder",) if automation == "fully" else ("ladder", IMPOSED))


def test_a_sanction_that_people_agreed_to_says_what_it_came_of_and_is_not_imposed_by_itself() -> None:
    agreed = after(down("report"), sanction(automatic=False, waits="degree"))[-1]
    assert (agreed.source, agreed.automated_detection) == (Source.REPORT, False)
    assert (agreed.automation, agreed.codes) == (Automation.PARTIALLY, ("ladder",))
    by_hand = after(down("report"), sanction(why="person", automatic=False, waits="people"))[-1]
    assert (by_hand.source, by_hand.automated_detection) == (Source.REPORT, False)
    assert (by_hand.automation, by_hand.codes) == (Automation.NOT, ("person",))


def test_what_stands_instead_of_a_sanction_that_fell_says_how() -> None:
    instead = after(BLOCK, sanction(why="appeal", automatic=False))[-1]
    assert (instead.source, instead.automated_detection) == (Source.OWN, True)
    assert (instead.automation, instead.codes) == (Automation.PARTIALLY, ("appeal", IMPOSED))
    agreed = after(BLOCK, sanction("close", why="appeal", automatic=False, waits="degree"))[-1]
    assert (agreed.automation, agreed.codes) == (Automation.PARTIALLY, ("appeal",))


def test_another_accounts_message_is_no_cause() -> None:
    elses = replace(down("report"), body={**down("report").body, "account_id": "acc-2"})
    made = after(elses, sanction(automatic=True))[-1]
    assert (made.source, made.automated_detection, made.automation) == (Source.OWN, True, Automation.FULLY)


@pytest.mark.parametrize(
    ("why", "lifted"), [("appeal", Lifted.REVERSED), ("ladder", Lifted.SUPERSEDED), ("person", Lifted.RELEASED)]
)
def test_a_lifted_sanction(why: str, lifted: Lifted) -> None:
    [made] = after(sanction(), act(SANCTION, "LiftSanction", 2_500, sanction_id="x-1", why=why))
    assert (made.lifted, made.lifted_ms) == (lifted, 2_500)


def test_a_sanction_and_the_message_that_led_to_it_are_lifted_apart() -> None:
    [block] = after(BLOCK)
    of_message = act(APPEAL, "DecideAppeal", outcome="reversed", statement_id=block.statement_id, message_id="m-1")
    first, second = after(BLOCK, sanction(), of_message)
    assert (first.lifted, second.lifted) == (Lifted.REVERSED, None)
    of_sanction = act(APPEAL, "DecideAppeal", outcome="reversed", statement_id=second.statement_id, sanction_id="x-1")
    first, second = after(BLOCK, sanction(), of_sanction)
    assert (first.lifted, second.lifted) == (None, Lifted.REVERSED)


@pytest.mark.parametrize(
    ("source", "automatic", "automation"),
    [("report", False, Automation.NOT), ("trusted_flagger", False, Automation.NOT), ("own", True, Automation.FULLY)],
)
def test_a_take_down_is_stated_and_its_restoring_lifts_it(source: str, automatic: bool, automation: Automation) -> None:
    down = act(TAKEDOWN, "TakeDown", message_id="m-1", category="hate", source=source, automatic=automatic)
    [made] = after(down)
    assert (made.restriction, made.source.value, made.automation) == (Restriction.TAKEDOWN, source, automation)
    assert (made.automated_detection, made.content_types, made.content_ms) == (automatic, ("text",), 900)
    [lifted] = after(down, act(TAKEDOWN, "Restore", 2_500, message_id="m-1"))
    assert lifted.lifted is Lifted.REVERSED
    twice = after(down, act(TAKEDOWN, "Restore", 2_500, message_id="m-1"), replace(down, at_ms=2_600))
    assert [one.lifted for one in twice] == [Lifted.REVERSED, None]


@pytest.mark.parametrize(
    "odd",
    [
        act(SANCTION, "ImposeSanction"),
        act(SANCTION, "ImposeSanction", degree="flog", sanction_id="x-1"),
        act(SANCTION, "LiftSanction"),
        act(SANCTION, "ProposeSanction", degree="warn"),
        act(TAKEDOWN, "TakeDown"),
        act(TAKEDOWN, "TakeDown", message_id=7),
        act(TAKEDOWN, "Restore"),
        act(APPEAL, "DecideAppeal"),
        act(APPEAL, "DecideAppeal", outcome="reversed"),
        act(REPORT, "DecideReport", message_id="m-1"),
    ],
)
def test_what_cannot_be_read_states_nothing(odd: Act) -> None:
    assert after(odd) == []
    assert after(BLOCK, odd) == after(BLOCK)


def test_read_twice_is_stated_once() -> None:
    steps = [HOLD, step(HELD, REJECTED, case(Outcome.BLOCK, found("fraud", 1.0)), 1_500)]
    first = stated((), steps, [sanction()])
    again = stated(first.made, steps, [sanction()])
    assert again == Stated((), ())


def test_the_order_in_which_chains_are_read_does_not_matter() -> None:
    """A person's chain may be read before that of the process which held the message."""
    steps = [HOLD, step(HELD, QUEUED, case(Outcome.ALLOW), 1_500)]
    first = stated((), steps)  # the release is followed: all of the message's steps are there by then
    assert [one.lifted for one in first.made] == [Lifted.RELEASED]
    assert stated(first.made, steps) == Stated((), ())  # the hold is followed


def test_what_an_act_has_lifted_stays_lifted() -> None:
    [block] = after(BLOCK)
    gone = replace(block, lifted=Lifted.REVERSED, lifted_ms=5_000)
    assert stated([gone], [BLOCK]) == Stated((), ())


@given(st.lists(st.integers(0, 2**47), min_size=2, max_size=20))
def test_ids_sort_by_the_time_that_the_restriction_began(times: list[int]) -> None:
    ids = [statement_id(at_ms, "hold", "m") for at_ms in times]
    assert sorted(ids) == [statement_id(at_ms, "hold", "m") for at_ms in sorted(times)]
    assert all(first_id(at_ms) <= name < first_id(at_ms + 1) for at_ms, name in zip(times, ids, strict=True))
    assert {len(name) for name in ids} == {32}


def test_the_kinds_of_content() -> None:
    media = (Media("IMAGE/png"), Media("video/mp4"), Media("audio/ogg"), Media("image/gif"), Media("x"))
    assert content_types(Message("t", "a", "p", (), "c", media)) == ("image", "video", "audio", "other")
