"""How the shipped classifiers fare with texts that a moderator meets, by the thresholds of the shipped policy."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from tests.classifiers.casebook import LANGUAGES, Case, Judged, Limits, cases, failures, judged, limits, parse

FILES = Path(__file__).parent / "cases"
LEAST_OF_A_LANGUAGE = 0.95
LEAST_OF_A_HALF = 0.90
HALVES: Mapping[str, Callable[[Case], bool]] = {
    "benign": lambda case: not case.violations,
    "violation": lambda case: bool(case.violations),
}


@pytest.fixture(scope="module")
def results() -> list[Judged]:
    return judged(cases())


def assert_share(results: Sequence[Judged], least: float) -> None:
    wrong = failures(results, limits())
    right = len(results) - len(wrong)
    listed = "\n".join(str(result) for result in wrong)
    assert right >= least * len(results), f"{right} of {len(results)} as expected, not {least:.0%}:\n{listed}"


@pytest.mark.parametrize("language", LANGUAGES)
def test_nearly_all_of_a_language_is_judged_as_expected(language: str, results: list[Judged]) -> None:
    assert_share([result for result in results if result.case.language == language], LEAST_OF_A_LANGUAGE)


@pytest.mark.parametrize("half", HALVES)
def test_neither_half_pays_for_the_other(half: str, results: list[Judged]) -> None:
    assert_share([result for result in results if HALVES[half](result.case)], LEAST_OF_A_HALF)


def test_nothing_benign_is_blocked_without_a_person(results: list[Judged]) -> None:
    by = limits()
    blocked = [str(result) for result in results if not result.case.violations and result.blocked(by)]
    assert blocked == [], "\n".join(blocked)


def test_there_are_many_cases_of_both_halves_in_both_languages() -> None:
    found = cases()
    assert len(found) >= 200
    counts = Counter((case.language, bool(case.violations)) for case in found)
    assert {key: count for key, count in counts.items() if count < 50} == {}
    assert len(counts) == 4


def test_every_violation_is_asked_for_in_both_languages() -> None:
    for language in LANGUAGES:
        asked = {name for case in cases([language]) for name in case.violations}
        assert asked == set(limits().hold)


def test_no_case_is_there_twice() -> None:
    texts = Counter("".join(unicodedata.normalize("NFKC", case.text).casefold().split()) for case in cases())
    assert [text for text, count in texts.items() if count > 1] == []


@pytest.mark.parametrize(
    ("expect", "scores", "right"),
    [
        ("none", {"spam": 0.5, "news": 1.0}, True),
        ("none", {"spam": 0.6}, False),
        ("violence|hate", {"hate": 0.5}, True),
        ("violence|hate", {"spam": 0.9, "hate": 0.4}, False),
        ("news", {"news": 0.8}, True),
        ("news", {"news": 0.7}, False),
        ("news", {"news": 0.9, "hate": 0.5}, False),
        ("not_news", {"news": 0.7}, True),
        ("not_news", {"news": 0.8}, False),
        ("not_news", {"spam": 0.6}, False),
    ],
)
def test_what_counts_as_expected(expect: str, scores: dict[str, float], right: bool) -> None:
    by = Limits(hold={"hate": 0.5, "spam": 0.6, "violence": 0.5}, block={"hate": 0.9}, news=0.8)
    [case] = parse("english", "some.tsv", [f"some_kind\t{expect}\thello"])
    result = Judged(case, scores)
    assert result.as_expected(by) is right
    assert failures([result], by) == ([] if right else [result])
    assert result.blocked(by) == frozenset()
    assert Judged(case, {"hate": 0.9}).blocked(by) == {"hate"}


def test_escapes_stand_for_what_nobody_sees() -> None:
    [case] = parse("english", "some.tsv", ["# a comment", "", r"split	violence	ki\u200bll\nyou"])
    assert case == Case("english", "some.tsv:3", "split", "violence", "ki\u200bll\nyou")


def test_the_files_hold_no_unseen_character() -> None:
    """A reader sees what a case is made of: zero-width and control characters are written as escapes."""
    for file in FILES.iterdir():
        unseen = {char for char in file.read_text("utf-8") if unicodedata.category(char) in ("Cc", "Cf")}
        assert unseen <= {"\t", "\n"}, file.name


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("game\tnone", "some.tsv:1: write KIND, EXPECT and TEXT"),
        ("game\tnone\ta\tb", "some.tsv:1: write KIND"),
        ("game\tnone\t", "some.tsv:1: write KIND"),
        ("Game 1\tnone\ttext", "some.tsv:1: kind"),
        ("game\tfun\ttext", "some.tsv:1: expect"),
        ("game\tnews|spam\ttext", "some.tsv:1: expect"),
        ("game\tspam|\ttext", "some.tsv:1: expect"),
    ],
)
def test_a_malformed_line_is_named(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        parse("english", "some.tsv", [line])
