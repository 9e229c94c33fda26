"""The key file: reading it, taking up what others change in it, and adding and dropping keys.

It is JSON: ``{"index": KEY, "seal": [{"id": ID, "key": KEY}, ...]}``, oldest first, keys of 32 bytes in base64.
"""

from __future__ import annotations

import base64
import json
import logging
import os
import secrets
import stat
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway.ports import Fault, Unopened

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
"""How long a process goes on without looking whether the file has changed."""


class KeysError(Fault):
    """A key file that cannot be used, or something sealed that cannot be opened."""


class NotOpened(KeysError, Unopened):
    """Something sealed that no key here opens."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a key file holds; ``seal`` by id, oldest first, of which the ``newest`` seals."""

    index: bytes
    seal: dict[str, bytes]
    newest: str


class KeyFile:
    """A key file as it is now. ``changed`` is called with what it holds, at once and after each change.

    A file that cannot be read after a change is left out of account, with a warning: what was read before still opens
    what it sealed.
    """

    def __init__(self, path: Path, changed: Callable[[Keys], None], now: Callable[[], float] = time.monotonic) -> None:
        """Read the file; ``now`` is a clock in seconds. Raises `KeysError`."""
        self.path = path
        self._changed = changed
        self._now = now
        self._look_at = now() + LOOK_SECONDS
        self._written = _written(path)
        changed(read(path))

    def look_now_and_then(self) -> None:
        """Take up a change if it is time to look. Costs nothing to speak of in between."""
        if self._now() >= self._look_at:
            try:
                self.look()
            except KeysError as fault:
                log.warning("key file changed and cannot be used; the keys of before stay", {"fault": str(fault)})

    def look(self) -> None:
        """Take up a change. Raises `KeysError` once for a change that cannot be read."""
        self._look_at = self._now() + LOOK_SECONDS
        before, self._written = self._written, _written(self.path)
        if self._written != before:
            self._changed(read(self.path))


def read(path: Path) -> Keys:
    """What a file holds. Raises `KeysError`."""
    try:
        content = json.loads(path.read_text())
        seal = {entry["id"]: _key(entry["key"]) for entry in content["seal"]}
        return Keys(_key(content["index"]), seal, content["seal"][-1]["id"])
    except OSError as error:
        raise KeysError(f"{path}: cannot be read: {error.strerror}; make one with `gateway keys new`") from error
    except (ValueError, LookupError, TypeError) as error:
        raise KeysError(f"{path}: not a key file; make one with `gateway keys new`") from error


def new_keys(path: Path) -> None:
    """Write a file with new keys, readable by its owner only. Raises `KeysError` when there is a file."""

    def new() -> dict[str, Any]:
        if path.exists():
            raise KeysError(f"{path}: is there already; what its keys sealed could not be opened without it")
        return {"index": _new(), "seal": [_entry()]}

    _change(path, new)


def add_key(path: Path) -> str:
    """Add a key, which seals from then on, and return its id. Raises `KeysError`.

    Running processes take it up within `LOOK_SECONDS`, and can open what it sealed before.
    """

    def added() -> dict[str, Any]:
        content = _content(path)
        content["seal"].append(_entry())
        return content

    name: str = _change(path, added)["seal"][-1]["id"]
    return name


def check_droppable(path: Path, name: str, age_seconds: float) -> None:
    """Raise `KeysError` unless this key may be dropped for all that the file says: it is there, another seals, and
    has done so for ``age_seconds``, so that no process seals with this one any more."""
    keys = read(path)
    if name not in keys.seal:
        raise KeysError(f"{path} has no key {name}; it has {', '.join(keys.seal)}, of which the last seals")
    if name == keys.newest:
        raise KeysError(f"{name} is the key that seals; add another first with `gateway keys add {path}`")
    if (age := time.time() - path.stat().st_mtime) < age_seconds:
        raise KeysError(
            f"{path} has just been changed; processes may seal with key {name} for a moment more: "
            f"try again in {age_seconds - age:.0f} s"
        )


def drop_key(path: Path, name: str) -> None:
    """Remove a key from the file for good: what it sealed does not open any more. Raises `KeysError`."""

    def left() -> dict[str, Any]:
        content = _content(path)
        content["seal"] = [entry for entry in content["seal"] if entry["id"] != name]
        if not content["seal"]:
            raise KeysError(f"{name} is the only key of {path}")
        return content

    _change(path, left)


def _content(path: Path) -> dict[str, Any]:
    read(path)
    content: dict[str, Any] = json.loads(path.read_text())
    return content


def _written(path: Path) -> tuple[int, int, int] | None:
    """What tells one content of the file from another; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_ino, found.st_size


def _entry() -> dict[str, str]:
    return {"id": secrets.token_hex(4), "key": _new()}


def _new() -> str:
    return base64.b64encode(secrets.token_bytes(32)).decode()


def _key(text: str) -> bytes:
    key = base64.b64decode(text, validate=True)
    if len(key) != 32:
        raise ValueError("not 32 bytes")
    return key


def _change(path: Path, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Write the content that ``make`` gives, for good, and for whoever could read the file before. Raises `KeysError`.

    The part file keeps other commands out until it takes the place of the whole: of two that add a key at once, one
    would undo the other, and a process may have sealed with that key already.
    """
    part = path.with_name(path.name + ".part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError as error:
        raise KeysError(f"{part}: is there, so another command is at it; remove it if that one was cut off") from error
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from error
    try:
        with os.fdopen(descriptor, "w") as file:
            content = make()
            if path.exists():
                before = path.stat()
                os.fchown(descriptor, before.st_uid, before.st_gid)
                os.fchmod(descriptor, stat.S_IMODE(before.st_mode))
            json.dump(content, file, indent=1)
            file.flush()
            os.fsync(descriptor)
        part.replace(path)
        _sync(path.parent)
    except OSError as error:
        raise KeysError(f"{path}: cannot be written: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)
    return content


def _sync(directory: Path) -> None:
    """A new key seals at once: it must not be lost with the power while what it sealed stays."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
