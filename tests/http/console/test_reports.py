"""The pages of reports: what they show to whom, what a decision does, and who is told who reported."""

from __future__ import annotations

import re
from dataclasses import replace
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import orjson
import pytest
from msgspec.structs import replace as changed

from gateway.adapters.key_file import new_keys
from gateway.adapters.keys import FileSealer
from gateway.adapters.sql.reports import PURPOSE, SqlReports
from gateway.core.audit import ADMINISTRATORS
from gateway.core.operators import Role
from gateway.core.report_rules import Reports as Rules
from gateway.core.report_rules import Urgency
from gateway.core.reports import Channel, Draft, State, Undecided, hash_token
from gateway.core.takedowns import TakedownState
from gateway.http.console import texts
from gateway.ports.reports import Report, Taken
from tests.http.console.reported import MAIL, NAME, SAID
from tests.http.console.test_pages import HOSTILE, Elements
from tests.http.console.visiting import HOUR_MS, House, Visitor, text_of

ONE = "/reports/t1/r-1-t1"
ELSEWHERE = "/reports/t1/report-1"
ACT = {
    "verdict": "actioned",
    "category": "hate",
    "note": "",
    "reason": "",
    "tenant": "",
    "consequence": "warn/0/automatic",
}
NO = {**ACT, "verdict": "not_actioned"}
UNFOUNDED = {**ACT, "verdict": "unfounded"}
WHY = {"reason": "ticket 7"}
DRAFT = Draft("t1", "See for yourself", "other", (), ("nobody-knows",), "Somebody", "some@body.example", True)


async def report(house: House, report_id: str = "r-1-t1") -> Report:
    """A report as it is by now."""
    assert house.console.desk.reports is not None
    found = await house.console.desk.reports.report("t1", report_id)
    assert found is not None
    return found


async def take(house: House, draft: Draft) -> tuple[Taken, str]:
    """Report this; also the id of the report."""
    assert house.console.desk.reports is not None
    taken = await house.console.desk.reports.take(draft, Channel.FORM, None, Rules(), house.clock.now)
    assert isinstance(taken, Taken)
    return taken, taken.reports[0]


async def taken_down(house: House) -> TakedownState | None:
    """How far the published message's being taken down has come, once the act of it is followed."""
    rows = [row async for row in house.keeping.store.audit() if row.kind == "takedown"]
    found = await house.console.desk.takedowns.of_message("t1", "p-1-t1")
    assert found is None
    return TakedownState.DUE if [orjson.loads(row.body)["act"] for row in rows] == ["TakeDown"] else None


def assert_kept(page: httpx.Response, form: dict[str, str]) -> None:
    """What was typed is still there."""
    assert f">\n{form['note']}</textarea>" in page.text


async def test_the_list_shows_what_is_open_by_deadline(house: House, admin: Visitor) -> None:
    text = text_of(await admin.get("/reports"))
    assert "3 open 0 overdue" in text
    assert text.index("in 24 hours Hate Good morning 2 acc-1 t1 Received") < text.index("Fraud https://one.example/m/1")
    house.clock.now += 25 * HOUR_MS
    async with await house.signed_in("the admin") as later:
        text = text_of(await later.get("/reports"))
    assert "3 open 2 overdue" in text
    assert "60 minutes late Hate" in text


async def test_the_number_of_open_ones_stands_in_the_navigation(house: House) -> None:
    for name, number in (("the viewer", 3), ("our viewer", 2)):
        async with await house.signed_in(name) as visitor:
            page = (await visitor.get("/audit")).text
        count = re.search(r'href="/console/reports">Reports\s*<span class="count">(\d+)', page)
        assert count is not None
        assert int(count[1]) == number, name


async def test_an_operator_of_one_tenant_sees_that_tenant_s_only(house: House) -> None:
    async with await house.signed_in("our reviewer") as ours:
        assert "2 open" in text_of(await ours.get("/reports"))
        for path in ("/reports?tenant=t2", "/reports/t2/r-1-t2", "/reports/t1/r-1-t2"):
            assert (await ours.get(path)).status_code == 404, path
        assert (await ours.post("/reports/next", {"tenant": "t2"})).status_code == 404
        for verb, form in (("claim", {}), ("let-go", {}), ("decide", NO)):
            assert (await ours.post(f"/reports/t1/r-1-t2/{verb}", form)).status_code == 404, verb
    async with await house.signed_in("the reviewer") as reviewer:
        theirs = text_of(await reviewer.get("/reports?tenant=t2"))
        assert ("1 open" in theirs, "Fraud https" in theirs) == (True, False)


async def test_a_page_goes_on_where_the_one_before_ended(house: House, admin: Visitor) -> None:
    for number in range(60):
        await take(house, changed(DRAFT, message_ids=(f"x-{number}",)))
    first = await admin.get("/reports?tenant=t1")
    onward = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert onward is not None
    second = await admin.client.get(unescape(onward[1]))
    paths = [re.findall(r'data-open href="([^"]+)"', page.text) for page in (first, second)]
    assert [len(each) for each in paths] == [50, 12]
    assert len({*paths[0], *paths[1]}) == 62


async def test_a_report_is_shown_with_what_is_said_and_the_message(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        page = await reviewer.get(ONE)
    text = text_of(page)
    for words in (SAID, "Mine, too", "Good morning", "Reported as p-1-t1", "Reporters 2", "Trusted flagger No"):
        assert words in text
    assert "acting on the report takes it down" in text
    assert 'href="/console/queue/t1/p-1-t1"' in page.text
    assert "MakeReport" in text
    assert NAME not in page.text
    assert MAIL not in page.text


async def test_what_is_said_is_for_reviewers(house: House) -> None:
    async with await house.signed_in("our viewer") as viewer:
        listed, page = await viewer.get("/reports"), await viewer.get(ONE)
    assert "/reports/next" not in listed.text
    text = text_of(page)
    assert (SAID in text, "shown to reviewers" in text, "Good morning" in text) == (False, True, True)
    assert not re.search(r'action="/console/reports/', page.text)


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_reporters_wrote_is_shown_and_does_nothing(house: House, admin: Visitor, text: str) -> None:
    _, report_id = await take(
        house, changed(DRAFT, explanation=text, message_ids=(text,), urls=(f"https://one.example/?{text}",))
    )
    for path in ("/reports", f"/reports/t1/{report_id}"):
        page = await admin.get(path)
        found = Elements(page.text).found
        assert [tag for tag, _ in found].count("script") == 1
        assert not [1 for _, attributes in found if [each for each in attributes if each.startswith("on")]]
        assert not [1 for tag, each in found if tag == "a" and not str(each["href"]).startswith(("/console", "#"))]
        assert not re.search("[\u200b\u202e\u2066\ufeff]", page.text)
    if text.isprintable():
        assert text in text_of(page)


async def test_what_is_acted_on_is_taken_down_and_its_reporters_are_told(house: House) -> None:
    taken, report_id = await take(
        house, Draft("t1", "Me as well", "hate", (), ("p-1-t1",), "Third", "third@one.example", True)
    )
    assert report_id == "r-1-t1"
    form = {**ACT, "note": "It was hateful.\r\nThank you.", "reason": "ticket 7"}
    async with await house.signed_in("our reviewer") as reviewer:
        response = await reviewer.post(f"{ONE}/decide", form)
        assert (response.status_code, response.headers["location"]) == (303, f"/console{ONE}?done=report_takedown")
        page = text_of(await reviewer.get(f"{ONE}?done=report_takedown"))
    assert "the message is being taken down" in page
    assert "Outcome Acted on By our reviewer" in page
    assert await taken_down(house) is TakedownState.DUE
    decided = await report(house)
    assert (decided.state, decided.category, decided.note) == (State.ACTIONED, "hate", "It was hateful.\nThank you.")
    assert house.console.desk.reports is not None
    told = await house.console.desk.reports.told(taken.receipt_id, hash_token(taken.token))
    assert told is not None
    assert (told.items[0].state, told.items[0].note) == (State.ACTIONED, "It was hateful.\nThank you.")
    rows = [orjson.loads(row.body) async for row in house.keeping.store.audit() if row.kind == "report"]
    assert (rows[-1]["act"], rows[-1]["reason"], rows[-1]["actor"]) == ("DecideReport", "ticket 7", "our reviewer")
    assert "hateful" not in str(rows)


async def test_a_takedown_shows_what_it_brings_before_it_is_done(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        asked = await reviewer.post(f"{ONE}/decide", {**ACT, "consequence": "", "note": "Thank you,\r\nand so on."})
        assert asked.status_code == 200
        assert "Taken down as Hate, this is held against the account, and brings: Warning" in text_of(asked)
        assert (await report(house)).is_open
        assert await taken_down(house) is None
        inputs = re.findall(r'<input type="hidden" name="([a-z_]+)" value="([^"]*)">', asked.text)
        given = {name: unescape(value) for name, value in inputs if name not in ("csrf", "next")}
        assert given["note"].split() == ["Thank", "you,", "and", "so", "on."]
        done = await reviewer.post(f"{ONE}/decide", {**given, "verdict": "actioned"})
        assert done.headers["location"] == f"/console{ONE}?done=report_takedown"


async def test_what_reporters_are_told_is_said_as_it_is(house: House, admin: Visitor) -> None:
    true = "The reporters see the outcome under their receipt's link; the gateway sends them nothing."
    assert true in text_of(await admin.get(ONE))
    done = await admin.post(f"{ONE}/decide", NO)
    page = text_of(await admin.get(done.headers["location"].removeprefix("/console")))
    assert true in page
    assert "reporters are told" not in page


async def test_the_tenant_that_was_chosen_stays_chosen(admin: Visitor) -> None:
    assert (await admin.post(f"{ONE}/claim", {"tenant": "t1"})).headers["location"].startswith(f"/console{ONE}?of=t1")
    assert 'href="/console/reports?tenant=t1"' in (await admin.get(f"{ONE}?of=t1")).text
    let_go = await admin.post(f"{ONE}/let-go", {"tenant": "t1"})
    assert let_go.headers["location"] == "/console/reports?tenant=t1&done=report_let_go"
    assert f"/console{ONE}?of=t1" in (await admin.get("/reports?tenant=t1")).text


@pytest.mark.parametrize(("form", "unfounded"), [(NO, False), (UNFOUNDED, True)])
async def test_what_is_not_acted_on_stays(house: House, form: dict[str, str], unfounded: bool) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        response = await reviewer.post(f"{ONE}/decide", {**form, "category": "spam"})
        assert response.headers["location"] == f"/console{ONE}?done=report_dismissed"
        page = text_of(await reviewer.get(ONE))
    assert ("manifestly unfounded" in page, "Outcome Not acted on" in page) == (unfounded, True)
    decided = await report(house)
    # It is still what it was reported as: only what is acted on becomes something else.
    assert (decided.state, decided.unfounded, decided.category) == (State.NOT_ACTIONED, unfounded, "hate")
    assert await taken_down(house) is None


async def test_of_a_message_that_is_down_already_no_report_says_that_readers_see_it(
    house: House, admin: Visitor
) -> None:
    assert "Readers see the message" in text_of(await admin.get(ONE))
    await admin.post("/takedowns/t1/p-1-t1/take-down", {"category": "hate", **WHY})
    page = text_of(await admin.get(ONE))
    assert "The message was taken down already, or is being taken down." in page
    assert not any(words in page for words in ("Readers see the message", "Take it down"))


async def test_a_message_that_readers_do_not_see_is_not_said_to_be_taken_down(house: House, admin: Visitor) -> None:
    _, report_id = await take(house, changed(DRAFT, message_ids=("m-1-t1",)))
    path = f"/reports/t1/{report_id}"
    assert "there is nothing to take down" in text_of(await admin.get(path))
    response = await admin.post(f"{path}/decide", ACT)
    assert response.headers["location"] == f"/console{path}?done=report_actioned"
    assert "nothing is taken down" in text_of(await admin.get(f"{path}?done=report_actioned"))


async def test_a_person_says_which_message_an_address_is_of(house: House, admin: Visitor) -> None:
    assert "No message is known by this name." in text_of(await admin.get(ELSEWHERE))
    for wrong in ("p-1-t2", "none"):
        refused = await admin.post(f"{ELSEWHERE}/decide", {**ACT, "note": "As you say.", "message_id": wrong})
        assert (refused.status_code, 'id="d-message_id-more"' in refused.text) == (422, True)
        assert_kept(refused, {"note": "As you say."})
        assert f'value="{wrong}"' in refused.text
    response = await admin.post(f"{ELSEWHERE}/decide", {**ACT, "message_id": "p-1-t1"})
    assert parse_qs(urlsplit(response.headers["location"]).query) == {"done": ["report_takedown"]}
    assert await taken_down(house) is TakedownState.DUE


async def test_what_is_reported_as_something_else_is_given_a_category(house: House, admin: Visitor) -> None:
    _, report_id = await take(house, DRAFT)
    path, before = f"/reports/t1/{report_id}", await house.acts()
    page = await admin.get(path)
    assert '<option value="" selected>Choose one</option>' in page.text
    for category in ("", "other", "opinion"):
        refused = await admin.post(f"{path}/decide", {**ACT, "category": category})
        assert (refused.status_code, "Choose what it is" in refused.text) == (422, True)
    assert await house.acts() == before
    assert (await admin.post(f"{path}/decide", {**NO, "category": ""})).status_code == 303


async def test_where_reporters_differ_a_person_chooses_what_it_is(house: House, admin: Visitor) -> None:
    _, report_id = await take(house, changed(DRAFT, category="spam"))
    await take(house, changed(DRAFT, category="sexual_minors", name="", email=""))
    path = f"/reports/t1/{report_id}"
    assert '<option value="" selected>Choose one</option>' in (await admin.get(path)).text
    refused = await admin.post(f"{path}/decide", {**ACT, "category": ""})
    assert (refused.status_code, "Choose what it is" in refused.text) == (422, True)
    assert (await admin.post(f"{path}/decide", {**ACT, "category": "spam"})).status_code == 303
    assert (await report(house, report_id)).category == "spam"


@pytest.mark.parametrize("field", ["note", "reason"])
async def test_no_word_of_a_decision_names_a_reporter(house: House, admin: Visitor, field: str) -> None:
    before = await house.acts()
    refused = await admin.post(f"{ONE}/decide", {**NO, field: f"{NAME} is wrong"})
    assert (refused.status_code, "name no reporter" in refused.text) == (422, True)
    assert (await admin.post(f"{ONE}/decide", {**NO, field: "a\x1b[2Jb"})).status_code == 422
    assert (await report(house)).is_open
    assert await house.acts() == before


async def test_a_claim_shows_and_keeps_others_out_in_words(house: House) -> None:
    async with await house.signed_in("our reviewer") as mine, await house.signed_in("our admin") as other:
        response = await mine.post("/reports/next", {})
        assert response.headers["location"] == f"/console{ONE}"
        assert "With our reviewer" in text_of(await other.get("/reports"))
        form = {**ACT, "note": "I see it so."}
        for verb, given in (("decide", form), ("claim", {}), ("let-go", {})):
            refused = await other.post(f"{ONE}/{verb}", given)
            assert (refused.status_code, "Somebody else has it before them" in refused.text) == (409, True)
            if given:
                assert_kept(refused, given)
        assert "/let-go" in (await mine.get(ONE)).text
        assert (await mine.post(f"{ONE}/let-go", {})).headers["location"] == "/console/reports?done=report_let_go"
        assert (await other.post(f"{ONE}/claim", {})).headers["location"] == f"/console{ONE}?done=report_claimed"
        assert (await other.post(f"{ONE}/decide", NO)).status_code == 303
        late = await mine.post(f"{ONE}/decide", form)
        assert (late.status_code, "decided it a moment ago" in late.text) == (409, True)
        assert "Outcome Not acted on By our admin" in text_of(late)


async def test_who_takes_one_after_the_other_is_told_when_nothing_is_left(house: House) -> None:
    async with await house.signed_in("the reviewer") as reviewer:
        found = [(await reviewer.post("/reports/next", {"tenant": "t1"})).headers["location"] for _ in range(3)]
        assert found == [
            f"/console{ONE}?of=t1",
            f"/console{ELSEWHERE}?of=t1",
            "/console/reports?tenant=t1&done=no_report_left",
        ]
        assert '<input type="hidden" name="tenant" value="t1">' in (await reviewer.get(f"{ONE}?of=t1")).text
        assert "No report is left to take." in text_of(await reviewer.get("/reports?done=no_report_left"))


async def test_a_complaint_is_another_person_s(house: House) -> None:
    taken, report_id = await take(house, DRAFT)
    path = f"/reports/t1/{report_id}"
    async with await house.signed_in("our reviewer") as first, await house.signed_in("our admin") as second:
        assert (await first.post(f"{path}/decide", NO)).status_code == 303
        assert house.console.desk.reports is not None
        assert await house.console.desk.reports.complain(
            taken.receipt_id, hash_token(taken.token), Rules(), house.clock.now
        )
        page = await first.get(path)
        assert ("somebody else has to decide now" in text_of(page), "/decide" in page.text) == (True, False)
        refused = await first.post(f"{path}/decide", NO)
        assert (refused.status_code, "against your own decision" in refused.text) == (409, True)
        taken_next = {(await first.post("/reports/next", {})).headers["location"] for _ in range(3)}
        assert f"/console{path}" not in taken_next
        assert "our reviewer decided it, and a reporter complains" in text_of(await second.get(path))
        assert (await second.post(f"{path}/decide", NO)).status_code == 303


async def test_who_reported_is_told_once_for_a_reason_that_stays(house: House, admin: Visitor) -> None:
    assert "Reveal the reporters" in text_of(await admin.get(ONE))
    told = await admin.post(f"{ONE}/reveal", WHY)
    assert (told.status_code, NAME in told.text, MAIL in told.text) == (200, True, True)
    assert told.headers["cache-control"] == "no-store"
    rows = [row async for row in house.keeping.store.audit() if row.chain == ADMINISTRATORS]
    body = orjson.loads(rows[-1].body)
    assert (body["act"], body["actor"], body["reason"]) == ("RevealReporters", "the admin", "ticket 7")
    assert NAME not in rows[-1].body
    again = await admin.get(ONE)
    assert (NAME in again.text, "RevealReporters" in again.text) == (False, True)


async def test_a_reason_may_not_quote_who_reported(house: House, admin: Visitor) -> None:
    before = await house.acts()
    for reason, words in ((f"is it {NAME}?", "without the reporters"), ("", "Fill in this field")):
        refused = await admin.post(f"{ONE}/reveal", {"reason": reason})
        assert (refused.status_code, words in refused.text, MAIL in refused.text) == (422, True, False)
    assert (await admin.post("/reports/t1/none/reveal", WHY)).status_code == 404
    assert await house.acts() == before


@pytest.mark.parametrize("name", [f"our {role}" for role in Role if role is not Role.ADMIN])
async def test_nobody_else_is_offered_it(house: House, name: str) -> None:
    async with await house.signed_in(name) as visitor:
        page = text_of(await visitor.get(ONE))
    assert ("Reveal" in page, "told to administrators only" in page) == (False, True)


async def test_without_a_key_file_the_pages_say_that_nothing_is_taken(house: House, admin: Visitor) -> None:
    bare = SqlReports(house.keeping.store.database, None, house.clock.new_id)
    house.app.state.console = replace(house.console, desk=replace(house.console.desk, reports=bare))
    for path in ("/reports", ONE):
        page = await admin.get(path)
        assert (page.status_code, "GATEWAY_KEYS_FILE" in page.text) == (200, True), path
    assert "No key here opens what was said." in text_of(page)
    refused = await admin.post(f"{ONE}/reveal", WHY)
    assert (refused.status_code, "no key file" in refused.text) == (503, True)
    # What came before the file was lost is decided all the same.
    assert (await admin.post(f"{ONE}/decide", NO)).status_code == 303


async def test_a_gateway_that_keeps_no_reports_says_so(house: House, admin: Visitor) -> None:
    house.app.state.console = replace(house.console, desk=replace(house.console.desk, reports=None))
    page = await admin.get("/reports")
    assert (page.status_code, "No reports are taken" in page.text) == (200, True)
    for method, path in (("GET", ONE), ("POST", "/reports/next"), ("POST", f"{ONE}/claim")):
        answer = await (admin.get(path) if method == "GET" else admin.post(path, {}))
        assert (answer.status_code, "no key file" in answer.text) == (503, True)


async def test_what_another_key_sealed_is_not_opened_and_says_so(house: House, admin: Visitor, tmp_path: Path) -> None:
    new_keys(tmp_path / "other.json")
    other = SqlReports(house.keeping.store.database, FileSealer(tmp_path / "other.json", PURPOSE), house.clock.new_id)
    house.app.state.console = replace(house.console, desk=replace(house.console.desk, reports=other))
    before = await house.acts()
    assert "No key here opens what was said." in text_of(await admin.get(ONE))
    refused = await admin.post(f"{ONE}/reveal", WHY)
    assert (refused.status_code, "No key here opens who they are." in refused.text) == (422, True)
    assert await house.acts() == before


def test_every_word_of_a_report_has_its_name() -> None:
    for group, words in (
        ("report_state", State),
        ("report_channel", Channel),
        ("urgency", Urgency),
        ("takedown_state", TakedownState),
    ):
        for word in words:
            assert texts.known(f"{group}.{word}")
    for why in set(Undecided) - {Undecided.REPORT_UNKNOWN}:
        assert texts.known(f"undecided.{why}")
    assert texts.known("problem.report_unknown")
