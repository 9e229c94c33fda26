"""`gateway classify`: texts and files judged without a gateway, and what is printed of them."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import CliRunner, Result
from rich.cells import cell_len

import gateway
from gateway.cli import main
from gateway.core.policy import parse_policy
from tests.e2e.support import TEXTS
from tests.policies import POLICY

ALLOWED, HELD, BLOCKED = TEXTS["allow"][0], TEXTS["hold"][0], TEXTS["block"][0]
NEWS = "BEIJING, March 3 (Reuters) - The central bank said on Tuesday it would cut rates, officials told reporters."
HOME = Path(gateway.__file__).parents[1]


@pytest.fixture(autouse=True)
def _policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text(POLICY, encoding="utf-8")
    monkeypatch.setenv("GATEWAY_POLICY_FILE", str(file))
    monkeypatch.setenv("GATEWAY_DATABASE_URL", f"sqlite+aiosqlite:///{tmp_path}/none.db")


def run(*words: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(main, ["classify", *words], input=given, catch_exceptions=False)


def objects(result: Result) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in result.stdout.splitlines()]


def test_a_text_is_shown_with_decision_scores_thresholds_and_words() -> None:
    result = run(BLOCKED)
    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[0] == "decision  block, by content_violation"
    assert "[I am going to kill you]" in result.stdout
    [row] = [line for line in lines if line.startswith("violence")]
    assert row.split()[2:6] == ["##########", "text", "block", "0.90"]
    assert '"I am going to kill' in row
    assert result.stderr == ""


def test_every_text_is_a_message_of_its_own() -> None:
    result = run(ALLOWED, HELD, BLOCKED)
    decided = [line.split()[1].rstrip(",") for line in result.stdout.splitlines() if line.startswith("decision")]
    assert decided == ["allow", "hold", "block"]


@pytest.mark.parametrize("text", [*TEXTS["hold"], *TEXTS["block"], NEWS])
def test_nothing_is_wider_than_80_columns_or_in_colour(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", "300")
    for words in ((text, "--all"), ("--file", "-"), ("--file", "-", "--summary")):
        shown = run(*words, given=text.encode()).stdout
        assert "\x1b" not in shown
        assert max(cell_len(line) for line in shown.splitlines()) <= 80


def test_chinese_stands_in_columns() -> None:
    lines = run(TEXTS["hold"][1], ALLOWED).stdout.splitlines()
    header = next(line for line in lines if line.startswith("CATEGORY"))
    rows = [line for line in lines if "####" in line]
    assert len(rows) > 1
    place = header.index("WORDS")
    assert {cell_len(row[: row.index('"')]) for row in rows} == {place}


@pytest.mark.parametrize("words", [(), ("--json",), ("--file", "-"), ("--file", "-", "--json")])
def test_a_hostile_text_cannot_act_on_the_terminal(words: tuple[str, ...]) -> None:
    hostile = "\x1b[2J\x9b31m\u202e I am going to kill you \x07"
    given = words if "--file" in words else (hostile, *words)
    result = run(*given, given=hostile.encode())
    assert result.exit_code == 0
    assert not {"\x1b", "\x9b", "\u202e", "\x07"} & set(result.output)
    if "--json" in words:
        [found] = objects(result)
        assert "I am going to kill you" in found["scores"][0]["spans"][0]["text"]


def test_json_says_all_under_stable_names() -> None:
    [found] = objects(run("--json", BLOCKED))
    assert list(found) == [
        "line", "decision", "rule", "reasons", "scores", "silent", "versions", "policy_version", "milliseconds",
    ]  # fmt: skip
    assert (found["line"], found["decision"], found["rule"]) == (1, "block", "content_violation")
    assert found["policy_version"] == parse_policy(POLICY).version
    assert list(found["versions"]) == ["text", "news"]
    score = found["scores"][0]
    assert list(score) == ["category", "score", "classifier", "reaches", "threshold", "spans"]
    assert (score["category"], score["classifier"], score["reaches"], score["threshold"]) == (
        "violence", "text", "block", 0.9,
    )  # fmt: skip
    span = score["spans"][0]
    assert span == {"start": 0, "end": 22, "text": BLOCKED[:22]}
    [reason] = found["reasons"]
    assert list(reason) == ["code", "outcome", "source", "category", "score", "message"]


def test_all_shows_what_scores_nothing_and_category_only_what_is_asked_for() -> None:
    shown = objects(run("--json", BLOCKED))[0]["scores"]
    assert shown[0]["category"] == "violence"
    assert min(score["score"] for score in shown) >= 0.1
    assert len(shown) < 12
    assert len(objects(run("--json", "--all", BLOCKED))[0]["scores"]) == 12
    [found] = objects(run("--json", "--all", "--category", "hate", "--category", "spam", BLOCKED))
    assert {score["category"] for score in found["scores"]} == {"hate", "spam"}
    assert found["decision"] == "block"  # the decision is on everything


def test_news_is_held_unless_the_account_may_publish_it() -> None:
    [plain], [licensed] = objects(run("--json", NEWS)), objects(run("--json", "--news-authorised", NEWS))
    assert (plain["decision"], plain["rule"]) == ("hold", "news_not_authorised")
    assert licensed["decision"] == "allow"
    assert plain["scores"][0]["reaches"] == "news"


def test_another_policy_decides_otherwise(tmp_path: Path) -> None:
    file = tmp_path / "other.yaml"
    file.write_text(POLICY.replace("violence: {hold: 0.5, block: 0.9}", "violence: {hold: 1.0}"), encoding="utf-8")
    assert objects(run("--json", "--policy", str(file), BLOCKED))[0]["decision"] == "allow"
    file.write_text("deadline_ms: 1\n", encoding="utf-8")
    broken = run("--policy", str(file), BLOCKED)
    assert broken.exit_code == 2
    assert f"{file}: line 1: deadline_ms" in broken.stderr


def test_a_file_is_judged_line_by_line_in_order_and_bad_lines_are_counted() -> None:
    result = run("--file", "-", given=f"{ALLOWED}\n\n{HELD}\n\xff\n".encode("latin-1") + BLOCKED.encode())
    assert result.exit_code == 1
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [["1", "allow"], ["3", "hold"], ["5", "block"]]
    assert result.stderr.splitlines() == [
        "line 4: it is not UTF-8 (byte 1); convert the file",
        "3 messages: 1 allow, 1 hold, 1 block; 1 bad line",
    ]


def test_a_file_of_json_lines_gives_one_object_a_line(tmp_path: Path) -> None:
    file = tmp_path / "messages.jsonl"
    file.write_bytes(b"\n".join([orjson.dumps({"text": text, "id": 1}) for text in (ALLOWED, BLOCKED)]))
    result = run("--file", str(file), "--json")
    assert result.exit_code == 0
    assert [(found["line"], found["decision"]) for found in objects(result)] == [(1, "allow"), (2, "block")]


def test_a_summary_stands_in_place_of_the_messages() -> None:
    given = f"{ALLOWED}\n{HELD}\n{BLOCKED}\n".encode()
    shown = run("--file", "-", "--summary", given=given).stdout.splitlines()
    assert shown[0] == "3 messages: 1 allow, 1 hold, 1 block; 0 bad lines"
    assert ["violence", "-", "1", "-"] in [line.split() for line in shown]
    assert shown[-1].startswith("milliseconds a message: p50 ")
    [found] = objects(run("--file", "-", "--summary", "--json", given=given))
    assert found["decisions"] == {"allow": 1, "hold": 1, "block": 1}
    assert found["categories"]["violence"] == {"block": 1}


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ((), 2, "give texts, or --file"),
        (("--file", "-", "text"), 2, "give texts, or --file"),
        (("--category", "politics", "text"), 2, "there is no politics; there are fraud, gambling"),
        (("--file", "no/such/file"), 1, "no/such/file: cannot be read: No such file"),
    ],
)
def test_a_wrong_command_says_what_to_do(words: tuple[str, ...], status: int, said: str) -> None:
    result = run(*words)
    assert result.exit_code == status
    assert said in result.stderr


def test_classifiers_of_ones_own_judge_and_one_that_does_not_run_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "own.yaml"
    asked = "  shouting: {required: false}\n  image:"
    file.write_text(POLICY.replace("  image:", asked), encoding="utf-8")
    monkeypatch.setenv("GATEWAY_CLASSIFIERS", "text,classifiers.examples.shouting:Shouting")
    result = run("--json", "--policy", str(file), "COME ONE COME ALL, THIS IS THE SALE OF THE CENTURY")
    [found] = objects(result)
    assert ("spam", "shouting") in {(score["category"], score["classifier"]) for score in found["scores"]}
    assert found["silent"] == [{"classifier": "news", "silence": "unsupported"}]
    assert "classifier_unsupported" in {reason["code"] for reason in found["reasons"]}
    assert "the policy asks news, which does not run here" in result.stderr
    assert "shouting is not asked: list it in the policy" in run("hello").stderr
    monkeypatch.setenv("GATEWAY_CLASSIFIERS", "no_such_package:Mine")
    assert "GATEWAY_CLASSIFIERS: no_such_package:Mine: " in run("hello").stderr


def test_a_classifier_that_fails_holds_as_in_the_gateway(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = "class Text:\n    name, version = 'text', '1'\n    def judge(self, question): raise LookupError('hello')\n"
    (tmp_path / "failing_judges.py").write_text(source, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("GATEWAY_CLASSIFIERS", "failing_judges:Text,news")
    result = run("--json", "hello")
    [found] = objects(result)
    assert (found["decision"], found["rule"]) == ("hold", "classifier_failed")
    assert "line 1: a classifier failed: LookupError: hello (raised by the classifier 'text', " in result.stderr
    assert "failing_judges.py:3)" in result.stderr


def test_what_a_gateway_decides_is_decided_here() -> None:
    for outcome, texts in TEXTS.items():
        assert {found["decision"] for found in objects(run("--json", *texts))} == {outcome}


def _process(*words: str, **streams: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "gateway", "classify", *words]
    return subprocess.Popen(command, cwd=HOME, **streams)


def test_ctrl_c_prints_what_was_done() -> None:
    with _process("--file", "-", stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as running:
        assert running.stdin is not None
        assert running.stdout is not None
        running.stdin.write(f"{HELD}\n".encode())
        running.stdin.flush()
        assert running.stdout.readline().split()[:2] == [b"1", b"hold"]
        running.send_signal(signal.SIGINT)
        running.wait(timeout=60)  # though there may be more to read
        _, told = running.communicate(timeout=60)
    assert running.returncode == 130
    assert b"1 message: 0 allow, 1 hold, 0 block; 0 bad lines" in told
    assert b"interrupted" in told
    assert b"Traceback" not in told


def test_a_terminal_gets_a_bar_with_rate_and_remaining_time_and_a_file_none(tmp_path: Path) -> None:
    file = tmp_path / "messages.txt"
    file.write_text(f"{ALLOWED}\n" * 20, encoding="utf-8")
    ours, theirs = pty.openpty()
    try:
        environment = {**os.environ, "TERM": "xterm", "COLUMNS": "100"}
        with _process("--file", str(file), stdout=subprocess.PIPE, stderr=theirs, env=environment) as running:
            out, _ = running.communicate(timeout=60)
        bar = os.read(ours, 65_536).decode()
    finally:
        os.close(theirs)
        os.close(ours)
    assert running.returncode == 0
    assert len(out.splitlines()) == 20
    assert b"\x1b" not in out
    assert "20 messages, " in bar
    assert "0:00:00" in bar
