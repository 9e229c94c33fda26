"""Every metric of the worker, once, with what it tells."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

# When each series began would be one more of each, and nothing asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]

QUESTIONS: Final = Counter("classifiers_questions", "Questions decoded.")

EXPIRED: Final = Counter(
    "classifiers_expired",
    "Skipped because the deadline had passed: single questions, and whole records without decoding them.",
    ["what"],
)

ANSWERS: Final = Counter(
    "classifiers_answers",
    "Answers by classifier and kind: opinion, unsupported or failed. Unknown names count as 'other'.",
    ["classifier", "kind"],
)

RETRIES: Final = Counter("classifiers_retries", "Tries of a question after its first.")

JUDGE_SECONDS: Final = Histogram(
    "classifiers_judge_seconds",
    "Time from a record's bytes to its reply's bytes, waiting for its turn included.",
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5),
)

BATCH_QUESTIONS: Final = Histogram(
    "classifiers_batch_questions", "Questions in one record.", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256, 512)
)

DEAD_LETTERS: Final = Counter(
    "classifiers_dead_letters", "Dead letters written: single questions, and whole records.", ["what"]
)

ABANDONED: Final = Counter(
    "classifiers_abandoned_replies", "Replies that could not be sent before their deadline; the asker holds."
)

COMMIT_FAILURES: Final = Counter("classifiers_commit_failures", "Commits refused, mostly for a rebalance.")

UNSETTLED: Final = Gauge("classifiers_unsettled_records", "Records taken from Kafka and not yet settled.")

LEXICON_LOADS: Final = Counter(
    "classifiers_lexicon_loads",
    "Terms files taken into use, and those refused at a change: loaded or refused. After a refusal the old terms stay.",
    ["result"],
)

LEXICON_TERMS: Final = Gauge("classifiers_lexicon_terms", "Terms of the lexicon in use.")

READY: Final = Gauge(
    "classifiers_ready",
    "1 while the worker is a member of its group, the broker answers, and it has read the sketches of others.",
)

SKETCHES: Final = Counter(
    "classifiers_sketches",
    "Sketches between workers: sent, lost before they were sent, read; records ignored as of another version.",
    ["what"],
)

CAMPAIGN_MESSAGES: Final = Gauge(
    "classifiers_campaign_messages", "Messages remembered to find campaigns, old ones included that no longer count."
)

CAMPAIGN_BYTES: Final = Gauge("classifiers_campaign_bytes", "Memory that finding campaigns may take.")

CAMPAIGN_OVERWRITTEN: Final = Gauge(
    "classifiers_campaign_overwritten",
    "Messages forgotten before their time since the start, for want of room (CLASSIFIERS_CAMPAIGN_ENTRIES).",
)
