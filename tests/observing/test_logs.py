"""Logs: one JSON object a line, whatever the way a line takes."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from gateway import logs


@pytest.fixture
def out() -> Iterator[io.BytesIO]:
    """Where lines go, with the root logger put back afterwards."""
    written, root = io.BytesIO(), logging.getLogger()
    handlers = root.handlers[:]
    loggers = [root, *map(logging.getLogger, ("gateway", "classifiers", "aiokafka"))]
    levels = [logger.level for logger in loggers]
    logs.configure("info", written)
    yield written
    logs.stop()
    root.handlers[:] = handlers
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


def _lines(out: io.BytesIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in out.getvalue().splitlines()]


def test_both_ways_give_the_same_line(out: io.BytesIO) -> None:
    log = logging.getLogger("gateway.test")
    log.info("decision", {"outcome": "allow", "codes": ["x"]})
    logs.line(log, "decision", {"outcome": "allow", "codes": ["x"]})
    one, other = _lines(out)
    assert one | {"time": ""} == other | {"time": ""}
    assert one["message"] == "decision"
    assert one["outcome"] == "allow"
    assert one["level"] == "info"
    assert one["logger"] == "gateway.test"


def test_what_extra_gives_is_told_too(out: io.BytesIO) -> None:
    logging.getLogger("classifiers.test").error("lexicon refused", extra={"file": "terms.tsv", "problem": "line 3"})
    (line,) = _lines(out)
    assert (line["message"], line["file"], line["problem"]) == ("lexicon refused", "terms.tsv", "line 3")
    assert set(line) == {"time", "level", "logger", "message", "file", "problem"}


def test_what_libraries_give_beside_a_message_stays_out(out: io.BytesIO) -> None:
    logging.getLogger("uvicorn.error").warning("late", extra={"color_message": "\x1b[33mlate"})
    (line,) = _lines(out)
    assert set(line) == {"time", "level", "logger", "message"}


def test_an_exception_and_a_text_with_a_percent_sign(out: io.BytesIO) -> None:
    try:
        raise ValueError("no such thing")
    except ValueError:
        logging.getLogger("gateway.test").exception("100%")
    (line,) = _lines(out)
    assert line["message"] == "100%"
    assert "ValueError: no such thing" in str(line["exception"])


def test_a_level_that_is_off_writes_nothing(out: io.BytesIO) -> None:
    logs.configure("warning", out)
    logs.line(logging.getLogger("gateway.test"), "decision", {})
    logging.getLogger("gateway.test").info("decision", {})
    assert _lines(out) == []


async def test_lines_wait_a_moment_and_a_warning_takes_them_along(out: io.BytesIO) -> None:
    log = logging.getLogger("gateway.test")
    logs.line(log, "decision", {"n": 1})
    assert _lines(out) == []
    log.warning("trouble", {"n": 2})
    assert [line["n"] for line in _lines(out)] == [1, 2]


def test_without_configuration_lines_go_to_logging(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "gateway.test"):
        logs.line(logging.getLogger("gateway.test"), "decision", {"n": 1})
    assert [record.args for record in caplog.records] == [{"n": 1}]
