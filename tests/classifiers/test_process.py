"""What surrounds the work: settings, health, ops endpoint, logs, spans."""

from __future__ import annotations

import json
import logging
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from pydantic import ValidationError

from classifiers.contract import Question, Reply
from classifiers.health import STALL_SECONDS, Health
from classifiers.judge import failed
from classifiers.logs import JsonFormatter
from classifiers.main import main
from classifiers.ops import serve_ops
from classifiers.settings import Kind, Settings
from classifiers.tracing import traced, with_spans

TRACE = "0af7651916cd43dd8448eb211c80319c"
QUESTION = Question("e-1", "m-1", "t-1", ("text",), ("secret",), (), 0, f"00-{TRACE}-b7ad6b7169203331-01")


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLASSIFIERS_TOPIC_PREFIX", "x.")
    monkeypatch.setenv("CLASSIFIERS_CLASSIFIERS", "text, constant")
    monkeypatch.setenv("CLASSIFIERS_KNOWN_PICTURES", "lists/known.tsv")
    monkeypatch.setenv("CLASSIFIERS_KAFKA_SASL_PASSWORD", "hush")
    settings = Settings()
    assert settings.questions_topic == "x.questions"
    assert settings.opinions_topic == "x.opinions"
    assert settings.dead_letters_topic == "x.dead-letters"
    assert settings.names == ("text", "constant")
    assert settings.known_pictures == Path("lists/known.tsv")
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("MAX_TRIES", "0"),
        ("OPS_PORT", "70000"),
        ("KAFKA_SECURITY_PROTOCOL", "TLS"),
        ("MAX_POLL_RECORDS", "many"),
    ],
)
def test_settings_that_make_no_sense_are_refused(monkeypatch: pytest.MonkeyPatch, name: str, value: str) -> None:
    monkeypatch.setenv(f"CLASSIFIERS_{name}", value)
    with pytest.raises(ValidationError):
        Settings()


def test_settings_do_not_change() -> None:
    with pytest.raises(ValidationError):
        Settings().group_id = "other"  # type: ignore[misc]


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_ready_needs_both_broker_and_group() -> None:
    health = Health()
    seen = [health.ready]
    for report, yes in [(health.connected, True), (health.joined, True), (health.connected, False)]:
        report(yes)
        seen.append(health.ready)
    assert seen == [False, False, True, False]


def test_ready_is_who_can_answer_every_kind_of_question() -> None:
    health = Health(kinds=("text", "media"))
    seen = []
    kinds: tuple[Kind, ...] = ("text", "media")
    for kind in kinds:
        health.connected(True, kind)
        health.joined(True, kind)
        seen.append(health.ready)
    health.joined(False, "text")
    assert [*seen, health.ready] == [False, True, False]


@pytest.mark.parametrize(("given", "kinds"), [("text", ["text"]), ("media", ["media"]), ("both", ["text", "media"])])
def test_which_questions_are_answered(monkeypatch: pytest.MonkeyPatch, given: str, kinds: list[str]) -> None:
    assert Settings().kinds == ("text",)
    monkeypatch.setenv("CLASSIFIERS_QUESTIONS", given)
    assert list(Settings().kinds) == kinds


def test_a_stalled_loop_is_not_alive() -> None:
    clock = Clock()
    health = Health(clock)
    seen = []
    for seconds in (STALL_SECONDS - 1, 2):
        clock.now += seconds
        seen.append(health.alive)
    health.turned()
    assert [*seen, health.alive] == [True, False, True]


def get(port: int, path: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_the_ops_endpoint_tells_health_and_metrics() -> None:
    clock = Clock()
    health = Health(clock)
    with serve_ops("127.0.0.1", 0, health) as port:
        assert get(port, "/livez") == (200, "ok\n")
        assert get(port, "/readyz")[0] == 503
        health.connected(True)
        health.joined(True)
        assert get(port, "/readyz")[0] == 200
        clock.now += STALL_SECONDS + 1
        assert get(port, "/livez")[0] == 503
        assert get(port, "/readyz")[0] == 503
        status, text = get(port, "/metrics")
        assert status == 200
        assert "classifiers_questions_total" in text
        assert "classifiers_ready 1.0" in text
        assert get(port, "/else")[0] == 404


def _explode(text: str) -> None:
    raise ValueError(text)


def test_a_log_line_is_json_and_quotes_no_exception_text() -> None:
    try:
        _explode("words of a message")
    except ValueError as error:
        info = (type(error), error, error.__traceback__)
    record = logging.LogRecord("classifiers", logging.ERROR, __file__, 1, "judge %s", ("failed",), info)
    record.tries = 3
    line = JsonFormatter().format(record)
    told = json.loads(line)
    assert told["event"] == "judge failed"
    assert told["level"] == "error"
    assert told["tries"] == 3
    assert told["error"] == "ValueError"
    assert told["places"][-1].startswith("_explode:")
    assert "words of a message" not in line


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def provider(spans: InMemorySpanExporter) -> TracerProvider:
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    return provider


def test_a_question_has_a_span_under_its_askers(spans: InMemorySpanExporter, provider: TracerProvider) -> None:
    assert with_spans(failed, provider)(QUESTION) == failed(QUESTION)
    (span,) = spans.get_finished_spans()
    assert format(span.context.trace_id, "032x") == TRACE
    assert span.parent is not None
    assert format(span.parent.span_id, "016x") == "b7ad6b7169203331"


def test_a_failed_span_names_the_error_and_not_the_message(
    spans: InMemorySpanExporter, provider: TracerProvider
) -> None:
    def fail(question: Question) -> Reply:
        raise ValueError(question.texts[0])

    with pytest.raises(ValueError, match="secret"):
        with_spans(fail, provider)(QUESTION)
    (span,) = spans.get_finished_spans()
    assert span.status.description == "ValueError"
    assert "secret" not in span.to_json()


def test_without_an_endpoint_nothing_is_wrapped() -> None:
    with traced(failed, None) as answer:
        assert answer is failed


def told(words: list[str], monkeypatch: pytest.MonkeyPatch) -> int:
    """The status with which the worker's command ends before it works; with these settings it cannot."""
    monkeypatch.setattr(sys, "argv", ["classifiers", *words])
    monkeypatch.setenv("CLASSIFIERS_CLASSIFIERS", "no_such_package:Mine")
    with pytest.raises(SystemExit) as ended:
        main()
    assert isinstance(ended.value.code, int)
    return ended.value.code


def test_help_says_what_it_is_and_names_every_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(["--help"], monkeypatch) == 0
    shown = capsys.readouterr().out
    assert "answers the gateway's questions over Kafka" in shown
    assert {f"CLASSIFIERS_{name.upper()}" for name in Settings.model_fields} <= set(shown.split())


def test_an_argument_that_there_is_not_is_refused(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert told(["--topic", "x"], monkeypatch) == 2
    assert capsys.readouterr().err.splitlines()[-1] == "classifiers: error: unrecognized arguments: --topic x"
