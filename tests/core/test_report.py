"""The yearly report as a page and as CSV: whole, for everybody, and safe to open."""

from __future__ import annotations

import csv
import io
import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.report_csv import cell, csv_of
from gateway.core.report_html import page
from gateway.core.report_words import WORDS
from gateway.core.yearly import Year
from gateway.core.yearly_tables import Hours, Share, Table, cube, tables
from tests.statements import year_of

VOID = {"meta", "line", "rect"}
LANGUAGES = sorted(WORDS)


def counted() -> Year:
    year = Year(2025)
    for each in year_of(2025, 600):
        year.statement(each)
    return year


MADE = tables(counted())


class Page(HTMLParser):
    """Reads a page strictly: what is opened is closed, in order, and ids are unique."""

    def __init__(self, data: bytes) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.ids: set[str] = set()
        self.feed(data.decode())
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if (ident := dict(attrs).get("id")) is not None:
            assert ident not in self.ids
            self.ids.add(ident)
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    def named(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_page_is_whole(lang: str) -> None:
    read = Page(page("Example", 2025, MADE, lang))
    assert read.named("html") == [{"lang": WORDS[lang]["lang"]}]
    assert len(read.named("h1")) == len(read.named("main")) == 1
    assert len(read.named("table")) == len(read.named("caption")) == len(MADE)
    assert len(read.named("svg")) == len(MADE) - 1  # the summary has figures of many kinds
    for attributes in (each for _, each in read.tags):
        for reference in (attributes.get("aria-labelledby") or "").split():
            assert reference in read.ids


@pytest.mark.parametrize("lang", LANGUAGES)
def test_every_chart_is_told_in_words_and_has_its_table(lang: str) -> None:
    text = page("Example", 2025, MADE, lang).decode()
    for section in re.findall(r"<section .*?</section>", text, re.DOTALL):
        for chart in re.findall(r"<svg.*?</svg>", section, re.DOTALL):
            assert 'role="img"' in chart
            [told] = re.findall(r"<desc[^>]*>(.*?)</desc>", chart)
            for value in re.findall(r'<text class="value"[^>]*>(.*?)</text>', chart):
                assert value in told
                assert f"<td>{value}</td>" in section
        assert section.count("<table>") == 1


def test_the_page_needs_nothing_but_itself() -> None:
    text = page("Example", 2025, MADE, "en").decode()
    assert "http:" not in text
    assert "https:" not in text
    read = Page(text.encode())
    assert {"content": "default-src 'none'; style-src 'unsafe-inline'"}.items() <= read.named("meta")[-1].items()
    assert not {tag for tag, _ in read.tags} & {"script", "link", "img", "iframe", "object", "embed", "form", "base"}
    for _, attributes in read.tags:
        assert not [name for name in attributes if name in ("src", "href", "style") or name.startswith("on")]
    [style] = re.findall(r"<style>(.*?)</style>", text, re.DOTALL)
    assert "url(" not in style
    assert "@import" not in style
    assert "prefers-color-scheme: dark" in style
    assert "@media print" in style


@pytest.mark.parametrize("lang", LANGUAGES)
def test_the_same_numbers_give_the_same_bytes(lang: str) -> None:
    again = tables(counted())
    assert page("Example", 2025, again, lang) == page("Example", 2025, MADE, lang)
    assert [csv_of(table) for table in again] == [csv_of(table) for table in MADE]


def test_a_hostile_name_is_text() -> None:
    name = "<script>alert(1)</script>\"'&"
    read = Page(page(name, 2025, MADE, "en"))
    assert not read.named("script")
    assert name in "".join(read.texts)


def test_a_year_without_anything_has_a_page() -> None:
    for lang in LANGUAGES:
        Page(page("Example", 2025, tables(Year(2025)), lang))


def test_every_language_names_everything() -> None:
    keys = [set(words) for words in WORDS.values()]
    assert all(each == keys[0] for each in keys)
    for words in WORDS.values():
        for table in MADE:
            assert f"table.{table.name}" in words
            assert {f"column.{column}" for column in table.columns} <= set(words)
            for row in table.rows:
                assert {str(entry) for entry in row if isinstance(entry, str)} <= set(words) or table.name == "months"
    assert "限制" in page("Example", 2025, MADE, "zh").decode()


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n"])
def test_no_cell_is_a_formula(start: str) -> None:
    hostile = f'{start}HYPERLINK("x"),1'
    data = csv_of(Table("x", (hostile,), ((hostile, 1),)))
    rows = list(csv.reader(io.StringIO(data.decode(), newline=""), strict=True))
    assert rows == [[f"'{hostile}"], [f"'{hostile}", "1"]]


@given(st.text(max_size=20))
def test_csv_gives_back_what_it_was_given(text: str) -> None:
    data = csv_of(Table("x", ("a",), ((text,), (Share(0.125),), (Hours(None),))))
    rows = list(csv.reader(io.StringIO(data.decode(errors="surrogatepass"), newline=""), strict=True))
    assert [row[0] if row else "" for row in rows[1:]] == [cell(text), "0.1250", ""]
    assert cell(text) in (text, f"'{text}")


def test_csv_has_codes_and_numbers() -> None:
    for table in (*MADE, cube(counted())):
        head, *rows = csv.reader(io.StringIO(csv_of(table).decode(), newline=""), strict=True)
        assert tuple(head) == table.columns
        assert len(rows) == len(table.rows)
        assert all(re.fullmatch(r"[a-z_]*|\d+|\d+\.\d{4}|2025-\d\d", each) for row in rows for each in row)
