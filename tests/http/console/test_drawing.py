"""What pages are drawn with: marked texts, charts, the last hour in memory."""

from __future__ import annotations

import math

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import Template

from gateway.core.shown import visible
from gateway.http.console.charts import HEIGHT, WIDTH, chart, round_up
from gateway.http.console.marks import Mark, pieces, runs
from gateway.http.console.pulse import Pulse, Sample, quantile
from gateway.http.console.rendering import amount, environment, shown
from gateway.http.console.texts import say
from tests.fakes import FakeClock

texts = st.text(alphabet=st.sampled_from("ab\n\\\u202e\u200b好<&\"'"), max_size=12)
marks = st.lists(
    st.builds(Mark, st.integers(-2, 14), st.integers(-2, 14), st.sampled_from(["spam", "fraud", "hate"])), max_size=5
)


@given(texts, marks)
def test_the_pieces_are_the_text_and_have_all_that_was_found_there(text: str, given_: list[Mark]) -> None:
    found = pieces(text, given_)
    plain = "".join(sign if sign in "\n\\" else visible(sign) for sign in text)
    assert "".join(run for piece in found for run, _ in piece.runs) == plain
    at = 0
    for piece in found:
        length = 0
        while "".join(run for run, _ in runs(text[at : at + length])) != "".join(run for run, _ in piece.runs):
            length += 1
        here = {mark.label for mark in given_ for place in range(at, at + length) if mark.start <= place < mark.end}
        assert set(piece.labels) == here
        assert set(piece.begins) <= here
        at += length
    assert at == len(text)


@given(texts)
def test_what_cannot_be_seen_is_marked_as_such(text: str) -> None:
    for run, hidden in runs(text):
        assert hidden is (run.startswith("\\") and run != "\\" and not set(run) <= {"\\"} and run[1] in "uUxnrt")
        assert "\u202e" not in run
        assert "\u200b" not in run


def message(text: str, given_: list[Mark]) -> str:
    """The markup of a message."""
    source = '{% import "macros.html" as ui with context %}{{ ui.message_text(text, marks) }}'
    template: Template = environment().from_string(source)
    return template.render(
        text=text, marks=given_, t=lambda key: say("en", key), named=lambda _group, word: word, csrf="", this=""
    )


def test_a_message_is_escaped_and_each_found_stretch_says_what_it_is() -> None:
    html = message("<b>buy now</b>\u202e", [Mark(3, 10, "spam"), Mark(7, 14, "<i>")])
    assert "<b>" not in html
    assert html.count("<mark") == 3
    assert html.count('class="label') == 2
    assert "&lt;i&gt;" in html
    assert '<span class="hidden-sign">\\u202e</span>' in html
    assert 'class="c' in html
    assert " many" in html


def test_others_text_keeps_its_direction_to_itself() -> None:
    assert str(shown("שלום <x>")) == '<bdi dir="auto">שלום &lt;x&gt;</bdi>'
    assert "\u202e" not in str(shown("a\u202eb\nc"))


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (5e-324, 1), (0.3, 0.5), (1, 1), (1.2, 2), (49, 50), (50, 50), (51, 100), (700, 1000)]
)
def test_the_top_of_a_chart_is_a_round_number(value: float, top: float) -> None:
    assert round_up(value) == pytest.approx(top)


@given(st.lists(st.one_of(st.none(), st.floats(0, 1e6)), max_size=130))
@example([5e-324])
@example([2.2250738585072014e-308, None, 1e-310])
def test_every_point_is_inside_the_chart(values: list[float | None]) -> None:
    made = chart("rate", "per_second", [("allow", values)])
    points = [tuple(map(float, point.split(","))) for stretch in made.lines[0].points for point in stretch.split(" ")]
    assert all(0 <= x <= WIDTH and 0 <= y <= HEIGHT for x, y in points)
    assert len(set(points)) <= len([value for value in values if value is not None])


def test_a_gap_parts_a_line() -> None:
    made = chart("rate", "per_second", [("allow", [1, 1, None, 1])])
    assert [len(stretch.split(" ")) for stretch in made.lines[0].points] == [2, 2]


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (0, "0"), (0.123, "0.12"), (3.0, "3"), (12.34, "12.3"), (1234567.8, "1,234,568")]
)
def test_numbers_have_as_many_digits_as_are_read(value: float | None, text: str) -> None:
    assert amount(value) == text


def test_quantiles_of_a_histogram() -> None:
    bounds = [0.1, 0.2, math.inf]
    assert quantile(bounds, [10, 10, 10], 0.5) == pytest.approx(50)
    assert quantile(bounds, [0, 10, 10], 0.5) == pytest.approx(150)
    assert quantile(bounds, [0, 0, 10], 0.5) == pytest.approx(200)
    assert quantile(bounds, [0, 0, 0], 0.5) is None
    assert quantile([], [], 0.5) is None


async def test_the_last_hour_is_kept_and_no_more() -> None:
    clock, read = FakeClock(), []

    def measured(at_ms: int) -> Sample:
        read.append(at_ms)
        count = len(read)
        return Sample(at_ms, {"allow": 10.0 * count, "hold": 5.0}, {0.1: count, math.inf: count}, 7.0, 5.0 * count, 2.0)

    pulse = Pulse(clock, measured)
    assert [line.last for line in pulse.charts()[0].lines] == [None] * 3
    for _ in range(2000):
        clock.now += 5000
        await pulse.sample()
    rate, latency, held, silence = pulse.charts()
    allowed, waiting, blocked = rate.lines
    assert allowed.last == pytest.approx(2.0)
    assert (waiting.last, blocked.last) == (0.0, 0.0)
    assert (len(allowed.points[0].split(" ")), pulse.minutes) == (120, 60)
    assert latency.lines[0].last == pytest.approx(50)
    assert held.lines[0].last == 7.0
    assert [line.last for line in silence.lines] == [pytest.approx(60.0), 2.0]
    assert len(pulse._samples) == 721


async def test_a_process_that_has_just_begun_has_a_short_line() -> None:
    clock = FakeClock()
    pulse = Pulse(clock)
    for _ in range(13):
        await pulse.sample()
        clock.now += 5000
    [line] = pulse.charts()[2].lines
    assert (len(line.points[0].split(" ")), len(line.points), pulse.minutes) == (7, 1, 10)
