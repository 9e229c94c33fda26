"""A repost's source is a fact: asked for once, kept with the decision, and looked at again when a hold is decided."""

from __future__ import annotations

from dataclasses import replace as changed

import msgspec
import orjson
import pytest

from classifiers.contract import Opinion, Reply, Silence
from gateway.core.audit import LICENCE, REGISTRY, act_body
from gateway.core.model import Likeness, MessageState, NewsAuthorisation, NewsKind, Outcome, Repost, SourceFact
from gateway.core.registration import By
from gateway.perform import Performed
from gateway.ports import StoreUnavailable
from gateway.publish import Refusal, Submission
from gateway.review import ReleaseForbidden
from gateway.upkeep import announce_unowned
from tests.fakes import NOW_MS
from tests.policies import policy
from tests.publish.test_upkeep import Downstream
from tests.world import ACCOUNT, TENANT, World, open_world, submission

REPOST = Repost("https://news.example/1", "The News")
EXACT = SourceFact(True, 7, "The News", Likeness.EXACT)
ALTERED = SourceFact(True, 7, "The News", Likeness.ALTERED)
UNSEEN = SourceFact(True, 7, "The News")
REPUBLISHER = msgspec.structs.replace(
    ACCOUNT, account_id="acc-news", news=(NewsAuthorisation("manual", NewsKind.REPUBLISH, 0, NOW_MS * 2),)
)


@pytest.fixture
async def world() -> World:
    opened = await open_world()
    await opened.put(REPUBLISHER)
    return opened


def repost(text: str = "a text", target: str | None = None) -> Submission:
    """A request to re-publish."""
    made = submission(text, account=REPUBLISHER)
    texts = (text,) if target is None else (text, target)
    message = msgspec.structs.replace(made.message, texts=texts, repost_of=REPOST, target=target)
    return changed(made, message=message)


async def published(world: World, given: Submission) -> Performed:
    """What a request came to, when it was decided."""
    result = await world.publish(given)
    assert isinstance(result, Performed)
    return result


async def test_a_message_that_is_no_repost_has_no_source(world: World) -> None:
    await published(world, submission())
    assert world.sources.asked == []


async def test_the_source_is_asked_for_with_the_post_itself(world: World) -> None:
    world.sources.fact = EXACT
    result = await published(world, repost("a text", "#town"))
    assert world.sources.asked == [(TENANT.tenant_id, REPOST, ("a text",), NOW_MS)]
    stored = await world.stored(result.message_id)
    assert stored.first.facts.source == EXACT
    assert stored.state is MessageState.PUBLISHED


async def test_an_altered_text_is_held(world: World) -> None:
    world.sources.fact = ALTERED
    result = await published(world, repost())
    assert (result.decision.outcome, result.decision.rule) == (Outcome.HOLD, "news_altered")


async def test_when_the_source_cannot_be_asked_nothing_is_decided(world: World) -> None:
    world.sources.fault = StoreUnavailable("gone")
    assert await world.publish(repost()) is Refusal.STORE_UNAVAILABLE
    assert world.upstream.got == []


async def test_facts_alone_block_before_anybody_is_asked(world: World) -> None:
    world.policy = policy(("  unsourced: hold\n", "  unsourced: hold\n  altered: block\n"))
    world.sources.fact = ALTERED
    result = await published(world, repost())
    assert (result.decision.outcome, result.decision.rule) == (Outcome.BLOCK, "news_altered")
    assert world.classifiers.asked == []


async def test_a_late_opinion_finds_the_source_that_became_known(world: World) -> None:
    world.sources.fact = UNSEEN
    world.classifiers.silences["text"] = Silence.TIMEOUT
    held = await published(world, repost())
    assert [reason.code for reason in held.decision.reasons] == ["news_source_unseen", "classifier_timeout"]
    world.sources.fact = EXACT
    await world.review.late(Reply("0.1-1", held.message_id, TENANT.tenant_id, (Opinion("text", "1", ()),)))
    assert await world.state(held.message_id) is MessageState.PUBLISHED
    assert (await world.store.cases(held.message_id))[-1][1].facts.source == EXACT


async def test_a_person_releases_what_was_altered(world: World) -> None:
    world.sources.fact = ALTERED
    held = await published(world, repost())
    stored = await world.stored(held.message_id)
    assert await world.resolve(stored, Outcome.ALLOW, "Ann", "corrected by the source")
    assert (await world.store.cases(held.message_id))[-1][1].facts.source == ALTERED
    await world.review.forward_queued()
    assert await world.state(held.message_id) is MessageState.PUBLISHED


async def test_no_person_releases_what_the_policy_blocks(world: World) -> None:
    world.sources.fact = ALTERED
    held = await published(world, repost())
    world.policy = policy(("  unsourced: hold\n", "  unsourced: hold\n  altered: block\n"))
    stored = await world.stored(held.message_id)
    with pytest.raises(ReleaseForbidden, match="not the source's"):
        await world.resolve(stored, Outcome.ALLOW, "Ann", "fine")
    assert await world.state(held.message_id) is MessageState.HELD


async def test_what_was_released_is_not_sent_once_its_source_forbids_it(world: World) -> None:
    world.sources.fact = UNSEEN
    held = await published(world, repost())
    assert await world.resolve(await world.stored(held.message_id), Outcome.ALLOW, "Ann", "fine")
    world.sources.fact = ALTERED
    world.policy = policy(("  unsourced: hold\n", "  unsourced: hold\n  altered: block\n"))
    await world.review.forward_queued()
    assert await world.state(held.message_id) is MessageState.REJECTED
    assert world.upstream.got == []


async def test_a_released_message_waits_while_its_source_cannot_be_asked(world: World) -> None:
    world.sources.fact = UNSEEN
    held = await published(world, repost())
    assert await world.resolve(await world.stored(held.message_id), Outcome.ALLOW, "Ann", "fine")
    world.sources.fault = StoreUnavailable("gone")
    with pytest.raises(StoreUnavailable):
        await world.review.forward_queued()
    world.sources.fault = None
    await world.perform.settle_again()
    await world.review.forward_queued()
    assert await world.state(held.message_id) is MessageState.PUBLISHED


async def test_a_licence_that_ends_is_announced_and_other_acts_are_not(world: World) -> None:
    body = act_body(By("gateway"), 0, TENANT.tenant_id, "EndLicence", licence_id="lic-1")
    await world.store.append_audit(LICENCE, body, NOW_MS)
    await world.store.append_audit(REGISTRY, act_body(By("Ann"), 0, TENANT.tenant_id, "PutLicence"), NOW_MS)
    downstream = Downstream()
    await announce_unowned(world.store, downstream, world.lease)
    assert [orjson.loads(row.body)["act"] for row in downstream.rows] == ["EndLicence"]
