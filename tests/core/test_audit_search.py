"""What is looked for in the audit chains, and where a search goes on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.audit_search import AuditQuery, decode_place, encode_place, member
from gateway.core.codec import encode_body

letters = st.characters(exclude_categories=["Cs"])


@given(st.dictionaries(st.integers(-1, 1000), st.integers(0, 2**62)))
def test_a_place_comes_back(place: dict[int, int]) -> None:
    assert decode_place(encode_place(place)) == place


@pytest.mark.parametrize("text", ["x", "1", "1_", "_1", "1_x", "1_-1", f"1_{2**63}", f"{2**31}_1", "1_1..2_1", "1_1.2"])
def test_what_is_no_place_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        decode_place(text)


@given(st.text(letters, max_size=20), st.text(letters, max_size=20))
def test_a_member_is_found_where_it_is_and_in_no_text(name: str, other: str) -> None:
    row = {"account_id": name, "note": f'"account_id":"{other}"', "given": member("account_id", other)}
    assert member("account_id", name) in encode_body(row)
    assert (member("account_id", other) in encode_body(row)) is (name == other)


def test_all_that_is_given_must_hold() -> None:
    query = AuditQuery(tenant_id="t1", account_id="a", actor='x"y')
    assert query.fragments() == ['"tenant_id":"t1"', '"account_id":"a"', '"actor":"x\\"y"']
    assert AuditQuery().fragments() == []
