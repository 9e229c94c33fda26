"""Reports by the public, and the trusted flaggers among those who make them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.core.registration import By
from gateway.core.report_rules import Reports as Rules
from gateway.core.reports import Channel, Draft, Redress, State, Undecided, Verdict


@dataclass(frozen=True, slots=True)
class Taken:
    """A report was taken, or had been (not ``new``), and should be decided by ``due_ms`` (unix milliseconds). Whoever
    has ``receipt_id`` and ``token`` is told its outcome. ``warned``: its reporter's reports were often unfounded, and
    must not be again. ``reports`` are the ids of what it joined; they are told to nobody outside."""

    receipt_id: str
    token: str
    new: bool
    warned: bool
    due_ms: int
    reports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Muted:
    """Nothing was taken: this reporter is not heard until then (unix milliseconds)."""

    until_ms: int


@dataclass(frozen=True, slots=True)
class Item:
    """One of the contents that somebody reported, by what they named it. ``due_ms`` is until when they may expect an
    outcome; ``unfounded`` says that it was manifestly so. ``redress`` is what they can do here about the outcome."""

    reference: str
    state: State
    due_ms: int
    decided_ms: int | None
    note: str
    unfounded: bool
    redress: Redress | None

    @property
    def may_complain(self) -> bool:
        """Of this outcome, once, while it is kept."""
        return self.redress is Redress.COMPLAIN


@dataclass(frozen=True, slots=True)
class Told:
    """What the holder of a receipt is told."""

    receipt_id: str
    tenant_id: str
    category: str
    created_ms: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """One reported content. ``references`` are what it was called, ``reporters`` how many people reported it,
    ``trusted`` whether a trusted flagger was among them. ``message_id`` and ``account_id`` are None where no message is
    known of it. Times are unix milliseconds; ``complaint`` says that it is open because of one against its outcome."""

    report_id: str
    tenant_id: str
    state: State
    is_open: bool
    category: str
    reporters: int
    trusted: bool
    created_ms: int
    due_ms: int
    message_id: str | None
    account_id: str | None
    references: tuple[str, ...]
    claimed_by: str | None
    claimed_until_ms: int
    complaint: bool
    decided_by: str | None
    decided_ms: int | None
    unfounded: bool
    note: str


@dataclass(frozen=True, slots=True)
class Said:
    """What one reporter says of it. ``explanation`` is None where no key here opens it."""

    receipt_id: str
    channel: Channel
    category: str
    created_ms: int
    explanation: str | None
    flagger: str | None


@dataclass(frozen=True, slots=True)
class Reporter:
    """Who made a report: empty where it was not said."""

    receipt_id: str
    name: str
    email: str


@dataclass(frozen=True, slots=True)
class Decided:
    """What came of a decision. ``takedown``: the message has to be taken down, and that is on its way."""

    report: Report
    takedown: bool


@dataclass(frozen=True, slots=True)
class Flagger:
    """A trusted flagger (article 22) of a tenant, and how right it has been: reports decided, of them acted on, not
    acted on, and (of these) manifestly unfounded. ``revoked_ms`` is None while its key is good."""

    tenant_id: str
    name: str
    key_hash: str
    created_ms: int
    revoked_ms: int | None
    decided: int
    actioned: int
    errors: int
    unfounded: int


class Reports(Protocol):
    """Reports, their receipts, and the flaggers. Every write but claims is audited in the administrators' chain, in
    which no word of a reporter's stands, and committed on return. All raise `StoreUnavailable`."""

    @property
    def sealed(self) -> bool:
        """Whether there are keys to seal with what reporters say. Without them nothing is taken."""

    async def take(
        self, draft: Draft, channel: Channel, flagger: str | None, rules: Rules, now_ms: int
    ) -> Taken | Muted:
        """Take a report that is complete, see `gateway.core.reports.wrong`; ``flagger`` is the name of who made it.

        What was reported before, and is not decided, joins that report. The same reporter with the same again gets the
        receipt of before: by a key of the app's or a flagger's own it is enough that the reporter is the same, without
        one all that was said has to be: an address proves nothing, and would show strangers what its owner reported.
        Raises `Fault` without keys.
        """

    async def told(self, receipt_id: str, token_hash: str) -> Told | None:
        """What has come of what was reported; None unless the token's SHA-256 (hex) is this one."""

    async def complain(self, receipt_id: str, token_hash: str, rules: Rules, now_ms: int) -> Told | None:
        """Open again what was not acted on (article 20); another person decides it. None as for `told`."""

    async def queue(self, tenant_id: str | None, after: tuple[int, str], limit: int) -> Sequence[Report]:
        """The open reports of a tenant, or of all, behind a deadline and id, by deadline."""

    async def report(self, tenant_id: str, report_id: str) -> Report | None:
        """One report."""

    async def said(self, tenant_id: str, report_id: str) -> Sequence[Said]:
        """What its reporters say, oldest first, at most a hundred of them."""

    async def claim(self, tenant_id: str, report_id: str, who: str, until_ms: int, now_ms: int) -> Report | Undecided:
        """Keep an open report from others until then, or until it is decided."""

    async def claim_next(self, tenant_id: str | None, who: str, until_ms: int, now_ms: int) -> Report | None:
        """Claim the report that is due first of those that nobody has, and that this person may decide."""

    async def let_go(self, tenant_id: str, report_id: str, who: str, now_ms: int) -> Report | Undecided:
        """End one's own claim before its time."""

    async def decide(
        self, tenant_id: str, report_id: str, verdict: Verdict, by: By, now_ms: int
    ) -> Decided | Undecided:
        """Decide an open report, once. With the decision goes the order to take down a message that readers see."""

    async def reveal(self, tenant_id: str, report_id: str, by: By, now_ms: int) -> Sequence[Reporter] | Undecided:
        """Who made a report, at most a hundred; that it was asked, by whom and why is in the chain before it is told.
        Raises `Unopened` for what no key here opens."""

    async def erase(self, now_ms: int, rules: Rules, limit: int) -> int:
        """Erase what was said and by whom of at most ``limit`` reports whose time is over; returns their number."""

    async def overdue(self, now_ms: int, tenant_id: str | None = None) -> tuple[int, int, int | None]:
        """How many reports of a tenant, or of all, are open, how many of them past their deadline, and when the oldest
        came (unix ms)."""

    async def add_flagger(self, tenant_id: str, name: str, key_hash: str, by: By, now_ms: int) -> bool:
        """Trust one; False, and nothing is written, when there is one of that name. One that was revoked comes back
        with the numbers that it had."""

    async def flaggers(self, tenant_id: str) -> Sequence[Flagger]:
        """All, by name, revoked ones too: they are few."""

    async def flagger_by_key(self, key_hash: str) -> Flagger | None:
        """Whose key it is; looked up each time, and None from the moment that it is revoked."""

    async def revoke_flagger(self, tenant_id: str, name: str, by: By, now_ms: int) -> bool:
        """Trust one no more; False when there is none."""
