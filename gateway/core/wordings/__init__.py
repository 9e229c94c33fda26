"""Statements of reasons in words, for the people whom they are about (article 17 of the Digital Services Act). Pure.

The words are data, one YAML file a language. A text in a language that is not here falls back to English.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final

import yaml

from classifiers.contract import Value
from gateway.core.appeals import Appeal, AppealState
from gateway.core.statement import IMPOSED, Automation, Lifted, Restriction, Source, Statement

DEFAULT: Final = "en"
"""The language of whoever asks for one that is not here."""

_ACCOUNT: Final = frozenset(
    {
        Restriction.WARN,
        Restriction.RESTRICT,
        Restriction.SUSPEND_RENEWAL,
        Restriction.SUSPEND,
        Restriction.CLOSE,
    }
)
"""Restrictions of an account, not of a message."""

_SUFFIX: Final = ".yaml"


class Section(Value, frozen=True):
    """A part of a statement. ``name`` is the same in every language: restriction, facts, automation, ground,
    redress."""

    name: str
    title: str
    text: str


class Worded(Value, frozen=True):
    """A statement in one language."""

    language: str
    title: str
    sections: tuple[Section, ...]

    @property
    def text(self) -> str:
        """All of it as plain text."""
        return "\n\n".join([self.title, *[f"{each.title}\n{each.text}" for each in self.sections]])


@cache
def languages() -> tuple[str, ...]:
    """The languages that there are words in, English first."""
    names = [entry.name.removesuffix(_SUFFIX) for entry in files(__package__).iterdir() if entry.name.endswith(_SUFFIX)]
    return (DEFAULT, *sorted([name for name in names if name != DEFAULT]))


@cache
def words(language: str) -> Mapping[str, Any]:
    """The words of a language; English for one that is not here."""
    name = language if language in languages() else DEFAULT
    found: dict[str, Any] = yaml.safe_load(files(__package__).joinpath(name + _SUFFIX).read_text(encoding="utf-8"))
    return found


def fact(code: str, language: str) -> str | None:
    """What a reason's code means, in a language; None for a code that has no words."""
    found: Mapping[str, str] = words(language)["codes"].get(code, {})
    return found.get("fact")


def nearest(wanted: str) -> str:
    """The language that comes nearest to a tag (RFC 5646) or to a list of them with weights, as in
    ``Accept-Language`` (RFC 9110, section 12.5.4); English for none."""
    ranked: list[tuple[float, int, str]] = []
    for place, part in enumerate(wanted[:1000].split(",")):
        tag, _, parameters = part.partition(";")
        name, _, value = parameters.strip().partition("=")
        try:
            weight = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            continue
        primary = tag.strip().lower().replace("_", "-").partition("-")[0]
        if primary in languages() and 0 < weight <= 1:
            ranked.append((-weight, place, primary))
    return min(ranked)[2] if ranked else DEFAULT


def worded(
    statement: Statement, language: str, *, appeal_until_ms: int, now_ms: int, appeal: Appeal | None = None
) -> Worded:
    """A statement in a language, with what can be done about it: until ``appeal_until_ms`` an appeal can be made,
    unless there is one. It quotes no message and names no person."""
    name = language if language in languages() else DEFAULT
    of = words(name)
    texts = {
        "restriction": _restriction(statement, name),
        "facts": _facts(statement, of),
        "automation": _automation(statement, of),
        "ground": _ground(statement, of),
        "redress": _redress(statement, name, appeal_until_ms, now_ms, appeal),
    }
    sections = tuple([Section(each, of["sections"][each], _together(parts, name)) for each, parts in texts.items()])
    return Worded(name, of["title"][statement.words], sections)


def moment(at_ms: int, language: str) -> str:
    """A moment as it is written in a language, in UTC; a date that no calendar has stays a number."""
    try:
        at = datetime.fromtimestamp(at_ms // 1000, UTC)
    except (ValueError, OverflowError, OSError):
        return str(at_ms)
    written: str = words(language)["moment"].format(
        year=at.year, month=at.month, day=at.day, hour=at.hour, minute=at.minute
    )
    return written


def _restriction(statement: Statement, language: str) -> Iterable[str]:
    of = words(language)
    yield of["scope"][statement.words]
    duration = of["duration"]
    since = moment(statement.starts_ms, language)
    if statement.restriction is Restriction.WARN:
        yield duration["once"].format(since=since)
    elif statement.ends_ms is not None:
        yield duration["until"].format(since=since, until=moment(statement.ends_ms, language))
    else:
        kind = "review" if statement.restriction is Restriction.HOLD else "endless"
        yield duration[kind].format(since=since)
    if statement.lifted_ms is not None:
        why = statement.lifted or Lifted.RELEASED
        yield of["lifted"][why].format(lifted=moment(statement.lifted_ms, language))


def _facts(statement: Statement, of: Mapping[str, Any]) -> Iterable[str]:
    category = _category(statement, of)
    if category is not None:
        yield of["found"][_means(statement)].format(category=category)
    yield from dict.fromkeys([each["fact"] for each in _codes(statement, of)])


def _means(statement: Statement) -> str:
    if statement.restriction in _ACCOUNT:
        return "account"
    match statement.source:
        case Source.OWN:
            return "automatic" if statement.automated_detection else "person"
        case Source.REPORT | Source.TRUSTED_FLAGGER:
            return statement.source.value


def _automation(statement: Statement, of: Mapping[str, Any]) -> Iterable[str]:
    yield of["detection"]["automatic" if statement.automated_detection else "person"]
    yield of["automation"]["imposed" if IMPOSED in statement.codes else statement.automation]


def _ground(statement: Statement, of: Mapping[str, Any]) -> Iterable[str]:
    category = _category(statement, of)
    grounds = dict.fromkeys([each["ground"] for each in _codes(statement, of)])
    if category is not None:
        yield of["grounds"]["content"].format(category=category, rule=of["rules"][statement.category])
        grounds.pop("content", None)
    for ground in grounds:
        yield of["grounds"]["content_unnamed" if ground == "content" else ground]


def _redress(statement: Statement, language: str, until_ms: int, now_ms: int, appeal: Appeal | None) -> Iterable[str]:
    redress = words(language)["redress"]
    if appeal is not None and appeal.state is AppealState.OPEN:
        yield redress["appeal_made"].format(due=moment(appeal.due_ms, language))
    elif statement.lifted_ms is not None or (appeal is not None and appeal.state is AppealState.REVERSED):
        yield redress["nothing"]  # the statement of a reversed one is lifted a moment later
        return
    elif appeal is not None:
        yield redress["appeal_upheld"]
    else:
        kind = "appeal" if now_ms < until_ms else "appeal_over"
        yield redress[kind].format(until=moment(until_ms, language))
    yield redress["elsewhere"]


def _codes(statement: Statement, of: Mapping[str, Any]) -> list[Mapping[str, str]]:
    """What there is to say of each code; of one that has no words here, and of none where nothing else is found, what
    can be said of any."""
    by_person = "reviewed" if statement.automation is Automation.NOT else "unlisted"
    other = of["codes"]["unlisted_account" if statement.restriction in _ACCOUNT else by_person]
    if not statement.codes and statement.category is None:
        return [other]
    return [of["codes"].get(code, other) for code in statement.codes]


def _category(statement: Statement, of: Mapping[str, Any]) -> str | None:
    found: str | None = of["categories"].get(statement.category)
    return found


def _together(sentences: Iterable[str], language: str) -> str:
    # Chinese puts nothing between sentences.
    return ("" if language == "zh" else " ").join(sentences)
