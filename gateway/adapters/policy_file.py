"""The policy in force, from its file; a broken file changes nothing."""

from __future__ import annotations

import logging
from pathlib import Path

from gateway import metrics
from gateway.core.policy import PolicyError, PolicyInForce, parse_policy
from gateway.core.yaml_lines import Problem, read_yaml, unreadable
from gateway.ports import Clock, Store, StoreUnavailable

log = logging.getLogger(__name__)

_NOT_KEPT = Problem(0, "file", "valid, but the store cannot keep it for replay yet")


class PolicyFile:
    """Holds the policy in force. It is swapped as a whole between two requests, never within one."""

    def __init__(self, path: Path, store: Store, clock: Clock) -> None:
        self._path = path
        self._store = store
        self._clock = clock
        self._current: PolicyInForce | None = None
        self._refused: str | None = None
        self._looked_at = ""
        self.problems: tuple[Problem, ...] = ()
        """Why the file is not in force; none while it is."""

    @property
    def problem(self) -> str | None:
        """The same in one line; None while the file is in force."""
        return "; ".join(map(str, self.problems)) or None

    def current(self) -> PolicyInForce:
        """The policy in force."""
        if self._current is None:
            raise RuntimeError("load the policy first")
        return self._current

    async def load(self) -> None:
        """Take up the file at start. Raises `PolicyError`, or `StoreUnavailable` when it cannot be remembered."""
        policy = read_policy(self._path)
        _check_whole(policy, await self._store.newest_policy())
        await self._swap(policy)

    async def reload(self) -> None:
        """Take up the file if it has changed, is valid, and is the same at two looks in a row: one that is being
        written is not whole yet. Otherwise keep the policy, and say why in `problems`.

        Raises `StoreUnavailable` when a new policy cannot be remembered for replay; it is then not in force.
        """
        try:
            text = _read(self._path)
            if text == self.current().text:
                if self.problems:
                    log.info("policy file is good again", {"policy": self.current().version[:12]})
                self.problems, self._refused = (), None
                metrics.POLICY_REFUSED.set(0)
                return
            if text != self._looked_at:
                self._looked_at = text
                return
            policy = parse_policy(text)  # takes tens of milliseconds, so only when the text is new
            _check_whole(policy, self.current().text)
        except PolicyError as error:
            self.problems = tuple(error.problems)
            metrics.POLICY_REFUSED.set(1)
            if self._refused != self.problem:
                self._refused = self.problem
                metrics.POLICY_LOADS.labels("refused").inc()
                log.error("policy file refused; the old policy stays in force", {"problem": self.problem})
            return
        await self._swap(policy)

    async def _swap(self, policy: PolicyInForce) -> None:
        try:
            await self._store.keep_policy(policy, self._clock.now_ms())
        except StoreUnavailable:
            self.problems = (_NOT_KEPT,)
            raise
        # Not before: while the store writes, the old policy decides, and nobody may be told that the file does.
        self._current = policy
        self.problems, self._refused = (), None
        metrics.POLICY_REFUSED.set(0)
        metrics.POLICY_LOADS.labels("loaded").inc()
        log.info("policy in force", {"policy": policy.version[:12]})


def _check_whole(policy: PolicyInForce, before: str | None) -> None:
    """Raise `PolicyError` for a file that lost its end against the policy before, as one does that was cut off: what is
    missing would fall back to defaults unseen."""
    if before is None:
        return
    problems: list[Problem] = []
    if _ends(before) and not _ends(policy.text):
        message = "the policy in force ends with a line `...`, and this file does not: end it so, if it is whole"
        problems.append(Problem(0, "file", message))
    lost = _sections(before) - _sections(policy.text) - {"without"} - set(policy.policy.without)
    for name in sorted(lost):
        message = f"the policy in force has `{name}`, and this file does not: name it in `without`, if that is meant"
        problems.append(Problem(0, name, message))
    if problems:
        raise PolicyError(problems)


def _ends(text: str) -> bool:
    return text.rstrip().endswith("\n...")


def _sections(text: str) -> set[str]:
    values, _, problems = read_yaml(text)
    return set() if problems else set(values)


def read_policy(path: Path) -> PolicyInForce:
    """The policy in a file. Raises `PolicyError`, also when the file cannot be read."""
    return parse_policy(_read(path))


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError([unreadable(error)]) from error
