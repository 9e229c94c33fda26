"""The evaluation: its ways to change a text, its arithmetic, and a run on small sets."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from random import Random

import pytest

from classifiers.campaigns.evaluate import main
from classifiers.campaigns.trial.changes import HARD, LIGHT
from classifiers.campaigns.trial.measure import SETS, advertisements, interval

TEXTS = [f"Text {word}: the {word} of {word}land met another {word} near the {word} river" for word in
         ("fox", "cat", "owl", "pike", "hare", "wolf", "crow", "mole", "newt", "toad", "lynx", "deer")]  # fmt: skip


@pytest.mark.parametrize("change", [*LIGHT.values(), *HARD.values()], ids=[*LIGHT, *HARD])
def test_a_change_changes_texts_and_is_the_same_each_time(change: object) -> None:
    assert callable(change)
    texts = advertisements()
    changed = [change(text, Random(3), texts) for text in texts]  # noqa: S311
    assert changed == [change(text, Random(3), texts) for text in texts]  # noqa: S311
    same = sum([one == other for one, other in zip(texts, changed, strict=True)])
    assert same <= len(texts) / 2  # an English text has no traditional characters
    assert all(changed)


@pytest.mark.parametrize(
    ("hits", "tries", "low", "high"), [(0, 0, 0, 1), (0, 10, 0, 0.278), (5, 10, 0.237, 0.763), (10, 10, 0.722, 1)]
)
def test_wilsons_interval(hits: int, tries: int, low: float, high: float) -> None:
    assert interval(hits, tries) == pytest.approx((low, high), abs=0.001)


def test_a_run_prints_its_tables(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in SETS:
        with gzip.open(tmp_path / f"{name}.jsonl.gz", "wt") as file:
            file.writelines([json.dumps({"text": f"{name} {text}"}) + "\n" for text in TEXTS])
    assert main([str(tmp_path)]) == 0
    printed = capsys.readouterr().out
    _, found, noticed = printed.split("\n\n")
    rows = {line[:28].strip(): line[28:].split() for line in found.splitlines()}
    assert rows["emoji"][-1] == rows["disguise"][-1] == "88/88"
    assert int(rows["reword 50%"][-1].partition("/")[0]) < 44
    assert "recipient                        100.0" in noticed
    for name in [*LIGHT, *HARD, "all light", "all hard"]:
        assert "/" in rows[name][-1]
    assert main([str(tmp_path)]) == 0
    assert capsys.readouterr().out == printed


def test_without_data_it_says_what_it_needs(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("MODERATION_DATA", raising=False)
    assert main([]) == 2
    assert "MODERATION_DATA" in capsys.readouterr().err
    monkeypatch.setenv("MODERATION_DATA", str(tmp_path / "nowhere"))
    assert main([]) == 2
