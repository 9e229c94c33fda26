"""What may be kept of a person, and when two values are the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.model import Account, AccountState, Degree, Sanction
from gateway.core.personal import FIELDS, IDENTIFIERS, INDEXED, is_changed, normalised, problems, quoted
from gateway.core.personal_acts import UNKEPT_WORDING, Unkept, leaves_mark

CANARY = "Zaqxsw"


@pytest.mark.parametrize(
    ("field", "values"),
    [
        (
            "legal_name",
            ["Example Holder", "EXAMPLE  HOLDER", "example-holder", "Ｅｘａｍｐｌｅ Ｈｏｌｄｅｒ", "Example Holder."],
        ),
        ("legal_name", ["Straße Übung", "STRASSE ÜBUNG", "Straße Übung"]),
        ("id_number", ["АВ 123456", "AB123456"]),
        ("id_number", ["军字第123号", "军字第 123 号"]),
        ("legal_name", ["渡邉\U000e0100 一", "渡邉一"]),
        ("legal_name", ["示例 持有人", "示例持有人", "示例·持有人"]),
        (
            "id_number",
            [
                "11010519491231002X",
                "11010519491231002x",
                "110105 19491231 002X",
                "１１０１０５１９４９１２３１００２Ｘ",
                "11010519491231002X\u034f",
                "110105\ufe0f19491231002X\u3164",
                "1\u030110105\u206519491231002X\ue000",
                "11010519491231002\u0425",
                "١١٠١٠٥١٩٤٩١٢٣١٠٠٢X",
            ],
        ),
        ("vat", ["BE0428759497", "BE 428.759.497", "be0428759497"]),
        ("vat", ["NL004495445B01", "NL4495445B01"]),
        ("vat", ["EL094259216", "GR094259216", "EL 94259216"]),
        ("vat", ["DE 123 456 789", "de123456789", "DE-123.456.789"]),
        ("phone", ["+86 138 0013 8000", "0086-138-0013-8000", "86(138)0013.8000", "＋８６１３８００１３８０００"]),
        ("email", ["Holder@Example.org", " holder@example.ORG ", "ｈolder@example.org"]),
    ],
)
def test_values_that_are_the_same(field: str, values: list[str]) -> None:
    assert len({normalised(field, value) for value in values}) == 1
    assert normalised(field, values[0])


@pytest.mark.parametrize(
    ("field", "one", "other"),
    [
        ("legal_name", "Example Holder", "Example Holder 2"),
        ("legal_name", "示例", "示列"),
        ("id_number", "11010519491231002X", "110105194912310021"),
        ("phone", "+86 138 0013 8000", "138 0013 8000"),
        ("vat", "DE136695976", "DE136695977"),
        ("vat", "EL1", "GR1"),
        ("email", "a.b@example.org", "ab@example.org"),
    ],
)
def test_values_that_are_not_the_same(field: str, one: str, other: str) -> None:
    assert normalised(field, one) != normalised(field, other)


@given(value=st.text(max_size=40), field=st.sampled_from(INDEXED))
def test_the_form_that_is_compared_is_a_fixed_point(value: str, field: str) -> None:
    once = normalised(field, value)
    if not (field == "phone" and once.startswith("00")):  # a prefix is taken off once, not a second zero behind it
        assert normalised(field, once) == once


@given(st.from_regex(r"(BE|NL|EL|GR|DE|FR|ES|IT|XI)[0-9A-Z]{7,12}", fullmatch=True))
def test_the_form_of_a_vat_number_is_a_fixed_point(value: str) -> None:
    assert normalised("vat", normalised("vat", value)) == normalised("vat", value)


@pytest.mark.parametrize("field", sorted(set(FIELDS) - set(INDEXED)))
def test_a_field_that_is_not_compared_has_no_such_form(field: str) -> None:
    with pytest.raises(KeyError):
        normalised(field, "x")


def test_every_identifier_is_indexed() -> None:
    assert set(IDENTIFIERS) == {"id_number", "uscc", "lei", "vat"}
    assert set(IDENTIFIERS) < set(INDEXED)


@pytest.mark.parametrize(
    "fields",
    [
        {"legal_name": "Example Holder"},
        {"legal_name": "示例持有人", "id_number": "11010519491231002X", "birthdate": "1949-12-31"},
        {"phone": "+86 10 5555 0100", "email": "holder@example.org", "address": "1 Example Street"},
        {"claims": '{"verification": {"trust_framework": "de_aml"}, "claims": {"given_name": "x\\n"}}'},
    ],
)
def test_what_can_be_kept(fields: dict[str, str]) -> None:
    assert problems(fields) == []


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("legal_name", "", "legal_name: is empty"),
        ("legal_name", " \t", "legal_name: is empty"),
        ("legal_name", CANARY * 51, "legal_name: has more than 300 characters"),
        ("legal_name", CANARY + "\x00", "legal_name: holds control characters"),
        ("address", CANARY + "\ud800", "address: holds control characters or halves"),
        ("legal_name", "...", "legal_name: holds no letter or digit"),
        ("id_number", "\u3164\u0301", "id_number: holds no letter or digit"),
        ("birthdate", "1949-02-30", "birthdate: is not a date"),
        ("birthdate", "19491231", "birthdate: is not a date"),
        ("birthdate", CANARY, "birthdate: is not a date"),
        ("email", CANARY, "email: is not an e-mail address"),
        ("email", f"{CANARY}@a@b", "email: is not an e-mail address"),
        ("phone", CANARY, "phone: is not a telephone number"),
        ("phone", "1234", "phone: is not a telephone number"),
        ("phone", "1234567890123456", "phone: is not a telephone number"),
        ("phone", f"+86 10 5555 0100 {CANARY}", "phone: is not a telephone number"),
        ("claims", CANARY, "claims: is not a JSON object"),
        ("claims", f'["{CANARY}"]', "claims: is not a JSON object"),
        ("claims", "[" * 60_000, "claims: is not a JSON object"),
    ],
)
def test_a_problem_names_field_and_remedy_and_never_the_value(field: str, value: str, says: str) -> None:
    [problem, *_] = problems({field: value})

    assert problem.startswith(says)
    assert CANARY not in problem


def test_a_field_that_is_not_known_is_told_by_its_place() -> None:
    [problem] = problems({"legal_name": "Example", CANARY: "x"})

    assert problem.startswith("field 2 is not known; known are legal_name, id_number")
    assert CANARY not in problem


def test_nothing_is_a_problem() -> None:
    assert problems({}) == [f"no fields; known are {', '.join(FIELDS)}"]


def test_a_check_is_asked_about_what_is_well_formed_only() -> None:
    asked: list[str] = []

    def check(field: str, _value: str) -> str | None:
        asked.append(field)
        return "has a wrong check digit; compare it with the document"

    found = problems({"uscc": "91350211M000100Y43", "email": CANARY}, check)

    assert found[0] == "uscc: has a wrong check digit; compare it with the document"
    assert asked == ["uscc"]


@given(st.dictionaries(st.sampled_from(sorted(FIELDS)) | st.text(max_size=5), st.text(max_size=30), max_size=4))
def test_no_problem_quotes_a_value(fields: dict[str, str]) -> None:
    quoted = {name: f"{CANARY}{value}\x00" for name, value in fields.items()}

    assert CANARY not in " ".join(problems(quoted))


@pytest.mark.parametrize(
    ("before", "now", "changed"),
    [
        ({"legal_name": "Example Holder"}, {"legal_name": "EXAMPLE holder"}, False),
        ({"legal_name": "Example Holder"}, {"legal_name": "Example Owner"}, True),
        ({"legal_name": "A1", "vat": "DE 1"}, {"legal_name": "A1", "vat": "de1"}, False),
        ({"legal_name": "A1", "vat": "DE1"}, {"legal_name": "A1"}, True),
        ({"legal_name": "A1"}, {"legal_name": "A1", "vat": "DE1"}, True),
        ({"representative": "B1"}, {"representative": "B2"}, True),
        ({"proof_of_authority": "B1"}, {"proof_of_authority": "B2"}, True),
        ({"birthdate": "1949-12-31"}, {"birthdate": "1949-12-30"}, True),
        ({"address": "1", "phone": "12345", "email": "a@b", "claims": "{}"}, {"address": "2"}, False),
    ],
)
def test_what_has_to_be_proven_again(before: dict[str, str], now: dict[str, str], changed: bool) -> None:
    assert is_changed(before, now) is changed


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("ticket 7", None),
        ("example holder asked", "legal_name"),
        ("EXAMPLE-HOLDER", "legal_name"),
        ("wants 示例 looked up", "representative"),
        ("110105-1949-1231-002x", "id_number"),
        ("born 1949-12-31", "birthdate"),
        ("Ann", None),
        ("", None),
    ],
)
def test_a_value_in_a_text_is_seen(text: str, field: str | None) -> None:
    fields = {
        "legal_name": "Example Holder",
        "representative": "示例",
        "id_number": "11010519491231002X",
        "birthdate": "1949-12-31",
        "address": "Ann",
    }
    assert quoted(text, fields) == field


@pytest.mark.parametrize(
    ("account", "barred", "marked"),
    [
        (Account("a", AccountState.ACTIVE), False, False),
        (Account("a", AccountState.ACTIVE), True, True),
        (Account("a", AccountState.SUSPENDED), False, True),
        (Account("a", AccountState.CLOSED), False, True),
        (Account("a", AccountState.ACTIVE, sanctions=(Sanction(Degree.WARN, 0),)), False, False),
        *[
            (Account("a", AccountState.ACTIVE, sanctions=(Sanction(degree, 5, 6),)), False, True)
            for degree in set(Degree) - {Degree.WARN}
        ],
        (Account("a", AccountState.ACTIVE, sanctions=(Sanction(Degree.RESTRICT, 5),)), False, True),
        (Account("a", AccountState.ACTIVE, sanctions=(Sanction(Degree.RESTRICT, 4, 5),)), False, False),
        (Account("a", AccountState.ACTIVE, sanctions=(Sanction(Degree.RESTRICT, 6),)), False, False),
    ],
)
def test_what_an_erasure_leaves_behind(account: Account, barred: bool, marked: bool) -> None:
    assert leaves_mark([Account("b", AccountState.ACTIVE), account], barred=barred, at_ms=5) is marked


def test_a_registrant_without_accounts_leaves_nothing_behind() -> None:
    assert not leaves_mark([], barred=False, at_ms=5)


def test_every_refusal_has_words() -> None:
    assert set(UNKEPT_WORDING) == set(Unkept)
