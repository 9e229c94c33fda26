"""What the commands share: settings, the store, and errors in one sentence."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import click

from gateway.adapters.sql import open_store
from gateway.ports import Fault, Register, Store
from gateway.settings import Settings, SettingsError, load_settings

T = TypeVar("T")

actor_option = click.option("--actor", required=True, help="Who does this; kept in the audit chain.")


def settings() -> Settings:
    """The settings; a bad one ends the command with what is wrong."""
    try:
        return load_settings()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error


def with_store(work: Callable[[Store, Register], Awaitable[T]]) -> T:
    """Run ``work`` on the store that the settings name; a fault ends the command with its text."""

    async def run() -> T:
        async with open_store(settings().database_url) as (store, register):
            return await work(store, register)

    try:
        return asyncio.run(run())
    except Fault as fault:
        raise click.ClickException(str(fault)) from fault
