"""No form acts by Enter: what a browser would press for it in a field does nothing."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from tests.http.console.matrix import PAGES
from tests.http.console.visiting import House, Visitor

ENTER_SENDS = {"/console/sign-in"}
"""Forms that Enter may send; filters are others, for they change nothing."""
TYPED = {"text", "search", "password", "email", "number", "url", "tel", "checkbox", "radio", "date"}


class Forms(HTMLParser):
    """The forms of a page: where each goes, how, whether it has fields that Enter can be pressed in, and whether the
    button that Enter stands for, the first, is disabled."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[dict[str, str | bool | None]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        attributes = dict(attrs)
        if tag == "form":
            method, action = attributes.get("method") or "get", attributes.get("action") or ""
            self.found.append({"method": method, "action": action, "typed": False, "disabled": None})
        elif self.found:
            kind = attributes.get("type") or ("submit" if tag == "button" else "text")
            form = self.found[-1]
            if tag == "input" and kind in TYPED:
                form["typed"] = True
            if tag in ("input", "button") and kind in ("submit", "image") and form["disabled"] is None:
                form["disabled"] = "disabled" in attributes


async def test_enter_stands_for_no_button_of_any_form_of_any_page(house: House, admin: Visitor) -> None:
    typed, wrong = set(), []
    for path in [*[case.at("t1") for case in PAGES], "/queue/t1/p-1-t1"]:
        page = await admin.get(path)
        for form in Forms(page.text).found:
            if form["method"] == "post" and form["action"] not in ENTER_SENDS:
                typed |= {form["action"]} if form["typed"] else set()
                wrong += [] if form["disabled"] else [(path, form)]
    assert not wrong
    assert len(typed) >= 8  # decisions, sanctions, takedowns, personal data, the password, the policy


@pytest.mark.parametrize("path", ["/queue/t1/m-1-t1", "/reports/t1/r-1-t1", "/appeals/t1/a-1-t1"])
async def test_a_form_without_any_of_its_buttons_decides_nothing(house: House, admin: Visitor, path: str) -> None:
    before = await house.acts()
    response = await admin.post(f"{path}/decide", {"note": "reject", "reason": "ticket 7"})
    assert response.status_code == 422
    assert await house.acts() == before
