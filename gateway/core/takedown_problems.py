"""What keeps a message from being taken down or put back: kept as a code with its values, told in words. Pure.

The words here are English, for the API, the command line and the log; the console has its own, in its languages.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from classifiers.contract import Value


class Obstacle(StrEnum):
    """What it is. The values that its words name are texts: configuration, numbers of answers, and for OTHER what was
    said, as it was said."""

    NO_ADDRESS = "no_takedown_url"
    NO_TOKEN = "no_token"  # noqa: S105 - a code
    NOT_REACHED = "app_not_reached"
    APP_ANSWERED = "app_answered"
    NOT_RESTORABLE = "not_restorable"
    NOTHING_KEPT = "nothing_kept"
    KEPT_UNREADABLE = "kept_unreadable"
    NO_LISTENER = "no_listener"
    NO_WAY = "no_way"
    SILENT = "platform_silent"
    ANSWERED = "platform_answered"
    REFUSED = "platform_refused"
    CREDENTIAL_EXPIRED = "credential_expired"
    CREDENTIAL_UNNAMED = "credential_unnamed"
    CREDENTIAL_MISSING = "credential_missing"
    CREDENTIAL_UNREADABLE = "credential_unreadable"
    CREDENTIAL_UNSENDABLE = "credential_unsendable"
    MESSAGE_UNKNOWN = "message_unknown"
    NOT_PUBLISHED = "not_published"
    OTHER = "other"


class TakedownProblem(Value, frozen=True):
    """What went wrong last."""

    code: Obstacle
    values: Mapping[str, str] = msgspec.field(default_factory=dict)


WORDS: Final[Mapping[Obstacle, str]] = {
    Obstacle.NO_ADDRESS: "the tenant has no takedown_url; `gateway tenants put` takes one as --takedown-url",
    Obstacle.NO_TOKEN: "the environment variable {variable} holds no token",
    Obstacle.NOT_REACHED: "takedown_url was not reached ({error})",
    Obstacle.APP_ANSWERED: "takedown_url answered {status}",
    Obstacle.NOT_RESTORABLE: "cannot be restored by the platform; the author may publish it again",
    Obstacle.NOTHING_KEPT: "of what was published nothing is known by which the platform could be told to remove it",
    Obstacle.KEPT_UNREADABLE: "what was kept of it cannot be read",
    Obstacle.NO_LISTENER: "this tenant has no listener {listener} any more",
    Obstacle.NO_WAY: "the route map {platform} has no way {way} any more",
    Obstacle.SILENT: "the platform did not answer in time",
    Obstacle.ANSWERED: "{platform} answered {status}",
    Obstacle.REFUSED: "{platform} answered {status}, which says that this credential may not, or cannot",
    Obstacle.CREDENTIAL_EXPIRED: "{platform} answered {status}: the credential of {source} is no longer good",
    Obstacle.CREDENTIAL_UNNAMED: (
        "listener {listener} names no credential to remove it with (takedown_token_env, takedown_token_file)"
    ),
    Obstacle.CREDENTIAL_MISSING: "{source} holds no credential",
    Obstacle.CREDENTIAL_UNREADABLE: "{source} cannot be read ({error})",
    Obstacle.CREDENTIAL_UNSENDABLE: "the credential has characters that no header can hold",
    Obstacle.MESSAGE_UNKNOWN: "the tenant has no such message",
    Obstacle.NOT_PUBLISHED: (
        "it was not published here: nothing to take down; if readers see it all the same, remove it by hand"
    ),
    Obstacle.OTHER: "{text}",
}

COMPLETE: Final = frozenset({Obstacle.NOT_RESTORABLE, Obstacle.MESSAGE_UNKNOWN, Obstacle.NOT_PUBLISHED})
"""Those whose words say what is left to do."""


def other(text: str) -> TakedownProblem:
    """A problem of which there is nothing but what was said."""
    return TakedownProblem(Obstacle.OTHER, {"text": text})


def said(problem: TakedownProblem) -> str:
    """What went wrong, in English."""
    return re.sub(r"\{(\w+)\}", lambda name: problem.values.get(name[1], name[0]), WORDS[problem.code])


def encoded(problem: TakedownProblem | None) -> str | None:
    """A problem as it is kept."""
    return None if problem is None else msgspec.json.encode(problem).decode()


def decoded(kept: str | None) -> TakedownProblem | None:
    """A problem from what was kept; what cannot be read is shown as it is."""
    if kept is None:
        return None
    try:
        return msgspec.json.decode(kept, type=TakedownProblem)
    except msgspec.DecodeError:
        return other(kept)
