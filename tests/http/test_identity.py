"""Providers' webhooks through the whole application: what counts, what changes nothing, and what is answered."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from pathlib import Path

import orjson
import pytest
from sqlalchemy import text

from gateway.core.audit import breaks
from gateway.core.model import VerificationState
from gateway.core.verification import Verification
from gateway.core.verification import VerificationEvent as Event
from gateway.http.identity import BODY_LIMIT
from tests.http.compatible import gone, never, post
from tests.http.conftest import serve
from tests.http.identity_site import BY, Site, dump_text, open_site
from tests.providers.vendors import OLD_SECRET, VENDORS, Vendor, Webhook
from tests.world import open_world

vendors = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


@pytest.fixture
async def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Site]:
    async with open_site(tmp_path, monkeypatch) as opened:
        yield opened


def first_of(vendor: Vendor) -> Event:
    """Something the vendor says that settles nothing."""
    return next(event for event in (Event.PROCESS, Event.REVIEW) if event in vendor.words)


@vendors
async def test_an_approval_makes_the_registrant_verified(site: Site, vendor: Vendor) -> None:
    provider = f"{vendor.name}-1"
    site.counted(provider, "applied")
    await site.begin(provider, "ref-1")

    answer = await site.send(provider, vendor.sign(vendor.says("ref-1", Event.APPROVE, site.now_ms), site.now_ms))

    assert (answer.status_code, answer.json()) == (200, {"result": "applied"})
    registrant = await site.registrant()
    assert (registrant.state, registrant.framework, registrant.level) == (VerificationState.VERIFIED, "eidas", "high")
    assert registrant.expires_at is not None
    assert abs(registrant.expires_at - site.now_ms - 365 * 86_400_000) < 60_000
    assert site.counted(provider, "applied") == 1


@vendors
async def test_a_forged_stale_replayed_or_reordered_webhook_changes_nothing_and_is_counted(
    site: Site, vendor: Vendor
) -> None:
    provider = f"{vendor.name}-1"
    await site.begin(provider, "ref-1")
    at_ms = site.now_ms
    first = vendor.says("ref-1", first_of(vendor), at_ms, "event-1")
    assert (await site.send(provider, vendor.sign(first, at_ms))).json() == {"result": "applied"}
    approval = vendor.says("ref-1", Event.APPROVE, at_ms, "event-2")
    old_ms = at_ms - vendor.wait_ms - 60_000
    stale = vendor.sign(vendor.says("ref-1", Event.APPROVE, old_ms, "event-3"), old_ms)
    late = vendor.says("ref-1", Event.APPROVE, at_ms - 30_000, "event-4")
    broken = vendor.sign(b"[]", at_ms)
    elsewhere = vendor.sign(vendor.says("ref-2", Event.APPROVE, at_ms, "event-5"), at_ms)
    again = vendor.says("ref-1", first_of(vendor), at_ms + 1000, "event-6")
    webhooks = [
        ("forged", 401, vendor.sign(approval, at_ms, "not-the-secret")),
        ("forged", 401, Webhook({}, approval)),
        ("forged", 401, Webhook(vendor.sign(approval, at_ms).headers, approval + b" ")),
        ("stale", 400, stale),
        ("replayed", 200, vendor.sign(first, at_ms)),
        ("replayed", 200, vendor.sign(first, at_ms, OLD_SECRET)),
        ("reordered", 200, vendor.sign(late, at_ms)),
        ("malformed", 400, broken),
        ("unknown", 404, elsewhere),
        ("impossible", 200, vendor.sign(again, at_ms)),
        ("ignored", 200, vendor.sign(b"{}", at_ms)),
    ]
    before = await site.dump()

    for result, status, webhook in webhooks:
        site.counted(provider, result)
        answer = await site.send(provider, webhook)
        assert (answer.status_code, site.counted(provider, result)) == (status, 1), (result, answer.text)
        assert await site.dump() == before, result
        if status == 200:
            assert answer.json() == {"result": result}

    assert (await site.registrant()).state is not VerificationState.VERIFIED
    # None of that stands in the way of what is true.
    assert (await site.send(provider, vendor.sign(approval, at_ms))).json() == {"result": "applied"}
    assert (await site.registrant()).state is VerificationState.VERIFIED
    assert list(breaks([row async for row in site.store.audit()], await site.store.heads())) == []


@vendors
async def test_what_a_vendor_tells_of_a_person_is_kept_nowhere(
    site: Site, vendor: Vendor, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    provider = f"{vendor.name}-1"
    await site.begin(provider, "ref-1")
    for body in (vendor.says("ref-1", Event.APPROVE, site.now_ms), b'{"name": "Canary Holder Quetzal"'):
        for secret in ("whsec_new", "wrong"):
            answer = await site.send(provider, vendor.sign(body, site.now_ms, secret))
            assert "Quetzal" not in answer.text
    assert "Quetzal" not in await dump_text(site.store)
    assert "Quetzal" not in caplog.text


async def test_a_signature_header_that_is_given_twice_proves_nothing(site: Site) -> None:
    vendor = VENDORS[0]
    await site.begin("stripe-1", "ref-1")
    sent = vendor.sign(vendor.says("ref-1", Event.APPROVE, site.now_ms), site.now_ms)
    signature = sent.headers["Stripe-Signature"]
    headers = [("Stripe-Signature", signature), ("Stripe-Signature", signature)]
    answer = await site.client.post("/v1/identity/stripe-1/webhook", content=sent.body, headers=headers)
    assert answer.status_code == 401


@pytest.mark.parametrize("provider", ["stripe-2", "staff", "%2e%2e"])
async def test_a_provider_that_sends_no_webhooks_has_no_address(site: Site, provider: str) -> None:
    answer = await site.send(provider, Webhook({}, b"{}"))
    assert (answer.status_code, answer.json()["code"]) == (404, "provider_unknown")


async def test_without_a_providers_file_nobody_is_heard() -> None:
    async def empty() -> dict[str, object]:
        return {"type": "http.request", "body": b"{}"}

    app = serve(await open_world())
    status, body = await post(app, "/v1/identity/stripe-1/webhook", "", {}, empty)
    assert (status, body["code"]) == (404, "provider_unknown")


@pytest.mark.parametrize(("size", "status"), [(BODY_LIMIT, 401), (BODY_LIMIT + 1, 413)])
async def test_a_webhook_has_a_largest_size(site: Site, size: int, status: int) -> None:
    assert (await site.send("stripe-1", Webhook({}, b"x" * size))).status_code == status

    async def pieces() -> AsyncIterator[bytes]:
        yield b"x" * (size - 1)
        yield b"x"

    answer = await site.client.post("/v1/identity/stripe-1/webhook", content=pieces())
    assert answer.status_code == status


async def test_a_webhook_that_does_not_come_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with open_site(tmp_path, monkeypatch, body_read_seconds=0.05) as site:
        for receive, expected in ((never, (408, "body_too_slow")), (gone, (400, "body_cut_off"))):
            status, body = await post(site.app, "/v1/identity/stripe-1/webhook", "", {}, receive)
            assert (status, body["code"]) == expected
        status, body = await post(site.app, "/v1/identity/stripe-1/webhook", "", {"Content-Length": "9" * 19}, gone)
        assert (status, body["code"]) == (400, "body_cut_off")
        assert site.app.state.webhook_budget.held == 0


async def test_while_the_store_is_away_the_provider_is_told_to_send_it_again(site: Site) -> None:
    vendor = VENDORS[0]
    await site.begin("stripe-1", "ref-1")
    sent = vendor.sign(vendor.says("ref-1", Event.APPROVE, site.now_ms), site.now_ms)
    async with site.store.database.writing("break") as connection:
        await connection.execute(text("ALTER TABLE provider_events RENAME TO elsewhere"))
    answer = await site.send("stripe-1", sent)
    assert (answer.status_code, answer.json()["code"]) == (503, "store_unavailable")
    async with site.store.database.writing("mend") as connection:
        await connection.execute(text("ALTER TABLE elsewhere RENAME TO provider_events"))
    assert (await site.send("stripe-1", sent)).json() == {"result": "applied"}


async def test_people_verify_an_organisation_together(site: Site) -> None:
    begun = await site.begin("staff", registrant_id="r2")
    assert begun.state is VerificationState.REVIEW
    for reviewer, state in (("ann", VerificationState.REVIEW), ("bob", VerificationState.VERIFIED)):
        judged = await site.verify.judge("t1", begun.verification_id, reviewer, True, "papers seen")
        assert isinstance(judged, Verification)
        assert judged.state is state
    registrant = await site.registrant("r2")
    assert (registrant.state, registrant.framework, registrant.level) == (VerificationState.VERIFIED, "manual", "seen")
    rows = [orjson.loads(row.body) async for row in site.store.audit()]
    assert [row["actor"] for row in rows if row.get("act") == "Verification"] == ["ann", "bob"]


async def test_another_name_ends_what_was_proved(site: Site) -> None:
    vendor = VENDORS[0]
    await site.begin("stripe-1", "ref-1")
    await site.send("stripe-1", vendor.sign(vendor.says("ref-1", Event.APPROVE, site.now_ms), site.now_ms))
    assert await site.verify.restart("t1", "r1", BY) == 1
    assert (await site.registrant()).state is VerificationState.CANCELED
