"""The policy: the one in force, and one that is tried without being written anywhere."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import Depends, Response
from pydantic import StringConstraints

from gateway.core.ladder import DAY_MS, Strike
from gateway.core.ladder_trial import Trial, Tried, tried
from gateway.core.model import Degree
from gateway.core.operators import Operator, Role
from gateway.core.policy import PolicyError, PolicyInForce, parse_policy
from gateway.core.yaml_lines import strange
from gateway.http.console.forms import EMPTY, Fields, Form, form_of
from gateway.http.console.part import Part
from gateway.http.console.route import pages
from gateway.http.console.shell import ByPolicy, ByViewer, Shell, Shown
from gateway.http.problems import Problem

router = pages("/policy")
PATH: Final = "/console/policy"
PART: Final = Part("policy", router, PATH)
DAYS: Final = 30
MOST: Final = 5_000
"""Incidents that a page tries a ladder on; `gateway sanctions simulate` tries it on as many as there are."""
SECONDS: Final = 5.0
"""How long it may take."""
_PROBLEMS: Final = 50
"""Problems that are shown."""


class TryFields(Fields):
    """A policy to try, as YAML, and the tenant whose last days its ladder is tried on; on none without."""

    text: Annotated[str, StringConstraints(strip_whitespace=False, min_length=1)]
    tenant: str = ""


TryForm = Annotated[Form[TryFields], Depends(form_of(TryFields))]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a ladder would have given over the last days: ``rows`` have a degree and how often it would have been
    imposed, and proposed, and how often it really was either; ``strictest`` accounts with what they really got."""

    tenant_id: str
    trial: Trial
    rows: Sequence[tuple[Degree, int, int, int]]
    strictest: Sequence[tuple[Tried, Degree | None]]


@dataclass(eq=False)
class TooMuch(Exception):
    """More happened than a page tries a ladder on."""


@router.get("")
async def show(by: ByViewer, shell: Shown) -> Response:
    """The policy in force, and what is wrong with its file, if it is not the same."""
    return await _page(shell, by)


@router.post("/try")
async def try_policy(by: ByPolicy, shell: Shown, form: TryForm) -> Response:
    """What is wrong with a policy, line by line; or else what its ladder would have given. Nothing is written."""
    if form.value is None:
        return await _page(shell, by, form, status=422)
    tenant = form.value.tenant
    if tenant and tenant not in await shell.console.tenants_of(by):
        raise Problem(404, "tenant_unknown", "there is no such tenant among those that you keep.")
    text = form.value.text.replace("\r\n", "\n")  # as browsers send the lines of a form
    async with shell.console.trying:
        try:
            policy = await asyncio.to_thread(_read, text)
        except PolicyError as error:
            lines = text.split("\n")
            wrong = [(each, _line(lines, each.line)) for each in error.problems]
            return await _page(shell, by, form, status=422, wrong=wrong[:_PROBLEMS], more=len(wrong) > _PROBLEMS)
        if not tenant:
            return await _page(shell, by, form, read=policy)
        try:
            return await _page(shell, by, form, read=policy, outcome=await _outcome(shell, policy, tenant))
        except TooMuch:
            return await _page(shell, by, form, read=policy, too_much=True)


def _read(text: str) -> PolicyInForce:
    """See `parse_policy`. Raises `PolicyError`, also for what costs more to read than a policy should."""
    if problems := strange(text):
        raise PolicyError(problems)
    return parse_policy(text)


def _line(lines: Sequence[str], number: int) -> str:
    return lines[number - 1].strip() if 0 < number <= len(lines) else ""


async def _outcome(shell: Shell, policy: PolicyInForce, tenant_id: str) -> Outcome:
    rules = policy.policy.ladder
    since_ms = shell.now_ms - DAYS * DAY_MS
    history = shell.console.history(tenant_id, since_ms - rules.longest_ms())
    incidents = await history.incidents(MOST + 1)
    if len(incidents) > MOST:
        raise TooMuch
    wanted = [each for each in incidents if each.happening in rules.strikes]
    trial = await asyncio.to_thread(lambda: tried(rules, since_ms, _in_time(wanted, time.monotonic() + SECONDS)))
    given = await history.given(since_ms)
    rows = [(degree, trial.automatic[degree], trial.proposed[degree], given.get(degree, 0)) for degree in Degree]
    strictest = [
        (each, await history.strictest_given(tenant_id, each.account_id, since_ms)) for each in trial.strictest()
    ]
    return Outcome(tenant_id, trial, rows, strictest)


def _in_time(strikes: Sequence[Strike], deadline: float) -> Iterator[Strike]:
    for each in strikes:
        if time.monotonic() > deadline:
            raise TooMuch
        yield each


async def _page(
    shell: Shell, by: Operator, form: Form[TryFields] = EMPTY, *, status: int = 200, **found: Any
) -> Response:
    policy = shell.console.desk.policy()
    nothing = {"wrong": [], "more": False, "read": None, "outcome": None, "too_much": False}
    tenants = await shell.console.tenants_of(by) if by.may(Role.POLICY) else []
    return await shell.page(
        "policy.html",
        status=status,
        policy=policy,
        lines=policy.text.rstrip("\n").split("\n"),
        problems=list(shell.console.policy_problems())[:_PROBLEMS],
        may_try=by.may(Role.POLICY),
        tenants=tenants,
        form=form,
        days=DAYS,
        **{**nothing, **found},
    )
