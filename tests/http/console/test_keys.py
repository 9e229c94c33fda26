"""One key, one meaning: on every page a key stands for the same, and the page says for what."""

from __future__ import annotations

import re
from pathlib import Path

from gateway.http import console
from gateway.http.console import texts
from gateway.http.console.keys import KEYS
from tests.http.console.matrix import PAGES
from tests.http.console.test_pages import Elements
from tests.http.console.visiting import House, Visitor

TEMPLATES = sorted((Path(console.__file__).parent / "templates").glob("*.html"))
ALWAYS = {"j", "k", "/", "?", "Enter"}


def test_no_key_stands_for_two_things_and_each_says_what_it_does() -> None:
    assert len(set(KEYS.values())) == len(KEYS)
    assert not set(KEYS.values()) & ALWAYS
    for name in KEYS:
        wordings = [texts.say(language, f"key.{name}") for language in texts.LANGUAGES]
        assert len(set(wordings)) == len(texts.LANGUAGES), name


def test_templates_name_keys_by_what_they_do() -> None:
    named: set[str] = set()
    for template in TEMPLATES:
        source = template.read_text(encoding="utf-8")
        named |= set(re.findall(r"\bkey\('(\w+)'\)", source))
        named |= set(re.findall(r", '(\w+)'(?:, |\) \}\})", source)) & set(KEYS)
        if template.name != "macros.html":
            assert "data-key=" not in source, template.name
            assert not re.search(r"<kbd>\w</kbd>", source), template.name
    assert named == set(KEYS)


async def test_every_page_has_the_same_meanings(house: House, admin: Visitor) -> None:
    seen = set()
    for path in [case.at("t1") for case in PAGES] + ["/queue/t1/p-1-t1"]:
        for tag, attributes in Elements((await admin.get(path)).text).found:
            if (key := attributes.get("data-key")) is not None:
                assert KEYS[attributes["data-act"] or ""] == key, (path, tag)
                seen.add(attributes["data-act"])
    assert {"release", "reject", "uphold", "reverse", "agree", "decline", "take_down", "dismiss"} <= seen
