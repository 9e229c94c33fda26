"""Classifiers from outside the catalogue: what is taken, and what each refusal says."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from classifiers.catalogue import load
from classifiers.plugins import ClassifierError, names_in

SHOUTING = "classifiers.examples.shouting:Shouting"
MODULE = """
class Text:
    name, version = "text", "mine-1"
    def judge(self, question): return None

class Greedy(Text):
    name = "*"

class Nameless:
    version = "1"
    def judge(self, question): return None

class Unversioned:
    name, version = "a", ""
    def judge(self, question): return None

class Mute:
    name, version = "a", "1"

class Needy(Text):
    def __init__(self, model): ...

thing = Text()
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A module of somebody's, of which nothing is left behind."""
    (tmp_path / "somebodys_judges.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "somebodys_broken.py").write_text("1 / 0", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "somebodys_judges", raising=False)
    return "somebodys_judges"


def test_one_from_outside_runs_beside_those_of_the_catalogue() -> None:
    assert list(load(["news", SHOUTING])) == ["news", "shouting"]


def test_it_may_take_the_name_of_one_that_does_not_run(module: str) -> None:
    assert load(["news", f"{module}:Text"])["text"].version == "mine-1"


@pytest.mark.parametrize("names", [["text", "{}:Text"], ["{}:Text", "{}:Text"], ["news", "news"]])
def test_two_of_one_name_are_refused(module: str, names: list[str]) -> None:
    with pytest.raises(ClassifierError, match=r"answers to the name '(text|news)' already; leave one of them out"):
        load([name.format(module) for name in names])


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("no_such_package.judge:Mine", "no_such_package.judge cannot be imported .*PYTHONPATH"),
        ("somebodys_broken:Mine", "somebodys_broken cannot be imported .ZeroDivisionError: .*PYTHONPATH"),
        (":Mine", "'' is no name of a module; write package.module:Class"),
        ("a/b:Mine", "'a/b' is no name of a module; write package.module:Class"),
        ("{}:", "there is no class '' in {}; its classes that judge: Greedy, Nameless, Needy, Text, Unversioned"),
        ("{}:thing", "there is no class 'thing' in {}"),
        ("{}:Needy", "Needy.. fails .TypeError: .*it must work without arguments"),
        ("{}:Nameless", "name: expected a text of visible characters"),
        ("{}:Unversioned", "version: expected a text of visible characters"),
        ("{}:Mute", "judge: missing; give the class a method"),
        ("{}:Greedy", "would answer for every classifier that does not run"),
    ],
)
def test_what_cannot_run_is_refused_with_setting_place_and_remedy(module: str, place: str, said: str) -> None:
    place = place.format(module)
    with pytest.raises(ClassifierError, match=said.format(module)) as refused:
        load(["text", place], setting="SOME_SETTING")
    assert str(refused.value).startswith(f"SOME_SETTING: {place}: ")


def test_names_are_separated_by_commas() -> None:
    assert names_in(" text, news,,a.b:C ") == ("text", "news", "a.b:C")
    assert names_in(" , ") == ()


@pytest.mark.parametrize("command", [("classifiers",), ("gateway", "serve", "--port", "0")])
def test_a_process_that_cannot_run_one_ends_with_a_sentence(command: tuple[str, ...], tmp_path: Path) -> None:
    setting = f"{command[0].upper()}_CLASSIFIERS"
    done = subprocess.run(
        [sys.executable, "-m", *command],
        env={
            **os.environ,
            setting: "text,no_such_package:Mine",
            "GATEWAY_DATABASE_URL": f"sqlite+aiosqlite:///{tmp_path}/gateway.db",
        },
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1
    assert f"{setting}: no_such_package:Mine: " in done.stderr
    assert "Traceback" not in done.stderr
