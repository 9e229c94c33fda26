"""What a decision would bring an account, which is shown before it is taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from gateway.core.ladder import Strike
from gateway.core.ladder_rules import Happening
from gateway.core.records import Stored
from gateway.http.console.shell import Shell
from gateway.http.console.strikes import SHOWN, Held, held
from gateway.ports import Foreseen


@dataclass(frozen=True, slots=True)
class Group:
    """Categories that would bring the same; None for nothing."""

    foreseen: Foreseen | None
    categories: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consequences:
    """What a violation would bring now, by category, and what counts against the account already."""

    by_category: Mapping[str, Foreseen | None]
    behind: Sequence[Held] = ()

    @property
    def groups(self) -> list[Group]:
        """The same, by what it would bring, what is strictest in front."""
        found: dict[str, Group] = {}
        for category, foreseen in self.by_category.items():
            known = found.get(code_of(foreseen), Group(foreseen, ()))
            found[code_of(foreseen)] = Group(foreseen, (*known.categories, category))
        return sorted(found.values(), key=_strictness, reverse=True)

    def code(self, category: str) -> str:
        """What this category would bring, as a form says that it was read; empty for nothing."""
        return code_of(self.by_category.get(category))


def code_of(foreseen: Foreseen | None) -> str:
    """A consequence in a word, the same as long as a person would call it the same."""
    if foreseen is None:
        return ""
    degrees = "+".join([degree.value for degree in foreseen.step.degrees()])
    return f"{degrees}/{foreseen.step.days or 0}/{foreseen.waits or 'automatic'}"


async def consequences_of(
    shell: Shell, stored: Stored, happening: Happening, categories: Sequence[str]
) -> Consequences:
    """What would come of holding a message against its account, by category."""
    kept, now_ms, message = shell.console.desk.sanctions, shell.now_ms, stored.message
    strike = Strike(
        "", message.tenant_id, message.account_id, now_ms, happening, "", stored.message_id, message.content_hash
    )
    found = await kept.foresee(strike, categories, now_ms)
    rules = shell.console.desk.policy().policy.ladder
    incidents = await kept.latest_incidents(message.tenant_id, message.account_id, None, SHOWN)
    return Consequences(found, [one for each in incidents if (one := held(each, rules, now_ms)).standing == "counts"])


def _strictness(group: Group) -> tuple[int, float]:
    return (-1, 0.0) if group.foreseen is None else group.foreseen.step.strictness()
