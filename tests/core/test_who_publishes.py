"""Who publishes: from account, registrant, licence, content and repost to the decision and its reason codes.

The register's document shows these rows; `markdown` makes them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple

import msgspec
import pytest

import gateway
from classifiers.contract import Opinion, Score
from gateway.core.codec import decode_case, encode_case
from gateway.core.decide import decide, settle
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Facts,
    Likeness,
    Message,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Registrant,
    RegistrantKind,
    Repost,
    SourceFact,
    VerificationState,
)
from tests.policies import policy

AT_MS: Final = 1_000_000
DAY_MS: Final = 86_400_000

PERSON = Registrant("reg-1", RegistrantKind.PERSON, VerificationState.VERIFIED, "eidas", "substantial", AT_MS + DAY_MS)
REGISTRANTS: Final = {
    "verified": PERSON,
    "none": None,
    "level too low": msgspec.structs.replace(PERSON, level="low"),
    "level high": msgspec.structs.replace(PERSON, level="high"),
    "expired": msgspec.structs.replace(PERSON, expires_at=AT_MS),
    "under review": msgspec.structs.replace(PERSON, state=VerificationState.REVIEW),
    "needs input": msgspec.structs.replace(PERSON, state=VerificationState.NEEDS_INPUT),
    "declined": msgspec.structs.replace(PERSON, state=VerificationState.DECLINED),
    "not found": msgspec.structs.replace(PERSON, state=VerificationState.CREATED),
}

ACCOUNT = Account("acc-1", AccountState.ACTIVE)
ACCOUNTS: Final = {
    "active": ACCOUNT,
    "unknown": None,
    "suspended": msgspec.structs.replace(ACCOUNT, state=AccountState.SUSPENDED),
    "closed": msgspec.structs.replace(ACCOUNT, state=AccountState.CLOSED),
    "private": msgspec.structs.replace(ACCOUNT, private=True),
    "private, closed": msgspec.structs.replace(ACCOUNT, private=True, state=AccountState.CLOSED),
    "term ended": msgspec.structs.replace(ACCOUNT, term_ends_at=AT_MS),
    "term runs": msgspec.structs.replace(ACCOUNT, term_ends_at=AT_MS + 1),
    "class news_desk": msgspec.structs.replace(ACCOUNT, account_class="news_desk"),
}


def licence(kind: NewsKind, **changes: object) -> NewsAuthorisation:
    """A licence in force."""
    return msgspec.structs.replace(NewsAuthorisation("manual", kind, 0, AT_MS + DAY_MS, True, "lic-1"), **changes)


LICENCES: Final = {
    "none": (),
    "originate": (licence(NewsKind.ORIGINATE),),
    "originate, expired": (licence(NewsKind.ORIGINATE, valid_to=AT_MS),),
    "originate, suspended": (licence(NewsKind.ORIGINATE, active=False),),
    "originate, not begun": (licence(NewsKind.ORIGINATE, valid_from=AT_MS + 1),),
    "originate, on news.example": (licence(NewsKind.ORIGINATE, domains=("news.example",)),),
    "originate, on other.example": (licence(NewsKind.ORIGINATE, domains=("other.example",)),),
    "originate, expired; republish": (licence(NewsKind.ORIGINATE, valid_to=AT_MS), licence(NewsKind.REPUBLISH)),
    "republish": (licence(NewsKind.REPUBLISH),),
    "republish, expired": (licence(NewsKind.REPUBLISH, valid_to=AT_MS),),
    "republish, suspended": (licence(NewsKind.REPUBLISH, active=False),),
    "republish, on news.example": (licence(NewsKind.REPUBLISH, domains=("news.example",)),),
    "republish, on other.example": (licence(NewsKind.REPUBLISH, domains=("other.example",)),),
    "host": (licence(NewsKind.HOST),),
}

CONTENTS: Final = {"no news": (None, 0.1), "news": (None, 0.95), "declared": ("news", 0.1), "unsure": (None, 0.79)}
"""What is declared, and how sure the classifier is that it is news; it counts from 0.8."""

NAMED = Repost("https://news.example/1", "The News", "A. Writer", "A title")
REPOSTS: Final[dict[str, tuple[Repost | None, SourceFact | None]]] = {
    "none": (None, None),
    "exact": (NAMED, SourceFact(True, 7, "The News", Likeness.EXACT)),
    "trimmed": (NAMED, SourceFact(True, 7, "The News", Likeness.TRIMMED)),
    "altered": (NAMED, SourceFact(True, 7, "The News", Likeness.ALTERED)),
    "unsourced": (NAMED, SourceFact(True, 7, "The News", Likeness.UNSOURCED)),
    "unseen": (NAMED, SourceFact(True, 7, "The News")),
    "unlisted": (NAMED, SourceFact(False, 7)),
    "no whitelist": (NAMED, SourceFact(False)),
    "no url": (Repost(publisher="The News"), SourceFact(True, 7, "The News")),
    "no publisher": (Repost(url="https://news.example/1"), SourceFact(True, 7, "The News", Likeness.EXACT)),
}


class Row(NamedTuple):
    """One line of the table: what is known, and what is decided."""

    account: str
    registrant: str
    licence: str
    content: str
    repost: str
    outcome: str
    codes: str


A, V, N = "active", "verified", "none"
ALLOW, HOLD, BLOCK = "allow", "hold", "block"

ROWS: Final = [
    Row(A, V, N, "no news", N, ALLOW, "nothing_found"),
    Row(A, V, N, "unsure", N, ALLOW, "nothing_found"),
    Row(A, V, N, "news", N, HOLD, "news_not_authorised"),
    Row(A, V, N, "declared", N, HOLD, "news_not_authorised"),
    Row(A, V, N, "no news", "unlisted", ALLOW, "nothing_found"),
    Row(A, V, N, "no news", "exact", HOLD, "news_not_authorised"),
    Row(A, V, N, "news", "exact", HOLD, "news_not_authorised"),
    Row(A, V, "host", "news", N, HOLD, "news_not_authorised"),
    Row(A, V, "originate", "news", N, ALLOW, "nothing_found"),
    Row(A, V, "originate", "declared", N, ALLOW, "nothing_found"),
    Row(A, V, "originate", "news", "altered", ALLOW, "nothing_found"),
    Row(A, V, "originate, expired", "news", N, HOLD, "news_licence_expired"),
    Row(A, V, "originate, expired", "no news", N, ALLOW, "nothing_found"),
    Row(A, V, "originate, suspended", "declared", N, HOLD, "news_licence_suspended"),
    Row(A, V, "originate, not begun", "news", N, HOLD, "news_licence_not_begun"),
    Row(A, V, "originate, on news.example", "declared", "altered", ALLOW, "nothing_found"),
    Row(A, V, "originate, on news.example", "declared", N, HOLD, "news_outside_domains"),
    Row(A, V, "originate, on other.example", "news", "exact", HOLD, "news_outside_domains"),
    Row(A, V, "originate, expired; republish", "news", N, HOLD, "news_source_missing"),
    Row(A, V, "republish", "no news", N, ALLOW, "nothing_found"),
    Row(A, V, "republish", "news", N, HOLD, "news_source_missing"),
    Row(A, V, "republish", "declared", "no url", HOLD, "news_source_missing"),
    Row(A, V, "republish", "declared", "no publisher", HOLD, "news_source_missing"),
    Row(A, V, "republish", "declared", "exact", ALLOW, "nothing_found"),
    Row(A, V, "republish", "news", "trimmed", ALLOW, "nothing_found"),
    Row(A, V, "republish", "no news", "exact", ALLOW, "nothing_found"),
    Row(A, V, "republish", "no news", "altered", HOLD, "news_altered"),
    Row(A, V, "republish", "declared", "altered", HOLD, "news_altered"),
    Row(A, V, "republish", "news", "unsourced", HOLD, "news_unsourced"),
    Row(A, V, "republish", "news", "unseen", HOLD, "news_source_unseen"),
    Row(A, V, "republish", "news", "unlisted", HOLD, "news_source_unlisted"),
    Row(A, V, "republish", "declared", "no whitelist", HOLD, "news_source_unlisted"),
    Row(A, V, "republish", "no news", "unlisted", ALLOW, "nothing_found"),
    Row(A, V, "republish, expired", "declared", "exact", HOLD, "news_licence_expired"),
    Row(A, V, "republish, suspended", "declared", "exact", HOLD, "news_licence_suspended"),
    Row(A, V, "republish, on news.example", "declared", "exact", ALLOW, "nothing_found"),
    Row(A, V, "republish, on news.example", "declared", "altered", HOLD, "news_altered"),
    Row(A, V, "republish, on other.example", "declared", "exact", HOLD, "news_outside_domains"),
    Row(A, N, "originate", "news", N, BLOCK, "registrant_missing"),
    Row(A, N, N, "no news", N, BLOCK, "registrant_missing"),
    Row(A, "not found", N, "no news", N, BLOCK, "registrant_unverified"),
    Row(A, "needs input", N, "no news", N, BLOCK, "registrant_needs_input"),
    Row(A, "declined", "originate", "news", N, BLOCK, "registrant_declined"),
    Row(A, "expired", "republish", "declared", "exact", BLOCK, "registrant_expired"),
    Row(A, "expired", "republish", "declared", "altered", BLOCK, "registrant_expired, news_altered"),
    Row(A, "under review", "originate", "news", N, HOLD, "registrant_under_review"),
    Row(A, "under review", N, "news", N, HOLD, "registrant_under_review, news_not_authorised"),
    Row(A, "level too low", N, "no news", N, HOLD, "registrant_assurance_insufficient"),
    Row("class news_desk", V, "originate", "news", N, HOLD, "registrant_assurance_insufficient"),
    Row("class news_desk", "level high", "originate", "news", N, ALLOW, "nothing_found"),
    Row("term runs", V, "originate", "news", N, ALLOW, "nothing_found"),
    Row("term ended", V, "originate", "news", N, BLOCK, "account_term_ended"),
    Row("suspended", V, "originate", "news", N, BLOCK, "account_suspended"),
    Row("closed", V, N, "news", N, BLOCK, "account_closed, news_not_authorised"),
    Row("closed", V, "republish", "declared", "exact", BLOCK, "account_closed"),
    Row("unknown", N, N, "no news", N, HOLD, "account_unknown"),
    Row("unknown", N, N, "declared", N, HOLD, "account_unknown, news_not_authorised"),
    Row("private", N, N, "declared", N, ALLOW, "account_private"),
    Row("private, closed", V, N, "no news", N, BLOCK, "account_closed"),
]

RULES = policy(
    ("  missing: block\n", "  classes: {news_desk: [{framework: eidas, levels: [high]}]}\n  missing: block\n")
)


def case_of(row: Row) -> tuple[Message, Case]:
    """The message of a row, and the case that is decided, as a gateway does it."""
    account = ACCOUNTS[row.account]
    if account is not None:
        account = msgspec.structs.replace(account, registrant=REGISTRANTS[row.registrant], news=LICENCES[row.licence])
    declared, sure = CONTENTS[row.content]
    repost, source = REPOSTS[row.repost]
    message = Message("t1", "acc-1", "native", ("a text",), "0" * 64, repost_of=repost, declared_topic=declared)
    facts = Facts(AT_MS, account, source=source)
    private = settle(message, facts, RULES)
    if private is not None and private.outcome is Outcome.ALLOW:
        return message, Case(facts, (), private)
    answers = (Opinion("text", "1", ()), Opinion("news", "1", (Score("news", sure),)))
    return message, Case(facts, answers, decide(message, facts, answers, RULES))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "; ".join(row[:5]))
def test_the_decision_is_the_documented_one(row: Row) -> None:
    _, case = case_of(row)
    decision = case.decision
    codes = ", ".join([reason.code for reason in decision.reasons]) or decision.rule
    assert (decision.outcome.value, codes) == (row.outcome, row.codes)
    assert all(len(reason.message) > 20 for reason in decision.reasons)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: "; ".join(row[:5]))
def test_the_decision_is_the_same_out_of_what_is_stored(row: Row) -> None:
    message, case = case_of(row)
    stored = decode_case(encode_case(case))
    if stored.answers:
        assert decide(message, stored.facts, stored.answers, RULES) == case.decision
    else:
        assert settle(message, stored.facts, RULES) == case.decision


def test_each_line_stands_once_and_each_value_occurs() -> None:
    assert len({row[:5] for row in ROWS}) == len(ROWS)
    given = [list(ACCOUNTS), list(REGISTRANTS), list(LICENCES), list(CONTENTS), list(REPOSTS)]
    for column, values in enumerate(given):
        assert {row[column] for row in ROWS} == set(values)


def test_policy_may_block_what_is_held_by_default() -> None:
    rules = policy(
        (
            "  unauthorised: hold\n  unsourced: hold\n",
            "  unauthorised: block\n  unsourced: block\n  unlisted: block\n  unseen: allow\n  altered: block\n"
            "  unrelated: block\n",
        )
    )
    for row in ROWS:
        message, case = case_of(row)
        if not case.answers or not row.codes.startswith("news_"):
            continue
        expected = Outcome.ALLOW if row.codes == "news_source_unseen" else Outcome.BLOCK
        assert decide(message, case.facts, case.answers, rules).outcome is expected, row


def markdown() -> str:
    """The table as the register's document shows it."""
    lines = ["| account | registrant | licence | content | repost | decision | reason codes |", "|" + "---|" * 7]
    lines += [f"| {' | '.join(row[:6])} | `{row.codes.replace(', ', '`, `')}` |" for row in ROWS]
    return "\n".join(lines)


def test_the_document_shows_these_rows() -> None:
    assert markdown() in (Path(gateway.__file__).parent / "REGISTER.md").read_text()
