"""A message in memory."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec.structs import replace

from classifiers.contract import Silence, Unanswered
from gateway.core.model import Case, MessageState
from gateway.core.records import Entry, Owner, Request, Stored, UpstreamAnswer

_FEW_TIMES = 5


def without_request(entry: Entry) -> Entry:
    """The same, with its request erased."""
    return replace(entry, request=Request(b"", entry.request.content_type))


@dataclass(slots=True)
class Kept:
    """One message, as it changes."""

    entry: Entry
    state: MessageState
    owner: Owner | None
    updated_ms: int
    recheck_at: int
    rechecks: int = 0
    steps: int = 1
    upstream: UpstreamAnswer | None = None
    cases: list[tuple[str, Case]] = field(default_factory=list)

    @property
    def stored(self) -> Stored:
        entry = self.entry
        return Stored(
            message_id=entry.message_id,
            decision_id=entry.decision_id,
            message=entry.message,
            request=entry.request,
            state=self.state,
            forwards=entry.forwards,
            first=entry.case,
            created_ms=entry.at_ms,
            updated_ms=self.updated_ms,
            fingerprint=entry.fingerprint,
            upstream=self.upstream,
            steps=self.steps,
        )

    @property
    def waits(self) -> bool:
        """Whether this is a hold to ask about again, whenever that is."""
        few = not self._silences.isdisjoint((Silence.FAILED, Silence.INCOMPLETE)) and self.rechecks < _FEW_TIMES
        return self.waits_for_ever or (self.state is MessageState.HELD and few)

    @property
    def waits_for_ever(self) -> bool:
        """Whether this is a hold to ask about again until there is an opinion."""
        silent = not self._silences.isdisjoint((Silence.TIMEOUT, Silence.UNAVAILABLE))
        return self.state is MessageState.HELD and silent

    @property
    def _silences(self) -> set[Silence]:
        return {answer.silence for answer in self.cases[-1][1].answers if isinstance(answer, Unanswered)}
