"""Who may appeal, until when, and who may decide."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from gateway.core.appeals import (
    DAY_MS,
    Appeal,
    AppealPolicy,
    AppealState,
    Became,
    Restored,
    Unappealable,
    Undecidable,
    became,
    may_decide,
    persons,
    restored_as,
    unappealable,
    until_ms,
)
from gateway.core.model import MessageState
from gateway.core.statement import Lifted
from gateway.core.takedowns import Takedown, TakedownState
from tests.core.test_wordings import STATEMENT
from tests.policies import policy

RULES = AppealPolicy()


def test_an_appeal_may_be_made_for_six_months() -> None:
    ends = until_ms(STATEMENT, RULES)
    assert ends == STATEMENT.starts_ms + 184 * DAY_MS
    assert unappealable(STATEMENT, RULES, ends - 1) is None
    assert unappealable(STATEMENT, RULES, ends) is Unappealable.TOO_LATE


@pytest.mark.parametrize(
    ("lifted", "why"),
    [
        (Lifted.RELEASED, Unappealable.LIFTED),
        (Lifted.REVERSED, Unappealable.LIFTED),
        (Lifted.SUPERSEDED, Unappealable.SUPERSEDED),
    ],
)
def test_what_was_lifted_is_not_appealed_against(lifted: Lifted, why: Unappealable) -> None:
    over = replace(STATEMENT, lifted=lifted, lifted_ms=STATEMENT.starts_ms)
    assert unappealable(over, RULES, STATEMENT.starts_ms) is why


def test_a_restriction_whose_time_is_over_can_be_appealed_against() -> None:
    assert unappealable(replace(STATEMENT, ends_ms=1), RULES, STATEMENT.starts_ms) is None


@pytest.mark.parametrize("name", ["Ann", "ann", " ANN "])
def test_who_had_a_part_does_not_decide(name: str) -> None:
    assert may_decide(name, {"Ann"}) is Undecidable.INVOLVED
    assert may_decide("Bob", {"Ann"}) is None


@pytest.mark.parametrize("name", ["gateway", "Gateway", "queue", "recovery"])
def test_a_machine_does_not_decide(name: str) -> None:
    assert may_decide(name, set()) is Undecidable.MACHINE
    assert persons([name, "Ann"]) == {"Ann"}


@pytest.mark.parametrize("state", list(MessageState))
@pytest.mark.parametrize("forwards", [True, False])
@pytest.mark.parametrize("there", [True, False])
def test_what_becomes_of_the_message(state: MessageState, forwards: bool, there: bool) -> None:
    if state not in (MessageState.HELD, MessageState.BLOCKED, MessageState.REJECTED):
        expected = Restored.NOTHING
    elif not forwards:
        expected = Restored.RELEASED
    else:
        expected = Restored.QUEUED if there else Restored.GONE
    assert restored_as(state, forwards, there) is expected


def test_a_policy_without_appeals_has_those_of_the_law() -> None:
    assert policy().policy.appeals == AppealPolicy(days=184, decide_days=7, text_days=184)


GRANTED = Appeal(
    "a-1",
    "t1",
    "acc-1",
    "s-1",
    AppealState.REVERSED,
    "en",
    1_000,
    9_000,
    "m-1",
    decided_ms=2_000,
    restored=Restored.QUEUED,
)


def takedown(state: TakedownState, asked_ms: int) -> Takedown:
    return Takedown("m-1", "t1", "acc-1", "c", state, "fraud", "own", "fraud", 0, asked_ms, asked_ms)


@pytest.mark.parametrize("state", list(MessageState))
def test_every_state_of_a_message_says_what_became_of_it(state: MessageState) -> None:
    told = became(GRANTED, state, None)
    assert told is not None
    assert (told is Became.PUBLISHED) == (state is MessageState.PUBLISHED)
    assert (told is Became.PUBLISHING) == (state in (MessageState.QUEUED, MessageState.FORWARDING))
    assert (told is Became.WAITS) == (state in (MessageState.UNKNOWN, MessageState.HELD))
    assert (told is Became.RELEASED) == (state in (MessageState.RELEASED, MessageState.DECIDED))


@pytest.mark.parametrize(
    ("state", "asked_ms", "told"),
    [
        (TakedownState.DONE, 1_500, Became.PUBLISHING),  # what was appealed against; it is put back soon
        (TakedownState.RESTORE_DUE, 2_100, Became.PUBLISHING),
        (TakedownState.RESTORED, 2_100, Became.PUBLISHED),
        (TakedownState.CANCELLED, 2_100, Became.PUBLISHED),
        (TakedownState.RESTORE_FAILED, 2_100, Became.FAILED),
        *[(each, 2_001, Became.REMOVED) for each in (TakedownState.DUE, TakedownState.DONE, TakedownState.FAILED)],
    ],
)
def test_what_was_taken_down_is_told_as_it_is(state: TakedownState, asked_ms: int, told: Became) -> None:
    assert (
        became(replace(GRANTED, restored=Restored.NOTHING), MessageState.PUBLISHED, takedown(state, asked_ms)) is told
    )


def test_what_became_of_no_message_is_not_told() -> None:
    for appeal in (
        replace(GRANTED, state=AppealState.OPEN),
        replace(GRANTED, state=AppealState.UPHELD),
        replace(GRANTED, message_id=None),
    ):
        assert became(appeal, MessageState.PUBLISHED, None) is None
    assert became(GRANTED, None, None) is None
    assert became(replace(GRANTED, restored=Restored.GONE), MessageState.BLOCKED, None) is Became.GONE
