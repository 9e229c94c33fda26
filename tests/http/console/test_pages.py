"""What all pages have in common: strict headers, nothing from elsewhere, small, escaped, in two languages."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import httpx
import pytest

from gateway.core.model import Account, AccountState, Degree, Registrant, RegistrantKind, Sanction, VerificationState
from gateway.core.operators import Operator, Role
from gateway.core.registration import By, ChangeAccount
from gateway.http import console
from gateway.http.console import assets, cookies, texts
from gateway.ports import Registered
from tests.http.console.matrix import CASES, PAGES
from tests.http.console.visiting import House, Visitor, text_of
from tests.http.keeping import BY, RULES

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "'-alert(1)-'",
    "{{ 7 * 7 }}{% raw %}",
    "<!--<script>",
    "&lt;b&gt;",
    "\u202etxt.exe\u2066",
    "a\u200bb\ufeff",
    "javascript:alert(1)",
]
SAFE_HEADERS = {
    "cache-control": "no-store",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
}


class Elements(HTMLParser):
    """All elements of a page, with their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.found.append((tag, dict(attrs)))


async def every_answer(house: House, admin: Visitor) -> list[tuple[str, httpx.Response]]:
    """What each route answers, to an administrator and to who has not signed in."""
    answers = []
    async with house.visitor() as stranger:
        for visitor in (stranger, admin):
            for case in CASES:
                path = case.at("t1")
                if case.method == "GET":
                    answers.append((path, await visitor.get(path)))
                else:
                    answers.append((path, await visitor.post(path, case.form, token="wrong")))
        css = assets.path_of("console.css").removeprefix("/console")
        answers.append((css, await stranger.get(css)))
    return answers


async def test_every_answer_has_a_strict_policy(house: House, admin: Visitor) -> None:
    nonces = set()
    for path, response in await every_answer(house, admin):
        policy = dict(
            part.strip().partition(" ")[::2] for part in response.headers["content-security-policy"].split(";")
        )
        nonce = policy["script-src"]
        assert re.fullmatch(r"'nonce-[\w-]{22}'", nonce), path
        nonces.add(nonce)
        assert policy == {
            "default-src": "'none'",
            "script-src": nonce,
            "style-src": nonce,
            "img-src": "'self'",
            "connect-src": "'self'",
            "form-action": "'self'",
            "frame-ancestors": "'none'",
            "base-uri": "'none'",
            "require-trusted-types-for": "'script'",
        }
        kept = response.headers["cache-control"]
        for name, value in SAFE_HEADERS.items():
            assert response.headers[name] == value or (name == "cache-control" and kept.endswith("immutable")), path
        if response.headers.get("content-type", "").startswith("text/html"):
            for tag, attributes in Elements(response.text).found:
                if tag in ("script", "style") or attributes.get("rel") == "stylesheet":
                    assert f"'nonce-{attributes['nonce']}'" == nonce
    assert len(nonces) == len(await every_answer(house, admin))


async def test_no_page_has_anything_from_elsewhere_nor_what_the_policy_forbids(house: House, admin: Visitor) -> None:
    for path, response in await every_answer(house, admin):
        for tag, attributes in Elements(response.text).found:
            assert "style" not in attributes, path
            assert not [name for name in attributes if name.startswith("on")], path
            assert tag not in ("style", "iframe", "object", "embed", "base"), path
            for name in ("href", "src", "action", "formaction", "data"):
                value = attributes.get(name)
                assert value is None or value.startswith(("/console", "#")), (path, value)
        if response.headers.get("content-type", "").startswith("text/css"):
            assert not re.search(r"url\(|@import|//", response.text)


async def test_the_first_page_is_small_with_all_that_it_loads(house: House, admin: Visitor) -> None:
    for case in PAGES:
        response = await admin.get(case.at("t1"))
        size = len(response.content)
        loaded = set(re.findall(r'(?:src|href)="(/console/static/[^"]+)"', response.text))
        assert len(loaded) == 3
        for path in loaded:
            file = await admin.client.get(path)
            assert file.status_code == 200
            assert file.headers["cache-control"] == "public, max-age=31536000, immutable"
            size += len(file.content)
        assert size < 100_000, case.path


async def test_every_page_has_one_heading_a_title_and_a_skip_link(house: House, admin: Visitor) -> None:
    for case in PAGES:
        response = await admin.get(case.at("t1"))
        found = Elements(response.text).found
        levels = [int(tag[1]) for tag, _ in found if re.fullmatch("h[1-6]", tag)]
        assert levels.count(1) == 1, case.path
        assert all(after - before <= 1 for before, after in pairwise(levels)), (case.path, levels)
        ids = [attributes["id"] for _, attributes in found if "id" in attributes]
        assert len(ids) == len(set(ids)), case.path
        assert "main" in ids
        assert re.search(r"<title>[^·]*\w+[^·]* · Moderation gateway</title>", response.text), case.path


@pytest.mark.parametrize("text", HOSTILE)
async def test_what_others_wrote_is_shown_and_does_nothing(house: House, admin: Visitor, text: str) -> None:
    name = text.replace("/", "∕")  # no id has a slash
    keeping = house.keeping
    sanction = Sanction(Degree.WARN, 0, None)
    registrant = Registrant(f"r{name}", RegistrantKind.PERSON, VerificationState.VERIFIED, name, name)
    account = Account(f"x{name}", AccountState.ACTIVE, registrant, sanctions=(sanction,), account_class="standard")
    await keeping.register.put_account("t1", account, f"by {text}", house.clock.now)
    by = By(f"actor {text}", f"because {text}")
    changed = await keeping.desk.registrar.carry_out(
        "t1", ChangeAccount(account.account_id, text, None, None), by, RULES, house.clock.now
    )
    assert isinstance(changed, Registered)
    operator = Operator(f"op {text}", Role.ADMIN)
    assert await keeping.desk.operators.add(operator, "f" * 64, BY, house.clock.now)
    async with await house.signed_in(operator.name) as visitor:
        pages = [
            await visitor.get("/accounts", **{"Accept-Language": "en"}),
            await visitor.client.get("/console/accounts", params={"tenant": "t1", "q": "x"}),
            await visitor.client.get("/console/accounts", params={"tenant": "t1", "q": text}),
            await visitor.client.get(console.accounts.account_path("t1", account.account_id)),
            await visitor.client.get("/console/audit", params={"actor": by.actor, "account": text, "since": text}),
            await visitor.client.get("/console/audit"),
            await visitor.get("/operators"),
            await visitor.get("/profile"),
            await visitor.client.get("/console/sign-in", params={"next": text, "done": text}),
            await visitor.client.post(
                "/console/sign-in",
                data={"name": text, "password": "x", "csrf": cookies.derived(visitor.secret, "form")},
                headers={"Origin": "https://console.example"},
            ),
        ]
    shown = 0
    for page in pages:
        found = Elements(page.text).found
        assert [tag for tag, _ in found].count("script") == 1
        assert not [1 for tag, attributes in found if tag == "img" and attributes.get("src") == "x"]
        assert not [1 for _, attributes in found if [each for each in attributes if each.startswith("on")]]
        assert not [1 for _, attributes in found if str(attributes.get("href", "")).startswith("javascript")]
        assert not re.search("[\u200b\u202e\u2066\ufeff]", re.sub(r'value="[^"]*"', "", page.text))
        shown += "op " in page.text
    assert shown >= 6
    if text.isprintable():
        assert text in text_of(pages[3])
    else:
        assert "\\u20" in pages[3].text


@pytest.mark.parametrize(
    ("asked", "language", "title"),
    [
        ("", "en", "Sign in"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh", "登录"),
        ("de,en;q=0.5,zh;q=0.4", "en", "Sign in"),
        ("fr, zh-Hant;q=0.3", "zh", "登录"),
        ("en;q=x, zh;q=0.1", "zh", "登录"),
        ("*", "en", "Sign in"),
    ],
)
async def test_the_language_is_the_browsers(visitor: Visitor, asked: str, language: str, title: str) -> None:
    page = await visitor.get("/sign-in", **{"Accept-Language": asked})
    assert f'<html lang="{language}"' in page.text
    assert f"<h1>{title}</h1>" in page.text


async def test_language_and_theme_may_be_chosen_and_stay(visitor: Visitor, admin: Visitor) -> None:
    for each, back in ((visitor, "/console/sign-in"), (admin, "/console/audit?kind=decision")):
        for choice in ({"language": "zh"}, {"theme": "dark"}):
            done = await each.post("/preferences", {**choice, "next": back})
            assert (done.status_code, done.headers["location"]) == (303, back)
        page = await each.client.get(back)
        assert '<html lang="zh" data-theme="dark">' in page.text
        wrong = await each.post("/preferences", {"language": "xx", "next": "https://evil.example"})
        assert wrong.headers["location"] == "/console/"
        assert '<html lang="zh" data-theme="dark">' in (await each.client.get(back)).text


async def test_every_page_is_in_chinese_too(admin: Visitor) -> None:
    for case in PAGES:
        page = await admin.get(case.at("t1"), **{"Accept-Language": "zh"})
        assert page.status_code == 200
        assert "内容审核网关" in page.text
        words = re.findall(r"<(?:h1|h2|h3|th|label|legend|summary|figcaption)\b[^>]*>([^<]*[a-z]{3}[^<]*)<", page.text)
        assert [word for word in words if not word.startswith("acc-")] == [], case.path


def test_every_text_is_there_in_both_languages() -> None:
    for key, wordings in texts.catalogue().items():
        assert set(wordings) == set(texts.LANGUAGES), key
        assert all(isinstance(each, str) and each.strip() for each in wordings.values()), key
        english, chinese = (set(re.findall(r"\{\w+\}", wordings[language])) for language in texts.LANGUAGES)
        assert english == chinese, key


def test_every_text_that_is_asked_for_is_there() -> None:
    here = Path(console.__file__).parent
    source = "\n".join(
        file.read_text(encoding="utf-8")
        for ending in ("*.py", "templates/*.html")
        for file in sorted(here.glob(ending))
        if file.name != "__init__.py"
    )
    asked = set(re.findall(r"""\b(?:t|say)\(\s*['"]([a-z_.0-9]+)['"]\s*[,)]""", source))
    asked |= {f"nav.{part.name}" for part in console.PARTS if part.path is not None}
    asked |= {f"done.{name}" for name in re.findall(r"""\.go\([^)]*, ['"]([a-z_]+)['"]\)""", source)}
    assert len(asked) > 100
    assert asked <= set(texts.catalogue()), asked - set(texts.catalogue())


async def test_what_is_not_there_is_a_page_too(visitor: Visitor, admin: Visitor) -> None:
    for each in (visitor, admin):
        page = await each.get("/nothing")
        assert (page.status_code, "There is nothing at this address." in text_of(page)) == (404, True)
