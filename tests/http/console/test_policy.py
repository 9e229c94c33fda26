"""The policy's page: what is in force, what is wrong with its file, and a policy that is tried and not written."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from gateway.core.model import Degree
from gateway.core.policy import parse_policy
from gateway.core.registration import By
from gateway.core.sanction_records import Order
from gateway.core.yaml_lines import Problem
from gateway.http.console import policy as page_of_policy
from tests.fakes import NOW_MS
from tests.http.console.test_pages import HOSTILE, Elements
from tests.http.console.visiting import House, Visitor, text_of
from tests.http.keeping import DAY_MS
from tests.http.violating import violate
from tests.policies import POLICY

LINES = POLICY.count("\n")


def tried(text: str = POLICY, tenant: str = "") -> dict[str, str]:
    """The form, with its lines as browsers send them."""
    return {"text": text.replace("\n", "\r\n"), "tenant": tenant}


async def test_the_policy_in_force_is_shown_line_by_line(house: House) -> None:
    async with await house.signed_in("our viewer") as viewer:
        page = await viewer.get("/policy")
    text = text_of(page)
    assert house.keeping.world.policy.version in text
    assert re.findall(r"<li><bdi[^>]*>([^<]*)</bdi></li>", page.text) == POLICY.rstrip("\n").split("\n")
    assert ("The file is refused" in text, "/policy/try" in page.text) == (False, False)


async def test_a_file_that_is_refused_is_told_with_its_problems(house: House, admin: Visitor) -> None:
    house.keeping.policy_problems = (Problem(3, "news.threshold", "give a number <b>"), Problem(9, "file", "odd"))
    text = text_of(await admin.get("/policy"))
    assert "The file is refused What stands below stays in force until the file is right." in text
    assert "Line 3 news.threshold : give a number <b> Line 9 file : odd" in text


async def test_a_file_that_is_not_there_has_no_line(house: House, admin: Visitor) -> None:
    house.keeping.policy_problems = (Problem(0, "file", "no such file"),)
    text = text_of(await admin.get("/policy"))
    assert "until the file is right. file : no such file" in text


async def test_a_policy_is_tried_and_nothing_is_written(house: House) -> None:
    async with await house.signed_in("the policy") as writer:
        before = await house.acts()
        same = text_of(await writer.post("/policy/try", tried()))
        assert f"It can be used Version {house.keeping.world.policy.version} The one in force" in same
        other = POLICY.replace("deadline_ms: 800", "deadline_ms: 900")
        response = await writer.post("/policy/try", tried(other))
        text = text_of(response)
        assert f"It can be used Version {parse_policy(other).version} Try a policy" in text
        assert "deadline_ms: 900" in response.text  # still in the form
        assert await house.acts() == before
        assert await house.keeping.store.policy(parse_policy(other).version) is None


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (POLICY.replace("deadline_ms: 800", "deadline_ms: never"), 1, "deadline_ms : "),
        (POLICY + "odd: 1\n", LINES + 1, "odd : "),
        ("\n\n" + POLICY + "odd: 1\n", LINES + 3, "odd : "),  # empty lines in front count
        (POLICY + "news: {threshold: 1}\n", LINES + 1, "news : given twice"),
        (POLICY + "ladder: {reviewers: {close: 1}}\n", LINES + 1, "it takes two to close an account"),
        ("a: &b [1]\nc: *b\n", 2, "aliases are not taken here"),
        ("[" * 3_000, 1, "more than 50 fields within one another"),
        ("news: [", 1, "file : "),
        ("just words", 1, "file : expected a mapping of fields"),
    ],
    ids=lambda value: str(value)[-30:],
)
async def test_what_is_wrong_with_a_policy_is_said_line_by_line(house: House, text: str, line: int, words: str) -> None:
    async with await house.signed_in("the policy") as writer:
        before = await house.acts()
        response = await writer.post("/policy/try", tried(text, "t1"))
        shown = text_of(response)
        assert response.status_code == 422
        assert "It cannot be used" in shown
        assert f"Line {line} " in shown
        assert words in shown
        assert "It can be used" not in shown
        assert await house.acts() == before


async def test_a_form_without_a_policy_is_refused(house: House) -> None:
    async with await house.signed_in("the policy") as writer:
        response = await writer.post("/policy/try", {"tenant": "t1"})
        assert (response.status_code, "Fill in this field." in response.text) == (422, True)
        large = await writer.post("/policy/try", tried("a" * 70_000))
        assert (large.status_code, "too large" in large.text) == (413, True)


async def test_its_ladder_is_tried_on_what_happened(house: House) -> None:
    await violate(house.keeping, 1, NOW_MS - 40 * DAY_MS)  # longer ago, but counts for what comes after it
    for number in (2, 3):
        await violate(house.keeping, number, NOW_MS - number * DAY_MS)
    await house.console.desk.sanctions.impose("t1", Order("acc-2", Degree.WARN, 3), By("test", "x"), NOW_MS)
    strict = POLICY + "ladder: {steps: [{degree: warn}, {degree: suspend, days: 9}, {degree: close}]}\n"
    async with await house.signed_in("our policy") as writer:
        before = await house.acts()
        response = await writer.post("/policy/try", tried(strict, "t1"))
        text = text_of(response)
        assert (
            "What its ladder would have given t1 over 30 days 2 violations. 1 account would have been sanctioned."
            in text
        )
        rows = re.findall(r"<tr><td>(\w+)</td>" + r'<td class="number">(\d+)</td>' * 3, response.text)
        assert rows == [
            ("Warning", "0", "0", "2"),  # those of people, who act at this moment
            ("Restriction", "0", "0", "2"),
            ("Suspension", "1", "0", "0"),
            ("Closure", "0", "1", "1"),
        ]
        assert "acc-1 Closure 2 Closure" in text
        assert 'href="/console/accounts/t1/acc-1"' in response.text
        assert await house.acts() == before
        none = text_of(await writer.post("/policy/try", tried(POLICY + "ladder: {strikes: [takedown]}\n", "t1")))
        assert "0 violations. 0 accounts would have been sanctioned." in none
        assert (await writer.post("/policy/try", tried(strict, "t2"))).status_code == 404


async def test_a_quota_that_would_have_been_used_up_is_told(house: House) -> None:
    for number in (2, 3):
        await violate(house.keeping, number, NOW_MS - number * 3_600_000)
    async with await house.signed_in("the policy") as writer:
        text = POLICY + "ladder: {incident_minutes: 0, daily_quota: 1}\n"
        shown = text_of(await writer.post("/policy/try", tried(text, "t1")))
    assert "The quota would have been used up on 1 day, and 1 only proposed for it." in shown


async def test_more_than_a_page_can_try_is_said(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    await violate(house.keeping, 1, NOW_MS)
    async with await house.signed_in("the policy") as writer:
        for name, value in (("MOST", 0), ("SECONDS", -1.0)):
            with monkeypatch.context() as patched:
                patched.setattr(page_of_policy, name, value)
                text = text_of(await writer.post("/policy/try", tried(tenant="t1")))
            assert "More happened than is tried on a page" in text
            assert "would have been sanctioned" not in text
        assert "1 violation." in text_of(await writer.post("/policy/try", tried(tenant="t1")))


@pytest.mark.parametrize("text", HOSTILE)
async def test_a_hostile_policy_does_nothing(house: House, text: str) -> None:
    policy = parse_policy(POLICY + f"# {text}\n")
    house.keeping.world.policy = replace(policy)
    house.keeping.policy_problems = (Problem(1, text, text),)
    async with await house.signed_in("the policy") as writer:
        pages = [
            await writer.get("/policy"),
            await writer.post("/policy/try", tried(f"{text}: {text}", text)),
            await writer.post("/policy/try", tried(f"</textarea>{text}")),
            await writer.post("/policy/try", tried(POLICY + f"'{text}': 1")),
        ]
    for page in pages:
        found = Elements(page.text).found
        assert [tag for tag, _ in found].count("script") == 1
        assert not [1 for tag, attributes in found if tag == "img" and attributes.get("src") == "x"]
        assert not [1 for _, attributes in found if [each for each in attributes if each.startswith("on")]]
        shown = re.sub(r"<textarea.*?</textarea>", "", page.text, flags=re.S)
        assert not re.search("[\u200b\u202e\u2066\ufeff]", shown)
