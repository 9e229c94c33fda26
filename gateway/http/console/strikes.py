"""What is held against accounts, as pages show it: which incidents count, and what the next one would bring."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from gateway.core.ladder import Outlook, counts, outlook
from gateway.core.ladder_rules import Ladder
from gateway.core.policy import PolicyError, parse_policy
from gateway.core.sanction_records import Waits, waits_for
from gateway.http.console.shell import Shell
from gateway.ports import Incident, Rung

SHOWN: Final = 20
"""Incidents that a page shows, the newest."""


@dataclass(frozen=True, slots=True)
class Held:
    """An incident at a moment. ``until_ms`` is when it decays, None where its category weighs nothing."""

    incident: Incident
    standing: Literal["counts", "decayed", "removed", "weightless"]
    until_ms: int | None


@dataclass(frozen=True, slots=True)
class Next:
    """What the next violation would bring (see `Outlook`), and why a person would have to agree to it, if one would.
    ``others``: its categories are most of them, and need not be named."""

    outlook: Outlook
    waits: Waits | None
    others: bool


async def held_before(shell: Shell, tenant_id: str, account_id: str, moment_ms: int, policy_version: str) -> list[Held]:
    """What counted against an account at a moment, newest first, by the policy of then: what a sanction comes of. What
    turned out later to be none is among it, and says so."""
    rules = await _rules(shell, policy_version)
    found = await shell.console.desk.sanctions.latest_incidents(tenant_id, account_id, (moment_ms + 1, ""), SHOWN)
    return [
        held(each, rules, moment_ms)
        for each in found
        if counts(each.strike, rules, moment_ms) and (each.removed_ms is None or each.removed_ms >= moment_ms)
    ]


def held(incident: Incident, rules: Ladder, at_ms: int) -> Held:
    """An incident as it is at a moment."""
    strike = incident.strike
    if incident.removed_ms is not None:
        return Held(incident, "removed", None)
    if not rules.weight(strike.category):
        return Held(incident, "weightless", None)
    decays_ms = strike.at_ms + rules.decay_ms(strike.category)
    return Held(incident, "counts" if counts(strike, rules, at_ms) else "decayed", decays_ms)


def following(rung: Rung, rules: Ladder, *, stopped: bool) -> list[Next]:
    """What the next violation would bring an account. ``stopped``: the tenant's quota of automatic sanctions is used
    up. None where the policy holds nothing against anybody; what is not named by its categories comes last."""
    if not rules.strikes:
        return []
    used = rules.daily_quota if stopped else 0
    found = outlook(rung.points, rules)
    most = max(found, key=lambda each: len(each.categories))
    named = [each for each in found if each is not most]
    return [
        Next(each, waits_for(each.step, used, rules) if each.step is not None else None, each is most)
        for each in (*named, most)
    ]


async def _rules(shell: Shell, version: str) -> Ladder:
    """The ladder of a policy that was in force once; of the one in force, where that is not kept or valid any more."""
    desk = shell.console.desk
    policy = desk.policy()
    if version != policy.version:
        text = await desk.store.policy(version)
        kept = _parsed(text) if text is not None else None
        return kept if kept is not None else policy.policy.ladder
    return policy.policy.ladder


@lru_cache(maxsize=8)
def _parsed(text: str) -> Ladder | None:
    try:
        return parse_policy(text).policy.ladder
    except PolicyError:
        return None
