"""What the commands say of acts on the register: of each its row, time, name, by whom, why, and what it was about."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click
import orjson

from gateway.core.records import AuditRow
from gateway.core.shown import written


def show_acts(rows: list[AuditRow]) -> None:
    """Print these rows of the administrators' chain, a line for each."""
    for row in rows:
        body = orjson.loads(row.body)
        act = body.get("act", "Put")  # what is written as a chat app's records have it has no act of its own
        act = f"{act} {body['verdict']}" if "verdict" in body else act
        line = f"{row.seq}  {written(row.at_ms)}  {act}  {body['actor']}  {body.get('reason', '')}"
        about = ", ".join(_about(body))
        click.echo(f"{line}  {about}" if about else line.rstrip())


def _about(body: Mapping[str, Any]) -> list[str]:
    """What an act was about. Rows leave out what is as by default, and keep the form in which they were once written:
    so anything may be missing."""
    account, given = body.get("account", {}), body.get("given", {})
    parts = [account["account_id"]] if account else []
    if "act" not in body:
        return parts + _standing(account) + _registrant(body.get("registrant") or account.get("registrant"))
    for name in ("licence_id", "provider"):
        parts += [body[name]] if name in body else []
    if "degree" in body:
        parts += [body["sanction_id"], body["degree"], *body.get("also", [])]
        parts += [f"until {written(body['ends_ms'])}"] if body.get("ends_ms") is not None else []
    parts += [body["file"][:12]] if "file" in body else []  # as `gateway imports show` takes it
    parts += ["named"] if given.get("named") else []
    parts += _standing(given)
    parts += [body["privacy"]] if "privacy" in body else []
    parts += ["violation"] if given.get("violation") else []
    parts += [body[name] for name in ("status", "kind", "to", "field") if body.get(name) is not None]
    if "valid_from" in body:
        parts.append(f"{written(body['valid_from'])} to {written(body['valid_to'])}")
    parts += body.get("fields", [])
    parts += [f"{account_id} closed" for account_id in body.get("closed", [])]
    return parts


def _standing(said: Mapping[str, Any]) -> list[str]:
    parts = [said["state"]] if "state" in said else []
    parts += [f"class {said['account_class']}"] if "account_class" in said else []
    parts += [f"until {written(said['term_ends_at'])}"] if said.get("term_ends_at") is not None else []
    return parts + (["private" if said["private"] else "public"] if "private" in said else [])


def _registrant(said: Mapping[str, Any] | None) -> list[str]:
    if not said:
        return []
    words = [said["kind"], said["state"], said.get("framework"), said.get("level")]
    if (ends := said.get("expires_at")) is not None:
        words.append(f"until {written(ends)}")
    return [" ".join([word for word in words if word])]
