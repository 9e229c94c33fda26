"""A command loads what it needs: what takes seconds to load is for those commands that serve or judge."""

from __future__ import annotations

import subprocess
import sys

import click
import pytest

from gateway.cli import main
from gateway.cli.lazy import Lazy

SLOW = ("classifiers.text", "fastapi", "gateway.app", "opencc", "pypinyin", "uvicorn")
"""What no command on the store needs."""
SERVE_OR_JUDGE = {"classify", "demo", "demo-upstream", "openapi", "serve"}


def slow_after(code: str) -> list[str]:
    """Which of the slow modules are loaded once this code has run in a process of its own."""
    shown = f"{code}\nimport sys\nprint(*[name for name in {SLOW} if name in sys.modules], file=sys.stderr)"
    run = [sys.executable, "-c", f"from gateway.cli import main\n{shown}"]
    return subprocess.run(run, capture_output=True, text=True, timeout=60, check=True).stderr.split()


def given(*words: str) -> str:
    """The code that gives a command."""
    return f"main({words}, standalone_mode=False)"


@pytest.mark.parametrize("words", [("--help",), ("holds", "list", "--help"), ("no-such-command",)])
def test_a_command_does_not_load_what_others_need(words: tuple[str, ...]) -> None:
    code = given(*words)
    if words == ("no-such-command",):
        code = f"import click\ntry:\n    {code}\nexcept click.UsageError:\n    pass"
    assert slow_after(code) == []


def test_no_command_on_the_store_loads_a_web_server_or_classifiers() -> None:
    names = sorted(set(main.commands) - SERVE_OR_JUDGE)
    assert slow_after(f"for name in {names}:\n    main.commands[name].load()") == []
    assert "uvicorn" in slow_after('main.commands["serve"].load()')


@pytest.mark.parametrize("told", main.commands.values(), ids=main.commands)
def test_what_is_listed_is_what_the_command_says_of_itself(told: click.Command) -> None:
    assert isinstance(told, Lazy)
    command = told.load()
    assert (told.name, told.help) == (command.name, command.get_short_help_str(limit=1000))


def test_what_is_no_command_is_refused() -> None:
    with pytest.raises(TypeError, match="SLOW is no command"):
        Lazy("slow", f"{__name__}:SLOW", "").load()
