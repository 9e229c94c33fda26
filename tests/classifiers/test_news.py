"""What the news classifier takes for news, and what only talks about it."""

from __future__ import annotations

import pytest

from classifiers.contract import Opinion, Question, Silence, Unanswered
from classifiers.news import NewsClassifier

CLASSIFIER = NewsClassifier()


def ask(*texts: str, media: tuple[str, ...] = ()) -> Question:
    return Question("e-1", "m-1", "t-1", ("news",), texts, media, 0)


def news(text: str) -> float:
    answer = CLASSIFIER.judge(ask(text))
    assert isinstance(answer, Opinion)
    (score,) = answer.scores
    assert score.category == "news"
    return score.value


@pytest.mark.parametrize(
    "text",
    [
        "GENEVA, March 3 (Reuters) - Health officials said on Tuesday that cases fell 12 percent.",
        "The minister told reporters on Monday that the bridge would reopen next week.",
        "At least 12 people were killed in the blast, police said on Friday.",
        "According to local media, officials said the dam had been closed.",
        "Senate Approves New Budget for Public Schools",
        "Shares fell 3.2 percent after the company reported quarterly earnings, analysts said.",
        "新华社北京3月5日电 记者从会议获悉，今年将新增学位3万个。",
        "本报讯（记者 李明）昨日，我市第三座大桥开工。",
        "据当地媒体报道，事故已致3人死亡，原因正在调查。",
        "外交部发言人在例行记者会上表示，将继续推进合作。",
    ],
)
def test_news(text: str) -> None:
    assert news(text) >= 0.6


@pytest.mark.parametrize(
    "text",
    [
        "Did you see the news about the earthquake? So sad",
        "I think the Reuters piece was badly written lol",
        "My friend works as a journalist and loves press conferences",
        "Good morning everyone, it looks like rain on Monday",
        "See you on Friday, we said eight o'clock",
        "The library opens at nine on weekdays.",
        "What A Lovely Day It Was For You And Me",
        "HAPPY BIRTHDAY TO THE BEST DAD IN TOWN",
        "今天天气真好，适合出去走走",
        "我看了今天的新闻，觉得挺有意思",
        "你们怎么看记者昨天的报道？我觉得不太客观",
        "我妈说明天要下雨，出门带伞",
        "",
    ],
)
def test_not_news(text: str) -> None:
    assert news(text) < 0.5


@pytest.mark.parametrize(
    "text",
    ["习近平下台", "打倒共产党", "共产党万岁", "支持俄罗斯", "反对战争", "德国加油", "Macron must go", "Free Kashmir"],
)
def test_slogans_are_no_news(text: str) -> None:
    assert news(text) < 0.6


def test_spans_show_what_speaks_for_news() -> None:
    text = "Weather. The minister told reporters nothing."
    answer = CLASSIFIER.judge(ask(text))
    assert isinstance(answer, Opinion)
    assert "told reporters" in [text[s.start : s.end] for s in answer.scores[0].spans]


def test_media_alone_cannot_be_judged() -> None:
    assert CLASSIFIER.judge(ask(media=("image/png",))) == Unanswered("news", Silence.UNSUPPORTED)
