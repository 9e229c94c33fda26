"""May this account publish, or only re-publish, news?

Whether a message is news is taken, in this order, from what the account declares, from the source it re-publishes,
and from a classifier's opinion. A news unit originates and re-publishes; a licensed other re-publishes only, and
names its source; everyone else does neither (2014 provisions on instant messaging, article 7).
"""

from __future__ import annotations

from collections.abc import Iterable

from classifiers.contract import Opinion, Score
from gateway.core.model import Facts, Message, NewsKind, Reason
from gateway.core.policy import News

SOURCE = "news"


def judge_news(message: Message, facts: Facts, opinions: Iterable[Opinion], policy: News) -> Reason | None:
    """The reason why this account may not publish this as news; None when it may, or when it is not news."""
    seen = _news_score(opinions, policy)
    declared = message.declared_topic == "news"
    if not declared and message.repost_of is None and seen is None:
        return None
    kinds = _kinds_in_force(facts)
    if NewsKind.ORIGINATE in kinds:
        return None
    if NewsKind.REPUBLISH in kinds:
        return _judge_source(message, policy)
    if message.repost_of is not None and not declared and seen is None:
        return None  # re-publishing something that nobody takes for news needs no authorisation
    source, score = seen or (SOURCE, None)
    return Reason(
        "news_not_authorised",
        policy.unauthorised,
        "Only accounts that are authorised to publish news may publish this.",
        source,
        "news",
        score.value if score else None,
        score.spans if score else (),
    )


def _news_score(opinions: Iterable[Opinion], policy: News) -> tuple[str, Score] | None:
    """Who is surest that this is news, and how sure, if the policy's threshold is reached."""
    found = [
        (opinion.classifier, score)
        for opinion in opinions
        for score in opinion.scores
        if score.category == "news" and score.value >= policy.threshold
    ]
    return max(found, key=lambda pair: pair[1].value, default=None)


def _kinds_in_force(facts: Facts) -> set[NewsKind]:
    if facts.account is None:
        return set()
    return {a.kind for a in facts.account.news if a.active and a.valid_from <= facts.at_ms < a.valid_to}


def _judge_source(message: Message, policy: News) -> Reason | None:
    repost = message.repost_of
    if repost is not None and repost.url and repost.publisher:
        return None
    return Reason(
        "news_source_missing",
        policy.unsourced,
        "This account may only re-publish news: name the source in repost_of, with its url and publisher.",
        SOURCE,
        "news",
    )
