"""Commands on licences, whitelists and articles."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import Result

from gateway.adapters.sql.news import SqlNews
from gateway.core.addresses import page_key
from gateway.core.model import Account, NewsAuthorisation, NewsKind
from gateway.core.news import Article
from tests.cli.conftest import Office
from tests.world import ACCOUNT, TENANT

BY = ("--actor", "Keeper", "--reason", "letter 7")
PUT = ("licences", "put", "t1", "lic-1", "--holder", "reg-1", "--scheme", "jti", "--kind", "originate")
TIMES = ("--valid-from", "2026-01-01", "--valid-to", "2029-01-01T00:00:00+08:00")
FROM_MS, TO_MS = 1_767_225_600_000, 1_861_891_200_000


@pytest.fixture(autouse=True)
def registered(office: Office) -> None:
    """A tenant with an account, which `reg-1` stands behind."""
    office.publish()


def account(office: Office) -> Account:
    """The account as the hot path sees it."""

    async def look() -> Account | None:
        async with office.store() as (_, register):
            return await register.account(TENANT.tenant_id, ACCOUNT.account_id)

    found = asyncio.run(look())
    assert found is not None
    return found


def article(office: Office, url: str) -> Article | None:
    """An article as the hot path finds it."""

    async def look() -> Article | None:
        async with office.store() as (store, _):
            return await SqlNews(store.database).article("t1", page_key(url), None)

    return asyncio.run(look())


def said(result: Result) -> str:
    """What a command that failed said."""
    assert result.exit_code == 1, result.output
    return result.output


def test_a_licence_is_put_listed_suspended_and_revoked(office: Office) -> None:
    put = office.run(*PUT, *TIMES, "--account", "acc-1", "--domain", "News.Example", "--licence-no", "7", *BY)
    assert (put.exit_code, put.output) == (0, "lic-1: active\n")
    seen = NewsAuthorisation("jti", NewsKind.ORIGINATE, FROM_MS, TO_MS, True, "lic-1", ("news.example",))
    assert account(office).news == (seen,)
    assert office.run("licences", "list", "t1").output == (
        "lic-1  active  originate  jti  no. 7  2026-01-01T00:00:00Z to 2028-12-31T16:00:00Z  on news.example  "
        "accounts: acc-1  evidence: 0\n"
    )
    assert office.run("licences", "list", "t1", "--account", "acc-2").output == ""

    assert office.run("licences", "set-status", "t1", "lic-1", "suspended", *BY).output == "lic-1: suspended\n"
    assert not account(office).news[0].active
    for _ in range(2):
        assert office.run("licences", "revoke", "t1", "lic-1", *BY).output == "lic-1: revoked\n"
    assert office.sql("SELECT count(*) FROM audit WHERE body LIKE '%revoked%'") == [(1,)]
    rows = office.run("accounts", "history", "t1", "acc-1").output.splitlines()
    assert [row.split("  ")[-1] for row in rows[-3:]] == [
        "lic-1, originate, 2026-01-01T00:00:00Z to 2028-12-31T16:00:00Z",
        "lic-1, suspended",
        "lic-1, revoked",
    ]
    restored = said(office.run("licences", "set-status", "t1", "lic-1", "active", *BY))
    assert "was revoked" in restored
    assert "put it again with its accounts" in restored
    assert account(office).news == ()
    assert "accounts: none" in office.run("licences", "list", "t1", "--holder", "reg-1").output
    assert office.run("audit", "verify").exit_code == 0


def test_a_licence_put_again_keeps_what_no_option_says(office: Office) -> None:
    whole = (
        "--account",
        "acc-1",
        "--licence-no",
        "7",
        "--issuer",
        "I",
        "--jurisdiction",
        "cn",
        "--domain",
        "a.example",
    )
    office.run(*PUT, *TIMES, *whole, "--suspended", *BY)
    listed = office.run("licences", "list", "t1").output
    put = ("licences", "put", "t1", "lic-1")
    assert office.run(*put, "--issuer", "Other", *BY).output == "lic-1: suspended\n"
    assert office.run("licences", "list", "t1").output == listed
    assert office.sql("SELECT issuer, jurisdiction FROM licences") == [("Other", "cn")]

    assert office.run(*put, "--active", "--domain", "", "--licence-no", "", *BY).output == "lic-1: active\n"
    changed = office.run("licences", "list", "t1").output
    assert changed == listed.replace("suspended", "active").replace("  no. 7", "").replace("  on a.example", "")

    office.run("licences", "revoke", "t1", "lic-1", *BY)
    assert "put it again with its accounts" in said(office.run(*put, "--issuer", "I", *BY))
    assert office.run(*put, "--account", "acc-1", *BY).output == "lic-1: active\n"
    assert office.run("licences", "list", "t1").output == changed
    missing = office.run("licences", "put", "t1", "lic-2", "--holder", "reg-1", "--kind", "originate", *BY)
    assert missing.exit_code == 2
    assert "give its --scheme, --valid-from, --valid-to" in missing.output


def test_a_licence_without_an_end_that_a_calendar_has_is_listed(office: Office) -> None:
    office.run(*PUT, *TIMES, *BY)
    office.sql("UPDATE licences SET valid_to = ?", 2**53)
    assert f" to {2**53}  accounts: none" in office.run("licences", "list", "t1").output


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ((*PUT, "--valid-from", "2026-01-01", "--valid-to", "2026-01-01"), "valid_to: must be after"),
        ((*PUT, *TIMES, "--domain", "localhost"), "domains: 'localhost'"),
        ((*PUT, *TIMES, "--account", "acc-2"), "an account is not there"),
        (("licences", "put", "t1", " ", *PUT[4:], *TIMES), "licence_id: give an id"),
        ((*PUT[:5], "reg-2", *PUT[6:], *TIMES), "no such registrant"),
        (("licences", "revoke", "t1", "lic-1"), "has no licence lic-1"),
        (("licences", "set-status", "t1", "lic-1", "active"), "has no licence lic-1"),
    ],
)
def test_what_cannot_be_done_is_said(office: Office, words: tuple[str, ...], problem: str) -> None:
    assert problem in said(office.run(*words, *BY))


def test_a_date_that_is_none_is_refused(office: Office) -> None:
    result = office.run(*PUT, "--valid-from", "soon", "--valid-to", "2029-01-01", *BY)
    assert result.exit_code == 2
    assert "'soon' is no date like 2026-01-31" in result.output


def test_evidence_is_kept_with_the_licence(office: Office, tmp_path: Path) -> None:
    trust = tmp_path / "trust.txt"
    trust.write_text("belongto=https://association.example/\ncontact=https://news.example/canary\n")
    words = ("licences", "import-evidence", "t1", "lic-1", str(trust), "--trust-txt", "news.example", *BY)
    first = said(office.run(*words))
    assert "--scheme trust_txt\n  --issuer association.example\n  --domain news.example\n" in first
    assert "put one first" in first

    office.run(*PUT, *TIMES, "--account", "acc-1", *BY)
    for _ in range(2):
        assert office.run(*words).output.endswith("lic-1: evidence kept\n")
    office.run(*PUT, *TIMES, "--account", "acc-1", *BY)  # evidence stays
    assert "accounts: acc-1  evidence: 1\n" in office.run("licences", "list", "t1").output
    assert office.sql("SELECT count(*) FROM licences WHERE evidence LIKE '%canary%'") == [(0,)]

    record = tmp_path / "organisation.json"
    record.write_text(json.dumps({"@type": "NewsMediaOrganization", "name": "N", "url": "https://news.example"}))
    added = office.run("licences", "import-evidence", "t1", "lic-1", str(record), "--organisation", *BY)
    assert "--scheme manual" in added.output
    assert "evidence: 2\n" in office.run("licences", "list", "t1").output


def test_bad_evidence_is_refused(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("mebmer=https://a.example\n")
    words = ("licences", "import-evidence", "t1", "lic-1", str(file))
    assert "line 1: trust.txt has no 'mebmer'" in said(office.run(*words, "--trust-txt", "news.example", *BY))
    assert "not JSON" in said(office.run(*words, "--organisation", *BY))
    assert office.run(*words, *BY).exit_code == 2
    assert office.run(*words, "--organisation", "--trust-txt", "news.example", *BY).exit_code == 2


def put_list(office: Office, file: Path, valid_from: str, text: str) -> Result:
    """Import a whitelist."""
    file.write_text(text)
    return office.run("whitelist", "import", "t1", str(file), "--name", "units", "--valid-from", valid_from, *BY)


def test_a_whitelist_is_imported_listed_and_checked(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    assert "no version is in force" in said(office.run("whitelist", "check", "t1", "--publisher", "新华社"))
    first = put_list(office, file, "2021-10-20", "publisher,domain\nThe News,news.example\n新华社,\n")
    assert first.output == "version 1: 2 sources, in force from 2021-10-20T00:00:00Z\n"
    put_list(office, file, "2025-01-01", "publisher,domain\nThe News,news.example\n")
    put_list(office, file, "2199-01-01", "publisher,domain\nOther,\n")

    lines = office.run("whitelist", "list", "t1").output.splitlines()
    assert [line[:4] for line in lines] == ["  1 ", "* 2 ", "  3 "]

    check = ("whitelist", "check", "t1")
    assert office.run(*check, "--url", "https://a.news.example/1").output == "The News: listed in version 2\n"
    at_2022 = office.run(*check, "--publisher", "新 华 社", "--at", "2022-01-01")
    assert at_2022.output.startswith("新华社: listed in version 1, without a site")
    assert "not listed in version 2" in said(office.run(*check, "--publisher", "新华社"))
    assert "not listed" in said(
        office.run(*check, "--url", "https://news.example.evil.test", "--publisher", "The News")
    )
    assert office.run(*check).exit_code == 2


def test_a_publisher_without_a_site_is_checked_by_the_article_of_the_page(office: Office, tmp_path: Path) -> None:
    put_list(office, tmp_path / "list.csv", "2021-10-20", "publisher,domain\nThe News,news.example\nPaper Only,\n")
    check = ("whitelist", "check", "t1")
    by_name = office.run(*check, "--publisher", "paper only").output
    assert by_name == "Paper Only: listed in version 1, without a site: for pages whose imported article names it\n"
    page = ("--url", "https://someone.test/1")
    why = "Paper Only is listed without a site, and no article imported for that page names it"
    for _ in range(2):
        assert (
            said(office.run(*check, *page, "--publisher", "Paper Only")) == f"Error: not listed in version 1: {why}\n"
        )
        line = {"publisher": "Nobody", "title": "T", "text": "x", "published_at": "2026-01-01", "url": page[1]}
        office.run("articles", "import", "t1", "-", *BY, given=json.dumps(line))
    office.run("articles", "import", "t1", "-", *BY, given=json.dumps({**line, "publisher": "PAPER ONLY"}))
    for words in (("--publisher", "Paper Only"), ()):
        found = office.run(*check, *page, *words).output
        assert found == "Paper Only: listed in version 1, by that page's article\n"
    assert said(office.run(*check, *page, "--publisher", "The News")) == "Error: not listed in version 1\n"


def test_an_address_without_a_scheme_is_no_unlisted_one(office: Office, tmp_path: Path) -> None:
    put_list(office, tmp_path / "list.csv", "2021-10-20", "publisher,domain\nThe News,news.example\n")
    result = office.run("whitelist", "check", "t1", "--url", "news.example/1")
    assert result.exit_code == 2
    assert "--url: https:// is missing; give https://news.example/1" in result.output
    assert "not listed" not in result.output


def test_a_bad_whitelist_changes_nothing(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "list.csv"
    output = said(put_list(office, file, "2026-01-01", "publisher,domain\nA,a.example\nB,b\n,c.example\n"))
    assert "list.csv: line 3, domain: 'b' is no domain name" in output
    assert "list.csv: line 4, publisher: give a name" in output
    file.write_bytes("publisher,domain\n新华社,\n".encode("gb18030"))
    words = ("whitelist", "import", "t1", str(file), "--name", "units", "--valid-from", "2026-01-01", *BY)
    assert "not UTF-8, at byte 17" in said(office.run(*words))
    assert office.run("whitelist", "list", "t1").output == ""


def test_articles_are_imported_and_bad_lines_are_named(office: Office, tmp_path: Path) -> None:
    good = {
        "url": "https://news.example/1",
        "publisher": "The News",
        "title": "标题",
        "text": "正文。",
        "published_at": "2026-01-01",
    }
    lines = [
        json.dumps(good, ensure_ascii=False),
        "",
        json.dumps({**good, "url": "news.example/2"}),
        json.dumps({**good, "url": "https://news.example/3", "author": "A. Writer"}),
        "{",
        "x" * (9 * 1024 * 1024),
        json.dumps({**good, "txet\x1b[2J" + "t" * 500: "x"}),
        json.dumps({**good, "text": " "}),
        json.dumps({**good, "text": "a\x00b"}),
        json.dumps({**good, "published_at": "yesterday"}),
        json.dumps({**good, "title": "x" * 1001}),
    ]
    file = tmp_path / "articles.ndjson"
    file.write_text("\n".join(lines))
    result = office.run("articles", "import", "t1", str(file), *BY)
    assert result.exit_code == 1
    assert result.stdout == "2 articles, 8 bad lines\n"
    problems = result.stderr.splitlines()
    assert [problem.partition(",")[0] for problem in problems] == [f"line {n}" for n in (3, 5, 6, 7, 8, 9, 10, 11)]
    assert "url: give an http or https address" in problems[0]
    assert max(map(len, problems)) < 200
    assert "unknown field `txet\\x1b[2Jttt" in problems[3]
    assert article(office, "https://news.example/1") == Article(
        str(page_key("https://news.example/1")), "The News", "标题", "正文。", FROM_MS
    )
    assert article(office, "https://news.example/2") is None
    assert article(office, "https://news.example/3") is not None


def test_many_articles_are_imported(office: Office, tmp_path: Path) -> None:
    file = tmp_path / "articles.ndjson"
    with file.open("w") as out:
        for number in range(450):
            given = {
                "url": f"https://news.example/{number}",
                "publisher": "The News",
                "title": "T",
                "text": "x",
                "published_at": "2026-01-01T08:00:00+08:00",
            }
            out.write(json.dumps(given) + "\n")
    assert office.run("articles", "import", "t1", str(file), *BY).output == "450 articles, 0 bad lines\n"
    last = article(office, "https://news.example/449")
    assert last is not None
    assert last.published_ms == FROM_MS


def test_a_tenant_says_where_it_wants_notices(office: Office) -> None:
    put = ("tenants", "put", "t2", "--name", "Two", "--upstream-url", "https://two.example", "--actor", "Keeper")
    assert office.run(*put, "--notify-url", "https://two.example/n").exit_code == 2
    for wrong in ("two.example/n", "http://[", "https://two.example:http", "https://two.example:0"):
        refused = office.run(*put, "--notify-url", wrong, "--notify-secret-env", "S")
        assert (refused.exit_code, "--notify-url" in refused.output) == (2, True)
    assert office.run(*put, "--notify-url", "https://two.example/n", "--notify-secret-env", "S").exit_code == 0
    assert office.sql("SELECT notify_url, notify_secret_env FROM tenants WHERE tenant_id = 't2'") == [
        ("https://two.example/n", "S")
    ]
