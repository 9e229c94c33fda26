"""Commands on policy files."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.common import checked_policy


@click.group()
def policy() -> None:
    """Policy files."""


@policy.command("check")
@click.argument("file", type=click.Path(path_type=Path))
def policy_check(file: Path) -> None:
    """Validate FILE; print its version, or every problem with its line and field."""
    click.echo(f"{file}: valid, version {checked_policy(file).version}")
