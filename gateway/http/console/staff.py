"""The operators, as administrators see them."""

from __future__ import annotations

from typing import Final

from fastapi import Response

from gateway.core.audit import KEY_ID
from gateway.core.operators import Role
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByAdmin, Shown

router = pages()
PART: Final = Part("staff", router, "/console/operators", Role.ADMIN)


@router.get("/operators")
async def show(by: ByAdmin, shell: Shown) -> Response:
    """All of them, or those of the administrator's own tenant. They are appointed on the command line."""
    found = await shell.console.desk.operators.operators()
    mine = [each for each in found if by.tenant_id is None or each.operator.tenant_id == by.tenant_id]
    return await shell.page("operators.html", appointed=mine, key_id=KEY_ID)
