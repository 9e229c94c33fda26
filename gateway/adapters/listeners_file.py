"""The listeners, and the route maps that they name, from their files."""

from __future__ import annotations

from pathlib import Path

from gateway.core.yaml_lines import unreadable
from gateway.platforms import routemap, shipped
from gateway.platforms.listeners import Listener, ListenersError, parse_listeners
from gateway.platforms.schema import Platform


def read_listeners(path: Path) -> tuple[Listener, ...]:
    """The listeners in a file; files that it names are sought from where it is. Raises `ListenersError`, also when one
    cannot be read."""
    found = parse_listeners(_read(path), lambda name: _platform(path.parent, name))
    return tuple([_placed(path.parent, listener) for listener in found])


def _placed(folder: Path, listener: Listener) -> Listener:
    if listener.takedown_token_file is None:
        return listener
    return listener.model_copy(update={"takedown_token_file": str(folder / listener.takedown_token_file)})


def _platform(folder: Path, name: str) -> Platform:
    """A shipped route map by its name, or one in a file, by its path from the listeners' file."""
    if name in shipped.shipped():
        return shipped.load_shipped(name)
    if not name.endswith((".yaml", ".yml")):
        raise ValueError(f"no platform of that name is shipped; there are {', '.join(shipped.shipped())}")
    try:
        return routemap.load(_read(folder / name))
    except ListenersError as error:
        raise ValueError(f"{folder / name}: {error}") from error


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ListenersError([unreadable(error)]) from error
