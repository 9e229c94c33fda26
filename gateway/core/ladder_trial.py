"""A ladder tried on what happened, before it is switched on: which sanctions it would have given, and to whom."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from gateway.core.ladder import DAY_MS, Strike, counts, need_not_be_kept, next_sanction
from gateway.core.ladder_rules import RANK, Ladder
from gateway.core.model import Degree
from gateway.core.sanction_records import waits_for

STRICTEST = 20
"""Accounts that are named."""


@dataclass
class Tried:
    """One account in the trial, with the strictest degree that it would have got."""

    tenant_id: str
    account_id: str
    degree: Degree | None = None
    sanctions: int = 0

    def strictness(self) -> tuple[int, int]:
        """What accounts are compared by."""
        return (-1 if self.degree is None else RANK[self.degree]), self.sanctions


@dataclass
class Trial:
    """Takes violations account by account, each account's in order of time, and keeps no more than one account's and
    the strictest. What is given before ``since_ms`` (unix ms) is not counted, but counts for what comes after it."""

    rules: Ladder
    since_ms: int
    violations: int = 0
    accounts: int = 0
    automatic: Counter[Degree] = field(default_factory=Counter)
    proposed: Counter[Degree] = field(default_factory=Counter)
    days: Counter[tuple[str, int]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._now: Tried | None = None
        self._history: list[Strike] = []
        self._closes = False
        self._strictest: list[tuple[tuple[int, int], str, str, Tried]] = []

    def take(self, strike: Strike) -> None:
        """One more violation."""
        now = self._now
        if now is None or (now.tenant_id, now.account_id) != (strike.tenant_id, strike.account_id):
            self.end_account()
            now = self._now = Tried(strike.tenant_id, strike.account_id)
            self._history, self._closes = [], False
        counted = strike.at_ms >= self.since_ms
        self.violations += counted
        self._history = [each for each in self._history if counts(each, self.rules, strike.at_ms)]
        if self.rules.weight(strike.category) == 0 or need_not_be_kept(self._history, strike, self.rules):
            return
        step = next_sanction(self._history, strike, self.rules, strike.at_ms)
        self._history.append(strike)
        if step is None or (step.degree is Degree.CLOSE and self._closes):
            return
        self._closes = self._closes or step.degree is Degree.CLOSE
        if not counted:
            return
        now.sanctions += 1
        if now.degree is None or RANK[step.degree] > RANK[now.degree]:
            now.degree = step.degree
        if waits_for(step, -1, self.rules) is None:  # the quota is told apart
            self.automatic[step.degree] += 1
            self.days[strike.tenant_id, strike.at_ms // DAY_MS] += 1
        else:
            self.proposed[step.degree] += 1

    def end_account(self) -> None:
        """The account's violations are all there."""
        now = self._now
        if now is None or now.degree is None:
            return
        self.accounts += 1
        entry = (now.strictness(), now.tenant_id, now.account_id, now)
        if len(self._strictest) < STRICTEST:
            heapq.heappush(self._strictest, entry)
        else:
            heapq.heappushpop(self._strictest, entry)
        self._now = None

    def strictest(self) -> list[Tried]:
        """The accounts that would have been treated most strictly, the strictest first."""
        return [entry[-1] for entry in sorted(self._strictest, key=lambda entry: entry[:3], reverse=True)]

    def stopped(self) -> tuple[int, int]:
        """On how many days (UTC) of a tenant the quota would have been used up, and how many sanctions only proposed
        for it."""
        over = [number - self.rules.daily_quota for number in self.days.values() if number > self.rules.daily_quota]
        return len(over), sum(over)


def tried(rules: Ladder, since_ms: int, strikes: Iterable[Strike]) -> Trial:
    """A trial of all these violations."""
    trial = Trial(rules, since_ms)
    for strike in strikes:
        trial.take(strike)
    trial.end_account()
    return trial
