"""Reports by the public: taken in, joined, decided once, told to each reporter, and taken down."""

from __future__ import annotations

import asyncio
from pathlib import Path

import orjson
import pytest
from sqlalchemy import select

from gateway.adapters.sql import SqlRegistrar
from gateway.adapters.sql.tables_reports import report_receipts
from gateway.core.audit import subject
from gateway.core.model import MessageState
from gateway.core.registration import By
from gateway.core.reports import Channel, State, Undecided, Verdict, hash_token
from gateway.ports import Fault, Register, Store
from gateway.ports.reports import Decided, Reporter
from tests.contract.keeping import ON_DATABASES, database_of
from tests.contract.reporting import (
    ANN,
    BEN,
    CANARY,
    DAY_MS,
    HOUR_MS,
    MAIL,
    NO,
    NOW_MS,
    OFF,
    RULES,
    Desk,
    open_desk,
    reports_on,
)
from tests.contract.samples import Opened

pytestmark = ON_DATABASES


@pytest.fixture
async def desk(store: Store, register: Register, tmp_path: Path) -> Desk:
    return await open_desk(store, register, tmp_path)


# -- taking in


async def test_a_report_is_taken_and_waits_for_a_person(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id, category="hate")
    assert (taken.new, taken.warned, taken.due_ms) == (True, False, NOW_MS + 24 * HOUR_MS)
    report = await desk.report(taken)
    assert (report.message_id, report.account_id, report.reporters) == (message_id, "acc-1", 1)
    assert (report.state, report.due_ms, report.references) == (State.RECEIVED, taken.due_ms, (message_id,))
    told = await desk.told(taken)
    [item] = told.items
    assert (item.reference, item.state, item.decided_ms, item.may_complain) == (message_id, State.RECEIVED, None, False)
    [(kind, name, body)] = await desk.acts()
    assert (kind, name, body["actor"], body["channel"]) == ("report", "MakeReport", "public", "form")
    assert (body["report_id"], body["message_id"], body["account_id"]) == (report.report_id, message_id, "acc-1")
    assert (body["category"], body["state"], body["trusted"]) == ("hate", "received", False)


async def test_what_is_not_there_is_taken_like_what_is(desk: Desk) -> None:
    real, theirs = await desk.message(), await desk.message(tenant_id="t2")
    answers = [await desk.taken(each, email=f"{n}@a.example") for n, each in enumerate((real, theirs, "made-up"))]
    assert len({(each.new, each.warned, each.due_ms, len(each.token)) for each in answers}) == 1
    seen = [(await desk.told(each)).items[0] for each in answers]
    assert len({(each.state, each.due_ms, each.may_complain) for each in seen}) == 1
    # Another tenant's message is none of this one's.
    assert [(await desk.report(each)).message_id for each in answers] == [real, None, None]


@pytest.mark.parametrize("form", ["{}", "https://chat.example/room/{}", "https://chat.example/?at=1&id={}"])
async def test_a_name_for_a_message_is_found(desk: Desk, form: str) -> None:
    message_id = await desk.message()
    named = form.format(message_id)
    fields = {"urls": (named,), "message_ids": ()} if "://" in named else {"message_ids": (named,)}
    assert (await desk.report(await desk.taken(**fields))).message_id == message_id


async def test_a_platforms_id_is_found_where_it_was_remembered(desk: Desk, store: Store) -> None:
    message_id, other = await desk.message(), await desk.message()
    for platform, reference, about in (("wechat", "media-1", message_id), ("wechat", "media-1", other)):
        await store.remember("t1", platform, [reference], about)
    await store.remember("t1", "elsewhere", ["media-2"], message_id)
    newest = max(message_id, other)
    assert (await desk.report(await desk.taken("media-1"))).message_id == newest
    # A platform that is not listened for any more gives nothing, and a person sees the id.
    unknown = await desk.report(await desk.taken("media-2"))
    assert (unknown.message_id, unknown.references) == (None, ("media-2",))


async def test_others_join_the_open_report_and_each_has_a_receipt(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id)
    others = [await desk.taken(message_id, email=f"{n}@a.example", at_ms=NOW_MS + n) for n in range(1, 4)]
    assert {each.reports for each in (first, *others)} == {first.reports}
    assert len({each.receipt_id for each in (first, *others)}) == 4
    assert (await desk.report(first)).reporters == 4
    states = [(await desk.told(each)).items[0].state for each in (first, *others)]
    assert states == [State.RECEIVED, State.DUPLICATE, State.DUPLICATE, State.DUPLICATE]
    # However many they are, nothing is removed.
    assert set(await desk.names()) == {"MakeReport"}
    await desk.decide(first, OFF)
    assert {(await desk.told(each)).items[0].state for each in (first, *others)} == {State.ACTIONED}


async def test_a_joined_report_does_not_tell_that_a_message_is_there(desk: Desk) -> None:
    message_id = await desk.message()
    await desk.taken(message_id)
    by_address = await desk.taken(message_ids=(), urls=(f"https://a.example/{message_id}",), email="x@a.example")
    assert (await desk.report(by_address)).reporters == 2
    assert (await desk.told(by_address)).items[0].state is State.RECEIVED


async def test_many_at_once_join_one_report(desk: Desk, second: Opened) -> None:
    message_id = await desk.message()
    processes = (desk.reports, reports_on(second[0], desk.keys))
    desks = [Desk(desk.store, each, desk.owner, desk.keys) for each in processes]
    takes = [desks[n % 2].taken(message_id, email=f"{n}@a.example") for n in range(8)]
    taken = await asyncio.gather(*takes)
    assert len({each.reports for each in taken}) == 1
    assert (await desk.report(taken[0])).reporters == 8


async def test_the_same_report_again_has_the_same_receipt(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id)
    acts = await desk.names()
    again = await desk.taken(message_id, at_ms=NOW_MS + DAY_MS)
    assert (again.new, again.receipt_id, again.token) == (False, first.receipt_id, first.token)
    assert again.due_ms == first.due_ms
    assert ((await desk.report(first)).reporters, await desk.names()) == (1, acts)


async def test_who_knows_an_address_is_not_told_what_its_owner_reported(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id)
    guess = await desk.taken(message_id, explanation="Did they report this?")
    assert (guess.new, guess.receipt_id == first.receipt_id, guess.token == first.token) == (True, False, False)
    assert (await desk.report(first)).reporters == 1  # one address counts once


async def test_by_a_key_of_ones_own_the_same_reporter_has_one_receipt(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id, channel=Channel.APP)
    more = await desk.taken(message_id, channel=Channel.APP, explanation="And it is a fraud.")
    other = await desk.taken(message_id, channel=Channel.APP, email="other@a.example")
    assert (more.new, more.receipt_id, other.receipt_id == first.receipt_id) == (False, first.receipt_id, False)
    said = await desk.reports.said("t1", first.reports[0])
    assert [each.explanation for each in said] == [
        "It sells pills to children.\n\nAnd it is a fraud.",
        "It sells pills to children.",
    ]


async def test_a_decided_report_is_not_joined(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id)
    await desk.decide(first, NO)
    again = await desk.taken(message_id)
    assert (again.new, again.reports == first.reports) == (True, False)


async def test_one_receipt_for_several_contents(desk: Desk) -> None:
    messages = [await desk.message(), await desk.message()]
    taken = await desk.taken(*messages, messages[0])
    assert len(taken.reports) == 2
    await desk.decide(taken, OFF)
    told = await desk.told(taken)
    assert [(each.reference, each.state) for each in told.items] == [
        (messages[0], State.ACTIONED),
        (messages[1], State.RECEIVED),
    ]


async def test_the_most_urgent_of_its_reporters_decides_how_soon(desk: Desk) -> None:
    message_id = await desk.message()
    first = await desk.taken(message_id, category="spam")
    await desk.taken(message_id, category="self_harm", email="x@a.example", at_ms=NOW_MS + HOUR_MS)
    await desk.taken(message_id, category="fraud", email="y@a.example", at_ms=NOW_MS + HOUR_MS)
    report = await desk.report(first)
    assert (report.category, report.due_ms, report.trusted) == ("self_harm", NOW_MS + 2 * HOUR_MS, False)
    await desk.reports.add_flagger("t1", "Watch", "w" * 64, ANN, NOW_MS)
    slow = await desk.taken("one", category="spam")
    await desk.taken("one", category="spam", channel=Channel.TRUSTED, flagger="Watch", email="", name="")
    report = await desk.report(slow)
    assert (report.due_ms, report.trusted) == (NOW_MS + 24 * HOUR_MS, True)


async def test_the_queue_is_in_order_of_deadlines(desk: Desk) -> None:
    for number, category in enumerate(("spam", "hate", "self_harm", "fraud")):
        await desk.taken(f"m-{number}", category=category, at_ms=NOW_MS + number)
    theirs = await desk.taken("m-9", tenant_id="t2")
    first = await desk.reports.queue("t1", (0, ""), 3)
    rest = await desk.reports.queue("t1", (first[-1].due_ms, first[-1].report_id), 3)
    assert [each.category for each in (*first, *rest)] == ["self_harm", "hate", "spam", "fraud"]
    assert [each.references for each in rest] == [("m-3",)]
    assert await desk.reports.report("t1", theirs.reports[0]) is None
    assert await desk.reports.said("t1", theirs.reports[0]) == []


async def test_the_queue_of_all_tenants_is_one(desk: Desk) -> None:
    mine = await desk.taken("m-1", category="spam")
    theirs = await desk.taken("m-2", category="hate", tenant_id="t2")
    ids = [each.report_id for each in await desk.reports.queue(None, (0, ""), 10)]
    assert ids == [*theirs.reports, *mine.reports]
    assert [await desk.reports.overdue(NOW_MS, tenant) for tenant in (None, "t1", "t3")] == [
        (2, 0, NOW_MS),
        (1, 0, NOW_MS),
        (0, 0, None),
    ]


async def test_the_next_is_due_first_of_those_that_nobody_has(desk: Desk, second: Opened) -> None:
    slow, soon = await desk.taken("m-1", category="spam"), await desk.taken("m-2", category="hate")
    theirs = await desk.taken("m-3", category="self_harm", tenant_id="t2")
    until_ms, other = NOW_MS + HOUR_MS, reports_on(second[0], desk.keys)

    async def took(who: str, tenant_id: str | None = "t1", now_ms: int = NOW_MS) -> str | None:
        found = await other.claim_next(tenant_id, who, now_ms + HOUR_MS, now_ms)
        assert found is None or (found.claimed_by, found.state) == (who, State.UNDER_REVIEW)
        return found.report_id if found is not None else None

    both = await asyncio.gather(*[desk.reports.claim_next("t1", who, until_ms, NOW_MS) for who in ("Ann", "Ben")])
    assert {each.report_id for each in both if each is not None} == {*slow.reports, *soon.reports}
    assert [await took("Cleo"), await took("Cleo", None), await took("Cleo", None)] == [None, theirs.reports[0], None]
    assert await took("Cleo", now_ms=until_ms) == soon.reports[0]  # the claims have ended


async def test_the_next_is_never_a_complaint_of_ones_own(desk: Desk) -> None:
    own: list[str] = []
    for number in range(60):  # more than are looked at once
        taken = await desk.taken(f"m-{number}", category="self_harm")
        await desk.decide(taken, NO)
        assert await desk.reports.complain(taken.receipt_id, hash_token(taken.token), RULES, NOW_MS)
        own += taken.reports
    last = await desk.taken("m-99", category="spam", at_ms=NOW_MS + 30 * DAY_MS)
    found = await desk.reports.claim_next("t1", " ANN", NOW_MS + HOUR_MS, NOW_MS)
    assert found is not None
    assert found.report_id == last.reports[0]
    assert await desk.reports.claim_next("t1", "Ann", NOW_MS + HOUR_MS, NOW_MS) is None
    theirs = await desk.reports.claim_next("t1", "Ben", NOW_MS + HOUR_MS, NOW_MS)
    assert theirs is not None
    assert theirs.report_id in own


async def test_a_report_s_acts_are_its_history_and_its_message_s(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id)
    await desk.taken(message_id, email="x@a.example")
    await desk.reports.reveal("t1", taken.reports[0], ANN, NOW_MS)
    await desk.decide(taken, OFF)
    registrar = SqlRegistrar(database_of(desk.store).database)
    acts = [
        [orjson.loads(row.body)["act"] for row in await registrar.history("t1", about, 0, 10)]
        for about in (subject("report", taken.reports[0]), subject("message", message_id))
    ]
    # Of a message it is no news that one more has reported it.
    decided = ["DecideReport", "TakeDown"]
    assert acts == [["MakeReport", "MakeReport", "RevealReporters", *decided], ["RevealReporters", *decided]]


async def test_without_keys_what_came_before_is_decided(desk: Desk, store: Store) -> None:
    taken = await desk.taken("m-1")
    decided = await reports_on(store, None).decide("t1", taken.reports[0], NO, ANN, NOW_MS)
    assert isinstance(decided, Decided)


async def test_without_keys_nothing_is_taken(desk: Desk, store: Store) -> None:
    bare = reports_on(store, None)
    assert (bare.sealed, desk.reports.sealed) == (False, True)
    with pytest.raises(Fault, match="GATEWAY_KEYS_FILE"):
        await Desk(store, bare, desk.owner, desk.keys).take("m-1")
    assert await desk.reports.queue("t1", (0, ""), 10) == []
    assert await desk.names() == []


async def test_a_token_opens_its_own_receipt_only(desk: Desk) -> None:
    one, two = await desk.taken("m-1"), await desk.taken("m-2", email="x@a.example")
    for receipt_id, token in ((one.receipt_id, two.token), (one.receipt_id, ""), ("none", one.token)):
        assert await desk.reports.told(receipt_id, hash_token(token)) is None
        assert await desk.reports.complain(receipt_id, hash_token(token), RULES, NOW_MS) is None
    async with database_of(desk.store).database.reading("test") as connection:
        rows = (await connection.execute(select(report_receipts))).all()
    assert not [row for row in rows if one.token in map(str, row)]


# -- deciding


async def test_what_readers_see_is_taken_down_with_the_decision(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id)
    decided = await desk.decide(taken, Verdict(True, category="fraud", note="Thank you."))
    assert (decided.takedown, decided.report.state, decided.report.category) == (True, State.ACTIONED, "fraud")
    [(kind, _, said), (kind_2, act, body)] = (await desk.acts())[-2:]
    assert (kind, said["act"], said["state"], said["actor"]) == ("report", "DecideReport", "actioned", "Ann")
    assert (kind_2, act) == ("takedown", "TakeDown")
    assert {name: body[name] for name in ("account_id", "message_id", "content_hash", "category", "source")} == {
        "account_id": "acc-1",
        "message_id": message_id,
        "content_hash": "c" * 64,
        "category": "fraud",
        "source": "report",
    }
    assert (body["report_id"], body["automatic"], body["tenant_id"]) == (taken.reports[0], False, "t1")
    [item] = (await desk.told(taken)).items
    assert (item.state, item.note, item.decided_ms, item.may_complain) == (State.ACTIONED, "Thank you.", NOW_MS, False)


@pytest.mark.parametrize("state", list(MessageState))
async def test_only_what_readers_may_see_is_taken_down(desk: Desk, state: MessageState) -> None:
    unseen = {"refused", "release_failed", "failed", "held", "rejected", "blocked"}
    taken = await desk.taken(await desk.message(state))
    decided = await desk.decide(taken, OFF)
    assert decided.takedown is (state not in unseen)
    assert ("TakeDown" in await desk.names()) is decided.takedown
    assert decided.report.state is State.ACTIONED


async def test_a_person_says_which_message_an_address_is_of(desk: Desk) -> None:
    message_id, theirs = await desk.message(), await desk.message(tenant_id="t2")
    taken = await desk.taken(message_ids=(), urls=("https://a.example/some/page",))
    for wrong in ("none", theirs):
        refused = await desk.reports.decide("t1", taken.reports[0], Verdict(True, message_id=wrong), ANN, NOW_MS)
        assert refused is Undecided.MESSAGE
    decided = await desk.decide(taken, Verdict(True, message_id=message_id))
    assert (decided.takedown, decided.report.message_id, decided.report.account_id) == (True, message_id, "acc-1")
    assert [body["message_id"] for _, name, body in await desk.acts() if name != "MakeReport"] == [message_id] * 2
    # What a report is about is not changed.
    known = await desk.taken(message_id, email="x@a.example")
    other = Verdict(True, message_id=await desk.message())
    assert await desk.reports.decide("t1", known.reports[0], other, ANN, NOW_MS) is Undecided.MESSAGE


async def test_what_it_is_where_reporters_differ_a_person_says(desk: Desk) -> None:
    message_id = await desk.message()
    taken = await desk.taken(message_id)
    worse = await desk.taken(message_id, category="sexual_minors", name="", email="")
    assert worse.reports == taken.reports
    result = await desk.reports.decide("t1", taken.reports[0], OFF, ANN, NOW_MS)
    assert result is Undecided.CATEGORY
    assert "TakeDown" not in await desk.names()
    decided = await desk.decide(taken, Verdict(actioned=True, category="spam"))
    assert (decided.report.category, decided.takedown) == ("spam", True)


async def test_a_trusted_flagger_is_the_source(desk: Desk) -> None:
    await desk.reports.add_flagger("t1", "Watch", "w" * 64, ANN, NOW_MS)
    taken = await desk.taken(await desk.message(), channel=Channel.TRUSTED, flagger="Watch", name="", email="")
    await desk.decide(taken, OFF)
    acts = await desk.acts()
    assert [body["actor"] for _, name, body in acts if name == "MakeReport"] == ["flagger:Watch"]
    assert acts[-1][2]["source"] == "trusted_flagger"


async def test_of_two_who_decide_at_once_one_does(desk: Desk, second: Opened) -> None:
    taken = await desk.taken(await desk.message())
    other = reports_on(second[0], desk.keys)
    results = await asyncio.gather(
        *[
            each.decide("t1", taken.reports[0], verdict, by, NOW_MS)
            for each, verdict, by in ((desk.reports, OFF, ANN), (other, NO, BEN), (desk.reports, OFF, BEN))
        ]
    )
    assert sum(isinstance(each, Decided) for each in results) == 1
    assert results.count(Undecided.DECIDED) == 2
    names = await desk.names()
    [won] = [each for each in results if isinstance(each, Decided)]
    assert (names.count("DecideReport"), names.count("TakeDown")) == (1, int(won.takedown))


@pytest.mark.parametrize(
    ("verdict", "by", "why"),
    [
        (Verdict(True, unfounded=True), ANN, Undecided.CONTRADICTION),
        (Verdict(True, category="opinion"), ANN, Undecided.CATEGORY),
        (NO, By("Ann", f"{CANARY} is wrong"), Undecided.REASON_QUOTES),
        (NO, By("Ann", f"see {MAIL.upper()}"), Undecided.REASON_QUOTES),
        (Verdict(False, note=f"Dear {CANARY}"), ANN, Undecided.REASON_QUOTES),
    ],
)
async def test_what_is_not_decided_leaves_nothing_behind(desk: Desk, verdict: Verdict, by: By, why: Undecided) -> None:
    taken = await desk.taken("m-1")
    acts = await desk.names()
    assert await desk.reports.decide("t1", taken.reports[0], verdict, by, NOW_MS) is why
    assert await desk.names() == acts
    assert (await desk.report(taken)).is_open


async def test_another_tenants_report_is_not_there(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    for act in (
        desk.reports.decide("t2", taken.reports[0], NO, ANN, NOW_MS),
        desk.reports.claim("t2", taken.reports[0], "Ann", NOW_MS + 1, NOW_MS),
        desk.reports.reveal("t2", taken.reports[0], ANN, NOW_MS),
    ):
        assert await act is Undecided.REPORT_UNKNOWN
    assert (await desk.report(taken)).is_open


async def test_a_claim_keeps_others_away_for_its_time(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    [report_id] = taken.reports
    claimed = await desk.reports.claim("t1", report_id, "Ann", NOW_MS + 1000, NOW_MS)
    assert not isinstance(claimed, Undecided)
    assert (claimed.state, claimed.claimed_by) == (State.UNDER_REVIEW, "Ann")
    assert (await desk.told(taken)).items[0].state is State.UNDER_REVIEW
    assert await desk.reports.claim("t1", report_id, "Ben", NOW_MS + 2000, NOW_MS + 999) is Undecided.CLAIMED
    assert await desk.reports.decide("t1", report_id, NO, BEN, NOW_MS + 999) is Undecided.CLAIMED
    assert isinstance(await desk.reports.claim("t1", report_id, "Ann", NOW_MS + 1500, NOW_MS + 999), type(claimed))
    assert isinstance(await desk.reports.decide("t1", report_id, NO, BEN, NOW_MS + 1500), Decided)
    assert "ClaimReport" not in await desk.names()
    assert await desk.reports.claim("t1", report_id, "Ann", NOW_MS + 3000, NOW_MS + 2000) is Undecided.DECIDED


async def test_who_reported_is_told_with_a_reason_that_stays(desk: Desk) -> None:
    taken = await desk.taken("m-1")
    await desk.taken("m-1", name="", email="", category="sexual_minors")
    [report_id] = taken.reports
    assert await desk.reports.reveal("t1", report_id, By("Zoe", f"who is {MAIL}?"), NOW_MS) is Undecided.REASON_QUOTES
    assert "RevealReporters" not in await desk.names()
    found = await desk.reports.reveal("t1", report_id, By("Zoe", "letter 7"), NOW_MS)
    assert not isinstance(found, Undecided)
    assert [(each.name, each.email) for each in found] == [(CANARY, MAIL), ("", "")]
    assert isinstance(found[0], Reporter)
    kind, name, body = (await desk.acts())[-1]
    assert (kind, name, body["actor"], body["reason"]) == ("registry", "RevealReporters", "Zoe", "letter 7")
