"""Statements of reasons as records of the DSA Transparency Database (Regulation (EU) 2022/2065, article 24(5)).

A record holds what was restricted and why, and nothing of whom: no account, no message, no words that anybody wrote.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from gateway.core.dsa_rules import CATEGORY, HOLD, KEYWORD, OTHER, Transparency
from gateway.core.statement import IMPOSED, Automation, Lifted, Restriction, Source, Statement

_FIRST_CONTENT: Final = 946_684_800_000
"""2000-01-01 in unix ms: the first day that the database takes as that of content."""
_FIRST: Final = 1_577_836_800_000
"""2020-01-01: the first day of a decision."""
_LAST: Final = 2_145_916_800_000
"""2038-01-01: the last day of anything."""

_CODES: Final = 10
_CODE: Final = re.compile(r"[a-z][a-z0-9_.]{0,59}")
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,500}")

_CONTENT: Final = {
    Restriction.HOLD: "DECISION_VISIBILITY_CONTENT_DISABLED",
    Restriction.BLOCK: "DECISION_VISIBILITY_CONTENT_REMOVED",
    Restriction.TAKEDOWN: "DECISION_VISIBILITY_CONTENT_REMOVED",
}
_SERVICE: Final = {
    Restriction.RESTRICT: "DECISION_PROVISION_PARTIAL_SUSPENSION",
    # Renewing, or publishing anything new, is the part of the service that is refused.
    Restriction.SUSPEND_RENEWAL: "DECISION_PROVISION_PARTIAL_SUSPENSION",
}
_ACCOUNT: Final = {
    Restriction.SUSPEND: "DECISION_ACCOUNT_SUSPENDED",
    Restriction.CLOSE: "DECISION_ACCOUNT_TERMINATED",
}
_SOURCES: Final = {
    Source.OWN: "SOURCE_VOLUNTARY",
    Source.REPORT: "SOURCE_ARTICLE_16",
    Source.TRUSTED_FLAGGER: "SOURCE_TRUSTED_FLAGGER",
}
_DECISIONS: Final = {
    Automation.FULLY: "AUTOMATED_DECISION_FULLY",
    Automation.PARTIALLY: "AUTOMATED_DECISION_PARTIALLY",
    Automation.NOT: "AUTOMATED_DECISION_NOT_AUTOMATED",
}
_TYPES: Final = {
    "text": "CONTENT_TYPE_TEXT",
    "image": "CONTENT_TYPE_IMAGE",
    "video": "CONTENT_TYPE_VIDEO",
    "audio": "CONTENT_TYPE_AUDIO",
}
_TYPE_OTHER: Final = "CONTENT_TYPE_OTHER"


class LeftOut(StrEnum):
    """Why a statement is no record of the database."""

    WARNING = "warning"
    """A bare warning restricts nothing."""
    SUPERSEDED = "superseded"
    """A hold that became a block: the block's own record tells of it, and one message is told of once."""
    RELEASED = "released"
    """A hold that was released so soon that the message was only late."""


def left_out(statement: Statement, rules: Transparency) -> LeftOut | None:
    """Why a statement is not told to the database; None for one that is."""
    if statement.restriction is Restriction.WARN:
        return LeftOut.WARNING
    if statement.restriction is Restriction.HOLD and statement.lifted_ms is not None:
        if statement.lifted is Lifted.SUPERSEDED:
            return LeftOut.SUPERSEDED
        if statement.lifted is Lifted.RELEASED and statement.lifted_ms - statement.starts_ms <= rules.grace_ms:
            return LeftOut.RELEASED
    return None


def record(statement: Statement, rules: Transparency) -> dict[str, Any] | None:
    """A statement as a record, in the order of the fields that the database documents; None for a bare warning.

    ``puid`` is the statement's id; an id that the database would not take is told as its SHA-256. What lies outside of
    the dates that it takes is told as the nearest of them; an end beyond them, as no end.
    """
    restriction = statement.restriction
    if restriction is Restriction.WARN:
        return None
    starts = _day(statement.starts_ms, _FIRST)
    content = starts if statement.content_ms is None else _day(statement.content_ms, _FIRST_CONTENT)
    return {
        **_decision(restriction),
        **_ground(statement, rules),
        **_content(statement.content_types),
        **_category(statement.category),
        "territorial_scope": list(rules.territorial_scope),
        "content_date": content,
        "application_date": starts,
        **_end(statement),
        "decision_facts": " ".join(_facts(statement, rules)),
        "source_type": _SOURCES[statement.source],
        "automated_detection": "Yes" if statement.automated_detection else "No",
        "automated_decision": _DECISIONS[statement.automation],
        "puid": puid(statement.statement_id),
    }


def puid(statement_id: str) -> str:
    """What names a statement in the database."""
    if _ID.fullmatch(statement_id):
        return statement_id
    return hashlib.sha256(statement_id.encode(errors="surrogatepass")).hexdigest()


def _decision(restriction: Restriction) -> dict[str, Any]:
    if restriction in _CONTENT:
        return {"decision_visibility": [_CONTENT[restriction]]}
    if restriction in _SERVICE:
        return {"decision_provision": _SERVICE[restriction]}
    return {"decision_account": _ACCOUNT[restriction]}


def _ground(statement: Statement, rules: Transparency) -> dict[str, Any]:
    name = HOLD if statement.restriction is Restriction.HOLD else _known(statement.category)
    ground = rules.ground(name)
    told: dict[str, Any] = {}
    if ground.illegal:
        told["decision_ground"] = "DECISION_GROUND_ILLEGAL_CONTENT"
        told["illegal_content_legal_ground"] = ground.ground
        told["illegal_content_explanation"] = ground.explanation
    else:
        told["decision_ground"] = "DECISION_GROUND_INCOMPATIBLE_CONTENT"
        told["incompatible_content_ground"] = ground.ground
        told["incompatible_content_explanation"] = ground.explanation
    if ground.url is not None:
        told["decision_ground_reference_url"] = ground.url
    return told


def _content(types: tuple[str, ...]) -> dict[str, Any]:
    named = sorted({_TYPES.get(each, _TYPE_OTHER) for each in types} or {_TYPE_OTHER})
    told: dict[str, Any] = {"content_type": named}
    if _TYPE_OTHER in named:
        told["content_type_other"] = "Content of another type" if types else "A public account as a whole"
    return told


def _category(category: str | None) -> dict[str, Any]:
    name = _known(category)
    told: dict[str, Any] = {"category": CATEGORY[name][0]}
    if keywords := CATEGORY[name][1]:
        told["category_specification"] = list(keywords)
    if name in KEYWORD:
        told["category_specification_other"] = KEYWORD[name]
    return told


def _known(category: str | None) -> str:
    return category if category is not None and category in CATEGORY else OTHER


def _end(statement: Statement) -> dict[str, Any]:
    """When the restriction ended or will end: the earlier of its term and its lifting."""
    ends = [each for each in (statement.ends_ms, statement.lifted_ms) if each is not None]
    if not ends or min(ends) > _LAST:
        return {}
    if statement.restriction in _CONTENT:
        field = "end_date_visibility_restriction"
    else:
        field = "end_date_service_restriction" if statement.restriction in _SERVICE else "end_date_account_restriction"
    return {field: _day(max(min(ends), statement.starts_ms), _FIRST)}


def _facts(statement: Statement, rules: Transparency) -> Iterator[str]:
    yield rules.fact(statement.words)
    yield rules.fact(statement.source)
    yield rules.fact("detected" if statement.automated_detection else "not_detected")
    yield rules.fact("imposed" if IMPOSED in statement.codes else statement.automation)
    # Only what has the form of a code: nothing that anybody wrote can be told by mistake.
    if codes := [code for code in dict.fromkeys(statement.codes) if _CODE.fullmatch(code)][:_CODES]:
        yield f"Reason codes: {', '.join(codes)}."
    if statement.lifted_ms is not None and statement.lifted in (Lifted.RELEASED, Lifted.REVERSED):
        yield rules.fact(statement.lifted)


def _day(at_ms: int, first: int) -> str:
    return datetime.fromtimestamp(min(max(at_ms, first), _LAST) // 1000, UTC).date().isoformat()
