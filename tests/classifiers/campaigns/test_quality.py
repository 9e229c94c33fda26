"""Texts written by hand: what is found in spite of its disguise, and what is not the same though it is similar."""

from __future__ import annotations

import pytest

from classifiers.campaigns.classifier import CampaignClassifier
from classifiers.campaigns.settings import CampaignSettings
from classifiers.contract import Opinion, Question

ENGLISH = (
    "Dear Anna, your parcel 4471 could not be delivered today. Please confirm your address at "
    "https://post.example/a1 within 24 hours, otherwise it will be sent back to the sender."
)
CHINESE = (
    "在家就能做的兼职，一天轻松赚300元，不需要经验，手机就能操作，联系小王马上开始，名额有限。https://job.example/9"
)

VARIED = {
    "recipient": (
        ENGLISH,
        "Dear Bob, your parcel 9 could not be delivered today. Please confirm your address at www.post.example/zz9 "
        "within 12 hours, otherwise it will be sent back to the sender.",
    ),
    "order": (
        ENGLISH,
        "Please confirm your address at https://post.example/a1 within 24 hours, otherwise it will be sent back to "
        "the sender. Dear Anna, your parcel 4471 could not be delivered today.",
    ),
    "synonyms": (
        ENGLISH,
        "Hello Anna, your package 4471 could not be delivered today. Please check your address at "
        "https://post.example/a1 within 24 hours, or it will be returned to the sender.",
    ),
    "emoji and capitals": (
        ENGLISH,
        "📦 DEAR Anna!! your parcel 4471 🚚 could NOT be delivered today ... Please confirm 👉 your address at "
        "https://post.example/a1 ⏰ within 24 hours, otherwise it will be sent back 😢 to the sender",
    ),
    "sentence left out": (
        ENGLISH,
        "Your parcel could not be delivered today. Please confirm your address within 24 hours.",
    ),
    "look-alikes": (
        ENGLISH,
        "Dеar Anna, yоur pаrcel 4471 cоuld nоt be d3livered tоday. Please c0nfirm yоur addr3ss at "
        "https://post.example/a1 within 24 h0urs, оtherwise it will be sеnt bаck to the s3nder.",
    ),
    "invisible characters": (ENGLISH, "\u200b".join(ENGLISH)),
    "Chinese, recipient": (
        CHINESE,
        "在家就能做的兼职，一天轻松赚5000元，不需要经验，手机就能操作，联系陈姐马上开始，名额有限。http://w.example/abc",
    ),
    "Chinese, traditional": (
        CHINESE,
        "在家就能做的兼職，一天輕鬆賺300元，不需要經驗，手機就能操作，聯繫小王馬上開始，名額有限。",
    ),
    "Chinese, order": (
        CHINESE,
        "不需要经验，手机就能操作，在家就能做的兼职，名额有限，一天轻松赚300元，联系小王马上开始。",
    ),
    "Chinese, synonyms": (
        CHINESE,
        "在家就能做的兼职，一天简单赚300元，不用经验，手机就能操作，咨询小王立即开始，名额有限。",
    ),
    "Chinese, apart": (CHINESE, "·".join(CHINESE)),
    "Chinese, clauses left out": (CHINESE, "在家就能做的兼职，一天轻松赚300元，手机就能操作，联系小王马上开始"),
}

DIFFERENT = {
    "same topic": (
        "The hotel was clean, the staff friendly and breakfast excellent. We would gladly come back next summer.",
        "Breakfast was cold and the staff rude, but at least the hotel was close to the station and the room clean.",
    ),
    "same news": (
        "Parliament votes on the new budget on Friday after weeks of talks between the two governing parties.",
        "After the vote in parliament the opposition calls the budget a gift to the banks and announces protests.",
    ),
    "same form": (
        "Happy birthday to our trainer Paul, who has led the juniors to three championships since he came to us.",
        "Happy birthday to our neighbour Rosa, who has watered all of the flowers in this street for forty years.",
    ),
    "Chinese, same topic": (
        "酒店位置很好，离地铁站很近，房间干净，服务员态度也不错，下次还会再来。",
        "房间隔音太差了，早餐种类少，前台办理入住等了一个小时，离地铁站倒是很近。",
    ),
    "Chinese, same food": ("送餐速度很快，味道不错，就是有点咸", "味道一般，分量太少，等了很久才送到"),
    "Chinese, same news": (
        "国足热身赛一比零小胜对手，主教练称赞年轻球员的表现",
        "国足公布亚洲杯大名单，三名年轻球员首次入选",
    ),
}


def found(texts: tuple[str, str]) -> float:
    """How sure the classifier is when two accounts sent these, with two counted as a campaign."""
    campaign = CampaignClassifier(CampaignSettings(entries=1000, accounts=2), lambda: 1.0)
    scores = []
    for number, text in enumerate(texts):
        answer = campaign.judge(Question("e", f"m{number}", "t", ("campaign",), (text,), (), 0, author=f"a{number}"))
        assert isinstance(answer, Opinion)
        scores.append(answer.scores[0].value)
    assert len(campaign.window) == 2, "both texts must count"
    return scores[-1]


@pytest.mark.parametrize("texts", VARIED.values(), ids=VARIED)
def test_nearly_the_same(texts: tuple[str, str]) -> None:
    assert found(texts) == 0.5
    assert found(texts[::-1]) == 0.5


@pytest.mark.parametrize("texts", DIFFERENT.values(), ids=DIFFERENT)
def test_not_the_same(texts: tuple[str, str]) -> None:
    assert found(texts) == 0.0
