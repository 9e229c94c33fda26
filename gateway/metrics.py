"""Every metric of the gateway, once, with its meaning. No label takes an account, a message or a tenant's free text;
tenants are few, so their ids may be one."""

from __future__ import annotations

from functools import cache
from typing import Final, TypeVar

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# When each series began would be one more of each, and nothing asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

REQUESTS = Counter("gateway_requests", "Publish requests answered, by route and HTTP status.", ["route", "status"])
REQUEST_SECONDS = Histogram(
    "gateway_request_seconds",
    "Time from the first byte of a publish request to its answer.",
    ["route"],
    buckets=_SECONDS,
)
DECISIONS = Counter("gateway_decisions", "Decisions, by outcome and by the rule that decided.", ["outcome", "rule"])
OPINIONS = Counter(
    "gateway_decision_opinions",
    "Decisions, by tenant, and by whether classifiers' opinions were there (there) or one was missing that the policy "
    "needs (missing).",
    ["tenant", "opinions"],
)
STAGE_SECONDS = Histogram(
    "gateway_stage_seconds",
    "Time in one stage of a publish request: keys (looking up its idempotency key), facts, opinions (pictures in it), "
    "commit, forward, settle.",
    ["stage"],
    buckets=_SECONDS,
)
STAGE_FAULTS = Counter("gateway_stage_faults", "Faults met in a stage, by kind.", ["stage", "fault"])
IN_FLIGHT = Gauge("gateway_in_flight", "Publish requests being worked on.", multiprocess_mode="livesum")
SILENCES = Counter(
    "gateway_silences", "Classifiers that gave no opinion, by classifier and reason.", ["classifier", "silence"]
)
ANSWERED_SHARE = Gauge(
    "gateway_answered_share",
    "Share of the questions of the last minute that were answered, by classifier; 1 where none was asked. Of several "
    "processes behind one port, the lowest.",
    ["classifier"],
    multiprocess_mode="livemin",
)
PICTURES = Counter(
    "gateway_pictures",
    "Pictures that classifiers were to judge, by source (upload, web) and by what came of getting hold of their bytes: "
    "brought, or why they are missing.",
    ["source", "result"],
)
REMEMBERED = Counter(
    "gateway_remembered",
    "Questions to classifiers, by how much of the answer was remembered: whole, part, none, or off where it is not "
    "certain in which version any of those asked runs.",
    ["result"],
)
REMEMBERED_ENTRIES = Gauge(
    "gateway_remembered_entries", "Contents on which opinions are remembered.", multiprocess_mode="livesum"
)
REMEMBERED_BYTES = Gauge(
    "gateway_remembered_bytes", "Memory that remembered opinions take, about.", multiprocess_mode="livesum"
)
FORGOTTEN = Counter(
    "gateway_forgotten",
    "Contents whose opinions were forgotten, by reason: version (a classifier has changed), age, room.",
    ["reason"],
)
EXPIRED_QUESTIONS = Counter(
    "gateway_expired_questions",
    "Questions to classifiers in this process that were not judged: too late for an answer.",
)
LATE_REPLIES = Counter("gateway_late_replies", "Replies that came after their question's deadline.")
FOREIGN_REPLIES = Counter(
    "gateway_foreign_replies", "Replies to questions of another process or an earlier life of this one."
)
BAD_REPLIES = Counter("gateway_bad_replies", "Reply records that do not follow the contract.")
REPLY_LAG = Gauge(
    "gateway_reply_lag", "Reply records on this process's partition that it has not read.", multiprocess_mode="livesum"
)
QUESTION_BATCH = Histogram(
    "gateway_question_batch", "Questions that shared one record.", buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
GROUP_COMMIT = Histogram(
    "gateway_group_commit", "Writes that shared one transaction.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
LOOKUP_BATCH = Histogram(
    "gateway_lookup_batch", "Look-ups that shared one statement.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)
FORWARDS = Counter("gateway_forwards", "Forwards to upstreams, by tenant and by how they ended.", ["tenant", "result"])
PROXIED = Counter(
    "gateway_proxied",
    "Requests on the listeners, by listener and by what became of them: passed, moderated, refused, tunnel.",
    ["listener", "kind"],
)
PROXIED_SECONDS = Histogram(
    "gateway_proxied_seconds",
    "Time from a request on a listener to the end of its answer.",
    ["listener", "kind"],
    buckets=(*_SECONDS, 30.0, 60.0),
)
PROXIED_BYTES = Counter(
    "gateway_proxied_bytes",
    "Bytes of bodies and WebSockets passed on, up to and down from upstreams.",
    ["listener", "direction"],
)
TUNNELS = Gauge("gateway_tunnels", "WebSockets that are open.", ["listener"], multiprocess_mode="livesum")
CLOCK_SKEW_SECONDS = Gauge(
    "gateway_clock_skew_seconds",
    "How far this machine's clock is ahead of the store's, as found when the lease was last extended.",
    multiprocess_mode="mostrecent",
)
HELD = Gauge("gateway_held_messages", "Messages on hold.", multiprocess_mode="mostrecent")
HOLD_AGE_SECONDS = Gauge(
    "gateway_oldest_hold_seconds", "Age of the oldest message on hold.", multiprocess_mode="mostrecent"
)
OVERDUE_HOLDS = Gauge(
    "gateway_overdue_holds",
    "Messages on hold that somebody should have decided on by now.",
    multiprocess_mode="mostrecent",
)
MOVING = Gauge(
    "gateway_moving_messages",
    "Messages on their way, by state: queued (waits for a process), forwarding (is being sent).",
    ["state"],
    multiprocess_mode="mostrecent",
)
MOVING_SECONDS = Gauge(
    "gateway_oldest_moving_seconds",
    "For how long the oldest message is on its way in one state: queued, forwarding.",
    ["state"],
    multiprocess_mode="mostrecent",
)
LEASES = Gauge("gateway_live_leases", "Gateway processes that hold a slot.", multiprocess_mode="mostrecent")
STARTED_SECONDS = Gauge(
    "gateway_started_seconds",
    "When the newest process behind this port was ready (unix time).",
    multiprocess_mode="livemax",
)
UNKNOWN = Gauge(
    "gateway_unknown_messages",
    "Messages whose upstream outcome is unknown; a person resolves them.",
    multiprocess_mode="mostrecent",
)
CACHE = Counter("gateway_cache_lookups", "Registry look-ups, by whether the cache answered.", ["result"])
EVENTS = Counter("gateway_events", "Audit rows announced downstream.")
POLICY_LOADS = Counter("gateway_policy_loads", "Attempts to load the policy, by result.", ["result"])
POLICY_REFUSED = Gauge(
    "gateway_policy_refused",
    "1 while the policy file is refused and an older policy in force.",
    multiprocess_mode="livemax",
)
PROVIDER_EVENTS = Counter(
    "gateway_provider_events",
    "Webhooks of identity providers, by configured provider and by what became of them: applied, forged, stale, "
    "malformed, replayed, reordered, unknown, ignored, impossible.",
    ["provider", "result"],
)
PROVIDER_CHECKS = Counter(
    "gateway_provider_checks",
    "Questions to identity providers that answer at once, by configured provider and by what came of them.",
    ["provider", "result"],
)
TAKEDOWNS = Counter(
    "gateway_takedowns",
    "Attempts to remove what was published, or to put it back, by how they ended: done, restored; again (it is tried "
    "later); failed, restore_failed (given up, a person has to do it).",
    ["result"],
)
TAKEDOWNS_WAITING = Gauge(
    "gateway_takedowns_waiting", "Messages that are to be taken down or put back.", multiprocess_mode="mostrecent"
)
TAKEDOWN_AGE_SECONDS = Gauge(
    "gateway_oldest_takedown_seconds",
    "For how long the oldest message waits that is to be taken down or put back.",
    multiprocess_mode="mostrecent",
)
SIGN_INS = Counter(
    "gateway_sign_ins",
    "Tries to sign in to the console, by way (password, oidc) and by what came of them: in, refused, throttled, fault.",
    ["way", "result"],
)
SANCTIONS = Counter(
    "gateway_sanctions",
    "Acts on sanctions, by degree and by act: ProposeSanction, AgreeSanction, ImposeSanction, DeclineSanction, "
    "LiftSanction.",
    ["degree", "act"],
)
SANCTIONS_PROPOSED = Gauge(
    "gateway_sanctions_proposed", "Sanctions that wait for people's agreement.", multiprocess_mode="mostrecent"
)
SANCTIONS_STOPPED = Gauge(
    "gateway_sanctions_stopped",
    "Tenants whose daily quota of automatic sanctions is used up: what more comes of violations is only proposed.",
    multiprocess_mode="mostrecent",
)
REPORTS = Counter(
    "gateway_reports",
    "Reports by the public that were taken, by category and by how they came: form, api, app, trusted.",
    ["category", "channel"],
)
REPORTS_OPEN = Gauge("gateway_open_reports", "Reports nobody has decided.", multiprocess_mode="mostrecent")
REPORTS_OVERDUE = Gauge(
    "gateway_overdue_reports", "Reports that somebody should have decided by now.", multiprocess_mode="mostrecent"
)
REPORT_AGE_SECONDS = Gauge(
    "gateway_oldest_report_seconds", "Age of the oldest report nobody has decided.", multiprocess_mode="mostrecent"
)
STATEMENTS = Counter("gateway_statements", "Statements of reasons made, by what was restricted.", ["restriction"])
APPEALS = Counter("gateway_appeals", "Appeals, by what became of them: made, upheld, reversed.", ["state"])
APPEALS_OPEN = Gauge("gateway_open_appeals", "Appeals that wait for a decision.", multiprocess_mode="mostrecent")
APPEALS_LATE = Gauge(
    "gateway_late_appeals", "Open appeals that should have been decided by now.", multiprocess_mode="mostrecent"
)
NOTICES = Counter(
    "gateway_notices",
    "Attempts to deliver a notice to a tenant, by its kind and by how they ended: delivered, put_off, given_up.",
    ["kind", "result"],
)
READY = Gauge("gateway_ready", "1 while this process admits publish requests.", multiprocess_mode="livesum")


M = TypeVar("M", Counter, Histogram)


@cache
def child(metric: M, *labels: str) -> M:
    """The metric with these label values; remembered, for looking it up costs more than counting."""
    return metric.labels(*labels)
