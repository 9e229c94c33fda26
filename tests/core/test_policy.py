"""The policy file: every mistake is refused with its line and field, and the version is the hash of the text."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import gateway
from classifiers.contract import CATEGORIES
from gateway.core.model import Degree, Outcome
from gateway.core.policy import PolicyError, parse_policy
from tests.policies import POLICY

LINES = POLICY.splitlines()


def line_of(start: str) -> int:
    """The number of the line that begins so."""
    [number] = [number for number, line in enumerate(LINES, 1) if line.strip().startswith(start)]
    return number


def problems(text: str) -> list[tuple[int, str]]:
    """Line and field of what is wrong."""
    with pytest.raises(PolicyError) as caught:
        parse_policy(text)
    for problem in caught.value.problems:
        assert str(problem) == f"line {problem.line}: {problem.field}: {problem.message}"
        assert str(problem) in str(caught.value)
    return [(problem.line, problem.field) for problem in caught.value.problems]


@pytest.mark.parametrize(
    ("old", "new", "at", "field"),
    [
        ("deadline_ms: 800", "deadline_ms: 9", "deadline_ms", "deadline_ms"),
        ("deadline_ms: 800", "deadline_ms: 60001", "deadline_ms", "deadline_ms"),
        ("deadline_ms: 800", "deadline_ms: 800.5", "deadline_ms", "deadline_ms"),
        ("deadline_ms: 800", "deadline_ms: '800'", "deadline_ms", "deadline_ms"),
        ("deadline_ms: 800", "deadline_ms: yes", "deadline_ms", "deadline_ms"),
        ("text: {required: true", "text: {required: maybe", "text:", "classifiers.text.required"),
        ("text: {required: true, silence: hold", "text: {silence: shrug", "text:", "classifiers.text.silence"),
        ("only: media", "only: sometimes", "image:", "classifiers.image.only"),
        ("only: media", "often: true", "image:", "classifiers.image.often"),
        ("spam: {hold: 0.5", "spam: {hold: 1.1", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5", "spam: {hold: -0.1", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5", "spam: {hold: .nan", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5", "spam: {hold: .inf", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5", "spam: {hold: half", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5, block: 0.9}", "spam: {block: 0.9}", "spam:", "categories.spam.hold"),
        ("spam: {hold: 0.5, block: 0.9}", "spam: {hold: 0.9, block: 0.5}", "spam:", "categories.spam"),
        ("spam: {hold: 0.5, block: 0.9}", "spam: 0.5", "spam:", "categories.spam"),
        ("levels: [verified]", "levels: []", "- {framework: cn", "identity.accept.1.levels"),
        ("framework: cn_real_name", "framework: 7", "- {framework: cn", "identity.accept.1.framework"),
        ("missing: block", "missing: ignore", "missing:", "identity.missing"),
        ("suspended: block", "suspended: pause", "suspended:", "standing.suspended"),
        ("warn: allow", "scold: allow", "sanctions:", "standing.sanctions.scold"),
        ("warn: allow", "warn: scold", "sanctions:", "standing.sanctions.warn"),
        ("threshold: 0.8", "threshold: 80", "threshold:", "news.threshold"),
        ("unsourced: hold", "unsourced: hold\n  else: hold", "unsourced:", "news.else"),
    ],
)
def test_a_bad_value_is_named_with_its_line_and_field(old: str, new: str, at: str, field: str) -> None:
    assert POLICY.count(old) == 1
    line = line_of(at) + new.count("\n")
    assert problems(POLICY.replace(old, new)) == [(line, field)]


@pytest.mark.parametrize("key", ["classifiers", "categories", "identity", "standing", "news"])
def test_a_part_that_is_missing_is_named(key: str) -> None:
    start = LINES.index(f"{key}:")
    end = next((i for i in range(start + 1, len(LINES)) if not LINES[i].startswith(" ")), len(LINES))
    assert problems("\n".join(LINES[:start] + LINES[end:])) == [(1, key)]


@pytest.mark.parametrize("category", sorted(CATEGORIES - {"news"}))
def test_every_violation_needs_thresholds(category: str) -> None:
    text = "\n".join(line for line in LINES if not line.startswith(f"  {category}:"))
    with pytest.raises(PolicyError, match=f"no thresholds for: {category}$"):
        parse_policy(text)


@pytest.mark.parametrize("category", ["news", "politics"])
def test_what_is_no_violation_has_no_thresholds(category: str) -> None:
    with pytest.raises(PolicyError, match=f"categories: unknown: {category}$"):
        parse_policy(POLICY.replace("categories:\n", f"categories:\n  {category}: {{hold: 0.5}}\n"))


@pytest.mark.parametrize("degree", sorted(Degree))
def test_every_degree_of_sanction_needs_an_outcome(degree: Degree) -> None:
    sanctions = {name: "block" for name in Degree if name is not degree}
    text = "{" + ", ".join(f"{name}: {outcome}" for name, outcome in sanctions.items()) + "}"
    line = line_of("sanctions:")
    lines = [*LINES[: line - 1], f"  sanctions: {text}", *LINES[line:]]
    with pytest.raises(PolicyError, match=f"no outcome for: {degree}$"):
        parse_policy("\n".join(lines))


@pytest.mark.parametrize(
    ("old", "new", "line", "field"),
    [
        ("deadline_ms: 800", "deadline_ms: 800\ndeadline_ms: 900", 2, "deadline_ms"),
        ("  spam: {hold", "  hate: {hold: 1}\n  spam: {hold", line_of("spam:"), "categories.hate"),
        ("{hold: 0.5}", "{hold: 0.5, hold: 0.6}", line_of("self_harm:"), "categories.self_harm.hold"),
        (
            "{framework: eidas,",
            "{framework: eidas, framework: x,",
            line_of("- {framework: eidas"),
            "identity.accept.0.framework",
        ),
    ],
)
def test_a_key_given_twice_is_named(old: str, new: str, line: int, field: str) -> None:
    assert problems(POLICY.replace(old, new)) == [(line, field)]


def test_every_problem_is_named_at_once() -> None:
    text = POLICY.replace("deadline_ms: 800", "deadline_ms: 1").replace("threshold: 0.8", "threshold: 8")
    assert problems(text) == [(1, "deadline_ms"), (line_of("threshold"), "news.threshold")]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", 1),
        ("- a\n- b\n", 1),
        ("just text", 1),
        ("a: 1\nb: [1,\n", 3),
        ("a: 1\n\tb: 2\n", 2),
        ("a: 1\n--- \nb: 2\n", 2),
        ("a: &x 1\nb: *y\n", 2),
        ("a: 1\nb: !!python/object:os.system {}\n", 2),
        ("a: 1\nb: !unheard-of 3\n", 2),
        ("a: 1\n? [b, c]\n: 2\n", 2),
        ("a: 1\nb: 2024-13-45\n", 1),
        ("a: &x [*x]\n", 1),
    ],
)
def test_what_is_no_plain_yaml_mapping_is_refused_with_its_line(text: str, line: int) -> None:
    assert problems(text) == [(line, "file")]


def test_the_version_is_the_hash_of_the_text() -> None:
    policy = parse_policy(POLICY)
    assert policy.text == POLICY
    assert policy.version == hashlib.sha256(POLICY.encode()).hexdigest()
    assert parse_policy(POLICY + "# a remark\n").version != policy.version
    assert parse_policy(POLICY + "# a remark\n").policy == policy.policy


def test_what_may_be_left_out_is_strict() -> None:
    policy = parse_policy(POLICY.replace("text: {required: true, silence: hold}", "text: {}")).policy
    stage = policy.classifiers["text"]
    assert (stage.required, stage.silence, stage.only) == (True, Outcome.HOLD, "all")


def test_media_decides_who_is_asked() -> None:
    policy = parse_policy(POLICY).policy
    assert policy.ask(media=False) == ("text", "news")
    assert policy.ask(media=True) == ("text", "news", "image")


def test_the_shipped_policy_is_valid() -> None:
    file = Path(gateway.__file__).parent / "policy.yaml"
    assert parse_policy(file.read_text(encoding="utf-8")).policy.ask(media=True)
