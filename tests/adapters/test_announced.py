"""What is certain of the classifiers' versions: only what all that run say, and only for whoever has heard them all."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifiers.contract import Answer, ContractError, Opinion, Silence, Unanswered, encode_versions
from gateway.adapters.kafka.announced import Announced
from tests.fakes import NOW_MS, FakeClock

STANDS_MS = 30_000
"""How long an announcement stands as workers make them."""


class Ear:
    """Listens, and reads its partition to the end as often as a running process does."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.announced = Announced(self.clock)

    def passes(self, seconds: float) -> None:
        """Time passes in which nothing is written."""
        for _ in range(round(seconds * 2)):
            self.clock.now += 500
            self.announced.read_to_end()

    def hears(self, worker: str, **versions: str) -> None:
        self.announced.hear(headers(worker, self.clock.now + STANDS_MS, versions))

    def sees(self, *answers: Answer) -> None:
        self.announced.see(answers)

    @property
    def certain(self) -> dict[str, str]:
        return dict(self.announced.versions())


def headers(worker: str, deadline_ms: int, versions: dict[str, str]) -> dict[str, bytes]:
    return {
        "v": b"1",
        "deadline": b"%d" % deadline_ms,
        "worker": worker.encode(),
        "versions": encode_versions(versions),
    }


@pytest.fixture
def ear() -> Ear:
    """Who has listened long enough and heard nothing."""
    made = Ear()
    made.announced.read_to_end()
    made.passes(12)
    return made


def test_who_has_not_listened_long_enough_is_not_certain() -> None:
    ear = Ear()
    ear.hears("w1", text="1")
    assert ear.certain == {}
    ear.announced.read_to_end()
    ear.hears("w1", text="1")
    ear.passes(11.5)
    assert ear.certain == {}
    ear.passes(0.5)
    assert ear.certain == {"text": "1"}


def test_what_all_workers_say_is_certain(ear: Ear) -> None:
    assert ear.certain == {}
    ear.hears("w1", text="1", news="7")
    ear.hears("w2", text="1")
    ear.hears("w3", image="3")
    assert ear.certain == {"text": "1", "news": "7", "image": "3"}


def test_where_workers_differ_nothing_is_certain_until_the_old_one_has_ended(ear: Ear) -> None:
    ear.hears("old", text="1", news="7")
    ear.hears("new", text="2", news="7")
    assert ear.certain == {"news": "7"}
    ear.hears("old")
    assert ear.certain == {"text": "2", "news": "7"}


def test_a_worker_that_was_killed_is_forgotten_in_time(ear: Ear) -> None:
    ear.hears("killed", text="1")
    ear.passes(20)
    ear.hears("new", text="2")
    assert ear.certain == {}
    ear.passes(9.5)
    assert ear.certain == {}
    ear.passes(0.5)
    assert ear.certain == {"text": "2"}


def test_nothing_is_certain_of_workers_that_have_all_fallen_silent(ear: Ear) -> None:
    ear.hears("w1", text="1")
    ear.passes(29.5)
    assert ear.certain == {"text": "1"}
    ear.passes(0.5)
    assert ear.certain == {}


def test_a_change_of_one_worker_ends_the_certainty_at_once(ear: Ear) -> None:
    ear.hears("w1", text="1")
    ear.hears("w2", text="1")
    ear.hears("w1", text="2")
    assert ear.certain == {}
    ear.hears("w2", text="2")
    assert ear.certain == {"text": "2"}


def test_a_reply_shows_a_version_that_nobody_announces(ear: Ear) -> None:
    ear.hears("w1", text="1", news="7")
    ear.sees(Opinion("text", "1", ()), Unanswered("news", Silence.TIMEOUT), Opinion("other", "9", ()))
    ear.sees(Opinion("text", "9", (), lasting=False))  # such as it is not remembered anyway
    assert ear.certain == {"text": "1", "news": "7"}
    ear.sees(Opinion("text", "2", ()))
    assert ear.certain == {"news": "7"}
    ear.passes(20)
    ear.hears("w1", text="1", news="7")
    ear.passes(9.5)
    assert ear.certain == {"news": "7"}
    ear.passes(0.5)
    assert ear.certain == {"text": "1", "news": "7"}


def test_a_reply_that_comes_before_its_announcement_costs_nothing_more(ear: Ear) -> None:
    ear.hears("w1", text="1")
    ear.sees(Opinion("text", "2", ()))
    ear.hears("w1", text="2")
    assert ear.certain == {"text": "2"}


@pytest.mark.parametrize("silent_ms", [2001, 60_000, -1])
def test_who_could_not_read_is_not_certain_and_begins_anew(ear: Ear, silent_ms: int) -> None:
    ear.hears("w1", text="1")
    ear.clock.now += silent_ms
    assert ear.certain == {}
    ear.announced.read_to_end()
    ear.hears("w1", text="1")
    assert ear.certain == {}
    ear.passes(12)
    assert ear.certain == {"text": "1"}


def test_no_announcement_stands_for_ever(ear: Ear) -> None:
    ear.announced.hear(headers("w1", ear.clock.now + 10**12, {"text": "1"}))
    ear.passes(59.5)
    assert ear.certain == {"text": "1"}
    ear.passes(0.5)
    assert ear.certain == {}


def test_an_announcement_that_is_too_old_says_nothing(ear: Ear) -> None:
    ear.announced.hear(headers("w1", ear.clock.now, {"text": "1"}))
    assert ear.certain == {}


RIGHT = headers("w1", NOW_MS, {"text": "1"})


@pytest.mark.parametrize(
    "wrong",
    [
        {"v": b"2"},
        {"v": None},
        {"deadline": None},
        {"deadline": b"soon"},
        {"worker": None},
        {"worker": b"\xff"},
        {"versions": None},
        {"versions": b"[]"},
    ],
)
def test_what_is_no_announcement_is_refused(ear: Ear, wrong: dict[str, bytes | None]) -> None:
    ear.hears("w1", text="1")
    given = {name: value for name, value in (RIGHT | wrong).items() if value is not None}
    with pytest.raises(ContractError):
        ear.announced.hear(given)
    assert ear.certain == {"text": "1"}


def test_the_workers_that_are_known_are_bounded(ear: Ear) -> None:
    for number in range(1001):
        ear.hears(f"w{number}", text="1")
    assert ear.certain == {}
    ear.passes(12)
    assert ear.certain == {"text": "1"}


def test_nothing_is_made_anew_while_nothing_changes(ear: Ear) -> None:
    ear.hears("w1", text="1")
    before = ear.announced.versions()
    for _ in range(3):
        ear.passes(20)
        ear.hears("w1", text="1")
    assert ear.announced.versions() is before


_steps = st.lists(
    st.tuples(st.sampled_from(["w1", "w2", "w3"]), st.dictionaries(st.sampled_from("ab"), st.sampled_from("12")))
    | st.integers(1, 40),
    max_size=12,
)


@given(_steps)
def test_it_is_certain_exactly_where_all_that_stand_agree(steps: list[tuple[str, dict[str, str]] | int]) -> None:
    ear = Ear()
    ear.announced.read_to_end()
    ear.passes(12)
    standing: dict[str, tuple[int, dict[str, str]]] = {}
    for step in steps:
        if isinstance(step, int):
            ear.passes(step)
        else:
            worker, versions = step
            ear.hears(worker, **versions)
            standing[worker] = (ear.clock.now + STANDS_MS, versions)
        said = [versions for until_ms, versions in standing.values() if until_ms > ear.clock.now]
        agreed = {name: {v[name] for v in said if name in v} for name in "ab"}
        assert ear.certain == {name: next(iter(those)) for name, those in agreed.items() if len(those) == 1}
