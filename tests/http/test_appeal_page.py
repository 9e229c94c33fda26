"""The page where an author appeals: by its secret alone, without a script, and safe whatever a message says."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import pytest

from gateway.adapters.sql.statements import SqlStatements
from gateway.core.appeals import AppealState, Became
from gateway.http.pages import LANGUAGES, STYLE, words
from gateway.ports import StoreUnavailable
from tests.http.complaining import THREAT, WHY, Whole, whole
from tests.http.recorder import Answer

HOSTILE = f"{THREAT} <script>alert(1)</script> \"><img src=x onerror=alert(2)> ' &amp; </details>"


def test_both_languages_say_everything() -> None:
    english, chinese = [words("appeal", code) for code in LANGUAGES]
    assert english.keys() == chinese.keys()
    for said in (english, chinese):
        assert set(said["why"]) == {"missing", "too_long"}
        assert set(said["states"]) == set(AppealState)
        assert set(said["became"]) == set(Became)
    for name, text in english.items():
        texts, others = (text, chinese[name]) if isinstance(text, dict) else ({"": text}, {"": chinese[name]})
        for key, each in texts.items():  # the same is put into both
            assert set(re.findall(r"{(\w+)}", each)) == set(re.findall(r"{(\w+)}", others[key])), (name, key)
            assert each != others[key], (name, key)


@pytest.fixture
async def gateway(tmp_path: Path) -> AsyncIterator[Whole]:
    async with whole(tmp_path) as opened:
        yield opened


class Read(HTMLParser):
    """The elements of a page, and its text; fails on an element that is not closed."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self._open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "input", "link"):
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def all(self, tag: str) -> list[dict[str, str | None]]:
        """The attributes of each element of a kind."""
        return [attrs for name, attrs in self.elements if name == tag]


def read(answer: httpx.Response) -> Read:
    page = Read()
    page.feed(answer.text)
    assert page._open == []
    return page


async def blocked(gateway: Whole, text: str = THREAT) -> dict[str, Any]:
    """The statement about a message that was blocked."""
    _, message_id = await gateway.publish(text)
    return await gateway.statement(message_id)


def assert_safe(answer: httpx.Response, page: Read) -> None:
    assert page.all("script") == []
    assert page.all("img") == []
    assert not [attrs for _, attrs in page.elements for name in attrs if name.startswith("on")]
    policy = answer.headers["content-security-policy"]
    assert [each["href"] for each in page.all("link")] == [STYLE]
    assert not [attrs for _, attrs in page.elements if "style" in attrs]
    for part in (
        "default-src 'none'",
        "style-src 'self'",
        "form-action 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    ):
        assert part in policy
    assert "unsafe" not in policy
    assert (answer.headers["referrer-policy"], answer.headers["cache-control"]) == ("no-referrer", "no-store")
    assert "noindex" in answer.headers["x-robots-tag"]
    assert len(answer.content) < 20_000


async def test_an_author_reads_appeals_and_sees_the_outcome(gateway: Whole) -> None:
    statement = await blocked(gateway, HOSTILE)
    address = statement["appeal"]["page"]
    assert re.fullmatch(rf"/appeal/{statement['statement_id']}\?token=[0-9a-f]{{64}}", address)

    answer = await gateway.ask(None, "GET", address, headers={"Accept-Language": "zh"})
    page = read(answer)
    assert_safe(answer, page)
    assert page.all("html") == [{"lang": "zh"}]
    assert "您的消息未获发布" in page.text
    assert "<script>alert(1)</script>" in page.text  # the author's own words, as text
    [form] = page.all("form")
    hidden = {each["name"]: each["value"] for each in page.all("input")}
    assert (form["method"], form["action"]) == ("post", f"/appeal/{statement['statement_id']}?lang=zh")
    [area] = page.all("textarea")
    labels = [each["for"] for each in page.all("label")]
    assert (labels, area["aria-describedby"], area["aria-required"]) == ([area["id"]], "text-hint", "true")
    query = address.partition("?")[2]
    assert [each["href"] for each in page.all("a") if "hreflang" in each] == [f"?{query}&lang=en"]
    assert "#appeal" in [each["href"] for each in page.all("a")]

    sent = await gateway.ask(None, "POST", form["action"] or "", data={**hidden, "text": "小说\r\n里的话 <b>"})
    assert sent.status_code == 303
    assert sent.headers["location"] == f"{address}&lang=zh"
    answer = await gateway.ask(None, "GET", sent.headers["location"])
    page = read(answer)
    assert_safe(answer, page)
    assert "我们已于" in page.text
    assert page.all("form") == []

    [waiting] = (await gateway.ask("bob", "GET", "/v1/admin/tenants/t1/appeals")).json()["appeals"]
    path = f"/v1/admin/tenants/t1/appeals/{waiting['appeal_id']}"
    shown = (await gateway.ask("bob", "GET", path)).json()
    assert (shown["text"], shown["language"]) == ("小说\n里的话 <b>", "zh")
    decision = {"outcome": "reversed", "note": "Sorry <i>", **WHY}
    await gateway.ask("bob", "POST", f"{path}:decide", json=decision)
    await gateway.becomes(statement["message_id"], "published")
    answer = await gateway.ask(None, "GET", f"{address}&lang=en")
    page = read(answer)
    assert_safe(answer, page)
    assert page.all("html") == [{"lang": "en"}]
    assert "You were right, and the restriction is lifted." in page.text
    assert "Sorry <i>" in page.text
    for language in LANGUAGES:
        told = words("appeal", language)["became"]
        page = read(await gateway.ask(None, "GET", f"{address}&lang={language}"))
        assert [name for name, each in told.items() if each in page.text] == ["published"]


async def test_a_granted_appeal_whose_message_could_not_be_published_says_so(gateway: Whole) -> None:
    statement = await blocked(gateway)
    body = {"statement_id": statement["statement_id"], "text": "No."}
    made = (await gateway.ask("acme", "POST", "/v1/appeals", json=body)).json()["appeal_id"]
    gateway.upstream.answer = lambda _got: Answer(b"HTTP/1.1 400 No\r\nContent-Length: 0\r\n\r\n")
    decision = {"outcome": "reversed", **WHY}
    await gateway.ask("bob", "POST", f"/v1/admin/tenants/t1/appeals/{made}:decide", json=decision)
    await gateway.becomes(statement["message_id"], "refused")
    page = read(await gateway.ask(None, "GET", f"{statement['appeal']['page']}&lang=en"))
    assert [name for name, each in words("appeal", "en")["became"].items() if each in page.text] == ["failed"]


@pytest.mark.parametrize("text", ["", " \r\n ", "x" * 5_001])
async def test_a_form_that_is_not_complete_says_what_is_missing(gateway: Whole, text: str) -> None:
    statement = await blocked(gateway)
    address, _, token = statement["appeal"]["page"].partition("?token=")
    answer = await gateway.ask(None, "POST", f"{address}?lang=en", data={"token": token, "text": text})
    page = read(answer)
    assert answer.status_code == 400
    assert_safe(answer, page)
    [alert] = [attrs for _, attrs in page.elements if attrs.get("role") == "alert"]
    assert alert["class"] == "box bad"
    [area] = page.all("textarea")
    assert area["aria-invalid"] == "true"
    assert "#text" in [each.get("href") for each in page.all("a")]
    assert page.text.strip().startswith("Error: Your message was not published")
    assert "The appeal was not sent" in page.text
    assert text.strip() in page.text  # what was written stays
    [other] = [each["href"] or "" for each in page.all("a") if "hreflang" in each]
    assert (await gateway.ask(None, "GET", address + other)).status_code == 200


async def test_a_second_appeal_shows_the_first(gateway: Whole) -> None:
    statement = await blocked(gateway)
    address, _, token = statement["appeal"]["page"].partition("?token=")
    for text in ("One.", "Two."):
        sent = await gateway.ask(None, "POST", address, data={"token": token, "text": text})
        assert sent.status_code == 303
    [waiting] = (await gateway.ask("bob", "GET", "/v1/admin/tenants/t1/appeals")).json()["appeals"]
    shown = await gateway.ask("bob", "GET", f"/v1/admin/tenants/t1/appeals/{waiting['appeal_id']}")
    assert shown.json()["text"] == "One."


async def test_without_its_secret_the_page_is_not_there(gateway: Whole) -> None:
    first, second = await blocked(gateway), await blocked(gateway)
    other = second["appeal"]["page"].partition("?token=")[2]
    path = first["appeal"]["page"].partition("?")[0]
    for token in ("", "x", other, "é", first["appeal"]["page"][-63:]):
        answer = await gateway.ask(None, "GET", path, params={"token": token, "lang": "en"})
        assert (answer.status_code, first["account_id"] in answer.text) == (404, False)
        assert_safe(answer, read(answer))
        sent = await gateway.ask(None, "POST", path, data={"token": token, "text": "No."})
        assert sent.status_code == 404
    assert (await gateway.ask("bob", "GET", "/v1/admin/tenants/t1/appeals")).json()["appeals"] == []


@pytest.mark.parametrize(
    ("content", "kind", "status"),
    [
        (b"{}", "application/json", 415),
        (b"token=%ff&text=a", "application/x-www-form-urlencoded", 400),
        ("token=é".encode(), "application/x-www-form-urlencoded", 400),
        (b"&".join([b"a=b"] * 20), "application/x-www-form-urlencoded", 400),
        (b"text=" + b"x" * 90_000, "application/x-www-form-urlencoded", 413),
        (b"token=a&token=b&text=c", "application/x-www-form-urlencoded", 400),
        (b"token=a&text=c&other=d", "application/x-www-form-urlencoded", 400),
        (b"token=a&text=c", "application/x-www-form-urlencoded; charset=gb18030", 415),
        (b"token=a&text=c", "application/x-www-form-urlencoded; charset=UTF-8", 404),
    ],
)
async def test_what_is_no_form_of_the_page_is_refused(gateway: Whole, content: bytes, kind: str, status: int) -> None:
    answer = await gateway.ask(None, "POST", "/appeal/abc", content=content, headers={"Content-Type": kind})
    assert answer.status_code == status
    assert_safe(answer, read(answer))


async def test_without_the_store_the_page_says_so(gateway: Whole, monkeypatch: pytest.MonkeyPatch) -> None:
    address = (await blocked(gateway))["appeal"]["page"]
    path, _, token = address.partition("?token=")

    async def away(*_given: object) -> None:
        raise StoreUnavailable("away")

    monkeypatch.setattr(SqlStatements, "statement", away)
    for method, target, fields in (("GET", address, None), ("POST", path, {"token": token, "text": "No."})):
        answer = await gateway.ask(None, method, target, data=fields, headers={"Accept-Language": "zh"})
        page = read(answer)
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
        assert_safe(answer, page)
        assert words("appeal", "zh")["away"] in page.text
