"""The classifiers inside the gateway use the terms file that its settings name."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.contract import Opinion, Question
from gateway.embedded import embedded_judge
from gateway.settings import load_settings


def test_the_setting_reaches_the_classifier(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "terms.tsv"
    file.write_text("zzalpha\tspam\t0.4\n", encoding="utf-8")
    monkeypatch.setenv("GATEWAY_LEXICON", str(file))
    judge = embedded_judge(lexicon=load_settings().lexicon)
    [answer] = judge(Question("e", "m", "t", ("lexicon",), ("zzalpha 操你妈",), (), 0)).answers
    assert isinstance(answer, Opinion)
    assert {score.category: score.value for score in answer.scores if score.value} == {"spam": 0.4}
    with pytest.raises(ValueError, match="No such file"):
        embedded_judge(lexicon=str(tmp_path / "none.tsv"))
