"""A listeners file that cannot be read, or that names a route map which cannot."""

from __future__ import annotations

from pathlib import Path

import pytest

from gateway.adapters.listeners_file import read_listeners
from gateway.platforms.listeners import ListenersError

LISTENERS = "listeners:\n  - {name: a, platform: mine.yaml, tenant: t, port: 8082, upstream: 'http://a.example'}\n"


def told(file: Path) -> list[str]:
    with pytest.raises(ListenersError) as refused:
        read_listeners(file)
    return [str(problem) for problem in refused.value.problems]


def test_the_file_itself_is_told_of_without_a_line(tmp_path: Path) -> None:
    file = tmp_path / "listeners.yaml"
    assert told(file) == ["no such file"]
    file.write_bytes(b"\xff")
    assert told(file) == ["cannot be read: it is not UTF-8"]
    assert told(tmp_path) == ["cannot be read: Is a directory"]


def test_a_route_map_that_is_not_there_is_named_where_the_file_names_it(tmp_path: Path) -> None:
    file = tmp_path / "listeners.yaml"
    file.write_text(LISTENERS, encoding="utf-8")
    assert told(file) == [f"line 2: listeners.0.platform: {tmp_path / 'mine.yaml'}: no such file"]
