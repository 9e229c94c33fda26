"""Appeals in the console: what waits, who may decide, what a decision does; and the statements they are against."""

from __future__ import annotations

import re

import pytest
from sqlalchemy import text

from gateway.adapters.sql import SqlFollower
from gateway.adapters.sql.statements import StatementsPart
from gateway.core.appeals import Appeal, AppealState, Restored
from gateway.core.model import MessageState
from gateway.core.registration import By
from gateway.core.shown import written
from gateway.core.statement import Restriction, Statement
from gateway.core.takedowns import Takedown
from gateway.http.console.appeals import appeal_path
from gateway.ports import Judged
from tests.fakes import NOW_MS
from tests.http.console.visiting import HOUR_MS, House, Visitor, text_of

APPEAL = "/appeals/t1/a-1-t1"
REVERSE = {"outcome": "reversed", "reason": "ticket 7", "note": "Sorry.\r\nYou were right."}
UPHOLD = {"outcome": "upheld", "reason": "ticket 7"}
HELD = "/queue/t1/m-1-t1"
DAY_MS = 24 * HOUR_MS


async def kept(house: House, appeal_id: str = "a-1-t1") -> Appeal:
    appeal = await house.console.desk.appealing.appeals.appeal("t1", appeal_id)
    assert appeal is not None
    return appeal


async def follow(house: House) -> None:
    """Write the statements of what happened."""
    store = house.keeping.store
    follower = SqlFollower(store.database, [StatementsPart(store.database)])
    for chain in await store.heads():
        while await follower.follow(chain, house.clock.now):
            pass


async def state(house: House, message_id: str = "m-1-t1") -> MessageState:
    stored = await house.keeping.store.message(message_id)
    assert stored is not None
    return stored.state


async def write(house: House, statement: str) -> None:
    async with house.keeping.store.database.writing("test") as connection:
        await connection.execute(text(statement))


async def appealed(house: House, restriction: Restriction, words: str = "It was a joke.") -> Appeal:
    """An appeal against the newest statement of this kind about the first account."""
    await follow(house)
    appealing = house.console.desk.appealing
    found: list[Statement] = await appealing.statements.of_account("t1", "acc-1", "", 50)
    made = await appealing.make(next(each for each in found if each.restriction is restriction), words, "zh")
    assert isinstance(made, Appeal), made
    return made


async def test_the_list_has_what_is_due_first_in_front_and_says_what_is_late(house: House, admin: Visitor) -> None:
    page = await admin.get("/appeals")
    assert "2 open 0 late" in text_of(page)
    assert "in 7 days Held · Spam a message acc-1 t1" in text_of(page)
    assert re.search(r'href="/console/appeals"[^>]*>Appeals\s*<span class="count">2<', page.text)
    house.clock.now += 10 * DAY_MS
    async with await house.signed_in("the admin") as later:
        second = await later.get("/appeals?tenant=t1")
        assert "1 open 1 late" in text_of(second)
        assert '<span class="late">3 days late</span>' in second.text
        assert "a-1-t2" not in second.text


async def test_an_operator_of_one_tenant_sees_that_tenant_s_only(house: House) -> None:
    async with await house.signed_in("our reviewer") as ours:
        page = await ours.get("/appeals")
        assert ("1 open 0 late" in text_of(page), "a-1-t2" in page.text) == (True, False)
        assert '<span class="count">1<' in page.text
        assert (await ours.get("/appeals?tenant=t2")).status_code == 404
        assert (await ours.get("/appeals/t1/a-1-t2")).status_code == 404
        assert (await ours.post("/appeals/t1/a-1-t2/decide", UPHOLD)).status_code == 404


async def test_the_list_goes_on_where_the_page_before_ended(house: House, admin: Visitor) -> None:
    for number in range(60):
        appeal = Appeal(
            f"x-{number:02}", "t1", "acc-1", f"s-{number}", AppealState.OPEN, "en", NOW_MS, NOW_MS + number, "m-2-t1"
        )
        assert await house.console.desk.appealing.appeals.make(appeal) is None
    first = await admin.get("/appeals?tenant=t1")
    assert first.text.count("data-item") == 50
    onward = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await admin.get(onward.removeprefix("/console"))
    assert (second.text.count("data-item"), "x-59" in second.text, "x-00" in second.text) == (11, True, False)
    assert (await admin.get("/appeals?after=1.%27")).status_code == 404


async def test_what_was_decided_is_looked_up_newest_first(house: House, admin: Visitor) -> None:
    assert "No appeal was decided yet." in text_of(await admin.get("/appeals?which=decided"))
    await admin.post(f"{APPEAL}/decide", UPHOLD)
    house.clock.now += 60_000
    assert (await admin.post("/appeals/t2/a-1-t2/decide", REVERSE)).status_code == 303
    page = await admin.get("/appeals?which=decided")
    assert re.findall(r'data-open href="/console/appeals/([^"]+)"', page.text) == ["t2/a-1-t2", "t1/a-1-t1"]
    assert '<option value="decided" selected>' in page.text
    said, moment = text_of(page), written(house.clock.now).replace("T", " ").removesuffix("Z")
    assert f"{moment} Held · Spam a message Reversed the admin acc-1 t2" in said
    assert "a message Upheld the admin acc-1 t1" in said
    assert "No appeal waits." in text_of(await admin.get("/appeals"))
    assert "t2/a-1-t2" not in (await admin.get("/appeals?which=decided&tenant=t1")).text
    chinese = text_of(await admin.get("/appeals?which=decided", **{"Accept-Language": "zh"}))
    assert "已撤销原决定 the admin" in chinese
    async with await house.signed_in("our viewer") as viewer:
        ours = await viewer.get("/appeals?which=decided")
    assert "Upheld the admin acc-1" in text_of(ours)
    assert not any(words in ours.text for words in ("Reversed", APPEAL))
    assert (await admin.get("/appeals?which=else")).status_code == 404


async def test_the_list_of_decided_ones_goes_on_where_the_page_before_ended(house: House, admin: Visitor) -> None:
    appeals = house.console.desk.appealing.appeals
    for number in range(60):
        appeal = Appeal(f"x-{number:02}", "t1", "acc-1", f"s-{number}", AppealState.OPEN, "en", NOW_MS, NOW_MS)
        assert await appeals.make(appeal) is None
        judged = Judged(AppealState.UPHELD, By("Ann", "ticket 7"), NOW_MS + number // 2)
        assert await appeals.decide(appeal, judged) is None
    first = await admin.get("/appeals?which=decided&tenant=t1")
    onward = first.text.partition('rel="next" href="')[2].partition('"')[0].replace("&amp;", "&")
    second = await admin.get(onward.removeprefix("/console"))
    found = [re.findall(r"appeals/t1/(x-\d+)", page.text) for page in (first, second)]
    assert [len(each) for each in found] == [50, 10]
    assert [*found[0], *found[1]] == [f"x-{number:02}" for number in range(59, -1, -1)]


async def test_a_viewer_sees_what_waits_and_no_author_s_words(house: House) -> None:
    async with await house.signed_in("our viewer") as viewer:
        page = await viewer.get("/appeals")
        assert (page.status_code, APPEAL in page.text) == (200, False)
        assert (await viewer.get(APPEAL)).status_code == 403
        message = await viewer.get(HELD)
        assert ("/console/appeals/" in message.text, "/console/statements/t1/" in message.text) == (False, True)


async def test_an_appeal_is_shown_with_all_that_it_is_about(house: House, admin: Visitor) -> None:
    page = await admin.get(APPEAL)
    said = text_of(page)
    for words in (
        "What the author says It was a joke.",
        "Your message is being reviewed",
        "Our automatic check of the message found: spam.",
        "No person; the decision was automatic.",
        "MakeAppeal",
    ):
        assert words in said
    assert "Spam</span>Buy</mark> 1!" in page.text  # the message, with what was found in it
    for path in (HELD, "/accounts/t1/acc-1", f"/statements/t1/{(await kept(house)).statement_id}?lang=zh"):
        assert f'href="/console{path}"' in page.text
    assert "您的消息正在审核" in (await admin.get(APPEAL, **{"Accept-Language": "zh"})).text


@pytest.mark.parametrize(
    ("before", "becomes", "restored", "words"),
    [
        ("", MessageState.QUEUED, Restored.QUEUED, "The message was queued and is published by the gateway."),
        ("forwards = 0", MessageState.RELEASED, Restored.RELEASED, "The message was released"),
        ("body = x''", MessageState.HELD, Restored.GONE, "The message's request is not kept any more"),
    ],
)
async def test_a_reversal_says_what_it_did(
    house: House, before: str, becomes: MessageState, restored: Restored, words: str
) -> None:
    if before:
        await write(house, f"UPDATE messages SET {before} WHERE id = 'm-1-t1'")  # noqa: S608 - the test's own
    async with await house.signed_in("our reviewer") as reviewer:
        done = await reviewer.post(f"{APPEAL}/decide", REVERSE)
        assert (done.status_code, done.headers["location"]) == (303, f"/console{APPEAL}?done=appeal_reversed")
        assert await state(house) is becomes
        appeal = await kept(house)
        assert (appeal.state, appeal.restored, appeal.decided_by) == (AppealState.REVERSED, restored, "our reviewer")
        assert appeal.note == "Sorry.\nYou were right."
        page = await reviewer.get(f"{APPEAL}?done=appeal_reversed")
    said = text_of(page)
    assert "Decided: the restriction is lifted." in said
    assert words in said
    assert "Sorry.\nYou were right." in page.text
    assert "Who had a part in it No person" in said
    assert "Lifted on appeal" in said
    assert "Spam</span>Buy</mark> 1!" in page.text  # what had been found
    assert "our reviewer ticket 7" in said  # in the history, with who and why
    assert "/decide" not in page.text


async def test_what_is_upheld_stays_and_is_decided_once(house: House, admin: Visitor) -> None:
    assert (await admin.post(f"{APPEAL}/decide", UPHOLD)).status_code == 303
    appeal = await kept(house)
    assert (appeal.state, appeal.note, await state(house)) == (AppealState.UPHELD, None, MessageState.HELD)
    assert "The decision was upheld; the restriction stays." in text_of(await admin.get(APPEAL))
    async with await house.signed_in("our reviewer") as other:
        late = await other.post(f"{APPEAL}/decide", REVERSE)
        assert (late.status_code, "Somebody has decided this appeal already." in late.text) == (409, True)
    assert (await kept(house), await state(house)) == (appeal, MessageState.HELD)
    assert "1 open" in text_of(await admin.get("/appeals"))


async def test_who_had_a_part_in_it_is_told_so_and_does_not_decide(house: House, admin: Visitor) -> None:
    told = "You had a part in what is appealed against, so somebody else has to decide."
    escalated = {"verdict": "escalate", "note": "ask the lawyers"}
    async with await house.signed_in("our reviewer") as reviewer:
        await reviewer.post(f"{HELD}/decide", escalated)
        page = await reviewer.get(APPEAL)
        assert (told in page.text, "/decide" in page.text) == (True, False)
        assert "Who had a part in it our reviewer" in text_of(page)
        refused = await reviewer.post(f"{APPEAL}/decide", REVERSE)
        assert (refused.status_code, told in refused.text) == (409, True)
        assert ((await kept(house)).state, await state(house)) == (AppealState.OPEN, MessageState.HELD)
    page = await admin.get(APPEAL)
    assert (told in page.text, f'action="/console{APPEAL}/decide"' in page.text) == (False, True)
    assert (await admin.post(f"{APPEAL}/decide", REVERSE)).status_code == 303


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"outcome": "reversed"}, "reason"),
        ({"outcome": "reversed", "reason": "a\x1bb"}, "reason"),
        ({**REVERSE, "note": "a\x1bb"}, "note"),
        ({**REVERSE, "note": "x" * 2_001}, "note"),
        ({"reason": "ticket 7"}, ""),
        ({"outcome": "open", "reason": "ticket 7"}, ""),
    ],
)
async def test_what_is_not_complete_is_shown_again_and_does_nothing(
    house: House, admin: Visitor, form: dict[str, str], field: str
) -> None:
    before = await house.acts()
    page = await admin.post(f"{APPEAL}/decide", form)
    assert page.status_code == 422
    assert (f'id="d-{field}-more"' in page.text) if field else ('role="alert"' in page.text)
    assert (await house.acts(), (await kept(house)).state) == (before, AppealState.OPEN)


async def test_an_appeal_against_a_sanction_is_about_the_sanction(house: House, admin: Visitor) -> None:
    appeal = await appealed(house, Restriction.WARN)
    path = appeal_path("t1", appeal.appeal_id).removeprefix("/console")
    page = await admin.get(path)
    said = text_of(page)
    assert "The sanction that it is against Degree Warning" in said
    assert "Who had a part in it test" in said
    assert "ImposeSanction" in said
    assert "It publishes no message." in said
    assert 'href="/console/sanctions/t1/s-warn"' in page.text
    await admin.post(f"{path}/decide", REVERSE)
    assert "The sanction is lifted" in text_of(await admin.get(path))


async def test_an_appeal_against_a_removal_says_that_it_is_put_back(house: House, admin: Visitor) -> None:
    down = await house.console.desk.takedowns.take_down("t1", "p-1-t1", "fraud", By("Zoe", "ticket 1"), NOW_MS)
    assert isinstance(down, Takedown)
    appeal = await appealed(house, Restriction.TAKEDOWN)
    path = appeal_path("t1", appeal.appeal_id).removeprefix("/console")
    assert "Who had a part in it Zoe" in text_of(await admin.get(path))
    await admin.post(f"{path}/decide", REVERSE)
    assert "The platform is asked to restore the message" in text_of(await admin.get(path))


async def test_hostile_words_are_shown_and_erased_ones_missed(house: House, admin: Visitor) -> None:
    appeal = await appealed(house, Restriction.WARN, "<script>alert(1)</script> \u202egnp.exe\nSecond line")
    path = appeal_path("t1", appeal.appeal_id).removeprefix("/console")
    page = await admin.get(path)
    assert "<script>alert" not in page.text
    assert "<script>alert(1)</script>" in text_of(page)
    assert '<span class="hidden-sign">\\u202e</span>gnp.exe\nSecond line' in page.text
    await write(house, "UPDATE appeals SET text = x''")
    assert "The text was erased because its time is over" in (await admin.get(path)).text


async def test_the_next_appeal_is_a_key_away(house: House, admin: Visitor) -> None:
    page = await admin.get(APPEAL)
    assert re.search(r'href="/console/appeals/t2/a-1-t2" data-key="s"', page.text)
    assert 'data-key="s"' not in (await admin.get("/appeals/t2/a-1-t2")).text
    await admin.post(f"{APPEAL}/decide", UPHOLD)
    assert re.search(r'href="/console/appeals/t2/a-1-t2" data-key="s"', (await admin.get(APPEAL)).text)


async def test_a_message_shows_its_statements_and_how_they_stand(house: House, admin: Visitor) -> None:
    said = text_of(await admin.get(HELD))
    assert "Held Spam In force" in said
    assert "Open English · 中文" in said
    await admin.post(f"{APPEAL}/decide", REVERSE)
    await follow(house)
    page = await admin.get(HELD)
    assert "Held Spam Lifted on appeal" in text_of(page)
    assert re.search(rf'href="/console{APPEAL}">Reversed<', page.text)
    assert "No restriction of this message was stated." in text_of(await admin.get("/queue/t1/p-1-t1"))


async def test_a_statement_is_read_as_its_author_does_in_each_language(house: House, admin: Visitor) -> None:
    path = f"/statements/t1/{(await kept(house)).statement_id}"
    for language, title in (("en", "Your message is being reviewed"), ("zh", "您的消息正在审核")):
        page = await admin.get(f"{path}?lang={language}")
        assert re.search(f'<div class="worded" lang="{language}"><h3>{title}', page.text)
        assert f'lang={language}" hreflang="{language}" lang="{language}" aria-current="true"' in page.text
        assert "Buy 1!" not in page.text  # it quotes no message
        assert "token=" not in page.text  # nor is the author's own link anybody else's
    assert "您的消息正在审核" in (await admin.get(f"{path}?lang=fr", **{"Accept-Language": "zh"})).text
    missing = await admin.get("/statements/t1/none")
    assert (missing.status_code, "There is no such statement." in missing.text) == (404, True)
    assert (await admin.get(path.replace("t1", "t2", 1))).status_code == 404
    appeal = await appealed(house, Restriction.WARN)
    said = text_of(await admin.get(f"/statements/t1/{appeal.statement_id}"))
    assert "Restriction Warning" in said
    house.clock.now += 4 * DAY_MS  # the warning was for three
    async with await house.signed_in("our viewer") as viewer:
        assert "Ended" in text_of(await viewer.get(f"/statements/t1/{appeal.statement_id}"))
