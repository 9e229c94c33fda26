"""The four vendors' webhooks: what is taken, what is refused and why, and that nothing personal gets further."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.core.verification import VerificationEvent as Event
from gateway.providers.readers import READERS
from gateway.providers.webhooks import Endpoint, ProviderEvent, Rejection
from tests.providers.vendors import (
    CLIENT,
    OLD_SECRET,
    SECRET,
    VENDORS,
    WEEK_MS,
    Vendor,
    Webhook,
    iso,
    mac,
    onfido,
    onfido_body,
    persona,
    persona_body,
    stripe,
    stripe_body,
    veriff,
    veriff_body,
)

NOW_MS = 1_800_000_000_000

vendors = pytest.mark.parametrize("vendor", VENDORS, ids=lambda vendor: vendor.name)


def read(name: str, webhook: Webhook, now_ms: int = NOW_MS, secrets: tuple[str, ...] = (SECRET,)) -> object:
    """What the reader makes of it."""
    tolerance_ms = next(vendor.wait_ms for vendor in VENDORS if vendor.name == name)
    client = CLIENT if name == "veriff" else None
    endpoint = Endpoint(f"{name}-1", tuple(secret.encode() for secret in secrets), tolerance_ms, client)
    headers = {header.lower(): value for header, value in webhook.headers.items()}
    return READERS[name](headers, webhook.body, now_ms, endpoint)


@pytest.mark.parametrize(("vendor", "event"), [(vendor, event) for vendor in VENDORS for event in vendor.words])
def test_what_a_vendor_says(vendor: Vendor, event: Event) -> None:
    found = read(vendor.name, vendor.sign(vendor.says("ref-1", event, NOW_MS - 1000), NOW_MS))

    assert isinstance(found, ProviderEvent)
    assert (found.provider, found.reference, found.event, found.at_ms) == (
        f"{vendor.name}-1",
        "ref-1",
        event,
        NOW_MS - 1000,
    )
    assert "Quetzal" not in repr(found)


@vendors
def test_the_same_event_has_the_same_id_and_another_has_another(vendor: Vendor) -> None:
    found = [
        read(vendor.name, vendor.sign(vendor.says("ref-1", event, at_ms, event_id), sent_ms))
        for event, at_ms, event_id, sent_ms in [
            (Event.APPROVE, NOW_MS - 1000, "e1", NOW_MS),
            (Event.APPROVE, NOW_MS - 1000, "e1", NOW_MS - 2000),
            (Event.APPROVE, NOW_MS - 9000, "e2", NOW_MS),
        ]
    ]
    ids = [event.event_id for event in found if isinstance(event, ProviderEvent)]
    assert ids[0] == ids[1] != ids[2]


@vendors
def test_a_signature_by_another_secret_is_forged(vendor: Vendor) -> None:
    body = vendor.says("ref-1", Event.APPROVE, NOW_MS)
    assert read(vendor.name, vendor.sign(body, NOW_MS, "another")) is Rejection.FORGED


@vendors
def test_a_webhook_without_its_signature_is_forged(vendor: Vendor) -> None:
    body = vendor.says("ref-1", Event.APPROVE, NOW_MS)
    assert read(vendor.name, Webhook({}, body)) is Rejection.FORGED
    for header in vendor.sign(body, NOW_MS).headers:
        for value in ("", "t=1", "v1=", "t=,v1=", "t=x,v1=00", f"t={NOW_MS},v1={'0' * 64}", "\xff" * 64, "0" * 64):
            changed = {**vendor.sign(body, NOW_MS).headers, header: value}
            assert read(vendor.name, Webhook(changed, body)) is Rejection.FORGED


@vendors
def test_a_changed_body_is_forged(vendor: Vendor) -> None:
    sent = vendor.sign(vendor.says("ref-1", Event.APPROVE, NOW_MS), NOW_MS)
    other = sent.body.replace(b"ref-1", b"ref-2")
    assert other != sent.body
    assert read(vendor.name, Webhook(sent.headers, other)) is Rejection.FORGED


@vendors
@given(place=st.integers(0), bit=st.integers(0, 7))
def test_any_changed_bit_is_forged(vendor: Vendor, place: int, bit: int) -> None:
    sent = vendor.sign(vendor.says("ref-1", Event.APPROVE, NOW_MS), NOW_MS)
    body = bytearray(sent.body)
    body[place % len(body)] ^= 1 << bit
    assert read(vendor.name, Webhook(sent.headers, bytes(body))) is Rejection.FORGED


@vendors
@pytest.mark.parametrize("secrets", [(SECRET, OLD_SECRET), (OLD_SECRET, SECRET)])
@pytest.mark.parametrize("signer", [SECRET, OLD_SECRET])
def test_while_a_secret_is_replaced_both_are_good(vendor: Vendor, secrets: tuple[str, str], signer: str) -> None:
    body = vendor.says("ref-1", Event.APPROVE, NOW_MS)
    assert isinstance(read(vendor.name, vendor.sign(body, NOW_MS, signer), secrets=secrets), ProviderEvent)


@vendors
@pytest.mark.parametrize(("late_ms", "taken"), [(-1000, True), (0, True), (1000, False)])
def test_an_old_webhook_is_stale(vendor: Vendor, late_ms: int, taken: bool) -> None:
    sent_ms = NOW_MS - vendor.wait_ms - late_ms
    found = read(vendor.name, vendor.sign(vendor.says("ref-1", Event.APPROVE, sent_ms), sent_ms))
    assert isinstance(found, ProviderEvent) if taken else found is Rejection.STALE


@vendors
def test_a_webhook_of_the_future_is_stale(vendor: Vendor) -> None:
    sent_ms = NOW_MS + 301_000
    sent = vendor.sign(vendor.says("ref-1", Event.APPROVE, sent_ms), sent_ms)
    assert read(vendor.name, sent) is Rejection.STALE


def test_a_repeated_delivery_of_an_old_event_is_not_stale_where_the_delivery_is_signed() -> None:
    body = stripe_body("ref-1", "verified", NOW_MS - WEEK_MS)
    assert isinstance(read("stripe", stripe(body, NOW_MS)), ProviderEvent)


def test_during_rotation_persona_sends_two_stamps_and_stripe_two_signatures() -> None:
    body = persona_body("inq_1", "approved", NOW_MS)
    both = [persona(body, NOW_MS, secret).headers["Persona-Signature"] for secret in ("other", SECRET)]
    for stamps in (both, both[::-1]):
        assert isinstance(read("persona", Webhook({"persona-signature": " ".join(stamps)}, body)), ProviderEvent)
    body, stamp = stripe_body("vs_1", "verified", NOW_MS), f"{NOW_MS // 1000}"
    signatures = [f"v1={mac(secret, stamp.encode() + b'.' + body)}" for secret in ("other", SECRET)]
    header = {"stripe-signature": f"t={stamp},{','.join(signatures)}"}
    assert isinstance(read("stripe", Webhook(header, body)), ProviderEvent)


def test_a_stale_stamp_beside_a_fresh_forged_one_is_stale() -> None:
    body = persona_body("inq_1", "approved", NOW_MS)
    old, forged = persona(body, NOW_MS - 400_000), persona(body, NOW_MS, "other")
    header = f"{old.headers['Persona-Signature']} {forged.headers['Persona-Signature']}"
    assert read("persona", Webhook({"persona-signature": header}, body)) is Rejection.STALE


def test_stripe_v0_alone_is_no_signature() -> None:
    sent = stripe(stripe_body("vs_1", "verified", NOW_MS), NOW_MS)
    header = sent.headers["Stripe-Signature"].replace("v1", "v0")
    assert read("stripe", Webhook({"stripe-signature": header}, sent.body)) is Rejection.FORGED


def test_a_webhook_of_another_integration_of_veriff_is_forged() -> None:
    sent = veriff(veriff_body("s-1", 9001, NOW_MS), NOW_MS)
    for client in ("", "another"):
        assert read("veriff", Webhook({**sent.headers, "x-auth-client": client}, sent.body)) is Rejection.FORGED


def test_a_session_of_veriff_that_nobody_finished_ended_after_a_week() -> None:
    body = veriff_body("s-1", 9104, NOW_MS - WEEK_MS - 5000, decisionTime=None)
    found = read("veriff", veriff(body, NOW_MS))
    assert isinstance(found, ProviderEvent)
    assert found.at_ms == NOW_MS - 5000


@pytest.mark.parametrize("created", ["created-at", "created_at", "createdAt"])
def test_persona_writes_keys_in_three_ways(created: str) -> None:
    body = persona_body("inq_1", "approved", NOW_MS, created=created)
    assert isinstance(read("persona", persona(body, NOW_MS)), ProviderEvent)


@pytest.mark.parametrize(
    ("action", "status", "result", "event"),
    [
        ("check.started", "in_progress", None, Event.PROCESS),
        ("check.completed", "complete", "clear", Event.APPROVE),
        ("check.completed", "complete", "consider", Event.REVIEW),
        ("check.completed", "complete", None, Event.REVIEW),
        ("workflow_run.completed", "error", None, Event.REVIEW),
    ],
)
def test_what_onfido_says_of_a_check(action: str, status: str, result: str | None, event: Event) -> None:
    found = read("onfido", onfido(onfido_body("c-1", status, NOW_MS, action, result), NOW_MS))
    assert isinstance(found, ProviderEvent)
    assert found.event is event


@pytest.mark.parametrize(
    ("name", "webhook"),
    [
        ("stripe", stripe(stripe_body("vs_1", "created", NOW_MS), NOW_MS)),
        ("stripe", stripe(stripe_body("vs_1", "redacted", NOW_MS), NOW_MS)),
        ("stripe", stripe(b'{"type": "charge.succeeded"}', NOW_MS)),
        ("stripe", stripe(b'{"type": ["x"]}', NOW_MS)),
        ("persona", persona(persona_body("inq_1", "completed", NOW_MS), NOW_MS)),
        ("persona", persona(persona_body("inq_1", "redacted", NOW_MS), NOW_MS)),
        ("persona", persona(b'{"data": {"attributes": {"name": "case.resolved"}}}', NOW_MS)),
        ("veriff", veriff(b'{"id": "s-1", "action": "started", "code": 7001, "feature": "selfid"}', NOW_MS)),
        ("veriff", veriff(veriff_body("s-1", 9999, NOW_MS), NOW_MS)),
        ("veriff", veriff(b'{"verification": {"code": "9001"}}', NOW_MS)),
        ("onfido", onfido(onfido_body("r-1", "complete", NOW_MS, "report.completed"), NOW_MS)),
        ("onfido", onfido(onfido_body("r-1", "unheard_of", NOW_MS), NOW_MS)),
    ],
)
def test_what_changes_no_verification_is_ignored(name: str, webhook: Webhook) -> None:
    assert read(name, webhook) is Rejection.IGNORED


@vendors
@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"7", b"\xff", b'{"id": 1, "id": 2}'])
def test_what_is_no_object_is_malformed(vendor: Vendor, body: bytes) -> None:
    assert read(vendor.name, vendor.sign(body, NOW_MS)) is Rejection.MALFORMED


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("stripe", b'"evt_1"', b'"evt 1"'),
        ("stripe", b'"evt_1"', b"7"),
        ("stripe", b'"vs_1"', b'""'),
        ("stripe", b'"created": 1800000000', b'"created": "1800000000"'),
        ("stripe", b'"created": 1800000000', b'"created": true'),
        ("stripe", b'"created": 1800000000', b'"created": -1'),
        ("persona", b'"evt_1"', b"null"),
        ("persona", b'"inq_1"', b"{}"),
        ("persona", iso(NOW_MS).encode(), b"yesterday"),
        ("persona", iso(NOW_MS).encode(), b"2027-01-15T08:00:00"),
        ("veriff", b'"s-1"', b'"' + b"s" * 201 + b'"'),
        ("veriff", b'"attempt-1"', b"[]"),
        ("veriff", iso(NOW_MS).encode(), b""),
        ("onfido", b'"r-1"', b"null"),
        ("onfido", iso(NOW_MS).encode(), b"12"),
    ],
)
def test_what_is_not_as_documented_is_malformed(name: str, old: bytes, new: bytes) -> None:
    body = {
        "stripe": stripe_body("vs_1", "verified", NOW_MS),
        "persona": persona_body("inq_1", "approved", NOW_MS),
        "veriff": veriff_body("s-1", 9001, NOW_MS),
        "onfido": onfido_body("r-1", "approved", NOW_MS),
    }[name]
    vendor = next(vendor for vendor in VENDORS if vendor.name == name)
    assert old in body
    assert read(name, vendor.sign(body.replace(old, new), NOW_MS)) is Rejection.MALFORMED


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["data", "payload", "verification", "attributes", "object", "id", "code", "action", "type"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@vendors
@given(value=values)
def test_any_signed_json_gets_an_answer(vendor: Vendor, value: object) -> None:
    found = read(vendor.name, vendor.sign(json.dumps(value).encode(), NOW_MS))
    assert isinstance(found, Rejection | ProviderEvent)
