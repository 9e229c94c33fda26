"""Rows are judged one after the other, by the rules that hold for single acts too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.admission import (
    AccountNow,
    Admitted,
    Allowed,
    Known,
    Mark,
    RegistrantNow,
    admit_accounts,
    admit_registrants,
)
from gateway.core.model import RegistrantKind
from gateway.core.policy import Registration
from gateway.core.register_rows import AccountRow, RegistrantRow
from gateway.core.registration import name_digest

RULES = Registration(max_accounts={RegistrantKind.PERSON: 1, RegistrantKind.ORGANISATION: 2})
ALLOWED = Allowed(RULES, ("standard", "news_desk"), move=True)
PERSON = RegistrantNow("p", "person", "verified", "eidas", "high", None)
OPEN = AccountNow("a", "p", "Name", "active", "standard", None, False)


def row(line: int = 1, **given: object) -> AccountRow:
    values = {**dict.fromkeys(AccountRow._fields), "line": line, "account_id": "a", "registrant_id": "p", **given}
    return AccountRow(**values)  # type: ignore[arg-type]


def person(line: int = 1, **given: object) -> RegistrantRow:
    values = {**dict.fromkeys(RegistrantRow._fields), "line": line, "registrant_id": "p", "fields": {}, **given}
    return RegistrantRow(**values)  # type: ignore[arg-type]


def known(*accounts: AccountNow, **more: object) -> Known:
    around = Known({one.account_id: one for one in accounts}, {"p": PERSON}, **more)  # type: ignore[arg-type]
    for one in accounts:
        if one.registrant_id and one.state != "closed":
            around.open_accounts[one.registrant_id] = around.open_accounts.get(one.registrant_id, 0) + 1
    return around


def refusals(result: Admitted) -> list[tuple[int, str]]:
    return [(problem.line, problem.field) for problem in result.rejected]


def test_a_new_account_gets_defaults() -> None:
    result = admit_accounts([row()], known(), ALLOWED)
    assert result.accounts == {"a": AccountNow("a", "p", None, "active", "standard", None, False)}
    assert (result.taken, result.rejected) == (1, [])


def test_what_a_row_does_not_say_stays() -> None:
    before = AccountNow("a", "p", "Name", "suspended", "news_desk", 5, True)
    result = admit_accounts([row(name="Other")], known(before), ALLOWED)
    assert result.accounts == {"a": before._replace(name="Other")}


def test_what_is_there_already_is_not_written_again() -> None:
    result = admit_accounts([row(name="Name", state="active", kind="person", level="high")], known(OPEN), ALLOWED)
    assert (result.accounts, result.registrants, result.taken) == ({}, {}, 1)


@pytest.mark.parametrize(
    ("rows", "around", "refused"),
    [
        ([row(registrant_id="q")], known(), [(1, "registrant_id")]),
        ([row(registrant_id="q", level="high")], known(), [(1, "registrant_kind")]),
        ([row(registrant_id="q", kind="person")], known(), []),
        ([row(registrant_id=None)], known(), []),
        ([row(), row(2, account_id="b")], known(), [(2, "registrant_id")]),
        ([row(), row(2, account_id="b", state="closed")], known(), []),
        ([row(account_id="b")], known(OPEN), [(1, "registrant_id")]),
        ([row(state="closed"), row(2, account_id="b")], known(OPEN), []),
        ([row(account_id="b", registrant_id="o", kind="organisation"), row(2, registrant_id="o")], known(OPEN), []),
        ([row(name="Other")], known(OPEN), []),
        ([row(state="active")], known(OPEN._replace(state="closed")), [(1, "account_id")]),
        ([row(name="Other")], known(OPEN._replace(state="closed")), []),
        ([row()], known(barred={"p"}), [(1, "registrant_id")]),
        ([row(state="closed")], known(barred={"p"}), []),
        ([row(name="ＮＡＭＥ")], known(barred_names={name_digest("name")}), [(1, "name")]),
        ([row(name="Name")], known(OPEN, barred_names={name_digest("Name")}), []),
        ([row(state="closed"), row(2, account_id="b", name="name")], known(OPEN), [(2, "name")]),
    ],
)
def test_rules_of_registration(rows: list[AccountRow], around: Known, refused: list[tuple[int, str]]) -> None:
    result = admit_accounts(rows, around, ALLOWED)
    assert refusals(result) == refused
    assert result.taken == len(rows) - len(refused)


def test_who_was_erased_is_not_written_again() -> None:
    around = known()
    around.registrants["p"] = PERSON._replace(state="redacted")
    assert refusals(admit_accounts([row(kind="person")], around, ALLOWED)) == [(1, "registrant_id")]
    assert refusals(admit_registrants([person(kind="person")], around, {})) == [(1, "registrant_id")]


def test_facts_change_the_registrant_for_all_its_accounts() -> None:
    result = admit_accounts([row(verification="declined")], known(OPEN), ALLOWED)
    assert result.registrants == {"p": PERSON._replace(state="declined")}
    assert result.refreshed == {"p"}


A: Mark = ("legal_name", "1")
B: Mark = ("legal_name", "2")
NUMBER: Mark = ("uscc", "3")


@pytest.mark.parametrize(
    ("given", "verification", "state"),
    [
        ([A], None, "verified"),
        ([A, ("phone", "9")], None, "verified"),
        ([B], None, "created"),
        ([A, NUMBER], None, "created"),
        ([B], "verified", "verified"),
    ],
)
def test_another_name_or_number_has_to_be_verified_again(
    given: list[Mark], verification: str | None, state: str
) -> None:
    around = known(kept={"p": {A}})
    result = admit_registrants([person(verification=verification)], around, {1: given})
    assert around.registrants["p"].state == state
    assert result.restarted == (set() if state == "verified" and verification is None else {"p"})


@pytest.mark.parametrize(
    ("around", "refused"),
    [
        (known(), []),
        (known(holders={NUMBER: "q"}), [(1, "uscc")]),
        (known(holders={NUMBER: "p"}), []),
        (known(barred_marks={NUMBER}), [(1, "registrant_id")]),
        (known(barred_marks={NUMBER}, kept={"p": {NUMBER}}), []),
    ],
)
def test_an_identifier_is_one_registrant_s(around: Known, refused: list[tuple[int, str]]) -> None:
    assert refusals(admit_registrants([person()], around, {1: [NUMBER]})) == refused


def test_of_two_registrants_in_a_file_the_first_has_the_identifier() -> None:
    rows = [person(registrant_id="q", kind="person"), person(2, registrant_id="r", kind="person")]
    assert refusals(admit_registrants(rows, known(), {1: [NUMBER], 2: [NUMBER]})) == [(2, "uscc")]


ROWS = st.lists(
    st.builds(
        row,
        line=st.just(0),
        account_id=st.sampled_from("abcd"),
        registrant_id=st.sampled_from(["p", "q", "r", None]),
        name=st.sampled_from([None, "One", "Two"]),
        state=st.sampled_from([None, "active", "suspended", "closed"]),
    ).flatmap(
        lambda one: (
            st.just(one)
            if one.registrant_id is None
            else st.sampled_from([one, one._replace(kind="person"), one._replace(kind="organisation", level="high")])
        )
    ),
    max_size=14,
).map(lambda rows: [one._replace(line=number) for number, one in enumerate(rows)])


@given(ROWS, st.integers(0, 14))
def test_it_does_not_matter_how_a_file_is_cut(rows: Sequence[AccountRow], cut: int) -> None:
    """The second part meets what the register holds after the first; `Known` is that, kept up to date."""
    whole, parts = known(), known()
    together = admit_accounts(rows, whole, ALLOWED)
    first = admit_accounts(rows[:cut], parts, ALLOWED)
    second = admit_accounts(rows[cut:], replace(parts), ALLOWED)
    assert first.rejected + second.rejected == together.rejected
    assert {**first.accounts, **second.accounts} == together.accounts
    assert {**first.registrants, **second.registrants} == together.registrants


@given(ROWS)
def test_no_registrant_has_more_open_accounts_than_allowed(rows: Sequence[AccountRow]) -> None:
    around = known()
    admit_accounts(rows, around, ALLOWED)
    held: dict[str, int] = {}
    for account in around.accounts.values():
        if account.registrant_id is not None and account.state != "closed":
            held[account.registrant_id] = held.get(account.registrant_id, 0) + 1
    assert {who: count for who, count in around.open_accounts.items() if count} == held
    assert all(count <= 2 for count in held.values())


def test_an_account_keeps_its_registrant_unless_it_may_move() -> None:
    stays = Allowed(RULES)
    rows = [
        row(registrant_id="q", kind="person"),
        row(2),
        row(3, registrant_id=None, name="Other"),
        row(4, account_id="b", registrant_id="q", kind="person"),
        row(5, account_id="c"),
        row(6, account_id="d", registrant_id=None),
        row(7, account_id="d", registrant_id="r", kind="person"),
    ]
    nobody_s = OPEN._replace(account_id="b", registrant_id=None, name=None)
    around = known(OPEN, nobody_s)
    result = admit_accounts(rows, around, stays)
    assert result.rejected[0] == (1, "registrant_id", "another registrant stands behind the account; --move allows it")
    assert refusals(result) == [(1, "registrant_id"), (5, "registrant_id")]
    assert result.moved == set()
    assert around.accounts["a"].registrant_id == "p"
    again = admit_accounts([row(8, account_id="d", registrant_id="q")], around, stays)
    assert refusals(again) == [(8, "registrant_id")], "as it is since a line before"
    moved = admit_accounts([row(registrant_id="s", kind="person")], around, ALLOWED)
    assert (moved.moved, moved.moves, moved.rejected) == ({"a"}, 1, [])


@pytest.mark.parametrize(("given", "refused"), [("news_desk", []), ("standard", []), ("gold", [(1, "class")])])
def test_a_class_is_one_of_the_policy_s(given: str, refused: list[tuple[int, str]]) -> None:
    result = admit_accounts([row(account_class=given)], known(), ALLOWED)
    assert refusals(result) == refused
    if refused:
        assert result.rejected[0].reason == "is none of standard, news_desk"


def test_lines_are_counted_by_what_they_came_to() -> None:
    rows = [
        row(),  # as it is
        row(2, name="Other"),
        row(3, level="high"),  # known of the registrant already
        row(4, level="low"),  # of the registrant only
        row(5, registrant_id="q", kind="person"),
        row(6, registrant_id="r", kind="person", level="high"),
        row(7, account_id="b", registrant_id=None),
        row(8, account_id="b", registrant_id=None, name="Bee"),
    ]
    result = admit_accounts(rows, known(OPEN), ALLOWED)
    assert (result.taken, result.added, result.changed, result.moves) == (8, 1, 3, 2)
    people = [person(kind="person"), person(2, level="low"), person(3, fields={"phone": "1"})]
    people += [person(4, registrant_id="q", kind="person", fields={"phone": "1"})]
    result = admit_registrants(people, known(), {3: [("phone", "x")], 4: [("phone", "x")]})
    assert (result.taken, result.added, result.changed, result.moves) == (4, 1, 2, 0)
