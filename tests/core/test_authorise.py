"""Who may publish, or only re-publish, news."""

from __future__ import annotations

import pytest

from classifiers.contract import Opinion, Score, Span
from gateway.core.authorise import judge_news, news_label
from gateway.core.model import (
    Account,
    AccountState,
    Facts,
    Likeness,
    Message,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Reason,
    Repost,
    SourceFact,
)
from tests.policies import policy

AT_MS = 1000
RULES = policy(("unauthorised: hold", "unauthorised: block")).policy.news
SOURCE = Repost(url="https://news.example/1", publisher="The News")
SURE = Opinion("news", "1", (Score("news", 0.8, (Span(0, 0, 4),)),))
LISTED = SourceFact(True, 7, "The News", Likeness.EXACT)
UNSURE = Opinion("news", "1", (Score("news", 0.79),))


def judge(
    *licences: NewsAuthorisation,
    topic: str | None = None,
    repost: Repost | None = None,
    opinions: tuple[Opinion, ...] = (),
    known: bool = True,
    source: SourceFact | None = None,
) -> Reason | None:
    """Judge a message by an account with these licences."""
    account = Account("acc-1", AccountState.ACTIVE, None, licences) if known else None
    message = Message("t1", "acc-1", "native", ("text",), "0" * 64, repost_of=repost, declared_topic=topic)
    return judge_news(message, Facts(AT_MS, account, source=source), opinions, RULES)


def licence(kind: NewsKind, valid_from: int = 0, valid_to: int = 2000, active: bool = True) -> NewsAuthorisation:
    """A licence for news."""
    return NewsAuthorisation("scheme", kind, valid_from, valid_to, active)


def code(reason: Reason | None) -> str | None:
    """What a reason is called."""
    return reason.code if reason else None


@pytest.mark.parametrize("topic", [None, "sport", "News", ""])
def test_what_nobody_takes_for_news_needs_no_licence(topic: str | None) -> None:
    assert judge(topic=topic) is None
    assert judge(topic=topic, repost=SOURCE) is None
    assert judge(topic=topic, opinions=(UNSURE,)) is None


@pytest.mark.parametrize(
    ("topic", "opinions", "source"),
    [("news", (), "news"), (None, (SURE,), "news"), ("news", (UNSURE,), "news")],
    ids=["declared", "seen", "declared and unsure"],
)
@pytest.mark.parametrize("repost", [None, SOURCE], ids=["own", "repost"])
@pytest.mark.parametrize("known", [True, False])
def test_news_without_a_licence(
    topic: str | None, opinions: tuple[Opinion, ...], source: str, repost: Repost | None, known: bool
) -> None:
    reason = judge(topic=topic, opinions=opinions, repost=repost, known=known)
    assert reason is not None
    assert (reason.code, reason.outcome, reason.category) == ("news_not_authorised", Outcome.BLOCK, "news")
    assert reason.source == source


def test_the_surest_opinion_is_named_with_score_and_spans() -> None:
    surest = Opinion("second", "1", (Score("spam", 1.0), Score("news", 0.95, (Span(1, 2, 3),))))
    reason = judge(opinions=(SURE, surest))
    assert reason is not None
    assert (reason.source, reason.score, reason.spans) == ("second", 0.95, (Span(1, 2, 3),))


def test_a_declaration_has_no_score() -> None:
    reason = judge(topic="news")
    assert reason is not None
    assert (reason.score, reason.spans) == (None, ())


@pytest.mark.parametrize("repost", [None, SOURCE, Repost(title="without a source")])
def test_who_originates_news_may_do_anything_with_it(repost: Repost | None) -> None:
    held = licence(NewsKind.ORIGINATE)
    assert judge(held, topic="news", repost=repost, opinions=(SURE,)) is None
    assert judge(licence(NewsKind.REPUBLISH), held, topic="news") is None


@pytest.mark.parametrize(
    ("repost", "expected"),
    [
        (SOURCE, None),
        (None, "news_source_missing"),
        (Repost(), "news_source_missing"),
        (Repost(url="https://news.example/1"), "news_source_missing"),
        (Repost(publisher="The News"), "news_source_missing"),
        (Repost(url="", publisher="The News"), "news_source_missing"),
        (Repost(url="https://news.example/1", publisher=""), "news_source_missing"),
    ],
)
def test_who_republishes_news_names_its_source(repost: Repost | None, expected: str | None) -> None:
    held = licence(NewsKind.REPUBLISH)
    assert code(judge(held, topic="news", repost=repost, source=LISTED)) == expected
    assert code(judge(held, repost=repost, opinions=(SURE,), source=LISTED)) == expected


def test_without_the_fact_of_a_source_none_is_listed() -> None:
    assert code(judge(licence(NewsKind.REPUBLISH), topic="news", repost=SOURCE)) == "news_source_unlisted"


def test_what_comes_from_a_listed_source_is_news() -> None:
    assert code(judge(repost=SOURCE, source=LISTED)) == "news_not_authorised"
    assert judge(repost=SOURCE, source=SourceFact(False, 7)) is None


@pytest.mark.parametrize(
    ("url", "covered"),
    [
        ("https://news.example/1", True),
        ("https://www.news.example/1", True),
        ("https://other.example/1", False),
        ("https://news.example@other.example/1", False),
        (None, False),
    ],
)
@pytest.mark.parametrize("kind", [NewsKind.ORIGINATE, NewsKind.REPUBLISH])
def test_a_licence_may_be_bound_to_sites(kind: NewsKind, url: str | None, covered: bool) -> None:
    bound = NewsAuthorisation("scheme", kind, 0, 2000, domains=("news.example", "news.test"))
    reason = judge(bound, topic="news", repost=Repost(url=url, publisher="The News"), source=LISTED)
    assert code(reason) == (None if covered else "news_outside_domains")
    if reason is not None:
        assert "news.example, news.test" in reason.message
    assert code(judge(bound, topic="news")) == "news_outside_domains"


@pytest.mark.parametrize(
    ("licences", "expected"),
    [
        ((licence(NewsKind.ORIGINATE, 0, AT_MS),), "news_licence_expired"),
        ((licence(NewsKind.REPUBLISH, 0, AT_MS),), "news_licence_expired"),
        ((licence(NewsKind.ORIGINATE, active=False),), "news_licence_suspended"),
        ((licence(NewsKind.ORIGINATE, 0, AT_MS, active=False),), "news_licence_expired"),
        ((licence(NewsKind.ORIGINATE, AT_MS + 1),), "news_licence_not_begun"),
        ((licence(NewsKind.ORIGINATE, 0, 1), licence(NewsKind.ORIGINATE, AT_MS + 1)), "news_licence_not_begun"),
        ((licence(NewsKind.HOST, 0, AT_MS),), "news_not_authorised"),
        ((licence(NewsKind.HOST),), "news_not_authorised"),
        ((), "news_not_authorised"),
    ],
)
def test_why_there_is_no_licence(licences: tuple[NewsAuthorisation, ...], expected: str) -> None:
    assert code(judge(*licences, topic="news")) == expected


def test_the_label_is_of_the_licence_in_force() -> None:
    def label(*licences: NewsAuthorisation) -> NewsKind | None:
        return news_label(Account("acc-1", AccountState.ACTIVE, None, licences), AT_MS)

    originate, republish = licence(NewsKind.ORIGINATE), licence(NewsKind.REPUBLISH)
    assert label(republish, originate) is NewsKind.ORIGINATE
    assert label(republish, licence(NewsKind.ORIGINATE, 0, AT_MS)) is NewsKind.REPUBLISH
    assert label(licence(NewsKind.HOST), licence(NewsKind.ORIGINATE, active=False)) is None


def test_a_missing_source_has_its_own_outcome() -> None:
    reason = judge(licence(NewsKind.REPUBLISH), topic="news")
    assert reason is not None
    assert (reason.outcome, reason.source) == (Outcome.HOLD, "news")


def test_to_host_news_is_not_to_publish_it() -> None:
    assert code(judge(licence(NewsKind.HOST), topic="news")) == "news_not_authorised"


@pytest.mark.parametrize(
    ("valid_from", "valid_to", "active", "in_force"),
    [
        (0, AT_MS + 1, True, True),
        (AT_MS, AT_MS + 1, True, True),
        (AT_MS + 1, AT_MS + 2, True, False),
        (0, AT_MS, True, False),
        (0, AT_MS + 1, False, False),
    ],
)
def test_a_licence_holds_from_its_start_until_before_its_end(
    valid_from: int, valid_to: int, active: bool, in_force: bool
) -> None:
    held = licence(NewsKind.ORIGINATE, valid_from, valid_to, active)
    assert (judge(held, topic="news") is None) is in_force


def test_a_licence_that_ended_leaves_the_milder_one() -> None:
    ended = licence(NewsKind.ORIGINATE, 0, AT_MS)
    assert code(judge(ended, licence(NewsKind.REPUBLISH), topic="news")) == "news_source_missing"
