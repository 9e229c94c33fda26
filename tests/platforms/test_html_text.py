"""What readers see of HTML and markdown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.platforms.html_text import html_texts
from gateway.platforms.markdown_text import markdown_texts


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("plain", ["plain"]),
        ("k<b>i</b>ll", ["kill"]),
        ("<p>one</p><p>two</p>", ["one\ntwo"]),
        ("a<br>b<br/>c", ["a\nb\nc"]),
        ("a &amp; b &#107;&#x69;ll", ["a & b kill"]),
        ('<a href="https://one.example" title="tip">x</a>', ["x", "https://one.example", "tip"]),
        ('<img src="mxc://a" alt="cat" width="5">', ["mxc://a", "cat"]),
        ('<span data-mx-spoiler="why" data-mx-color="#fff">hidden</span>', ["hidden", "why"]),
        ("<!-- aside -->", [" aside "]),
        ("<script>alert()</script>", ["alert()"]),
        ("<style>p{}</style>", ["p{}"]),
        ("<b", ["<b"]),
        ("1 < 2", ["1 < 2"]),
        ("", []),
        ("<p> </p>", []),
    ],
)
def test_html(source: str, texts: list[str]) -> None:
    assert html_texts(source) == texts


@given(st.text())
def test_any_text_is_read(source: str) -> None:
    html_texts(source)
    markdown_texts(source)


@given(st.text(st.characters(codec="utf-8", exclude_characters="<>&", categories=["L", "N"]), min_size=1), st.data())
def test_marks_do_not_hide_a_word(word: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(word)))
    opened, closed = data.draw(
        st.sampled_from([("<b>", "</b>"), ("<i class='x'>", "</i>"), ("<span>", ""), ("", "</u>")])
    )
    assert html_texts(f"{word[:at]}{opened}{word[at:]}{closed}") == [word]


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("plain", ["plain"]),
        ("k**i**ll", ["k**i**ll", "kill"]),
        (r"k\_ill", [r"k\_ill", "kill"]),
        ("||x||", ["||x||", "x"]),
        ("&lt;3", ["&lt;3", "<3"]),
        ("***", ["***"]),
    ],
)
def test_markdown(source: str, texts: list[str]) -> None:
    assert markdown_texts(source) == texts


@pytest.mark.parametrize(
    "piece",
    [
        "<!--",
        "<!-->",
        "<!",
        "<![",
        "<![CDATA[",
        "<?",
        "<a ",
        "<a b=",
        "<a b='",
        '<a b="c" ',
        "<a b",
        "</",
        "</a ",
        "<",
        "&",
        "&#",
        "&amp",
        "<a/",
        "= ",
        "<p>x</p>",
    ],
)
def test_a_long_text_of_broken_marks_is_read_in_one_pass(piece: str) -> None:
    html_texts(piece * 50_000)  # a scanner that looks ahead each time takes minutes


@pytest.mark.parametrize(
    ("source", "texts"),
    [
        ("<!-->k<b>i</b>ll<!---->", ["kill"]),
        ("<!--->x-->", ["x-->"]),
        ("<!-- k<b>i</b>ll -->", [" k<b>i</b>ll ", " kill "]),
        ("<!-- never closed", [" never closed"]),
        ("<!DOCTYPE html>x", ["x", "DOCTYPE html"]),
        ("<?php say ?>x", ["x", "php say ?"]),
        ("<a title=one alt = 'two' href=\"th&#114;ee>\">x</a>", ["x", "one", "two", "three>"]),
        ("<a title='never closed>x", ["<a title='never closed>x", "never closed>x"]),
        ("<A TITLE=tip>x</A>", ["x", "tip"]),
        ("<br/>a<hr title=t />b", ["a\nb", "t"]),
        ("</>x<3", ["</>x<3"]),
        ("<p=x y>z", ["z"]),
        ("<a =b>z", ["z"]),
    ],
)
def test_html_that_is_broken(source: str, texts: list[str]) -> None:
    assert html_texts(source) == texts
