"""The demo's operators: who may sign in to its console, with passwords of this installation's own."""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

from gateway.core.operators import Operator, Role
from gateway.core.registration import By
from gateway.http.requests import hash_key
from gateway.ports import Operators, Passwords, Sessions

OPERATORS: Final = (Operator("demo-reviewer", Role.REVIEWER), Operator("demo-admin", Role.ADMIN))
_BY: Final = By("demo", "made by the demo")


def kept(file: Path) -> dict[str, str]:
    """The operators' passwords; they are drawn when the file is not there yet."""
    if not file.exists():
        drawn = "".join([f"{each.name} {secrets.token_urlsafe(15)}\n" for each in OPERATORS])
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as new:
            new.write(drawn)
    lines = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
    return {line[0]: line[1] for line in lines if len(line) > 1}


async def seed(operators: Operators, sessions: Sessions, passwords: Passwords, file: Path, now_ms: int) -> None:
    """Add the operators with their passwords, unless they have them. Their keys are kept by nobody."""
    given = kept(file)
    for operator in OPERATORS:
        await operators.add(operator, hash_key(secrets.token_urlsafe(32)), _BY, now_ms)
        password = given.get(operator.name)
        if password is not None and not await passwords.matches(await sessions.password(operator.name), password):
            await sessions.set_password(operator.name, await passwords.hashed(password), _BY, now_ms)


def ways_in(file: Path, gateway_url: str) -> str:
    """Where the console is, and with what to sign in."""
    lines = [f"  {name:<14} {password}" for name, password in kept(file).items()]
    return "\n".join([f"The console: {gateway_url}/console/ - sign in as", *lines, ""])
