"""The public page: in two languages, without scripts, for every way of reading, and no way in for anybody's code."""

from __future__ import annotations

import re
from dataclasses import replace
from html import escape
from urllib.parse import parse_qs, unquote, urlsplit

import pytest
import yaml

from gateway.adapters.sql.reports import SqlReports
from gateway.core.report_rules import REPORTED, Reports
from gateway.core.reports import Redress, State, Verdict, Why
from gateway.http.pages import LANGUAGES, STYLE, words
from gateway.ports import StoreUnavailable
from tests.http.keeping import DAY_MS, Keeping
from tests.http.reporting import FORM, MAIL, NAME, Page, stranger
from tests.http.test_reports import decide, newest

ORIGIN = "http://gateway"
HOSTILE = "</textarea></dd><script>alert(1)</script>\"' onfocus=x {{ 7*7 }} {% raw %}"


def test_both_languages_say_everything() -> None:
    english, chinese = [words("report", code) for code in LANGUAGES]
    assert english.keys() == chinese.keys()
    for said in (english, chinese):
        assert set(said["categories"]) == set(REPORTED)
        assert set(said["states"]) == set(State)
        assert set(said["redress"]) == set(Redress)
        assert set(said["why"]) == {*Why, "no_tenant", "filled"}
    for name, text in english.items():
        texts, others = (text, chinese[name]) if isinstance(text, dict) else ({"": text}, {"": chinese[name]})
        for key, each in texts.items():  # the same numbers are put into both
            assert re.findall(r"{(\w+)}", str(each)) == re.findall(r"{(\w+)}", str(others[key])), (name, key)
            assert each != others[key], (name, key)


@pytest.mark.parametrize(
    ("query", "accept", "expected"),
    [
        ("", "", "en"),
        ("", "zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("", "de, en;q=0.7, zh;q=0.8", "zh"),
        ("", "en;q=0.5, zh;q=0.4", "en"),
        ("", "fr", "en"),
        ("", "zh;q=x, *;q=0.1", "en"),
        ("?lang=zh", "en", "zh"),
        ("?lang=en", "zh", "en"),
        ("?lang=%3Cscript%3E", "zh", "zh"),
    ],
)
async def test_the_language_is_the_readers(desk: Keeping, query: str, accept: str, expected: str) -> None:
    async with stranger(desk, Accept_Language=accept) as client:
        response = await client.get(f"/report{query}")
    page = Page(response)
    assert (response.headers["content-language"], page.all("html")[0]["lang"]) == (expected, expected)
    assert words("report", expected)["intro"] in page.text
    assert "accept-language" in response.headers["vary"].lower()


async def test_nothing_runs_and_nothing_is_kept_or_fetched_from_elsewhere(desk: Keeping) -> None:
    async with stranger(desk) as client:
        response = await client.get("/report?tenant=t1")
        sheet = await client.get(STYLE)
    policy = response.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'self';")
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert "frame-ancestors 'none'" in policy
    assert "form-action 'self'" in policy
    assert (response.headers["referrer-policy"], response.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "set-cookie" not in response.headers
    page = Page(response)
    assert not page.all("script")
    assert not page.all("img")
    assert not page.all("iframe")
    assert not [
        name for _, attributes in page.elements for name in attributes if name.startswith("on") or name == "style"
    ]
    assert [each["href"] for each in page.all("link")] == [STYLE]
    assert (sheet.status_code, sheet.headers["content-type"]) == (200, "text/css; charset=utf-8")
    assert "prefers-color-scheme: dark" in sheet.text
    assert "@import" not in sheet.text
    assert "url(" not in sheet.text


async def test_a_link_fills_the_form_in(desk: Keeping) -> None:
    async with stranger(desk) as client:
        page = Page(await client.get("/report?tenant=t1&message_id=m-1&url=https://one.example/m/7"))
        other = Page(await client.get("/report?tenant=t1&lang=zh"))
    assert page.by_id("tenant")["value"] == "t1"
    assert "m-1" in page.text
    assert "https://one.example/m/7" in page.text
    links = [each["href"] for each in other.all("a") if each.get("hreflang") == "en"]
    assert links == ["?tenant=t1&lang=en"]  # what was filled in stays


@pytest.mark.parametrize("language", LANGUAGES)
async def test_a_report_is_sent_and_followed(desk: Keeping, language: str) -> None:
    said = words("report", language)
    async with stranger(desk) as client:
        sent = Page(await client.post(f"/report?lang={language}", data=FORM))
        assert said["sent_title"] in sent.text
        assert said["warning"] not in sent.text
        [link] = [each["href"] for each in sent.all("a") if (each["href"] or "").startswith("/report/")]
        assert link is not None
        receipt, secret = link.partition("?")[0].rpartition("/")[2], parse_qs(urlsplit(link).query)["token"][0]
        for wanted in (receipt, secret, f"{ORIGIN}{link}"):
            assert wanted in sent.text
        [mail] = [unquote(each["href"] or "") for each in sent.all("a") if (each["href"] or "").startswith("mailto:")]
        assert f"{said['token']}: {secret}" in mail
        assert f"{ORIGIN}{link}" in mail
        status = Page(await client.get(link))
        assert said["states"]["received"] in status.text
        assert said["automation_open"] in status.text
        assert said["redress_title"] not in status.text
        await decide(desk, Verdict(False, note="It is a lottery."))
        decided = Page(await client.get(link))
        assert said["states"]["not_actioned"] in decided.text
        assert "It is a lottery." in decided.text
        assert said["automation"] in decided.text
        assert said["redress"]["complain"].format(days=184) in decided.text
        assert said["redress_elsewhere"] in decided.text
        [form], [token] = decided.all("form"), [each for each in decided.all("input") if each["name"] == "token"]
        sent_on = await client.post(str(form["action"]), data={"token": token["value"]})
        assert (sent_on.status_code, sent_on.headers["location"]) == (303, link)
        again = Page(await client.get(sent_on.headers["location"]))
        assert said["states"]["appeal_open"] in again.text
        assert again.all("form") == []
        assert said["redress"]["complained"] in again.text
    assert (await newest(desk)).complaint


@pytest.mark.parametrize("language", LANGUAGES)
async def test_who_cannot_complain_is_told_why(desk: Keeping, language: str) -> None:
    said = words("report", language)["redress"]
    two = "https://one.example/m/8\nhttps://one.example/m/9"
    async with stranger(desk) as client:
        links = []
        for urls in (FORM["urls"], two):
            sent = Page(await client.post(f"/report?lang={language}", data={**FORM, "urls": urls}))
            links += [str(each["href"]) for each in sent.all("a") if (each["href"] or "").startswith("/report/")]
            if urls != two:
                await decide(desk, Verdict(True, category="fraud"))
        actioned = Page(await client.get(links[0]))
        assert said["actioned"] in actioned.text
        assert [each for each in said.values() if each.format(days=184) in actioned.text] == [said["actioned"]]
        assert actioned.all("form") == []
        # Of two contents one is decided, and the time for that is over before the other is.
        await decide(desk, Verdict(False))
        assert desk.desk.reports is not None
        rules = Reports()
        await desk.desk.reports.erase(desk.world.clock.now + rules.keep_days * DAY_MS, rules, 10)
        over = Page(await client.get(links[1]))
        assert [each for each in said.values() if each.format(days=184) in over.text] == [said["over"]]
        assert over.all("form") == []


async def test_what_must_be_put_right_is_told_where_it_is_and_above(desk: Keeping) -> None:
    async with stranger(desk) as client:
        response = await client.post("/report", data={"tenant": "none", "explanation": HOSTILE, "email": "x"})
    page = Page(response)
    assert page.status == 422
    wrong = ["tenant", "urls", "category", "name", "email", "bona_fide"]
    assert [each["href"] for each in page.all("a") if "hreflang" not in each] == [f"#{name}" for name in wrong]
    summary = page.by_id("errors")
    assert (summary["role"], summary["tabindex"]) == ("alert", "-1")
    assert "autofocus" in summary
    for name in wrong:
        field = page.by_id(name)
        described = str(field["aria-describedby"]).split()
        assert (field["aria-invalid"], described[-1]) == ("true", f"{name}-wrong")
        for each in described:
            assert page.by_id(each)
    assert page.by_id("explanation").get("aria-invalid") is None
    assert "Error: Report content" in page.text  # the title, which is read first
    # What was written is there still, as text.
    assert HOSTILE in "".join(page.texts)
    assert not page.all("script")
    assert escape("<script>") in response.text
    assert "49" not in page.text


async def test_every_field_has_a_label(desk: Keeping) -> None:
    async with stranger(desk) as client:
        page = Page(await client.get("/report"))
    labelled = {each["for"] for each in page.all("label")}
    fields = [*page.all("input"), *page.all("textarea"), *page.all("select")]
    assert {each["id"] for each in fields} == labelled
    ids = [attributes["id"] for _, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    assert len(page.all("h1")) == 1
    assert page.all("main")
    assert len(page.all("legend")) == 2


async def test_hostile_words_stay_words_everywhere(desk: Keeping) -> None:
    address = "https://one.example/<script>alert(1)</script>"
    async with stranger(desk) as client:
        sent = await client.post(
            "/report", data={**FORM, "explanation": HOSTILE, "name": "<script>Zed</script>", "urls": address}
        )
        assert sent.status_code == 200, sent.text
        [link] = re.findall(r'href="(/report/[^"]+)"', sent.text)
        await decide(desk, Verdict(False, note=HOSTILE))
        status = await client.get(link.replace("&amp;", "&"))
        form = await client.get(f"/report?tenant={HOSTILE}&url={HOSTILE}&message_id={HOSTILE}")
    for response in (sent, status, form):
        assert "<script" not in response.text
        assert not Page(response).all("script")
    assert HOSTILE in "".join(Page(status).texts)


async def test_what_fills_in_what_nobody_sees_is_told(desk: Keeping) -> None:
    before = await desk.acts()
    async with stranger(desk) as client:
        page = Page(await client.post("/report", data={**FORM, "website": "https://spam.example"}))
    assert page.status == 422
    assert page.by_id("website")["aria-invalid"] == "true"
    assert await desk.acts() == before


async def test_a_client_that_reports_too_often_is_told_in_words(desk: Keeping) -> None:
    async with stranger(desk) as client:
        for number in range(3):
            assert (await client.post("/report", data={**FORM, "explanation": f"No. {number}"})).status_code == 200
        response = await client.post("/report?lang=zh", data=FORM)
    page = Page(response)
    assert (page.status, response.headers["retry-after"]) == (429, "20")
    assert words("report", "zh")["limited"].format(seconds=20) in page.text
    # A form that is shown again is no report.
    async with stranger(desk, "203.0.113.8") as client:
        for _ in range(4):
            assert (await client.post("/report", data={**FORM, "email": "x"})).status_code == 422
        assert (await client.post("/report", data=FORM)).status_code == 200
    # The page and the API count together.
    async with stranger(desk) as client:
        assert (await client.post("/v1/reports", json={})).status_code == 429


async def test_a_muted_reporter_is_told_until_when(desk: Keeping) -> None:
    for number in range(6):
        async with stranger(desk, f"203.0.113.{number}") as client:
            page = Page(await client.post("/report", data={**FORM, "explanation": f"No. {number}"}))
        assert (words("report", "en")["warning"] in page.text) is (number >= 3)
        await decide(desk, Verdict(False, unfounded=True))
        desk.world.clock.now += 1
    async with stranger(desk) as client:
        page = Page(await client.post("/report", data=FORM))
    assert page.status == 429
    assert "2027-02-14" in page.text


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({"content-type": "application/json"}, b"{}", 415),
        ({"content-type": "application/x-www-form-urlencoded; charset=gbk"}, b"tenant=t1", 415),
        ({"content-type": "application/x-www-form-urlencoded"}, b"tenant=%ff", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"tenant=\xff", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"tenant=a&tenant=b", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"other=a", 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"&".join([b"a=b"] * 1000), 400),
        ({"content-type": "application/x-www-form-urlencoded"}, b"explanation=" + b"x" * 70_000, 413),
    ],
)
async def test_what_is_no_form_is_told_on_a_page(
    desk: Keeping, headers: dict[str, str], body: bytes, status: int
) -> None:
    before = await desk.acts()
    async with stranger(desk) as client:
        page = Page(await client.post("/report", content=body, headers=headers))
    assert page.status == status
    assert words("report", "en")["unreadable"] in page.text
    assert await desk.acts() == before


async def test_without_keys_the_page_says_so(desk: Keeping) -> None:
    bare = SqlReports(desk.store.database, None, desk.world.clock.new_id)
    desk.app.state.reporting = replace(desk.app.state.reporting, reports=bare)
    async with stranger(desk) as client:
        page = Page(await client.post("/report", data=FORM))
    assert (page.status, words("report", "en")["closed"] in page.text) == (503, True)


async def test_a_store_that_is_away_is_told_on_a_page(desk: Keeping) -> None:
    class Away(SqlReports):
        """Whose database is gone."""

        async def take(self, *_: object) -> None:  # type: ignore[override]
            raise StoreUnavailable("told to")

        async def told(self, *_: object) -> None:
            raise StoreUnavailable("told to")

    reports = desk.app.state.reporting.reports
    away = Away(desk.store.database, reports._seal._sealer, desk.world.clock.new_id)
    desk.app.state.reporting = replace(desk.app.state.reporting, reports=away)
    async with stranger(desk) as client:
        for response in (await client.post("/report", data=FORM), await client.get("/report/x?token=y")):
            page = Page(response)
            assert (page.status, response.headers["retry-after"]) == (503, "1")
            assert words("report", "en")["away"] in page.text


async def test_a_receipt_that_is_none(desk: Keeping) -> None:
    async with stranger(desk) as client:
        for response in (
            await client.get("/report/none?token=x"),
            await client.get("/report/receipt-1"),
            await client.get("/report/receipt-1?token=%00"),
            await client.post("/report/receipt-1/complain", data={"token": "x"}),
        ):
            page = Page(response)
            assert (page.status, words("report", "en")["unknown"] in page.text) == (404, True)
            assert NAME not in response.text
            assert MAIL not in response.text


async def test_the_other_language_is_there_after_every_form(desk: Keeping) -> None:
    async with stranger(desk) as client:
        sent = await client.post("/report", data=FORM)
        [status] = [each["href"] for each in Page(sent).all("a") if (each["href"] or "").startswith("/report/")]
        await decide(desk, Verdict(False))
        [token] = [
            each["value"] for each in Page(await client.get(str(status))).all("input") if each["name"] == "token"
        ]
        complain = f"{str(status).partition('?')[0]}/complain?lang=en"
        led = 0
        for response in (
            sent,
            await client.post("/report?lang=en", data={**FORM, "tenant": "none"}),
            await client.post("/report", content=b"{}", headers={"content-type": "application/json"}),
            await client.post(complain, data={"token": token}, follow_redirects=True),
            await client.post(complain, data={"token": "x"}),
            await client.post(complain, content=b"{}", headers={"content-type": "application/json"}),
            await client.post("/report", data={**FORM, "explanation": "Another."}),
            await client.post("/report", data=FORM),  # one too many
        ):
            links = [each["href"] or "" for each in Page(response).all("a") if "hreflang" in each]
            for link in links:
                led += 1
                other = await client.get(response.url.join(link))
                assert (other.status_code, other.headers["content-language"]) == (200, "zh"), response.url
    assert led == 6


def test_words_are_not_code() -> None:
    for code in LANGUAGES:
        assert "{{" not in yaml.safe_dump(dict(words("report", code)))
