"""May this account publish, or only re-publish, news?

Whether a message is news is taken, in this order, from what the account declares, from the source that it re-publishes
(one that stands in the whitelist publishes news), from a classifier's opinion, and in the end from the person who looks
at the hold. A news unit originates and re-publishes; a licensed other re-publishes only, and names its source; everyone
else does neither (2014 provisions on instant messaging, article 7).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, assert_never

from classifiers.contract import Opinion, Score
from gateway.core.addresses import host, within
from gateway.core.model import Account, Facts, Likeness, Message, NewsAuthorisation, NewsKind, Outcome, Reason
from gateway.core.policy import News

SOURCE: Final = "news"

_TEXTS: Final = {
    "news_not_authorised": (
        "Only accounts that are authorised to publish news may publish this. If it is no news, ask for a review; to "
        "publish news, give proof of a licence."
    ),
    "news_licence_expired": "The account's licence to publish news has ended. Renew it, then publish again.",
    "news_licence_suspended": (
        "The account's licence to publish news is suspended. Ask whoever issued it, then publish again."
    ),
    "news_licence_not_begun": "The account's licence to publish news has not begun yet. Publish again when it has.",
    "news_outside_domains": (
        "The account's licence holds for news on {} only. Name the page there in repost_of, with its url."
    ),
    "news_source_missing": (
        "This account may only re-publish news: name the source in repost_of, with its url and publisher."
    ),
    "news_source_unlisted": (
        "The source that repost_of names is not in the whitelist in force, or its url is not on a site of that "
        "publisher. Re-publish from a listed source, and name it as it is listed. A publisher listed without a site "
        "counts for pages whose article is known here."
    ),
    "news_source_unseen": (
        "The text of the source that repost_of names is not known here, so nothing could be compared. Give the url and "
        "title as the source has them, or wait for a review."
    ),
    "news_altered": (
        "The text is not the source's: sentences were changed, added, or put in another order. Publish it as it is; "
        "whole sentences may be left out."
    ),
    "news_unsourced": (
        "The text has little in common with the source that repost_of names. Name the source that it is taken from."
    ),
}


def judge_news(message: Message, facts: Facts, opinions: Iterable[Opinion], policy: News) -> Reason | None:
    """The reason why this account may not publish this as news; None when it may, or when it is not news."""
    seen = _news_score(opinions, policy)
    declared = message.declared_topic == "news"
    from_listed = facts.source is not None and facts.source.listed
    if not declared and not from_listed and seen is None:
        return None
    given = facts.account.news if facts.account is not None else ()
    in_force = [each for each in given if _in_force(each, facts.at_ms)]
    held = [each for each in in_force if _covers(each, message)]
    kinds = {each.kind for each in held}
    if NewsKind.ORIGINATE in kinds:
        return None
    if NewsKind.REPUBLISH in kinds:
        return _judge_source(message, facts, policy)
    code = _why_not(given, in_force, facts.at_ms)
    bound = ", ".join(dict.fromkeys([name for each in in_force for name in each.domains]))
    source, score = seen or (SOURCE, None)
    return Reason(
        code,
        policy.unauthorised,
        _TEXTS[code].format(bound),
        source,
        "news",
        score.value if score else None,
        score.spans if score else (),
    )


def news_label(account: Account, at_ms: int) -> NewsKind | None:
    """What news an account is allowed at a moment, for the label that readers see; None for none."""
    kinds = {each.kind for each in account.news if _in_force(each, at_ms)}
    return next((kind for kind in (NewsKind.ORIGINATE, NewsKind.REPUBLISH) if kind in kinds), None)


def _news_score(opinions: Iterable[Opinion], policy: News) -> tuple[str, Score] | None:
    """Who is surest that this is news, and how sure, if the policy's threshold is reached."""
    found = [
        (opinion.classifier, score)
        for opinion in opinions
        for score in opinion.scores
        if score.category == "news" and score.value >= policy.threshold
    ]
    return max(found, key=lambda pair: pair[1].value, default=None)


def _in_force(licence: NewsAuthorisation, at_ms: int) -> bool:
    return licence.active and licence.valid_from <= at_ms < licence.valid_to


def _covers(licence: NewsAuthorisation, message: Message) -> bool:
    """Whether a licence that is bound to sites holds for this message: one that names a page there."""
    if not licence.domains:
        return True
    url = message.repost_of.url if message.repost_of is not None else None
    name = host(url) if url else None
    return name is not None and within(name, licence.domains)


def _why_not(given: Sequence[NewsAuthorisation], in_force: Sequence[NewsAuthorisation], at_ms: int) -> str:
    """The nearest that the account comes to a licence. To host news is not to publish it."""
    bound = [each for each in in_force if each.kind is not NewsKind.HOST]
    if bound:
        return "news_outside_domains"
    publishing = [each for each in given if each.kind is not NewsKind.HOST]
    if any(not each.active and at_ms < each.valid_to for each in publishing):
        return "news_licence_suspended"
    if any(at_ms < each.valid_from for each in publishing):
        return "news_licence_not_begun"
    return "news_licence_expired" if publishing else "news_not_authorised"


def _judge_source(message: Message, facts: Facts, policy: News) -> Reason | None:
    """What a re-publisher's source, and its text, are worth. Without the fact of the source nothing is taken for
    listed."""
    repost, source = message.repost_of, facts.source
    if repost is None or not repost.url or not repost.publisher:
        return _of_source("news_source_missing", policy.unsourced)
    if source is None or not source.listed:
        return _of_source("news_source_unlisted", policy.unlisted)
    match source.likeness:
        case Likeness.EXACT | Likeness.TRIMMED:
            return None
        case None:
            return _of_source("news_source_unseen", policy.unseen)
        case Likeness.ALTERED:
            return _of_source("news_altered", policy.altered)
        case Likeness.UNSOURCED:
            return _of_source("news_unsourced", policy.unrelated)
        case _:
            assert_never(source.likeness)


def _of_source(code: str, outcome: Outcome) -> Reason:
    return Reason(code, outcome, _TEXTS[code], SOURCE, "news")
