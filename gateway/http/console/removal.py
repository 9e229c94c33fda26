"""What a message's page says of its being taken down, and what may be done about it there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from gateway.core.ladder_rules import Happening
from gateway.core.model import Case
from gateway.core.operators import Operator, Role
from gateway.core.policy import VIOLATIONS
from gateway.core.records import Stored
from gateway.core.takedowns import PUBLIC, Takedown, back, down
from gateway.http.console.consequences import Consequences, consequences_of
from gateway.http.console.shell import Shell

_CATEGORIES: Final = tuple(sorted(VIOLATIONS))


@dataclass(frozen=True, slots=True)
class Removal:
    """``takedown`` is how far it has come, None if nobody asked. ``category`` is what it would be taken down for as far
    as anything says so, ``categories`` are all with their names, ``consequences`` what each would bring the account,
    where the message may be taken down."""

    takedown: Takedown | None
    public: bool
    may_remove: bool
    may_restore: bool
    category: str
    categories: tuple[tuple[str, str], ...]
    consequences: Consequences | None


async def removal_of(shell: Shell, by: Operator, stored: Stored, newest: Case) -> Removal:
    """What this operator is shown of a message."""
    takedown = await shell.console.desk.takedowns.of_message(stored.message.tenant_id, stored.message_id)
    public = stored.state in PUBLIC
    may = public and by.may(Role.REVIEWER)
    may_remove = may and down(takedown.state if takedown is not None else None) is not None
    foreseen = await consequences_of(shell, stored, Happening.TAKEDOWN, _CATEGORIES) if may_remove else None
    return Removal(
        takedown,
        public,
        may_remove=may_remove,
        may_restore=may and takedown is not None and back(takedown.state, takedown.attempts) is not None,
        category=_category(newest, takedown),
        categories=(
            ("", shell.say("takedown.choose")),
            *[(each, shell.named("category", each)) for each in _CATEGORIES],
        ),
        consequences=foreseen,
    )


def _category(newest: Case, takedown: Takedown | None) -> str:
    if takedown is not None and takedown.category in VIOLATIONS:
        return takedown.category
    return next((each.category for each in newest.decision.reasons if each.category in VIOLATIONS), None) or ""
