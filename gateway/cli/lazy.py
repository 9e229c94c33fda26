"""Commands whose modules are loaded when they are given: most need neither classifiers nor a web server, and these take
seconds to load."""

from __future__ import annotations

from importlib import import_module

import click


class Lazy(click.Command):
    """What is known of a command before it is loaded: its name, where it is (``module:attribute``), and the first
    sentence of its help."""

    def __init__(self, name: str, place: str, sentence: str) -> None:
        super().__init__(name, help=sentence)
        self._place = place

    def load(self) -> click.Command:
        """The command itself. Raises `TypeError` where something else is."""
        module, _, attribute = self._place.partition(":")
        command = getattr(import_module(module), attribute)
        if not isinstance(command, click.Command):
            raise TypeError(f"{self._place} is no command")
        return command


class LazyGroup(click.Group):
    """A group that loads the one command of its `Lazy` ones that is given, and none to list them."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does it, and the command is the loaded one."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, command.load() if isinstance(command, Lazy) else command, rest
