"""Taking down what was published, and putting it back, from a message's page; and the list of what is not done."""

from __future__ import annotations

import re
from html import unescape

import orjson
import pytest

from gateway.adapters.sql import SqlOrders
from gateway.core.records import Entry, Request
from gateway.core.registration import By
from gateway.core.takedown_problems import WORDS, Obstacle, TakedownProblem, other
from gateway.core.takedowns import Takedown, TakedownRefused, TakedownState
from gateway.http.console import texts
from tests.fakes import NOW_MS
from tests.http.console.visiting import House, Visitor, text_of

MESSAGE = "/queue/t1/p-1-t1"
DOWN, BACK = "/takedowns/t1/p-1-t1/take-down", "/takedowns/t1/p-1-t1/restore"
WHY = {"category": "fraud", "reason": "ticket 7"}
BY = By("test", "setting up")


async def takedown(house: House, message_id: str = "p-1-t1") -> Takedown | None:
    """How far it has come."""
    return await house.console.desk.takedowns.of_message("t1", message_id)


async def acts(house: House) -> list[tuple[str, str, str]]:
    """What was done about takedowns, by whom and why."""
    rows = [orjson.loads(row.body) async for row in house.keeping.store.audit() if row.kind == "takedown"]
    return [(row["act"], row["actor"], row["reason"]) for row in rows]


async def tried(house: House, problem: TakedownProblem | None = None, *, again: bool = False) -> None:
    """The gateway has tried what is due: done, or given up, or put off to try ``again``, with this problem."""
    orders = SqlOrders(house.keeping.store.database)
    for order in await orders.claim(house.clock.now, 60_000, 10):
        if again and problem is not None:
            await orders.put_off(order.takedown, house.clock.now + 1000, problem)
        elif problem is not None:
            await orders.given_up(order.takedown, problem, house.clock.now)
        else:
            await orders.done(order.takedown, house.clock.now)


async def test_a_reviewer_takes_down_what_readers_see_and_puts_it_back(house: House) -> None:
    async with await house.signed_in("our reviewer") as reviewer:
        page = await reviewer.get(MESSAGE)
        assert (f'action="/console{DOWN}"' in page.text, f'action="/console{BACK}"' in page.text) == (True, False)
        response = await reviewer.post(DOWN, WHY)
        assert (response.status_code, response.headers["location"]) == (303, f"/console{MESSAGE}?done=taking_down")
        page = await reviewer.get(f"{MESSAGE}?done=taking_down")
        assert "State Being taken down Category Fraud Whose wish A reviewer" in text_of(page)
        assert (f'action="/console{DOWN}"' in page.text, f'action="/console{BACK}"' in page.text) == (False, True)
        await tried(house)
        assert "State Taken down" in text_of(await reviewer.get(MESSAGE))
        response = await reviewer.post(BACK, {"reason": "ticket 8"})
        assert (response.status_code, response.headers["location"]) == (303, f"/console{MESSAGE}?done=restoring")
        house.clock.now += 1000
        await tried(house)
        page = await reviewer.get(MESSAGE)
        assert "State Restored" in text_of(page)
        assert (f'action="/console{DOWN}"' in page.text, f'action="/console{BACK}"' in page.text) == (True, False)
    assert await acts(house) == [
        ("TakeDown", "our reviewer", "ticket 7"),
        ("TakenDown", "gateway", ""),
        ("Restore", "our reviewer", "ticket 8"),
        ("Restored", "gateway", ""),
    ]
    history = text_of(page).partition("History")[2]
    assert [history.count(act) for act in ("TakeDown", "TakenDown", "Restore our", "Restored")] == [1, 1, 1, 1]


async def test_asked_for_twice_it_is_done_once(house: House, admin: Visitor) -> None:
    for _ in range(2):
        assert (await admin.post(DOWN, WHY)).status_code == 303
    assert len(await acts(house)) == 1


@pytest.mark.parametrize(
    ("form", "field"),
    [
        ({"reason": "x"}, "remove-category"),
        ({"category": "news", "reason": "x"}, "remove-category"),
        ({"category": "fraud"}, "remove-reason"),
        ({"category": "fraud", "reason": "a\x1bb"}, "remove-reason"),
    ],
)
async def test_what_is_missing_is_said_beside_its_field(
    house: House, admin: Visitor, form: dict[str, str], field: str
) -> None:
    refused = await admin.post(DOWN, form)
    assert (refused.status_code, f'id="{field}-more"' in refused.text) == (422, True)
    assert '<details class="reveal" open>' in refused.text
    assert await takedown(house) is None
    await admin.post(DOWN, WHY)
    refused = await admin.post(BACK, {})
    assert (refused.status_code, 'id="restore-reason-more"' in refused.text) == (422, True)


async def test_what_cannot_be_is_said_in_words(house: House, admin: Visitor) -> None:
    before = await house.acts()
    for path, form, status, words in (
        (BACK, {"reason": "x"}, 409, "It was not taken down"),
        ("/takedowns/t1/m-1-t1/take-down", WHY, 409, "Only what was published can be taken down"),
        ("/takedowns/t1/p-1-t2/take-down", WHY, 404, "There is no such message"),
        ("/takedowns/t1/none/restore", {"reason": "x"}, 404, "There is no such message"),
    ):
        refused = await admin.post(path, form)
        assert (refused.status_code, words in text_of(refused)) == (status, True), path
    assert await house.acts() == before


async def test_what_is_held_or_only_read_has_no_buttons(house: House, admin: Visitor) -> None:
    await admin.post(DOWN, WHY)
    assert "/takedowns/" not in (await admin.get("/queue/t1/m-1-t1")).text
    async with await house.signed_in("our viewer") as viewer:
        page = await viewer.get(MESSAGE)
        assert ("Being taken down" in page.text, "/restore" in page.text, "/take-down" in page.text) == (
            True,
            False,
            False,
        )


async def test_the_category_is_what_the_message_was_found_to_be(house: House, admin: Visitor) -> None:
    stored = await house.keeping.store.message("m-1-t1")
    assert stored is not None
    await publish(house, "p-9", stored.first)
    page = await admin.get("/queue/t1/p-9")
    assert '<option value="spam" selected>' in page.text
    assert '<option value="" selected>' in (await admin.get(MESSAGE)).text


async def publish(house: House, message_id: str, case: object = None) -> None:
    """Another published message, with what was found in it."""
    store = house.keeping.store
    lease = await store.lease("test", 4, 86_400_000, NOW_MS)
    shown = await store.message("p-1-t1")
    assert lease is not None
    assert shown is not None
    entry = Entry(
        message_id=message_id,
        decision_id=f"d-{message_id}",
        message=shown.message,
        request=Request(b"{}", "application/json"),
        case=case or shown.first,  # type: ignore[arg-type]
        state=shown.state,
        forwards=True,
        at_ms=NOW_MS,
    )
    assert await store.commit(lease.owner, entry) is None
    await store.release(lease.owner)


async def test_the_list_shows_what_waits_and_what_failed_with_the_problem(house: House, admin: Visitor) -> None:
    assert "Nothing waits, and nothing failed." in text_of(await admin.get("/takedowns"))
    await publish(house, "p-2")
    await publish(house, "p-3")
    await admin.post(DOWN, WHY)
    await tried(house, other("gone <b>\u202e"))
    problem = "Remove it by hand. This was said: “gone <b>\\u202e”"
    house.clock.now += 1
    for message_id in ("p-2", "p-3"):
        await admin.post(f"/takedowns/t1/{message_id}/take-down", WHY)
        await tried(house, TakedownProblem(Obstacle.APP_ANSWERED, {"status": "503"}), again=message_id == "p-2")
        house.clock.now += 1
    await admin.post("/takedowns/t1/p-3/restore", {"reason": "x"})
    async with await house.signed_in("our viewer") as viewer:
        page = await viewer.get("/takedowns")
    text = text_of(page)
    assert "2 waiting 1 for a person to do" in text
    assert re.findall(r'data-open href="/console/queue/t1/([^"]+)"', page.text) == ["p-1-t1", "p-2", "p-3"]
    assert f"Could not be taken down Fraud Good morning acc-1 {problem} tried once" in text
    assert "Being taken down Fraud Good morning acc-1 takedown_url answered 503. tried once" in text
    assert "Being restored Fraud Good morning acc-1 Nothing so far." in text
    assert '<span class="count">1</span>' in page.text.partition('href="/console/takedowns"')[2].partition("</a>")[0]
    for which, ids in (("waiting", ["p-2", "p-3"]), ("failed", ["p-1-t1"])):
        page = await admin.get(f"/takedowns?which={which}")
        assert re.findall(r'data-open href="/console/queue/t1/([^"]+)"', page.text) == ids
    assert (await admin.get("/takedowns?which=else")).status_code == 404
    assert problem in text_of(await admin.get(MESSAGE))
    chinese = {"Accept-Language": "zh"}
    text = text_of(await admin.get("/takedowns", **chinese))
    assert "请人工下架。 返回信息：“gone <b>\\u202e”" in text
    assert "takedown_url 返回 503。 已尝试 1 次" in text
    assert "请人工下架。 返回信息：“gone <b>\\u202e”" in text_of(await admin.get(MESSAGE, **chinese))


async def test_what_could_not_be_put_back_is_told_in_the_reader_s_language(house: House, admin: Visitor) -> None:
    for code, english, chinese in (
        (Obstacle.NOT_RESTORABLE, "The platform cannot put it back;", "平台无法恢复该消息，作者可以重新发布。"),
        (
            Obstacle.NO_ADDRESS,
            "Put it back by hand. The tenant has no takedown_url;",
            "请人工恢复。 该租户没有",
        ),
    ):
        await admin.post(DOWN, WHY)
        await tried(house)
        house.clock.now += 1
        await admin.post(BACK, {"reason": "ticket 8"})
        await tried(house, TakedownProblem(code))
        said = text_of(await admin.get(MESSAGE))
        assert (english in said, "by hand" in said) == (True, "by hand" in english)
        assert chinese in text_of(await admin.get(MESSAGE, **{"Accept-Language": "zh"}))
        house.clock.now += 1


@pytest.mark.parametrize("code", Obstacle)
def test_each_problem_has_words_with_the_same_values_in_each_language(code: Obstacle) -> None:
    def named(words: str) -> set[str]:
        return set(re.findall(r"{(\w+)}", words))

    words = texts.catalogue()[f"takedown_problem.{code}"]
    assert [named(words[language]) for language in texts.LANGUAGES] == [named(WORDS[code])] * 2


async def test_what_failed_is_tried_anew(house: House, admin: Visitor) -> None:
    await admin.post(DOWN, WHY)
    await tried(house, TakedownProblem(Obstacle.NO_ADDRESS))
    page = await admin.get(MESSAGE)
    assert "Try again" in text_of(page)
    house.clock.now += 1
    await admin.post(DOWN, WHY)
    await tried(house)
    found = await takedown(house)
    assert found is not None
    assert (found.state, found.problem) == (TakedownState.DONE, None)
    assert "Nothing waits, and nothing failed." in text_of(await admin.get("/takedowns"))


async def test_an_operator_of_one_tenant_sees_that_tenant_s_only(house: House, admin: Visitor) -> None:
    await admin.post("/takedowns/t2/p-1-t2/take-down", WHY)
    assert "p-1-t2" in (await admin.get("/takedowns")).text
    async with await house.signed_in("our reviewer") as ours:
        page = await ours.get("/takedowns")
        assert ("p-1-t2" in page.text, "0 waiting 0 for a person" in text_of(page)) == (False, True)
        assert (await ours.get("/takedowns?tenant=t2")).status_code == 404
        assert (await ours.post("/takedowns/t2/p-1-t2/restore", {"reason": "x"})).status_code == 404
    assert "Nothing waits" in text_of(await admin.get("/takedowns?tenant=t1"))


async def test_a_page_goes_on_where_the_one_before_ended(house: House, admin: Visitor) -> None:
    for number in range(60):
        await publish(house, f"x-{number:02}")
        asked = await house.console.desk.takedowns.take_down("t1", f"x-{number:02}", "hate", BY, NOW_MS - number)
        assert isinstance(asked, Takedown)
    first = await admin.get("/takedowns?which=waiting")
    onward = re.search(r'rel="next" href="([^"]+)"', first.text)
    assert onward is not None
    second = await admin.client.get(unescape(onward[1]))
    ids = [re.findall(r'data-open href="/console/queue/t1/([^"]+)"', page.text) for page in (first, second)]
    assert [*ids[0], *ids[1]] == [f"x-{number:02}" for number in reversed(range(60))]
    assert (len(ids[0]), "which=waiting" in onward[1]) == (50, True)


def test_every_word_has_its_name() -> None:
    for word in TakedownState:
        assert texts.known(f"takedown_state.{word}")
    for source in ("report", "trusted_flagger", "own", "appeal"):
        assert texts.known(f"takedown_source.{source}")
    for why in TakedownRefused:
        assert texts.known(f"problem.{why}")
