"""The stored form of messages, facts, accounts and cases: canonical JSON, and back.

Canonical: keys in order, no white space, and a field that has its default left out. So equal values give equal
bytes, a hash of the bytes stands for the value, and a field added later with a default changes no old bytes and
makes no old row unreadable. Fields that this version does not know are ignored.

The writers raise ValueError for what JSON cannot carry (a lone surrogate, an integer beyond 64 bits). The readers
raise ValueError for bytes that are not such a value; the text never quotes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import orjson

from classifiers.contract import Span, answer_from_json, answer_to_json
from gateway.core.model import (
    Account,
    AccountState,
    Case,
    Decision,
    Degree,
    Facts,
    Media,
    Message,
    NewsAuthorisation,
    NewsKind,
    Outcome,
    Reason,
    Registrant,
    RegistrantKind,
    Repost,
    Sanction,
    VerificationState,
)

Plain = dict[str, Any]
Row = Mapping[str, Any]
Value = TypeVar("Value")


def canonical(value: Plain) -> bytes:
    """The one JSON form of plain values."""
    try:
        return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        raise ValueError(f"cannot be written as JSON: {error}") from error


def encode_message(message: Message) -> bytes:
    """A message as it is kept; it carries message text, so it goes nowhere but the store."""
    row: Plain = {
        "tenant_id": message.tenant_id,
        "account_id": message.account_id,
        "platform": message.platform,
        "texts": message.texts,
        "content_hash": message.content_hash,
    }
    if message.media:
        row["media"] = [
            _present(content_type=item.content_type, url=item.url, sha256=item.sha256) for item in message.media
        ]
    if message.target is not None:
        row["target"] = message.target
    if (origin := message.repost_of) is not None:
        row["repost_of"] = _present(
            url=origin.url, publisher=origin.publisher, author=origin.author, title=origin.title
        )
    if message.declared_topic is not None:
        row["declared_topic"] = message.declared_topic
    return canonical(row)


def decode_message(data: bytes | str) -> Message:
    """The inverse of `encode_message`."""
    return _read(data, _message)


def encode_account(account: Account) -> bytes:
    """An account with its registrant, news authorisations and sanctions."""
    return canonical(account_row(account))


def decode_account(data: bytes | str) -> Account:
    """The inverse of `encode_account`."""
    return _read(data, _account)


def encode_facts(facts: Facts) -> bytes:
    """The facts of one moment."""
    return canonical(_facts_row(facts))


def decode_facts(data: bytes | str) -> Facts:
    """The inverse of `encode_facts`."""
    return _read(data, _facts)


def encode_case(case: Case) -> bytes:
    """A decision with all it came from; its SHA-256 is the ``case_hash`` of audit rows."""
    decision = case.decision
    return canonical(
        {
            "facts": _facts_row(case.facts),
            "answers": [answer_to_json(answer) for answer in case.answers],
            "decision": {
                "outcome": decision.outcome,
                "rule": decision.rule,
                "reasons": [_reason_row(reason) for reason in decision.reasons],
                "policy_version": decision.policy_version,
            },
        }
    )


def decode_case(data: bytes | str) -> Case:
    """The inverse of `encode_case`."""
    return _read(data, _case)


def _present(**fields: object) -> Plain:
    return {name: value for name, value in fields.items() if value is not None}


def account_row(account: Account) -> Plain:
    """The plain values of an account, new ones at each call."""
    row: Plain = {"account_id": account.account_id, "state": account.state}
    if (person := account.registrant) is not None:
        row["registrant"] = _present(
            registrant_id=person.registrant_id,
            kind=person.kind,
            state=person.state,
            framework=person.framework,
            level=person.level,
            expires_at=person.expires_at,
        )
    if account.news:
        row["news"] = [
            {
                "scheme": item.scheme,
                "kind": item.kind,
                "valid_from": item.valid_from,
                "valid_to": item.valid_to,
                **({} if item.active else {"active": False}),
            }
            for item in account.news
        ]
    if account.sanctions:
        row["sanctions"] = [
            _present(degree=item.degree, starts_at=item.starts_at, ends_at=item.ends_at) for item in account.sanctions
        ]
    return row


def _facts_row(facts: Facts) -> Plain:
    if facts.account is None:
        return {"at_ms": facts.at_ms}
    return {"at_ms": facts.at_ms, "account": account_row(facts.account)}


def _reason_row(reason: Reason) -> Plain:
    row: Plain = {
        "code": reason.code,
        "outcome": reason.outcome,
        "message": reason.message,
        "source": reason.source,
    }
    if reason.category is not None:
        row["category"] = reason.category
    if reason.score is not None:
        # Adding zero gives 1 and 1.0, and -0.0 and 0.0, which are equal, the same bytes.
        row["score"] = reason.score + 0.0
    if reason.spans:
        row["spans"] = [[span.part, span.start, span.end] for span in reason.spans]
    return row


def _read(data: bytes | str, build: Callable[[Row], Value]) -> Value:
    try:
        return build(orjson.loads(data))
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        # The cause is left out on purpose: its text may quote what was read.
        raise ValueError(f"not a stored value: {type(error).__name__} in {build.__name__.strip('_')}") from None


def _message(row: Row) -> Message:
    origin = row.get("repost_of")
    return Message(
        tenant_id=row["tenant_id"],
        account_id=row["account_id"],
        platform=row["platform"],
        texts=tuple(row["texts"]),
        content_hash=row["content_hash"],
        media=tuple([Media(m["content_type"], m.get("url"), m.get("sha256")) for m in row.get("media", ())]),
        target=row.get("target"),
        repost_of=None
        if origin is None
        else Repost(origin.get("url"), origin.get("publisher"), origin.get("author"), origin.get("title")),
        declared_topic=row.get("declared_topic"),
    )


def _account(row: Row) -> Account:
    person = row.get("registrant")
    return Account(
        account_id=row["account_id"],
        state=AccountState(row["state"]),
        registrant=None
        if person is None
        else Registrant(
            registrant_id=person["registrant_id"],
            kind=RegistrantKind(person["kind"]),
            state=VerificationState(person["state"]),
            framework=person.get("framework"),
            level=person.get("level"),
            expires_at=person.get("expires_at"),
        ),
        news=tuple(
            [
                NewsAuthorisation(
                    n["scheme"], NewsKind(n["kind"]), n["valid_from"], n["valid_to"], n.get("active", True)
                )
                for n in row.get("news", ())
            ]
        ),
        sanctions=tuple(
            [Sanction(Degree(s["degree"]), s["starts_at"], s.get("ends_at")) for s in row.get("sanctions", ())]
        ),
    )


def _facts(row: Row) -> Facts:
    account = row.get("account")
    return Facts(row["at_ms"], None if account is None else _account(account))


def _case(row: Row) -> Case:
    decision = row["decision"]
    return Case(
        facts=_facts(row["facts"]),
        answers=tuple([answer_from_json(answer) for answer in row["answers"]]),
        decision=Decision(
            outcome=Outcome(decision["outcome"]),
            rule=decision["rule"],
            reasons=tuple([_reason(reason) for reason in decision["reasons"]]),
            policy_version=decision["policy_version"],
        ),
    )


def _reason(row: Row) -> Reason:
    return Reason(
        code=row["code"],
        outcome=Outcome(row["outcome"]),
        message=row["message"],
        source=row["source"],
        category=row.get("category"),
        score=row.get("score"),
        spans=tuple([Span(*span) for span in row.get("spans", ())]),
    )
