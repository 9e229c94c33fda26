"""Which part of the queue somebody goes through: it is kept from one message to the next."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from classifiers.contract import CATEGORIES
from gateway.core.operators import Operator
from gateway.http.console.shell import Shell
from gateway.http.problems import Problem


@dataclass(frozen=True, slots=True)
class Which:
    """The entries of a tenant, of a category, and escalated ones only; empty for all."""

    tenant: str = ""
    category: str = ""
    escalated: str = ""

    @property
    def fields(self) -> Mapping[str, str]:
        """What is chosen, as a page's address and a form's hidden fields carry it."""
        found = {"of": self.tenant, "category": self.category, "escalated": self.escalated}
        return {name: value for name, value in found.items() if value}

    @property
    def asked(self) -> Mapping[str, str]:
        """What is chosen, as the list's filter names it."""
        return {"tenant": self.tenant, "category": self.category, "escalated": self.escalated}

    def address(self, path: str, **more: str) -> str:
        """A page that keeps it."""
        query = urlencode({**more, **self.fields})
        return f"{path}?{query}" if query else path

    def listed(self, path: str, **more: str) -> str:
        """The list, filtered by it."""
        query = urlencode({**more, **{name: value for name, value in self.asked.items() if value}})
        return f"{path}?{query}" if query else path


EVERYTHING: Final = Which()


async def which_of(shell: Shell, by: Operator, tenant: str, category: str, escalated: str) -> Which:
    """What was asked for; an operator's own tenant need not be named. Raises `Problem` for another's."""
    chosen = await tenant_of(shell, by, tenant)
    known = category if category in CATEGORIES else ""
    return Which("" if chosen is None or chosen == by.tenant_id else chosen, known, "1" if escalated else "")


async def tenant_of(shell: Shell, by: Operator, tenant: str) -> str | None:
    """The tenant that was asked for, or the operator's own; None for all. Raises `Problem` for another's."""
    if tenant and tenant not in await shell.console.tenants_of(by):
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    return tenant or by.tenant_id
