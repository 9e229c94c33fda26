"""Whether the holder of a lease is certainly dead."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from gateway.adapters.holder import is_dead, this_holder

PLACE = this_holder().rpartition("/")[0]


def test_a_name_is_that_of_the_process() -> None:
    assert this_holder() == this_holder()
    assert this_holder().endswith(f"/{os.getpid()}")


def test_who_held_under_our_own_number_is_dead() -> None:
    assert is_dead(this_holder())


def test_a_process_that_runs_is_not_dead_until_it_ended() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        holder = f"{PLACE}/{process.pid}"
        assert not is_dead(holder)
        process.communicate()
    assert is_dead(holder)


def test_the_parent_is_not_dead() -> None:
    assert not is_dead(f"{PLACE}/{os.getppid()}")


@pytest.mark.parametrize(
    "holder", ["", "/1", "elsewhere/999999", f"{PLACE}x/999999", PLACE, f"{PLACE}/", f"{PLACE}/me"]
)
def test_of_a_process_elsewhere_nothing_is_known(holder: str) -> None:
    assert not is_dead(holder)
