"""How often the shipped classifiers hold what an ordinary day brings: 400 messages of each language, written for this
test without looking at rows or rules. By the thresholds of the shipped policy.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from classifiers.training.corpus import hand_written, key
from classifiers.training.recipe import HAND_WRITTEN
from tests.classifiers.casebook import LANGUAGES, Case, judged, limits

FILES = Path(__file__).parent / "everyday"
MOST = 0.02


def messages(language: str) -> list[str]:
    return (FILES / f"{language}.txt").read_text("utf-8").splitlines()


@pytest.mark.parametrize("language", LANGUAGES)
def test_ordinary_messages_are_seldom_held_and_never_blocked(language: str) -> None:
    asked = [
        Case(language, f"{language}.txt:{number}", "everyday", "not_news", text)
        for number, text in enumerate(messages(language), 1)
    ]
    by, found = limits(), judged(asked)
    assert [str(each) for each in found if each.blocked(by)] == []
    wrong = [str(each) for each in found if not each.as_expected(by)]
    assert len(wrong) <= MOST * len(asked), "\n".join(wrong)


def test_nothing_was_learned_from_these_messages() -> None:
    learned = {key(row.text) for source in HAND_WRITTEN for row in hand_written(source)}
    texts = [text for language in LANGUAGES for text in messages(language)]
    assert len({key(text) for text in texts}) == len(texts) == 800
    assert [text for text in texts if key(text) in learned] == []
