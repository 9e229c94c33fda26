"""Held messages over HTTP: the queue in pages, claims, decisions by one person or two, and what each is told."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from prometheus_client import REGISTRY

from gateway.adapters.sql import SqlQueue
from gateway.core.holds import CODE_TEXTS, Holds
from gateway.core.model import AccountState, Case, Decision, Facts, MessageState, Outcome
from gateway.core.queue import Entry as Queued
from gateway.core.queue import Resolution, Unresolved
from gateway.core.records import Transition
from gateway.core.registration import CloseAccount
from gateway.held import HeldMessages
from gateway.http.console import texts
from gateway.upkeep import measure_queue
from tests.fakes import NOW_MS
from tests.http.keeping import BY, HERE, RULES, Keeping
from tests.policies import policy

HOUR_MS = 3_600_000
RELEASE = {"code": "no_violation", "reason": "harmless"}
REJECT = {"code": "spam", "reason": "advertising"}


async def ask(desk: Keeping, role: str, method: str, path: str, body: dict[str, Any] | None = None) -> tuple[int, Any]:
    response = await desk.ask(f"key-{role}", method, f"{HERE}/holds{path}", body)
    return response.status_code, response.json()


async def state(desk: Keeping, message_id: str) -> MessageState:
    stored = await desk.store.message(message_id)
    assert stored is not None
    return stored.state


async def test_the_queue_is_read_in_pages_what_is_due_first_in_front(desk: Keeping) -> None:
    status, first = await ask(desk, "viewer", "GET", "?limit=1")
    assert (status, first["total"], first["overdue"], first["escalated"]) == (200, 2, 0, 0)
    assert first["holds"] == [
        {
            "message_id": "m-1-t1",
            "account_id": "acc-1",
            "category": "spam",
            "due_ms": NOW_MS + 1 + 24 * HOUR_MS,
            "people": 1,
            **dict.fromkeys(
                ["claimed_by", "claimed_until_ms", "escalated_by", "escalated_note", "first", "waiting", "waiting_ms"]
            ),
            "problem": None,
        }
    ]
    _, then = await ask(desk, "viewer", "GET", f"?limit=1&after={first['next']}")
    assert [hold["message_id"] for hold in then["holds"]] == ["m-2-t1"]
    _, end = await ask(desk, "viewer", "GET", f"?limit=1&after={then['next']}")
    assert (end["holds"], end["next"]) == ([], None)
    assert (await ask(desk, "viewer", "GET", "?category=hate"))[1]["holds"] == []


async def test_a_message_is_shown_with_what_was_found_in_it(desk: Keeping) -> None:
    status, held = await ask(desk, "viewer", "GET", "/m-1-t1")
    assert (status, held["texts"], held["state"], held["platform"]) == (200, ["Title", "Buy 1!"], "held", "native")
    assert held["hold"]["message_id"] == "m-1-t1"
    [reason] = held["reasons"]
    assert (reason["category"], reason["score"], reason["spans"]) == ("spam", 0.7, [{"part": 1, "start": 0, "end": 3}])


@pytest.mark.parametrize("message_id", ["none", "m-1-t2"])
async def test_another_tenant_s_message_is_as_one_that_is_not_there(desk: Keeping, message_id: str) -> None:
    assert (await ask(desk, "admin", "GET", f"/{message_id}"))[0] == 404
    for verb, body in (("claim", None), ("release", RELEASE), ("reject", REJECT), ("undo", None)):
        status, problem = await ask(desk, "admin", "POST", f"/{message_id}:{verb}", body)
        assert (status, problem["code"]) == (409, "not_held")
    assert await state(desk, "m-1-t2") is MessageState.HELD


@pytest.mark.parametrize(
    ("verb", "body", "expected"), [("release", RELEASE, MessageState.QUEUED), ("reject", REJECT, MessageState.REJECTED)]
)
async def test_a_decision_is_carried_out_once(
    desk: Keeping, verb: str, body: dict[str, Any], expected: MessageState
) -> None:
    status, _ = await ask(desk, "reviewer", "POST", f"/m-1-t1:{verb}", body)
    assert (status, await state(desk, "m-1-t1")) == (200, expected)
    [(_, _), (_, newest)] = await desk.store.cases("m-1-t1")
    [reason] = newest.decision.reasons
    category = "spam" if verb == "reject" else None
    assert (reason.code, reason.source, reason.category) == (body["code"], "the reviewer", category)
    for again in ("release", "reject"):
        status, problem = await ask(desk, "admin", "POST", f"/m-1-t1:{again}", RELEASE)
        assert (status, problem["code"]) == (409, "not_held")
    assert (await ask(desk, "viewer", "GET", ""))[1]["total"] == 1


async def test_who_has_claimed_it_decides_and_others_are_told(desk: Keeping) -> None:
    status, mine = await ask(desk, "reviewer", "POST", ":claim_next")
    assert (status, mine["message_id"], mine["claimed_by"]) == (200, "m-1-t1", "the reviewer")
    assert mine["claimed_until_ms"] == desk.world.clock.now_ms() + 600_000
    for verb, body in (("claim", None), ("release", RELEASE), ("escalate", {"reason": "hm"})):
        status, problem = await ask(desk, "admin", "POST", f"/m-1-t1:{verb}", body)
        assert (status, problem["code"]) == (409, "claimed")
    assert (await ask(desk, "reviewer", "POST", "/m-1-t1:let_go"))[1]["claimed_by"] is None
    assert (await ask(desk, "admin", "POST", "/m-1-t1:claim"))[0] == 200
    assert (await ask(desk, "reviewer", "POST", ":claim_next"))[1]["message_id"] == "m-2-t1"
    assert await ask(desk, "reviewer", "POST", ":claim_next") == (200, None)  # nothing is left


async def only(desk: Keeping, message_id: str) -> dict[str, Any]:
    """The entry of a message, as the queue shows it."""
    _, page = await ask(desk, "viewer", "GET", "")
    [entry] = [hold for hold in page["holds"] if hold["message_id"] == message_id]
    found: dict[str, Any] = entry
    return found


async def test_a_decision_can_be_taken_back_before_it_is_carried_out(desk: Keeping) -> None:
    status, waits = await ask(desk, "reviewer", "POST", "/m-1-t1:release", {**RELEASE, "undo": True})
    assert (status, waits["waiting"]["actor"], await state(desk, "m-1-t1")) == (200, "the reviewer", MessageState.HELD)
    assert (await ask(desk, "admin", "POST", "/m-1-t1:undo"))[1]["code"] == "not_decided"
    assert (await ask(desk, "reviewer", "POST", "/m-1-t1:undo"))[1]["waiting"] is None
    desk.world.clock.now += 9_000
    assert not await desk.desk.held.carry_out()
    assert await state(desk, "m-1-t1") is MessageState.HELD

    await ask(desk, "reviewer", "POST", "/m-1-t1:reject", {**REJECT, "undo": True})
    assert not await desk.desk.held.carry_out()
    assert await state(desk, "m-1-t1") is MessageState.HELD
    desk.world.clock.now += 9_000
    await desk.desk.held.carry_out()
    await desk.desk.held.carry_out()
    assert await state(desk, "m-1-t1") is MessageState.REJECTED
    assert len(await desk.store.cases("m-1-t1")) == 2


async def test_some_releases_take_two_people(desk: Keeping) -> None:
    queue = desk.desk.held.queue
    await queue.drop("m-1-t1")
    await queue.enter(Queued("m-1-t1", "t1", "acc-1", "terrorism", NOW_MS, eyes=2))
    status, first = await ask(desk, "reviewer", "POST", "/m-1-t1:release", RELEASE)
    assert (status, first["first"]["actor"], await state(desk, "m-1-t1")) == (200, "the reviewer", MessageState.HELD)
    assert (await ask(desk, "reviewer", "POST", "/m-1-t1:release", RELEASE))[1]["code"] == "same_person"
    assert (await ask(desk, "admin", "POST", "/m-1-t1:release", RELEASE))[0] == 200
    assert await state(desk, "m-1-t1") is MessageState.QUEUED
    last = (await desk.store.cases("m-1-t1"))[-1][1]
    assert last.decision.reasons[0].message == "harmless (agreed with the reviewer: harmless)"


async def test_what_takes_two_people_by_now_is_not_released_by_the_one_who_decided_before(desk: Keeping) -> None:
    queue = desk.desk.held.queue
    await ask(desk, "reviewer", "POST", "/m-1-t1:release", {**RELEASE, "undo": True})
    decided = await queue.entry("m-1-t1", "t1")
    assert decided is not None
    await queue.drop("m-1-t1")
    await queue.enter(replace(decided, category="terrorism", eyes=2))
    desk.world.clock.now += 9_000
    await desk.desk.held.carry_out()
    assert await state(desk, "m-1-t1") is MessageState.HELD
    assert "two people" in (await only(desk, "m-1-t1"))["problem"]
    for role in ("reviewer", "admin"):
        assert (await ask(desk, role, "POST", "/m-1-t1:release", RELEASE))[0] == 200
    assert await state(desk, "m-1-t1") is MessageState.QUEUED


async def test_a_code_that_the_policy_does_not_know_is_named(desk: Keeping) -> None:
    status, problem = await ask(desk, "reviewer", "POST", "/m-1-t1:release", {**RELEASE, "code": "nonsense"})
    assert (status, problem["errors"][0]["field"]) == (422, "code")
    assert "holds.release_codes: no_violation, context, newsworthy, mistake, other" in problem["detail"]
    status, problem = await ask(desk, "reviewer", "POST", "/m-1-t1:reject", {**REJECT, "code": "no_violation"})
    assert (status, problem["code"]) == (422, "code")
    assert "holds.reject_codes: fraud, gambling" in problem["detail"]
    assert await state(desk, "m-1-t1") is MessageState.HELD


async def test_the_codes_of_the_policy_are_listed_with_what_they_mean(desk: Keeping) -> None:
    status, found = await ask(desk, "viewer", "GET", ":codes")
    assert status == 200
    assert found["release"][0] == {"code": "no_violation", "text": "No violation", "violation": False}
    assert {"code": "spam", "text": "spam", "violation": True} in found["reject"]
    assert {"code": "other", "text": "Other", "violation": False} in found["reject"]
    assert all(each["text"] for each in found["release"] + found["reject"])
    for code in CODE_TEXTS.keys() - {"news"}:
        assert texts.name_of("en", "code", code) == CODE_TEXTS[code]
    desk.world.policy = policy(("news:\n", "holds: {release_codes: [fine]}\nnews:\n"))
    assert (await ask(desk, "viewer", "GET", ":codes"))[1]["release"] == [
        {"code": "fine", "text": None, "violation": False}
    ]
    status, problem = await ask(desk, "reviewer", "POST", "/m-1-t1:release", RELEASE)
    assert (status, "release_codes: fine" in problem["detail"]) == (422, True)


async def test_a_closed_account_s_message_is_not_released(desk: Keeping) -> None:
    now_ms = desk.world.clock.now_ms()
    waits, _ = await ask(desk, "reviewer", "POST", "/m-2-t1:release", {**RELEASE, "undo": True})
    await desk.desk.registrar.carry_out("t1", CloseAccount("acc-1"), BY, RULES, now_ms)
    account = await desk.register.account("t1", "acc-1")
    assert account is not None
    assert (waits, account.state) == (200, AccountState.CLOSED)
    status, problem = await ask(desk, "reviewer", "POST", "/m-1-t1:release", RELEASE)
    assert (status, problem["code"]) == (409, "release_forbidden")
    assert "The account is closed." in problem["detail"]
    desk.world.clock.now += 9_000
    await desk.desk.held.carry_out()
    assert await state(desk, "m-2-t1") is MessageState.HELD
    assert (await only(desk, "m-2-t1"))["problem"].startswith("The account is closed.")


async def test_an_opinion_that_is_sooner_than_the_undo_window_wins(desk: Keeping) -> None:
    await ask(desk, "reviewer", "POST", "/m-1-t1:release", {**RELEASE, "undo": True})
    stored = await desk.store.message("m-1-t1")
    assert stored is not None
    lease = await desk.store.lease("another", 4, 60_000, NOW_MS)
    assert lease is not None
    decision = Decision(Outcome.BLOCK, "content_violation", (), "v")
    moved = await desk.store.move(lease.owner, _rejected(stored.message_id, decision))
    desk.world.clock.now += 9_000
    await desk.desk.held.carry_out()
    assert (moved, await state(desk, "m-1-t1")) == (True, MessageState.REJECTED)
    assert len(await desk.store.cases("m-1-t1")) == 2
    assert (await ask(desk, "viewer", "GET", ""))[1]["total"] == 1


async def test_an_entry_whose_message_is_not_held_is_overdue_for_nobody(desk: Keeping) -> None:
    await ask(desk, "reviewer", "POST", "/m-1-t1:reject", REJECT)
    await desk.desk.held.queue.enter(Queued("m-1-t1", "t1", "acc-1", "spam", NOW_MS - HOUR_MS))
    await measure_queue(desk.desk.held, desk.world.clock)
    assert REGISTRY.get_sample_value("gateway_overdue_holds") == 0
    assert (await ask(desk, "viewer", "GET", ""))[1]["total"] == 1


def _rejected(message_id: str, decision: Decision) -> Transition:
    case = Case(Facts(NOW_MS, None), (), decision)
    return Transition(message_id, MessageState.HELD, MessageState.REJECTED, "gateway", "late", NOW_MS, "d-late", case)


def working_on(queue: SqlQueue, desk: Keeping) -> HeldMessages:
    """Another process's work on the same messages."""
    return HeldMessages(
        queue=queue,
        store=desk.store,
        registry=desk.register,
        policy=lambda: desk.world.policy,
        clock=desk.world.clock,
    )


async def test_who_looked_before_another_decided_is_told_that_it_is_over(desk: Keeping) -> None:
    held = desk.desk.held
    queue = held.queue

    class Slow(SqlQueue):
        """A queue that another reviewer is quicker at, after this one has looked and before it puts in its entry."""

        async def enter(self, entry: Queued) -> None:
            await held.decide("m-1-t1", "t1", "the admin", Outcome.BLOCK, "spam", "sooner", undo=False)
            await super().enter(entry)

    late = working_on(Slow(desk.store.database), desk)
    told = await late.decide("m-1-t1", "t1", "the reviewer", Outcome.ALLOW, "no_violation", "later", undo=False)
    assert (told, await state(desk, "m-1-t1")) == (Unresolved.NOT_HELD, MessageState.REJECTED)
    assert await queue.entry("m-1-t1", "t1") is None


async def test_whose_decision_another_carries_out_at_once_is_told_that_it_stands(desk: Keeping) -> None:
    other = desk.desk.held

    class Overtaken(SqlQueue):
        """A queue whose decisions another process carries out as soon as they are committed."""

        async def resolve(
            self, message_id: str, tenant_id: str | None, resolution: Resolution, rules: Holds, undo_ms: int
        ) -> Queued | Unresolved:
            entry = await super().resolve(message_id, tenant_id, resolution, rules, undo_ms)
            await other.carry_out()
            return entry

    overtaken = working_on(Overtaken(desk.store.database), desk)
    told = await overtaken.decide("m-1-t1", "t1", "the reviewer", Outcome.ALLOW, "no_violation", "fine", undo=False)
    assert isinstance(told, Queued)
    assert told.waiting is not None
    assert (told.waiting.actor, await state(desk, "m-1-t1")) == ("the reviewer", MessageState.QUEUED)
    assert await other.queue.entry("m-1-t1", "t1") is None
    assert len(await desk.store.cases("m-1-t1")) == 2
