"""What of a text is compared, and what never counts."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.campaigns.shingles import LEAST, folded, placed, shingles, significance
from classifiers.normalise import normalise


def of(text: str) -> set[str]:
    return shingles(folded(normalise(text).text))


def test_words_with_a_meaning_and_pairs_of_neighbours() -> None:
    assert of("Sell the car") == {"sell", "car", "sell the", "the car"}
    assert of("卖二手车") == {"卖二", "二手", "手车"}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Order 12 pairs at https://a.example/x?id=1 now", "Order 7 pairs at www.b.example/yy now"),
        ("Ask @anna.lee about the flat", "Ask @bob about the flat"),
        ("請點擊領取免費獎品", "请点击领取免费奖品"),
        ("请点击领取，免费奖品！", "请🎁点击 领取免费·奖品"),
        ("Buy cheap tickets today", "B u y cheap t1ckets tоday 🔥"),
        ("点开https://a.example/12领取奖品", "点开http://b.example/q领取奖品"),
    ],
    ids=["numbers and links", "mentions", "traditional", "decorated", "disguised", "link without blanks"],
)
def test_what_differs_by_recipient_or_disguise_is_no_difference(one: str, other: str) -> None:
    assert of(one) == of(other)


@pytest.mark.parametrize(
    "text",
    [
        "good morning",
        "早上好",
        "Good morning everyone, have a very nice day!",
        "Happy birthday to you, my dear friend, and all the best wishes",
        "祝大家新年快乐，万事如意，身体健康！",
        "各位朋友早上好，祝大家周末愉快",
        "哈哈哈哈哈哈哈哈哈哈哈哈",
        "12345 67890 https://a.example/some/very/long/path 13800138000",
        "🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥🔥",
        "@someone @someone.else @a.third.person",
        "see you there",
        "收到，马上来",
    ],
)
def test_greetings_and_short_texts_do_not_count(text: str) -> None:
    assert significance(folded(normalise(text).text)) < LEAST


@pytest.mark.parametrize(
    "text", ["Cheap watches delivered tomorrow", "加微信领取免费红包", "新年快乐！加微信领取免费红包"]
)
def test_a_short_advertisement_counts(text: str) -> None:
    assert significance(folded(normalise(text).text)) >= LEAST


@given(st.text(alphabet=st.sampled_from("abc 12@/.领取w免費，\n日ァ한ж"), max_size=80))
def test_folding_keeps_places_and_every_shingle_has_one(text: str) -> None:
    plain = folded(text)
    assert len(plain) == len(text)
    found = list(placed(plain))
    assert {shingle for shingle, _, _ in found if len(shingle) > 1} >= shingles(plain)
    for shingle, start, end in found:
        stretch = plain[start:end]
        assert stretch.startswith(shingle[0])
        assert stretch.endswith(shingle[-1])
