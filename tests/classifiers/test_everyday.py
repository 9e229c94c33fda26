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


def held(name: str) -> int:
    """How many messages of a file are held."""
    by = limits()
    language = name.rpartition("-")[2]
    asked = [Case(language, f"{name}:{at}", "everyday", "none", text) for at, text in enumerate(messages(name), 1)]
    return sum(not each.as_expected(by) for each in judged(asked))


@pytest.mark.parametrize(("language", "most", "fewest"), [("english", 4, 28), ("chinese", 5, 21)])
def test_honest_promotion_is_seldom_held_and_no_more_of_the_dishonest_passes(
    language: str, most: int, fewest: int
) -> None:
    assert held(f"channels-{language}") <= most  # of 150
    assert held(f"channel-spam-{language}") >= fewest  # of 100, written to be hard to tell


@pytest.mark.parametrize(
    "text",
    [
        "Join our Telegram channel for daily chess puzzles",
        "加我微信，发你会议资料",
        "Fresh crab today, 12 euros a kilo, at the pier from nine until sold out",
    ],
)
def test_everyday_invitations_and_sales_pass(text: str) -> None:
    [found] = judged([Case("english", "invitation:1", "everyday", "none", text)])
    assert found.as_expected(limits())


def test_nothing_was_learned_from_these_messages() -> None:
    learned = {key(row.text) for source in HAND_WRITTEN for row in hand_written(source)}
    names = [*LANGUAGES, *[f"{kind}-{language}" for kind in ("channels", "channel-spam") for language in LANGUAGES]]
    texts = [text for name in names for text in messages(name)]
    assert len({key(text) for text in texts}) == len(texts) == 1300
    assert [text for text in texts if key(text) in learned] == []
