"""What the console is made of: parts, each with its routes and its place in the navigation."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter

from gateway.core.operators import Operator, Role

Count = Callable[[Any, Operator], Awaitable[int | None]]
"""How many things wait there for this operator, given the application's state; None for nothing to say."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the console. ``name`` is its key in `texts` (``nav.NAME``); ``path`` its first page, None for a part
    that is not in the navigation; ``role`` who is shown the way there; ``count`` the number beside it."""

    name: str
    router: APIRouter
    path: str | None = None
    role: Role = Role.VIEWER
    count: Count | None = None
