"""The queue's pages: what they show, what a decision does, and how it is taken back."""

from __future__ import annotations

import re

import pytest
from prometheus_client import REGISTRY
from sqlalchemy import insert, update

from gateway.adapters.sql.tables_queue import queue
from gateway.core.model import MessageState
from gateway.core.queue import Entry
from gateway.http.console.message import Due, due
from gateway.upkeep import measure_queue
from tests.fakes import NOW_MS
from tests.http.console.visiting import HOUR_MS, MINUTE_MS, House, Visitor, text_of

WARNS = "warn/0/automatic"
"""What a first violation brings, as a form says that it was read."""
RELEASE = {"verdict": "release", "release_code": "no_violation", "reject_code": "spam"}
REJECT = {**RELEASE, "verdict": "reject", "consequence": WARNS}
ESCALATE = {**RELEASE, "verdict": "escalate", "note": "ask the lawyers"}
FIRST = "/queue/t1/m-1-t1"


async def state(house: House, message_id: str = "m-1-t1") -> MessageState:
    stored = await house.keeping.store.message(message_id)
    assert stored is not None
    return stored.state


async def carried_out(house: House) -> None:
    house.clock.now += 9_000
    await house.console.desk.held.carry_out()


async def test_the_queue_shows_what_waits_in_order_and_how_much(house: House, admin: Visitor) -> None:
    text = text_of(await admin.get("/queue"))
    assert "4 waiting 0 overdue 0 escalated" in text
    assert text.index("Title / Buy 1!") < text.index("Title / Buy 2!")
    assert "in 24 hours Spam Title / Buy 1! acc-1" in text
    house.clock.now += 25 * HOUR_MS
    async with await house.signed_in("the admin") as later:
        assert "4 waiting 4 overdue" in text_of(await later.get("/queue"))


async def test_no_more_are_counted_than_anybody_needs_to_know(house: House) -> None:
    same = {"tenant_id": "t1", "account_id": "acc-1", "category": "spam"}
    many = [{**same, "message_id": f"x-{n:05}", "due_ms": NOW_MS + 1 + n} for n in range(10_005)]
    async with house.keeping.store.database.writing("test") as connection:
        await connection.execute(insert(queue), many)
        await connection.execute(update(queue).where(queue.c.message_id == "x-00003").values(escalated_by="Ann"))
    async with await house.signed_in("the admin") as visitor:
        text = text_of(await visitor.get("/queue"))
        assert "10,000+ waiting 0 overdue 1+ escalated" in text
        assert "Queue 10,000+" in text
    house.clock.now += 25 * HOUR_MS
    async with await house.signed_in("the admin") as later:
        assert "10,000+ waiting 10,000+ overdue" in text_of(await later.get("/queue"))
    told = (await house.keeping.ask("key-viewer", "GET", "/v1/admin/tenants/t1/holds?limit=1")).json()
    assert (told["total"], told["overdue"], told["escalated"]) == (10_001, 10_001, 1)
    await measure_queue(house.console.desk.held, house.clock)
    assert REGISTRY.get_sample_value("gateway_overdue_holds") == 10_009  # whoever watches is told all


async def test_an_operator_of_one_tenant_sees_that_tenant_s_only(house: House) -> None:
    async with await house.signed_in("our reviewer") as ours:
        assert "2 waiting" in text_of(await ours.get("/queue"))
        assert (await ours.get("/queue?tenant=t2")).status_code == 404
        assert (await ours.get("/queue/t2/m-1-t2")).status_code == 404
        assert (await ours.get("/queue/t1/m-1-t2")).status_code == 404
        assert (await ours.post("/queue/next", {"tenant": "t2"})).status_code == 404


async def test_a_decision_that_is_refused_has_done_nothing(house: House) -> None:
    async with await house.signed_in("our reviewer") as ours:
        assert (await ours.post(f"{FIRST}/decide", {**REJECT, "tenant": "t2"})).status_code == 404
    await carried_out(house)
    assert await state(house) is MessageState.HELD


async def test_a_page_goes_on_where_the_one_before_ended(house: House, admin: Visitor) -> None:
    queue = house.console.desk.held.queue
    for number in range(60):
        await queue.enter(Entry(f"x-{number:02}", "t1", "acc-1", "fraud", NOW_MS + number))
    first = await admin.get("/queue?category=fraud")
    assert first.text.count("data-item") == 50
    onward = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    assert (await admin.get(onward.removeprefix("/console"))).text.count("data-item") == 10


async def test_a_message_is_shown_with_what_was_found_marked_in_it(admin: Visitor) -> None:
    response = await admin.get(FIRST)
    assert response.text.count("<mark") == 1
    assert "Spam</span>Buy</mark> 1!" in response.text
    text = text_of(response)
    assert "Hold Spam content_suspected text : Looks like spam." in text
    chinese = text_of(await admin.get(FIRST, **{"Accept-Language": "zh"}))
    assert "content_suspected 该发现尚不足以让消息不经审核即发布。 text : Looks like spam." in chinese
    assert "Account Id acc-1 State Active" in text


@pytest.mark.parametrize(
    ("form", "outcome", "code"),
    [(RELEASE, MessageState.QUEUED, "no_violation"), (REJECT, MessageState.REJECTED, "spam")],
)
async def test_a_decision_goes_on_to_the_next_message_and_is_carried_out_a_moment_later(
    house: House, form: dict[str, str], outcome: MessageState, code: str
) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        response = await reviewer.post(f"{FIRST}/decide", form)
        assert response.status_code == 303
        location = response.headers["location"]
        assert location == "/console/queue/t1/m-2-t1?was_tenant=t1&was=m-1-t1"
        following = await reviewer.get(location.removeprefix("/console"))
        assert 'data-until="' in following.text
        assert "With our reviewer" in text_of(following)
        assert await state(house) is MessageState.HELD
        await carried_out(house)
        assert await state(house) is outcome
        _, newest = (await house.keeping.store.cases("m-1-t1"))[-1]
        assert (newest.decision.reasons[0].code, newest.decision.reasons[0].source) == (code, "our reviewer")
        again = await reviewer.get(location.removeprefix("/console"))
        assert 'data-until="' not in again.text


async def test_a_decision_is_taken_back(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        await reviewer.post(f"{FIRST}/decide", RELEASE)
        response = await reviewer.post(f"{FIRST}/undo", {})
        assert (response.status_code, response.headers["location"]) == (303, "/console/queue/t1/m-1-t1?done=undone")
        await carried_out(house)
        assert await state(house) is MessageState.HELD
        late = await reviewer.post(f"{FIRST}/undo", {})
        assert (late.status_code, "nothing of yours to take back" in late.text) == (409, True)


async def test_an_escalated_message_says_so_and_is_somebody_else_s(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        await reviewer.post(f"{FIRST}/decide", ESCALATE)
        assert "Escalated by our reviewer: ask the lawyers" in text_of(await reviewer.get(FIRST))
        refused = await reviewer.post(f"{FIRST}/decide", RELEASE)
        assert (refused.status_code, "It was escalated already" in refused.text) == (409, True)
    async with await house.signed_in("our admin") as other:
        assert "m-1-t1" in (await other.get("/queue?escalated=1")).text
        assert (await other.post(f"{FIRST}/decide", REJECT)).status_code == 303
    await carried_out(house)
    assert await state(house) is MessageState.REJECTED


async def test_who_escalates_is_told_what_happens_and_whom_it_waits_for(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        location = (await reviewer.post(f"{FIRST}/decide", ESCALATE)).headers["location"]
        following = text_of(await reviewer.get(location.removeprefix("/console")))
        assert "Escalated. The message stays on hold until somebody else decides." in following
        assert "It waits for one of these: our admin, the admin, the reviewer." in following
        assert "by our reviewer: ask the lawyers" in text_of(await reviewer.get("/queue"))
        assert "It waits for one of these: our admin" in text_of(await reviewer.get(FIRST))
        again = text_of(await reviewer.get("/queue?was_tenant=t1&was=m-2-t1"))
        assert "Escalated. The message" not in again


async def test_a_filter_is_kept_from_one_message_to_the_next(house: House, admin: Visitor) -> None:
    queue = house.console.desk.held.queue
    for number, category in enumerate(("fraud", "hate", "fraud", "fraud")):
        await queue.enter(Entry(f"x-{number}", "t1", "acc-1", category, NOW_MS + number))
    for number in (0, 2):
        assert await queue.escalate(f"x-{number}", "t1", "Ann", "hm", NOW_MS)
    listed = (await admin.get("/queue?tenant=t1&category=fraud&escalated=1")).text
    assert listed.count("data-item") == 2
    assert "/console/queue/t1/x-0?of=t1&amp;category=fraud&amp;escalated=1" in listed
    asked = {"tenant": "t1", "category": "fraud", "escalated": "1"}
    for expected in ("x-0", "x-2"):
        taken = await admin.post("/queue/next", asked)
        assert taken.headers["location"] == f"/console/queue/t1/{expected}?of=t1&category=fraud&escalated=1"
    over = await admin.post("/queue/next", asked)
    wanted = "/console/queue?tenant=t1&category=fraud&escalated=1&done=nothing_left"
    assert over.headers["location"] == wanted


async def test_a_decision_and_what_goes_before_it_keep_the_filter(house: House, admin: Visitor) -> None:
    asked = {"tenant": "t1", "category": "spam", "escalated": ""}
    kept = "of=t1&category=spam"
    page = (await admin.get(f"{FIRST}?{kept}")).text
    assert 'href="/console/queue?tenant=t1&amp;category=spam"' in page
    assert page.count('name="category" value="spam"') == 3  # the decision, take, next
    claimed = await admin.post(f"{FIRST}/claim", asked)
    assert claimed.headers["location"] == f"/console{FIRST}?{kept}&done=claimed"
    decided = await admin.post(f"{FIRST}/decide", {**RELEASE, **asked})
    assert decided.headers["location"] == f"/console/queue/t1/m-2-t1?was_tenant=t1&was=m-1-t1&{kept}"
    undone = await admin.post(f"{FIRST}/undo", asked)
    assert undone.headers["location"] == f"/console{FIRST}?{kept}&done=undone"
    let_go = await admin.post(f"{FIRST}/let-go", asked)
    assert let_go.headers["location"] == "/console/queue?tenant=t1&category=spam&done=let_go"


async def test_a_rejection_shows_what_it_brings_before_it_is_done(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        page = text_of(await reviewer.get(FIRST))
        assert "Warning , until (UTC) 2027-04-15 08:00:00 Fraud, Gambling, Harassment" in page
        asked = await reviewer.post(f"{FIRST}/decide", {**REJECT, "consequence": "", "note": "as seen"})
        assert asked.status_code == 200
        said = text_of(asked)
        assert "Rejected as Spam, this is held against the account, and brings: Warning , until (UTC)" in said
        assert "No violation counts against it so far." in said
        await carried_out(house)
        assert await state(house) is MessageState.HELD
        inputs = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', asked.text)
        given = {name: value for name, value in inputs if name in ("reject_code", "note", "consequence", "tenant")}
        assert given == {"reject_code": "spam", "note": "as seen", "consequence": WARNS, "tenant": ""}
        done = await reviewer.post(f"{FIRST}/decide", {"verdict": "reject", **given})
        assert done.status_code == 303
    await carried_out(house)
    assert await state(house) is MessageState.REJECTED


async def test_another_consequence_than_was_read_is_shown_first(house: House, admin: Visitor) -> None:
    asked = await admin.post(f"{FIRST}/decide", {**REJECT, "consequence": "suspend/30/automatic"})
    assert (asked.status_code, "held against the account" in text_of(asked)) == (200, True)


@pytest.mark.parametrize("code", ["self_harm", "unverifiable", "other"])
async def test_what_is_no_violation_is_rejected_at_once(house: House, admin: Visitor, code: str) -> None:
    assert "Nothing Self-harm" in text_of(await admin.get(FIRST))
    form = {"verdict": "reject", "reject_code": code}
    assert (await admin.post(f"{FIRST}/decide", form)).status_code == 303


async def test_a_claim_shows_and_keeps_others_out(house: House) -> None:
    async with await house.signed_in("our reviewer") as mine, await house.signed_in("our admin") as other:
        response = await mine.post("/queue/next", {})
        assert response.headers["location"] == "/console/queue/t1/m-1-t1"
        assert "With our reviewer" in text_of(await other.get("/queue"))
        refused = await other.post(f"{FIRST}/decide", RELEASE)
        assert (refused.status_code, "Somebody else is looking at it" in refused.text) == (409, True)
        assert (await mine.post(f"{FIRST}/let-go", {})).status_code == 303
        assert (await other.post(f"{FIRST}/claim", {})).status_code == 303


async def test_who_has_taken_all_is_told_that_nothing_is_left(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        for _ in range(2):
            await reviewer.post("/queue/next", {})
        response = await reviewer.post("/queue/next", {})
        assert response.headers["location"] == "/console/queue?done=nothing_left"
        assert "Nothing is left to take." in text_of(await reviewer.get("/queue?done=nothing_left"))


async def test_a_viewer_reads_and_finds_no_buttons(house: House) -> None:
    async with await house.signed_in("our viewer") as viewer:
        for path in ("/queue", FIRST):
            page = await viewer.get(path)
            assert (page.status_code, "/decide" in page.text, "/queue/next" in page.text) == (200, False, False)


async def test_a_message_that_is_not_held_any_more_is_read_only(house: House, admin: Visitor) -> None:
    await admin.post(f"{FIRST}/decide", REJECT)
    await carried_out(house)
    page = await admin.get(FIRST)
    assert (page.status_code, "/decide" in page.text) == (200, False)
    text = text_of(page)
    assert "Rejected" in text
    assert "DecideHold the admin spam" in text  # in its history, with who and why
    refused = await admin.post(f"{FIRST}/decide", RELEASE)
    assert (refused.status_code, "not held, or not any more" in refused.text) == (409, True)


async def test_a_note_on_two_lines_is_refused_beside_its_field(house: House, admin: Visitor) -> None:
    response = await admin.post(f"{FIRST}/decide", {**REJECT, "note": "a\x1bb"})
    assert (response.status_code, 'aria-invalid="true"' in response.text) == (422, True)
    await carried_out(house)
    assert await state(house) is MessageState.HELD


@pytest.mark.parametrize(
    ("after_ms", "expected"),
    [
        (30 * 1000, Due(False, 1, "minutes")),
        (119 * MINUTE_MS, Due(False, 119, "minutes")),
        (120 * MINUTE_MS, Due(False, 2, "hours")),
        (-47 * HOUR_MS, Due(True, 47, "hours")),
        (-48 * HOUR_MS, Due(True, 2, "days")),
    ],
)
def test_deadlines_are_told_in_units_that_people_read(after_ms: int, expected: Due) -> None:
    assert due(NOW_MS + after_ms, NOW_MS) == expected
