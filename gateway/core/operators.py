"""Those who keep the register, and what each may do.

    viewer -- registrar --+
       +----- reviewer ---+-- admin
       +----- policy -----+

Who enters particulars is not who confirms them: a registrar gives no verdicts, a reviewer changes no account. Nor does
who writes the rules decide what they are applied to.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from classifiers.contract import Value


class Role(StrEnum):
    """What a keeper of the register may do. Each includes reading; none shows personal data but `ADMIN`."""

    VIEWER = "viewer"
    """Reads."""
    REGISTRAR = "registrar"
    """Acts on accounts, registrants, licences, sources; starts verifications."""
    REVIEWER = "reviewer"
    """Gives verdicts on verifications, on what is held, on reports and appeals."""
    POLICY = "policy"
    """Changes what holds for all: the policy, and lists."""
    ADMIN = "admin"
    """All of these; and reveals and erases personal data."""


INCLUDES: Final[dict[Role, frozenset[Role]]] = {
    Role.VIEWER: frozenset({Role.VIEWER}),
    Role.REGISTRAR: frozenset({Role.VIEWER, Role.REGISTRAR}),
    Role.REVIEWER: frozenset({Role.VIEWER, Role.REVIEWER}),
    Role.POLICY: frozenset({Role.VIEWER, Role.POLICY}),
    Role.ADMIN: frozenset(Role),
}
"""The roles whose work each role may do."""


class Operator(Value, frozen=True):
    """A person or a system that keeps the register; of all tenants, or of one (``tenant_id``)."""

    name: str
    role: Role
    tenant_id: str | None = None

    def may(self, role: Role) -> bool:
        """Whether what needs this role is allowed."""
        return role in INCLUDES[self.role]

    def keeps(self, tenant_id: str) -> bool:
        """Whether the register of this tenant is this operator's business."""
        return self.tenant_id in (None, tenant_id)
