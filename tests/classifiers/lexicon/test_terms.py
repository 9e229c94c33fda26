"""The terms file: what a line says, and what is said about a bad one."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import CATEGORIES
from classifiers.lexicon.terms import LONGEST, SCORED, Term, TermError, parse
from classifiers.normalise import normalise

CONTEXTS = ("report", "jest")


def read(*lines: str) -> list[Term]:
    return parse("\n".join(lines), "f.tsv", CONTEXTS)


def test_a_line_has_a_term_a_category_a_weight_and_options() -> None:
    [term] = read("some term\tfraud\t0.4\tunless=@report,free of charge\tnear=buy,加微信\twithin=12\twhole=no")
    expected = Term(
        "some term", "fraud", 0.4, ("report",), ("free of charge",), ("buy", "加微信"), within=12, whole=False
    )
    assert term == expected
    assert read("傻逼\tharassment\t0.4") == [Term("傻逼", "harassment", 0.4)]


def test_remarks_and_blank_lines_and_line_ends_of_other_systems_say_nothing() -> None:
    assert read("# a remark", "", "  ", "word\tspam\t0.5\r", "") == [Term("word", "spam", 0.5)]


@pytest.mark.parametrize(
    ("written", "term"),
    [
        ("FuCK", "fuck"),
        ("ｆｕｃｋ", "fuck"),
        ("k1ll", "kill"),
        (" padded ", "padded"),
        ("傻\u200b逼", "傻逼"),
        ("f.u.c.k", "fuck"),
    ],
)
def test_a_term_is_read_as_the_normaliser_shows_it(written: str, term: str) -> None:
    assert [found.text for found in read(f"{written}\tspam\t0.5")] == [term]


def test_options_are_read_as_the_normaliser_shows_them() -> None:
    [term] = read("word\tspam\t0.5\tunless=ＦＲＥＥ\tnear=BUY")
    assert (term.phrases, term.near) == (("free",), ("buy",))


def test_of_lines_alike_the_heaviest_counts_and_others_all_count() -> None:
    assert read("Word\tspam\t0.3", "word\tspam\t0.6", "WORD\tspam\t0.5") == [Term("word", "spam", 0.6)]
    assert len(read("word\tspam\t0.3", "word\tfraud\t0.3", "word\tspam\t0.5\tnear=buy")) == 3


def test_every_category_but_news_may_be_given() -> None:
    assert CATEGORIES - {"news"} == SCORED
    assert {term.category for term in read(*[f"word\t{category}\t0.5" for category in SCORED])} == SCORED


@pytest.mark.parametrize(
    ("line", "column", "problem"),
    [
        ("word", 1, "1 column(s); give term, category and weight"),
        ("word\tspam", 2, "2 column(s); give term, category and weight"),
        ("\tspam\t0.5", 1, "is nothing a reader sees; give letters"),
        ("\u200b\tspam\t0.5", 1, "is nothing a reader sees; give letters"),
        ("xxx\tspam\t0.5", 1, "reads as the single sign 'x'; give a longer term"),
        ("ab" * LONGEST + "\tspam\t0.5", 1, f"{2 * LONGEST} characters; give at most {LONGEST}"),
        ("word\tnews\t0.5", 2, "category: unknown 'news'; give one of fraud, gambling"),
        ("word\tSpam\t0.5", 2, "category: unknown 'Spam'; give one of"),
        ("word\tspam\t0", 3, "weight: '0'; give a number between 0 and 1"),
        ("word\tspam\t1", 3, "weight: '1'; give a number between 0 and 1"),
        ("word\tspam\tnan", 3, "weight: 'nan'; give a number between 0 and 1"),
        ("word\tspam\thigh", 3, "weight: 'high'; give a number between 0 and 1"),
        ("word\tspam\t0.5\tunles=free", 4, "unknown 'unles=free'; give one of unless=, near=, within=, whole="),
        ("word\tspam\t0.5\tunless", 4, "unknown 'unless'; give one of"),
        ("word\tspam\t0.5\t\tunless=@reports", 5, "unknown context @reports; give one of @report, @jest, or a phrase"),
        ("word\tspam\t0.5\tunless=a1,,b", 4, "unless: an empty item; give words parted by commas"),
        ("word\tspam\t0.5\tnear=", 4, "near: an empty item; give words parted by commas"),
        ("word\tspam\t0.5\tnear=a1\tnear=b1", 5, "near: given twice; join the two"),
        ("word\tspam\t0.5\twithin=5", 4, "within: says nothing without near="),
        ("word\tspam\t0.5\tnear=buy\twithin=0", 5, f"within: '0'; give a number of characters from 1 to {LONGEST}"),
        ("word\tspam\t0.5\tnear=buy\twithin=²", 5, f"within: '²'; give a number of characters from 1 to {LONGEST}"),
        ("word\tspam\t0.5\twhole=maybe", 4, "whole: 'maybe'; give yes or no"),
    ],
)
def test_a_bad_place_is_named_with_its_remedy(line: str, column: int, problem: str) -> None:
    with pytest.raises(TermError) as caught:
        read("# first", "good\tspam\t0.5", line)
    [told] = caught.value.problems
    assert told.startswith(f"f.tsv:3:{column}: ")
    assert problem in told


def test_every_bad_line_is_named_and_a_flood_of_them_is_cut() -> None:
    with pytest.raises(TermError) as caught:
        read("a\tspam\t0.5", "good\tspam\t0.5", "b\tspam\t0.5")
    assert [told.split(":")[1] for told in caught.value.problems] == ["1", "3"]
    with pytest.raises(TermError) as caught:
        read(*["bad"] * 1000)
    assert len(caught.value.problems) == 100


def test_a_file_without_a_term_is_refused() -> None:
    with pytest.raises(TermError, match=r"f\.tsv:1:1: no term; give lines"):
        read("# nothing")


@st.composite
def terms(draw: st.DrawFn) -> Term:
    words = st.text("abc好人", min_size=2, max_size=6).filter(lambda text: normalise(text).text == text)
    near = draw(st.lists(words, max_size=2, unique=True))
    return Term(
        draw(words),
        draw(st.sampled_from(sorted(SCORED))),
        draw(st.integers(1, 99)) / 100,
        tuple(draw(st.lists(st.sampled_from(CONTEXTS), max_size=2, unique=True))),
        tuple(draw(st.lists(words, max_size=2, unique=True))),
        tuple(near),
        draw(st.integers(1, LONGEST)) if near else 40,
        draw(st.booleans()),
    )


@given(terms())
def test_the_line_of_a_term_reads_as_the_term(term: Term) -> None:
    assert read(term.line()) == [term]
