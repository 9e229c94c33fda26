"""Ready means warm: the first message after a start is decided by its classifiers, by the shipped policy's deadline."""

from __future__ import annotations

from pathlib import Path

from deploy.local.stack import Stack
from loadtest import cold
from tests.e2e.support import tell

STARTS = 3
"""`python -m loadtest.cold` does twenty of each."""


def _judge(starts: list[cold.First]) -> None:
    for first in starts:
        tell(f"ready after {first.ready_s:.1f} s, first message after {first.answer_s:.3f} s")
    assert [(first.status, first.codes) for first in starts] == [(200, ())] * STARTS


def test_the_first_message_is_decided_by_classifiers_in_the_process(tmp_path: Path) -> None:
    with Stack(f"sqlite+aiosqlite:///{tmp_path}/gateway.db", "", tmp_path) as stack:
        stack.seed(idempotent=False)
        stack.start_load_upstream(log=False)
        _judge(list(cold.embedded(stack, STARTS)))


def test_the_first_message_is_decided_by_classifiers_over_kafka(hasty_stack: Stack) -> None:
    _judge(list(cold.cluster(hasty_stack, STARTS)))
