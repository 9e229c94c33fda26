"""Which versions of the classifiers run, as their workers announce it and their replies show it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from classifiers.contract import ANNOUNCE_SECONDS, VERSION, Answer, ContractError, Opinion, decode_versions
from gateway.ports import Clock

_LISTEN_MS: Final = (ANNOUNCE_SECONDS + 2) * 1000
"""Who has listened for so long has heard every worker that runs."""
_SILENT_MS: Final = 2000
"""A partition is read to its end several times a second; what was heard is not trusted for longer than this without."""
_STANDS_MS: Final = 3 * ANNOUNCE_SECONDS * 1000
"""How long a reply stands for a worker that does not announce itself, and an announcement at most twice as long."""
_MOST_WORKERS: Final = 1000

_Voices = dict[str, tuple[Mapping[str, str], int]]


class Announced:
    """Says of a classifier that it runs in one version only while that is certain.

    While workers differ, as in a rolling change, either answer is right and the next may be the other one: then nothing
    is said, and nothing can be taken for the newer one by a clock that is wrong.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._voices: _Voices = {}
        self._said: dict[str, set[str]] = {}
        self._agreed: dict[str, str] = {}
        self._until_ms = 0
        self._listening_ms = self._heard_ms = clock.now_ms() - _SILENT_MS - 1

    def versions(self) -> Mapping[str, str]:
        """The version of each classifier of which it is certain, by name. The same object until something changes."""
        now_ms = self._clock.now_ms()
        if not 0 <= now_ms - self._heard_ms <= _SILENT_MS or now_ms - self._listening_ms < _LISTEN_MS:
            return _NOTHING
        if now_ms >= self._until_ms:
            self._count(now_ms)
        return self._agreed

    def read_to_end(self) -> None:
        """All that was written to the partition has been handed over."""
        now_ms = self._clock.now_ms()
        if not 0 <= now_ms - self._heard_ms <= _SILENT_MS:  # who knows what was missed
            self._begin_anew(now_ms)
        self._heard_ms = now_ms

    def hear(self, headers: Mapping[str, bytes]) -> None:
        """An announcement. Raises `ContractError` for one that does not follow the contract."""
        if headers.get("v") != b"%d" % VERSION:
            raise ContractError(f"v: expected {VERSION}")
        versions = decode_versions(headers.get("versions", b""))
        try:
            worker, deadline_ms = headers["worker"].decode("ascii"), int(headers["deadline"])
        except (KeyError, ValueError) as error:
            raise ContractError(f"worker, deadline: {error!r}") from error
        self._note(worker, versions, deadline_ms)

    def see(self, answers: Sequence[Answer]) -> None:
        """A reply. A version that nobody announces shows a worker of which, or a change of which, nothing is known."""
        for answer in answers:
            if isinstance(answer, Opinion) and answer.lasting:
                said = self._said.get(answer.classifier)
                if said is not None and answer.version not in said:
                    name, version = answer.classifier, answer.version
                    self._note(f"{name} {version}", {name: version}, self._clock.now_ms() + _STANDS_MS)

    def _note(self, worker: str, versions: Mapping[str, str], until_ms: int) -> None:
        now_ms = self._clock.now_ms()
        if versions and len(self._voices) >= _MOST_WORKERS:
            self._begin_anew(now_ms)
        before = self._voices.pop(worker, None)
        if versions:
            self._voices[worker] = versions, min(until_ms, now_ms + 2 * _STANDS_MS)
        if before is None or before[0] != versions or now_ms >= self._until_ms:
            self._count(now_ms)

    def _begin_anew(self, now_ms: int) -> None:
        self._voices.clear()
        self._listening_ms = now_ms
        self._count(now_ms)

    def _count(self, now_ms: int) -> None:
        self._voices = {worker: voice for worker, voice in self._voices.items() if voice[1] > now_ms}
        self._until_ms = min([until_ms for _, until_ms in self._voices.values()], default=now_ms + _STANDS_MS)
        said: dict[str, set[str]] = {}
        for versions, _ in self._voices.values():
            for name, version in versions.items():
                said.setdefault(name, set()).add(version)
        agreed = {name: next(iter(those)) for name, those in said.items() if len(those) == 1}
        self._said = said
        if agreed != self._agreed:
            self._agreed = agreed


_NOTHING: Final[Mapping[str, str]] = {}
