"""What each role may do, cell by cell."""

from __future__ import annotations

import pytest

from gateway.core.operators import Operator, Role

MAY = {
    #               viewer registrar reviewer policy admin
    Role.VIEWER: (True, False, False, False, False),
    Role.REGISTRAR: (True, True, False, False, False),
    Role.REVIEWER: (True, False, True, False, False),
    Role.POLICY: (True, False, False, True, False),
    Role.ADMIN: (True, True, True, True, True),
}


@pytest.mark.parametrize("role", list(Role))
def test_what_a_role_may_do(role: Role) -> None:
    assert tuple([Operator("Ann", role).may(needed) for needed in Role]) == MAY[role]


@pytest.mark.parametrize(("scope", "keeps"), [(None, True), ("t1", True), ("t2", False), ("", False)])
def test_whose_register_an_operator_keeps(scope: str | None, keeps: bool) -> None:
    assert Operator("Ann", Role.ADMIN, scope).keeps("t1") is keeps
