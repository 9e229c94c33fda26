"""The list of known pictures in the gateway's own process."""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.contract import Opinion, Picture
from classifiers.images.hashes import digest, written
from gateway.embedded import embedded_judge
from gateway.settings import load_settings
from tests.classifiers.images.drawn import drawing, encoded, question


def test_a_known_picture_is_recognised(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "known.tsv").write_text(f"{written(digest(drawing(5))[0][:1])}\tterrorism\n")
    monkeypatch.setenv("GATEWAY_KNOWN_PICTURES", str(tmp_path / "known.tsv"))
    judge = embedded_judge("image", known_pictures=load_settings().known_pictures)
    [answer] = judge(question(Picture("image/png", encoded(drawing(5), "PNG")))).answers
    assert isinstance(answer, Opinion)
    assert ("terrorism", 0.99) in [(score.category, score.value) for score in answer.scores]


def test_a_list_that_cannot_be_used_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="GATEWAY_KNOWN_PICTURES"):
        embedded_judge("image", known_pictures=tmp_path / "none.tsv")
