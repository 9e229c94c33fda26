"""The route maps that come with the gateway: package data, read once at start."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

from gateway.platforms.routemap import load
from gateway.platforms.schema import Platform

_SUFFIX = ".yaml"


def shipped() -> list[str]:
    """The names of the platforms, sorted."""
    names = [entry.name for entry in files(__package__).iterdir()]
    return sorted([name.removesuffix(_SUFFIX) for name in names if name.endswith(_SUFFIX)])


def text_of(name: str) -> str:
    """The route map of a platform, as text. Raises `KeyError` for a name that is not shipped."""
    if name not in shipped():
        raise KeyError(name)
    return files(__package__).joinpath(name + _SUFFIX).read_text(encoding="utf-8")


@cache
def load_shipped(name: str) -> Platform:
    """A platform by name. Raises `KeyError` for a name that is not shipped."""
    return load(text_of(name))
