"""Ctrl-C while waiting for a message, while one is worked on, and again."""

from __future__ import annotations

import signal
from collections.abc import Iterator

import pytest

from gateway.cli.classifying.interrupt import Interrupt


def test_waiting_for_the_next_message_is_broken_off() -> None:
    beyond: list[int] = []

    def messages() -> Iterator[int]:
        yield 1
        signal.raise_signal(signal.SIGINT)
        beyond.append(2)
        yield 2

    with Interrupt() as interrupt:
        assert list(interrupt.each(messages())) == [1]
    assert interrupt.came
    assert beyond == []


def test_the_message_under_way_is_finished() -> None:
    done: list[int] = []
    with Interrupt() as interrupt:
        for message in interrupt.each([1, 2, 3]):
            if message == 2:
                signal.raise_signal(signal.SIGINT)
            done.append(message)
    assert interrupt.came
    assert done == [1, 2]


def test_a_second_one_ends_what_does_not_end() -> None:
    with Interrupt():
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)


def test_without_one_all_are_done_and_the_handler_is_put_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    with Interrupt() as interrupt:
        assert signal.getsignal(signal.SIGINT) != before
        assert list(interrupt.each([1, 2])) == [1, 2]
    assert not interrupt.came
    assert signal.getsignal(signal.SIGINT) == before
