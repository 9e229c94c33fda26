"""Check digits, against published numbers and against another formulation of the standard's sum."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.check_digits import problem_of

ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"

PUBLISHED_USCC = [
    "91350100M000100Y43",  # the example in GB 32100-2015
    "9144030071526726XG",  # Tencent
    "91330100799655058B",  # Alibaba (China)
    "914403001922038216",  # Huawei
    "91110000802100433B",  # Baidu
    "91100000100003962T",  # Industrial and Commercial Bank of China
    "91110000710925462X",  # PetroChina
    "9152000071430580XT",  # Kweichow Moutai
    "91440300192317458F",  # BYD
    "91440300100012316L",  # Ping An
    "91110000600037341L",  # python-stdnum's own example
    "9135020026015919XW",  # Xiamen Xiangyu
    "12100000400002259P",  # Peking University: a public institution
    "12100000400000624D",  # Tsinghua University
    "11100000000013186G",  # a ministry
    "11100000MB0143028R",  # State Administration for Market Regulation
]
NOT_BY_THE_STANDARD = ["91350211M0000XUF46", "91350100M0001TGQXM", "91350203M0001FUE2P", "91350211M00013FA1N"]
"""Codes in use, from the trial before the standard was in force."""


def check_character(body: str) -> str:
    """By Horner's rule: the code, read backwards as digits of base 3 with the check character added, is 0 modulo 31."""
    total = 0
    for character in reversed(body):
        total = total * 3 + ALPHABET.index(character)
    return next(c for c in ALPHABET if (total + ALPHABET.index(c)) % 31 == 0)


characters = st.sampled_from(ALPHABET)
bodies = st.builds(
    lambda first, region, entity: "".join(first) + "".join(region) + "".join(entity),
    st.lists(characters, min_size=2, max_size=2),
    st.lists(st.sampled_from("0123456789"), min_size=6, max_size=6),
    st.lists(characters, min_size=9, max_size=9),
)


@pytest.mark.parametrize("code", PUBLISHED_USCC)
def test_published_codes_pass(code: str) -> None:
    assert check_character(code[:17]) == code[17]
    assert problem_of("uscc", code) is None


@pytest.mark.parametrize("prefix", ["A1", "N2", "Y1", "C1", "G1"])
def test_codes_that_begin_with_a_letter_pass(prefix: str) -> None:
    body = prefix + "110105MF0001234"[:15]
    assert problem_of("uscc", body + check_character(body)) is None


@pytest.mark.parametrize("code", NOT_BY_THE_STANDARD)
def test_a_code_from_before_the_standard_is_sent_to_a_person(code: str) -> None:
    assert "a person must review it" in (problem_of("uscc", code) or "")


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("", "give all 18 characters"),
        ("9144030071526726X", "give all 18 characters"),
        ("9144030071526726XGG", "give all 18 characters"),
        ("9144030071526726XO", "not a unified social credit code"),
        ("91A4030071526726XG", "not a unified social credit code"),
        ("I144030071526726XG", "not a unified social credit code"),
        ("٩١٤٤٠٣٠٠٧١٥٢٦٧٢٦XG", "not a unified social credit code"),
        ("9144030071526726XH", "the check character does not fit"),
    ],
)
def test_a_problem_names_the_field_and_the_remedy(code: str, problem: str) -> None:
    found = problem_of("uscc", code)
    assert found is not None
    assert found.startswith(f"uscc: {problem}")


def test_spaces_hyphens_and_case_do_not_matter() -> None:
    assert problem_of("uscc", "91 440300-71526726xg") is None


@given(bodies)
def test_a_computed_check_character_passes(body: str) -> None:
    assert problem_of("uscc", body + check_character(body)) is None


@given(bodies, st.integers(0, 17), characters)
def test_any_change_of_one_character_is_found(body: str, place: int, other: str) -> None:
    code = body + check_character(body)
    changed = code[:place] + other + code[place + 1 :]
    assert (problem_of("uscc", changed) is None) == (changed == code)


@given(bodies, st.integers(0, 16))
def test_two_neighbours_in_the_wrong_order_are_found(body: str, place: int) -> None:
    code = body + check_character(body)
    changed = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    assert (problem_of("uscc", changed) is None) == (changed == code)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("resident_id", "11010519491231002X"),  # the example in GB 11643-1999
        ("resident_id", "440524188001010014"),  # the other one
        ("resident_id", "360426199101010071"),
        ("id_number", "11010519491231002x"),
        ("id_number", "E12345678"),  # a passport's
        ("lei", "213800KUD8LAJWSQ9D15"),
        ("lei", "529900T8BM49AURSDO55"),
        ("vat", "DE136695976"),
        ("vat", "FR 61 954 506 077"),
        ("vat", "ATU57194903"),
    ],
)
def test_published_numbers_of_other_kinds_pass(field: str, value: str) -> None:
    assert problem_of(field, value) is None


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("resident_id", "110105194912310029", "resident_id: the check digits do not fit"),
        ("id_number", "110105 19491231 0029", "id_number: the check digits do not fit"),
        ("resident_id", "11010519491231002", "resident_id: give all 18 characters"),
        ("resident_id", "1101051949123100AX", "resident_id: not a resident identity number"),
        ("resident_id", "110105194902300020", "resident_id: a part of it"),  # 30 February
        ("lei", "213800KUD8LAJWSQ9D16", "lei: the check digits do not fit"),
        ("lei", "213800KUD8LAJWSQ9D1", "lei: "),
        ("vat", "DE136695978", "vat: the check digits do not fit"),
        ("vat", "US123456789", "vat: a part of it"),
        ("vat", "", "vat: "),
    ],
)
def test_what_the_library_finds_is_said_in_our_words(field: str, value: str, problem: str) -> None:
    found = problem_of(field, value)
    assert found is not None
    assert found.startswith(problem)


@given(st.sampled_from(["uscc", "resident_id", "lei", "vat"]), st.text(max_size=40))
def test_any_text_gets_an_answer_that_does_not_quote_it(field: str, value: str) -> None:
    found = problem_of(field, value)
    assert found is None or len(value) < 8 or value not in found


def test_a_field_without_check_digits_has_no_problem() -> None:
    assert problem_of("legal_name", "Example Press") is None
